"""Pins a licence to a release that it may have, or lets it follow the newest one again."""

from sqlalchemy import func, select, update

from marketplace.licences.entitlements import entitled_releases
from marketplace.licences.find import lock_licence, may_know, no_licence
from marketplace.licences.tables import licences
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource, hidden_from_strangers


def pin_licence(
    database: Database, *, gate: Gate, principal: Principal, licence_id: int, release: int | None
) -> None:
    """`release` is its number; None lets the licence follow the newest in effect. Calls get it at once.
    Raises `Forbidden`, `NotFound`."""
    with database.transaction() as tx:
        licence = lock_licence(tx, licence_id)
        with hidden_from_strangers(no_licence(licence_id), seen=may_know(principal, licence)):
            gate.require(principal, "pin_licence", Resource("Licence", str(licence.id), licence.cedar))
        now = tx.execute(select(func.now())).scalar_one()
        may_have = {
            each.number: each.id
            for each in entitled_releases(tx, licence.id)
            if each.status_at(now) == "released"
        }
        if release is not None and release not in may_have:
            raise NotFound(
                f"This licence cannot have release {release}.",
                remedy=f"It can have: {', '.join(map(str, sorted(may_have))) or 'none'}.",
                zh=f"此许可不能使用第 {release} 号版次。",
                remedy_zh=f"可选：{'、'.join(map(str, sorted(may_have))) or '无'}。",
            )
        pin = None if release is None else may_have[release]
        tx.execute(update(licences).where(licences.c.id == licence.id).values(pin=pin))
        append(
            tx,
            Event(
                kind="licence.pinned",
                actor=principal.id,
                subject=f"licence:{licence.id}",
                payload={"release": release},
            ),
        )
