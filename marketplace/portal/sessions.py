"""Sessions: a random cookie in the browser, its hash, its two ends and where it was opened in Postgres.

A login of the command line is a session too, without a cookie. A session's tokens carry its name,
so they end with it.
"""

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
from sandbox.identity import (
    IdentityRules,
    Login,
    Principal,
    forget_uses,
    load_principal,
    logins_revoked,
    revoke_logins,
    what_login_needs,
)
from sandbox.identity.login import Need

SEEN_EVERY = timedelta(seconds=60)  # how stale `seen_at` may be; it saves a write for each page
ENDED_KEPT = timedelta(days=1)
BROWSER, COMMAND_LINE = "browser", "command line"
LONGEST_AGENT = 200


@dataclass(frozen=True)
class SentFrom:
    """From where a login came: for its owner to know it again, and for nothing else."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Session:
    """A live session. `csrf` is what every form of its pages must carry; `methods` is how the person
    proved who they are (RFC 8176); `need` is what is still missing, and until then nothing else is open
    to it."""

    principal: Principal
    id_hash: bytes
    opened_at: datetime
    csrf: str
    methods: tuple[str, ...] = ("pwd",)
    need: Need = ""
    proved_at: datetime | None = None

    @property
    def since(self) -> datetime:
        """When the person last proved who they are: here, or before that at an identity provider."""
        return self.proved_at or self.opened_at


def hash_secret(secret: str) -> bytes:
    """Enough for a secret of 256 random bits: it cannot be guessed, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def session_name(id_hash: bytes) -> str:
    """What a token calls the session that it comes from. It opens nothing."""
    return id_hash.hex()


def csrf_of(cookie: str) -> str:
    """The form token that belongs to a cookie: only who can read the cookie can make it,
    and it gives none of it away."""
    return hashlib.sha256(b"cihu form token:" + cookie.encode()).hexdigest()


def same_csrf(cookie: str, given: str) -> bool:
    return secrets.compare_digest(csrf_of(cookie).encode(), given.encode())


def seed_of(cookie: str, *said: str) -> bytes:
    """256 bits that belong to a cookie and to a form's content.
    They are the same when the form is sent twice, and only the holder of the cookie can make them."""
    return hmac.digest(cookie.encode(), json.dumps(["cihu form", *said]).encode(), "sha256")


def open_session(
    tx: Transaction,
    *,
    login: Login,
    seconds: int,
    replaces: str | None,
    sent_from: SentFrom = SentFrom(),
    provider: str = "",
) -> str:
    """Open a session for somebody who proved who they are; gives the new cookie. `provider`: the id of the
    identity provider that vouches for them.

    The cookie is always new and the one that the browser came with (`replaces`) is ended: nobody can log a
    person in to a session that he chose (fixation).
    """
    cookie = secrets.token_urlsafe(32)
    if replaces:
        tx.execute(delete(sessions).where(sessions.c.id_hash == hash_secret(replaces)))
    insert_session(tx, hash_secret(cookie), login, seconds, BROWSER, sent_from)
    append(
        tx,
        Event(
            kind="session.opened",
            actor=login.principal.id,
            subject=f"account:{login.principal.id}",
            payload={
                "way": BROWSER,
                "methods": list(login.methods),
                "seconds": seconds,
                **({"provider": provider} if provider else {}),
            },
        ),
    )
    return cookie


def open_command_line(
    tx: Transaction, *, login: Login, seconds: int, sent_from: SentFrom
) -> tuple[str, datetime]:
    """The same without a cookie; gives what its tokens must carry:
    the session's name, and when it was opened."""
    id_hash = secrets.token_bytes(32)
    opened_at = insert_session(tx, id_hash, login, seconds, COMMAND_LINE, sent_from)
    append(
        tx,
        Event(
            kind="session.opened",
            actor=login.principal.id,
            subject=f"account:{login.principal.id}",
            payload={"way": COMMAND_LINE, "methods": list(login.methods), "seconds": seconds},
        ),
    )
    return session_name(id_hash), opened_at


def insert_session(
    tx: Transaction, id_hash: bytes, login: Login, seconds: int, way: str, sent_from: SentFrom
) -> datetime:
    now: datetime = tx.execute(select(func.now())).scalar_one()
    tx.execute(delete(sessions).where(sessions.c.expires_at < now - ENDED_KEPT))
    forget_uses(tx, now - ENDED_KEPT)
    tx.execute(
        insert(sessions).values(
            id_hash=id_hash,
            account=login.principal.id,
            opened_at=now,
            seen_at=now,
            expires_at=now + timedelta(seconds=seconds),
            way=way,
            address=sent_from.address or None,
            agent=sent_from.agent[:LONGEST_AGENT] or None,
            methods=" ".join(login.methods),
            proved_at=login.proved_at,
        )
    )
    return now


def find_session(tx: Transaction, *, cookie: str, idle_seconds: int, rules: IdentityRules) -> Session | None:
    """The live session of a cookie; None when there is none, or it has ended,
    or its account was disabled or got another password since."""
    id_hash = hash_secret(cookie)
    now = tx.execute(select(func.now())).scalar_one()
    row = tx.execute(
        select(sessions).where(
            sessions.c.id_hash == id_hash,
            sessions.c.expires_at > now,
            sessions.c.seen_at > now - timedelta(seconds=idle_seconds),
        )
    ).one_or_none()
    if row is None or logins_revoked(tx, account=row.account, since=row.opened_at):
        return None
    try:
        principal = load_principal(tx, row.account)
    except NotAuthenticated:
        return None
    if now - row.seen_at >= min(SEEN_EVERY, timedelta(seconds=idle_seconds) / 2):
        tx.execute(update(sessions).where(sessions.c.id_hash == id_hash).values(seen_at=now))
    methods = tuple(row.methods.split())
    need = what_login_needs(tx, principal, methods, rules)
    return Session(principal, id_hash, row.opened_at, csrf_of(cookie), methods, need, row.proved_at)


def log_out(tx: Transaction, *, account: str, by: str) -> None:
    """End every login of an account everywhere: each session, each token that came from one,
    the workspace with its kernels."""
    tx.execute(delete(sessions).where(sessions.c.account == account))
    revoke_logins(tx, account=account, reason="logged out")
    append(tx, Event(kind="session.closed", actor=by, subject=f"account:{account}"))
