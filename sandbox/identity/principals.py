"""Reads an account as it is now. It is read at every request, so that withdrawn rights are gone at once."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, String, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from sandbox.database import Transaction, array_of, lock_name
from sandbox.errors import NotAuthenticated, NotFound
from sandbox.identity.model import COMPANY_ROLES, Principal
from sandbox.identity.names import is_id
from sandbox.identity.revocations import Origin, is_revoked, login_ended
from sandbox.identity.tables import account_roles, accounts, organisations, team_members

ROLES = func.array(
    select(account_roles.c.role).where(account_roles.c.account == accounts.c.id).scalar_subquery(),
    type_=ARRAY(String),
).label("roles")
TEAMS = func.array(
    select(team_members.c.team).where(team_members.c.account == accounts.c.id).scalar_subquery(),
    type_=ARRAY(String),
).label("teams")
"""With the account, in one read: every request begins with it."""


def load_principal(
    tx: Transaction, account_id: str, *, hold: bool = False, origin: Origin | None = None
) -> Principal:
    """The principal of a live account. Raises `NotAuthenticated`, in the same words for unknown and disabled.

    `hold`: nobody may take anything from the account until this transaction ends (`hold_account`).
    `origin`: raises as `require_unrevoked` does, too, in the same read.
    """
    if hold:
        hold_account(tx, account_id, share=True)
    ended = (literal(value=False) if origin is None else is_revoked(origin)).label("ended")
    account = (
        tx.execute(
            select(accounts, organisations.c.unverified, ROLES, TEAMS, ended)
            .join(organisations, organisations.c.id == accounts.c.organisation)
            .where(accounts.c.id == account_id)
        ).one_or_none()
        if is_id(account_id)
        else None
    )
    if account is not None and account.ended:
        raise login_ended()
    if account is None or account.disabled_at is not None:
        raise NotAuthenticated("There is no such account, or it was disabled.", remedy="Ask the operator.")
    roles, teams = frozenset(account.roles), frozenset(account.teams)
    return Principal(
        id=account.id,
        display_name=account.display_name,
        organisation=account.organisation,
        roles=roles,
        teams=teams,
        kind=account.kind,
        unverified=account.unverified and not teams and roles <= set(COMPANY_ROLES),
    )


def account_names(tx: Transaction, ids: Iterable[str]) -> dict[str, str]:
    """The names that these accounts have, by id; of what is no account, nothing."""
    wanted = select(accounts.c.id, accounts.c.display_name).where(accounts.c.id == any_(array_of(set(ids))))
    return {row.id: row.display_name for row in tx.execute(wanted) if row.display_name}


def live_officers(tx: Transaction, organisation: str) -> list[str]:
    """The accounts that are officers of a department now, by id."""
    officers = (
        select(accounts.c.id)
        .join(account_roles, account_roles.c.account == accounts.c.id)
        .where(
            accounts.c.organisation == organisation,
            accounts.c.disabled_at.is_(None),
            account_roles.c.role == "officer",
        )
        .order_by(accounts.c.id)
    )
    return list(tx.scalars(officers))


def live_people(tx: Transaction, role: str) -> list[str]:
    """The accounts that have a role now, by id."""
    wanted = (
        select(accounts.c.id)
        .join(account_roles, account_roles.c.account == accounts.c.id)
        .where(accounts.c.disabled_at.is_(None), account_roles.c.role == role)
    )
    return list(tx.scalars(wanted.order_by(accounts.c.id)))


def hold_account(tx: Transaction, account_id: str, *, share: bool = False) -> None:
    """Wait until nobody else holds the account, and hold it until the transaction ends.
    Whoever changes it does so alone; whoever only decides by it shares. A lock of Postgres and not of the
    row: the vault may not lock rows of identity."""
    lock_name(tx, f"identity.account {account_id}", shared=share)


def live_person(tx: Transaction, person: str) -> Row[Any]:
    """A live account of a person. Raises `NotFound`."""
    row = tx.execute(
        select(accounts).where(
            accounts.c.id == person, accounts.c.kind == "person", accounts.c.disabled_at.is_(None)
        )
    ).first()
    if row is None:
        raise NotFound(
            f"There is no account {person[:40]!r}.",
            code="account_not_found",
            remedy="Write the login name of a person.",
            zh=f"没有账号“{person[:40]}”。",
            remedy_zh="请填写个人的登录名。",
        )
    return row
