"""Logs a person in: a password, a limit on wrong ones, and the same answer for every kind of failure.

`log_in` is what services call. `check_password` alone neither counts nor logs.
"""

from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import NotAuthenticated, TooMany
from sandbox.identity.accounts import change_password
from sandbox.identity.model import Principal
from sandbox.identity.names import is_id
from sandbox.identity.passwords import hash_password, is_outdated, password_matches
from sandbox.identity.principals import load_principal
from sandbox.identity.tables import accounts, login_attempts, passwords

ATTEMPTS = 10
WINDOW = timedelta(minutes=10)
SWEPT = 100  # forgotten rows taken away with each attempt


def log_in(database: Database, *, account_id: str, password: str) -> Principal:
    """The principal whose password this is.
    Raises `NotAuthenticated`, or `TooMany`, saying when to try again.

    An attempt is counted, and committed, before it is checked: guesses made at the same time count too, and
    no rollback takes one back. While an account is throttled even the right password is refused, or the
    throttle would only slow down the reading of the answer.
    """
    named = is_id(account_id)
    attempts = 0
    if named:
        with database.transaction() as tx:
            attempts = count_attempt(tx, account_id)
        if attempts > ATTEMPTS:
            with database.transaction() as tx:
                raise too_many(tx, account_id)
    try:
        with database.transaction() as tx:
            principal = check_password(tx, account_id, password)
            tx.execute(delete(login_attempts).where(login_attempts.c.account == account_id))
            return principal
    except NotAuthenticated:
        with database.transaction() as tx:
            # a name that is nobody's is not written down: people type passwords into the wrong box
            known = named and tx.scalar(select(accounts.c.id).where(accounts.c.id == account_id))
            append(
                tx,
                Event(
                    kind="session.refused",
                    actor="anonymous",
                    subject=f"account:{known or 'unknown'}",
                    payload={"why": "password", "attempts": attempts},
                ),
            )
        raise


def change_own_password(database: Database, *, account_id: str, password: str, new_password: str) -> None:
    """Replace the password of who knows it, and end all their logins, here and in workspaces.

    `password` counts as an attempt to log in, so that nobody guesses it at a session that was left open.
    Raises `NotAuthenticated`, `TooMany`, and `InvalidInput` for a new one that is too short or too long.
    """
    log_in(database, account_id=account_id, password=password)
    with database.transaction() as tx:
        change_password(tx, account_id=account_id, password=new_password, by=account_id)


def check_password(tx: Transaction, account_id: str, password: str) -> Principal:
    """The live account whose password this is; stores it anew if it was hashed with older parameters.

    Raises `NotAuthenticated`, after the same work and in the same words for an unknown account, a disabled
    one, one without a password, and a wrong password.
    """
    stored: str | None = (
        tx.scalar(
            select(passwords.c.hash)
            .join(accounts, accounts.c.id == passwords.c.account)
            .where(accounts.c.id == account_id, accounts.c.disabled_at.is_(None))
        )
        if is_id(account_id)
        else None
    )
    if not password_matches(stored, password):
        raise NotAuthenticated(
            "The account or the password is wrong.",
            code="wrong_password",
            remedy="Try again, or ask the operator for a new password.",
        )
    if stored is not None and is_outdated(stored):
        tx.execute(
            update(passwords).where(passwords.c.account == account_id).values(hash=hash_password(password))
        )
    return load_principal(tx, account_id)


def count_attempt(tx: Transaction, account_id: str) -> int:
    """Count one more attempt in the account's window, which begins with its first; gives the count."""
    over = login_attempts.c.window_began_at <= func.now() - WINDOW
    counted = tx.execute(
        insert(login_attempts)
        .values(account=account_id, attempts=1)
        .on_conflict_do_update(
            index_elements=[login_attempts.c.account],
            set_={
                "attempts": case((over, 1), else_=login_attempts.c.attempts + 1),
                "window_began_at": case((over, func.now()), else_=login_attempts.c.window_began_at),
            },
        )
        .returning(login_attempts.c.attempts)
    ).scalar_one()
    forgotten = select(login_attempts.c.account).where(over).limit(SWEPT).with_for_update(skip_locked=True)
    tx.execute(delete(login_attempts).where(login_attempts.c.account.in_(forgotten)))
    return int(counted)


def too_many(tx: Transaction, account_id: str) -> TooMany:
    """The refusal, which says when the window of the account ends."""
    now, began = tx.execute(
        select(
            func.now(),
            select(login_attempts.c.window_began_at)
            .where(login_attempts.c.account == account_id)
            .scalar_subquery(),
        )
    ).one()
    ends: datetime = (began or now) + WINDOW
    seconds = max(1, int((ends - now).total_seconds()) + 1)
    return TooMany(
        "There were too many attempts to log in to this account.",
        code="too_many_attempts",
        remedy=f"Try again in {seconds} seconds (after {ends:%H:%M:%S %Z}).",
    )
