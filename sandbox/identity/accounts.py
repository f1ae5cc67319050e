"""Creates, changes and disables accounts. Each change is one row and its entry in the log."""

from collections.abc import Iterable
from typing import get_args

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity.model import ADMINISTRATORS, ROLES, Kind, Principal
from sandbox.identity.names import check_display_name, check_id
from sandbox.identity.new_passwords import remember_present
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
        to=[notices.person(account_id)],
    )
    return load_principal(tx, account_id)


def change_password(tx: Transaction, *, account_id: str, password: str, by: str, keep: int = 0) -> None:
    """Set the password of a live account, and end all its logins; the last one goes into the history, of
    which `keep` stay. Raises `InvalidInput`, `NotFound`."""
    require_account(tx, account_id)
    remember_present(tx, account_id=account_id, keep=keep)
    write_password(tx, account_id, password)
    revoke_logins(tx, account=account_id, reason="password changed")
    event = Event(kind="account.password_changed", actor=by, subject=f"account:{account_id}")
    append(tx, event, to=[notices.person(account_id)])


def disable_account(tx: Transaction, *, account_id: str, reason: str = "", by: str) -> None:
    """Disable an account: its next request is refused, whatever token it holds.
    Raises `NotFound` if it is not live."""
    disable_accounts(tx, account_ids=[account_id], reason=reason, by=by)


def disable_accounts(tx: Transaction, *, account_ids: Iterable[str], reason: str = "", by: str) -> None:
    """Disable several accounts: all are held and changed before the first is written to the log.
    Raises `NotFound` for one that is not live."""
    found = sorted(set(account_ids))
    for account_id in found:
        require_account(tx, account_id)
    gone = update(accounts).where(accounts.c.id.in_(found)).values(disabled_at=func.now())
    tx.execute(gone)
    tx.execute(delete(passwords).where(passwords.c.account.in_(found)))
    for account_id in found:
        revoke_logins(tx, account=account_id, reason="account disabled")
    payload = {"reason": reason}
    for account_id in found:
        append(tx, Event("account.disabled", by, f"account:{account_id}", payload))


def enable_account(tx: Transaction, *, account_id: str, by: str) -> None:
    """Let a disabled account live again, without a password: its person gets a new link.
    Raises `NotFound` if it is not disabled."""
    hold_account(tx, account_id)
    done = tx.execute(
        update(accounts)
        .where(accounts.c.id == account_id, accounts.c.disabled_at.is_not(None))
        .values(disabled_at=None)
    )
    if done.rowcount != 1:
        raise NotFound(
            f"There is no disabled account {account_id!r}.",
            remedy="Load the page again.",
            zh=f"没有已停用的账号 {account_id}。",
            remedy_zh="请刷新页面。",
        )
    append(tx, Event(kind="account.enabled", actor=by, subject=f"account:{account_id}"))


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


def require_person(tx: Transaction, account_id: str) -> None:
    """Lock a live account of a person, to change it. Raises `NotFound`, `Conflict` for a service account:
    it is looked after where it was made, and nobody logs in to it with a password."""
    require_account(tx, account_id)
    if tx.scalar(select(accounts.c.kind).where(accounts.c.id == account_id)) != "person":
        raise Conflict(
            f"{account_id} is the account of a service, not of a person.",
            code="service_account",
            remedy="Look after it where it was made: a company's page, or the city's installation.",
            zh=f"{account_id} 是服务账号，不属于个人。",
            remedy_zh="请在创建该账号的位置管理：企业页面，或城市的安装配置。",
        )


def checked_roles(roles: Iterable[str]) -> frozenset[str]:
    granted = frozenset(roles)
    if strange := sorted(granted - ROLES.keys()):
        raise InvalidInput(
            f"There is no role {strange[0]!r}.",
            remedy=f"Use some of: {', '.join(ROLES)}.",
            zh=f"没有角色 {strange[0]!r}。",
            remedy_zh=f"可用的角色：{'、'.join(ROLES)}。",
        )
    if granted & ADMINISTRATORS and len(granted) > 1:
        raise InvalidInput(
            f"{min(granted & ADMINISTRATORS)} cannot be combined with another role in one account.",
            code="roles_not_separate",
            remedy="Give it to another account: system, security and audit are administered apart.",
            zh="系统、安全、审计管理员须分设，同一账号不得兼任其他角色。",
            remedy_zh="请将其他角色授予另一个账号。",
        )
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
