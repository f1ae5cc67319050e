"""Requests and grants: every step has an owner, a log entry and a place in the table;
nothing is overwritten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import text

from sandbox.audit import KINDS
from sandbox.budgets import Account, Level, statement
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.grants import approve, expire_due, list_requests, load_grant, refuse, request_access, revoke
from sandbox.grants.model import STEPS, Grant, GrantStatus, Request, RequestStatus
from sandbox.identity import create_team, join_team
from sandbox.privacy import ZERO
from story import Story


def ask_for(story: Story, **changed: object):  # type: ignore[no-untyped-def]
    terms = {
        "team": "lake",
        "purpose": "how often do people see a doctor",
        "epsilon": Decimal(2),
        "until": datetime.now(UTC) + timedelta(days=9),
    } | changed
    return request_access(
        story.database,
        gate=story.gate,
        principal=story.principal("wang"),
        version=story.repository.current("clinic.visits"),
        **terms,
    )


def test_every_status_is_reached_by_a_step_with_an_owner_and_a_known_event() -> None:
    reached = {step.after for step in STEPS}
    assert reached == {*RequestStatus, *GrantStatus}
    assert all(step.by and step.event in KINDS for step in STEPS)


def test_an_officer_may_approve_with_a_smaller_budget(story: Story) -> None:
    story.publish()
    request = ask_for(story)
    grant = approve(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=request.id,
        version=story.repository.current("clinic.visits"),
        epsilon=Decimal(1),
        note="half will do",
    )
    assert grant.epsilon == 1
    with story.database.transaction() as tx:
        # what was asked stays as it was asked
        assert list_requests(tx, story.principal("lin"))[0].epsilon == 2


@pytest.mark.parametrize("epsilon", ["0", "-0", "-1", "2.1", "NaN", "Infinity"])
def test_an_approval_of_nothing_is_not_one_of_all_that_was_asked(story: Story, epsilon: str) -> None:
    story.publish()
    request = ask_for(story)
    with pytest.raises(InvalidInput):
        decided(story, request, epsilon=Decimal(epsilon))
    with story.database.transaction() as tx:
        assert list_requests(tx, story.principal("lin"))[0].status is RequestStatus.ASKED


def test_what_has_waited_longest_comes_first_and_else_the_newest(story: Story) -> None:
    story.publish()
    first, second = ask_for(story).id, ask_for(story).id
    with story.database.transaction() as tx:
        lin = story.principal("lin")
        assert [each.id for each in list_requests(tx, lin, status="asked")] == [first, second]
        assert [each.id for each in list_requests(tx, lin)] == [second, first]


def test_a_request_is_decided_once(story: Story) -> None:
    story.publish()
    request = ask_for(story)
    refuse(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=request.id,
        reason="too vague",
    )
    with pytest.raises(Conflict, match="refused by lin"):
        approve(
            story.database,
            gate=story.gate,
            officer=story.principal("lin"),
            request_id=request.id,
            version=story.repository.current("clinic.visits"),
        )


def test_another_departments_officer_decides_nothing(story: Story) -> None:
    story.publish()
    request = ask_for(story)
    with pytest.raises(Forbidden):
        approve(
            story.database,
            gate=story.gate,
            officer=story.principal("zhou"),
            request_id=request.id,
            version=story.repository.current("clinic.visits"),
        )


def test_a_refusal_and_a_revocation_need_a_reason(story: Story) -> None:
    story.publish()
    story.grant()
    with pytest.raises(InvalidInput, match="reason"):
        revoke(story.database, gate=story.gate, officer=story.principal("lin"), grant_id=1, reason=" ")


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "short"},
        {"epsilon": Decimal("4.1")},
        {"epsilon": Decimal(0)},
        {"epsilon": Decimal("NaN")},
        {"team": "others"},
        {"until": datetime(2020, 1, 1, tzinfo=UTC)},
        {"until": datetime(2099, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda changed: str(next(iter(changed.items()))),
)
def test_a_request_that_cannot_be_is_refused_with_a_remedy(story: Story, changed: dict[str, object]) -> None:
    story.publish()
    with pytest.raises((InvalidInput, Forbidden)) as refusal:
        ask_for(story, **changed)
    assert refusal.value.remedy or refusal.value.message


def test_a_grant_expires_at_its_date(story: Story) -> None:
    story.publish()
    grant = story.grant()
    with story.database.transaction() as tx:
        tx.execute(text("UPDATE vault.grants SET until = now() - interval '1 second'"))
    assert [ended.id for ended in expire_due(story.database)] == [grant.id]
    with story.database.transaction() as tx:
        assert load_grant(tx, grant.id).status is GrantStatus.EXPIRED
    assert expire_due(story.database) == []


def test_a_share_is_held_from_approval_to_its_end_and_what_cannot_be_promised_is_refused(
    story: Story,
) -> None:
    story.publish()
    first = decided(story, ask_for(story, epsilon=Decimal(4)))
    join(story, "river", "hill", "town")
    second = decided(story, ask_for(story, team="river", epsilon=Decimal(4)))
    decided(story, ask_for(story, team="hill", epsilon=Decimal(4)))
    third = ask_for(story, team="town", epsilon=Decimal(4))
    with pytest.raises(Conflict, match="leaves epsilon") as short:
        decided(story, third)
    assert (
        short.value.code == "budget_promised" and "许出" in short.value.zh and "终止" in short.value.remedy_zh
    )
    most = Decimal(short.value.remedy.split("epsilon ")[1].split(",")[0])
    assert 2 < most < 4
    with pytest.raises(Conflict):
        decided(story, third, epsilon=most + Decimal("0.002"))
    revoke(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        grant_id=second.id,
        reason="it is not needed",
    )
    assert decided(story, third).epsilon == 4, "the share of the grant that ended is free again"
    with story.database.transaction() as tx:
        dataset, own = statement(tx, Account(Level.DATASET, "clinic.visits")), statement(tx, first.account)
        assert dataset.held.picorho == 3 * own.left.picorho
        assert 0 < own.limit.delta_units < dataset.limit.delta_units // 3


def test_the_share_of_two_grants_of_one_team_ends_with_the_last(story: Story) -> None:
    story.publish()
    grants = [decided(story, ask_for(story, epsilon=Decimal(epsilon))) for epsilon in (2, 3)]
    with story.database.transaction() as tx:
        held = [statement(tx, Account(Level.POPULATION, "residents")).held]
    for grant in grants:
        revoke(
            story.database,
            gate=story.gate,
            officer=story.principal("lin"),
            grant_id=grant.id,
            reason="it is not needed",
        )
        with story.database.transaction() as tx:
            held.append(statement(tx, Account(Level.POPULATION, "residents")).held)
    assert held[0] == held[1] != ZERO and held[2] == ZERO


def test_what_the_larger_of_two_grants_allowed_ends_with_it(story: Story) -> None:
    story.publish()
    smaller = decided(story, ask_for(story, epsilon=Decimal("0.5")))
    with story.database.transaction() as tx:
        given = statement(tx, smaller.account).limit
        # so that the larger one is a smaller part of all, and gets less delta for its rho
        wider = "UPDATE vault.budget_accounts SET picorho_limit = picorho_limit * 8 WHERE level <> 'grant'"
        tx.execute(text(wider))
    larger = decided(story, ask_for(story, epsilon=Decimal(2)))
    assert smaller.account == larger.account
    revoke(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        grant_id=larger.id,
        reason="it is not needed",
    )
    budget = story.repository.current("clinic.visits").policy.budget
    assert budget is not None
    with story.database.transaction() as tx:
        own = statement(tx, smaller.account)
        assert own.limit == given and given.picorho == budget.limit(Fraction("0.5")).picorho
        assert statement(tx, Account(Level.POPULATION, "residents")).held == own.limit


def test_grants_that_end_at_once_let_their_shares_go(story: Story) -> None:
    story.publish()
    join(story, "river")
    for team in ("lake", "lake", "river"):
        decided(story, ask_for(story, team=team))
    with story.database.transaction() as tx:
        tx.execute(text("UPDATE vault.grants SET until = now() - interval '1 second'"))
    with ThreadPoolExecutor(4) as pool:
        ended = [
            grant.id for found in pool.map(lambda _: expire_due(story.database), range(4)) for grant in found
        ]
    assert len(ended) == len(set(ended)) == 3
    with story.database.transaction() as tx:
        assert statement(tx, Account(Level.DATASET, "clinic.visits")).held == ZERO


def decided(story: Story, request: Request, **changed: object) -> Grant:
    return approve(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=request.id,
        version=story.repository.current("clinic.visits"),
        **changed,
    )  # type: ignore[arg-type]


def join(story: Story, *teams: str) -> None:
    with story.database.transaction() as tx:
        for team in teams:
            create_team(tx, team_id=team, display_name=team, by="system")
            join_team(tx, team_id=team, account_id="wang", by="system")
