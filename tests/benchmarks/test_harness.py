"""The comparison with lm-evaluation-harness on made-up answers: it is not installed where tests run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import harness
from benchmarks.harness import MARKS, answered, as_asked, section, write
from benchmarks.harness_agreement import METRICS, TOLERANCE, Answered, Asked, agreements, table
from benchmarks.harness_side import HarnessSide
from composer.errors import ComposerError
from composer.inference.prompts import encode_plain, split_template
from composer.types import Query

ROWS = (Asked("Why?\nAnswer:", ("so", "because"), 0), Asked("Who?\nAnswer:", ("she", "he"), 1))
OURS = (
    Answered((-2.0, -4.0), (((1,), (2, 9)), ((1,), (3, 9))), chosen=(0, 1)),
    Answered((-5.0, -3.0), (((4,), (5, 9)), ((4,), (6, 9))), chosen=(1, 1)),
)


def of(theirs: tuple[Answered, ...]):
    return dict(zip(METRICS, agreements("copa", ROWS, OURS, theirs), strict=True))


def test_equal_answers_agree_within_the_tolerance():
    near = replace(OURS[0], log_probabilities=(-2.0 + 1.5 * TOLERANCE, -4.0))  # of two tokens
    found = of((near, OURS[1]))
    assert all(one.holds and (one.rows, one.equal, one.same_tokens) == (2, 2, 2) for one in found.values())
    assert found["acc"].largest == pytest.approx(1.5 * TOLERANCE)
    assert found["acc"].largest_per_token == pytest.approx(0.75 * TOLERANCE)
    assert (found["acc"].right, found["acc_norm"].right) == ((2, 2), (1, 1))


def test_another_choice_is_counted_under_its_own_metric():
    found = of((replace(OURS[0], chosen=(0, 0)), OURS[1]))
    assert found["acc"].holds and not found["acc_norm"].holds
    assert (found["acc_norm"].equal, found["acc_norm"].right) == (1, (1, 2))


@pytest.mark.parametrize(
    "other",
    [
        {"log_probabilities": (-2.0, -4.1)},
        {"log_probabilities": (-2.0, -4.0 - 3 * TOLERANCE)},
        {"tokens": (((1,), (2, 9)), ((1,), (3, 8)))},
        {"tokens": (((1, 2), (9,)), ((1,), (3, 9)))},
    ],
)
def test_other_tokens_or_log_probabilities_do_not_hold(other):
    assert not any(one.holds for one in of((replace(OURS[0], **other), OURS[1])).values())


def test_every_row_needs_an_answer_of_both_sides():
    with pytest.raises(ValueError, match="shorter"):
        of(OURS[:1])


def test_the_table_has_a_line_for_each_task_and_metric():
    lines = table(tuple(of(OURS).values())).splitlines()
    assert lines[2:] == [
        "| copa | acc | 2 | 2 | 2 | 0.0e+00 | 0.0e+00 | 2 | 2 |",
        "| copa | acc_norm | 2 | 2 | 2 | 0.0e+00 | 0.0e+00 | 1 | 1 |",
    ]


def test_the_section_stands_between_its_marks_and_is_replaced(tmp_path: Path):
    page = tmp_path / "evaluation.md"
    first = section("1.0", tuple(of(OURS).values()))
    write(page, first)
    assert page.read_text(encoding="utf-8") == f"# Evaluation\n\n{first}\n"
    page.write_text(page.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    second = section("1.1", tuple(of((replace(OURS[0], chosen=(1, 1)), OURS[1])).values()))
    write(page, second)
    assert page.read_text(encoding="utf-8") == f"# Evaluation\n\n{second}\n\nMore.\n"
    assert first.startswith(f"{MARKS[0]}\nAll rows are equal") and second.startswith(f"{MARKS[0]}\nNot all rows")


def test_our_side_is_the_base_as_the_product_asks_it(composer):
    query = Query("Where is it?", ("the bakery", "no"), 1, "Anna has the ball.", "A hint.")
    head, tail = split_template(composer.bank.prompt_template)
    asked = as_asked(query, head, tail)
    assert asked == Asked("Anna has the ball.\nWhere is it?\nAnswer:", query.options, 1)
    found = answered(composer.base, composer.bank, query)
    base = composer.explain(query).prediction("base")
    assert found.log_probabilities == pytest.approx(base.log_probabilities, abs=1e-4)
    whole = encode_plain(composer.base.tokenizer, f"{asked.prompt} the bakery")
    assert [*found.tokens[0][0], *found.tokens[0][1]][-len(whole) :] == whole
    shares = [total / len(option) for total, option in zip(found.log_probabilities, query.options, strict=True)]
    assert found.chosen == (
        found.log_probabilities.index(max(found.log_probabilities)),
        shares.index(max(shares)),
    )


def test_where_it_is_not_installed_it_is_said_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(ComposerError, match="pip install --target FOLDER lm_eval"):
        HarnessSide(tmp_path)


def test_a_task_without_rows_is_refused_before_anything_is_loaded(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(harness, "HarnessSide", None)
    assert harness.main(["--data", str(tmp_path), "--tasks", "copa"]) == 1
    assert "no rows of any task" in capsys.readouterr().err
