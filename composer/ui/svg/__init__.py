"""What the page saves: its charts as SVG files for papers and slides, on white and in the light palette."""

from composer.ui.svg import answers, heat, map, weights

__all__ = ["answers", "heat", "map", "weights"]
