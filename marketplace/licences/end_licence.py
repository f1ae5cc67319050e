"""Ends a licence: the seller revokes it with a reason, or it expires."""

from datetime import datetime, timedelta

from sqlalchemy import func, update

from marketplace.licences.find import lock_licence, may_know, no_licence
from marketplace.licences.model import LICENCE_STATUSES, Licence
from marketplace.licences.tables import licences
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def revoke_licence(
    database: Database, *, gate: Gate, principal: Principal, licence_id: int, reason: str
) -> None:
    """End a licence: the next call by any of its keys is refused.
    Raises `Forbidden`, `NotFound`, `Conflict`."""
    if not reason.strip():
        raise InvalidInput(
            "A licence is not ended without a reason.", remedy="Say why; the buyer will read it."
        )
    with database.transaction() as tx:
        licence = lock_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            gate.require(principal, "revoke_licence", Resource("Licence", str(licence.id), licence.cedar))
        end(tx, licence, "revoked", by=principal.id, reason=reason.strip())


def expire_if_over(tx: Transaction, licence: Licence, now: datetime) -> bool:
    """Whether the licence, which the caller holds locked, is over; writes it down the first time."""
    if licence.status == "live" and now >= licence.ends_at + timedelta(days=licence.terms.grace_days):
        end(tx, licence, "expired", by="marketplace", reason="the licence has expired")
        return True
    return licence.status == "expired"


def end(tx: Transaction, licence: Licence, status: str, *, by: str, reason: str) -> None:
    step = check_step(LICENCE_STATUSES, thing="licence", now=licence.status, then=status)
    tx.execute(
        update(licences)
        .where(licences.c.id == licence.id)
        .values(status=status, ended_at=func.now(), ended_by=by, ended_reason=reason)
    )
    append(tx, Event(kind=step.event, actor=by, subject=f"licence:{licence.id}", payload={"reason": reason}))
