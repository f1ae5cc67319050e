"""Each step of a request's and a grant's life writes exactly one notice to those whom it concerns, with the
step or not at all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from sandbox.audit.tables import entries
from sandbox.errors import Conflict, Forbidden
from sandbox.grants import Request, approve, expire_due, refuse, request_access, revoke, warn_of_ends
from sandbox.grants.model import STEPS
from sandbox.notices.tables import notices
from story import Story

TEAM, OFFICERS = "team:lake", "officers:health"


def asked(story: Story, days: int = 20) -> Request:
    return request_access(
        story.database,
        gate=story.gate,
        principal=story.principal("wang"),
        version=story.repository.current("clinic.visits"),
        team="lake",
        purpose="how often do people see a doctor",
        epsilon=Decimal(1),
        until=datetime.now(UTC) + timedelta(days=days),
    )


def decide(story: Story, request: Request) -> int:
    return approve(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=request.id,
        version=story.repository.current("clinic.visits"),
    ).id


def end(story: Story, grant: int) -> None:
    revoke(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        grant_id=grant,
        reason="it is not needed",
    )


def told(story: Story, since: int = 0) -> list[tuple[str, str, str]]:
    with story.database.transaction() as tx:
        rows = tx.execute(select(notices).order_by(notices.c.at, notices.c.id, notices.c.audience)).all()
    return [(row.event, row.audience, row.about) for row in rows][since:]


def test_each_step_is_told_once_to_those_whom_it_concerns(story: Story) -> None:
    story.publish()
    seen = len(told(story))
    first, second, third = asked(story), asked(story), asked(story)
    refuse(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=first.id,
        reason="too vague",
    )
    revoked, expired = decide(story, second), decide(story, third)
    end(story, revoked)
    with story.database.transaction() as tx:
        tx.execute(text("UPDATE vault.grants SET until = now() - interval '1 second' WHERE status = 'live'"))
    expire_due(story.database)
    expire_due(story.database)
    steps = told(story, seen)
    assert steps == [
        *(("request.made", OFFICERS, f"request:{each.id}") for each in (first, second, third)),
        ("request.refused", TEAM, f"request:{first.id}"),
        ("grant.approved", TEAM, f"grant:{revoked}"),
        ("grant.approved", TEAM, f"grant:{expired}"),
        ("grant.revoked", TEAM, f"grant:{revoked}"),
        ("grant.expired", TEAM, f"grant:{expired}"),
    ]
    assert {step.event for step in STEPS} == {event for event, _, _ in steps}, "the table of steps is covered"


def test_a_notice_is_of_the_log_s_entry_and_holds_nothing_but_kind_thing_who_and_when(story: Story) -> None:
    story.publish()
    asked(story)
    with story.database.transaction() as tx:
        row = tx.execute(select(notices).where(notices.c.event == "request.made")).one()
        newest = tx.scalar(select(func.max(entries.c.index)))
    assert row.id == f"log:{newest}" and row.actor == "wang"
    assert set(row._mapping) == {"id", "audience", "event", "about", "actor", "at", "posted_at"}
    assert "doctor" not in str(row)


def test_what_is_rolled_back_was_never_told(story: Story) -> None:
    story.publish()
    request = asked(story)
    grant = decide(story, request)
    before = told(story)
    with pytest.raises(Conflict):
        decide(story, request)
    end(story, grant)
    with pytest.raises(Forbidden):
        end(story, grant)
    assert told(story, len(before)) == [("grant.revoked", TEAM, f"grant:{grant}")]


def test_a_team_is_warned_once_of_each_end(story: Story) -> None:
    story.publish()
    grant = decide(story, asked(story))
    short = decide(story, asked(story, days=9))
    before = len(told(story))
    now = datetime.now(UTC)
    assert warn_of_ends(story.database, now=now) == 0, "one that was given for a short time ends soon anyhow"
    for _ in range(2):
        assert warn_of_ends(story.database, now=now + timedelta(days=7)) == 1
    assert told(story, before) == [("grant.expiring", TEAM, f"grant:{grant}")] and short != grant
    with story.database.transaction() as tx:
        tx.execute(text("UPDATE vault.grants SET until = until + interval '30 days'"))
    warn_of_ends(story.database, now=now + timedelta(days=40))
    assert len(told(story, before)) == 2, "another end is another warning"
