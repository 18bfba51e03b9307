from __future__ import annotations

import json
from dataclasses import replace

import pytest

from composer.serialize import trace_from_json, trace_to_json
from composer.types import Contribution, Failure, Neighbour, Prediction, Query, TaskWeights, Trace

MADE = Trace(
    query=Query('Was\n"ist" – das? 🙂 ', ("عربي", "<b>no</b>", "3"), gold=2, context="Ein Text.", hint="Choose."),
    neighbours=(Neighbour("piqa", "a\ttext", 0.1 + 0.2, 1 / 3, "piqa-1"), Neighbour("cb", "", 2.0, 0.0)),
    weights=TaskWeights((("piqa", 2 / 3), ("cb", 1 / 3)), (("wic", 0.1),), 0.9, "exp"),
    predictions=(
        Prediction("base", (-1e-300, -2.0, -3.0), (-0.1, -4.0, -9.0), (0.7, 0.2, 0.1), 0, 1.25),
        Prediction("ties", (1.0, 1.5, 4.0), (-3.0, -2.0, -1.0), (0.1, 0.2, 0.7), 2, 0.0, (-4.0, -3.5, -5.0)),
    ),
    contributions=(Contribution("ties", (("piqa", -0.25), ("cb", 0.0)), 1 / 7, 0.5),),
    timings_ms=(("retrieve", 1.5), ("score", 2.5)),
    bank="tiny",
    failures=(Failure("cat", "It broke. Mend it."),),
    notes=("One.", "Two."),
    references=(
        Prediction("top1", (-1.0, -2.0, -3.0), (-1.0, -2.0, -3.0), (0.7, 0.2, 0.1), 0),
        Failure("uniform", "No."),
    ),
)


@pytest.mark.parametrize(
    "trace",
    [
        MADE,
        replace(
            MADE,
            query=Query("q", ("a", "b", "c")),
            contributions=(),
            failures=(),
            notes=(),
            neighbours=(),
            references=(),
        ),
    ],
)
def test_a_trace_comes_back_from_json_as_it_was(trace: Trace):
    text = json.dumps(trace_to_json(trace), allow_nan=False)
    assert trace_from_json(json.loads(text)) == trace


def test_a_computed_trace_comes_back_bit_by_bit(composer, queries):
    *_, trace = composer.run(queries[0])
    assert [one.method for one in trace.references] == ["top1", "uniform"]
    assert trace_from_json(json.loads(json.dumps(trace_to_json(trace), allow_nan=False))) == trace


def test_the_keys_are_those_of_the_public_schema():
    data = trace_to_json(MADE)
    assert set(data) == {
        *("bank", "query", "context", "hint", "gold", "options", "neighbours", "weights", "predictions"),
        *("contributions", "timings_ms", "failures", "references", "notes"),
    }
    assert data["query"] == MADE.query.text
    assert data["options"] == ["عربي", "<b>no</b>", "3"]
    assert set(data["neighbours"][0]) == {"task", "text", "distance", "similarity", "vote", "row_id"}
    assert data["weights"]["kept"] == {"piqa": 2 / 3, "cb": 1 / 3}
    assert data["weights"]["dropped"] == {"wic": 0.1}
    assert data["predictions"]["ties"]["chosen"] == "3"
    assert data["predictions"]["base"]["probabilities"] == [0.7, 0.2, 0.1]
    assert data["predictions"]["base"]["log_probabilities"] == [-0.1, -4.0, -9.0]
    assert (data["references"]["top1"]["chosen"], data["references"]["uniform"]) == ("عربي", {"failed": "No."})
    assert data["contributions"]["ties"]["effective"] == {"piqa": -0.25, "cb": 0.0}
