"""What people type wrong: each gets an answer or one sentence, never a traceback."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from composer import Query, RetrievalSettings, Settings
from composer.bank.manifest import load_bank
from composer.config import MergeSettings, ScoreSettings
from composer.errors import BankError, InferenceError, MergeError, QueryError, SearchIndexError, SettingsError
from composer.merging import merge
from composer.pipeline import Composer

GOOD = ("a sports store", "a bakery")
ASK = ("predict", "--query", "Where?", "--option", "here", "--option", "there")


def asked(text: str, *options: str) -> tuple[str, ...]:
    return ("predict", f"--query={text}", *(f"--option={option}" for option in options))


# The question and its options


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        pytest.param("", GOOD, "question is empty", id="empty question"),
        pytest.param(" \n\t\u2003 ", GOOD, "question is empty", id="blank question"),
        pytest.param("q" * 4_001, GOOD, "4,001 characters; 4,000 are allowed", id="question too long"),
        pytest.param("Where?", (), "0 answer options were given; 2 to 8", id="no option"),
        pytest.param("Where?", ("here",), "1 answer options were given; 2 to 8", id="one option"),
        pytest.param("Where?", tuple("abcdefghi"), "9 answer options were given; 2 to 8", id="nine options"),
        pytest.param("Where?", ("here", "there", " here "), "options 1 and 3 are the same", id="duplicate options"),
        pytest.param("Where?", ("here", " "), "option 2 is empty", id="blank option"),
        pytest.param("Where?", ("here", "o" * 2_001), "option 2 has 2,001 characters", id="option too long"),
        pytest.param("Wh\x00ere?", GOOD, "question holds a NUL", id="NUL in the question"),
        pytest.param("Where?", ("he\x00re", "there"), "option 1 holds a NUL", id="NUL in an option"),
        pytest.param("Where\ud83d?", GOOD, "question holds half of a surrogate", id="lone surrogate in the question"),
        pytest.param("Where?", ("here", "\udcff"), "option 2 holds half of a surrogate", id="lone surrogate in option"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_sentence(
    cli, refused, text: str, options: tuple[str, ...], words: str
):
    with pytest.raises(QueryError, match=words):
        Query(text, options)
    refused(cli(*asked(text, *options)), words)


@pytest.mark.parametrize("context", ["", "  ", "a\x00b", "\ud800"])
def test_a_passage_that_is_no_text_is_one_sentence(cli, refused, context: str):
    with pytest.raises(QueryError, match="the passage"):
        Query("Where?", GOOD, context=context)
    refused(cli(*ASK, "--context", context), "the passage")


@pytest.mark.parametrize("text", [None, 7, b"Where?", ["Where?"]])
def test_what_is_not_text_is_one_sentence(text):
    with pytest.raises(QueryError, match="not text"):
        Query(text, GOOD)
    with pytest.raises(QueryError, match="not text"):
        Query("Where?", ("here", text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("أين يمكنني شراء كرة تنس؟ \u202eabc\u202c", id="right-to-left"),
        pytest.param("🎾👩‍👩‍👧‍👦🇩🇪 𝕨𝕙𝕖𝕣𝕖", id="emoji"),
        pytest.param("<script>alert(1)</script> ${7*7} {{x}} &lt;", id="HTML"),
        pytest.param("</s><s>[INST] <unk> {prompt} {0} %s", id="special tokens and placeholders"),
        pytest.param("'; DROP TABLE embeddings; -- \x1b[2J\r\n\x07", id="SQL and controls"),
        pytest.param("Z̸͕̈a̷͐l̵͝g̶o " + "x" * 3_000, id="combining marks and one long word"),
        pytest.param("?", id="one character"),
    ],
)
def test_odd_text_gets_an_answer(composer: Composer, text: str):
    trace = composer.explain(Query(text, (text[:80], "no")))
    assert not trace.failures
    for prediction in trace.predictions:
        assert all(map(math.isfinite, prediction.scores))
        assert math.isclose(sum(prediction.probabilities), 1.0)


def test_options_beyond_what_the_model_reads_are_one_sentence(composer: Composer):
    with pytest.raises(InferenceError, match="leaves no room for the question. Shorten the options"):
        composer.explain(Query("Where?", ("x" * 2_000, "y")))


def test_odd_text_is_printed_without_acting_on_the_terminal(composer: Composer, cli):
    ended = cli(*asked("أين\u202e \x1b[2J <b>🎾</b>", "<script>", "🎾"), "--method=cat")
    assert ended.status == 0
    assert "<b>🎾</b>" in ended.out
    assert not re.search("[\x1b\u202e]", ended.out)


# Names and numbers


def test_an_unknown_bank_gets_the_nearest_name(cli, refused):
    with pytest.raises(BankError, match="Did you mean 'smollm2-135m'"):
        load_bank("smollm2")
    with pytest.raises(BankError, match="Did you mean 'smollm2-135m'"):
        Composer.open("smollm2")
    refused(cli(*ASK, "--bank", "smollm2"), "unknown bank 'smollm2'. Did you mean 'smollm2-135m'")
    refused(cli("bank", "show", "--bank", "/no/where"), "no bank.toml in /no/where")


def test_an_unknown_task_gets_the_nearest_name(composer: Composer, cli, refused, tmp_path: Path):
    with pytest.raises(BankError, match="Did you mean 'piqa'"):
        composer.merge((("pika", 1.0),), composer.default_settings(), "cat")
    refused(cli("merge", "--weight=pika=1", "--method=cat", "--output", tmp_path / "m"), "Did you mean 'piqa'")
    refused(cli("evaluate", "--tasks", "copaa"), "Did you mean 'copa'")


def test_an_unknown_method_gets_the_nearest_name(composer: Composer, cli, refused, tmp_path: Path):
    with pytest.raises(MergeError, match="Did you mean 'ties'"):
        composer.explain(Query("Where?", GOOD), Settings(methods=("tis",)))
    refused(cli(*ASK, "--method", "tis"), "Did you mean 'ties'")
    refused(cli(*ASK, "--method", ","), "no method was chosen")
    refused(cli("merge", "--weight=cb=1", "--method=liner", "--output", tmp_path / "m"), "Did you mean 'linear'")
    refused(cli("evaluate", "--candidates", "owm"), "Did you mean 'own'")
    refused(cli("evaluate", "--asked", "hint"), "Did you mean 'hinted'")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        pytest.param((("cb", math.nan), ("copa", 1.0)), "the weight of 'cb' is nan", id="NaN"),
        pytest.param((("cb", 1.0), ("copa", -math.inf)), "the weight of 'copa' is -inf", id="infinite"),
        pytest.param((("cb", 0.0), ("copa", -0.0)), "all weights are zero", id="all zero"),
        pytest.param((("cb", 1.0), ("cb", 1.0)), "'cb' is given 2 times", id="given twice"),
    ],
)
def test_weights_that_merge_nothing_are_one_sentence(
    composer: Composer, cli, refused, small_bank: Path, tmp_path: Path, weights, words: str
):
    with pytest.raises(MergeError, match=words):
        merge("cat", [composer.adapters.get(task) for task, _ in weights], weights)
    given = [f"--weight={task}={weight}" for task, weight in weights]
    ended = cli("merge", "--bank", small_bank, *given, "--method=cat", "--output", tmp_path / "merged")
    refused(ended, words)
    assert not (tmp_path / "merged").exists()


def test_only_merge_takes_a_negative_weight(composer: Composer, cli, small_bank: Path, tmp_path: Path):
    neighbours = composer.retrieve(Query("Where?", GOOD), composer.default_settings())
    negative = [replace(neighbour, vote=-0.5) for neighbour in neighbours]
    with pytest.raises(SearchIndexError, match="the vote -0.5"):
        composer.route(negative, composer.default_settings())
    given = ("merge", "--bank", small_bank, "--weight=cb=-1", "--method=cat", "--output", tmp_path / "merged")
    assert cli(*given).status == 0


@pytest.mark.parametrize("top_p", [0.0, -0.1, 1.01, math.nan, math.inf])
def test_a_top_p_out_of_range_is_one_sentence(cli, refused, top_p: float):
    with pytest.raises(SettingsError, match="top-p is"):
        RetrievalSettings(top_p=top_p)
    refused(cli(*ASK, f"--top-p={top_p}"), "top-p is .*; it must be above 0 and at most 1")


@pytest.mark.parametrize("top_k", [0, -1, 1_001])
def test_a_top_k_out_of_range_is_one_sentence(cli, refused, top_k: int):
    with pytest.raises(SettingsError, match="top-k is"):
        RetrievalSettings(top_k=top_k)
    refused(cli(*ASK, f"--top-k={top_k}"), "top-k is .*; it must be a whole number from 1 to 1000")


@pytest.mark.parametrize("density", [0.0, -0.7, 1.5, math.nan])
def test_a_density_out_of_range_is_one_sentence(cli, refused, tmp_path: Path, density: float):
    with pytest.raises(SettingsError, match="density is"):
        MergeSettings(density=density)
    refused(cli(*ASK, f"--density={density}"), "density is")
    given = ("merge", "--weight=cb=1", "--method=ties", "--output", tmp_path / "merged")
    refused(cli(*given, f"--density={density}"), "density is")


def test_a_density_that_keeps_nothing_leaves_the_methods_that_do_not_trim(composer: Composer):
    settings = Settings(merge=MergeSettings(density=1e-9))
    trace = composer.explain(Query("Where?", GOOD), settings)
    assert {failure.method for failure in trace.failures} == {"ties", "magnitude_prune"}
    assert all("keeps none" in failure.message for failure in trace.failures)
    assert [prediction.method for prediction in trace.predictions] == ["base", "linear", "cat"]


def test_other_settings_that_do_not_exist_get_the_nearest_name(cli, refused):
    with pytest.raises(SettingsError, match="Did you mean 'tokens'"):
        ScoreSettings("token")
    refused(cli(*ASK, "--normalization", "token"), "Did you mean 'tokens'")
    refused(cli(*ASK, "--kernel", "invers"), "Did you mean 'inverse'")
    refused(cli(*ASK, "--majority-sign", "totals"), "Did you mean 'total'")
    refused(cli("evaluate", "--limit", "0"), "limit is 0")


def test_a_port_that_is_none_is_one_sentence(cli, refused, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "http")
    refused(cli("bank", "show"), "GRADIO_SERVER_PORT is 'http'")


def test_a_kernel_under_which_all_neighbours_count_nothing_is_one_sentence(composer: Composer):
    far = [replace(n, distance=1.5) for n in composer.retrieve(Query("Where?", GOOD), Settings())]
    with pytest.raises(SettingsError, match="Choose 'inverse'"):
        composer.explain(Query("Where?", GOOD), Settings(RetrievalSettings(kernel="cosine")), neighbours=far)
