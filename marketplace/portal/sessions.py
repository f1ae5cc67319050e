"""Who is looking at the page? A session: a random cookie in the browser, its hash and its two ends in Postgres."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update

from marketplace.portal.tables import sessions
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import NotAuthenticated
from sandbox.identity import Principal, load_principal, logins_revoked, revoke_session

SEEN_EVERY = timedelta(seconds=60)  # how stale `seen_at` may be; it saves a write for each page
ENDED_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Session:
    """A live session. `csrf` is what every form of its pages must carry."""

    principal: Principal
    id_hash: bytes
    opened_at: datetime
    csrf: str


def hash_secret(secret: str) -> bytes:
    """Enough for a secret of 256 random bits: it cannot be guessed, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def session_name(id_hash: bytes) -> str:
    """What a token calls the session that it comes from. It opens nothing."""
    return id_hash.hex()


def csrf_of(cookie: str) -> str:
    """The form token that belongs to a cookie: only who can read the cookie can make it, and it gives none of it away."""
    return hashlib.sha256(b"cihu form token:" + cookie.encode()).hexdigest()


def same_csrf(cookie: str, given: str) -> bool:
    return secrets.compare_digest(csrf_of(cookie).encode(), given.encode())


def seed_of(cookie: str, *said: str) -> bytes:
    """256 bits that belong to a cookie and to what a form said: the same when it is sent twice, and only who can read the
    cookie can make them."""
    return hmac.digest(cookie.encode(), json.dumps(["cihu form", *said]).encode(), "sha256")


def open_session(tx: Transaction, *, principal: Principal, seconds: int, replaces: str | None) -> str:
    """Open a session for somebody whose password was right; gives the new cookie.

    The cookie is always new and the one that the browser came with (`replaces`) is ended: nobody can log a
    person in to a session that he chose (fixation).
    """
    cookie = secrets.token_urlsafe(32)
    now = tx.execute(select(func.now())).scalar_one()
    if replaces:
        tx.execute(delete(sessions).where(sessions.c.id_hash == hash_secret(replaces)))
    tx.execute(delete(sessions).where(sessions.c.expires_at < now - ENDED_KEPT))
    tx.execute(insert(sessions).values(id_hash=hash_secret(cookie), account=principal.id, opened_at=now, seen_at=now,
                                       expires_at=now + timedelta(seconds=seconds)))
    append(tx, Event(kind="session.opened", actor=principal.id, subject=f"account:{principal.id}",
                     payload={"way": "password", "seconds": seconds}))
    return cookie


def find_session(tx: Transaction, *, cookie: str, idle_seconds: int) -> Session | None:
    """The live session of a cookie; None when there is none, or it has ended, or its account was shut or got another
    password since."""
    id_hash = hash_secret(cookie)
    now = tx.execute(select(func.now())).scalar_one()
    row = tx.execute(select(sessions).where(
        sessions.c.id_hash == id_hash, sessions.c.expires_at > now,
        sessions.c.seen_at > now - timedelta(seconds=idle_seconds))).one_or_none()
    if row is None or logins_revoked(tx, account=row.account, since=row.opened_at):
        return None
    try:
        principal = load_principal(tx, row.account)
    except NotAuthenticated:
        return None
    if now - row.seen_at >= min(SEEN_EVERY, timedelta(seconds=idle_seconds) / 2):
        tx.execute(update(sessions).where(sessions.c.id_hash == id_hash).values(seen_at=now))
    return Session(principal, id_hash, row.opened_at, csrf_of(cookie))


def close_session(tx: Transaction, *, session: Session) -> None:
    """Log out: the cookie is worth nothing from now on, nor is a workspace's token that came from it."""
    tx.execute(delete(sessions).where(sessions.c.id_hash == session.id_hash))
    revoke_session(tx, account=session.principal.id, session=session_name(session.id_hash), reason="logged out")
    append(tx, Event(kind="session.closed", actor=session.principal.id, subject=f"account:{session.principal.id}"))
