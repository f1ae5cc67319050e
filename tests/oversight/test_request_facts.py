"""An officer sees what a decision needs; what it says of budgets is what the decision does; others see
nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.budgets import Account, Level, statement
from sandbox.errors import Forbidden, NotFound
from sandbox.grants import approve, refuse, request_access
from sandbox.grants.model import Request
from sandbox.identity import create_team, join_team
from sandbox.oversight.request_facts import OversightContext, request_facts
from story import Story

DATASET, POPULATION = Account(Level.DATASET, "clinic.visits"), Account(Level.POPULATION, "residents")


def asked(story: Story, epsilon: str = "2", team: str = "lake") -> Request:
    return request_access(
        story.database,
        gate=story.gate,
        principal=story.principal("wang"),
        version=story.repository.current("clinic.visits"),
        team=team,
        purpose="how often do people see a doctor",
        epsilon=Decimal(epsilon),
        until=datetime.now(UTC) + timedelta(days=9),
    )


def facts_of(story: Story, number: int, who: str = "lin"):  # type: ignore[no-untyped-def]
    return request_facts(
        OversightContext(story.database, story.repository, story.gate), story.principal(who), number
    )


def held(story: Story) -> list[int]:
    with story.database.transaction() as tx:
        return [statement(tx, account).held.picorho for account in (DATASET, POPULATION)]


def decide(story: Story, request: Request, epsilon: str) -> None:
    approve(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=request.id,
        version=story.repository.current("clinic.visits"),
        epsilon=Decimal(epsilon),
    )


def test_what_it_says_of_the_budgets_is_what_the_decision_does(story: Story) -> None:
    story.publish()
    # the second of one team adds the difference alone, and the third, which is smaller, nothing
    for epsilon in ("2", "3", "1"):
        request, before = asked(story, epsilon), held(story)
        levels = facts_of(story, request.id)["levels"]
        decide(story, request, epsilon)
        with story.database.transaction() as tx:
            limits = [statement(tx, account).limit.picorho for account in (DATASET, POPULATION)]
        grown = [after - earlier for after, earlier in zip(held(story), before, strict=True)]
        shares = [100 * more / limit for more, limit in zip(grown, limits, strict=True)]
        for level, share in zip(levels, shares, strict=True):
            assert share <= level["percent_added"] < share + 0.01
        assert all(level["fits"] for level in levels)
    assert grown == [0, 0]


def test_the_most_that_can_be_approved_can_be_and_is_what_it_says(story: Story) -> None:
    story.publish()
    with story.database.transaction() as tx:
        for team in ("river", "hill", "town"):
            create_team(tx, team_id=team, display_name=team, by="system")
            join_team(tx, team_id=team, account_id="wang", by="system")
    for team in ("lake", "river", "hill"):
        decide(story, asked(story, "4", team), "4")
    request = asked(story, "4", "town")
    facts = facts_of(story, request.id)
    assert not all(level["fits"] for level in facts["levels"])
    assert Decimal(2) < Decimal(facts["most_epsilon"]) < Decimal(4)
    decide(story, request, facts["most_epsilon"])


def test_it_tells_who_asks_what_they_hold_and_what_was_refused(story: Story) -> None:
    story.publish()
    story.grant()
    first = asked(story)
    refuse(
        story.database,
        gate=story.gate,
        officer=story.principal("lin"),
        request_id=first.id,
        reason="too vague",
    )
    facts = facts_of(story, asked(story).id)
    assert facts["asked_by"]["account"] == "wang" and facts["team"]["id"] == "lake"
    assert [each["dataset"] for each in facts["holds"]] == ["clinic.visits"]
    assert facts["grade"] == facts["combined_grade"] == "3"
    assert {each["way"] for each in facts["ways"] if each["possible"]} == {"see", "dp", "reviewed"}
    earlier = facts["earlier"]
    assert (earlier["requests"], earlier["refused"], earlier["questions"]) == (2, 1, 0)
    assert earlier["refused_requests"][0]["reason"] == "too vague"
    assert facts["may_decide"] and not facts_of(story, first.id)["may_decide"]


def test_neither_the_team_nor_another_department_sees_it(story: Story) -> None:
    story.publish()
    number = asked(story).id
    for who in ("wang", "zhou"):
        with pytest.raises(Forbidden):
            facts_of(story, number, who)
    with pytest.raises(NotFound):
        facts_of(story, 99)
