"""Choices tried on labelled rows of the tiny bank, and LoraHub's search over them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_bank import examples_of

from composer import Query
from composer.errors import SettingsError
from composer.pipeline import Composer
from composer.routing import STRATEGIES, Choice, Evidence
from composer.types import Prediction

CHOICE: Choice = (("cb", 0.6), ("copa", -0.4))


@pytest.fixture(scope="module")
def labelled() -> tuple[Query, ...]:
    return tuple(example.query() for example in examples_of("copa", "train"))


@pytest.fixture(scope="module")
def evidence(composer: Composer, labelled: tuple[Query, ...]) -> Evidence:
    settings = composer.default_settings()
    neighbours = composer.retrieve(labelled[0], settings)
    return composer.evidence(labelled[0], neighbours, composer.route(neighbours, settings), labelled=labelled)


def of_the_scores(composer: Composer, rows: tuple[Query, ...], choice: Choice) -> float:
    """One row at a time, as answers are scored."""
    settings = composer.default_settings()
    merged = [composer.merge(choice, settings, "average")] if choice else []
    losses = []
    for row in rows:
        (answer,) = composer.score(row, merged, settings, base_too=not merged)
        assert isinstance(answer, Prediction) and row.gold is not None
        losses.append(-answer.log_probabilities[row.gold] / composer.option_tokens(row)[row.gold])
    return sum(losses) / len(losses)


@pytest.mark.parametrize("choice", [(), CHOICE, (("copa", 1.0),)])
def test_the_loss_is_that_of_the_right_answers_per_token(composer: Composer, labelled, choice: Choice):
    trial = composer.trial(labelled, composer.default_settings())
    assert trial(choice) == pytest.approx(of_the_scores(composer, labelled, choice), abs=1e-5)
    assert trial(choice) == trial(choice)


def test_weights_of_zero_take_no_part(composer: Composer, labelled):
    trial = composer.trial(labelled, composer.default_settings())
    assert trial((("cb", 0.0), ("copa", 0.0))) == trial(())
    assert trial((*CHOICE, ("rte", 0.0))) == trial(CHOICE)


def test_a_trial_keeps_no_merge(composer: Composer, labelled):
    before = composer.merges.keys
    composer.trial(labelled, composer.default_settings())(CHOICE)
    assert composer.merges.keys == before


def test_fewer_than_five_rows_with_a_right_answer_are_refused(composer: Composer, labelled):
    unlabelled = tuple(replace(row, gold=None) for row in labelled)
    for rows in (labelled[:4], (*labelled[:4], *unlabelled), ()):
        with pytest.raises(SettingsError, match="at least 5 are needed"):
            composer.trial(rows, composer.default_settings())
    assert composer.trial((*labelled[:5], *unlabelled), composer.default_settings())(()) > 0


def test_lorahub_lowers_the_loss_of_its_rows_with_weights_of_either_sign(composer: Composer, evidence: Evidence):
    choice = STRATEGIES["lorahub"].choose(evidence)
    assert isinstance(choice, tuple)
    weights = [weight for _, weight in choice]
    assert evidence.loss(choice) + 0.05 * sum(map(abs, weights)) < evidence.loss(())
    assert min(weights) < 0 < max(weights)
    assert all(abs(weight) <= 1.5 for weight in weights)
    assert [abs(weight) for weight in weights] == sorted((abs(weight) for weight in weights), reverse=True)
    merged = composer.candidate("lorahub", evidence, composer.default_settings())
    assert merged is not None
    assert merged.weights == choice


def test_evidence_without_labelled_rows_has_nothing_to_try_on(composer: Composer, evidence: Evidence):
    bare = composer.evidence(evidence.query, evidence.neighbours, evidence.weights)
    with pytest.raises(SettingsError, match="at least 5 labelled rows"):
        composer.candidate("lorahub", bare, composer.default_settings())
