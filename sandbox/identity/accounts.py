"""Creates, changes and disables accounts. Each change is one row and its entry in the log."""

from collections.abc import Iterable
from typing import get_args

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity.model import ROLES, Kind, Principal
from sandbox.identity.names import check_display_name, check_id
from sandbox.identity.organisations import require_organisation
from sandbox.identity.passwords import hash_password
from sandbox.identity.principals import hold_account, load_principal
from sandbox.identity.revocations import revoke_logins
from sandbox.identity.tables import account_roles, accounts, passwords


def create_account(
    tx: Transaction,
    *,
    account_id: str,
    display_name: str,
    organisation: str,
    roles: Iterable[str] = (),
    kind: Kind = "person",
    password: str | None = None,
    by: str,
) -> Principal:
    """A new account; without a password nobody can log in to it.
    Raises `InvalidInput`, `NotFound`, `Conflict`."""
    check_id(account_id, what="account")
    granted = checked_roles(roles)
    if kind not in get_args(Kind):
        raise InvalidInput(f"There is no kind of account {kind!r}.", remedy="Use person or service.")
    require_organisation(tx, organisation)
    made = tx.execute(
        upsert(accounts)
        .values(
            id=account_id,
            display_name=check_display_name(display_name, what="account"),
            organisation=organisation,
            kind=kind,
        )
        .on_conflict_do_nothing()
        .returning(accounts.c.id)
    ).first()
    if made is None:
        raise Conflict(f"There is already an account {account_id!r}.", remedy="Choose another id.")
    write_roles(tx, account_id, granted)
    if password is not None:
        write_password(tx, account_id, password)
    append(
        tx,
        Event(
            kind="account.created",
            actor=by,
            subject=f"account:{account_id}",
            payload={"organisation": organisation, "kind": kind, "roles": sorted(granted)},
        ),
    )
    return load_principal(tx, account_id)


def set_roles(tx: Transaction, *, account_id: str, roles: Iterable[str], by: str) -> Principal:
    """Give the account exactly these roles. Raises `InvalidInput`, `NotFound`."""
    granted = checked_roles(roles)
    require_account(tx, account_id)
    before = sorted(tx.scalars(select(account_roles.c.role).where(account_roles.c.account == account_id)))
    tx.execute(delete(account_roles).where(account_roles.c.account == account_id))
    write_roles(tx, account_id, granted)
    append(
        tx,
        Event(
            kind="account.roles_changed",
            actor=by,
            subject=f"account:{account_id}",
            payload={"before": before, "after": sorted(granted)},
        ),
    )
    return load_principal(tx, account_id)


def change_password(tx: Transaction, *, account_id: str, password: str, by: str) -> None:
    """Set the password of a live account, and end all its logins. Raises `InvalidInput`, `NotFound`."""
    require_account(tx, account_id)
    write_password(tx, account_id, password)
    revoke_logins(tx, account=account_id, reason="password changed")
    append(tx, Event(kind="account.password_changed", actor=by, subject=f"account:{account_id}"))


def disable_account(tx: Transaction, *, account_id: str, reason: str = "", by: str) -> None:
    """Disable an account: its next request is refused, whatever token it holds.
    Raises `NotFound` if it is not live."""
    require_account(tx, account_id)
    tx.execute(update(accounts).where(accounts.c.id == account_id).values(disabled_at=func.now()))
    tx.execute(delete(passwords).where(passwords.c.account == account_id))
    revoke_logins(tx, account=account_id, reason="account disabled")
    append(
        tx,
        Event(kind="account.disabled", actor=by, subject=f"account:{account_id}", payload={"reason": reason}),
    )


def require_account(tx: Transaction, account_id: str) -> None:
    """Lock a live account, to change it. Raises `NotFound`."""
    hold_account(tx, account_id)
    found = tx.execute(
        select(accounts.c.id)
        .where(accounts.c.id == account_id, accounts.c.disabled_at.is_(None))
        .with_for_update()
    ).first()
    if found is None:
        raise NotFound(f"There is no live account {account_id!r}.")


def checked_roles(roles: Iterable[str]) -> frozenset[str]:
    granted = frozenset(roles)
    if strange := sorted(granted - ROLES.keys()):
        raise InvalidInput(f"There is no role {strange[0]!r}.", remedy=f"Use some of: {', '.join(ROLES)}.")
    return granted


def write_roles(tx: Transaction, account_id: str, roles: frozenset[str]) -> None:
    if roles:
        tx.execute(insert(account_roles), [{"account": account_id, "role": role} for role in sorted(roles)])


def write_password(tx: Transaction, account_id: str, password: str) -> None:
    hashed = hash_password(password)
    tx.execute(
        upsert(passwords)
        .values(account=account_id, hash=hashed)
        .on_conflict_do_update(
            index_elements=[passwords.c.account], set_={"hash": hashed, "changed_at": func.now()}
        )
    )
