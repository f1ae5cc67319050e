"""Notes when the tokens of a login were last used, to the minute: for its owner to see. Of what was done with
them it holds nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from sandbox.database import Transaction
from sandbox.identity.audiences import PORTAL, VAULT
from sandbox.identity.revocations import Origin
from sandbox.identity.tables import login_uses
from sandbox.identity.verifier import Claims

NOTED_EVERY = timedelta(seconds=60)


def note_use(tx: Transaction, claims: Claims) -> None:
    """Of a command line by its session, of a workspace and its kernels by the workspace's token. What the
    portal sends on behalf of a browser comes from no login of its own."""
    origin = Origin.of(claims)
    login = origin.session if claims.audience in {VAULT, PORTAL} else origin.token_id
    if not login:
        return
    fresh = select(login_uses.c.login).where(
        login_uses.c.login == login, login_uses.c.used_at > func.now() - NOTED_EVERY
    )
    if tx.scalar(fresh) is None:
        used = insert(login_uses).values(login=login)
        tx.execute(used.on_conflict_do_update(index_elements=["login"], set_={"used_at": func.now()}))


def last_uses(tx: Transaction, logins: Collection[str]) -> Mapping[str, datetime]:
    """When each of these was used last; of one that was not, nothing."""
    rows = tx.execute(select(login_uses).where(login_uses.c.login.in_(logins)))
    return {row.login: row.used_at for row in rows}


def forget_uses(tx: Transaction, before: datetime) -> None:
    tx.execute(delete(login_uses).where(login_uses.c.used_at < before))
