"""The risk watch finds what is out of the ordinary, shows it to who may see it, and holds nothing of data."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from lifecycle_story import lifecycle_of
from sandbox.audit import Event, append
from sandbox.audit.listing import first_index_at
from sandbox.budgets.tables import accounts
from sandbox.catalog.tables import opening_reviews, problem_reports
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.errors import Forbidden
from sandbox.grants import Grant
from sandbox.grants.tables import grants, requests
from sandbox.identity import create_account, create_team, join_team
from sandbox.lifecycle.announcements import announcements_for
from sandbox.notices.tables import notices
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.risk_alerts import tell_risks
from sandbox.oversight.risk_limits import DEFAULT, RiskLimits, read_risk_limits
from sandbox.oversight.risks import RiskContext, risks
from sandbox.oversight.scoreboard import scoreboard
from sandbox.releases.tables import questions
from sandbox.reviews.tables import told_places
from sandbox.vault.visible import visible_things
from statements import statements_of
from story import POLICIES, POLICY, Story

NOW = datetime.now(UTC)


def found(story: Story, who: str = "lin", limits: RiskLimits = DEFAULT, now: datetime = NOW):  # type: ignore[no-untyped-def]
    taxonomy = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)
    facts = OversightContext(story.database, story.repository, story.gate)
    document = risks(RiskContext(facts, limits, taxonomy), story.principal(who), now=now)
    return {(each["kind"], each["subject"]): each for each in document["findings"]}


def spend(story: Story, grant: Grant, percent: int) -> None:
    """As answers would, without asking any: at all three levels, from what is held."""
    with story.database.transaction() as tx:
        limit = tx.execute(select(accounts.c.picorho_limit).where(accounts.c.level == "grant")).scalar_one()
        more = int(limit) * percent // 100
        own = accounts.c.level == "grant"
        tx.execute(update(accounts).where(own).values(picorho_spent=more))
        tx.execute(
            update(accounts)
            .where(~own)
            .values(
                picorho_spent=accounts.c.picorho_spent + more, picorho_held=accounts.c.picorho_held - more
            )
        )
        tx.execute(update(grants).values(approved_at=NOW - timedelta(days=1)))


def ask_often(story: Story, grant: Grant, times: int, at: datetime) -> None:
    row = {
        "digest": "d",
        "version": "clinic.visits@1",
        "grant": grant.id,
        "asked_by": "wang",
        "sql": "SELECT 1",
    }
    with story.database.transaction() as tx:
        tx.execute(
            insert(questions),
            [
                row
                | {
                    "id": uuid4(),
                    "picorho": 0,
                    "status": "released",
                    "asked_at": at,
                    "answer": {"rows": [[77123]]},
                }
                for _ in range(times)
            ],
        )


def test_a_budget_that_ends_before_its_grant_is_found_and_a_slow_one_is_not(story: Story) -> None:
    story.publish()
    grant = story.grant()
    spend(story, grant, 60)
    burning = found(story)["budget_burn", f"grant:{grant.id}"]
    assert burning["value"] == pytest.approx(60, abs=0.1) and burning["since"] < grant.until
    assert found(story, limits=replace(DEFAULT, burn_percent=61)) == {}
    with story.database.transaction() as tx:
        tx.execute(update(grants).values(approved_at=NOW - timedelta(days=300)))
    assert found(story) == {}


def test_refused_attempts_and_many_questions_are_found_by_team(story: Story) -> None:
    story.publish()
    grant = story.grant()
    limits = replace(DEFAULT, refused_attempts=3, questions_least=4)
    with story.database.transaction() as tx:
        for kind in ("query.refused", "decision.refused", "query.refused"):
            append(tx, Event(kind, "wang", "account:wang", {"code": "x"}))
    ask_often(story, grant, 4, NOW - timedelta(hours=2))
    known = found(story, limits=limits)
    assert known["refused_attempts", "team:lake"]["value"] == 3
    assert known["many_questions", "team:lake"]["value"] == 4
    assert found(story, limits=limits, now=NOW + timedelta(days=40)) == {}
    # so many are usual for this team: a day's average of about one, five times of which is more than four
    ask_often(story, grant, 30, NOW - timedelta(days=3))
    assert ("many_questions", "team:lake") not in found(story, limits=limits)
    assert "77123" not in json.dumps([*found(story, limits=limits).values()], default=str)


def alerted(story: Story, limits: RiskLimits, now: datetime = NOW) -> list[tuple[str, str, str]]:
    """What one look of the vault tells: event, audience, thing."""
    taxonomy = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)
    context = RiskContext(OversightContext(story.database, story.repository, story.gate), limits, taxonomy)
    wanted = select(notices).where(notices.c.event.startswith("risk."))
    with story.database.transaction() as tx:
        before = {(row.id, row.audience) for row in tx.execute(wanted)}
    number = tell_risks(context, now=now)
    with story.database.transaction() as tx:
        fresh = [row for row in tx.execute(wanted) if (row.id, row.audience) not in before]
    assert len(fresh) == number and "77123" not in str(fresh)
    return sorted((row.event, row.audience, row.about) for row in fresh)


def test_a_threshold_is_told_once_when_it_is_passed_and_again_when_it_is_passed_again(story: Story) -> None:
    story.publish()
    grant = story.grant()
    limits = replace(DEFAULT, questions_least=4)
    assert alerted(story, limits) == []
    ask_often(story, grant, 4, NOW - timedelta(hours=2))
    spend(story, grant, 60)
    many = [
        ("risk.many_questions", "auditors", "risk:*/team:lake"),
        ("risk.many_questions", "officers:health", "risk:health/team:lake"),
    ]
    burning = [("risk.budget_burn", "officers:health", f"risk:health/grant:{grant.id}")]
    assert alerted(story, limits) == burning + many
    assert {each["told_at"] for each in found(story, limits=limits).values()} == {NOW}
    assert alerted(story, limits, NOW + timedelta(minutes=5)) == []
    assert alerted(story, limits, NOW + timedelta(days=2)) == [], "it fell below"
    ask_often(story, grant, 30, NOW + timedelta(days=2))
    assert alerted(story, limits, NOW + timedelta(days=2, hours=1)) == many


@pytest.mark.parametrize(("who", "seen"), [("lin", "health"), ("zhou", "market"), ("xu", "*"), ("wang", "")])
def test_an_alert_is_seen_by_those_who_may_read_that_risk_watch(story: Story, who: str, seen: str) -> None:
    if who == "xu":
        add_auditor(story)
    things = [f"risk:{scope}/team:lake" for scope in ("health", "market", "*")]
    known = visible_things(story.database, story.gate, story.repository, story.principal(who), things)
    assert known == (things if who == "xu" else [each for each in things if each == f"risk:{seen}/team:lake"])


def add_auditor(story: Story) -> None:
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="xu", display_name="xu", organisation="hbpu", roles=["auditor"], by="system"
        )


def second_team_and_department(story: Story, grant: Grant) -> int:
    """A team "hill" that wang is in, too, with a grant of the department "market"; gives its number."""
    with story.database.transaction() as tx:
        create_team(tx, team_id="hill", display_name="hill", by="system")
        join_team(tx, team_id="hill", account_id="wang", by="system")
        asked = tx.execute(select(requests).where(requests.c.id == grant.request)).one()._asdict()
        held = tx.execute(select(grants).where(grants.c.id == grant.id)).one()._asdict()
        other = {"team": "hill", "department": "market"}
        request = tx.execute(
            insert(requests).values(**asked | other | {"id": grant.request + 1}).returning(requests.c.id)
        ).scalar_one()
        account = tx.execute(select(accounts).where(accounts.c.level == "grant")).one()._asdict()
        tx.execute(insert(accounts).values(**account | {"key": f"hill/{grant.dataset}"}))
        row = held | other | {"id": grant.id + 1, "request": request}
        return tx.execute(insert(grants).values(**row).returning(grants.c.id)).scalar_one()


def test_a_refusal_counts_for_the_team_and_department_that_it_belongs_to(story: Story) -> None:
    story.publish()
    grant = story.grant()
    other = second_team_and_department(story, grant)
    add_auditor(story)
    with story.database.transaction() as tx:
        for subject, named in (
            ("account:wang", {"grant": grant.id}),  # 1 of lake and health
            (f"grant:{grant.id}", {}),  # 2
            ("dataset:clinic.visits", {}),  # 3: of its teams, lake alone works with health
            ("account:wang", {"grant": other}),  # 1 of hill and market
            ("account:wang", {}),  # nobody knows of which of the two
            ("account:wang", {"grant": 10**9}),
        ):
            append(tx, Event("query.refused", "wang", subject, {"code": "x", **named}))
    limits = replace(DEFAULT, refused_attempts=1)
    health, market = ("team:lake", "health", 3), ("team:hill", "market", 1)

    def counted(who: str) -> list[tuple[str, str, float]]:
        kept = [each for each in found(story, who, limits=limits).values() if "refused" in each["kind"]]
        return [(each["subject"], each["department"], each["value"]) for each in kept]

    assert counted("lin") == [health]
    assert counted("zhou") == [market]
    assert counted("xu") == [market, health]


def test_refusals_before_the_window_are_not_read(story: Story) -> None:
    story.publish()
    story.grant()
    with story.database.transaction() as tx:
        append(tx, Event("query.refused", "wang", "account:wang", {"code": "x"}))
        index = append(tx, Event("query.refused", "wang", "account:wang", {"code": "x"}))
    with story.database.transaction() as tx:
        assert first_index_at(tx, NOW - timedelta(days=30)) == 0
        assert first_index_at(tx, NOW + timedelta(days=1)) == index + 1
    limits = replace(DEFAULT, refused_attempts=1)
    assert found(story, limits=limits)["refused_attempts", "team:lake"]["value"] == 2
    assert found(story, limits=limits, now=NOW + timedelta(days=31)) == {}


def test_places_on_a_board_alone_bring_a_team_near_its_capacity(story: Story) -> None:
    story.publish()
    story.grant()
    with story.database.transaction() as tx:
        tx.execute(insert(told_places).values(entry=uuid4(), team="lake", grade="3", bits=3_900_000))
    near = found(story)["near_capacity", "team:lake"]
    assert near["object"] == "lake · 3" and near["value"] == 97.5


def test_what_is_overdue_is_found_by_its_object(story: Story) -> None:
    story.publish(policy=POLICY + "catalogue: {updates: monthly}\n")
    late = NOW - timedelta(days=1)
    with story.database.transaction() as tx:
        tx.execute(
            insert(problem_reports).values(
                dataset="clinic.visits",
                number=1,
                department="health",
                words="x",
                reported_by="wang",
                due_at=late,
            )
        )
        tx.execute(
            insert(opening_reviews).values(
                dataset="clinic.visits",
                number=1,
                department="health",
                kind="version",
                reasons=[],
                grade="3",
                needs_second_person=False,
                items=[],
                answers={},
                state="waiting",
                asked_by="lin",
                makers=[],
                asked_at=late,
                due_at=late,
            )
        )
    kinds = [kind for kind, _ in found(story)]
    assert kinds == ["overdue_opening", "overdue_problem"]
    assert ("overdue_update", "dataset:clinic.visits") in found(story, now=NOW + timedelta(days=47))


def test_each_sees_their_own_department_and_auditors_see_all(story: Story) -> None:
    story.publish()
    spend(story, story.grant(), 60)
    add_auditor(story)
    assert found(story, "xu").keys() == found(story).keys() != set()
    assert found(story, "zhou") == {}
    with pytest.raises(Forbidden):
        found(story, "wang")


def test_the_thresholds_of_the_city_are_read() -> None:
    assert read_risk_limits(POLICIES) == DEFAULT


def test_the_watch_and_the_scoreboard_ask_as_often_whatever_there_is(story: Story) -> None:
    """Deterministic where a time would not be: one read for all, and none for each."""
    story.publish()
    grant = story.grant(epsilon="2")
    with story.database.transaction() as tx:
        append(tx, Event("query.refused", "wang", f"grant:{grant.id}", {"code": "x"}))

    def asked() -> list[int]:
        with statements_of(story.database) as of_risks:
            found(story, now=NOW + timedelta(minutes=1))
        facts = OversightContext(story.database, story.repository, story.gate)
        with statements_of(story.database) as of_scores:
            scoreboard(facts, story.principal("lin"), days=92)
        with statements_of(story.database) as of_announcements:
            announcements_for(lifecycle_of(story), story.principal("wang"))
        return [len(each) for each in (of_risks, of_scores, of_announcements)]

    asked()  # the first fills what a process keeps
    few = asked()
    with story.database.transaction() as tx:
        held = tx.execute(select(grants).where(grants.c.id == grant.id)).one()._asdict()
        wish = tx.execute(select(requests).where(requests.c.id == grant.request)).one()._asdict()
        account = tx.execute(select(accounts).where(accounts.c.level == "grant")).one()._asdict()
        for number in range(1, 13):
            team = f"team{number}"
            ids = {"id": grant.id + number, "request": grant.request + number}
            tx.execute(insert(requests).values(**wish | {"team": team, "id": ids["request"]}))
            tx.execute(insert(grants).values(**held | ids | {"team": team}))
            tx.execute(insert(accounts).values(**account | {"key": f"{team}/{grant.dataset}"}))
            tx.execute(insert(told_places).values(entry=uuid4(), team=team, grade="3", bits=3_900_000))
    assert asked() == few
    assert len([kind for kind, _ in found(story) if kind == "near_capacity"]) == 12
