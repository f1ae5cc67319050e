"""One officer tries to be both of two persons: by handing over what they made, and by asking a third officer
after a second one said no."""

import io
import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, update

from derived_people import TAPS
from derived_story import TAPS_ROWS, two_departments
from derived_story import policy as derived_policy
from lifecycle_story import lifecycle_of
from opening_story import held_publish, openings_of, yes_to
from sandbox.derivations.derivations import agree as agree_to_derivation
from sandbox.derivations.derivations import refresh
from sandbox.drafts.context import DraftContext
from sandbox.drafts.drafts import agree as agree_to_draft
from sandbox.drafts.drafts import create, publish_draft, save
from sandbox.drafts.files import store_file
from sandbox.drafts.tables import draft_revisions
from sandbox.errors import Conflict
from sandbox.identity import Principal, create_account
from sandbox.ingest.file_format import DETECTED
from sandbox.lifecycle.steps import agree, propose
from sandbox.openings.openings import GivenAnswer, answer_opening, read_opening
from sandbox.pulls.context import PullContext
from sandbox.pulls.pulls import agree as agree_to_pull
from sandbox.pulls.pulls import remove_pull, set_pull
from sandbox.pulls.tables import pulls
from sandbox.pushes.complete import agree_to_push
from sandbox.pushes.credentials import (
    agree_to_credential,
    confirm_credential,
    issue_credential,
    list_credentials,
)
from sandbox.pushes.tables import pushes
from sandbox.responsibilities.transfer import HandOverContext, transfer
from sandbox.sources.source_list import DataSource
from story import POLICIES, POLICY, Story, rows_csv

NAME = "clinic.visits"


@pytest.fixture
def department(story: Story) -> Story:
    """lin, tang and sun are officers of one department."""
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="sun", display_name="sun", organisation="health", roles=["officer"], by="system"
        )
    return story


def pass_on(story: Story, account: str = "lin", to: str = "tang") -> None:
    context = HandOverContext(story.database, story.repository, story.gate)
    transfer(context, story.principal(account), account, to=to, reason="goes to another office")


def drafting(story: Story) -> DraftContext:
    return DraftContext(
        story.database,
        story.repository,
        story.gate,
        story.store,
        POLICIES,
        story.populations,
        lambda _officer, _version: None,
    )


def test_who_published_is_no_second_person_after_handing_the_review_over(department: Story) -> None:
    done = held_publish(department)
    assert done.opening is not None
    context, id, lin = openings_of(department), done.opening.id, department.principal("lin")
    answer_opening(context, lin, id, yes_to(read_opening(context, lin, id)))
    pass_on(department)
    review = read_opening(context, lin, id)
    assert all("yes" not in item for item in review["items"]), "the successor answers for themself"
    assert not any(item["yours"] for item in review["items"])
    with pytest.raises(Conflict) as own:
        answer_opening(context, lin, id, [GivenAnswer("grades_agreed", yes=True)])
    assert own.value.code == "own_opening"
    pass_on(department, "tang", "sun")
    for former in ("lin", "tang"):
        with pytest.raises(Conflict):
            answer_opening(
                context, department.principal(former), id, [GivenAnswer("grades_agreed", yes=True)]
            )


def test_who_proposed_an_end_or_set_a_pull_or_pushed_does_not_agree_to_it(department: Story) -> None:
    story = department
    story.publish()
    step = propose(
        lifecycle_of(story), story.principal("lin"), NAME, "withdraw", reason="rows stand twice", version=1
    )
    push = uuid.uuid4()
    with story.database.transaction() as tx:
        tx.execute(
            insert(pulls).values(
                dataset=NAME,
                department="health",
                source="clinic",
                kind="table",
                what="visits",
                cron="0 3 * * *",
                state="waiting",
                set_by="lin",
                makers=["lin"],
                revision=3,
                next_due=datetime.now(UTC),
            )
        )
        tx.execute(
            insert(pushes).values(
                id=push,
                dataset=NAME,
                mode="replace",
                policy_sha256="p",
                pusher="officer:lin",
                state="waiting",
                officer="lin",
                about_people=True,
            )
        )
    pass_on(story)
    lin = story.principal("lin")
    with pytest.raises(Conflict) as own:
        agree(lifecycle_of(story), lin, NAME, step["id"])
    assert own.value.code == "own_step"
    with pytest.raises(Conflict) as own:
        agree_to_pull(PullContext(drafting(story), {}), lin, NAME, 4)
    assert own.value.code == "own_pull"
    with pytest.raises(Conflict) as own:
        agree_to_push(drafting(story), lin, NAME, push)
    assert own.value.code == "own_push"
    agree(lifecycle_of(story), story.principal("sun"), NAME, step["id"])


def test_who_was_shown_a_credentials_secret_or_handed_it_over_does_not_agree_to_it(department: Story) -> None:
    """Neither after a hand-over nor after another officer confirmed it; and the warning names who saw it."""
    story = department
    story.publish()
    context = drafting(story)
    lin, tang, sun = (story.principal(name) for name in ("lin", "tang", "sun"))
    confirmed = issue_credential(context, lin, NAME, label="nightly", mode="replace", days=9)
    handed = issue_credential(context, lin, NAME, label="hourly", mode="replace", days=9)
    told = confirm_credential(context, tang, NAME, confirmed["id"])
    assert told["issued_by"] == "tang"
    pass_on(story)  # to tang
    pass_on(story, "tang", "sun")
    for id in (confirmed["id"], handed["id"]):
        confirm_credential(context, sun, NAME, id)
    for told in list_credentials(context, sun, NAME):
        for own in (lin, tang, sun):
            with pytest.raises(Conflict) as refused:
                agree_to_credential(context, own, NAME, told["id"], told["revision"])
            assert refused.value.code == "own_push" and "secret" in refused.value.message
        for words in (told["warning"]["en"], told["warning"]["zh"]):
            assert "lin" in words and "sun" not in words


def test_a_no_is_overruled_by_no_third_officer(department: Story) -> None:
    done = held_publish(department)
    assert done.opening is not None
    context, id = openings_of(department), done.opening.id
    tang, sun = department.principal("tang"), department.principal("sun")
    answer_opening(context, tang, id, [GivenAnswer("grades_agreed", yes=False)])
    with pytest.raises(Conflict) as stands:
        answer_opening(context, sun, id, [GivenAnswer("grades_agreed", yes=True)])
    assert stands.value.code == "opening_no_stands" and stands.value.zh
    pass_on(department)  # to whoever said no
    with pytest.raises(Conflict):
        answer_opening(context, sun, id, [GivenAnswer("grades_agreed", yes=True)])


def test_who_said_no_may_think_better_of_it(department: Story) -> None:
    done = held_publish(department)
    assert done.opening is not None
    context, id = openings_of(department), done.opening.id
    tang = department.principal("tang")
    answer_opening(context, tang, id, [GivenAnswer("grades_agreed", yes=False)])
    changed = answer_opening(context, tang, id, [GivenAnswer("grades_agreed", yes=True)])
    assert next(item for item in changed["items"] if item["id"] == "grades_agreed")["yes"]


def test_who_set_a_pull_does_not_agree_to_it_after_a_colleague_set_it_again(department: Story) -> None:
    """Neither after a hand-over, whatever is set again: the query may still be theirs. Removed, it begins
    anew."""
    story = department
    story.publish()
    source = DataSource("clinic", "postgres", "health", host="127.0.0.1", port=1, database="d", user="u")
    context = PullContext(drafting(story), {"clinic": source})
    lin, tang, sun = (story.principal(name) for name in ("lin", "tang", "sun"))

    def set_by(officer: Principal, schedule: str) -> int:
        made = set_pull(
            context, officer, NAME, source="clinic", kind="table", what="visits", schedule=schedule
        )
        return made["revision"]

    set_by(lin, "0 3 * * *")
    pass_on(story)
    revision = set_by(tang, "0 4 * * *")
    for maker in (lin, tang):
        with pytest.raises(Conflict) as own:
            agree_to_pull(context, maker, NAME, revision)
        assert own.value.code == "own_pull"
    assert agree_to_pull(context, sun, NAME, revision)["state"] == "active"
    remove_pull(context, tang, NAME)
    assert agree_to_pull(context, lin, NAME, set_by(tang, "0 4 * * *"))["second_person"] == "lin"


def test_who_proposed_a_derivation_does_not_agree_to_it_after_a_refresh(story: Story) -> None:
    people = two_departments(story)
    people.propose(derived_policy())
    pass_on(story)  # to tang
    people.publish(TAPS, TAPS_ROWS, "zhou")
    tang = story.principal("tang")
    refreshed = refresh(people.context, tang, "health.rides")
    for maker in ("lin", "tang"):
        with pytest.raises(Conflict) as own:
            agree_to_derivation(people.context, story.principal(maker), "health.rides", refreshed["revision"])
        assert own.value.code == "own_derivation"
    changed = people.propose(derived_policy(), "sun")
    for maker in ("lin", "tang", "sun"):
        with pytest.raises(Conflict):
            agree_to_derivation(people.context, story.principal(maker), "health.rides", changed["revision"])


def test_who_handed_a_draft_over_is_no_second_person_of_it_nor_of_what_opens_of_it(department: Story) -> None:
    """Though they wrote nothing on it."""
    story = department
    lin, tang, sun = (story.principal(name) for name in ("lin", "tang", "sun"))
    id = draft_of(story, uploaded_by="lin", saved_by="tang")
    pass_on(story)  # to tang
    for maker in (lin, tang):
        with pytest.raises(Conflict) as own:
            agree_to_draft(drafting(story), maker, id, 2)
        assert own.value.code == "own_draft"
    agree_to_draft(drafting(story), sun, id, 2)
    confirmed = frozenset({"purpose_and_basis", "only_what_is_needed", "values_are_public"})
    done = publish_draft(drafting(story), tang, id, 2, confirmed=confirmed)
    assert done.opening is not None and done.opening.unanswered == ("responsible_named",)
    context, item = openings_of(story), GivenAnswer("responsible_named", yes=True, note="sun is")
    review = read_opening(context, lin, done.opening.id)
    assert not any(item["yours"] for item in review["items"])
    for maker in (lin, tang):
        with pytest.raises(Conflict) as own:
            answer_opening(context, maker, done.opening.id, [item])
        assert own.value.code == "own_opening"
    assert answer_opening(context, sun, done.opening.id, [item])["state"] == "opened"


def draft_of(story: Story, *, uploaded_by: str, saved_by: str) -> int:
    """At its second revision. `saved_by`: as whose all revisions stand."""
    context, officer = drafting(story), story.principal(uploaded_by)
    body = io.BytesIO(rows_csv(40))
    file = store_file(story.database, story.store, officer=officer, name="v.csv", stream=body)
    id = create(context, officer, uuid.UUID(file["id"]), DETECTED)["id"]
    save(context, officer, id, 1, POLICY, "")
    with story.database.transaction() as tx:
        tx.execute(update(draft_revisions).values(saved_by=saved_by))
    return id
