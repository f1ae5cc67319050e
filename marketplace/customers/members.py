"""The members of a company: who they are, which roles they have, how one leaves.

Roles that no company gives (an analyst's, for a competition) stay as they are. A company keeps an owner.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from marketplace.customers.find import find_company, no_company
from marketplace.customers.invitations import company_roles, lock_members, withdraw_of
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, NotAuthenticated, NotFound
from sandbox.identity import Principal, disable_account, load_principal, set_roles
from sandbox.identity.accounts import require_account
from sandbox.identity.model import COMPANY_ROLES
from sandbox.identity.tables import account_roles, accounts
from sandbox.policy import Gate, Resource


def members_of(tx: Transaction, organisation: str) -> list[dict[str, Any]]:
    """All people of an organisation, those that left last."""
    roles = (
        select(account_roles.c.account, func.array_agg(account_roles.c.role).label("roles"))
        .group_by(account_roles.c.account)
        .subquery()
    )
    wanted = (
        select(accounts, roles.c.roles)
        .outerjoin(roles, roles.c.account == accounts.c.id)
        .where(accounts.c.organisation == organisation, accounts.c.kind == "person")
        .order_by(accounts.c.disabled_at.is_not(None), accounts.c.id)
    )
    return [
        {
            "account": row.id,
            "name": row.display_name,
            "roles": sorted(row.roles or ()),
            "since": row.created_at,
            "disabled_at": row.disabled_at,
        }
        for row in tx.execute(wanted)
    ]


def change_roles(
    database: Database, *, gate: Gate, principal: Principal, account: str, roles: Iterable[str]
) -> Principal:
    """Give a member exactly these roles of a company.
    Raises `Forbidden`, `NotFound`, `InvalidInput`, `Conflict` for the last owner."""
    granted = company_roles(roles)
    with database.transaction() as tx:
        member = require_member(tx, gate=gate, principal=principal, account=account)
        if "owner" not in granted:
            require_other_owner(tx, member)
            require_account(tx, account)  # held before the first entry of the log
            withdraw_of(tx, account, by=principal.id)
        kept = member.roles - set(COMPANY_ROLES)
        return set_roles(tx, account_id=account, roles={*granted, *kept}, by=principal.id)


def disable_member(
    database: Database, *, gate: Gate, principal: Principal, account: str, reason: str = ""
) -> None:
    """Close a member's account: its next request is refused.
    Raises `Forbidden`, `NotFound`, `Conflict` for the last owner."""
    with database.transaction() as tx:
        member = require_member(tx, gate=gate, principal=principal, account=account)
        require_other_owner(tx, member)
        require_account(tx, account)  # held before the first entry of the log
        withdraw_of(tx, account, by=principal.id)
        disable_account(tx, account_id=account, reason=reason, by=principal.id)


def leave_company(database: Database, *, gate: Gate, principal: Principal) -> None:
    """Close one's own account. Raises `Forbidden`, `NotFound`, `Conflict` for the last owner."""
    with database.transaction() as tx:
        lock_members(tx, principal.organisation)
        company = find_company(tx, principal.organisation)
        if company is None:
            raise no_company(principal.organisation)
        gate.require(principal, "leave_company", company.resource)
        require_other_owner(tx, load_principal(tx, principal.id))
        require_account(tx, principal.id)  # held before the first entry of the log
        withdraw_of(tx, principal.id, by=principal.id)
        disable_account(tx, account_id=principal.id, reason="left the company", by=principal.id)


def require_member(tx: Transaction, *, gate: Gate, principal: Principal, account: str) -> Principal:
    """A live member whom this person may change. Raises `Forbidden`, `NotFound`."""
    lock_members(tx, principal.organisation)
    try:
        member = load_principal(tx, account)
    except NotAuthenticated:
        raise no_member() from None
    if member.organisation != principal.organisation or member.kind != "person":
        raise no_member()
    about: dict[str, str | list[str]] = {"organisation": member.organisation, "roles": sorted(member.roles)}
    gate.require(principal, "change_member", Resource("Member", member.id, {**about}))
    return member


def require_other_owner(tx: Transaction, member: Principal) -> None:
    """Raises `Conflict` if without this member the company has no owner."""
    if "owner" not in member.roles:
        return
    others = [
        each
        for each in members_of(tx, member.organisation)
        if "owner" in each["roles"] and each["disabled_at"] is None and each["account"] != member.id
    ]
    if not others:
        raise Conflict(
            "A company keeps at least one owner.",
            code="last_owner",
            remedy="Make somebody else an owner first.",
            zh="企业至少要有一名负责人。",
            remedy_zh="请先将他人设为负责人。",
        )


def no_member() -> NotFound:
    return NotFound(
        "Your company has no such member.",
        remedy="The list of members has their login names.",
        zh="贵单位没有此成员。",
        remedy_zh="登录名见成员列表。",
    )
