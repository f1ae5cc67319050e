"""What a competition tells: each step and each phase once, to those who take part when it happens."""

import pytest
from sqlalchemy import select, update

from competition_story import NAME, Contest, local
from sandbox.competitions import competitions, teams
from sandbox.competitions.notify import tell_steps
from sandbox.competitions.record import advance_all
from sandbox.competitions.tables import competition_steps_to_tell
from sandbox.notices.tables import notices
from statements import statements_of
from story import Story

OFFICERS = "officers:health"


@pytest.fixture
def contest(story: Story) -> Contest:
    story.publish()
    contest = Contest(story)
    contest.people("ann", "ben", "cai")
    contest.announced()
    contest.now = local("03-05")
    contest.form("ann", "lake")
    contest.form("cai", "river")
    return contest


def told(contest: Contest, *skipped: str) -> list[tuple[str, str]]:
    """Of the competition alone, but for some events: which event was told whom."""
    wanted = select(notices).where(
        notices.c.about == f"competition:{NAME}", notices.c.event.not_in(skipped or ("",))
    )
    tell_steps(contest.story.database)
    with contest.story.database.transaction() as tx:
        rows = tx.execute(wanted.order_by(notices.c.at, notices.c.id, notices.c.audience)).all()
    return [(row.event, row.audience) for row in rows]


def test_each_phase_is_told_once_and_the_past_to_nobody(contest: Contest) -> None:
    advance_all(contest.context)
    before = len(told(contest))
    everybody = [OFFICERS, "person:ann", "person:cai"]
    contest.now = local("03-20", "19:00")
    for _ in range(2):
        advance_all(contest.context)
    assert sorted(told(contest)[before:]) == sorted(
        (event, each)
        for event in ("competition.phase_closed", "competition.phase_opened")
        for each in everybody
    )
    contest.now = local("03-23")
    before = len(told(contest))
    advance_all(contest.context)
    assert told(contest)[before:] == [], "days later it is no news"


def test_an_end_is_told_to_its_team_and_a_cancellation_to_all(contest: Contest) -> None:
    with contest.story.database.transaction() as tx:
        river = next(row.id for row in tx.execute(select(teams.competition_teams)) if row.name == "river")
    before = len(told(contest))
    lin = contest.person("lin")
    teams.disqualify(contest.context, lin, NAME, river, "it copied another team's entry")
    assert told(contest)[before:] == [("competition.team_disqualified", "person:cai")]
    before = len(told(contest))
    competitions.cancel(contest.context, lin, NAME, "the data are wrong")
    assert set(told(contest)[before:]) >= {
        ("competition.cancelled", each) for each in (OFFICERS, "person:ann")
    }


def test_nobody_is_looked_up_or_told_while_the_log_is_held(contest: Contest) -> None:
    """What a deed does from its entry of the log on, while every other append waits."""
    database, lin = contest.story.database, contest.person("lin")
    advance_all(contest.context)
    with database.transaction() as tx:
        river = next(row.id for row in tx.execute(select(teams.competition_teams)) if row.name == "river")
    before = told(contest)
    for deed in (
        lambda: teams.disqualify(contest.context, lin, NAME, river, "it copied another team's entry"),
        lambda: competitions.cancel(contest.context, lin, NAME, "the data are wrong"),
    ):
        with statements_of(database) as asked:
            deed()
        first = next(at for at, each in enumerate(asked) if "log.append" in each)
        held = asked[first:]
        people = "SELECT vault.competition_members.person"
        assert not [each for each in held if "notices" in each or each.startswith(people)]
        assert len([each for each in held if "competition_steps_to_tell" in each]) == 1

    # a row each says whom they are for, until they are told; whoever joins or leaves since changes nothing
    with database.transaction() as tx:
        rows = tx.execute(select(competition_steps_to_tell).order_by("log_index")).all()
        assert [row.whom for row in rows] == [f"team:{river}", "all"]
        gone = update(teams.competition_members).values(left_at=local("03-06"))
        tx.execute(gone.where(teams.competition_members.c.person == "cai"))
    everybody = [("competition.cancelled", each) for each in (OFFICERS, "person:ann", "person:cai")]
    expected = [*before, ("competition.team_disqualified", "person:cai"), *everybody]
    for _ in range(2):
        assert sorted(told(contest)) == sorted(expected)
    with database.transaction() as tx:
        assert tx.execute(select(competition_steps_to_tell)).all() == []
