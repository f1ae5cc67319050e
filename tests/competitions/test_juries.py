"""Documents are assigned evenly and without conflicts; a severe juror costs nobody their place."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competition_story import local
from sandbox.competitions.jury_assignment import assign
from sandbox.competitions.jury_scores import aggregate
from sandbox.competitions.queue_times import Running, Waiting, turns
from sandbox.errors import Conflict

ORGANISATIONS = ["north", "south", "east", "west", "lake"]


@given(
    st.lists(st.sampled_from(ORGANISATIONS), min_size=1, max_size=25),
    st.lists(st.sampled_from(ORGANISATIONS), min_size=3, max_size=9),
    st.integers(0, 9),
)
def test_every_document_has_its_jurors_and_nobody_one_of_their_own(
    authors: list[str], of_jurors: list[str], seed: int
) -> None:
    documents = {number: frozenset([name]) for number, name in enumerate(authors)}
    jurors = {f"j{number}": name for number, name in enumerate(of_jurors)}
    fit = {number: [j for j, o in jurors.items() if o not in own] for number, own in documents.items()}
    if min(map(len, fit.values())) < 3:
        with pytest.raises(Conflict) as refused:
            assign(documents, jurors, per_document=3, per_juror=5, seed=seed)
        assert refused.value.code == "too_few_jurors"
        return
    found = assign(documents, jurors, per_document=3, per_juror=5, seed=seed)
    for number, chosen in found.items():
        assert len(set(chosen)) == len(chosen) >= 3 and set(chosen) <= set(fit[number])
    assert len({len(chosen) for chosen in found.values()}) == 1


def test_loads_are_even_and_at_least_five_where_that_is_possible() -> None:
    documents = {number: frozenset(["team"]) for number in range(10)}
    found = assign(documents, {f"j{n}": "jury" for n in range(8)}, per_document=3, per_juror=5, seed=1)
    loads = [sum(f"j{n}" in chosen for chosen in found.values()) for n in range(8)]
    assert min(loads) >= 5 and max(loads) - min(loads) <= 1 and len(found[0]) == 4


def test_a_severe_juror_costs_nobody_their_place() -> None:
    """Ten documents of known merit, six jurors of different severity, chance of 2 points."""
    chance = random.Random(3)
    merit = {number: 40 + 5 * number for number in range(10)}
    severity = {f"j{n}": -25 + 10 * n for n in range(6)}
    found = assign(
        {number: frozenset() for number in merit},
        dict.fromkeys(severity, "x"),
        per_document=3,
        per_juror=5,
        seed=3,
    )
    marks = {
        number: {j: round(merit[number] + severity[j] * 0.6 + chance.gauss(0, 2)) for j in jurors}
        for number, jurors in found.items()
    }
    method, scores = aggregate(marks, points=100, per_juror=5)
    assert method == "additive"
    order = sorted(scores, key=lambda number: scores[number].score)
    assert sum(abs(place - number) for place, number in enumerate(order)) <= 4
    raw = sorted(scores, key=lambda number: scores[number].raw)
    assert sum(abs(place - number) for place, number in enumerate(raw)) > 10, "raw means do not find it"
    assert all(one.low <= one.score <= one.high and one.jurors == 3 for one in scores.values())


@pytest.mark.parametrize(
    "marks",
    [
        {1: {"a": 10, "b": 20, "c": 30}, 2: {"a": 40, "b": 50, "c": 60}},  # fewer than five each
        {
            **{n: {"a": 10, "b": 20} for n in range(5)},
            **{n: {"c": 50, "d": 60} for n in range(5, 10)},
        },  # two islands
    ],
)
def test_jurors_that_cannot_be_compared_give_raw_means(marks: dict[int, dict[str, int]]) -> None:
    method, scores = aggregate(marks, points=100, per_juror=5)
    assert method == "raw" and all(one.score == pytest.approx(one.raw) for one in scores.values())


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from([10, 60])), min_size=1, max_size=30),
    st.integers(1, 4),
)
def test_a_team_with_many_entries_waits_as_long_as_one_with_few(
    wanted: list[tuple[int, int]], slots: int
) -> None:
    now = local("03-05")
    waiting = [Waiting(number, team, seconds, now) for number, (team, seconds) in enumerate(wanted)]
    planned = turns(now, slots=slots, running=[Running(9, now)], waiting=waiting, served={})
    assert sorted(turn.position for turn in planned) == list(range(1, len(wanted) + 1))
    team_of = {one.entry: one.team for one in waiting}
    teams = len(set(team_of.values()))
    firsts = [team_of[turn.entry] for turn in planned[:teams]]
    if slots == 1:
        assert len(set(firsts)) == teams, "each team gets its first turn before anybody a second one"
    begins = [turn.begins_at for turn in planned]
    assert begins == sorted(begins)
