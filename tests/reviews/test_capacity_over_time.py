"""What a team is told over time is counted and bounded: also what was returned, refused or taken back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from reviewed_runs import FILES, Reviewing, approval, declared, refusal
from sandbox.disclosure.capacity import bits_of_grid
from sandbox.disclosure.clean_file import KIND_BITS
from sandbox.disclosure.form import Form
from sandbox.errors import BudgetExhausted, Conflict
from sandbox.identity import join_team, leave_team
from sandbox.jobs import load_run
from sandbox.jobs.model import RunState
from sandbox.reviews.capacity_ledger import answer_bits, capacity_told, organisation_told
from sandbox.reviews.known_texts import known_texts
from sandbox.reviews.model import Choice, ReviewState
from sandbox.reviews.request_release import change_declarations, withdraw
from sandbox.reviews.tables import reviews
from sandbox.reviews.views import team_view, told_to_reviewer

GRADE = "4"
"""Of what a run of the city reads, together."""
NOTE = declared("note.txt", statbarn="words")
TABLE = [["district", "n"], ["north", "120"], ["south", "90"]]


def table_bits(city: Reviewing) -> float:
    """Of the table that every run leaves: its labels are values of a public key."""
    versions = (city.context.repository.current("clinic.visits"),)
    return KIND_BITS + bits_of_grid(TABLE, Form(known=known_texts(versions, ())))


def limited(city: Reviewing, bits: int = 0, files: int = 0) -> Reviewing:
    """The same city with other limits for each grade."""
    taxonomy = city.context.taxonomy
    grades = {
        grade: replace(thresholds, window_bits=bits, window_files=files)
        for grade, thresholds in taxonomy.grades.items()
    }
    return replace(city, context=replace(city.context, taxonomy=replace(taxonomy, grades=grades)))


def told(city: Reviewing) -> tuple[int, int]:
    with city.context.database.transaction() as tx:
        found = capacity_told(tx, city.context.taxonomy, "lake", GRADE)
    return found.bits, found.files


def answer(city: Reviewing, files: int = 1) -> int:
    return answer_bits(files, 2, len(city.context.policy.reasons))


def test_each_request_counts_whatever_becomes_of_it(city: Reviewing) -> None:
    one = answer(city)
    assert one > 11, "two reviewers, three choices and eleven reasons"
    returned, refused, taken_back, released = (city.asked() for _ in range(4))
    assert told(city) == (4 * one, 0)
    for officer in ("lin", "zhou"):
        city.votes(returned, officer, refusal(choice=Choice.CHANGE))
        city.votes(refused, officer, refusal())
    withdraw(city.context, principal=city.principal("wang"), run=taken_back.run)
    assert told(city) == (4 * one, 0)
    for officer in ("lin", "zhou"):
        city.votes(released, officer)
    assert told(city) == (4 * one + -int(-table_bits(city) // 1), 0)
    with city.context.database.transaction() as tx:
        assert capacity_told(tx, city.context.taxonomy, "lake", "3").bits == 0, "of another grade"
        assert capacity_told(tx, city.context.taxonomy, "river", GRADE).bits == 0, "of another team"


def test_a_request_that_does_not_fit_is_told_so_before_anything_is_checked(city: Reviewing) -> None:
    city = limited(city, bits=2 * answer(city))
    first, run = city.asked(), city.finished()
    city.asked()
    with pytest.raises(BudgetExhausted) as full:
        city.asked(run=run)
    assert full.value.code == "capacity_used_up" and "officers" in full.value.remedy and full.value.remedy_zh
    with city.context.database.transaction() as tx:
        assert load_run(tx, run.id).state is RunState.FINISHED
    for officer in ("lin", "zhou"):
        city.votes(first, officer, refusal())
    with pytest.raises(BudgetExhausted) as again:
        city.asked(run=run)
    date = (datetime.now(UTC) + timedelta(days=city.context.taxonomy.window_days)).date().isoformat()
    assert date in again.value.remedy and date in again.value.remedy_zh
    with city.context.database.transaction() as tx:
        long_ago = datetime.now(UTC) - timedelta(days=city.context.taxonomy.window_days, minutes=1)
        tx.execute(update(reviews).where(reviews.c.id == first.id).values(decided_at=long_ago))
    assert city.asked(run=run).state is ReviewState.OPEN


def test_a_change_that_asks_for_more_files_counts_more(city: Reviewing) -> None:
    review = city.asked()
    for _ in range(2):
        change_declarations(city.context, principal=city.principal("wang"), run=review.run, files=[NOTE])
        assert told(city) == (answer(city, 2), 0)


def test_a_release_beyond_the_limit_is_refused_and_the_review_can_be_returned(city: Reviewing) -> None:
    city = limited(city, bits=answer(city) + int(table_bits(city)) - 1)
    review = city.asked()
    city.votes(review, "lin")
    with pytest.raises(Conflict) as beyond:
        city.votes(review, "zhou")
    assert beyond.value.code == "capacity_exceeded" and beyond.value.remedy_zh
    assert city.run(review.run).state is RunState.FINISHED
    city.votes(review, "zhou", refusal(choice=Choice.CHANGE))
    for officer in ("lin", "zhou"):
        city.votes(review, officer, refusal(choice=Choice.CHANGE))
    assert city.run(review.run).state is RunState.RETURNED and told(city) == (answer(city), 0)


def test_files_without_a_bound_are_counted_by_their_number(city: Reviewing) -> None:
    city = limited(city, files=1)
    review = city.asked(NOTE)
    for officer in ("lin", "zhou"):
        city.votes(review, officer, approval("note.txt", "it names two districts"))
    assert told(city) == (answer(city), 1)
    with pytest.raises(BudgetExhausted):
        city.asked()


def test_what_was_not_left_adds_nothing_but_its_answer(city: Reviewing) -> None:
    review = city.asked(declared("never.csv"), run=city.finished(FILES))
    for officer in ("lin", "zhou"):
        city.votes(review, officer, approval("never.csv", "that there is none says nothing"))
    assert told(city) == (answer(city), 0)


def test_reviewers_see_the_sum_and_the_team_reads_nothing_of_what_was_found(city: Reviewing) -> None:
    earlier, review = city.asked(), city.asked(declared(), NOTE)
    for officer in ("lin", "zhou"):
        city.votes(earlier, officer)
    city.votes(review, "lin", refusal(), refusal("note.txt"))
    with city.context.database.transaction() as tx:
        shown = told_to_reviewer(
            tx, city.context, city.review(review.id), load_run(tx, review.run), city.principal("lin")
        )
    limits = city.context.taxonomy.at(GRADE).thresholds
    assert shown["capacity"] == {
        "days": 90,
        "told_bits": answer(city) + shown["files"][1]["bits"],
        "told_files": 0,
        "limit_bits": limits.window_bits,
        "limit_files": limits.window_files,
        "answer_bits": answer(city, 2),
        "release_bits": shown["files"][1]["bits"],
        "release_files": 1,
        "organisations": [
            {
                "organisation": "hbpu",
                "told_bits": answer(city) + shown["files"][1]["bits"],
                "told_files": 0,
                "limit_bits": 4 * limits.window_bits,
                "limit_files": 4 * limits.window_files,
            }
        ],
    }
    assert [file["bits"] for file in shown["files"]] == [None, -int(-table_bits(city) // 1)]
    assert "capacity" not in team_view(city.review(review.id))


def test_the_author_reads_codes_and_peoples_words_and_no_finding(city: Reviewing) -> None:
    """Nothing that a check says is in what the team is told, also where it blocked the file."""
    small = {**FILES, "table.csv": b"district,n\nnorth,3\nsouth,90\n"}
    review = city.asked(run=city.finished(small))
    for officer in ("lin", "zhou"):
        city.votes(review, officer, refusal(choice=Choice.CHANGE))
    decided = city.review(review.id)
    assert any(found.severity == "blocks" for found in decided.files[0].findings or ())
    shown = team_view(decided)
    for found in decided.files[0].findings or ():
        assert found.message not in str(shown) and found.zh not in str(shown)
    assert {reason for said in shown["comments"] for reason in said["reasons"]} <= set(
        city.context.policy.reasons
    )


def test_teams_of_one_organisation_have_a_limit_together_and_others_of_none(city: Reviewing) -> None:
    """Teams can be made as one likes; an organisation's people put together what each of them was told."""
    city.team("river", "chen", "hbpu")
    city.team("shore", "yan", "market")
    one = answer(city)
    city = limited(city, bits=2 * one)
    city = replace(
        city,
        context=replace(city.context, taxonomy=replace(city.context.taxonomy, organisation_windows=1)),
    )
    first, run = city.asked(), city.finished(person="chen")
    city.asked()
    with pytest.raises(BudgetExhausted) as full:
        city.asked(run=run, person="chen")
    assert (
        full.value.code == "capacity_used_up"
        and "organisation" in full.value.message
        and full.value.remedy_zh
    )
    assert not any(
        letter.isdigit() for letter in full.value.message.replace("90 days", "").replace("grade 4", "")
    )
    assert city.asked(person="yan").state is ReviewState.OPEN, "of another organisation"
    withdraw(city.context, principal=city.principal("wang"), run=first.run)
    with pytest.raises(BudgetExhausted):
        city.asked(run=run, person="chen")
    with city.context.database.transaction() as tx:
        leave_team(tx, team_id="lake", account_id="wang", by="system")
        leave_team(tx, team_id="lake", account_id="song", by="system")
    with pytest.raises(BudgetExhausted):  # who was behind it when it asked stays
        city.asked(run=run, person="chen")
    wider = replace(
        city, context=replace(city.context, taxonomy=replace(city.context.taxonomy, organisation_windows=2))
    )
    assert wider.asked(run=run, person="chen").state is ReviewState.OPEN


def test_whoever_joins_a_team_was_told_what_it_was_told(city: Reviewing) -> None:
    city.asked()
    with city.context.database.transaction() as tx:
        taxonomy = city.context.taxonomy
        assert organisation_told(tx, taxonomy, "market", GRADE).bits == 0
        join_team(tx, team_id="lake", account_id="gu", by="system")
        assert organisation_told(tx, taxonomy, "market", GRADE).bits == answer(city)
        assert organisation_told(tx, taxonomy, "market", "3").bits == 0


def test_a_release_beyond_the_limit_of_its_organisation_is_refused(city: Reviewing) -> None:
    city.team("river", "chen", "hbpu")
    bits = 2 * answer(city) + int(table_bits(city))
    taxonomy = replace(limited(city, bits=bits).context.taxonomy, organisation_windows=1)
    city = replace(city, context=replace(city.context, taxonomy=taxonomy))
    mine, theirs = city.asked(), city.asked(person="chen")
    city.votes(mine, "lin")
    city.votes(theirs, "lin")
    with pytest.raises(Conflict) as beyond:
        city.votes(theirs, "zhou")
    assert (
        beyond.value.code == "capacity_exceeded"
        and "hbpu" in beyond.value.message
        and "hbpu" in beyond.value.zh
    )
    withdraw(city.context, principal=city.principal("chen"), run=theirs.run)
    with pytest.raises(Conflict):
        city.votes(mine, "zhou")


def test_a_change_that_does_not_fit_changes_nothing(city: Reviewing) -> None:
    city = limited(city, bits=answer(city))
    review = city.asked()
    with pytest.raises(BudgetExhausted):
        change_declarations(city.context, principal=city.principal("wang"), run=review.run, files=[NOTE])
    assert city.review(review.id).paths == review.paths and told(city) == (answer(city), 0)
    change_declarations(
        city.context,
        principal=city.principal("wang"),
        run=review.run,
        files=[declared(controls="nothing was left out")],
    )


def test_many_teams_that_ask_at_once_get_no_more_than_their_organisation_may(city: Reviewing) -> None:
    """Each holds its own ledger first, then that of the organisation; nobody waits for ever."""
    people = [f"p{number}" for number in range(6)]
    for person in people:
        city.team(f"t{person}", person, "hbpu")
    taxonomy = replace(limited(city, bits=2 * answer(city)).context.taxonomy, organisation_windows=1)
    city = replace(city, context=replace(city.context, taxonomy=taxonomy))
    finished = {person: city.finished(person=person) for person in people}

    def ask(person: str) -> bool:
        try:
            city.asked(run=finished[person], person=person)
        except BudgetExhausted:
            return False
        return True

    with ThreadPoolExecutor(len(people)) as threads:
        assert sorted(threads.map(ask, people)) == [False] * 4 + [True] * 2
