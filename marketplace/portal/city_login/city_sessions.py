"""Which sessions came from which session at a provider, and their end by a logout token (OpenID Connect
Back-Channel Logout 1.0)."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.portal.city_login.identities import CityPerson
from marketplace.portal.city_login.refusals import CityLoginRefused
from marketplace.portal.city_login.started import SECONDS
from marketplace.portal.city_login.tables import (
    city_logouts,
    city_sessions,
    used_login_states,
)
from marketplace.portal.city_login.tokens import LOGOUT_SECONDS, Claims
from marketplace.portal.sessions import session_name
from marketplace.portal.tables import sessions
from sandbox.audit import Event, append
from sandbox.database import Transaction, lock_name
from sandbox.identity import revoke_session

SLACK = timedelta(hours=1)  # the database's clock may be another
LOGOUTS_KEPT = timedelta(seconds=LOGOUT_SECONDS) + timedelta(days=1)
"""Longer than a logout token, and an ID token that was issued before it, can be used."""


def use_state(tx: Transaction, state: str) -> None:
    """Each answer is good once, whatever the browser still keeps. Raises `CityLoginRefused`."""
    tx.execute(delete(used_login_states).where(used_login_states.c.expires_at < func.now() - SLACK))
    first = tx.execute(
        upsert(used_login_states)
        .values(
            state_hash=hashlib.sha256(state.encode()).digest(),
            expires_at=func.now() + timedelta(seconds=SECONDS),
        )
        .on_conflict_do_nothing()
        .returning(used_login_states.c.state_hash)
    ).first()
    if first is None:
        raise CityLoginRefused("city_login_expired", "its state was used")


def remember_session(
    tx: Transaction, session_hash: bytes, who: CityPerson, account: str, *, life: timedelta
) -> None:
    """A session of the portal that comes from one at the provider; `life`: how long it and its workspaces can
    live. Raises `CityLoginRefused` if that one was ended after it vouched for the person: the two requests
    may come in either order."""
    issuer = who.provider.issuer
    lock_name(tx, f"market.city_logouts {issuer}")
    row = city_logouts.c
    is_of = row.sid == who.sid if who.sid else row.subject == who.subject
    of_all = (row.sid.is_(None)) & (row.subject == who.subject)
    if tx.execute(
        select(row.token_id).where(row.issuer == issuer, or_(is_of, of_all), row.issued_at >= who.issued_at)
    ).first():
        raise CityLoginRefused("city_login_expired", "the provider has ended the session")
    tx.execute(delete(city_sessions).where(city_sessions.c.expires_at < func.now()))
    tx.execute(
        insert(city_sessions).values(
            session_hash=session_hash,
            account=account,
            issuer=issuer,
            subject=who.subject,
            sid=who.sid or None,
            expires_at=func.now() + life,
        )
    )


def carry_on(tx: Transaction, old_hash: bytes, new_hash: bytes) -> bool:
    """A second step made a new session of the same log-in. Gives whether a provider vouched for the one
    before, and has not ended it since."""
    moved = tx.execute(
        update(city_sessions).where(city_sessions.c.session_hash == old_hash).values(session_hash=new_hash)
    )
    return moved.rowcount == 1


def issuer_of(tx: Transaction, session_hash: bytes) -> str:
    """From which provider a session came; "" for none."""
    found: str | None = tx.scalar(
        select(city_sessions.c.issuer).where(city_sessions.c.session_hash == session_hash)
    )
    return found or ""


def end_by_provider(tx: Transaction, claims: Claims, *, provider_id: str) -> int:
    """End what came from the session, or from all sessions of the person, that a logout token names: the
    portal's sessions, and the workspaces that were opened from them. Where it names both, a session of the
    person of which the provider gave no `sid` ends, too: it may be that one. Gives how many were ended.
    Raises `CityLoginRefused` for a token that came before."""
    issuer, sub, sid = claims["iss"], claims.get("sub"), claims.get("sid")
    lock_name(tx, f"market.city_logouts {issuer}")
    tx.execute(delete(city_logouts).where(city_logouts.c.expires_at < func.now()))
    first = tx.execute(
        upsert(city_logouts)
        .values(
            issuer=issuer,
            token_id=claims["jti"],
            subject=sub,
            sid=sid,
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=func.now() + LOGOUTS_KEPT,
        )
        .on_conflict_do_nothing()
        .returning(city_logouts.c.token_id)
    ).first()
    if first is None:
        raise CityLoginRefused("city_login_expired", "the logout token came before")
    which = [city_sessions.c.issuer == issuer]
    if sub is not None:
        which.append(city_sessions.c.subject == sub)
    if sid is not None:
        is_it = city_sessions.c.sid == sid
        which.append(is_it if sub is None else or_(is_it, city_sessions.c.sid.is_(None)))
    gone = tx.execute(
        delete(city_sessions).where(*which).returning(city_sessions.c.session_hash, city_sessions.c.account)
    ).all()
    for row in gone:
        tx.execute(delete(sessions).where(sessions.c.id_hash == row.session_hash))
        name = session_name(row.session_hash)
        revoke_session(tx, account=row.account, session=name, reason="ended by the identity provider")
        append(
            tx,
            Event(
                kind="session.closed",
                actor="system",
                subject=f"account:{row.account}",
                payload={"one": name, "provider": provider_id},
            ),
        )
    return len(gone)
