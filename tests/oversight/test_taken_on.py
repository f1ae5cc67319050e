"""What waits has a named person: who takes it on, hands it over, gives it back, and whom nothing is given."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from reviewed_runs import Reviewing, reviewing
from sandbox.audit.tables import entries
from sandbox.catalog.tables import problem_reports, taken_on
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.errors import Conflict, Forbidden, InvalidInput, NotFound
from sandbox.grants import request_access
from sandbox.grants.decide import refuse
from sandbox.identity import create_account, disable_account, join_team, live_officers
from sandbox.notices.tables import notices
from sandbox.oversight.deadlines import read_deadlines
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.risk_limits import DEFAULT
from sandbox.oversight.risks import RiskContext
from sandbox.oversight.taken_on import (
    TakenOnContext,
    give_back,
    look_after,
    pass_on,
    take_on,
    taken_on_by,
    waiting_list,
    waiting_thing,
)
from sandbox.oversight.waiting_things import KINDS, VaultThings
from sandbox.responsibilities.transfer import HandOverContext, transfer
from sandbox.reviews.remind import remind
from sandbox.reviews.tables import reviews
from sandbox.standalone.s3 import S3Server
from story import POLICIES, Story

NOW = datetime.now(UTC)


class Officers:
    """The officers of a small city; tang and bai are lin's colleagues."""

    def __init__(self, city: Reviewing) -> None:
        self.city, self.story = city, city.story
        story, self.deputies = self.story, dict[str, list[str]]()
        with story.database.transaction() as tx:
            create_account(
                tx, account_id="bai", display_name="bai", organisation="health", roles=["officer"], by="x"
            )
        facts = OversightContext(story.database, story.repository, story.gate)
        taxonomy = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)
        self.context = TakenOnContext(
            story.database,
            story.gate,
            taken_on,
            KINDS,
            VaultThings(RiskContext(facts, DEFAULT, taxonomy), city.context),
            lambda tx, _, department: live_officers(tx, department),
            lambda account: self.deputies.get(account, []),
            read_deadlines(POLICIES).due,
            "vault",
        )

    def ask(self) -> str:
        asked = request_access(
            self.story.database,
            gate=self.story.gate,
            principal=self.story.principal("wang"),
            version=self.story.repository.current("clinic.visits"),
            team="lake",
            purpose="to see who is served where",
            epsilon=Decimal(1),
            until=NOW + timedelta(days=3),
        )
        return str(asked.id)

    def take(self, who: str, kind: str, id: str, instead_of: str | None = None) -> Any:
        return take_on(self.context, self.story.principal(who), kind, id, instead_of=instead_of)

    def give(self, who: str, kind: str, id: str, to: str, note: str = "") -> Any:
        return pass_on(self.context, self.story.principal(who), kind, id, to=to, note=note)

    def back(self, who: str, kind: str, id: str) -> None:
        give_back(self.context, self.story.principal(who), kind, id)

    def shown(self, who: str) -> dict[tuple[str, str], str]:
        found = taken_on_by(self.context, self.story.principal(who))
        return {(each["kind"], each["id"]): each["account"] for each in found}

    def waits(self, who: str) -> list[tuple[str, str, str]]:
        found = waiting_list(self.context, self.story.principal(who))
        return [
            (each["kind"], each["id"], each["taken_on"]["account"] if "taken_on" in each else "")
            for each in found
        ]

    def told(self, event: str) -> list[tuple[str, str]]:
        with self.story.database.transaction() as tx:
            rows = tx.execute(select(notices).where(notices.c.event == event).order_by(notices.c.audience))
            return [(row.audience, row.about) for row in rows]

    def logged(self) -> list[str]:
        with self.story.database.transaction() as tx:
            kinds = tx.scalars(select(entries.c.entry).order_by(entries.c.index))
            return [
                kind for each in kinds if (kind := each.split('"kind":"')[1].split('"')[0])[:8] == "waiting."
            ]


@pytest.fixture
def desk(story: Story, s3: S3Server, tmp_path: Path) -> Officers:
    return Officers(reviewing(story, s3, tmp_path))


def test_it_is_taken_on_handed_over_given_back_and_locks_nobody(desk: Officers) -> None:
    id = desk.ask()
    thing = ("request", id)
    assert (
        desk.take("lin", *thing)["taken_on"]["account"]
        == "lin"
        == desk.take("lin", *thing)["taken_on"]["name"]
    )
    with pytest.raises(Conflict, match="lin") as taken:
        desk.take("tang", *thing)
    assert taken.value.code == "taken_on_by_another"
    with pytest.raises(Forbidden):
        desk.give("tang", *thing, to="bai")
    handed = desk.give("lin", *thing, to="bai", note="you know the team")["taken_on"]
    assert (handed["account"], handed["handed_by"], handed["note"]) == ("bai", "lin", "you know the team")
    assert desk.told("waiting.handed_over") == [("person:bai", f"request:{id}")]
    desk.take("tang", *thing, instead_of="bai")
    assert desk.told("waiting.taken_on") == [("person:bai", f"request:{id}")]
    with pytest.raises(NotFound):
        desk.back("bai", *thing)
    desk.back("tang", *thing)
    assert desk.shown("lin") == {} and "taken_on" not in waiting_thing(
        desk.context, desk.story.principal("lin"), *thing
    )
    desk.take("tang", *thing)
    lin = desk.story.principal("lin")
    refuse(desk.story.database, gate=desk.story.gate, officer=lin, request_id=int(id), reason="not now")
    assert desk.shown("lin") == {}, "it ends with the decision"
    assert look_after(desk.context) == 1 and look_after(desk.context) == 0
    assert desk.logged() == [
        f"waiting.{deed}"
        for deed in ("taken_on", "handed_over", "taken_on", "given_back", "taken_on", "ended")
    ]


def test_nobody_is_given_what_they_may_not_do(desk: Officers) -> None:
    """Another department, an analyst, one's own team, one's own work, and a review that one may not judge."""
    request, asked = desk.ask(), desk.city.asked()
    review = str(asked.id)
    for who, kind, id in (
        ("zhou", "request", request),
        ("wang", "request", request),
        ("wang", "review", review),
        ("lin", "pull_to_agree", "clinic.visits"),
        ("lin", "request", "0"),
    ):
        with pytest.raises(NotFound):
            desk.take(who, kind, id)
    own = ("request", request)
    desk.take("lin", *own), desk.take("lin", "review", review)
    desk.give("lin", "review", review, to="tang")
    assert desk.waits("lin") == [(*own, "lin"), ("review", review, "tang")] and desk.waits("wang") == []
    desk.city.votes(asked, "tang")
    assert desk.waits("tang") == [(*own, "lin")], "who voted has done their part"
    assert ("review", review, "tang") in desk.waits("bai") == desk.waits("lin")
    assert desk.shown("tang") == {own: "lin", ("review", review): "tang"}, "who voted is not told by it"
    desk.give("lin", *own, to="bai")
    with desk.story.database.transaction() as tx:
        join_team(tx, team_id="lake", account_id="bai", by="x")
    assert desk.shown("tang") == {}, "bai joined the team that asks"
    desk.take("lin", *own)
    with pytest.raises(InvalidInput) as refused:
        desk.give("lin", *own, to="bai")
    assert refused.value.code == "may_not_do_this" and "tang" in refused.value.remedy
    assert desk.shown("zhou") == {} == desk.shown("wang")


def test_who_left_counts_no_more_and_their_deputy_or_successor_does(desk: Officers) -> None:
    first, second, third = desk.ask(), desk.ask(), desk.ask()
    of_lin = {("request", third): "lin"}
    for id in (first, second):
        desk.take("tang", "request", id)
    desk.take("bai", "request", third)
    desk.deputies["tang"] = ["bai"]
    hand = HandOverContext(desk.story.database, desk.story.repository, desk.story.gate)
    transfer(hand, desk.story.principal("bai"), "bai", to="lin", reason="another office")
    assert desk.shown("lin")["request", third] == "lin"
    with desk.story.database.transaction() as tx:
        disable_account(tx, account_id="tang", by="x")
    assert desk.shown("lin") == {
        ("request", first): "bai",
        ("request", second): "bai",
        ("request", third): "lin",
    }
    assert look_after(desk.context) == 2
    assert desk.told("waiting.passed_on") == [("person:bai", f"request:{id}") for id in (first, second)]
    with desk.story.database.transaction() as tx:
        disable_account(tx, account_id="bai", by="x")
    assert desk.shown("lin") == of_lin
    assert look_after(desk.context) == 2 and desk.logged()[-2:] == ["waiting.ended"] * 2


def test_the_named_person_is_told_that_it_is_late_and_keeps_it_from_nobody(desk: Officers) -> None:
    review = desk.city.asked()
    late = NOW - timedelta(hours=1)
    with desk.story.database.transaction() as tx:
        tx.execute(update(reviews).values(due_at=late))
        problem = tx.scalar(
            insert(problem_reports)
            .values(
                dataset="clinic.visits",
                number=1,
                department="health",
                words="x",
                reported_by="wang",
                reported_at=late,
                due_at=NOW + timedelta(days=9),
            )
            .returning(problem_reports.c.id)
        )
    desk.take("lin", "review", str(review.id)), desk.take("tang", "problem", str(problem))
    assert look_after(desk.context, now=NOW) == 1 and look_after(desk.context, now=NOW) == 0
    assert desk.told("waiting.late") == [("person:lin", f"review:{review.id}")]
    told = {audience for audience, _ in desk.told("release.requested")}
    remind(desk.story.database, now=NOW)
    assert {audience for audience, _ in desk.told("review.overdue")} == told
    assert look_after(desk.context, now=NOW + timedelta(days=2)) == 1
    assert [audience for audience, _ in desk.told("waiting.late")] == ["officers", "person:lin"]
