"""Invites people: an account without a password, and a link that is good once and for some days.

The link is shown once to whoever invites, who hands it over; stored is its hash. The same link, of another
kind, gives a new password to somebody who forgot theirs.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity.accounts import change_password, create_account, require_person
from sandbox.identity.names import check_display_name
from sandbox.identity.new_passwords import check_history, check_new_password, remember_present
from sandbox.identity.principals import hold_account
from sandbox.identity.revocations import revoke_logins
from sandbox.identity.rules import IdentityRules
from sandbox.identity.tables import accounts, invitations, passwords
from sandbox.identity.teams import join_team, require_open_team

Kind = Literal["invitation", "reset"]


@dataclass(frozen=True)
class Invitation:
    """A link that was made. `link_secret` is the last part of its address; nobody can read it again."""

    account: str
    link_secret: str
    expires_at: datetime


@dataclass(frozen=True)
class OpenInvitation:
    """What somebody sees who opens such a link."""

    account: str
    display_name: str
    kind: Kind
    expires_at: datetime


def invite(
    tx: Transaction,
    *,
    account_id: str,
    display_name: str,
    organisation: str,
    roles: Iterable[str] = (),
    teams: Iterable[str] = (),
    rules: IdentityRules,
    by: str,
) -> Invitation:
    """Make an account that waits for its person. Raises `InvalidInput`, `NotFound`, `Conflict`."""
    wanted = sorted(set(teams))
    for team in wanted:
        require_open_team(tx, team)
    create_account(
        tx, account_id=account_id, display_name=display_name, organisation=organisation, roles=roles, by=by
    )
    for team in wanted:
        join_team(tx, team_id=team, account_id=account_id, by=by)
    return make_link(tx, account_id=account_id, kind="invitation", rules=rules, by=by)


def reset_password(tx: Transaction, *, account_id: str, rules: IdentityRules, by: str) -> Invitation:
    """Take the password of a live account away, end its logins, and make a link for a new one. Who never
    accepted gets a new link. Raises `NotFound`, `Conflict` for a service account."""
    require_person(tx, account_id)
    remember_present(tx, account_id=account_id, keep=rules.passwords.history)
    had = tx.execute(
        delete(passwords).where(passwords.c.account == account_id).returning(passwords.c.account)
    ).first()
    revoke_logins(tx, account=account_id, reason="password reset")
    return make_link(tx, account_id=account_id, kind="reset" if had else "invitation", rules=rules, by=by)


def make_link(tx: Transaction, *, account_id: str, kind: Kind, rules: IdentityRules, by: str) -> Invitation:
    """A new link; those before it are good no more. Raises `NotFound`, `Conflict` for a service account."""
    require_person(tx, account_id)
    withdraw(tx, account_id)
    secret = secrets.token_urlsafe(32)
    expires_at: datetime = tx.execute(
        insert(invitations)
        .values(
            account=account_id,
            token_hash=hash_link(secret),
            kind=kind,
            invited_by=by,
            expires_at=func.now() + rules.invitation_life,
        )
        .returning(invitations.c.expires_at)
    ).scalar_one()
    append(
        tx,
        Event(
            kind="account.invited",
            actor=by,
            subject=f"account:{account_id}",
            payload={"kind": kind, "expires_at": expires_at.isoformat()},
        ),
    )
    return Invitation(account_id, secret, expires_at)


def withdraw_invitation(tx: Transaction, *, account_id: str, by: str) -> None:
    """Make the open link of an account useless. Raises `NotFound` if there is none."""
    if not withdraw(tx, account_id):
        raise NotFound(
            f"{account_id!r} has no open invitation.",
            remedy="Load the page again.",
            zh=f"{account_id} 没有有效的邀请。",
            remedy_zh="请刷新页面。",
        )
    append(tx, Event(kind="account.invitation_withdrawn", actor=by, subject=f"account:{account_id}"))


def withdraw(tx: Transaction, account_id: str) -> bool:
    gone = tx.execute(
        update(invitations)
        .where(
            invitations.c.account == account_id,
            invitations.c.used_at.is_(None),
            invitations.c.withdrawn_at.is_(None),
            invitations.c.expires_at > func.now(),
        )
        .values(withdrawn_at=func.now())
    )
    return gone.rowcount > 0


def open_invitation(tx: Transaction, link_secret: str) -> OpenInvitation:
    """Raises `NotFound`, the same for a link that never was, was used, withdrawn, or ran out. The account is
    held before its invitation, as everywhere."""
    whose = select(invitations.c.account).where(invitations.c.token_hash == hash_link(link_secret))
    if (account := tx.scalar(whose)) is not None:
        hold_account(tx, account)
    row = tx.execute(
        select(invitations, accounts.c.display_name)
        .join(accounts, accounts.c.id == invitations.c.account)
        .where(
            invitations.c.token_hash == hash_link(link_secret),
            invitations.c.used_at.is_(None),
            invitations.c.withdrawn_at.is_(None),
            invitations.c.expires_at > func.now(),
            accounts.c.disabled_at.is_(None),
            accounts.c.kind == "person",
        )
        .with_for_update(of=invitations)
    ).one_or_none()
    if row is None:
        raise NotFound(
            "This link is good no more: it was used, withdrawn, or ran out.",
            code="link_over",
            remedy="Ask whoever sent it for a new one.",
            zh="此链接已失效：已使用、已撤回或已过期。",
            remedy_zh="请向发送人索取新的链接。",
        )
    return OpenInvitation(row.account, row.display_name, row.kind, row.expires_at)


def accept_invitation(
    tx: Transaction, *, link_secret: str, password: str, display_name: str = "", rules: IdentityRules
) -> str:
    """Set the password (and the own name) of the invited account, and use the link up; gives the account.
    Raises `NotFound`, `InvalidInput`."""
    opened = open_invitation(tx, link_secret)
    account_id = opened.account
    check_new_password(rules.passwords, account_id=account_id, password=password)
    check_history(tx, rules.passwords, account_id=account_id, password=password)
    if display_name and opened.kind == "invitation":
        name = check_display_name(display_name, what="account")
        tx.execute(update(accounts).where(accounts.c.id == account_id).values(display_name=name))
        if name != opened.display_name:
            append(tx, Event(kind="account.renamed", actor=account_id, subject=f"account:{account_id}"))
    change_password(tx, account_id=account_id, password=password, by=account_id, keep=rules.passwords.history)
    use_invitation(tx, link_secret=link_secret)
    return account_id


def use_invitation(tx: Transaction, *, link_secret: str) -> None:
    """Use an open link up, and log that it was accepted. Raises `NotFound`."""
    opened = open_invitation(tx, link_secret)
    mark_used(tx, opened.account, opened.kind, invitations.c.token_hash == hash_link(link_secret))


def take_open_invitation(tx: Transaction, *, account_id: str) -> bool:
    """Use the open invitation of an account up, for a person who is known by other means than the link;
    False where none is open."""
    is_open = and_(
        invitations.c.account == account_id,
        invitations.c.kind == "invitation",
        invitations.c.used_at.is_(None),
        invitations.c.withdrawn_at.is_(None),
        invitations.c.expires_at > func.now(),
    )
    if tx.execute(select(invitations.c.id).where(is_open).with_for_update()).first() is None:
        return False
    mark_used(tx, account_id, "invitation", is_open)
    return True


def mark_used(tx: Transaction, account_id: str, kind: Kind, which: ColumnElement[bool]) -> None:
    tx.execute(update(invitations).where(which).values(used_at=func.now()))
    append(
        tx,
        Event(
            kind="account.accepted",
            actor=account_id,
            subject=f"account:{account_id}",
            payload={"kind": kind},
        ),
    )


def last_link_by(tx: Transaction, account_id: str) -> str:
    """Who made the link by which the account's password was last chosen; "" for none. Whoever makes a link
    can use it, so the two are not two persons where two are needed."""
    made_by: str | None = tx.scalar(
        select(invitations.c.invited_by)
        .where(invitations.c.account == account_id, invitations.c.used_at.is_not(None))
        .order_by(invitations.c.used_at.desc())
        .limit(1)
    )
    return made_by or ""


def hash_link(link_secret: str) -> bytes:
    """Enough for 256 random bits."""
    return hashlib.sha256(f"cihu invitation {link_secret}".encode()).digest()
