"""Reads access requests and grants, for those who may see them. Rows in, values out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, Table, any_, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from sandbox.database import Transaction, array_of
from sandbox.errors import NotFound
from sandbox.grants.model import Grant, GrantStatus, Request, RequestStatus
from sandbox.grants.tables import grants, requests
from sandbox.identity import Principal

SEES_ALL = frozenset({"operator", "auditor"})
OF_THE_LEDGER = frozenset({"picorho", "delta_units"})
LARGEST_NUMBER = 2**31 - 1  # an INTEGER of Postgres; a larger one is no number of anything


def as_request(row: Row[Any]) -> Request:
    return Request(**{**row._mapping, "status": RequestStatus(row.status)})


def as_grant(row: Row[Any]) -> Grant:
    columns = {name: value for name, value in row._mapping.items() if name not in OF_THE_LEDGER}
    return Grant(**{**columns, "status": GrantStatus(row.status)})


@dataclass(frozen=True)
class Part:
    """So many of a list, after the first `offset` of it; all, where `limit` is None."""

    offset: int = 0
    limit: int | None = None


ALL = Part()


def list_requests(
    tx: Transaction,
    principal: Principal,
    *,
    status: str | None = None,
    department: str | None = None,
    part: Part = ALL,
) -> Sequence[Request]:
    """Those of the caller's teams, of their department for officers, all for operators and auditors;
    newest first, and oldest first where only those that wait (`asked`) are wanted.
    `status`, `department`: only those."""
    order = requests.c.id if status == "asked" else requests.c.id.desc()
    query = select(requests).where(_seen(principal, requests)).order_by(order)
    query = query.where(requests.c.status == status) if status else query
    query = query.where(requests.c.department == department) if department else query
    return [as_request(row) for row in tx.execute(_part(query, part))]


def list_grants(
    tx: Transaction,
    principal: Principal,
    *,
    grant: int | None = None,
    dataset: str | None = None,
    status: str | None = None,
    department: str | None = None,
    part: Part = ALL,
) -> Sequence[Grant]:
    """As list_requests. `grant`, `dataset`: only the one with this number, only those on this dataset."""
    query = select(grants).where(_seen(principal, grants)).order_by(grants.c.id.desc())
    query = query.where(grants.c.dataset == dataset) if dataset else query
    query = query.where(grants.c.status == status) if status else query
    query = query.where(grants.c.department == department) if department else query
    query = query if grant is None else query.where(grants.c.id == grant)
    return [as_grant(row) for row in tx.execute(_part(query, part))]


def _part(query: Select[Any], part: Part) -> Select[Any]:
    return query.limit(part.limit).offset(part.offset)


def granted_datasets(tx: Transaction, principal: Principal, among: Collection[str]) -> set[str]:
    """Those of these datasets on which the principal sees a live grant."""
    if not among:
        return set()
    live = (grants.c.status == GrantStatus.LIVE.value, grants.c.until > datetime.now(UTC))
    seen = select(grants.c.dataset).distinct().where(_seen(principal, grants), *live)
    return set(tx.scalars(seen.where(grants.c.dataset == any_(array_of(among)))))


def holders(tx: Transaction, dataset: str) -> Sequence[str]:
    """The teams that have a live grant on the dataset."""
    live = (grants.c.dataset == dataset, grants.c.status == GrantStatus.LIVE.value)
    return tx.scalars(select(grants.c.team).distinct().where(*live).order_by(grants.c.team)).all()


def newest(grants: Sequence[Grant], *, team: str, dataset: str) -> Grant | None:
    """Under which a team asks or runs: its newest live one on the dataset (all of them share its account).
    Else one that has ended, for the gate to say why; None without any. `grants` as list_grants has them."""
    own = [grant for grant in grants if grant.team == team and grant.dataset == dataset]
    return next(iter([*(grant for grant in own if grant.live), *own]), None)


def load_request(tx: Transaction, id: int, *, lock: bool = False) -> Request:
    query = select(requests).where(requests.c.id == id)
    row = tx.execute(query.with_for_update() if lock else query).first() if 0 < id <= LARGEST_NUMBER else None
    if row is None:
        raise no_request(id)
    return as_request(row)


def load_grant(tx: Transaction, id: int, *, lock: bool = False, share: bool = False) -> Grant:
    """`lock`: to change it. `share`: nobody may change it until this transaction ends."""
    query = select(grants).where(grants.c.id == id)
    query = query.with_for_update(read=share) if lock or share else query
    row = tx.execute(query).first() if 0 < id <= LARGEST_NUMBER else None
    if row is None:
        raise no_grant(id)
    return as_grant(row)


def no_request(id: int) -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound(f"There is no request {id}.", zh=f"没有申报 {id}。")


def no_grant(id: int) -> NotFound:
    """As `no_request`."""
    return NotFound(f"There is no grant {id}.", zh=f"没有授权 {id}。")


def may_see(principal: Principal, thing: Request | Grant) -> bool:
    """The same as in the lists."""
    of_department = "officer" in principal.roles and thing.department == principal.organisation
    return bool(principal.roles & SEES_ALL) or thing.team in principal.teams or of_department


def may_know(principal: Principal, thing: Request | Grant) -> bool:
    """Whoever may see it, and officers of every department: a refusal tells them why."""
    return "officer" in principal.roles or may_see(principal, thing)


def _seen(principal: Principal, table: Table) -> ColumnElement[bool]:
    if principal.roles & SEES_ALL:
        return true()
    own: ColumnElement[bool] = table.c.team.in_(sorted(principal.teams))
    return or_(own, table.c.department == principal.organisation) if "officer" in principal.roles else own
