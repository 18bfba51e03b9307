from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composer.ui.markup import data, esc, percents, whole_percent


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda shares: sum(shares) > 1e-6))
def test_shown_percentages_add_up_to_a_hundred(shares: list[float]):
    total = sum(shares)
    assert abs(sum(percents([share / total for share in shares])) - 100) < 1e-6


def test_a_shown_percentage_is_off_by_less_than_its_last_digit():
    assert percents([1 / 3, 1 / 3, 1 / 3]) == (33.4, 33.3, 33.3)


def test_escaped_text_holds_no_tag_and_no_quote():
    assert esc("<b title=\"x\" id='y'>&") == "&lt;b title=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"


def test_half_a_surrogate_pair_cannot_reach_the_page():
    esc("\ud800").encode("utf-8")
    data(["\ud800"]).encode("utf-8")


def test_near_certainty_is_never_shown_as_certainty():
    assert whole_percent(0.9999).startswith(">99")
    assert whole_percent(0.0001).startswith("<1")
    assert whole_percent(0.5).startswith("50")
