"""Requests and grants: every step has an owner, a log entry and a place in the table; nothing is overwritten."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from sandbox.audit import KINDS
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.grants import approve, expire_due, list_requests, load_grant, refuse, request_access, revoke
from sandbox.grants.model import STEPS, GrantStatus, RequestStatus
from story import Story


def ask_for(story: Story, **changed: object):  # type: ignore[no-untyped-def]
    terms = {"team": "lake", "purpose": "how often do people see a doctor", "epsilon": Decimal(2),
             "until": datetime.now(UTC) + timedelta(days=9)} | changed
    return request_access(story.database, gate=story.gate, principal=story.principal("wang"),
                          version=story.shelf.current("clinic.visits"), **terms)


def test_every_status_is_reached_by_a_step_with_an_owner_and_a_known_event() -> None:
    reached = {step.after for step in STEPS}
    assert reached == {*RequestStatus, *GrantStatus}
    assert all(step.by and step.event in KINDS for step in STEPS)


def test_an_officer_may_approve_with_a_smaller_budget(story: Story) -> None:
    story.publish()
    request = ask_for(story)
    grant = approve(story.database, gate=story.gate, officer=story.principal("lin"), request_id=request.id,
                    version=story.shelf.current("clinic.visits"), epsilon=Decimal(1), note="half will do")
    assert grant.epsilon == 1
    with story.database.transaction() as tx:
        assert list_requests(tx, story.principal("lin"))[0].epsilon == 2  # what was asked stays as it was asked


def test_a_request_is_decided_once(story: Story) -> None:
    story.publish()
    request = ask_for(story)
    refuse(story.database, gate=story.gate, officer=story.principal("lin"), request_id=request.id, reason="too vague")
    with pytest.raises(Conflict, match="refused by lin"):
        approve(story.database, gate=story.gate, officer=story.principal("lin"), request_id=request.id,
                version=story.shelf.current("clinic.visits"))


def test_another_departments_officer_decides_nothing(story: Story) -> None:
    story.publish()
    request = ask_for(story)
    with pytest.raises(Forbidden):
        approve(story.database, gate=story.gate, officer=story.principal("zhou"), request_id=request.id,
                version=story.shelf.current("clinic.visits"))


def test_a_refusal_and_a_revocation_need_a_reason(story: Story) -> None:
    story.publish()
    story.grant()
    with pytest.raises(InvalidInput, match="reason"):
        revoke(story.database, gate=story.gate, officer=story.principal("lin"), grant_id=1, reason=" ")


@pytest.mark.parametrize("changed", [
    {"purpose": "short"}, {"epsilon": Decimal("4.1")}, {"epsilon": Decimal(0)}, {"epsilon": Decimal("NaN")},
    {"team": "others"}, {"until": datetime(2020, 1, 1, tzinfo=UTC)}, {"until": datetime(2099, 1, 1, tzinfo=UTC)},
], ids=lambda changed: str(next(iter(changed.items()))))
def test_a_request_that_cannot_be_is_refused_with_a_mend(story: Story, changed: dict[str, object]) -> None:
    story.publish()
    with pytest.raises((InvalidInput, Forbidden)) as refusal:
        ask_for(story, **changed)
    assert refusal.value.mend or refusal.value.message


def test_a_grant_expires_at_its_date(story: Story) -> None:
    story.publish()
    grant = story.grant()
    with story.database.transaction() as tx:
        tx.execute(text("UPDATE vault.grants SET until = now() - interval '1 second'"))
    assert [ended.id for ended in expire_due(story.database)] == [grant.id]
    with story.database.transaction() as tx:
        assert load_grant(tx, grant.id).status is GrantStatus.EXPIRED
    assert expire_due(story.database) == []
