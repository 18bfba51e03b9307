"""The page's colors: one hue per family of tasks, and nothing else is colored.

Checked for color-blind eyes by a test.
"""

from __future__ import annotations

from composer.tasks import FAMILIES, TASKS

LIGHT: dict[str, str] = {
    "commonsense": "#368FFF",
    "reading": "#073DD9",
    "inference": "#E56B0B",
    "paraphrase": "#721476",
    "sentiment": "#AD0911",
    "lexical": "#A1689B",
}
DARK: dict[str, str] = {
    "commonsense": "#91DAFD",
    "reading": "#6D6CFF",
    "inference": "#F46311",
    "paraphrase": "#AB40A5",
    "sentiment": "#FFB592",
    "lexical": "#B48EB5",
}
OTHER = ("#6B7280", "#9CA3AF")
"""(light, dark), for a bank's task that belongs to none of the families."""
SURFACES_LIGHT = ("#FFFFFF",)
SURFACES_DARK = ("#0F1420", "#161D2E")
"""What the charts stand on, in both themes, as the stylesheet has it."""
GAINS = ("#3552D6", "#8CA2FF")
LOSSES = ("#D9730D", "#F08A24")
"""(light, dark), of results above and below the base model's: blue and orange, which color-blind eyes tell apart."""
MOST_SHADE = 0.5
"""How opaque the strongest of these is: the page's ink is written on it."""
INKS = ("#FFFFFF", "#04060D")
"""What is written on a color: whichever contrasts more."""


def family_of(task: str) -> str:
    return TASKS[task].family if task in TASKS else "other"


def title_of(task: str) -> str:
    return TASKS[task].title if task in TASKS else task


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2) of #RRGGBB."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(color: str) -> str:
    return max(INKS, key=lambda ink: contrast(color, ink))


def stylesheet() -> str:
    """`.fam-<family>` sets --fam and --fam-ink, `.ac-results` --gain and --loss, in both themes."""
    rules = []
    for prefix, colors, other in (("", LIGHT, OTHER[0]), (".dark ", DARK, OTHER[1])):
        for family, color in {**colors, "other": other}.items():
            rules.append(f"{prefix}.fam-{family}{{--fam:{color};--fam-ink:{ink_on(color)}}}")
    for prefix, gain, loss in zip(("", ".dark "), GAINS, LOSSES, strict=True):
        rules.append(f"{prefix}.ac-results{{--gain:{_channels(gain)};--loss:{_channels(loss)};--most:{MOST_SHADE}}}")
    return "\n".join(rules)


def _channels(color: str) -> str:
    """As `rgba()` takes them, so that the opacity can vary."""
    return ",".join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))


def client_palette() -> dict[str, dict[str, str]]:
    """For the map, which is painted and not styled."""
    return {"light": {**LIGHT, "other": OTHER[0]}, "dark": {**DARK, "other": OTHER[1]}}


def families_of(tasks: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The families that these tasks belong to, in the order of FAMILIES; other tasks last."""
    found = {family: tuple(t for t in tasks if family_of(t) == family) for family in (*FAMILIES, "other")}
    return {family: members for family, members in found.items() if members}
