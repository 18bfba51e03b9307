from __future__ import annotations

import html
import re

import numpy as np

from composer.retrieval.projection import project, quick_projection, read_map, write_map
from composer.types import Contribution, Neighbour, TaskWeights
from composer.ui.charts import heatmap, neighbour_list, neighbour_map, reading, ribbon
from composer.ui.charts.neighbour_map import ExampleMap
from composer.ui.svg import weights

from .sample import HOSTILE

WEIGHTS = TaskWeights((("piqa", 0.5), ("copa", 0.3), ("sst2", 0.2)), (("cb", 0.06), ("rte", 0.04)), 0.9, "inverse")
VECTORS = np.random.default_rng(0).normal(size=(60, 16)) + np.repeat(np.eye(3, 16) * 9, 20, axis=0)


def test_shown_weights_add_up_to_a_hundred():
    shown = re.findall(r'<b class="ac-weight">([\d.]+)', ribbon.draw(WEIGHTS))
    assert len(shown) == 3
    assert abs(sum(map(float, shown)) - 100) < 0.05


def test_the_saved_weights_say_what_the_page_says():
    cut = (("cb", 0.0196), ("rte", 0.0196), ("wnli", 0.0196))
    thirds = TaskWeights((("piqa", 1 / 3), ("copa", 1 / 3), ("sst2", 1 / 3)), cut, 0.9, "inverse")
    page, file = (
        html.unescape(re.sub(r"<[^>]*>", "|", drawn)) for drawn in (ribbon.draw(thirds), weights.draw(thirds, "Why?"))
    )
    figures = re.compile(r"\d+\.\d\u202f%")
    rows = page[page.index("Weight") :]
    assert figures.findall(rows) == figures.findall(file)
    assert re.findall(r"([\d.]+)\u202f% of the votes", ribbon.draw(thirds))[1:] == [
        *("31.4", "31.4", "31.4"),
        *("2.0", "1.9", "1.9"),
    ]


def test_the_ribbon_covers_the_whole():
    widths = re.findall(r'style="width:([\d.]+)%" data-hint', ribbon.draw(WEIGHTS))
    assert abs(sum(map(float, widths)) - 100) < 0.01


def test_the_cut_is_drawn_where_top_p_says():
    assert 'style="left:90.00%"' in ribbon.draw(WEIGHTS)


def test_the_list_shows_cosine_similarity_and_marks_cut_tasks():
    shown = neighbour_list.draw(
        [Neighbour("piqa", "hint\nGoal", 0.25, 0.8, "1"), Neighbour("cb", "hint\nP", 0.5, 0.6, "2")], WEIGHTS
    )
    assert ">0.75</b>" in shown and ">0.50</b>" in shown
    assert "Cosine distance 0.250; its vote is 0.800" in shown
    assert re.findall(r'<li class="fam-\w+( ac-dropped)?" data-task="(\w+)"', shown) == [
        ("", "piqa"),
        (" ac-dropped", "cb"),
    ]


def test_a_hostile_example_is_only_text():
    assert "<img" not in neighbour_list.draw([Neighbour("piqa", f"hint\n{HOSTILE}", 0.2, 0.8, HOSTILE)], WEIGHTS)


def test_an_exact_merge_is_said_to_be_exact():
    exact = Contribution("cat", WEIGHTS.kept, 0.0, 1.0)
    assert heatmap.reading(WEIGHTS, exact) == "Concatenation applied exactly what was asked for."


def test_the_sentence_names_size_and_the_task_that_gained_most():
    flat = Contribution("ties", (("piqa", 0.16), ("copa", 0.16), ("sst2", 0.16)), 0.1, 0.48)
    assert heatmap.reading(WEIGHTS, flat) == (
        "TIES applied 0.48 of the update's size and gave sst2 1.67 times its share; "
        "10% of what it applied is in none of the adapters."
    )


def test_a_negative_effective_weight_is_marked():
    odd = Contribution("linear", (("piqa", -0.2), ("copa", 0.4), ("sst2", 0.2)), 0.1, 1.2)
    assert "ac-negative" in heatmap.draw(WEIGHTS, (odd,))


def test_a_projection_is_deterministic_and_keeps_clusters_together():
    first = project(VECTORS)
    assert np.array_equal(first, project(VECTORS))
    assert first.shape == (60, 2) and first.min() == 0 and first.max() == 1
    centers = first.reshape(3, 20, 2).mean(1)
    spread = first.reshape(3, 20, 2).std(1).max()
    assert min(np.linalg.norm(centers[i] - centers[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > spread


def test_a_map_survives_its_file(tmp_path):
    ids = [f"row/{i}" for i in range(60)]
    read = read_map(write_map(tmp_path, ids, VECTORS))
    assert read.row_ids == tuple(ids)
    assert np.array_equal(read.points, project(VECTORS))


def test_the_star_lies_among_the_nearest_neighbours():
    points = quick_projection(VECTORS)
    tasks = ("piqa",) * 20 + ("cb",) * 20 + ("wic",) * 20
    example_map = ExampleMap(tuple(str(i) for i in range(60)), tasks, ("text",) * 60, points)
    near = neighbour_map.near(example_map, [Neighbour("piqa", "t", 0.1, 0.9, str(i)) for i in range(10)])
    star = neighbour_map.star(near)
    assert star is not None
    assert np.allclose(star, points[:10].mean(0), atol=1e-3)


def test_a_tasks_name_stands_in_its_densest_cluster_and_not_between_two():
    points = np.concatenate([np.full((5, 2), 0.1), np.full((4, 2), 0.9), [[0.0, 1.0]]])
    example_map = ExampleMap(tuple(map(str, range(10))), ("piqa",) * 9 + ("cb",), ("text",) * 10, points)
    assert example_map.anchors == {"piqa": (0.1, 0.1), "cb": (0.0, 1.0)}


def test_the_nearest_example_is_there_to_read():
    shown = reading.draw([Neighbour("piqa", HOSTILE, 0.25, 0.8, "1"), Neighbour("cb", "P", 0.5, 0.6, "2")])
    assert "similarity 0.75" in shown and "&lt;img" in shown and "<img" not in shown


def test_reading_an_example_that_does_not_exist_gives_nothing():
    example_map = ExampleMap(("a",), ("piqa",), ("text",), np.zeros((1, 2)))
    assert example_map.read(0)["text"] == "text"
    assert example_map.read(1) == example_map.read(-1) == example_map.read("0") == example_map.read(True) == {}
