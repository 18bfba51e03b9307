from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from composer.config import Settings
from composer.errors import QueryError
from composer.types import Query
from composer.ui.server.json_log import JsonLines, Tracebacks, log_to
from composer.ui.server.request_log import request

from .sample import trace

SECRET = "my neighbour's lantern"
Lines = Callable[[], list[dict]]


@pytest.fixture(params=[False, True], ids=["private", "with text"])
def with_text(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def lines(with_text: bool) -> Iterator[Lines]:
    """What was logged so far."""
    root, package, stream = logging.getLogger(), logging.getLogger("composer"), io.StringIO()
    before, others = (package.handlers, package.propagate, package.level), root.handlers
    log_to(stream, with_text=with_text)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    package.handlers, package.propagate, package.level = before
    root.handlers = others


def test_a_request_is_one_line_with_timings_and_the_visitors_words_only_where_allowed(lines: Lines, with_text: bool):
    with request("answer") as entry:
        entry.asked(Query(SECRET, ("here", "there")), Settings(methods=("cat",)))
        entry.answered(trace({"cat": 0}), whole=True)
    (line,) = lines()
    assert line["request"] == "answer"
    assert line["outcome"] == "done"
    assert (line["question_chars"], line["options"], line["methods"]) == (len(SECRET), 2, ["cat"])
    assert line["timings_ms"] == {"score": 1.0}
    assert line["milliseconds"] >= 0
    assert (SECRET in json.dumps(line)) == with_text


@pytest.mark.parametrize(("error", "outcome"), [(QueryError(SECRET), "refused"), (ValueError(SECRET), "failed")])
def test_a_request_that_ends_badly_says_how_and_not_with_what_words(lines: Lines, error: Exception, outcome: str):
    with pytest.raises(type(error)), request("find"):
        raise error
    (line,) = lines()
    assert (line["outcome"], line["error"]) == (outcome, type(error).__name__)
    assert SECRET not in json.dumps(line)


@pytest.mark.parametrize(("whole", "outcome"), [(False, "left"), (True, "done")])
def test_a_visitor_who_leaves_before_the_answer_is_whole_has_left(lines: Lines, whole: bool, outcome: str):
    def work() -> Iterator[int]:
        with request("answer") as entry:
            entry.answered(trace({"cat": 0}), whole=whole)
            yield 1
            yield 2

    steps = work()
    next(steps)
    steps.close()
    assert [line["outcome"] for line in lines()] == [outcome]


def test_an_unexpected_error_is_one_line_too_and_its_words_may_be_the_visitors(lines: Lines, with_text: bool):
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        logging.getLogger("composer.ui.running").error("unexpected", exc_info=error)
    (line,) = lines()
    assert (line["level"], line["message"], line["exception"]) == ("error", "unexpected", "ValueError")
    assert "test_request_log.py" in line["at"][-1]
    assert (SECRET in json.dumps(line)) == with_text


@pytest.mark.parametrize("forged", ["\n", "\r\n", "\u2028", "\x0b", "\x85"])
def test_no_words_make_a_line_of_their_own(forged: str):
    said = f'a{forged}{{"level": "info", "request": "answer"}}'
    record = logging.LogRecord("composer.ui", logging.ERROR, "", 0, said, (), None)
    text = JsonLines(with_text=True).format(record)
    assert len(text.splitlines()) == 1
    assert json.loads(text)["message"] == said


@pytest.mark.parametrize("long", ["x" * 3_000_000, "\U0001f3be" * 10_000, "\x00" * 10_000])
def test_a_line_has_a_length(long: str):
    fields = {"message": long, "error": long, "list": [long]}
    record = logging.LogRecord("composer.ui", logging.ERROR, "", 0, "", (), None)
    record.fields, record.typed = fields, {"question": long}
    text = JsonLines(with_text=True).format(record)
    assert len(text) < 9_000
    assert json.loads(text)["message"].startswith(long[:10])


def test_what_a_library_says_of_a_value_stays_out(lines: Lines, with_text: bool):
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %s", SECRET)
    logging.getLogger("chromadb.some").warning("no good: %s", SECRET)
    one, two = lines()
    assert one["message"].startswith("Task exception was never retrieved")
    assert (SECRET in json.dumps([one, two])) == with_text


def test_a_traceback_that_gradio_would_print_is_one_line(lines: Lines, with_text: bool):
    try:
        raise ValueError(SECRET)
    except ValueError:
        Tracebacks().print_exc()
    (line,) = lines()
    assert (line["exception"], line["level"]) == ("ValueError", "error")
    assert (SECRET in json.dumps(line)) == with_text
