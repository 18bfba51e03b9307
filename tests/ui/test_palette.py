from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from composer.config import ROOT
from composer.tasks import FAMILIES
from composer.ui import palette
from composer.ui.results import CHANCE_SHADE, LEAST_SHADE

SIMULATIONS = {
    # Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
THEMES = {"light": (palette.LIGHT, palette.SURFACES_LIGHT), "dark": (palette.DARK, palette.SURFACES_DARK)}


def linear_rgb(color: str) -> np.ndarray:
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return lab @ np.cbrt(lms @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eyes", SIMULATIONS)
def test_any_two_families_can_be_told_apart(theme: str, eyes: str):
    colors = [oklab(SIMULATIONS[eyes] @ linear_rgb(color)) for color in THEMES[theme][0].values()]
    assert min(np.linalg.norm(a - b) for a, b in combinations(colors, 2)) * 100 >= 12


@pytest.mark.parametrize("theme", THEMES)
def test_every_family_stands_out_from_the_background(theme: str):
    colors, surfaces = THEMES[theme]
    assert min(palette.contrast(color, surface) for color in colors.values() for surface in surfaces) >= 3


@pytest.mark.parametrize(("theme", "block"), [("light", ":root {"), ("dark", ".dark {")])
def test_the_backgrounds_are_those_of_the_stylesheet(theme: str, block: str):
    style = (ROOT / "assets" / "style.css").read_text(encoding="utf-8")
    surface = style.partition(block)[2].partition("--ac-surface: ")[2].partition(";")[0]
    assert surface.upper() in THEMES[theme][1]


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_written_on_a_color_can_be_read(theme: str):
    assert min(palette.contrast(color, palette.ink_on(color)) for color in THEMES[theme][0].values()) >= 4.5


def on(color: str, surface: str, opacity: float) -> str:
    """What is seen of a color that the surface shines through."""
    mixed = (opacity * int(color[i : i + 2], 16) + (1 - opacity) * int(surface[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(value):02X}" for value in mixed)


RESULTS = {
    "light": (palette.GAINS[0], palette.LOSSES[0], palette.SURFACES_LIGHT[0], "#111A2E", "#56607A"),
    "dark": (palette.GAINS[1], palette.LOSSES[1], palette.SURFACES_DARK[1], "#EDF0F9", "#A3ADC6"),
}
"""(gain, loss, surface, ink, soft ink), as the stylesheet has them."""


@pytest.mark.parametrize("theme", RESULTS)
@pytest.mark.parametrize("eyes", SIMULATIONS)
@pytest.mark.parametrize("strength", [LEAST_SHADE, 1.0])
def test_a_gain_and_a_loss_can_be_told_apart_by_any_eyes(theme: str, eyes: str, strength: float):
    gain, loss, surface = RESULTS[theme][:3]
    seen = [on(color, surface, strength * palette.MOST_SHADE) for color in (gain, loss)]
    one, other = (oklab(SIMULATIONS[eyes] @ linear_rgb(color)) for color in seen)
    assert np.linalg.norm(one - other) * 100 >= (4 if strength < 1 else 12)


@pytest.mark.parametrize("theme", RESULTS)
def test_a_figure_can_be_read_on_the_strongest_shade_and_a_doubtful_one_on_the_palest(theme: str):
    gain, loss, surface, ink, soft = RESULTS[theme]
    for color in (gain, loss):
        assert palette.contrast(ink, on(color, surface, palette.MOST_SHADE)) >= 4.5
        assert palette.contrast(soft, on(color, surface, CHANCE_SHADE * palette.MOST_SHADE)) >= 4.5


def test_each_family_has_a_color_in_both_themes():
    assert set(palette.LIGHT) == set(palette.DARK) == set(FAMILIES)


def test_a_task_that_nobody_knows_still_gets_a_color():
    assert palette.family_of("my_own_task") == "other"
    assert ".fam-other" in palette.stylesheet()
