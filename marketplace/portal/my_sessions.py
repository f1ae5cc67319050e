"""The sessions of one person: where they are logged in, and ending one of them or all.

A browser's session, a login of the command line, and a workspace that was opened from a browser (with its
server and its kernels) are three kinds of one thing. Ending a browser's session ends the workspaces that
were opened from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from marketplace.portal.sessions import BROWSER, log_out, session_name
from marketplace.portal.tables import issued_tokens, sessions
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity import (
    WORKSPACE,
    Origin,
    last_uses,
    logins_revoked,
    revoke_session,
    revoke_token,
    revoked,
)

WORKSPACE_KIND = "workspace"
NAME_BYTES = 32


@dataclass(frozen=True)
class MySession:
    """`id` names it and opens nothing.
    `seen_at` is to the minute: of its cookie, or of the tokens that came from it."""

    id: str
    kind: str
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


def my_sessions(tx: Transaction, *, account: str, idle_seconds: int) -> Sequence[MySession]:
    """The live sessions, the newest first."""
    now = tx.execute(select(func.now())).scalar_one()
    opened = [
        row
        for row in tx.execute(
            select(sessions)
            .where(sessions.c.account == account, sessions.c.expires_at > now)
            .order_by(sessions.c.opened_at)
        )
        if (row.way != BROWSER or row.seen_at > now - timedelta(seconds=idle_seconds))
        and not logins_revoked(tx, account=account, since=row.opened_at)
    ]
    by_hash = {row.id_hash: row for row in opened}
    found = [
        MySession(
            session_name(row.id_hash),
            row.way,
            row.opened_at,
            row.seen_at,
            row.expires_at,
            row.address or "",
            row.agent or "",
        )
        for row in opened
    ]
    for row in tx.execute(
        select(issued_tokens).where(
            issued_tokens.c.account == account,
            issued_tokens.c.audience == WORKSPACE,
            issued_tokens.c.expires_at > now,
        )
    ):
        if not revoked(tx, Origin(account, row.token_id, session_name(row.session_hash), row.issued_at)):
            origin = by_hash.get(row.session_hash)
            found.append(
                MySession(
                    row.token_id,
                    WORKSPACE_KIND,
                    row.issued_at,
                    row.issued_at,
                    row.expires_at,
                    (origin and origin.address) or "",
                    (origin and origin.agent) or "",
                )
            )
    used = last_uses(tx, {one.id for one in found})
    seen = [replace(one, seen_at=max(one.seen_at, used.get(one.id, one.seen_at))) for one in found]
    return sorted(seen, key=lambda one: one.opened_at, reverse=True)


def my_tokens(tx: Transaction, *, account: str, idle_seconds: int) -> Sequence[MySession]:
    """Those of them that have tokens for programs. No token is stored: there is none to be shown."""
    found = my_sessions(tx, account=account, idle_seconds=idle_seconds)
    return [one for one in found if one.kind != BROWSER]


def end_my_tokens(tx: Transaction, *, account: str, idle_seconds: int) -> None:
    """End all of these. The browsers stay logged in."""
    for one in my_tokens(tx, account=account, idle_seconds=idle_seconds):
        end_my_session(tx, account=account, id=one.id)


def end_my_session(tx: Transaction, *, account: str, id: str) -> None:
    """End a session of the caller. Raises `NotFound`, the same for another person's session and for none."""
    gone = tx.execute(
        delete(sessions)
        .where(sessions.c.id_hash == _hash_named(id), sessions.c.account == account)
        .returning(sessions.c.id_hash)
    ).first()
    token = (
        None
        if gone
        else tx.scalar(
            select(issued_tokens.c.token_id).where(
                issued_tokens.c.token_id == id, issued_tokens.c.account == account
            )
        )
    )
    if gone:
        revoke_session(tx, account=account, session=id, reason="ended by its owner")
    elif token:
        revoke_token(tx, account=account, token_id=token, reason="ended by its owner")
    else:
        raise NotFound(
            "You have no such session.",
            remedy="Load the list again.",
            zh="没有这一登录会话。",
            remedy_zh="请刷新列表。",
        )
    append(tx, Event("session.closed", account, f"account:{account}", {"one": id}))


def end_my_sessions(tx: Transaction, *, account: str) -> None:
    """End all of them: the same as logging out."""
    log_out(tx, account=account, by=account)


def _hash_named(id: str) -> bytes:
    try:
        named = bytes.fromhex(id)
    except ValueError:
        return b""
    return named if len(named) == NAME_BYTES and named.hex() == id else b""
