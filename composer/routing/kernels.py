"""From a cosine distance to a vote. No kernel has a temperature: the neighbours' distances decide alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from composer.errors import SettingsError, unknown


@dataclass(frozen=True)
class Kernel:
    """A function that falls with the distance and is never negative, with the words that a page needs."""

    function: Callable[[float], float]
    title: str
    formula: str

    def __call__(self, distance: float) -> float:
        return self.function(distance)


def inverse(distance: float) -> float:
    return 1.0 / (1.0 + distance)


def exponential(distance: float) -> float:
    return math.exp(-distance)


def cosine(distance: float) -> float:
    # An example that points away from the question counts for nothing, never for less than nothing.
    return max(0.0, 1.0 - distance)


KERNELS: dict[str, Kernel] = {
    "inverse": Kernel(inverse, title="Inverse distance", formula="1 / (1 + d)"),
    "exp": Kernel(exponential, title="Exponential", formula="exp(−d)"),
    "cosine": Kernel(cosine, title="Cosine", formula="max(0, 1 − d)"),
}


def kernel_named(name: str) -> Kernel:
    """Raises SettingsError, with the nearest name, for a kernel that does not exist."""
    if name not in KERNELS:
        raise SettingsError(unknown("kernel", name, KERNELS))
    return KERNELS[name]
