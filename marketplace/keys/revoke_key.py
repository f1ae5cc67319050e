"""Revokes a key: by whoever holds the licence, by the seller, or by an operator.
The next call with it is refused."""

from sqlalchemy import func, update

from marketplace.keys.find import lock_key, no_key
from marketplace.keys.model import KEY_STATUSES
from marketplace.keys.tables import keys
from marketplace.licences.find import find_licence, may_know
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def revoke_key(
    database: Database, *, gate: Gate, principal: Principal, key_id: int, reason: str = ""
) -> None:
    """Revoke a key at once. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        key = lock_key(tx, key_id)
        licence = find_licence(tx, key.licence)
        with hidden_from_strangers(no_key(key_id), seen=may_know(principal, licence)):
            gate.require(principal, "revoke_key", Resource("Licence", str(licence.id), licence.cedar))
        step = check_step(KEY_STATUSES, thing="key", now=key.status, then="revoked")
        tx.execute(update(keys).where(keys.c.id == key.id).values(status="revoked", ends_at=func.now()))
        append(
            tx,
            Event(kind=step.event, actor=principal.id, subject=f"key:{key.id}", payload={"reason": reason}),
        )
