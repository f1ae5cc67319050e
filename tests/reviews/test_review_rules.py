"""The pure rules: what is released was approved by as many as it needs and by nobody otherwise;
votes are hidden while blind."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.audit import KINDS
from sandbox.city_time import city_date
from sandbox.disclosure.check_file import MEASURED
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.reviews.model import (
    STEPS,
    CastVote,
    Choice,
    Declared,
    Finding,
    Outcome,
    ReviewedFile,
    ReviewState,
    Round,
    Severity,
    Vote,
)
from sandbox.reviews.review_policy import GradeRule
from sandbox.reviews.rules import (
    after_votes,
    check_vote,
    check_votes,
    due_at,
    needed,
    outcome_of,
    require_seat,
    shown_votes,
)

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
PATHS = ("a.csv", "b.csv")
REASONS = ("small_counts",)
CHOICES = st.sampled_from(Choice)
BALLOT = st.fixed_dictionaries(dict.fromkeys(PATHS, CHOICES))


def file(
    path: str, *severities: Severity, statbarn: str = "regression", checked: bool = True, code: str = "x"
) -> ReviewedFile:
    found = tuple(Finding(code, "r", severity, "m") for severity in severities) if checked else None
    return ReviewedFile(Declared(path, statbarn, "c" * 10, "c" * 10), found)


def cast(ballots: dict[str, dict[str, Choice]], round: Round) -> list[CastVote]:
    return [
        CastVote(who, who, round, Vote(path, choice), NOW)
        for who, ballot in ballots.items()
        for path, choice in ballot.items()
    ]


@given(st.lists(BALLOT, min_size=0, max_size=4), st.integers(1, 4))
def test_the_blind_round_ends_only_when_all_seats_have_spoken_and_releases_only_by_unanimity(
    ballots: list[dict[str, Choice]], need: int
) -> None:
    named = {f"r{number}": ballot for number, ballot in enumerate(ballots)}
    following = after_votes(PATHS, cast(named, Round.BLIND), state=ReviewState.OPEN, need=need)
    if len(ballots) < need:
        assert following.state is ReviewState.OPEN
    elif all(ballot == ballots[0] for ballot in ballots):
        assert following.state is ReviewState.DECIDED
    else:
        assert following.state is ReviewState.CONSOLIDATING
    if following.outcome is Outcome.RELEASED:
        assert len(ballots) >= need and {choice for ballot in ballots for choice in ballot.values()} == {
            Choice.APPROVE
        }


@given(st.lists(BALLOT, min_size=2, max_size=4), st.lists(BALLOT, min_size=0, max_size=4), st.integers(1, 4))
def test_a_consolidation_ends_when_each_reviewer_has_spoken_again_and_the_strictest_counts(
    first: list[dict[str, Choice]], last: list[dict[str, Choice]], need: int
) -> None:
    last = last[: len(first)]
    votes = [
        *cast({f"r{n}": ballot for n, ballot in enumerate(first)}, Round.BLIND),
        *cast({f"r{n}": ballot for n, ballot in enumerate(last)}, Round.FINAL),
    ]
    following = after_votes(PATHS, votes, state=ReviewState.CONSOLIDATING, need=need)
    if len(last) < len(first):
        assert following.state is ReviewState.CONSOLIDATING and following.outcome is None
        return
    said = {choice for ballot in last for choice in ballot.values()}
    assert following.outcome is (
        Outcome.REFUSED
        if Choice.REFUSE in said
        else Outcome.RETURNED
        if Choice.CHANGE in said
        else Outcome.RELEASED
    )


@given(st.lists(CHOICES, min_size=1), CHOICES)
def test_one_more_vote_never_makes_an_outcome_milder(choices: list[Choice], more: Choice) -> None:
    order = [Outcome.RELEASED, Outcome.RETURNED, Outcome.REFUSED]
    assert order.index(outcome_of([*choices, more])) >= order.index(outcome_of(choices))


@given(BALLOT, st.data())
def test_a_reset_file_opens_the_blind_round_again(ballot: dict[str, Choice], data: st.DataObject) -> None:
    votes = [*cast({"r0": ballot, "r1": ballot}, Round.BLIND)]
    gone = data.draw(st.sampled_from(PATHS))
    left = [one for one in votes if one.vote.path != gone]
    assert after_votes(PATHS, left, state=ReviewState.OPEN, need=2).state is ReviewState.OPEN


@given(st.sampled_from(ReviewState), st.lists(BALLOT, min_size=1, max_size=3))
def test_nobody_sees_anothers_vote_while_it_is_blind(
    state: ReviewState, ballots: list[dict[str, Choice]]
) -> None:
    votes = cast({f"r{n}": ballot for n, ballot in enumerate(ballots)}, Round.BLIND)
    seen = shown_votes(votes, state=state, reviewer="r0")
    others = {one.reviewer for one in seen} - {"r0"}
    assert [one for one in votes if one.reviewer == "r0"] == [one for one in seen if one.reviewer == "r0"]
    if state in (ReviewState.OPEN, ReviewState.WITHDRAWN):
        assert not others
    else:
        assert len(seen) == len(votes)


@given(
    st.sets(st.sampled_from(Severity)),
    CHOICES,
    st.text(max_size=8),
    st.sets(st.sampled_from([*REASONS, "odd"])),
)
def test_a_vote_stands_exactly_when_its_findings_and_its_words_allow(
    severities: set[Severity], choice: Choice, comment: str, reasons: set[str]
) -> None:
    said = len(comment.strip()) >= 4
    if choice is Choice.APPROVE:
        may = Severity.BLOCKS not in severities and (said or Severity.ASKS not in severities)
    else:
        may = said and bool(reasons)
    may = may and "odd" not in reasons
    vote = Vote("a.csv", choice, comment, tuple(sorted(reasons)))
    findings = file("a.csv", *severities).findings or ()
    if may:
        check_vote(vote, findings, REASONS)
        return
    with pytest.raises(InvalidInput) as refused:
        check_vote(vote, findings, REASONS)
    assert refused.value.remedy and refused.value.zh and refused.value.remedy_zh


@given(st.lists(st.sampled_from([*PATHS, "c.csv"]), max_size=4), st.sets(st.sampled_from(PATHS)))
def test_votes_are_one_for_each_file_that_was_not_voted_on(named: list[str], earlier: set[str]) -> None:
    votes, files = [Vote(path, Choice.APPROVE) for path in named], [file(path) for path in PATHS]
    if earlier != set(PATHS) and sorted(named) == sorted(set(PATHS) - earlier):
        check_votes(votes, files=files, earlier=earlier, reasons=REASONS)
        return
    with pytest.raises(Conflict if earlier == set(PATHS) or set(named) & earlier else InvalidInput):
        check_votes(votes, files=files, earlier=earlier, reasons=REASONS)


@given(st.integers(2, 4), st.sets(st.sampled_from("abc")), st.lists(st.sampled_from("abcd"), max_size=7))
def test_full_seats_under_the_strict_rule_are_of_different_departments_and_one_owns_nothing(
    need: int, owners: set[str], organisations: list[str]
) -> None:
    rule = GradeRule(need, other_department=True, one_if_low_risk=False, days=5)
    votes: list[CastVote] = []
    for number, organisation in enumerate(organisations):
        try:
            require_seat(
                rule, need, reviewer=f"r{number}", organisation=organisation, cast=votes, owners=owners
            )
        except (Conflict, Forbidden):
            continue
        votes.append(CastVote(f"r{number}", organisation, Round.BLIND, Vote("a.csv", Choice.APPROVE), NOW))
    taken = [one.organisation for one in votes]
    assert len(taken) <= need and len(set(taken)) == len(taken)
    assert len(taken) < need or set(taken) - owners


def test_without_that_rule_two_of_one_department_may_and_a_third_may_not() -> None:
    rule = GradeRule(2, other_department=False, one_if_low_risk=False, days=5)
    one = CastVote("lin", "health", Round.BLIND, Vote("a.csv", Choice.APPROVE), NOW)
    require_seat(rule, 2, reviewer="hu", organisation="health", cast=[one], owners={"health"})
    two = CastVote("hu", "health", Round.BLIND, Vote("a.csv", Choice.APPROVE), NOW)
    require_seat(rule, 2, reviewer="hu", organisation="health", cast=[one, two], owners={"health"})
    with pytest.raises(Conflict):
        require_seat(rule, 2, reviewer="gu", organisation="market", cast=[one, two], owners={"health"})


FILES = st.lists(
    st.tuples(st.sets(st.sampled_from(Severity)), st.booleans(), st.booleans(), st.booleans()),
    min_size=1,
    max_size=3,
)


@given(st.booleans(), FILES)
def test_one_reviewer_is_enough_only_for_what_the_vault_computed_is_of_low_risk_and_raised_nothing(
    single: bool, files: list[tuple[set[Severity], bool, bool, bool]]
) -> None:
    reviewed = [
        file(
            f"{n}.csv",
            *severities,
            statbarn="regression" if low else "frequencies",
            checked=checked,
            code=MEASURED.code if measured else "x",
        )
        for n, (severities, low, checked, measured) in enumerate(files)
    ]
    rule = GradeRule(2, other_department=True, one_if_low_risk=single, days=5)
    may = single and all(
        low and checked and measured and severities == {Severity.NOTES}
        for severities, low, checked, measured in files
    )
    assert needed(rule, reviewed, {"regression"}) == (1 if may else 2)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 20),
    st.sets(st.dates(date(2026, 1, 1), date(2027, 3, 1)), max_size=9),
)
def test_a_review_is_due_at_the_end_of_a_working_day_with_as_many_working_days_before(
    asked: datetime, days: int, closed: set[date]
) -> None:
    due = city_date(due_at(asked, days, closed))
    between = [city_date(asked) + timedelta(days=n) for n in range(1, (due - city_date(asked)).days + 1)]
    assert sum(day.weekday() < 5 and day not in closed for day in between) == days
    assert due.weekday() < 5 and due not in closed


def test_five_working_days_after_a_friday_is_the_next_friday() -> None:
    friday = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert due_at(friday, 5, ()).isoformat() == "2026-11-27T23:59:59+08:00"


def test_every_state_is_reached_by_a_step_with_an_owner_and_a_known_event() -> None:
    assert {step.after for step in STEPS} == set(ReviewState)
    assert all(step.by and step.event in KINDS for step in STEPS)
