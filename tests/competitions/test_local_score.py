"""The notebook's local scorer is the board's: the same values and scores, for whatever is predicted."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import cihu.metric_function
import pytest
from cihu.scoring import holds, person_value, place, score, without_value
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.competitions.boards import UNIT, Ladder, Metric, MetricKind, Place, Sizes
from sandbox.competitions.boards import function as functions
from sandbox.competitions.boards import person_value as of_the_board
from sandbox.competitions.boards.classes import class_sums, score_of_sums
from sandbox.competitions.boards.noise import NoisyScore
from sandbox.splits.form import Stratum

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2),
    st.sampled_from(["a", "b", float("nan"), float("inf"), 10**400]),
)
MEANS = st.sampled_from(["accuracy", "brier", "log_loss", "mae", "rmse", "function"])
LEAVES = st.sampled_from(["target", "prediction", "true", "0", "0.3", "-2", "1e300", "'a'"])
FUNCTIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "**", "==", "!=", "<", ">="]), inner, inner).map(
            lambda part: f"({part[1]} {part[0]} {part[2]})"
        ),
        st.tuples(inner, inner, inner).map(
            lambda part: f"({part[0]} if {part[1]} or not {part[2]} else {part[2]})"
        ),
        st.tuples(st.sampled_from(["abs", "sqrt", "exp", "log"]), inner).map(
            lambda part: f"{part[0]}({part[1]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda part: f"{part[0]}({part[1]}, {part[2]})"
        ),
    ),
    max_leaves=8,
).map(lambda text: f"{text} - abs(prediction - target)")


@settings(max_examples=200, deadline=None)
@given(
    metric=MEANS,
    clip=st.sampled_from(["1", "0.5", "4"]),
    rows=st.lists(st.tuples(VALUES, VALUES), max_size=3),
    function=FUNCTIONS,
)
def test_a_person_gives_the_same(metric: str, clip: str, rows: list[tuple[Any, Any]], function: str) -> None:
    truth, said = [one for one, _ in rows], [one for _, one in rows]
    board = of_the_board(Metric(MetricKind(metric), Fraction(clip), function), truth, said)
    assert 0 <= board <= UNIT
    assert person_value(metric, float(Fraction(clip)), truth, said, function) == board
    track = {"metric": metric, "clip": clip, "positives": [], "function": function}
    if rows:
        assert score(track, [truth, truth], [said, said]) == 2 * board / (2 * UNIT)


def test_the_language_of_functions_is_one_text() -> None:
    assert Path(cihu.metric_function.__file__).read_bytes() == Path(functions.__file__).read_bytes()
    track = {"metric": "function", "clip": "1", "function": "target / prediction"}
    assert without_value(track, [[1, 2], [3]], [[0, 1], [3]]) == 1


@settings(max_examples=200, deadline=None)
@given(
    metric=st.sampled_from(["balanced_accuracy", "f1", "auc"]),
    people=st.lists(st.tuples(st.booleans(), VALUES), min_size=1, max_size=12),
)
def test_two_classes_give_the_same(metric: str, people: list[tuple[bool, Any]]) -> None:
    positive, said = [true for true, _ in people], [one for _, one in people]
    said = [one if one != 10**400 else None for one in said]  # the vault's predictions are 64 bits wide
    track = {"metric": metric, "clip": "1", "positives": [{"values": [True]}]}
    found = score(track, [[true] for true in positive], [[one] for one in said])
    if len(set(positive)) < 2:
        assert found is None
        return
    kind = Metric(MetricKind(metric))
    sizes = Sizes(len(people), sum(positive))
    sums = class_sums(kind, sizes, positive, said)
    assert found == pytest.approx(float(score_of_sums(kind, sizes, sums.values)), abs=1e-12)


@given(
    target=VALUES,
    values=st.lists(st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from(["a"])), max_size=2),
    low=st.one_of(st.none(), st.floats(-2, 2)),
    high=st.one_of(st.none(), st.floats(-2, 2)),
)
def test_the_positive_class_is_the_same(
    target: Any, values: list[Any], low: float | None, high: float | None
) -> None:
    ours = Stratum("one", 1, 1, 1, tuple(values), low, high).holds(target)
    bounds = {name: value for name, value in (("at_least", low), ("below", high)) if value is not None}
    assert holds({"values": values, **bounds}, target) is ours


@given(value=st.floats(0, 1), step=st.integers(1, 99).map(lambda number: Fraction(number, 100)))
def test_the_place_is_the_board_s(value: float, step: Fraction) -> None:
    ladder = Ladder(step)
    told = ladder.tell(None, NoisyScore(value)).place
    assert place(value, float(step)) == pytest.approx(ladder.score(told))
    assert ladder.score(Place(0)) == 0
