"""Sandbox keys: an organisation has one in a minute, without an order and without approval.

Such a key opens stand-in rows of every product on offer. Its calls are neither metered nor logged and cost
nothing: what a stranger can make is a few rows of this table, and a few entries of the log a day.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, select, update

from marketplace.customers.find import find_company, no_company, share_ending
from marketplace.keys.issue_key import Issued
from marketplace.keys.tables import sandbox_keys
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.identity.scannable_secret import is_well_formed, make_secret
from sandbox.policy import Gate

PREFIX = "cht_"
START_LENGTH = len(PREFIX) + 6
LIFE = timedelta(days=90)
MOST_LIVE = 5
MOST_A_DAY = 20


@dataclass(frozen=True)
class SandboxKey:
    """A key without the key itself. It is good until `ends_at`, or until it is revoked."""

    id: int
    organisation: str
    start: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


def is_sandbox_key(secret: str) -> bool:
    """Whether it could be one, decided without looking anything up."""
    return is_well_formed(PREFIX, secret)


def make_sandbox_key(
    database: Database, *, gate: Gate, principal: Principal, seed: bytes | None = None
) -> Issued:
    """Make a sandbox key of the own company. `seed`: the same form gives the same key.
    Raises `Forbidden`, `NotFound` without a company's record, `Conflict` and `TooMany` for too many."""
    secret = make_secret(PREFIX, seed)
    with database.transaction() as tx:
        share_ending(tx, principal.organisation)
        company = find_company(tx, principal.organisation)
        if company is None:
            raise no_company(principal.organisation)
        gate.require(principal, "make_sandbox_key", company.resource)
        lock_name(tx, f"market.sandbox_keys {principal.organisation}")
        again = tx.execute(select(sandbox_keys).where(sandbox_keys.c.hash == hash_of(secret))).one_or_none()
        if again is not None:
            return Issued(again.id, 0, again.start, secret)
        require_room(tx, principal.organisation)
        id = int(
            tx.execute(
                insert(sandbox_keys)
                .values(
                    organisation=principal.organisation,
                    hash=hash_of(secret),
                    start=secret[:START_LENGTH],
                    made_by=principal.id,
                    ends_at=func.now() + LIFE,
                )
                .returning(sandbox_keys.c.id)
            ).scalar_one()
        )
        payload = {"organisation": principal.organisation, "start": secret[:START_LENGTH], "mode": "sandbox"}
        append(tx, Event(kind="key.issued", actor=principal.id, subject=f"sandbox_key:{id}", payload=payload))
    return Issued(id, 0, secret[:START_LENGTH], secret)


def revoke_sandbox_key(database: Database, *, gate: Gate, principal: Principal, key_id: int) -> None:
    """Raises `Forbidden`, `NotFound`."""
    with database.transaction() as tx:
        company = find_company(tx, principal.organisation)
        if company is None:
            raise no_company(principal.organisation)
        gate.require(principal, "make_sandbox_key", company.resource)
        mine = (
            sandbox_keys.c.id == key_id,
            sandbox_keys.c.organisation == principal.organisation,
            sandbox_keys.c.revoked_at.is_(None),
        )
        known = (
            0 < key_id < 2**31
            and tx.execute(
                update(sandbox_keys).where(*mine).values(revoked_at=func.now()).returning(sandbox_keys.c.id)
            ).first()
        )
        if not known:
            raise NotFound(
                "There is no such sandbox key that is live.",
                remedy="The list of sandbox keys has their numbers.",
                zh="没有此沙箱密钥，或已吊销。",
                remedy_zh="编号见沙箱密钥列表。",
            )
        append(tx, Event(kind="key.revoked", actor=principal.id, subject=f"sandbox_key:{key_id}"))


def live_sandbox_keys(organisation: str) -> ColumnElement[bool]:
    return and_(
        sandbox_keys.c.organisation == organisation,
        sandbox_keys.c.revoked_at.is_(None),
        sandbox_keys.c.ends_at > func.now(),
    )


def hold_sandbox_keys(tx: Transaction, organisation: str) -> None:
    """The live ones, in the order of their numbers."""
    wanted = select(sandbox_keys.c.id).where(live_sandbox_keys(organisation))
    tx.execute(wanted.order_by(sandbox_keys.c.id).with_for_update())


def end_sandbox_keys(tx: Transaction, organisation: str, *, by: str) -> list[Event]:
    """End all sandbox keys of an organisation that ended; gives the entries, which the caller appends."""
    revoked = (
        update(sandbox_keys)
        .where(live_sandbox_keys(organisation))
        .values(revoked_at=func.now())
        .returning(sandbox_keys.c.id)
    )
    return [
        Event(kind="key.revoked", actor=by, subject=f"sandbox_key:{number}")
        for number in sorted(tx.scalars(revoked))
    ]


def sandbox_keys_of(tx: Transaction, organisation: str) -> list[SandboxKey]:
    """Newest first, at most a hundred."""
    wanted = select(sandbox_keys).where(sandbox_keys.c.organisation == organisation)
    rows = tx.execute(wanted.order_by(sandbox_keys.c.made_at.desc(), sandbox_keys.c.id).limit(100))
    return [sandbox_key_of(row) for row in rows]


def find_sandbox_key(tx: Transaction, secret: str) -> SandboxKey | None:
    row = tx.execute(select(sandbox_keys).where(sandbox_keys.c.hash == hash_of(secret))).one_or_none()
    return sandbox_key_of(row) if row else None


def sandbox_key_of(row: Any) -> SandboxKey:
    return SandboxKey(**{name: row._mapping[name] for name in SandboxKey.__dataclass_fields__})


def require_room(tx: Transaction, organisation: str) -> None:
    mine = select(func.count()).where(sandbox_keys.c.organisation == organisation)
    live = mine.where(sandbox_keys.c.revoked_at.is_(None), sandbox_keys.c.ends_at > func.now())
    if tx.execute(live).scalar_one() >= MOST_LIVE:
        raise Conflict(
            f"{MOST_LIVE} sandbox keys are live.",
            code="too_many_sandbox_keys",
            remedy="Revoke one that nobody needs.",
            zh=f"已有 {MOST_LIVE} 个沙箱密钥。",
            remedy_zh="请吊销不再需要的密钥。",
        )
    today = mine.where(sandbox_keys.c.made_at > func.now() - timedelta(days=1))
    if tx.execute(today).scalar_one() >= MOST_A_DAY:
        raise TooMany(
            f"{MOST_A_DAY} sandbox keys were made today.",
            code="too_many_sandbox_keys",
            remedy="Use one of them, or come back tomorrow.",
            zh=f"今日已创建 {MOST_A_DAY} 个沙箱密钥。",
            remedy_zh="请使用已有密钥，或明日再试。",
        )


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
