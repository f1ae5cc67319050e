"""Makes service accounts, gives them new secrets, revokes them: owners and developers of the company."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from marketplace.customers.find import find_company, share_ending
from marketplace.keys.admits import Scope, read_networks
from marketplace.keys.tables import keys
from marketplace.licences.find import lock_licence
from marketplace.lifecycle import check_step
from marketplace.service_accounts.model import SERVICE_STATUSES, ServiceAccount
from marketplace.service_accounts.tables import service_accounts
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, NotFound
from sandbox.identity import Principal
from sandbox.identity.scannable_secret import make_secret
from sandbox.plain_text import is_text
from sandbox.policy import Gate, Resource, hidden_from_strangers

PREFIX = "chs_"
START_LENGTH = len(PREFIX) + 6
MOST = 50
LABEL_LENGTH = 80


@dataclass(frozen=True)
class IssuedSecret:
    """A service account and its new secret: the only time that it is seen."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"IssuedSecret({self.id})"


def make_service_account(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    label: str,
    scopes: Sequence[str] = (Scope.CALL, Scope.SAMPLE),
    networks: tuple[str, ...] = (),
    mode: str = "live",
    seed: bytes | None = None,
) -> IssuedSecret:
    """Make a service account of the own company. `seed`: the same form makes the same one.
    Raises `Forbidden`, `InvalidInput` for a network, `Conflict` where there are too many."""
    secret = make_secret(PREFIX, seed)
    name = f"svc-{hash_of(secret).hex()[:12]}" if seed else f"svc-{secrets.token_hex(6)}"
    use = {
        "scopes": [str(each) for each in dict.fromkeys(scopes)],
        "networks": list(read_networks(networks)),
        "mode": mode,
    }
    with database.transaction() as tx:
        share_ending(tx, principal.organisation)
        lock_company(tx, principal.organisation)
        require_manager(tx, gate, principal, principal.organisation, mode=mode)
        if tx.execute(select(service_accounts.c.id).where(service_accounts.c.id == name)).first():
            return IssuedSecret(name, secret)
        require_room(tx, principal.organisation)
        tx.execute(
            insert(service_accounts).values(
                id=name,
                organisation=principal.organisation,
                label=label.strip()[:LABEL_LENGTH],
                hash=hash_of(secret),
                start=secret[:START_LENGTH],
                status="live",
                made_by=principal.id,
                **use,
            )
        )
        logged = {**use, "networks": len(use["networks"]), "organisation": principal.organisation}
        write(tx, "service_account.made", name, by=principal.id, payload=logged)
    return IssuedSecret(name, secret)


def rotate_secret(
    database: Database,
    *,
    gate: Gate,
    principal: Principal,
    client_id: str,
    overlap: timedelta = timedelta(days=1),
    seed: bytes | None = None,
) -> IssuedSecret:
    """A new secret; the one before is good for `overlap` more. Raises `Forbidden`, `NotFound`, `Conflict`."""
    secret = make_secret(PREFIX, seed)
    with database.transaction() as tx:
        held = lock_service_account(tx, client_id)
        with hidden_from_strangers(no_service_account(), seen=held.organisation == principal.organisation):
            require_manager(tx, gate, principal, held.organisation, mode=held.mode)
        if held.hash == hash_of(secret):
            return IssuedSecret(held.id, secret)
        if held.status != "live":
            raise Conflict(
                "This service account is revoked.",
                code="wrong_status",
                remedy="Make another.",
                zh="该服务账号已吊销。",
                remedy_zh="请另建服务账号。",
            )
        tx.execute(
            update(service_accounts)
            .where(service_accounts.c.id == held.id)
            .values(
                hash=hash_of(secret),
                start=secret[:START_LENGTH],
                previous_hash=held.hash,
                previous_until=func.now() + overlap,
            )
        )
        hours = {"overlap_hours": int(overlap.total_seconds()) // 3600}
        write(tx, "service_account.rotated", held.id, by=principal.id, payload=hours)
    return IssuedSecret(held.id, secret)


def revoke_service_account(
    database: Database, *, gate: Gate, principal: Principal, client_id: str, reason: str = ""
) -> None:
    """Revoke a service account: what is committed afterwards, no token of it opens.
    Raises `Forbidden`, `NotFound`, `Conflict`."""
    with database.transaction() as tx:
        held = lock_service_account(tx, client_id)
        with hidden_from_strangers(no_service_account(), seen=may_know(principal, held.organisation)):
            about = company_resource(tx, held.organisation)
            gate.require(principal, "revoke_service_account", about)
        check_step(SERVICE_STATUSES, thing="service account", now=held.status, then="revoked")
        end_service_account(tx, held.id)
        write(tx, "service_account.revoked", held.id, by=principal.id, payload={"reason": reason})


def end_service_account(tx: Transaction, client_id: str) -> None:
    """Revoke it and its keys. The licences first, in their order: a call is committed before, or refused."""
    mine = keys.c.service_account == client_id
    for licence in tx.scalars(select(keys.c.licence).where(mine).order_by(keys.c.licence)).all():
        lock_licence(tx, licence)
    tx.execute(
        update(service_accounts)
        .where(service_accounts.c.id == client_id)
        .values(status="revoked", revoked_at=func.now())
    )
    # also those that the holder revoked a moment ago, and could switch on again: nobody's, nobody does
    tx.execute(
        update(keys)
        .where(mine)
        .values(status="revoked", ends_at=func.now(), revoked_at=func.now(), revoked_for="")
    )


def service_accounts_of(tx: Transaction, organisation: str) -> list[ServiceAccount]:
    """Newest first, with when any of them was last used."""
    used = (
        select(keys.c.service_account, func.max(keys.c.last_used_at).label("last_used_at"))
        .group_by(keys.c.service_account)
        .subquery()
    )
    wanted = (
        select(service_accounts, used.c.last_used_at)
        .outerjoin(used, used.c.service_account == service_accounts.c.id)
        .where(service_accounts.c.organisation == organisation)
        .order_by(service_accounts.c.made_at.desc(), service_accounts.c.id)
    )
    return [service_account_of(row) for row in tx.execute(wanted)]


def service_account_of(row: Row[Any]) -> ServiceAccount:
    fields = {name: row._mapping[name] for name in ServiceAccount.__dataclass_fields__}
    return ServiceAccount(**fields | {"scopes": tuple(row.scopes), "networks": tuple(row.networks)})


def lock_service_account(tx: Transaction, client_id: str) -> Row[Any]:
    """Its row, held until the transaction ends. Raises `NotFound`."""
    wanted = select(service_accounts).where(service_accounts.c.id == client_id).with_for_update()
    row = tx.execute(wanted).one_or_none() if is_text(client_id) else None
    if row is None:
        raise no_service_account()
    return row


def require_manager(
    tx: Transaction, gate: Gate, principal: Principal, organisation: str, *, mode: str
) -> None:
    """Raises `Forbidden`."""
    about = company_resource(tx, organisation)
    gate.require(principal, "manage_service_accounts", about)
    if mode == "live":
        gate.require(principal, "make_live_service_account", about)


def company_resource(tx: Transaction, organisation: str) -> Resource:
    """For the gate: the company; without a record, the organisation alone."""
    company = find_company(tx, organisation)
    if company is not None:
        return company.resource
    return Resource("Company", organisation, {"organisation": organisation, "status": "none"})


def require_room(tx: Transaction, organisation: str) -> None:
    """Raises `Conflict` where too many are live."""
    live = select(func.count()).where(
        service_accounts.c.organisation == organisation, service_accounts.c.status == "live"
    )
    if tx.execute(live).scalar_one() >= MOST:
        raise Conflict(
            f"A company has at most {MOST} service accounts.",
            code="too_many_service_accounts",
            remedy="Revoke those that nobody needs.",
            zh=f"一家企业最多有 {MOST} 个服务账号。",
            remedy_zh="请吊销不再需要的服务账号。",
        )


def lock_company(tx: Transaction, organisation: str) -> None:
    lock_name(tx, f"market.service_accounts {organisation}")


def may_know(principal: Principal, organisation: str) -> bool:
    return principal.organisation == organisation or "operator" in principal.roles


def no_service_account() -> NotFound:
    return NotFound(
        "There is no such service account.",
        remedy="The list of service accounts has their ids.",
        zh="没有此服务账号。",
        remedy_zh="编号见服务账号列表。",
    )


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def write(tx: Transaction, kind: str, id: str, *, by: str, payload: dict[str, Any]) -> None:
    append(tx, entry(kind, id, by=by, payload=payload))


def entry(kind: str, id: str, *, by: str, payload: dict[str, Any]) -> Event:
    return Event(kind=kind, actor=by, subject=f"service_account:{id}", payload=payload)
