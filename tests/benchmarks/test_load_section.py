from __future__ import annotations

from benchmarks.load import Observed, Sample, growth, summary
from benchmarks.load_section import section, section_of, with_section
from benchmarks.visitor import Timing


def observed() -> Observed:
    return Observed(
        timings=[Timing(100.0, 1_000.0 + number) for number in range(100)],
        full=["The queue is full; try again."] * 2,
        sessions=[0, 1],
        memory=[Sample(second, 2 * second, 500.0 + second / 60) for second in range(180)],
        health_ms=[5.0],
    )


def test_the_figures_are_those_of_the_visitors():
    result = summary(observed(), seconds=120)
    assert (result["answers"], result["answers_per_minute"], result["sessions"]) == (100, 50.0, 2)
    assert (result["whole_ms"]["p50"], result["whole_ms"]["max"]) == (1_049.5, 1_099.0)
    assert 1_090 < result["whole_ms"]["p95"] < 1_099
    assert (result["errors"], result["queue_full"]) == ({}, {"The queue is full; try again.": 2})
    assert result["memory_mib"]["second_half"] == {"per_minute": 1.0, "per_100_answers": 0.83}


def test_memory_that_only_grows_in_the_first_half_has_no_slope_in_the_second():
    filled = Observed(memory=[Sample(float(second), second, 100.0 + min(second, 90)) for second in range(180)])
    found = summary(filled, seconds=180)["memory_mib"]
    assert found["first_half"] == {"per_minute": 60.0, "per_100_answers": 100.0}
    assert found["second_half"] == {"per_minute": 0.0, "per_100_answers": 0.0}


def test_memory_without_an_answer_has_no_slope_by_answers():
    assert growth([Sample(0.0, 0, 1.0), Sample(60.0, 0, 3.0)]) == {"per_minute": 2.0, "per_100_answers": 0.0}


def test_a_page_keeps_all_but_the_section_and_the_section_is_there_once():
    first = section({"visitors": 32, "seconds": 120, "think_seconds": 2, "load_before": 0.1} | summary(observed(), 120))
    page = with_section("# Benchmarks\n\nOthers.\n", first)
    assert page == f"# Benchmarks\n\nOthers.\n\n{first}\n"
    assert section_of(page) == first
    assert section_of("# Benchmarks\n") == ""
    second = first.replace("32 visitors", "8 visitors")
    assert with_section(page + "\nMore.\n", second) == page.replace(first, second) + "\nMore.\n"
