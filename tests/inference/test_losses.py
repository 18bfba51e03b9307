"""Many rows in a pass lose what each loses alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_bank import TEMPLATE

from composer.errors import InferenceError
from composer.inference import losses
from composer.inference.losses import batches, mean_loss
from composer.inference.packing import PackedRow, joined, pack
from composer.inference.prompts import encode_option, encode_prompt
from composer.inference.scoring import score

ASKED = (
    ("Where would a person buy a fresh loaf of bread?", ("the bakery on the corner", "no")),
    ("Anna gave the ball to her brother.", ("yes", "no")),
    ("Is it?", ("the film was a delight from start to end", "school")),
)


@pytest.fixture
def rows(tiny) -> list[PackedRow]:
    """The first option is the right answer."""
    return [
        pack(
            encode_prompt(tiny.tokenizer, TEMPLATE.replace("{prompt}", question)),
            [encode_option(tiny.tokenizer, TEMPLATE, options[0])],
        )
        for question, options in ASKED
    ]


def expected(base, merged) -> float:
    """Of the scores, which are divided by tokens."""
    found = [score(base, question, options, merged, template=TEMPLATE)[-1] for question, options in ASKED]
    return -sum(one.scores[0] for one in found) / len(found)


def test_the_mean_loss_is_that_of_the_scores_of_the_base_and_of_every_merge(tiny, four_merges, rows):
    assert mean_loss(tiny, batches(rows), None) == pytest.approx(expected(tiny, []), abs=1e-5)
    for merged in four_merges:
        assert mean_loss(tiny, batches(rows), merged) == pytest.approx(expected(tiny, [merged]), abs=1e-5)


def test_how_rows_are_batched_changes_nothing_but_rounding(tiny, four_merges, rows, monkeypatch: pytest.MonkeyPatch):
    together = batches(rows)
    monkeypatch.setattr(losses, "TOKENS_AT_ONCE", 60)
    apart = batches(rows)
    assert len(together) == 1 < len(apart)
    assert [token for row in apart for token in row.targets.tolist()] == together[0].targets.tolist()
    found = [mean_loss(tiny, one, four_merges[0]) for one in (together, apart, [joined([row]) for row in rows])]
    assert found == pytest.approx([found[0]] * 3, abs=1e-5)


def test_joined_rows_do_not_see_each_other(rows):
    one = joined(rows)
    starts = [0, len(rows[0].ids), len(rows[0].ids) + len(rows[1].ids), len(one.ids)]
    for row, start, end in zip(rows, starts[:-1], starts[1:], strict=True):
        assert torch.equal(one.visible[start:end, start:end], row.visible)
        assert one.visible[start:end].sum() == row.visible.sum()
        assert one.positions[start] == 0
    assert one.lengths == tuple(length for row in rows for length in row.lengths)


def test_a_merge_that_overflows_loses_without_bound(tiny, four_merges, rows):
    broken = replace(
        four_merges[0],
        stacks=tuple(replace(stack, b=torch.full_like(stack.b, torch.inf)) for stack in four_merges[0].stacks),
    )
    assert mean_loss(tiny, batches(rows), broken) == float("inf")


def test_a_merge_for_another_base_is_refused(tiny, four_merges, rows):
    stack = four_merges[0].stacks[0]
    other = replace(four_merges[0], stacks=(replace(stack, modules=tuple(f"x.{name}" for name in stack.modules)),))
    with pytest.raises(InferenceError, match="which the base model lacks"):
        mean_loss(tiny, batches(rows), other)
