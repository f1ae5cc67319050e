"""Records whether the login that a token comes from is still good.
Tokens live for hours; what ends them earlier is a row here.

The row is the one fact: whoever verifies a token, and whoever finds a session, looks here at every request. A
service that holds something else of a login (the hub: a server with kernels) is notified at once, by a
notification that Postgres sends when the row is committed. Every moment that is compared is the database's
own clock, never the issuer's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Exists, and_, exists, func, insert, or_, select

from sandbox.database import Transaction
from sandbox.errors import NotAuthenticated
from sandbox.identity.audiences import KERNEL
from sandbox.identity.tables import token_revocations
from sandbox.identity.verifier import Claims

CHANNEL = "cihu_logins_ended"
"""On which Postgres tells the account of each revocation."""


@dataclass(frozen=True)
class Origin:
    """Where a token comes from: the workspace token itself, the portal's session,
    and when that was opened."""

    account: str
    token_id: str
    session: str
    logged_in_at: datetime

    @classmethod
    def of(cls, claims: Claims) -> Self:
        """Of a workspace token, or of a kernel token, which carries that of its workspace."""
        kept = claims.extra.get("workspace") if claims.audience == KERNEL else None
        said: Mapping[str, object] = (
            kept if isinstance(kept, Mapping) else {**claims.extra, "token": claims.token_id}
        )
        since = said.get("logged_in_at")
        return cls(
            claims.subject,
            str(said["token"]),
            str(said.get("session", "")),
            datetime.fromisoformat(since) if isinstance(since, str) else claims.issued_at,
        )

    def kept(self) -> dict[str, str]:
        """What a token that is derived from this token must carry, as its claim `workspace`."""
        return {
            "token": self.token_id,
            "session": self.session,
            "logged_in_at": self.logged_in_at.isoformat(),
        }


def login_claims(*, session: str, logged_in_at: datetime) -> dict[str, str]:
    """What a workspace token must carry, so that its end can be named."""
    return {"session": session, "logged_in_at": logged_in_at.isoformat()}


def revoke_token(tx: Transaction, *, account: str, token_id: str, reason: str) -> None:
    """End one token."""
    _revoke(tx, account=account, token_id=token_id, reason=reason)


def revoke_session(tx: Transaction, *, account: str, session: str, reason: str) -> None:
    """End every token that came, or will come, from one session of the portal."""
    _revoke(tx, account=account, session=session, reason=reason)


def revoke_logins(tx: Transaction, *, account: str, reason: str) -> None:
    """End every session of an account that was opened before now, and every token that came from one."""
    _revoke(tx, account=account, reason=reason)


def _revoke(tx: Transaction, **row: str) -> None:
    tx.execute(insert(token_revocations).values(**row))
    tx.execute(select(func.pg_notify(CHANNEL, row["account"])))


def logins_revoked(tx: Transaction, *, account: str, since: datetime) -> bool:
    """Whether the account's logins were ended after `since`, the moment of one of them."""
    return bool(
        tx.execute(
            select(
                exists().where(
                    token_revocations.c.account == account,
                    token_revocations.c.token_id.is_(None),
                    token_revocations.c.session.is_(None),
                    token_revocations.c.revoked_at >= since,
                )
            )
        ).scalar()
    )


def is_revoked(origin: Origin) -> Exists:
    """The question whether the token, its session, or all that the account had then, was ended."""
    row = token_revocations.c
    of_all = and_(row.token_id.is_(None), row.session.is_(None), row.revoked_at >= origin.logged_in_at)
    return exists().where(
        row.account == origin.account,
        or_(row.token_id == origin.token_id, row.session == origin.session, of_all),
    )


def revoked(tx: Transaction, origin: Origin) -> bool:
    """Whether the login was ended."""
    return bool(tx.execute(select(is_revoked(origin))).scalar())


def require_unrevoked(tx: Transaction, origin: Origin) -> None:
    """Raises `NotAuthenticated` if the login was ended."""
    if revoked(tx, origin):
        raise login_ended()


def login_ended() -> NotAuthenticated:
    return NotAuthenticated(
        "This login was ended.",
        code="token_revoked",
        remedy="Log in again and restart the kernel.",
        zh="此次登录已结束。",
        remedy_zh="请重新登录，并重启内核。",
    )
