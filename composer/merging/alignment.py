"""Which modules merge in one go. Adapters may lack modules; a module is merged among the adapters that have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from composer.errors import MergeError
from composer.merging.factors import Stack


@dataclass(frozen=True, eq=False)
class Group:
    """Modules that the same adapters have: slice i of every member belongs to `modules[i]`."""

    modules: tuple[str, ...]
    members: tuple[tuple[int, Stack], ...]
    """(position among the adapters, its factors of just these modules), in the adapters' order"""


def align(names: Sequence[str], stacks: Sequence[tuple[Stack, ...]]) -> tuple[Group, ...]:
    """Group modules by where each adapter keeps them. Adapters of one layout give their own stacks back, uncopied.

    Raises MergeError where two adapters disagree on the shape of a module.
    """
    places: dict[str, dict[tuple[int, int], int]] = {}
    for position, own in enumerate(stacks):
        for number, stack in enumerate(own):
            for row, module in enumerate(stack.modules):
                places.setdefault(module, {})[position, number] = row
    grouped: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for module, rows in places.items():
        grouped.setdefault(tuple(rows), []).append(module)
    groups = []
    for key, modules in grouped.items():
        taken = ((stacks[at[0]][at[1]], [places[module][at] for module in modules]) for at in key)
        members = tuple((at[0], _take(*part)) for at, part in zip(key, taken, strict=True))
        _check_shapes(names, members)
        groups.append(Group(tuple(modules), members))
    return tuple(groups)


def _take(stack: Stack, rows: list[int]) -> Stack:
    if rows == list(range(len(stack.modules))):
        return stack
    return replace(stack, modules=tuple(stack.modules[row] for row in rows), a=stack.a[rows], b=stack.b[rows])


def _check_shapes(names: Sequence[str], members: Sequence[tuple[int, Stack]]) -> None:
    first, reference = members[0]
    for position, stack in members[1:]:
        if stack.shape != reference.shape:
            raise MergeError(
                f"{stack.modules[0]} is {' x '.join(map(str, reference.shape))} in {names[first]!r} but "
                f"{' x '.join(map(str, stack.shape))} in {names[position]!r}. Merge adapters of one base model."
            )
