"""Suspends a licence and resumes it: by the seller or an operator, with a reason. Its time goes on."""

from sqlalchemy import update

from marketplace.licences.end_licence import require_reason
from marketplace.licences.find import lock_licence, may_know, no_licence
from marketplace.licences.model import LICENCE_STATUSES
from marketplace.licences.tables import licences
from marketplace.lifecycle import check_step
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def suspend_licence(
    database: Database, *, gate: Gate, principal: Principal, licence_id: int, reason: str
) -> None:
    """The next call by any of its keys is refused. Raises `Forbidden`, `NotFound`, `Conflict`."""
    turn(database, gate, principal, licence_id, "suspended", require_reason(reason))


def resume_licence(database: Database, *, gate: Gate, principal: Principal, licence_id: int) -> None:
    """Its keys open again. Raises `Forbidden`, `NotFound`, `Conflict`."""
    turn(database, gate, principal, licence_id, "live", None)


def turn(
    database: Database,
    gate: Gate,
    principal: Principal,
    licence_id: int,
    status: str,
    reason: str | None,
) -> None:
    with database.transaction() as tx:
        licence = lock_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            gate.require(principal, "suspend_licence", Resource("Licence", str(licence.id), licence.cedar))
        step = check_step(LICENCE_STATUSES, thing="licence", now=licence.status, then=status)
        tx.execute(
            update(licences).where(licences.c.id == licence.id).values(status=status, ended_reason=reason)
        )
        append(
            tx,
            Event(
                kind=step.event,
                actor=principal.id,
                subject=f"licence:{licence.id}",
                payload={} if reason is None else {"reason": reason},
            ),
            to=[notices.developers(licence.organisation)],
        )
