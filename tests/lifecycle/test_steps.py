"""Versions are withdrawn, datasets retire and are erased: who may, what stays, what nobody can do then."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select, update

from lifecycle_story import lifecycle_of, publish_with, with_second_officer
from sandbox.audit.tables import entries
from sandbox.budgets import Account, Level, statement
from sandbox.catalog.tables import dataset_quality, dataset_versions, datasets
from sandbox.catalog.version_quality import keep_report
from sandbox.catalog.versions import compare_versions, list_versions
from sandbox.city_time import city_date
from sandbox.drafts.tables import draft_files, drafts
from sandbox.errors import Conflict, Forbidden, InvalidInput, NotFound
from sandbox.lifecycle.announcements import announcements_for, announcements_of
from sandbox.lifecycle.erase import finish_erasures
from sandbox.lifecycle.schemas import StepDocument
from sandbox.lifecycle.steps import agree, drop, list_steps, propose
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.pulls.tables import pull_attempts, pulls
from sandbox.pushes.tables import push_batches, pushes
from sandbox.releases import ask
from story import POLICY, Story

NAME = "clinic.visits"
LOW = POLICY.replace('grade: "4"', 'grade: "3"')  # one officer does
COUNT = f"SELECT district, COUNT(*) FROM {NAME} GROUP BY district"
OTHER = LOW.replace("[north, south, east]", "[north, south]")


def today() -> date:
    return city_date(datetime.now(UTC))


def kinds(story: Story) -> list[str]:

    with story.database.transaction() as tx:
        return [
            json.loads(one)["kind"] for one in tx.scalars(select(entries.c.entry).order_by(entries.c.index))
        ]


def withdraw(story: Story, version: int, who: str = "lin") -> StepDocument:
    return propose(
        lifecycle_of(story),
        story.principal(who),
        NAME,
        "withdraw",
        reason="rows stand twice",
        version=version,
    )


def objects(story: Story) -> set[str]:
    """Of all tests: they share the bucket."""
    return {stored.name for stored in story.store.versions(f"{NAME}/")}


def spent(story: Story) -> int:
    with story.database.transaction() as tx:
        return statement(tx, Account(Level.DATASET, NAME)).spent.picorho


def asked(story: Story) -> int:
    """The version that a question is answered from."""
    answer = ask(story.context, principal=story.principal("wang"), sql=COUNT, epsilon=Fraction(1, 2))
    return int(answer["version"])


def test_a_withdrawn_version_gives_way_to_the_one_before(story: Story) -> None:
    publish_with(story, policy=LOW, notes="the first")
    publish_with(story, policy=OTHER, notes="fewer districts")
    assert withdraw(story, 2)["state"] == "done"
    assert story.repository.current(NAME).number == 1
    listed = list_versions(story.repository, story.gate, story.principal("wang"), NAME)["versions"]
    assert [(one["number"], one["in_use"], one["notes"]) for one in listed] == [
        (2, False, "fewer districts"),
        (1, True, "the first"),
    ]
    assert listed[0]["withdrawn"]["reason"] == "rows stand twice"
    assert publish_with(story, policy=LOW).version.number == 3, "a number is used once"
    with pytest.raises(Conflict) as again:
        withdraw(story, 2)
    assert again.value.code == "version_withdrawn"
    assert withdraw(story, 3)["state"] == "done" and withdraw(story, 1)["state"] == "done"
    with pytest.raises(NotFound) as gone:
        story.repository.current(NAME)
    assert gone.value.code == "dataset_withdrawn"
    assert story.repository.all() == []


def test_what_was_lost_goes_on_counting_whatever_is_withdrawn(story: Story) -> None:
    publish_with(story, policy=LOW)
    publish_with(story, policy=LOW)
    story.grant(epsilon="1")
    assert asked(story) == 2
    before = spent(story)
    withdraw(story, 2)
    assert spent(story) == before > 0
    assert asked(story) == 1, "the same question is bought anew: it is about other rows"
    assert spent(story) > before
    with pytest.raises(Conflict):  # nor does a version with other people begin anew
        publish_with(story, policy=LOW.replace("kind: person", "kind: household"))


def test_from_grade_4_a_second_officer_agrees(story: Story) -> None:
    with_second_officer(story)
    publish_with(story)
    publish_with(story)
    step = withdraw(story, 2)
    assert step["state"] == "proposed" and story.repository.current(NAME).number == 2
    context, lin, sun = lifecycle_of(story), story.principal("lin"), story.principal("sun")
    with pytest.raises(Conflict) as own:
        agree(context, lin, NAME, step["id"])
    assert own.value.code == "own_step"
    for stranger in ("zhou", "wang"):
        with pytest.raises(Forbidden):
            agree(context, story.principal(stranger), NAME, step["id"])
    done = agree(context, sun, NAME, step["id"])
    assert done["state"] == "done" and done["second_person"] == "sun"
    assert story.repository.current(NAME).number == 1
    with pytest.raises(Conflict) as closed:
        agree(context, sun, NAME, step["id"])
    assert closed.value.code == "step_closed"
    dropped = withdraw(story, 1)
    drop(context, lin, NAME, dropped["id"])
    with pytest.raises(Conflict):
        agree(context, sun, NAME, dropped["id"])
    assert story.repository.current(NAME).number == 1
    assert [one["state"] for one in list_steps(context, lin, NAME)] == ["dropped", "done"]


@pytest.mark.parametrize("who", ["zhou", "wang"])
def test_nobody_else_ends_or_lists_anything(story: Story, who: str) -> None:
    publish_with(story, policy=LOW)
    context, stranger = lifecycle_of(story), story.principal(who)
    for kind, more in (("withdraw", {"version": 1}), ("retire", {"last_day": today()}), ("erase", {})):
        with pytest.raises(Forbidden):
            propose(context, stranger, NAME, kind, reason="because I say so", **more)  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        list_steps(context, stranger, NAME)
    assert story.repository.current(NAME).number == 1


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("withdraw", {}),
        ("erase", {"version": 1}),
        ("retire", {"version": 1}),
        ("withdraw", {"last_day": today()}),
    ],
)
def test_a_step_says_what_it_needs(story: Story, kind: str, more: dict[str, object]) -> None:
    publish_with(story, policy=LOW)
    with pytest.raises(InvalidInput):
        propose(
            lifecycle_of(story),
            story.principal("lin"),
            NAME,
            kind,
            reason="for a test",
            **more,  # type: ignore[arg-type]
        )
    with pytest.raises(InvalidInput):
        propose(lifecycle_of(story), story.principal("lin"), NAME, "erase", reason=" a ")


def test_a_dataset_retires_on_its_day(story: Story) -> None:
    publish_with(story, policy=LOW)
    story.grant(epsilon="1")
    context, lin = lifecycle_of(story), story.principal("lin")
    with pytest.raises(Conflict) as soon:
        propose(
            context, lin, NAME, "retire", reason="replaced by another", last_day=today() + timedelta(days=3)
        )
    assert soon.value.code == "too_soon"
    last_day = today() + timedelta(days=20)
    step = propose(context, lin, NAME, "retire", reason="replaced by another", last_day=last_day)
    assert step["state"] == "done" and story.repository.current(NAME).retires_at == step["takes_effect"]
    assert asked(story) == 1, "until then it is used"
    [told] = announcements_for(context, story.principal("wang"))
    assert told["kind"] == "retires" and last_day.isoformat() in told["text"]["en"]
    drop(context, lin, NAME, step["id"])
    assert story.repository.current(NAME).retires_at is None
    propose(context, lin, NAME, "retire", reason="replaced by another", last_day=last_day)
    with story.database.transaction() as tx:
        tx.execute(update(datasets).values(retires_at=datetime.now(UTC)))
    for refused in (
        lambda: asked(story),
        lambda: publish_with(story, policy=LOW),
        lambda: story.repository.usable(NAME),
    ):
        with pytest.raises(Conflict) as retired:
            refused()
        assert retired.value.code == "dataset_retired"
    assert story.repository.current(NAME).number == 1, "its entry stays"


def test_a_retired_dataset_stays_retired(story: Story) -> None:
    publish_with(story, policy=LOW)
    context, lin = lifecycle_of(story), story.principal("lin")
    propose(context, lin, NAME, "retire", reason="replaced by another", last_day=today())
    with story.database.transaction() as tx:
        tx.execute(update(datasets).values(retires_at=datetime.now(UTC)))
    with pytest.raises(Conflict) as again:
        propose(
            context, lin, NAME, "retire", reason="longer after all", last_day=today() + timedelta(days=90)
        )
    assert again.value.code == "dataset_retired" and again.value.zh
    with pytest.raises(Conflict):
        story.repository.usable(NAME)


def test_a_new_last_day_replaces_the_one_before(story: Story) -> None:
    publish_with(story, policy=LOW)
    context, lin = lifecycle_of(story), story.principal("lin")
    first, second = (
        propose(
            context,
            lin,
            NAME,
            "retire",
            reason="replaced by another",
            last_day=today() + timedelta(days=days),
        )
        for days in (20, 30)
    )
    assert [one["state"] for one in list_steps(context, lin, NAME)] == ["done", "dropped"]
    with pytest.raises(Conflict) as closed:
        drop(context, lin, NAME, first["id"])
    assert closed.value.code == "step_closed"
    assert story.repository.current(NAME).retires_at == second["takes_effect"]
    with story.database.transaction() as tx:  # as a release before left it
        tx.execute(update(lifecycle_steps).where(lifecycle_steps.c.id == first["id"]).values(state="done"))
    drop(context, lin, NAME, first["id"])
    assert story.repository.current(NAME).retires_at == second["takes_effect"]
    drop(context, lin, NAME, second["id"])
    assert story.repository.current(NAME).retires_at is None


def test_an_erased_dataset_leaves_no_figure_of_its_people(story: Story) -> None:
    publish_with(story, policy=LOW)
    shape = {"dataset": NAME, "format": {"format": "csv"}, "header_unsure": False, "rows": 60}
    with story.database.transaction() as tx:
        keep_report(tx, NAME, 1, {"rows": 60})
        file, when = uuid4(), datetime.now(UTC)
        tx.execute(
            insert(draft_files).values(
                id=file, name="v.csv", object_name=f"drafts/{file}", department="health", state="removed",
                bytes=4711, sha256="ab", uploaded_by="lin",
            )
        )  # fmt: skip
        tx.execute(
            insert(drafts).values(
                file=file, state="published", department="health", revision=1, published_dataset=NAME,
                published_version=1, shape=shape | {"columns": [{"x": 60}], "suggestions": [{"x": 60}]},
            )
        )  # fmt: skip
        pull = tx.execute(
            insert(pulls)
            .values(
                dataset=NAME, department="health", source="clinic", kind="query", what="SELECT 11010519",
                cron="0 3 * * *", state="active", set_by="lin", makers=["lin"], revision=1,
                next_due=when,
            )
            .returning(pulls.c.id)
        ).scalar_one()  # fmt: skip
        tx.execute(
            insert(pull_attempts).values(
                pull=pull, set_by="lin", outcome="failed", code="x", words={"message": "60 cells"}
            )
        )
        push = uuid4()
        tx.execute(
            insert(pushes).values(
                id=push, dataset=NAME, pusher="officer:lin", mode="append",
                state="waiting", officer="lin", policy_sha256="ab", about_people=True,
                words={"message": "60 cells"},
            )
        )  # fmt: skip
        batch = story.store.put("pushes/one", b"rows")
        tx.execute(
            insert(push_batches).values(
                push=push, key_sha256="of a key", state="stored", object_name=batch.name, number=1,
                object_version=batch.version_id, format="csv", bytes=4, rows=60, sha256="ab", notes=["60"],
            )
        )  # fmt: skip
    context, lin = lifecycle_of(story), story.principal("lin")
    propose(context, lin, NAME, "erase", reason="the law asks for it")
    assert finish_erasures(context) == 1
    assert not story.store.versions("pushes/")
    with story.database.transaction() as tx:
        kept = tx.execute(select(dataset_versions.c.rows, dataset_versions.c.file_sha256)).one()
        assert tuple(kept) == (0, None)
        assert tx.execute(select(func.count()).select_from(dataset_quality)).scalar_one() == 0
        assert tx.execute(select(pull_attempts.c.words)).scalar_one() is None
        assert tuple(tx.execute(select(pulls.c.state, pulls.c.what)).one()) == ("removed", "")
        assert tuple(tx.execute(select(pushes.c.state, pushes.c.words)).one()) == ("abandoned", None)
        counted = select(
            push_batches.c.bytes, push_batches.c.rows, push_batches.c.sha256, push_batches.c.notes
        )
        assert tuple(tx.execute(counted).one()) == (0, 0, "", [])
        emptied = tx.execute(select(drafts.c.shape)).scalar_one()
        assert emptied == shape | {"rows": 0, "columns": [], "suggestions": []}
        assert tuple(tx.execute(select(draft_files.c.bytes, draft_files.c.sha256)).one()) == (0, "")


def test_an_erased_dataset_leaves_no_row_and_keeps_what_was_lost(story: Story) -> None:
    there = objects(story)
    publish_with(story, policy=LOW)
    publish_with(story, policy=LOW)
    story.grant(epsilon="1")
    assert asked(story) == 2
    before = spent(story)
    context, lin = lifecycle_of(story), story.principal("lin")
    step = propose(context, lin, NAME, "erase", reason="the law asks for it")
    assert step["state"] == "erasing"
    with pytest.raises(NotFound) as erased:
        asked(story)
    assert erased.value.code == "dataset_erased"
    assert finish_erasures(context) == 1 and finish_erasures(context) == 0
    assert list_steps(context, lin, NAME)[0]["state"] == "done"
    assert objects(story) == there
    assert spent(story) == before > 0
    for name in (NAME, NAME.upper()):
        with pytest.raises((Conflict, InvalidInput)):
            publish_with(story, policy=LOW.replace(f"dataset: {NAME}", f"dataset: {name}"))
    assert [one["number"] for one in list_versions(story.repository, story.gate, lin, NAME)["versions"]] == [
        2,
        1,
    ]
    assert compare_versions(story.repository, story.gate, lin, NAME, 1, 2)["changes"] == []
    assert [one["kind"] for one in announcements_of(context, lin, NAME)] == ["erased"]
    assert kinds(story)[-2:] == ["dataset.erasing", "dataset.erased"]
    with pytest.raises(Conflict):
        propose(context, lin, NAME, "withdraw", reason="once more", version=1)
    with story.database.transaction() as tx:
        assert tx.execute(select(func.count()).select_from(draft_files)).scalar_one() == 0
