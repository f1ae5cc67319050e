"""A document tells all its faults at once, each at its place, in both languages."""

import json

import pytest

from competition_story import DOCUMENT
from sandbox.competitions.board_plans import plan_of
from sandbox.competitions.document import json_schema
from sandbox.competitions.function_examples import examples_of
from sandbox.competitions.read_document import read_competition
from sandbox.policy import PolicyFaults
from story import DATASET, POLICIES

SCHEMA = POLICIES / "competition.schema.json"


def test_the_schema_is_the_one_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema()


def test_a_right_document_is_read() -> None:
    document = read_competition(DOCUMENT, schema=SCHEMA, policy_of=lambda *_: DATASET)
    assert document.opens_at.isoformat() == "2027-03-01T09:00:00+08:00"
    assert [phase.id for phase in document.phases_of("board")] == ["a_board", "b_board"]


WRONG = [
    ("closes: 2027-03-10 18:00", "closes: 2027-02-30 18:00", "no day and time"),
    ("opens: 2027-03-20 18:00", "opens: 2027-03-19 18:00", "before the scored phase before it"),
    ("weight: 40", "weight: 30", "do not add up to 100"),
    ("last_place: 3", "last_place: 1", "last place of a prize comes before its first"),
    ("first_place: 2", "first_place: 1", "has a prize already"),
    ("per_day: 2", "per_day: 6", "6 entries a day"),
    ("target: smoker", "target: secret", "no column secret"),
    ("features: [district", "features: [smoker", "both a feature and the target"),
    ("largest: 2", "smallest: 3, largest: 2", "fewer than the smallest"),
    ("fixed_from: 2027-03-20", "fixed_from: 2027-04-20", "teams are fixed"),
    ("appeal_days: 3", "appeal_days: 9", "after the public notice"),
    ('rho: "0.1", final', 'rho: "0", final', "rho must be above 0"),
    ("id: talk", "id: Talk", "does not match"),
    ("kinds: [document]", "kinds: [program]", "a jury judges documents"),
    ("id: b_board", "id: a_board", "is there 2 times"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_each_fault_is_told_with_its_line(right: str, wrong: str, told: str) -> None:
    assert right in DOCUMENT
    with pytest.raises(PolicyFaults) as refused:
        read_competition(DOCUMENT.replace(right, wrong), schema=SCHEMA, policy_of=lambda *_: DATASET)
    [fault] = [fault for fault in refused.value.faults if told in fault.message]
    assert "line " in fault.message and fault.remedy


OWN = "metric: function, predicts: boolean, function: 1 - abs(prediction - target)"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("metric: function, predicts: boolean", "function stands with the metric function"),
        (OWN.replace("metric: function", "metric: mae"), "function stands with the metric function"),
        (OWN.replace("prediction -", "guess -"), "guess is not of the language"),
        (OWN.replace("1 - abs(", "9 + abs("), "For all examples the function gives the same"),
        (OWN.replace("predicts: boolean", "predicts: text"), "For all examples the function gives the same"),
    ],
)
def test_an_organisers_function_is_checked_on_examples(written: str, told: str) -> None:
    with pytest.raises(PolicyFaults) as refused:
        read_competition(DOCUMENT.replace("metric: accuracy", written), schema=SCHEMA)
    [fault] = [fault for fault in refused.value.faults if told in fault.message]
    assert fault.zh and fault.remedy_zh


def test_an_organisers_function_is_shown_on_examples() -> None:
    document = read_competition(DOCUMENT.replace("metric: accuracy", OWN), schema=SCHEMA)
    board = document.tracks[0].board
    assert board is not None
    assert plan_of(document, document.tracks[0]).form.metric.function == board.function
    found = {(one["target"], one["prediction"]): one["value"] for one in examples_of(board)}
    assert found == {(True, True): "1", (True, False): "0", (False, True): "0", (False, False): "1"}
    odd = board.model_copy(update={"function": "3 * target / prediction"})
    assert examples_of(odd)[:2] == [
        {"target": True, "prediction": True, "value": "1", "given": "3"},
        {"target": True, "prediction": False, "value": "0"},
    ]


def test_all_faults_are_told_at_once() -> None:
    text = DOCUMENT
    for right, wrong, _ in WRONG:
        text = text.replace(right, wrong)
    text = text.replace(
        "title: {zh: 磁湖大赛, en: Lake competition}", "title: {zh: 磁湖大赛}\ntime_zone: Mars/Base"
    )
    with pytest.raises(PolicyFaults) as refused:
        read_competition(text, schema=SCHEMA, policy_of=lambda *_: DATASET)
    assert len(refused.value.faults) >= 14
    assert refused.value.words("zh") != refused.value.words("en")
