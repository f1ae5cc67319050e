"""A version that is held is used by nobody until its review is decided; a refusal loses nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import insert, select, update

from lifecycle_story import lifecycle_of
from opening_story import held_publish, openings_of, yes_to
from sandbox.audit.tables import entries
from sandbox.budgets import Account, Level, statement
from sandbox.catalog.automatic_versions import publishable_version
from sandbox.catalog.opening import waiting_version
from sandbox.catalog.tables import dataset_versions, datasets, opening_reviews
from sandbox.catalog.versions import compare_versions, current_for, list_versions
from sandbox.drafts.tables import draft_files, drafts
from sandbox.errors import Conflict, Forbidden, InvalidInput, NotFound
from sandbox.lifecycle.announcements import announce, announcements_of
from sandbox.lifecycle.steps import agree, list_steps, propose
from sandbox.openings.openings import (
    GivenAnswer,
    answer_opening,
    list_openings,
    read_opening,
    refuse_opening,
    remind_of_openings,
)
from story import POLICY, Story

NAME = "clinic.visits"
LOW = POLICY.replace('grade: "4"', 'grade: "2"').replace('grade: "3"', 'grade: "2"')
WIDER = POLICY.replace("[north, south, east]", "[north, south, east, west]")
RICHER = WIDER.replace('dataset_epsilon: "8"', 'dataset_epsilon: "9"')


def kinds(story: Story) -> list[str]:
    with story.database.transaction() as tx:
        return [
            json.loads(one)["kind"] for one in tx.scalars(select(entries.c.entry).order_by(entries.c.index))
        ]


def opened(story: Story, review: int, *people: str) -> None:
    context = openings_of(story)
    for person in people or ("lin", "tang"):
        who = story.principal(person)
        asked = read_opening(context, who, review)
        if asked["state"] == "waiting" and (answers := yes_to(asked)):
            answer_opening(context, who, review, answers)


def test_a_version_is_used_by_nobody_until_two_people_said_yes(story: Story) -> None:
    done = held_publish(story)
    assert done.held and done.opening is not None
    with pytest.raises(NotFound) as closed:
        story.repository.usable(NAME)
    assert closed.value.code == "dataset_not_found" and closed.value.zh and closed.value.remedy_zh
    with pytest.raises(NotFound) as held:
        current_for(story.repository, story.gate, story.principal("tang"), NAME)
    assert held.value.code == "dataset_not_open", "to the officers of its department"
    assert story.repository.all() == []
    with pytest.raises(NotFound):
        list_versions(story.repository, story.gate, story.principal("wang"), NAME)
    with story.database.transaction() as tx:
        assert tx.execute(select(datasets.c.latest)).scalar_one() == 0
    seen = list_versions(story.repository, story.gate, story.principal("tang"), NAME)
    assert [version.get("opening") for version in seen["versions"]] == ["waiting"]

    made: list[str] = []
    context, id = openings_of(story, made), done.opening.id
    lin, tang = story.principal("lin"), story.principal("tang")
    answer_opening(context, lin, id, yes_to(read_opening(context, lin, id)))
    with pytest.raises(Conflict) as own:
        answer_opening(context, lin, id, [GivenAnswer("grades_agreed", yes=True)])
    assert own.value.code == "own_opening"
    assert made == [], "the publisher alone opens nothing"
    answers = yes_to(read_opening(context, tang, id))
    assert {answer.item for answer in answers} == {
        "grades_agreed",
        "exposure_acceptable",
        "responsible_named",
    }
    with pytest.raises(InvalidInput, match="note"):
        answer_opening(context, tang, id, [GivenAnswer("responsible_named", yes=True)])
    decided = answer_opening(context, tang, id, answers)
    assert decided["state"] == "opened" and decided["second_person"] == "tang" and made == [f"{NAME}@1"]
    assert story.repository.usable(NAME).number == 1
    assert kinds(story)[-3:] == ["version.opening_answered", "version.opening_answered", "version.opened"]
    with pytest.raises(Conflict) as over:
        answer_opening(context, tang, id, answers)
    assert over.value.code == "opening_closed"


@pytest.mark.parametrize("person", ["zhou", "wang"])
def test_a_dataset_under_review_is_told_from_none_by_its_department_alone(story: Story, person: str) -> None:
    held_publish(story)
    repository, gate, who = story.repository, story.gate, story.principal(person)
    lifecycle = lifecycle_of(story)
    ways: list[Callable[[str], object]] = [
        repository.current,
        partial(current_for, repository, gate, who),
        partial(list_versions, repository, gate, who),
        lambda name: compare_versions(repository, gate, who, name, 1, 1),
        partial(announcements_of, lifecycle, who),
        partial(list_steps, lifecycle, who),
        lambda name: propose(lifecycle, who, name, "erase", reason="rows stand twice"),
        lambda name: publishable_version(repository, gate, who, name),
    ]
    for way in ways:
        refusals = []
        for name in (NAME, "clinic.never"):
            with pytest.raises(NotFound) as refused:
                way(name)
            error = refused.value
            refusals.append(
                [error.code, error.message.replace(name, "it"), error.remedy, error.zh.replace(name, "it")]
            )
        assert refusals[0] == refusals[1]
        assert refusals[0][0] == "dataset_not_found"


def test_who_is_of_another_department_learns_nothing_of_it(story: Story) -> None:
    done = held_publish(story)
    assert done.opening is not None
    context, zhou = openings_of(story), story.principal("zhou")
    assert list_openings(context, zhou) == []
    for person in ("zhou", "wang"):
        with pytest.raises(NotFound):
            read_opening(context, story.principal(person), done.opening.id)
        with pytest.raises(NotFound):
            refuse_opening(context, story.principal(person), done.opening.id, "not for you to say")
    with pytest.raises(Forbidden):
        list_openings(context, story.principal("wang"))


def test_low_grades_open_by_what_the_system_finds(story: Story) -> None:
    low = LOW.replace("clinic.visits", "clinic.low")
    assert not held_publish(story, low).held
    [review] = list_openings(openings_of(story), story.principal("lin"))
    assert review["state"] == "opened" and {item["answered_by"] for item in review["items"]} == {"system"}
    assert not held_publish(story, low).held
    assert len(list_openings(openings_of(story), story.principal("lin"))) == 1, "it shows no more"


def test_what_was_agreed_as_a_draft_is_not_asked_again(story: Story) -> None:
    """But what the system could not confirm was not known to whoever agreed."""
    confirmed = ["purpose_and_basis", "only_what_is_needed", "values_are_public"]
    done = held_publish(story, confirmed=confirmed, agreed_by="tang")
    assert done.opening is not None and done.opening.unanswered == ("responsible_named",)
    opened(story, done.opening.id, "tang")
    assert story.repository.usable(NAME).number == 1
    assert held_publish(story, WIDER, confirmed=confirmed, agreed_by="lin").held, "nobody agrees to their own"
    assert held_publish(story, WIDER, confirmed=confirmed, agreed_by="zhou").held, "of another department"


def test_a_held_version_changes_neither_budget_nor_use_and_a_later_one_takes_its_place(story: Story) -> None:
    first = held_publish(story)
    assert first.opening is not None
    opened(story, first.opening.id)
    account = Account(Level.DATASET, NAME)
    with story.database.transaction() as tx:
        before = statement(tx, account).limit
    second, third = held_publish(story, RICHER), held_publish(story, RICHER)
    assert second.opening is not None and third.opening is not None
    with story.database.transaction() as tx:
        assert statement(tx, account).limit == before and waiting_version(tx, NAME) == 3
    assert story.repository.usable(NAME).number == 1
    seen = list_versions(story.repository, story.gate, story.principal("wang"), NAME)
    assert [version["number"] for version in seen["versions"]] == [1]
    assert (
        read_opening(openings_of(story), story.principal("lin"), second.opening.id)["state"] == "superseded"
    )
    with pytest.raises(Conflict) as closed:
        answer_opening(openings_of(story), story.principal("lin"), second.opening.id, [])
    assert closed.value.code == "opening_closed"
    with pytest.raises(Conflict) as unopened:
        propose(lifecycle_of(story), story.principal("lin"), NAME, "withdraw", reason="wrong rows", version=3)
    assert unopened.value.code == "version_not_open"
    opened(story, third.opening.id)
    assert story.repository.usable(NAME).number == 3
    with story.database.transaction() as tx:
        assert statement(tx, account).limit.picorho > before.picorho


def test_a_refusal_says_why_and_loses_nothing(story: Story) -> None:
    done = held_publish(story)
    assert done.opening is not None
    with story.database.transaction() as tx:
        file = tx.execute(
            insert(draft_files)
            .values(
                id="6c1d3c1e-0000-4000-8000-000000000001",
                name="v.csv",
                object_name="uploads/of-a-test",
                department="health",
                state="stored",
                uploaded_by="lin",
            )
            .returning(draft_files.c.id)
        ).scalar_one()
        tx.execute(
            insert(drafts).values(
                file=file,
                state="published",
                department="health",
                revision=1,
                shape={},
                second_person="tang",
                published_dataset=NAME,
                published_version=1,
            )
        )
    context, tang = openings_of(story), story.principal("tang")
    with pytest.raises(InvalidInput):
        refuse_opening(context, tang, done.opening.id, " no ")
    told = refuse_opening(context, tang, done.opening.id, "the grade of cost is too low")
    assert told["state"] == "refused" and told["reason"] == "the grade of cost is too low"
    with story.database.transaction() as tx:
        draft = tx.execute(select(drafts)).one()
        stored = tx.execute(select(dataset_versions.c.object_name)).scalars().all()
    assert (draft.state, draft.second_person, draft.published_version) == ("open", None, None)
    assert story.store.versions(stored[0]), "its rows are there"
    again = held_publish(story, POLICY.replace("kind: person", "kind: household"))
    assert again.version.number == 2, "nothing was lost about anybody: the unit may be another"
    assert kinds(story)[-2:] == ["version.opening_refused", "dataset.published"]


def test_what_is_late_is_told_once_and_stays_closed(story: Story) -> None:
    done = held_publish(story)
    assert done.opening is not None
    context = openings_of(story)
    assert remind_of_openings(context) == 0
    late = datetime.now(UTC) + timedelta(days=30)
    assert remind_of_openings(context, now=late) == 1 and remind_of_openings(context, now=late) == 0
    with story.database.transaction() as tx:
        tx.execute(update(opening_reviews).values(due_at=datetime.now(UTC) - timedelta(days=1)))
    [review] = list_openings(context, story.principal("tang"), state="waiting")
    assert review["overdue"] and kinds(story)[-1] == "version.opening_overdue"


def test_an_end_of_the_dataset_ends_the_review(story: Story) -> None:
    first = held_publish(story)
    assert first.opening is not None
    opened(story, first.opening.id)
    second = held_publish(story, WIDER)
    assert second.opening is not None
    with story.database.transaction() as tx:
        tx.execute(update(datasets).values(retires_at=datetime.now(UTC)))
    with pytest.raises(Conflict) as retired:
        opened(story, second.opening.id)
    assert retired.value.code == "dataset_retired"
    assert story.repository.current(NAME).number == 1


def test_a_breaking_version_is_announced_before_it_opens_too(story: Story) -> None:
    """Nobody had a grant when it was published; somebody has when it would open."""
    first = held_publish(story)
    assert first.opening is not None
    opened(story, first.opening.id)
    breaking = WIDER.replace("[0, 100]", "[0, 50]")
    second = held_publish(story, breaking)
    assert second.opening is not None
    story.grant(epsilon="1")
    with pytest.raises(Conflict) as sudden:
        opened(story, second.opening.id)
    assert sudden.value.code == "not_announced"


def test_one_officer_announces_no_values_of_grade_4(story: Story) -> None:
    first = held_publish(story)
    assert first.opening is not None
    opened(story, first.opening.id)
    more = POLICY.replace("[north, south, east]", "[north, south, upland]")
    day = (datetime.now(UTC) + timedelta(days=40)).date()
    told = announce(
        lifecycle_of(story), story.principal("lin"), NAME, policy_text=more, first_day=day, notes=""
    )
    assert "upland" not in json.dumps(told, default=str) and told["effect"] == "breaking"


def test_withdrawing_goes_back_to_the_last_version_that_was_open(story: Story) -> None:
    for policy in (POLICY, WIDER):
        done = held_publish(story, policy)
        assert done.opening is not None
        opened(story, done.opening.id)
    held = held_publish(story, RICHER)
    assert held.held
    step = propose(
        lifecycle_of(story), story.principal("lin"), NAME, "withdraw", reason="rows stand twice", version=2
    )
    agree(lifecycle_of(story), story.principal("tang"), NAME, step["id"])
    assert story.repository.usable(NAME).number == 1
