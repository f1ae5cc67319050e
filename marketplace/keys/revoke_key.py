"""Revokes a key, by whoever holds the licence, by the seller, or by an operator: the next call with it is
refused. For a minute the organisation that revoked can switch the same key on again."""

from typing import Any

from sqlalchemy import func, select, update

from marketplace.keys.admits import may_restore
from marketplace.keys.find import find_key, lock_key, no_key
from marketplace.keys.model import KEY_STATUSES, Key
from marketplace.keys.tables import keys
from marketplace.licences.find import find_licence, lock_licence, may_know
from marketplace.licences.tables import licences
from marketplace.lifecycle import check_step
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def revoke_key(
    database: Database, *, gate: Gate, principal: Principal, key_id: int, reason: str = ""
) -> None:
    """Revoke a key at once. What its holder revoked, the seller or an operator revokes over again, so that
    the holder cannot switch it on any more. Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        # the licence first: a call is committed before the revocation, or is refused
        lock_licence(tx, find_key(tx, key_id).licence)
        key = lock_key(tx, key_id)
        licence = find_licence(tx, key.licence)
        with hidden_from_strangers(no_key(key_id), seen=may_know(principal, licence)):
            gate.require(principal, "revoke_key", Resource("Licence", str(licence.id), licence.cedar))
        revoked: dict[str, Any] = {"revoked_at": func.now(), "revoked_for": principal.organisation}
        if not overrules(key, holder=licence.organisation, by=principal.organisation):
            check_step(KEY_STATUSES, thing="key", now=key.status, then="revoked")
            revoked |= {"status": "revoked", "ends_at": func.now(), "ends_before": key.ends_at}
        tx.execute(update(keys).where(keys.c.id == key.id).values(**revoked))
        append(
            tx,
            Event(
                kind=KEY_STATUSES["revoked"].event,
                actor=principal.id,
                subject=f"key:{key.id}",
                payload={"licence": licence.id, "reason": reason},
            ),
        )


def overrules(key: Key, *, holder: str, by: str) -> bool:
    """Whether somebody else revokes what the holder of the licence revoked, and could take back."""
    return key.status == "revoked" and key.revoked_for == holder != by


def restore_key(database: Database, *, gate: Gate, principal: Principal, key_id: int) -> None:
    """Take a revocation back: the same key opens again, until the end that it had.
    Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        key = lock_key(tx, key_id)
        licence = find_licence(tx, key.licence)
        with hidden_from_strangers(no_key(key_id), seen=may_know(principal, licence)):
            gate.require(principal, "restore_key", Resource("Licence", str(licence.id), licence.cedar))
        now = tx.execute(select(func.clock_timestamp())).scalar_one()
        if not may_restore(
            status=key.status,
            revoked_at=key.revoked_at,
            revoked_for=key.revoked_for,
            organisation=principal.organisation,
            now=now,
        ):
            raise Conflict(
                "This key cannot be switched on again.",
                code="not_restorable",
                remedy="Within a minute the organisation that revoked a key can. Make another key.",
                zh="该密钥不能恢复。",
                remedy_zh="仅吊销方可在一分钟内恢复。请另建密钥。",
            )
        row = tx.execute(select(keys.c.successor, keys.c.ends_before).where(keys.c.id == key.id)).one()
        status = "live" if row.successor is None else "retiring"
        check_step(KEY_STATUSES, thing="key", now=key.status, then=status)
        tx.execute(
            update(keys)
            .where(keys.c.id == key.id)
            .values(status=status, ends_at=row.ends_before, revoked_at=None, revoked_for=None)
        )
        restored = Event("key.restored", principal.id, f"key:{key.id}", {"licence": licence.id})
        append(tx, restored)


def hold_keys(tx: Transaction, organisation: str) -> None:
    """Those that are not revoked, in the order of their numbers. The caller holds the licences."""
    mine = select(licences.c.id).where(licences.c.organisation == organisation)
    wanted = select(keys.c.id).where(keys.c.licence.in_(mine), keys.c.status != "revoked")
    tx.execute(wanted.order_by(keys.c.id).with_for_update())


def end_keys(tx: Transaction, organisation: str, *, by: str, reason: str) -> list[Event]:
    """End all keys of an organisation that ended; gives the entries, which the caller appends. Nobody
    switches them on again."""
    mine = select(licences.c.id).where(licences.c.organisation == organisation)
    revoked = (
        update(keys)
        .where(keys.c.licence.in_(mine), keys.c.status != "revoked")
        .values(status="revoked", ends_at=func.now(), revoked_at=func.now(), revoked_for="")
        .returning(keys.c.id, keys.c.licence)
    )
    kind = KEY_STATUSES["revoked"].event
    return [
        Event(kind, by, f"key:{number}", {"licence": licence, "reason": reason})
        for number, licence in sorted(map(tuple, tx.execute(revoked)))
    ]
