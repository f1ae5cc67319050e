"""Lists what waits for an officer beside requests, reviews, openings, problems, pulls and derivations, whose
own lists say it: the second person's part of pushes and ends, competitions and their appeals.

Somebody who may not do it (they made it, or did their part) is not told that it waits for them.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

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
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.schemas import WaitingDocument, WaitingKind
from sandbox.policy import Resource
from sandbox.pushes.tables import push_credentials, pushes


def waiting(context: OversightContext, officer: Principal) -> list[WaitingDocument]:
    """Of the officer's department, the oldest first. Raises `Forbidden`."""
    about = Resource("Risks", "waiting", {"department": officer.organisation})
    context.gate.require(officer, "read_risks", about)
    if "officer" not in officer.roles:  # auditors look on, and do none of this
        return []
    with context.database.transaction() as tx:
        found = [each for find in OF_KIND.values() for each in find(tx, officer)]
    return sorted(found, key=lambda each: each["since"])


def _pushes(tx: Transaction, officer: Principal) -> Iterator[WaitingDocument]:
    wanted = select(pushes).join(datasets, datasets.c.name == pushes.c.dataset)
    for row in tx.execute(wanted.where(pushes.c.state == "waiting", _own(officer))).all():
        makers = {row.officer, *former_holders(tx, "push", row.id)}
        if officer.id not in makers and row.pusher != f"officer:{officer.id}":
            yield _found("push", row.id, row.dataset, row.changed_at)


def _credentials(tx: Transaction, officer: Principal) -> Iterator[WaitingDocument]:
    """Those that wait for a second person, and those that were suspended and that anybody may confirm."""
    wanted = select(push_credentials).join(datasets, datasets.c.name == push_credentials.c.dataset)
    states = push_credentials.c.state.in_(("waiting", "suspended"))
    for row in tx.execute(wanted.where(states, _own(officer))).all():
        if row.state == "suspended" or officer.id not in row.makers:
            yield _found("push_credential", row.id, row.dataset, row.issued_at)


def _steps(tx: Transaction, officer: Principal) -> Iterator[WaitingDocument]:
    wanted = select(lifecycle_steps).join(datasets, datasets.c.name == lifecycle_steps.c.dataset)
    for row in tx.execute(wanted.where(lifecycle_steps.c.state == "proposed", _own(officer))).all():
        if officer.id not in {row.proposed_by, *former_holders(tx, "lifecycle_step", row.id)}:
            yield _found("lifecycle_step", row.id, row.dataset, row.proposed_at)


def _agreements(tx: Transaction, officer: Principal) -> Iterator[WaitingDocument]:
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
        yield _found("competition", row.name, row.name, row.changed_at)


def _appeals(tx: Transaction, officer: Principal) -> Iterator[WaitingDocument]:
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
        yield _found("appeal", row.id, row.competition, row.filed_at)


def _own(officer: Principal) -> ColumnElement[bool]:
    return datasets.c.department == officer.organisation


def _found(kind: WaitingKind, id: object, name: str, since: datetime) -> WaitingDocument:
    return {"kind": kind, "id": str(id), "name": name, "since": since}


OF_KIND: Mapping[str, Callable[[Transaction, Principal], Iterator[WaitingDocument]]] = {
    "push": _pushes,
    "push_credential": _credentials,
    "lifecycle_step": _steps,
    "competition": _agreements,
    "appeal": _appeals,
}
