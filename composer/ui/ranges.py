"""What the form's number fields hold. Links are held to the same, so that whatever is opened can be asked again."""

from __future__ import annotations

from dataclasses import dataclass

from composer.errors import SettingsError


@dataclass(frozen=True)
class Range:
    title: str
    low: float
    high: float
    step: float

    def read(self, text: str) -> float:
        """The number that a link has, an int where only whole ones are held. Raises SettingsError."""
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        whole = self.step == 1
        if not self.low <= value <= self.high or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise SettingsError(f"{self.title} is {text[:20]!r}; it must be {kind} from {self.low:g} to {self.high:g}.")
        return int(value) if whole else value


RANGES: dict[str, Range] = {
    "top_p": Range("top-p", 0.01, 1.0, 0.01),
    "top_k": Range("top-k", 1, 1_000, 1),
    "density": Range("density", 0.05, 1.0, 0.05),
}
"""By the names of `Inputs`."""
