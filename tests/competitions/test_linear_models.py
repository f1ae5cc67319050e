"""A linear model that comes with its entry, and a baseline, are evaluated by the vault itself, as the client
evaluates them, and what is wrong with one is told before it is taken."""

import json
import math
from base64 import b64encode
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from cihu.model_entry import linear_predictions
from hypothesis import given, settings
from hypothesis import strategies as st

from competition_story import DOCUMENT, safetensors
from sandbox.competitions.board_plans import baseline_of, plan_of
from sandbox.competitions.entries.linear import Constant, by_person, linear_of
from sandbox.competitions.entries.model_entry import model_bytes, model_interface, model_program
from sandbox.competitions.record import document_of
from sandbox.competitions.team_entries import checked_content
from sandbox.errors import InvalidInput
from sandbox.jobs.model import Interface

NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-5, 5))


def content_of(model: bytes, columns: list[str], kind: str) -> dict[str, Any]:
    return {"model": b64encode(model).decode(), "columns": columns, "predicts": kind}


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6),
    weights=st.tuples(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10)),
    kind=st.sampled_from(["number", "probability", "boolean"]),
)
def test_the_vault_and_the_client_predict_the_same(
    rows: list[tuple[float | None, float | None]],
    weights: tuple[float, float, float],
    kind: str,
) -> None:
    model = safetensors(coefficients=list(weights[:2]), intercept=[weights[2]])
    content = content_of(model, ["a", "b"], kind)
    interface = model_interface(content)
    found = linear_of(model_program("m.safetensors", model_bytes(content), interface), interface)
    assert found is not None
    arrays = {name: pa.array([row[at] for row in rows], pa.float64()) for at, name in enumerate("ab")}
    ours = found.predict(pa.table(arrays), interface.columns)
    frame = pd.DataFrame(pa.table(arrays).to_pandas(), dtype="float64")
    for place, own in enumerate(ours):
        made = linear_predictions(weights[:2], weights[2], frame.iloc[[place]], kind)
        [theirs] = np.asarray(made).tolist()
        assert own == theirs or (own is None and math.isnan(theirs))


def test_a_person_has_a_prediction_for_every_row_or_none() -> None:
    assert by_person([1.0, None, 2.0], [2, 1]) == [[None, None], [2.0]]


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (safetensors(coefficients=[1.0, 2.0], intercept=[0.0]), "one coefficient"),
        (safetensors(coefficients=[1.0], intercept=[float("nan")]), "finite"),
        (safetensors(weights=[1.0]), "finite"),
        (b"\xff" * 40, "finite"),
        (b"", "finite"),
        ((9).to_bytes(8, "little") + b'{"a":null', "finite"),
    ],
)
def test_a_model_that_cannot_be_evaluated_is_refused(model: bytes, told: str) -> None:
    interface = Interface(("age",), {"predicted": "boolean"})
    with pytest.raises(InvalidInput, match=told):
        linear_of(model_program("m.safetensors", model, interface), interface)


@pytest.mark.parametrize(
    "content",
    [
        {"model": "AAAA", "columns": ["age"]},
        {"model": "AAAA", "columns": [], "predicts": "boolean"},
        {"model": "AAAA", "columns": [{"name": "a", "type": "text"}], "predicts": "boolean"},
        {"model": "AAAA", "columns": [["age"]], "predicts": "boolean"},
        {"model": "AAAA", "columns": ["age"], "predicts": "text"},
        {"model": "A" * 60_000, "columns": ["age"], "predicts": "boolean"},
    ],
)
def test_what_an_entry_of_a_model_holds_is_checked(content: dict[str, Any]) -> None:
    [track, _] = document_of(DOCUMENT.replace("kinds: [program]", "kinds: [program, model]")).tracks
    with pytest.raises(InvalidInput) as refused:
        checked_content(track, "model", content)
    assert refused.value.code in ("entry_content", "bad_model_entry") and refused.value.words("zh")
    with pytest.raises(InvalidInput, match="base64"):
        model_bytes({"model": "no base64!"})


def test_another_program_is_called_for_each_person() -> None:
    interface = Interface(("age",), {"predicted": "boolean"})
    program = model_program("m.safetensors", safetensors(coefficients=[1.0], intercept=[0.0]), interface)
    files = {**program.files, "predictor.py": "predict = len\n"}
    assert linear_of(type(program)(program.entry, files, "0" * 64), interface) is None


STRATA = "[{name: often, people: 200, live: 20, final: 20, values: [true], positive: true}, {name: seldom, people: 400, live: 40, final: 40, values: [false]}]"  # noqa: E501


@pytest.mark.parametrize(
    ("metric", "more", "expected"),
    [
        ("accuracy", {}, Constant(value=False, kind="boolean")),
        ("brier", {}, Constant(0.3333, "probability")),
        ("balanced_accuracy", {}, Constant(value=True, kind="boolean")),
        ("auc", {}, Constant(0.5, "probability")),
        ("mae", {}, None),
        ("mae", {"baseline": "-2.5"}, Constant(-2.5, "number")),
        ("function", {"predicts": "boolean"}, Constant(value=False, kind="boolean")),
        ("function", {"predicts": "probability"}, Constant(0.3333, "probability")),
        ("function", {"predicts": "integer", "baseline": "2.4"}, Constant(2, "integer")),
        ("function", {"predicts": "number"}, None),
    ],
)
def test_the_baseline_follows_from_the_document(
    metric: str, more: dict[str, str], expected: Constant | None
) -> None:
    [track, _] = document_of(DOCUMENT).tracks
    assert track.board is not None
    strata = json.loads(
        json.dumps(
            [
                {"name": "often", "people": 200, "live": 20, "final": 20, "values": [True], "positive": True},
                {"name": "seldom", "people": 400, "live": 40, "final": 40, "values": [False]},
            ]
        )
    )
    board = type(track.board).model_validate(
        track.board.model_dump() | {"metric": metric, "strata": strata} | more
    )
    baseline = baseline_of(board)
    assert baseline == expected
    if baseline is not None and expected is not None:
        assert baseline.predict(pa.table({"age": [1, 2]}), ["age"]) == [expected.value] * 2
        [text] = baseline.program.files.values()
        assert json.loads(text) == {"value": expected.value, "kind": expected.kind}


def test_a_baseline_shares_the_loss_of_its_board() -> None:
    document = document_of(DOCUMENT)
    assert baseline_of(document.tracks[0].board) is None  # type: ignore[arg-type]  # it has a board
    split = document_of(
        DOCUMENT.replace("strata: [{name: all, people: 600, live: 100, final: 100}]", f"strata: {STRATA}")
    )
    with_baseline, without = plan_of(split, split.tracks[0]), plan_of(document, document.tracks[0])
    assert with_baseline.entries == without.entries + 1
