"""Finds what waits for the second person of pushes and ends, of competitions and of their appeals.

Somebody who may not do it (they made it, or did their part) is not told that it waits for them.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, select

from sandbox.catalog.former_holders import former_holders
from sandbox.catalog.tables import datasets
from sandbox.competitions.tables import (
    competition_agreements,
    competition_appeal_looks,
    competition_appeals,
    competition_results,
    competitions,
)
from sandbox.database import Transaction
from sandbox.identity import Principal
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.pushes.tables import push_credentials, pushes


class SecondPart(NamedTuple):
    """`name`: of its dataset or its competition."""

    id: str
    name: str
    since: datetime


def _pushes(tx: Transaction, officer: Principal) -> Iterator[SecondPart]:
    wanted = select(pushes).join(datasets, datasets.c.name == pushes.c.dataset)
    for row in tx.execute(wanted.where(pushes.c.state == "waiting", _own(officer))).all():
        makers = {row.officer, *former_holders(tx, "push", row.id)}
        if officer.id not in makers and row.pusher != f"officer:{officer.id}":
            yield SecondPart(str(row.id), row.dataset, row.changed_at)


def _credentials(tx: Transaction, officer: Principal) -> Iterator[SecondPart]:
    """Those that wait for a second person, and those that were suspended and that anybody may confirm."""
    wanted = select(push_credentials).join(datasets, datasets.c.name == push_credentials.c.dataset)
    states = push_credentials.c.state.in_(("waiting", "suspended"))
    for row in tx.execute(wanted.where(states, _own(officer))).all():
        if row.state == "suspended" or officer.id not in row.makers:
            yield SecondPart(str(row.id), row.dataset, row.issued_at)


def _steps(tx: Transaction, officer: Principal) -> Iterator[SecondPart]:
    wanted = select(lifecycle_steps).join(datasets, datasets.c.name == lifecycle_steps.c.dataset)
    for row in tx.execute(wanted.where(lifecycle_steps.c.state == "proposed", _own(officer))).all():
        if officer.id not in {row.proposed_by, *former_holders(tx, "lifecycle_step", row.id)}:
            yield SecondPart(str(row.id), row.dataset, row.proposed_at)


def _agreements(tx: Transaction, officer: Principal) -> Iterator[SecondPart]:
    """Drafts of competitions whose text as it is the department has not agreed to."""
    agreed = select(competition_agreements.c.competition).where(
        competition_agreements.c.department == officer.organisation,
        competition_agreements.c.competition == competitions.c.name,
        competition_agreements.c.sha256 == competitions.c.sha256,
    )
    wanted = select(competitions).where(
        competitions.c.state == "draft",
        competitions.c.departments.contains([officer.organisation]),
        ~agreed.exists(),
    )
    for row in tx.execute(wanted).all():
        yield SecondPart(row.name, row.name, row.changed_at)


def _appeals(tx: Transaction, officer: Principal) -> Iterator[SecondPart]:
    """Against results that the officer did not publish, and that they have not looked at."""
    looked = select(competition_appeal_looks.c.appeal).where(
        competition_appeal_looks.c.appeal == competition_appeals.c.id,
        competition_appeal_looks.c.reviewer == officer.id,
    )
    published = select(competition_results.c.competition).where(
        competition_results.c.competition == competition_appeals.c.competition,
        competition_results.c.revision == competition_appeals.c.revision,
        competition_results.c.published_by == officer.id,
    )
    wanted = (
        select(competition_appeals)
        .join(competitions, competitions.c.name == competition_appeals.c.competition)
        .where(
            competition_appeals.c.state == "filed",
            competitions.c.department == officer.organisation,
            ~looked.exists(),
            ~published.exists(),
        )
    )
    for row in tx.execute(wanted).all():
        yield SecondPart(str(row.id), row.competition, row.filed_at)


def _own(officer: Principal) -> ColumnElement[bool]:
    return datasets.c.department == officer.organisation


OF_KIND: Mapping[str, Callable[[Transaction, Principal], Iterator[SecondPart]]] = {
    "push": _pushes,
    "push_credential": _credentials,
    "lifecycle_step": _steps,
    "competition": _agreements,
    "appeal": _appeals,
}
