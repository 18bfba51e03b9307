from __future__ import annotations

from benchmarks.load import Observed, slope, summary
from benchmarks.load_section import section, section_of, with_section
from benchmarks.visitor import Timing


def observed() -> Observed:
    return Observed(
        timings=[Timing(100.0, 1_000.0 + number) for number in range(100)],
        full=["The queue is full; try again."] * 2,
        sessions=[0, 1],
        memory=[(second, 500.0 + second / 60) for second in range(180)],
        health_ms=[5.0],
    )


def test_the_figures_are_those_of_the_visitors():
    result = summary(observed(), seconds=120)
    assert (result["answers"], result["answers_per_minute"], result["sessions"]) == (100, 50.0, 2)
    assert (result["whole_ms"]["p50"], result["whole_ms"]["max"]) == (1_049.5, 1_099.0)
    assert 1_090 < result["whole_ms"]["p95"] < 1_099
    assert (result["errors"], result["queue_full"]) == ({}, {"The queue is full; try again.": 2})
    assert result["memory_mib"]["slope_per_minute"] == 1.0


def test_memory_that_only_grows_at_the_start_has_no_slope():
    assert slope([(float(second), 100.0 + min(second, 30)) for second in range(180)]) == 0.0


def test_a_page_keeps_all_but_the_section_and_the_section_is_there_once():
    first = section({"visitors": 32, "seconds": 120, "think_seconds": 2, "load_before": 0.1} | summary(observed(), 120))
    page = with_section("# Benchmarks\n\nOthers.\n", first)
    assert page == f"# Benchmarks\n\nOthers.\n\n{first}\n"
    assert section_of(page) == first
    assert section_of("# Benchmarks\n") == ""
    second = first.replace("32 visitors", "8 visitors")
    assert with_section(page + "\nMore.\n", second) == page.replace(first, second) + "\nMore.\n"
