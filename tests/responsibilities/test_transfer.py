"""What an officer answers for is handed over in one act, and nothing that needs two people gets one."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from opening_story import held_publish, openings_of, yes_to
from sandbox.audit.tables import entries
from sandbox.catalog.lists import Lists, Responsible
from sandbox.catalog.tables import opening_reviews
from sandbox.derivations.tables import derivations
from sandbox.drafts.tables import draft_files, drafts
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import create_account, disable_account
from sandbox.openings.openings import answer_opening, read_opening
from sandbox.pulls.tables import pulls
from sandbox.pushes.tables import push_credentials, pushes
from sandbox.responsibilities.transfer import HandOverContext, responsibilities, transfer
from story import POLICY, Story

NAME = "clinic.visits"


def context_of(story: Story) -> HandOverContext:
    return HandOverContext(story.database, story.repository, story.gate)


def with_operator(story: Story) -> None:
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="he", display_name="he", organisation="hbpu", roles=["operator"], by="system"
        )


def with_draft(story: Story, second: str | None = None) -> None:
    with story.database.transaction() as tx:
        file = uuid.uuid4()
        tx.execute(
            insert(draft_files).values(
                id=file,
                name="v.csv",
                object_name=f"uploads/{file}",
                department="health",
                state="stored",
                uploaded_by="lin",
            )
        )
        tx.execute(
            insert(drafts).values(
                file=file, state="open", department="health", revision=1, shape={}, second_person=second
            )
        )


def with_pull(story: Story, second: str | None = "tang") -> None:
    with story.database.transaction() as tx:
        tx.execute(
            insert(pulls).values(
                dataset=NAME,
                department="health",
                source="clinic",
                kind="table",
                what="visits",
                cron="0 3 * * *",
                state="active",
                set_by="lin",
                makers=["lin"],
                second_person=second,
                revision=3,
                next_due=datetime.now(UTC),
            )
        )


def named(story: Story, account: str, who: str = "lin") -> set[tuple[str, bool]]:
    known = responsibilities(context_of(story), story.principal(who), account)
    return {(holding["kind"], holding["shared"]) for holding in known["holdings"]}


def with_lists(story: Story, deputy: str) -> None:
    entry = Responsible(("clinic.*",), "publish", "lin", deputy)
    story.repository.lists = Lists((), (entry,))


def row(story: Story, table: Any) -> Any:
    with story.database.transaction() as tx:
        return tx.execute(select(table)).one()


def test_all_that_is_theirs_goes_to_the_deputy_in_one_act(story: Story) -> None:
    with_lists(story, "tang")
    story.publish()
    with_draft(story, second="tang"), with_pull(story)
    held = held_publish(story, POLICY.replace("[0, 100]", "[0, 200]"))
    assert held.opening is not None
    assert named(story, "lin") == {
        (kind, False) for kind in ("draft", "pull", "opening_review", "list_entry", "dataset")
    }
    done = transfer(context_of(story), story.principal("lin"), "lin", to=None, reason="another office")
    assert done["successor"] == "tang" and {one["kind"] for one in done["holdings"]} >= {"draft", "pull"}
    assert row(story, draft_files).uploaded_by == "tang"
    assert row(story, drafts).second_person is None, "tang would be both"
    pull = row(story, pulls)
    assert (pull.set_by, pull.second_person, pull.state, pull.revision) == ("tang", None, "waiting", 4)
    assert row(story, opening_reviews).asked_by == "tang"
    [entry] = story.repository.lists.responsible_for(NAME, story.repository.successors())
    assert entry.officer == "tang", "until the reviewed list says so itself"
    with story.database.transaction() as tx:
        last = tx.scalars(select(entries.c.entry).order_by(entries.c.index.desc()).limit(1)).one()
    assert json.loads(last)["kind"] == "responsibility.handed_over"
    assert named(story, "lin") == {("list_entry", False), ("dataset", False)}


def test_who_agreed_as_the_second_person_does_not_become_both(story: Story) -> None:
    held = held_publish(story)
    assert held.opening is not None
    context, id = openings_of(story), held.opening.id
    tang = story.principal("tang")
    answer_opening(context, tang, id, yes_to(read_opening(context, tang, id)))
    transfer(context_of(story), story.principal("lin"), "lin", to="tang", reason="goes to another office")
    review = read_opening(context, tang, id)
    assert review["asked_by"] == "tang" and "second_person" not in review
    assert {item["id"] for item in review["items"] if item["yours"]} == {
        item["id"] for item in review["items"] if item["answered_by"] == "publisher"
    }
    assert all("yes" not in item for item in review["items"])


def test_an_operator_closes_the_account_of_who_left_and_is_shown_what_hangs(story: Story) -> None:
    with_operator(story)
    with_draft(story)
    with story.database.transaction() as tx:
        disable_account(tx, account_id="lin", by="he")
    he = story.principal("he")
    assert named(story, "lin", "he") == {("draft", False), ("list_entry", False)}
    with pytest.raises(Conflict) as nobody:
        transfer(context_of(story), he, "lin", to=None, reason="left the department")
    assert nobody.value.code == "no_successor" and "tang" in nobody.value.remedy
    done = transfer(context_of(story), he, "lin", to="tang", reason="left the department")
    assert done["handed_by"] == "he" and row(story, draft_files).uploaded_by == "tang"


@pytest.mark.parametrize("to", ["zhou", "wang", "lin", "nobody-there"])
def test_only_another_live_officer_of_the_department_takes_over(story: Story, to: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        transfer(context_of(story), story.principal("lin"), "lin", to=to, reason="goes to another office")
    assert refused.value.code == "no_colleague" and refused.value.zh


def test_nobody_takes_what_a_colleague_has(story: Story) -> None:
    """Whoever takes a draft sees the rows of its file."""
    with_draft(story)
    assert ("draft", False) in named(story, "lin", "tang")
    with pytest.raises(Conflict) as refused:
        transfer(context_of(story), story.principal("tang"), "lin", to="tang", reason="I want to see it")
    assert refused.value.code == "not_yours_to_hand_over"
    for stranger in ("zhou", "wang"):
        with pytest.raises(NotFound):
            responsibilities(context_of(story), story.principal(stranger), "lin")
    with pytest.raises(NotFound):
        responsibilities(context_of(story), story.principal("lin"), "no-such\x00")
    assert row(story, draft_files).uploaded_by == "lin"


def test_a_reason_is_needed_and_a_deputy_who_left_is_passed_over(story: Story) -> None:
    with_lists(story, "zhou")
    with pytest.raises(InvalidInput):
        transfer(context_of(story), story.principal("lin"), "lin", to="tang", reason=" no ")
    assert "successor" not in responsibilities(context_of(story), story.principal("lin"), "lin")


def test_what_sends_rows_by_itself_rests_until_the_successor_has_looked(story: Story) -> None:
    story.publish()
    common = {"dataset": NAME, "mode": "replace", "policy_sha256": "p"}
    with story.database.transaction() as tx:
        credential = tx.execute(
            insert(push_credentials)
            .values(
                **common,
                label="clinic",
                secret_sha256="s",
                state="active",
                revision=1,
                issued_by="lin",
                makers=["lin"],
                secret_shown_to="lin",
                second_person="tang",
                expires_at=datetime.now(UTC),
            )
            .returning(push_credentials.c.id)
        ).scalar_one()
        tx.execute(
            insert(pushes).values(
                **common,
                id=uuid.uuid4(),
                pusher=f"credential:{credential}",
                state="open",
                officer="lin",
                credential=credential,
                about_people=True,
            )
        )
        tx.execute(
            insert(derivations).values(
                dataset="clinic.derived",
                department="health",
                policy="derive: SELECT 1",
                inputs=[],
                state="published",
                revision=4,
                set_by="lin",
                makers=["sun"],
            )
        )
    assert {("push_credential", False), ("push", False), ("derivation", False)} <= named(story, "lin")
    transfer(context_of(story), story.principal("lin"), "lin", to="tang", reason="leaves the office")
    with story.database.transaction() as tx:
        row = tx.execute(select(push_credentials)).one()
        assert (row.issued_by, row.state, row.second_person, row.revision) == ("tang", "suspended", None, 2)
        assert tx.execute(select(pushes.c.officer)).scalar_one() == "tang"
        derived = tx.execute(select(derivations)).one()
        assert (derived.set_by, derived.state, derived.revision) == ("tang", "waiting", 5)
        assert derived.makers == ["sun", "tang"]
