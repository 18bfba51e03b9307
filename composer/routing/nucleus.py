"""From neighbours to task weights: votes summed per task, normalized, cut by a nucleus (top-p)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from composer.errors import SearchIndexError, SettingsError, shown
from composer.routing.kernels import kernel_named
from composer.types import Neighbour, TaskWeights

CUMULATION_TOLERANCE = 1e-12
"""What a cumulative mass may lack of top-p: sums such as .1 + .2 land a rounding error below .3."""


def reweigh(neighbours: Sequence[Neighbour], kernel: str) -> tuple[Neighbour, ...]:
    """The same neighbours with another kernel's votes, from the distances at hand: no embedding, no search."""
    function = kernel_named(kernel)
    return tuple(replace(neighbour, vote=function(neighbour.distance)) for neighbour in neighbours)


def route(neighbours: Sequence[Neighbour], *, top_p: float, kernel: str) -> TaskWeights:
    """Keep the fewest heaviest tasks whose mass reaches top_p. There is always one; p = 1 keeps all that have any mass.

    `kernel` names what the votes were made with. Raises SettingsError for an unknown kernel or a top_p outside
    (0, 1], and SearchIndexError where there is nothing to weigh.
    """
    kernel_named(kernel)
    if not 0 < top_p <= 1:
        raise SettingsError(f"top-p is {shown(top_p)}; it must be above 0 and at most 1.")
    masses = _masses(neighbours, kernel)
    size = _nucleus_size([mass for _, mass in masses], top_p)
    total = math.fsum(mass for _, mass in masses[:size])
    kept = tuple((task, mass / total) for task, mass in masses[:size])
    return TaskWeights(kept=kept, dropped=tuple(masses[size:]), top_p=top_p, kernel=kernel)


def _masses(neighbours: Sequence[Neighbour], kernel: str) -> list[tuple[str, float]]:
    """(task, share of the votes), heaviest first, ties by name."""
    if not neighbours:
        raise SearchIndexError(
            "the search found no neighbours, so no task can be weighed. Rebuild with `index build --force`."
        )
    per_task: dict[str, list[float]] = {}
    for neighbour in neighbours:
        if not (math.isfinite(neighbour.vote) and neighbour.vote >= 0):
            raise SearchIndexError(f"neighbour {neighbour.row_id!r} has the vote {neighbour.vote}; rebuild the index.")
        per_task.setdefault(neighbour.task, []).append(neighbour.vote)
    # fsum rounds once, so the order in which neighbours arrive cannot change a weight.
    sums = {task: math.fsum(votes) for task, votes in per_task.items()}
    total = math.fsum(sums.values())
    if total <= 0:
        raise SettingsError(
            f"all {len(neighbours)} neighbours have a vote of 0 under the kernel {kernel!r}. Choose 'inverse'."
        )
    return sorted(((task, mass / total) for task, mass in sums.items()), key=lambda item: (-item[1], item[0]))


def _nucleus_size(masses: Sequence[float], top_p: float) -> int:
    with_mass = sum(1 for mass in masses if mass > 0)
    if top_p >= 1:
        return with_mass
    for size in range(1, with_mass):
        if math.fsum(masses[:size]) >= top_p - CUMULATION_TOLERANCE:
            return size
    return with_mass
