"""Which run is next: a team with many does not starve another, nothing runs twice,
and what lost its grant does not run."""

from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import update

from maintenance import under_maintenance
from sandbox.errors import Conflict, Forbidden, TooMany
from sandbox.grants import approve, request_access, revoke
from sandbox.identity import create_account, create_team, join_team
from sandbox.jobs import RunContext, RunState, conclude, load_run
from sandbox.jobs.cancel import cancel
from sandbox.jobs.claim import claim
from sandbox.jobs.finish import finish, finish_interrupted, interrupted_runs
from sandbox.jobs.model import STEPS, Run
from sandbox.jobs.submit import MOST_WAITING, submit
from sandbox.jobs.tables import runs
from sandbox.standalone.s3 import S3Server
from story import Story
from workspace import CHECKOUT, KERNEL_PYTHON

TEAMS = {"lake": "wang", "river": "qin", "hill": "bai"}


@pytest.fixture
def context(story: Story, s3: S3Server, tmp_path: Path) -> RunContext:
    """Three teams with a grant each, and four places of which one may have two."""
    from datetime import UTC, datetime, timedelta
    from decimal import Decimal

    story.publish()
    with story.database.transaction() as tx:
        for team, person in list(TEAMS.items())[1:]:
            create_team(tx, team_id=team, display_name=team, by="system")
            create_account(
                tx,
                account_id=person,
                display_name=person,
                organisation="hbpu",
                roles=["analyst"],
                by="system",
            )
            join_team(tx, team_id=team, account_id=person, by="system")
    version = story.repository.current("clinic.visits")
    for team, person in TEAMS.items():
        request = request_access(
            story.database,
            gate=story.gate,
            principal=story.principal(person),
            version=version,
            team=team,
            purpose="to see who is served when",
            epsilon=Decimal(1),
            until=datetime.now(UTC) + timedelta(days=3),
        )
        approve(
            story.database,
            gate=story.gate,
            officer=story.principal("lin"),
            request_id=request.id,
            version=version,
        )
    return RunContext(
        story.database,
        story.repository,
        story.gate,
        story.store,
        s3.quarantine_store(),
        folder=tmp_path,
        python=KERNEL_PYTHON,
        lock=CHECKOUT / "kernels" / "requirements.lock",
        places=4,
    )


def handed_in(context: RunContext, story: Story, team: str, name: str = "run") -> Run:
    return submit(
        context,
        principal=story.principal(TEAMS[team]),
        name=name,
        entry="main.py",
        files={"main.py": "pass"},
        inputs=["clinic.visits"],
        limit_seconds=10,
    )


def claimed(context: RunContext) -> Run | None:
    found = claim(context)
    return found.run if found else None


def test_teams_take_turns_however_many_runs_one_has(context: RunContext, story: Story) -> None:
    """One place at a time: lake handed in ten before river handed in two and hill one."""
    for team, number in (("lake", 10), ("river", 2), ("hill", 1)):
        for each in range(number):
            handed_in(context, story, team, f"{team} {each}")
    served = []
    while run := claimed(context):
        served.append(run.name)
        finish(context.database, run.id, {})
    assert served[:5] == ["lake 0", "river 0", "hill 0", "lake 1", "river 1"]
    assert served[5:] == [f"lake {each}" for each in range(2, 10)], (
        "a team's own are in its own order, and none is lost"
    )


def test_no_team_holds_more_than_half_of_the_places(context: RunContext, story: Story) -> None:
    for _ in range(6):
        handed_in(context, story, "lake")
    held = [run for run in (claimed(context), claimed(context)) if run]
    assert len(held) == 2 and claimed(context) is None, "the other places wait for another team"
    handed_in(context, story, "river")
    newcomer = claimed(context)
    assert newcomer and newcomer.team == "river"
    finish(context.database, held[0].id, {})
    again = claimed(context)
    assert again and again.team == "lake"


def test_during_maintenance_no_run_begins_and_afterwards_it_does(context: RunContext, story: Story) -> None:
    handed_in(context, story, "lake")
    with under_maintenance(story.database):
        assert claimed(context) is None
    assert claimed(context) is not None


def test_places_that_ask_at_once_never_get_the_same_run(context: RunContext, story: Story) -> None:
    for team in TEAMS:
        for _ in range(2):
            handed_in(context, story, team)
    got: list[Run | None] = []
    together = Barrier(8)

    def ask() -> None:
        together.wait()
        got.append(claimed(context))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [run.id for run in got if run]
    assert len(ids) == len(set(ids)) == 6 and got.count(None) == 2


def test_a_run_whose_grant_ended_while_it_waited_is_cancelled_and_the_next_one_runs(
    context: RunContext, story: Story
) -> None:
    lost, kept = handed_in(context, story, "lake"), handed_in(context, story, "river")
    [grant] = lost.inputs
    assert grant.grant
    revoke(
        context.database,
        gate=context.gate,
        officer=story.principal("lin"),
        grant_id=grant.grant,
        reason="no longer needed",
    )
    assert (run := claimed(context)) and run.id == kept.id
    with context.database.transaction() as tx:
        assert load_run(tx, lost.id).state is RunState.CANCELLED
    with pytest.raises(Forbidden):
        handed_in(context, story, "lake")


def test_what_was_called_off_while_it_waited_never_runs(context: RunContext, story: Story) -> None:
    run = handed_in(context, story, "lake")
    assert cancel(context.database, principal=story.principal("wang"), id=run.id).state is RunState.CANCELLED
    assert claimed(context) is None
    with pytest.raises(Conflict, match="cancelled already"):
        cancel(context.database, principal=story.principal("wang"), id=run.id)


def test_a_run_that_is_cut_off_is_queued_again_once_and_then_ends_as_interrupted(
    context: RunContext, story: Story
) -> None:
    run = handed_in(context, story, "lake")
    for again in (True, False):
        assert (held := claimed(context)) and held.id == run.id
        assert [one.id for one in interrupted_runs(context.database)] == [run.id]
        assert finish_interrupted(context, run.id)
        with context.database.transaction() as tx:
            now = load_run(tx, run.id)
        assert now.state is (RunState.QUEUED if again else RunState.INTERRUPTED)
        assert (now.started_at is None) is again and (now.ended_at is None) is again
    assert claimed(context) is None and interrupted_runs(context.database) == []
    assert not finish_interrupted(context, run.id), "what has ended is not ended again"


def test_the_end_of_a_run_is_not_overwritten_by_what_reviewers_decide(
    context: RunContext, story: Story
) -> None:
    run = handed_in(context, story, "lake")
    assert claimed(context)
    finish(context.database, run.id, {})
    with context.database.transaction() as tx:
        ended = load_run(tx, run.id).ended_at
    for state in (RunState.RETURNED, RunState.RELEASED):
        with context.database.transaction() as tx:
            assert conclude(tx, run.id, state).ended_at == ended


def test_a_team_may_let_so_many_wait_and_no_more(context: RunContext, story: Story) -> None:
    first = handed_in(context, story, "lake")
    with context.database.transaction() as tx:
        row = dict(tx.execute(runs.select().where(runs.c.id == first.id)).one()._mapping)
        from uuid import uuid4

        tx.execute(runs.insert(), [row | {"id": uuid4()} for _ in range(MOST_WAITING - 1)])
    with pytest.raises(TooMany, match="50 runs"):
        handed_in(context, story, "lake")
    handed_in(context, story, "river")


def test_every_step_is_in_the_table_and_no_other_can_be_taken(context: RunContext, story: Story) -> None:
    run = handed_in(context, story, "lake")
    reviewed = {RunState.RETURNED, RunState.RELEASED, RunState.REFUSED}
    assert {step.after for step in STEPS} == set(RunState)
    for before in RunState:
        for after in RunState:
            with context.database.transaction() as tx:
                tx.execute(update(runs).where(runs.c.id == run.id).values(state=before.value))
            legal = after in reviewed and any((step.before, step.after) == (before, after) for step in STEPS)
            with context.database.transaction() as tx:
                if legal:
                    assert conclude(tx, run.id, after).state is after
                else:
                    with pytest.raises(Conflict):
                        conclude(tx, run.id, after)
