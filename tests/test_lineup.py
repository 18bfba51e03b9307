"""The line-up is the one table of who is compared."""

from __future__ import annotations

import pytest

from composer.config import DEFAULT_METHODS
from composer.errors import SettingsError
from composer.lineup import BASE, LINEUP, REFERENCES, RETRIEVAL, candidate_named, candidates_named
from composer.merging import GATES, METHODS
from composer.routing import STRATEGIES


def test_every_method_is_a_candidate_of_its_own_name_over_what_was_retrieved():
    assert [c.name for c in LINEUP.values() if c.strategy == RETRIEVAL] == list(METHODS)
    assert all(c.method == c.name for c in LINEUP.values() if c.strategy == RETRIEVAL)
    assert set(DEFAULT_METHODS) < set(LINEUP)


def test_every_strategy_has_a_candidate_and_all_but_the_base_and_gates_a_method():
    assert {candidate.strategy for candidate in LINEUP.values()} == set(STRATEGIES)
    assert {c.name for c in LINEUP.values() if c.method is None} == {BASE, *GATES}
    assert {c.method for c in LINEUP.values()} - {None} == set(METHODS)
    assert all(name == candidate.name for name, candidate in LINEUP.items())


def test_each_says_what_it_is_in_words_of_its_own():
    assert len({c.title for c in LINEUP.values()}) == len({c.meaning for c in LINEUP.values()}) == len(LINEUP)
    assert [c.name for c in LINEUP.values() if c.needs_own] == ["own"]
    assert [c.name for c in LINEUP.values() if c.needs_rows] == ["lorahub"]
    assert set(REFERENCES) < set(LINEUP)


def test_candidates_that_differ_in_the_method_alone_share_what_they_choose():
    fusion, mixture = LINEUP["loraretriever_fusion"], LINEUP["loraretriever_mixture"]
    assert (fusion.method, mixture.method) == ("average", "cat")
    assert STRATEGIES[fusion.strategy].choose is STRATEGIES[mixture.strategy].choose


def test_names_are_sorted_into_the_tables_order_each_once():
    assert [c.name for c in candidates_named(("ties", "base", "ties", "own"))] == ["base", "own", "ties"]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(SettingsError, match="unknown candidate 'unifrom'. Did you mean 'uniform'"):
        candidate_named("unifrom")
    with pytest.raises(SettingsError, match="no candidate was chosen. Choose at least one of base"):
        candidates_named(())
