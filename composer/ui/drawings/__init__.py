"""The page's charts as SVG files for papers and slides: on white, in the light palette, one chart a file."""

from composer.ui.drawings import answers, heat, neighbour_map, weights

__all__ = ["answers", "heat", "neighbour_map", "weights"]
