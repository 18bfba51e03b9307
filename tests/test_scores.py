"""Rules on plain numbers: what makes options of different length comparable."""

import pytest

from composer.config import NORMALIZATIONS
from composer.errors import InferenceError
from composer.scores import HARNESS, HARNESS_RULES, RULES, OptionSizes, best, normalized, rule_for
from composer.tasks import TASKS

SIZES = OptionSizes.of([" café", "no ", "日本"], [4, 1, 3])
SUMS = (-12.0, -3.0, -6.0)


def test_options_are_measured_without_the_spaces_around_them():
    assert SIZES == OptionSizes(tokens=(4, 1, 3), bytes=(5, 2, 6), characters=(4, 2, 2))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("tokens", (-3.0, -3.0, -2.0)),
        ("sum", SUMS),
        ("bytes", (-2.4, -1.5, -1.0)),
        ("characters", (-3.0, -1.5, -3.0)),
        ("pmi", (8.0, -2.0, 0.5)),
    ],
)
def test_each_rule_by_hand(how, expected):
    assert normalized(how, SUMS, SIZES, unconditional=(-20.0, -1.0, -6.5)) == pytest.approx(expected)


def test_pmi_needs_the_sums_without_a_question():
    with pytest.raises(InferenceError, match="unconditional=True"):
        normalized("pmi", SUMS, SIZES)


def test_an_unknown_rule_is_refused_with_a_guess():
    with pytest.raises(InferenceError, match="Did you mean 'bytes'"):
        normalized("byte", SUMS, SIZES)


def test_harness_is_a_name_for_the_rule_of_the_tasks_metric():
    assert [rule_for(HARNESS, TASKS[task].harness) for task in ("boolq", "hellaswag")] == ["sum", "characters"]
    assert rule_for("tokens", "acc_norm") == "tokens"


def test_every_normalization_comes_to_a_rule_under_every_metric():
    assert {rule_for(name, metric) for name in NORMALIZATIONS for metric in HARNESS_RULES} == set(RULES)


def test_lm_evaluation_harness_divides_by_characters_in_three_tasks():
    assert {task.harness for task in TASKS.values()} == set(HARNESS_RULES)
    by_characters = [name for name, task in TASKS.items() if task.harness == "acc_norm"]
    assert by_characters == ["piqa", "hellaswag", "openbookqa"]


def test_the_first_of_equals_is_best():
    assert best((-2.0, -1.0, -1.0)) == 1
