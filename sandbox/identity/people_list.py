"""Reads who is there, for whoever looks after accounts: people, organisations, teams; and all that is
held of one."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity.tables import (
    account_roles,
    accounts,
    invitations,
    known_devices,
    organisations,
    passkeys,
    passwords,
    recovery_codes,
    team_members,
    teams,
    token_revocations,
    totp_factors,
)


@dataclass(frozen=True)
class Member:
    """An account as a list shows it. `status`: live, invited (no password yet) or disabled."""

    id: str
    display_name: str
    organisation: str
    kind: str
    status: str
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    second_factor: bool
    created_at: datetime


@dataclass(frozen=True)
class Group:
    """An organisation or a team, with how many live members it has."""

    id: str
    display_name: str
    members: int
    merged_into: str | None = None


def list_members(tx: Transaction, account_id: str | None = None) -> list[Member]:
    """All accounts by name of their id, or the one."""
    of_one = accounts.c.id == account_id if account_id is not None else accounts.c.id.is_not(None)
    roles, groups = defaultdict(list), defaultdict(list)
    for row in tx.execute(select(account_roles).order_by(account_roles.c.role)):
        roles[row.account].append(row.role)
    for row in tx.execute(select(team_members).order_by(team_members.c.team)):
        groups[row.account].append(row.team)
    with_factor = set(
        tx.scalars(select(totp_factors.c.account).where(totp_factors.c.confirmed_at.is_not(None)))
    ) | set(tx.scalars(select(passkeys.c.account)))
    with_password = set(tx.scalars(select(passwords.c.account)))
    return [
        Member(
            id=row.id,
            display_name=row.display_name,
            organisation=row.organisation,
            kind=row.kind,
            status="disabled"
            if row.disabled_at is not None
            else "live"
            if row.id in with_password or row.id in with_factor or row.kind == "service"
            else "invited",
            roles=tuple(roles[row.id]),
            teams=tuple(groups[row.id]),
            second_factor=row.id in with_factor,
            created_at=row.created_at,
        )
        for row in tx.execute(select(accounts).where(of_one).order_by(accounts.c.id))
    ]


def find_member(tx: Transaction, account_id: str) -> Member:
    """Raises `NotFound`."""
    found = list_members(tx, account_id)
    if not found:
        raise NotFound(
            f"There is no account {account_id[:40]!r}.",
            remedy="Load the list again.",
            zh=f"没有账号 {account_id[:40]}。",
            remedy_zh="请刷新列表。",
        )
    return found[0]


def list_organisations(tx: Transaction) -> list[Group]:
    live = (
        select(func.count())
        .select_from(accounts)
        .where(accounts.c.organisation == organisations.c.id, accounts.c.disabled_at.is_(None))
        .scalar_subquery()
    )
    rows = tx.execute(select(organisations, live.label("members")).order_by(organisations.c.id))
    return [Group(row.id, row.display_name, row.members) for row in rows]


def list_teams(tx: Transaction) -> list[Group]:
    members = (
        select(func.count())
        .select_from(team_members)
        .join(accounts, accounts.c.id == team_members.c.account)
        .where(team_members.c.team == teams.c.id, accounts.c.disabled_at.is_(None))
        .scalar_subquery()
    )
    rows = tx.execute(select(teams, members.label("members")).order_by(teams.c.id))
    return [Group(row.id, row.display_name, row.members, row.merged_into) for row in rows]


def held_of(tx: Transaction, account_id: str) -> dict[str, Any]:
    """All that identity holds of an account, without its secrets: for its person (个人信息保护法, art.
    45)."""
    member = find_member(tx, account_id)

    def moments(table: Any, *names: str) -> list[dict[str, str]]:
        rows = tx.execute(
            select(*(table.c[name] for name in names))
            .where(table.c.account == account_id)
            .order_by(table.c[names[0]])
        )
        return [
            {name: str(value) for name, value in row._mapping.items() if value is not None} for row in rows
        ]

    return {
        "account": {
            "id": member.id,
            "name": member.display_name,
            "organisation": member.organisation,
            "kind": member.kind,
            "status": member.status,
            "created_at": member.created_at.isoformat(),
        },
        "roles": list(member.roles),
        "teams": moments(team_members, "team", "joined_at"),
        "password": moments(passwords, "changed_at"),
        "one_time_codes": moments(totp_factors, "created_at", "confirmed_at"),
        "recovery_codes": moments(recovery_codes, "created_at", "used_at"),
        "passkeys": moments(passkeys, "created_at", "display_name", "last_used_at"),
        "known_devices": moments(known_devices, "first_used_at", "last_used_at"),
        "invitations": moments(
            invitations, "created_at", "kind", "invited_by", "expires_at", "used_at", "withdrawn_at"
        ),
        "logins_ended": moments(token_revocations, "revoked_at", "reason"),
    }
