"""Who reviews what, blind to whom, and what follows: on a real Postgres and a real S3 server."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from made_files import png_with_chunk
from reviewed_runs import NO, TABLE, Reviewing, approval, declared, refusal
from sandbox.audit import Event
from sandbox.catalog.tables import dataset_versions
from sandbox.disclosure.check_file import MEASURED
from sandbox.errors import Conflict, Forbidden, InvalidInput, NotFound
from sandbox.grants import revoke
from sandbox.identity import join_team
from sandbox.jobs import RunState
from sandbox.jobs.submit import submit
from sandbox.jobs.tables import runs
from sandbox.reviews import Choice, Outcome, ReviewState
from sandbox.reviews.checks import checked_review
from sandbox.reviews.decide import decide
from sandbox.reviews.model import Finding, Severity
from sandbox.reviews.read import list_reviews, released, runs_with_outputs_out
from sandbox.reviews.reassign_reviewer import give_seats_on
from sandbox.reviews.release import read_released
from sandbox.reviews.remind import remind
from sandbox.reviews.request_release import change_declarations, request_release, withdraw
from sandbox.reviews.statistics import review_statistics
from sandbox.reviews.tables import reviews
from sandbox.reviews.view_file import view_file
from sandbox.reviews.views import team_view, told_to_reviewer
from sandbox.standalone.s3 import S3Server
from sandbox.storage import QuarantineStore

BLOCK = Finding("copied_row", "identification", Severity.BLOCKS, "a row of the data is in it")
ASK = Finding("small", "small", Severity.ASKS, "a cell is 9")


def told(city: Reviewing, review, officer: str) -> dict:  # type: ignore[no-untyped-def, type-arg]
    with city.context.database.transaction() as tx:
        now = city.review(review.id)
        return told_to_reviewer(tx, city.context, now, city.run(now.run), city.principal(officer))


def test_two_approvals_release_exactly_what_was_asked_for(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(declared(counts="counts.csv"), run=run)
    assert city.votes(review, "lin").state is ReviewState.OPEN
    done = city.votes(review, "zhou")
    assert (done.state, done.outcome) == (ReviewState.DECIDED, Outcome.RELEASED)
    assert city.run(run.id).state is RunState.RELEASED
    assert (
        read_released(city.context, principal=city.principal("song"), run=run.id, path="table.csv") == TABLE
    )
    with city.context.database.transaction() as tx:
        assert list(released(tx, run.id)) == ["table.csv"], "neither the counts nor what nobody asked for"
    assert city.kinds()[-2:] == ["review.voted", "output.released"]


def test_nobody_is_shown_anothers_vote_before_both_have_voted(city: Reviewing) -> None:
    review = city.asked()
    city.votes(review, "lin", refusal())
    before = told(city, review, "zhou")
    assert before["votes"] == [] and NO not in str(before) and before["submitted"] == 1
    assert [one["vote"] for one in told(city, review, "lin")["votes"]] == ["refuse"]
    city.votes(review, "zhou")
    for officer in ("lin", "zhou"):
        assert {(one["reviewer"], one["vote"]) for one in told(city, review, officer)["votes"]} == {
            ("lin", "refuse"),
            ("zhou", "approve"),
        }


def test_reviewers_who_do_not_agree_vote_once_more_and_the_strictest_counts(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(declared(), declared("note.txt"), run=run)
    city.votes(review, "lin", approval(), refusal("note.txt"))
    assert city.votes(review, "zhou", approval(), approval("note.txt")).state is ReviewState.CONSOLIDATING
    with pytest.raises(Conflict, match="reviewers already"):
        city.votes(review, "hu", approval(), approval("note.txt"))
    assert (
        city.votes(review, "lin", approval(), refusal("note.txt", Choice.CHANGE)).state
        is ReviewState.CONSOLIDATING
    )
    with pytest.raises(Conflict, match="voted already"):
        city.votes(review, "lin", approval(), approval("note.txt"))
    done = city.votes(review, "zhou", approval(), approval("note.txt"))
    assert done.outcome is Outcome.RETURNED and city.run(run.id).state is RunState.RETURNED
    assert "output.returned" in city.kinds()
    with pytest.raises(NotFound):
        read_released(city.context, principal=city.principal("wang"), run=run.id, path="table.csv")


def test_a_returned_run_is_asked_for_again_and_may_be_returned_again_or_released(city: Reviewing) -> None:
    run = city.finished()
    for round, choice in enumerate((Choice.CHANGE, Choice.CHANGE, Choice.APPROVE), start=1):
        review = city.asked(run=run)
        assert review.round == round
        for officer in ("lin", "zhou"):
            city.votes(review, officer, approval() if choice is Choice.APPROVE else refusal(choice=choice))
    assert city.run(run.id).state is RunState.RELEASED
    with pytest.raises(Conflict, match="released"):
        city.asked(run=run)


def test_a_refused_run_cannot_be_asked_for_again(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(run=run)
    for officer in ("lin", "zhou"):
        city.votes(review, officer, refusal())
    assert city.run(run.id).state is RunState.REFUSED
    with pytest.raises(Conflict):
        city.asked(run=run)


def test_comments_reach_the_team_only_when_it_is_returned_or_refused_and_without_names(
    city: Reviewing,
) -> None:
    run = city.finished()
    review = city.asked(run=run)
    city.votes(review, "lin", refusal(choice=Choice.CHANGE))
    assert NO not in str(team_view(city.review(review.id)))
    city.votes(review, "zhou")
    waiting = team_view(city.review(review.id))
    assert waiting["state"] == "open" and NO not in str(waiting), "not even that they do not agree"
    city.votes(review, "lin", refusal(choice=Choice.CHANGE))
    city.votes(review, "zhou", approval(comment="fine by me"))
    said = team_view(city.review(review.id))
    assert [one["comment"] for one in said["comments"]] == [NO, "fine by me"]
    assert "lin" not in str(said) and "zhou" not in str(said)
    again = city.asked(run=run)
    for officer in ("lin", "zhou"):
        city.votes(again, officer, approval(comment="between officers"))
    assert "between officers" not in str(team_view(city.review(again.id)))


@pytest.mark.parametrize("officer", ["wang", "song", "li"])
def test_who_is_no_officer_reviews_nothing(city: Reviewing, officer: str) -> None:
    review = city.asked()
    who = city.principal(officer)
    for deed in (
        lambda: city.votes(review, officer),
        lambda: checked_review(city.context, officer=who, id=review.id),
        lambda: view_file(city.context, officer=who, id=review.id, path="table.csv"),
    ):
        with pytest.raises(Forbidden):
            deed()
    with city.context.database.transaction() as tx:
        assert list_reviews(tx, city.context.gate, city.principal(officer)) == []


def test_an_officer_reviews_nothing_of_their_own_team_nor_of_a_colleagues(city: Reviewing) -> None:
    review = city.asked()
    with city.context.database.transaction() as tx:
        join_team(tx, team_id="lake", account_id="gu", by="system")  # of market, as zhou is
    for officer, code in (("gu", "review_own_team"), ("zhou", "review_own_organisation")):
        with pytest.raises(Forbidden) as refused:
            city.votes(review, officer)
        assert refused.value.code == code
    assert city.kinds()[-1] == "decision.refused"
    assert city.review(review.id).votes == ()


def test_one_reviewer_does_not_vote_twice(city: Reviewing) -> None:
    review = city.asked()
    city.votes(review, "lin")
    with pytest.raises(Conflict, match="voted already"):
        city.votes(review, "lin")
    assert city.review(review.id).state is ReviewState.OPEN


def test_one_reviewer_who_votes_many_times_at_once_has_one_vote(city: Reviewing) -> None:
    review = city.asked()
    checked_review(city.context, officer=city.principal("lin"), id=review.id)

    def once(_: int) -> bool:
        try:
            city.votes(review, "lin")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(once, range(8))) == 1
    assert city.review(review.id).outcome is None and len(city.review(review.id).votes) == 1


def test_where_the_grade_wants_another_department_two_of_one_are_refused(city: Reviewing) -> None:
    strict = city.rule(other_department=True)
    review = strict.asked()
    strict.votes(review, "lin")
    with pytest.raises(Forbidden) as refused:
        strict.votes(review, "hu")
    assert refused.value.code == "other_department_needed" and refused.value.zh
    assert strict.votes(review, "tan").outcome is Outcome.RELEASED


def test_the_citys_own_rule_for_grade_4_wants_two_departments(city: Reviewing) -> None:
    review = city.asked()
    assert told(city, review, "lin")["grade"] == "4", "the unit column's"
    city.votes(review, "zhou")
    with pytest.raises(Forbidden):
        city.votes(review, "gu")


def test_where_the_grade_allows_it_one_reviewer_releases_what_is_of_low_risk(city: Reviewing) -> None:
    light = city.rule(one_if_low_risk=True)
    safe, other, programs = (
        light.asked(declared("note.txt", statbarn="words")),
        light.asked(declared(statbarn="frequencies")),
        light.asked(declared("note.txt", statbarn="words")),
    )
    light.finds(safe, "note.txt", MEASURED)
    assert light.votes(safe, "lin", approval("note.txt")).outcome is Outcome.RELEASED
    assert light.votes(other, "lin").outcome is None
    assert light.votes(programs, "lin", approval("note.txt")).outcome is None, (
        "a program could write anything"
    )
    asks = light.asked(declared("note.txt", statbarn="words"))
    light.finds(asks, "note.txt", ASK)
    assert light.votes(asks, "lin", approval("note.txt", comment="nine is enough here")).outcome is None


def test_what_a_check_blocks_cannot_be_approved_and_what_it_asks_must_be_answered(city: Reviewing) -> None:
    review = city.asked(declared(), declared("note.txt"))
    city.finds(review, "table.csv", BLOCK)
    city.finds(review, "note.txt", ASK)
    with pytest.raises(InvalidInput) as refused:
        city.votes(review, "lin", approval(comment="I know them all"), approval("note.txt", "fine by me"))
    assert refused.value.code == "blocked"
    with pytest.raises(InvalidInput) as refused:
        city.votes(review, "lin", refusal(), approval("note.txt", ""))
    assert refused.value.code == "answer_needed"
    assert city.review(review.id).votes == ()
    city.votes(review, "lin", refusal(), approval("note.txt", "it is no count of people"))


def test_a_changed_declaration_resets_the_votes_on_it_and_no_other(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(declared(), declared("note.txt"), run=run)
    city.votes(review, "lin", approval(), approval("note.txt"))
    seen = city.review(review.id).revision
    changed = declared(context="visits by district, of the year 2025 alone")
    change_declarations(city.context, principal=city.principal("song"), run=run.id, files=[changed])
    assert {one.vote.path for one in city.review(review.id).votes} == {"note.txt"}
    with pytest.raises(Conflict, match="changed"):
        city.votes(review, "zhou", approval(), approval("note.txt"), revision=seen)
    city.votes(review, "zhou", approval(), approval("note.txt"))
    assert city.review(review.id).state is ReviewState.OPEN, "lin has not seen what it says now"
    assert city.votes(review, "lin").outcome is Outcome.RELEASED


def test_a_change_while_reviewers_consolidate_makes_them_blind_again(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(declared(), declared("note.txt"), run=run)
    city.votes(review, "lin", refusal(), approval("note.txt"))
    city.votes(review, "zhou", approval(), approval("note.txt"))
    city.votes(review, "lin", refusal(), approval("note.txt"))
    changed = declared(controls="cells under 20 are out")
    change_declarations(city.context, principal=city.principal("wang"), run=run.id, files=[changed])
    now = city.review(review.id)
    assert now.state is ReviewState.OPEN and {(one.vote.path, one.round.value) for one in now.votes} == {
        ("note.txt", "blind")
    }
    assert {one["reviewer"] for one in told(city, review, "zhou")["votes"]} == {"zhou"}


def test_a_file_that_gives_another_away_takes_the_votes_on_that_with_it(city: Reviewing) -> None:
    """What is declared later is looked at beside what was voted on, however many revisions lie between."""
    run = city.finished(
        {
            "all.csv": b"district,n\neast,740\nwest,760\n",
            "grown.csv": b"district,n\neast,730\nwest,750\n",
            "log.txt": b"",
            "exit.json": b"{}",
        }
    )
    review = city.asked(declared("all.csv"), run=run)
    city.votes(review, "lin", approval("all.csv"))
    change_declarations(
        city.context, principal=city.principal("wang"), run=run.id, files=[declared("grown.csv")]
    )
    assert {one.vote.path for one in city.review(review.id).votes} == {"all.csv"}
    shown = checked_review(city.context, officer=city.principal("zhou"), id=review.id)
    assert "small_difference" in {
        one.code for file in shown.files for one in file.findings or () if file.declared.path == "all.csv"
    }, shown.files
    assert shown.votes == ()


def test_the_same_declaration_again_changes_nothing(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(run=run)
    city.votes(review, "lin")
    change_declarations(city.context, principal=city.principal("wang"), run=run.id, files=[declared()])
    assert city.review(review.id).votes and city.review(review.id).revision == review.revision


def test_a_request_that_is_taken_back_can_be_made_anew_and_its_votes_stay_hidden(city: Reviewing) -> None:
    run = city.finished()
    review = city.asked(run=run)
    city.votes(review, "lin", refusal())
    with pytest.raises(Conflict, match="wait"):
        city.asked(run=run)
    withdraw(city.context, principal=city.principal("wang"), run=run.id)
    with pytest.raises(Conflict):
        city.votes(review, "zhou")
    again = city.asked(run=run)
    assert NO not in str(told(city, again, "zhou"))


def test_asking_says_the_same_whether_or_not_there_is_such_a_file(city: Reviewing) -> None:
    one = city.asked(declared("table.csv", counts="counts.csv"), run=city.finished())
    two = city.asked(declared("table.csv", counts="counts.csv"), run=city.finished({"log.txt": b""}))
    differ = {"run", "requested_at"}
    assert {name: value for name, value in team_view(one).items() if name not in differ} == {
        name: value for name, value in team_view(two).items() if name not in differ
    }
    checked_review(city.context, officer=city.principal("lin"), id=two.id)
    shown = told(city, two, "lin")["files"][0]
    assert not shown["left"] and [found["code"] for found in shown["findings"]] == ["missing"]
    with pytest.raises(InvalidInput):
        city.votes(two, "lin")
    for officer in ("lin", "zhou"):
        city.votes(two, officer, approval(comment="that there is none says nothing"))
    with city.context.database.transaction() as tx:
        assert released(tx, two.run) == {} and city.run(two.run).state is RunState.RELEASED


@pytest.mark.parametrize(
    "files",
    [
        [],
        [declared(), declared()],
        [declared("../raw")],
        [declared("a\0b")],
        [declared("")],
        [declared(statbarn="Odd One")],
        [declared(context="short")],
        [declared(controls=" " * 40)],
        [declared(context="\ud800" * 20)],
        [declared(counts="table.csv")],
        [declared(), declared("note.txt", counts="table.csv")],
        [declared(f"{n}.csv") for n in range(41)],
    ],
    ids=lambda files: str(len(files)),
)
def test_a_request_that_cannot_be_is_refused_with_a_remedy(city: Reviewing, files: list) -> None:  # type: ignore[type-arg]
    run = city.finished()
    with pytest.raises(InvalidInput) as refused:
        request_release(city.context, principal=city.principal("wang"), run=run.id, files=files)
    assert refused.value.remedy and refused.value.zh


def test_nobody_asks_for_anothers_run_or_for_one_whose_end_is_not_told(city: Reviewing) -> None:
    run = city.finished()
    with pytest.raises(NotFound):
        request_release(city.context, principal=city.principal("li"), run=run.id, files=[declared()])
    waits = submit(
        city.runs,
        principal=city.principal("wang"),
        name="w",
        entry="main.py",
        files={"main.py": "pass"},
        inputs=["clinic.visits"],
        limit_seconds=10,
    )
    with pytest.raises(Conflict, match="queued"):
        city.asked(run=waits)


class Watched(QuarantineStore):
    """The real bucket, which looks at the log when it is read."""

    city: Reviewing
    seen: list[str]

    def get(self, name: str, version_id: str) -> bytes:
        self.seen.append(self.city.kinds()[-1])
        return super().get(name, version_id)


def test_a_view_is_in_the_log_before_the_bytes_are_read(city: Reviewing, s3: S3Server) -> None:
    review = city.asked()
    watched = Watched(s3.endpoint, s3.vault.access_key, s3.vault.secret_key, s3.quarantine_bucket)
    watched.city, watched.seen = city, []
    context = replace(city.context, quarantine=watched)
    assert view_file(context, officer=city.principal("lin"), id=review.id, path="table.csv").content == TABLE
    assert watched.seen == ["file.viewed"] and "table.csv" in city.opened()


def test_a_reviewer_sees_what_was_asked_for_and_its_counts_and_nothing_else(city: Reviewing) -> None:
    review = city.asked(declared(counts="counts.csv"))
    assert view_file(
        city.context, officer=city.principal("lin"), id=review.id, path="counts.csv"
    ).content.startswith(b"district")
    for path in ("note.txt", "log.txt", "none.csv", "../table.csv"):
        with pytest.raises(NotFound):
            view_file(city.context, officer=city.principal("lin"), id=review.id, path=path)
    assert told(city, review, "lin")["not_asked_for"] == ["exit.json", "log.txt", "note.txt"]


def test_the_log_says_of_a_vote_what_was_voted_and_holds_no_comment(city: Reviewing) -> None:
    review = city.asked()
    city.votes(review, "lin", refusal())
    assert NO not in city.opened() and '"reasons":["small_counts"]' in city.opened()


def test_earlier_releases_of_the_same_dataset_stand_beside(city: Reviewing) -> None:
    first = city.asked()
    for officer in ("lin", "zhou"):
        city.votes(first, officer)
    beside = told(city, city.asked(), "lin")["earlier_releases"]
    assert [(one["team"], one["path"], one["statbarn"], one["datasets"]) for one in beside] == [
        ("lake", "table.csv", "frequencies", ["clinic.visits"])
    ]


def test_statistics_count_reasons_of_decided_reviews_alone(city: Reviewing) -> None:
    waiting, decided = city.asked(), city.asked()
    city.votes(waiting, "lin", refusal())
    for officer in ("lin", "zhou"):
        city.votes(decided, officer, refusal())
    with city.context.database.transaction() as tx:
        said = review_statistics(tx)
    assert said["outcomes"] == {"refused": 1} and said["reasons"] == {"small_counts": 1}
    assert (said["waiting"], said["overdue"]) == (1, 0) and said["median_days"] < 1


def test_the_queue_is_by_urgency_and_says_what_is_overdue(city: Reviewing) -> None:
    late, early = city.asked(), city.asked()
    with city.context.database.transaction() as tx:
        tx.execute(
            text("UPDATE vault.reviews SET due_at = now() - interval '1 hour' WHERE id = :id"),
            {"id": early.id},
        )
    with city.context.database.transaction() as tx:
        found = [review for review, _ in list_reviews(tx, city.context.gate, city.principal("lin"))]
    assert [review.id for review in found] == [early.id, late.id]
    assert [review.overdue(datetime.now(UTC)) for review in found] == [True, False]


def test_a_reviewer_sees_the_very_bytes_that_leave_and_the_original_when_asked(city: Reviewing) -> None:
    drawn = png_with_chunk(b"tEXt", b"Software\x00matplotlib")
    run = city.finished({"chart.png": drawn, "counts.csv": b"district,n\nnorth,40\n"})
    review = city.asked(declared("chart.png", statbarn="line_chart", counts="counts.csv"), run=run)
    seen = view_file(city.context, officer=city.principal("lin"), id=review.id, path="chart.png")
    left = view_file(
        city.context, officer=city.principal("lin"), id=review.id, path="chart.png", original=True
    )
    assert not seen.original and left.original and left.content == drawn != seen.content
    assert view_file(city.context, officer=city.principal("lin"), id=review.id, path="counts.csv").original, (
        "counts never leave"
    )
    for officer in ("lin", "zhou"):
        city.votes(review, officer, approval("chart.png", "looked at it: four bars of districts"))
    assert (
        read_released(city.context, principal=city.principal("wang"), run=run.id, path="chart.png")
        == seen.content
    )


def late(city: Reviewing, id: UUID) -> None:
    with city.context.database.transaction() as tx:
        tx.execute(
            update(reviews).where(reviews.c.id == id).values(due_at=datetime.now(UTC) - timedelta(hours=1))
        )


def test_the_seat_of_a_reviewer_who_does_not_go_on_is_given_on_once_it_is_overdue(city: Reviewing) -> None:
    review = city.asked()
    city.votes(review, "lin")
    city.votes(review, "zhou", refusal())
    city.votes(review, "lin")  # once more, seeing all; zhou does not go on
    with pytest.raises(Conflict, match="once the review is overdue"):
        give_seats_on(city.context, officer=city.principal("gu"), id=review.id)
    late(city, review.id)
    freed = give_seats_on(city.context, officer=city.principal("gu"), id=review.id)
    assert freed.state is ReviewState.OPEN and {(one.reviewer, one.round.value) for one in freed.votes} == {
        ("lin", "blind")
    }
    assert "zhou" in city.opened() and city.kinds()[-1] == "review.seat_given_on"
    assert told(city, review, "gu")["votes"] == [], "whoever takes the seat votes blind"
    with pytest.raises(Conflict, match="is missing"):
        give_seats_on(city.context, officer=city.principal("gu"), id=review.id)
    assert city.votes(review, "gu").outcome is Outcome.RELEASED


def test_a_review_that_becomes_overdue_is_told_once(city: Reviewing) -> None:
    review = city.asked()
    assert remind(city.context.database) == 0
    late(city, review.id)
    assert [remind(city.context.database), remind(city.context.database)] == [1, 0]
    assert city.kinds()[-1] == "review.overdue"
    with city.context.database.transaction() as tx:
        assert review_statistics(tx)["overdue"] == 1


def test_low_risk_names_are_statbarns_and_hold_for_their_analyses(city: Reviewing) -> None:
    assert {"regression", "linear_regression", "t_test", "words"} <= city.context.low_risk
    assert "frequency_table" not in city.context.low_risk
    with pytest.raises(InvalidInput, match="no statbarn"):
        replace(city.context, policy=replace(city.context.policy, low_risk=frozenset({"regresion"})))


def test_nothing_of_a_run_is_released_once_a_grant_of_it_was_revoked(city: Reviewing) -> None:
    """Not by the vote that would have released it, and not by a vote after that:
    the reviewers refuse it then."""
    review = city.asked()
    city.votes(review, "lin")
    grant = city.run(review.run).inputs[0].grant
    assert grant is not None
    revoke(
        city.context.database,
        gate=city.context.gate,
        officer=city.principal("lin"),
        grant_id=grant,
        reason="to see it stop",
    )
    with pytest.raises(Conflict, match="was revoked") as refused:
        city.votes(review, "zhou")
    assert refused.value.code == "grant_revoked"
    with city.context.database.transaction() as tx:
        assert not released(tx, review.run)
    assert "output.released" not in city.kinds()
    city.votes(review, "zhou", refusal())
    assert city.review(review.id).state is ReviewState.CONSOLIDATING


def visits_above(limit: int) -> str:
    recipe = {"kind": "survival", "name": "curve", "dataset": "clinic.visits", "time": "year"}
    return json.dumps([recipe | {"event": f"visits > {limit}"}])


CURVE = {
    "measured/curve.csv": b"time,survival,at_risk\n0,1,100\n1,0.8,80\n2,0.6,60\n",
    "measured/curve.counts.csv": b"time,n\n0,100\n1,80\n2,60\n",
}
ASKED_FOR = declared("measured/curve.csv")


def codes(city: Reviewing, recipes: str) -> set[str]:
    """Of a run with these recipes: what is asked. It is released then."""
    review = city.asked(ASKED_FOR, run=city.finished(CURVE, recipes=recipes))
    (file,) = checked_review(city.context, officer=city.principal("lin"), id=review.id).files
    for officer in ("lin", "zhou"):
        city.votes(review, officer, approval("measured/curve.csv", "it is of everybody"))
    return {one.code for one in file.findings or () if one.severity is Severity.ASKS}


def test_what_has_left_makes_an_output_that_cuts_the_same_column_otherwise_a_question(
    city: Reviewing,
) -> None:
    """Two curves whose events differ by a band of values differ by those in the band."""
    assert codes(city, visits_above(4)) == set()
    assert codes(city, visits_above(4)) == set(), "the same again tells nothing more"
    assert codes(city, visits_above(5)) == {"own_expressions"}


def test_an_output_on_another_version_than_one_that_has_left_is_asked_about(city: Reviewing) -> None:
    assert codes(city, visits_above(4)) == set()
    city.story.publish()
    assert codes(city, visits_above(4)) == {"other_version_out"}


def means_of(where: str | None) -> str:
    recipe = {"kind": "means", "name": "means", "dataset": "clinic.visits", "columns": {"visits": "visits"}}
    return json.dumps([recipe | ({"where": where} if where else {})])


def test_one_person_between_two_outputs_stops_whichever_would_leave_last(city: Reviewing) -> None:
    """Both were looked at before either left: the second is checked again once the first has."""
    lines = [f"p{n},north,1,{10 if n else 90},{n % 9},,,true,s" for n in range(200)]
    city.story.publish(
        "\n".join(["person,district,year,cost,visits,note,day,smoker,secret", *lines]).encode()
    )
    files = {"measured/means.csv": b"variable,n,mean,sd\nvisits,200,3.9,2.6\n"}
    files["measured/means.counts.csv"] = files["measured/means.csv"]
    path = "measured/means.csv"
    whole, cut = (
        city.asked(declared(path), run=city.finished(files, recipes=means_of(where)))
        for where in (None, "cost < 50")
    )
    lin = city.principal("lin")
    for review in (whole, cut):
        checked_review(city.context, officer=lin, id=review.id)
        city.votes(review, "lin", approval(path, "it is of everybody"))
    assert city.votes(whole, "zhou", approval(path, "it is of everybody")).outcome is Outcome.RELEASED
    (file,) = checked_review(city.context, officer=lin, id=cut.id).files
    found = {one.code for one in file.findings or () if one.severity is Severity.BLOCKS}
    assert found == {"joint_leverage"} and city.review(cut.id).votes == (), "what lin saw is no longer so"
    with pytest.raises(InvalidInput) as refused:
        city.votes(cut, "zhou", approval(path, "it is of everybody"))
    assert refused.value.code == "blocked"
    with city.context.database.transaction() as tx:
        mine = city.run(cut.run)
        stored = tx.execute(select(runs.c.inputs).where(runs.c.id == whole.run)).scalar_one()
        base = [{**one, "dataset": "base.people"} for one in stored]
        before = tx.begin_nested()
        tx.execute(update(runs).where(runs.c.id == whole.run).values(inputs=base))
        assert runs_with_outputs_out(tx, mine) == []
        tx.execute(update(dataset_versions).values(lineage={"inputs": base}))
        assert [one.id for one in runs_with_outputs_out(tx, mine)] == [whole.run], "on what it was made of"
        before.rollback()
    late = replace(city.review(cut.id), compared_runs=0)
    with city.context.database.transaction() as tx, pytest.raises(Conflict) as changed:
        decide(tx, city.context, late, Outcome.RELEASED, voted=Event("review.voted", "lin", "review:x", {}))
    assert changed.value.code == "review_changed"
