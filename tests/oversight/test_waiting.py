"""What waits for a second officer, for a department's agreement or for a reviewer of an appeal is found for
whoever may do it, and for nobody else."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import insert

from sandbox.competitions.tables import (
    competition_appeal_looks,
    competition_appeals,
    competition_results,
    competition_teams,
    competitions,
)
from sandbox.database import Transaction
from sandbox.identity import create_account
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.oversight.second_persons import OF_KIND
from sandbox.pushes.tables import push_credentials, pushes
from story import Story

NOW = datetime.now(UTC)
OF_DATASET = {"dataset": "clinic.visits", "policy_sha256": "p", "mode": "append"}


@pytest.fixture
def shown(story: Story):  # type: ignore[no-untyped-def]
    """Three officers of health: lin makes everything, hu publishes the result and looks at an appeal."""
    story.publish()
    with story.database.transaction() as tx:
        for id in ("hu", "bai"):
            create_account(
                tx, account_id=id, display_name=id, organisation="health", roles=["officer"], by="system"
            )
        make_all(tx)

    def found(who: str) -> list[tuple[str, str]]:
        officer = story.principal(who)
        with story.database.transaction() as tx:
            return [(kind, each.name) for kind, find in OF_KIND.items() for each in find(tx, officer)]

    return found


def make_all(tx: Transaction) -> None:
    push = OF_DATASET | {"id": uuid4(), "pusher": "officer:lin", "officer": "lin", "about_people": True}
    for state in ("waiting", "published"):
        tx.execute(insert(pushes).values(push | {"id": uuid4(), "state": state}))
    credential = OF_DATASET | {
        "label": "x",
        "revision": 1,
        "issued_by": "lin",
        "makers": ["lin"],
        "secret_shown_to": "lin",
        "expires_at": NOW,
    }
    for state in ("waiting", "suspended", "active"):
        tx.execute(insert(push_credentials).values(credential | {"state": state, "secret_sha256": state}))
    step = {"dataset": "clinic.visits", "kind": "retire", "reason": "x", "proposed_by": "lin"}
    for state in ("proposed", "dropped"):
        tx.execute(insert(lifecycle_steps).values(step | {"state": state}))
    for name, state in (("drafted", "draft"), ("ended", "notice")):
        tx.execute(
            insert(competitions).values(
                name=name,
                department="health",
                departments=["health", "market"],
                text="",
                sha256="s",
                state=state,
                changed_by="lin",
                changed_at=NOW,
            )
        )
    of_competition = {"competition": "ended", "log_index": 0}
    team = tx.scalar(
        insert(competition_teams)
        .values(
            competition="ended",
            name="t",
            captain="wang",
            state="active",
            invitation_sha256="",
            formed_at=NOW,
        )
        .returning(competition_teams.c.id)
    )
    result = {"revision": 1, "result": {}, "published_by": "hu", "published_at": NOW}
    tx.execute(insert(competition_results).values(of_competition | result))
    filed = {"team": team, "person": "wang", "text": "x", "revision": 1, "state": "filed", "filed_at": NOW}
    for track in ("one", "two"):
        appeal = tx.scalar(
            insert(competition_appeals)
            .values(of_competition | filed | {"track": track})
            .returning(competition_appeals.c.id)
        )
    look = {"appeal": appeal, "reviewer": "bai", "upheld": True, "reason": "x", "looked_at": NOW}
    tx.execute(insert(competition_appeal_looks).values(look))


SUSPENDED, DRAFT, APPEAL = (
    ("push_credential", "clinic.visits"),
    ("competition", "drafted"),
    ("appeal", "ended"),
)
SECOND = [
    ("lifecycle_step", "clinic.visits"),
    ("push", "clinic.visits"),
    ("push_credential", "clinic.visits"),
]


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("lin", [SUSPENDED, DRAFT, APPEAL, APPEAL]),  # made it: no second person
        ("hu", [*SECOND, SUSPENDED, DRAFT]),  # published the result
        ("bai", [*SECOND, SUSPENDED, DRAFT, APPEAL]),  # has looked at one of two
        ("zhou", [DRAFT]),  # of another department
    ],
)
def test_each_officer_sees_what_they_may_do(shown, who: str, sees: list[tuple[str, str]]) -> None:  # type: ignore[no-untyped-def]
    assert sorted(shown(who)) == sorted(sees)
