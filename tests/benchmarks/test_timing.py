from __future__ import annotations

import pytest

from benchmarks import timing
from benchmarks.timing import Times, interleaved, quartiles, versus


class Clock:
    """Time passes only where a side says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    return clock


def test_sides_take_turns_and_only_they_and_settling_are_timed(clock: Clock):
    calls: list[str] = []

    def passes(seconds: float, name: str = ""):
        def act():
            clock.now += seconds
            if name:
                calls.append(name)
            return (lambda: passes(50)()) if name else None

        return act

    sides = {"ours": passes(0.001, "ours"), "peft": passes(0.010, "peft")}
    times = interleaved(sides, 3, warmup=1, before=passes(7), settle=passes(0.002))
    assert times["ours"].ms == pytest.approx([3.0] * 3)
    assert times["peft"].ms == pytest.approx([12.0] * 3)
    assert calls == ["peft", "ours", "ours", "peft", "peft", "ours", "ours", "peft"]


def test_no_round_begins_after_the_time_but_the_first(clock: Clock):
    def slow():
        clock.now += 4

    assert len(interleaved({"ours": slow}, 5, warmup=1, within_s=1)["ours"].ms) == 1
    assert len(interleaved({"ours": slow}, 5, warmup=0, within_s=9)["ours"].ms) == 3


def test_ratios_are_of_medians_and_their_spread_is_of_the_rounds():
    result = versus(Times((1.0, 2.0, 3.0)), Times((10.0, 40.0, 30.0)))
    assert (result["ours_ms"], result["peft_ms"], result["ratio"]) == (2.0, 30.0, 15.0)
    assert result["ratio_spread"] == [10.0, 15.0]
    assert result["rounds"] == 3


def test_times_of_several_methods_add_up_round_by_round():
    assert (Times((1.0, 2.0)) + Times((10.0, 20.0))).ms == (11.0, 22.0)
    with pytest.raises(ValueError, match="zip"):
        Times((1.0,)) + Times((1.0, 2.0))


def test_one_round_has_no_spread():
    assert quartiles([4.0]) == (4.0, 4.0)
