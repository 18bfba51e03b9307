from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from composer.config import Settings
from composer.errors import QueryError
from composer.types import Query
from composer.ui.server.request_log import log_to, request

from .sample import trace

SECRET = "my neighbour's lantern"
Lines = Callable[[], list[dict]]


@pytest.fixture(params=[False, True], ids=["private", "with text"])
def with_text(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def lines(with_text: bool) -> Iterator[Lines]:
    """What was logged so far."""
    package, stream = logging.getLogger("composer"), io.StringIO()
    before = package.handlers, package.propagate, package.level
    log_to(stream, with_text=with_text)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    package.handlers, package.propagate, package.level = before


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
