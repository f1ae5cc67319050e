"""Logs a person in: a password, perhaps a code, limits on wrong ones, and the same answer for every kind of
failure.

`log_in` is what services call. `check_password` alone neither counts nor logs.

Wrong attempts are counted for the pair (account, place). A place is a browser that logged in to this account
before (a known device), or else a network (`sandbox/network.py`). Five of them lock the pair and nobody
else. The account as a whole is never locked: when strange places fail often enough, it admits one of their
attempts each few seconds. Who sends a code of a second factor along is counted apart, with a larger limit
for the account. Known devices are not held up, nor is a passkey.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import case, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit import Event, append
from sandbox.database import Database, Transaction
from sandbox.errors import NotAuthenticated, TooMany
from sandbox.identity.accounts import change_password
from sandbox.identity.model import Principal
from sandbox.identity.names import is_id
from sandbox.identity.new_passwords import check_history, check_new_password, password_expired
from sandbox.identity.passwords import hash_password, is_outdated, password_matches
from sandbox.identity.principals import load_principal
from sandbox.identity.rules import DEFAULT, IdentityRules
from sandbox.identity.second_factors import code_is_right, factors_of, is_recovery_code
from sandbox.identity.secret_box import SecretBox
from sandbox.identity.tables import accounts, known_devices, login_attempts, passwords
from sandbox.network import network_of

SWEPT = 100  # forgotten rows taken away with each attempt
SWEPT_AFTER = timedelta(hours=1)  # longer than any window
ACCOUNT, CODES = "account", "codes"
CODES_OF_ACCOUNT, CODES_OF_STRANGERS = "codes account", "codes strangers"
WITH_CODES = 5  # times as many attempts with a code slow an account
DEVICES = 10  # known ones of an account: the oldest is forgotten

Need = Literal["", "code", "factor", "password"]
PASSWORD, CODE = ("pwd",), ("pwd", "otp", "mfa")  # RFC 8176


@dataclass(frozen=True)
class Source:
    """Where an attempt comes from. `device`: the browser's own random cookie; an empty one is never known."""

    address: str = ""
    device: str = ""

    @property
    def device_hash(self) -> bytes:
        return hashlib.sha256(f"cihu device {self.device}".encode()).digest()


@dataclass(frozen=True)
class Login:
    """Somebody who proved who they are. `methods`: amr values (RFC 8176). `proved_at`: when they did, where
    that was not here and now."""

    principal: Principal
    methods: tuple[str, ...] = PASSWORD
    proved_at: datetime | None = None


def log_in(
    database: Database,
    *,
    account_id: str,
    password: str,
    code: str = "",
    source: Source = Source(),
    rules: IdentityRules = DEFAULT,
    box: SecretBox | None = None,
) -> Login:
    """The login of whose password (and, if one is given, code) this is.
    Raises `NotAuthenticated`, or `TooMany`, saying when to try again.

    An attempt is counted, and committed, before it is checked: guesses made at the same time count too,
    and no rollback takes one back. In a locked pair even the right password is refused, or the lock
    would only slow down the reading of the answer. Password and code together are judged there too, as
    one: the answer tells nobody which of them was wrong.
    """
    named = is_id(account_id)
    held: TooMany | None = None
    place, known = place_of_stranger(source), False
    if named:
        with database.transaction() as tx:
            place, known = place_of(tx, account_id, source)
            held = admit(tx, account_id, place, known=known, rules=rules)
            if held is not None and code:
                held = admit(
                    tx, account_id, f"{CODES} {place}", known=known, rules=rules, every=CODES_OF_ACCOUNT
                )
        if held is not None:
            raise held
    try:
        with database.transaction() as tx:
            principal = password_principal(tx, account_id, password)
        if code and not second_step(
            database, account_id, code, box=box, rules=rules, known=principal is not None
        ):
            principal = None
        if principal is None:
            raise wrong_password()
        with database.transaction() as tx:
            tx.execute(
                delete(login_attempts).where(
                    login_attempts.c.account == account_id,
                    login_attempts.c.place.in_([place, f"{CODES} {place}"]),
                )
            )
            if not known:
                take_back(tx, account_id, *((ACCOUNT, CODES_OF_ACCOUNT) if code else (ACCOUNT,)))
            login = Login(principal, CODE if code else PASSWORD)
            # a password alone makes no browser known where a second factor is still to come
            if what_login_needs(tx, principal, login.methods, rules) not in ("code", "factor"):
                remember_device(tx, account_id, source)
            return login
    except NotAuthenticated:
        log_refusal(database, account_id, why="password and code" if code else "password")
        raise


def password_principal(tx: Transaction, account_id: str, password: str) -> Principal | None:
    """The account whose password this is, or None."""
    try:
        return check_password(tx, account_id, password)
    except NotAuthenticated:
        return None


def second_step(
    database: Database,
    account_id: str,
    code: str,
    *,
    box: SecretBox | None,
    rules: IdentityRules,
    known: bool,
) -> bool:
    """Whether the code is right. The work is the same where the password was wrong (not `known`): how long
    the answer takes tells nobody whether it was. Then nothing is used up, and the account's own count of
    wrong codes stays as it is."""
    if box is None:
        return False
    if known or not is_id(account_id):
        return known and right_code(database, account_id, code, box=box, rules=rules)
    right_code(database, account_id, code, box=box, rules=rules, place=CODES_OF_STRANGERS)
    return False


def log_refusal(database: Database, account_id: str, *, why: str) -> None:
    """A failed login in the log, without what was typed. What names no account is only counted, as a refused
    request among the metrics: strangers would grow the log at no cost."""
    if not is_id(account_id):
        return
    with database.transaction() as tx:
        # a name that is nobody's is not written down: people type passwords into the wrong box
        known = tx.scalar(select(accounts.c.id).where(accounts.c.id == account_id))
        append(
            tx,
            Event(
                kind="session.refused",
                actor="anonymous",
                subject=f"account:{known or 'unknown'}",
                payload={"why": why},
            ),
        )


def give_code(
    database: Database,
    *,
    login: Login,
    code: str,
    box: SecretBox,
    source: Source = Source(),
    rules: IdentityRules = DEFAULT,
) -> Login:
    """The login with its second factor, for somebody whose password was right; its browser is known then.
    Raises `NotAuthenticated`, `TooMany`.

    Wrong codes are counted for the account, wherever they come from: only who knows its password gets so far.
    """
    account_id = login.principal.id
    if right_code(database, account_id, code, box=box, rules=rules, told=True):
        with database.transaction() as tx:
            remember_device(tx, account_id, source)
        return Login(login.principal, tuple(dict.fromkeys((*login.methods, *CODE[1:]))))
    log_refusal(database, account_id, why="code")
    raise NotAuthenticated(
        "The code is wrong, was used already, or has expired.",
        code="wrong_code",
        remedy="Wait for the next code of your app, or use a recovery code.",
        zh="动态口令或恢复码错误、已使用或已过期。",
        remedy_zh="请等待下一个动态口令，或使用恢复码。",
    )


def right_code(
    database: Database,
    account_id: str,
    code: str,
    *,
    box: SecretBox,
    rules: IdentityRules,
    told: bool = False,
    place: str = CODES,
) -> bool:
    """Whether the code is right, for somebody whose password was. A wrong one is counted, and committed,
    first; a recovery code is not: nobody guesses it. `told`: raise `TooMany` when there were too many.
    Under another `place` than the account's own count it is only looked at: nothing is used up."""
    limits = rules.logins
    counted = not is_recovery_code(code)
    if counted:
        with database.transaction() as tx:
            attempts, began, _ = count_attempt(tx, account_id, place, limits.codes_window)
            held = too_many(tx, began + limits.codes_window) if attempts > limits.codes else None
        if held is not None and told:
            raise held
        if held is not None:
            return False
    with database.transaction() as tx:
        looked_at = tx.begin_nested()
        right = code_is_right(tx, box, account_id, code)
        if place != CODES:
            looked_at.rollback()
        else:
            looked_at.commit()
        if right and counted:
            clear(tx, account_id, place)
        return right


def what_login_needs(
    tx: Transaction, principal: Principal, methods: tuple[str, ...], rules: IdentityRules
) -> Need:
    """What is missing before the login is whole: "code" (the account has a second factor), "factor" (a role
    requires one and there is none), "password" (it is too old), or "" (nothing)."""
    if "mfa" not in methods:
        if factors_of(tx, principal.id).any:
            return "code"
        if principal.roles & rules.second_factor_roles:
            return "factor"
    return "password" if "pwd" in methods and password_expired(tx, rules.passwords, principal.id) else ""


def change_own_password(
    database: Database,
    *,
    account_id: str,
    password: str,
    new_password: str,
    source: Source = Source(),
    rules: IdentityRules = DEFAULT,
) -> None:
    """Replace the password of who knows it, and end all their logins, here and in workspaces.

    `password` counts as an attempt to log in, so that nobody guesses it at a session that was left open.
    Raises `NotAuthenticated`, `TooMany`, and `InvalidInput` for a new one that the rules refuse.
    """
    check_new_password(rules.passwords, account_id=account_id, password=new_password)
    log_in(database, account_id=account_id, password=password, source=source, rules=rules)
    with database.transaction() as tx:
        check_history(tx, rules.passwords, account_id=account_id, password=new_password)
        change_password(
            tx, account_id=account_id, password=new_password, by=account_id, keep=rules.passwords.history
        )


def check_password(tx: Transaction, account_id: str, password: str) -> Principal:
    """The live account whose password this is; stores it anew if it was hashed with older parameters.

    Raises `NotAuthenticated`, after the same work and in the same words for an unknown account, a disabled
    one, one without a password, one of a service, and a wrong password.
    """
    stored: str | None = (
        tx.scalar(
            select(passwords.c.hash)
            .join(accounts, accounts.c.id == passwords.c.account)
            .where(
                accounts.c.id == account_id,
                accounts.c.disabled_at.is_(None),
                accounts.c.kind == "person",
            )
        )
        if is_id(account_id)
        else None
    )
    if not password_matches(stored, password):
        raise wrong_password()
    if stored is not None and is_outdated(stored):
        tx.execute(
            update(passwords).where(passwords.c.account == account_id).values(hash=hash_password(password))
        )
    return load_principal(tx, account_id)


def wrong_password() -> NotAuthenticated:
    return NotAuthenticated(
        "The account or the password is wrong.",
        code="wrong_password",
        remedy="Try again, or ask whoever looks after accounts for a new password.",
        zh="账号或密码错误。",
        remedy_zh="请重试，或请账号管理人员重置密码。",
    )


def place_of(tx: Transaction, account_id: str, source: Source) -> tuple[str, bool]:
    """The place that an attempt is counted for, and whether it is a known device."""
    if source.device:
        row = tx.execute(
            select(known_devices.c.account).where(
                known_devices.c.account == account_id, known_devices.c.device_hash == source.device_hash
            )
        ).first()
        if row is not None:
            return f"device {source.device_hash.hex()}", True
    return place_of_stranger(source), False


def place_of_stranger(source: Source) -> str:
    return f"address {network_of(source.address)}"


def remember_device(tx: Transaction, account_id: str, source: Source) -> None:
    """Know this browser again: it logged in to the account."""
    if not source.device:
        return
    tx.execute(
        insert(known_devices)
        .values(account=account_id, device_hash=source.device_hash)
        .on_conflict_do_update(
            index_elements=[known_devices.c.account, known_devices.c.device_hash],
            set_={"last_used_at": func.now()},
        )
    )
    newest = (
        select(known_devices.c.device_hash)
        .where(known_devices.c.account == account_id)
        .order_by(known_devices.c.last_used_at.desc())
        .limit(DEVICES)
    )
    tx.execute(
        delete(known_devices).where(
            known_devices.c.account == account_id, known_devices.c.device_hash.not_in(newest)
        )
    )


def admit(
    tx: Transaction,
    account_id: str,
    place: str,
    *,
    known: bool,
    rules: IdentityRules,
    every: str = ACCOUNT,
) -> TooMany | None:
    """Count an attempt of a pair, and of all strange places under `every`; None if it may be checked, else
    the refusal."""
    limits = rules.logins
    attempts, began, _ = count_attempt(tx, account_id, place, limits.window)
    if attempts > limits.pair:
        return too_many(tx, began + limits.window)
    if known:
        return None
    attempts, _, admitted = count_attempt(tx, account_id, every, limits.window)
    now = tx.execute(select(func.now())).scalar_one()
    most = limits.account if every == ACCOUNT else limits.account * WITH_CODES
    if attempts > most and admitted + limits.slow > now:
        return too_many(tx, admitted + limits.slow)
    tx.execute(
        update(login_attempts)
        .where(login_attempts.c.account == account_id, login_attempts.c.place == every)
        .values(admitted_at=func.now())
    )
    return None


def count_attempt(
    tx: Transaction, account_id: str, place: str, window: timedelta
) -> tuple[int, datetime, datetime]:
    """Count one more attempt in the window of a pair, which begins with its first; gives the count, when the
    window began, and when the last attempt before this one was admitted."""
    row = login_attempts.c
    over = row.window_began_at <= func.now() - window
    attempts, began, admitted = tx.execute(
        insert(login_attempts)
        .values(account=account_id, place=place, attempts=1, admitted_at=func.now() - SWEPT_AFTER)
        .on_conflict_do_update(
            index_elements=[row.account, row.place],
            set_={
                "attempts": case((over, 1), else_=row.attempts + 1),
                "window_began_at": case((over, func.now()), else_=row.window_began_at),
            },
        )
        .returning(row.attempts, row.window_began_at, row.admitted_at)
    ).one()
    forgotten = (
        select(row.account, row.place)
        .where(row.window_began_at <= func.now() - SWEPT_AFTER)
        .limit(SWEPT)
        .with_for_update(skip_locked=True)
    )
    tx.execute(delete(login_attempts).where(tuple_(row.account, row.place).in_(forgotten)))
    return int(attempts), began, admitted


def take_back(tx: Transaction, account_id: str, *places: str) -> None:
    """Count a right attempt no longer among those of the account: only wrong ones slow it."""
    row = login_attempts.c
    tx.execute(
        update(login_attempts)
        .where(row.account == account_id, row.place.in_(places))
        .values(attempts=func.greatest(row.attempts - 1, 0))
    )


def clear(tx: Transaction, account_id: str, *places: str) -> None:
    """Forget the counts of these places, or of all."""
    which = [login_attempts.c.account == account_id]
    if places:
        which.append(login_attempts.c.place.in_(places))
    tx.execute(delete(login_attempts).where(*which))


def unlock_account(tx: Transaction, *, account_id: str, by: str) -> None:
    """Take back every lock of an account's logins (a security administrator, or an operator)."""
    load_principal(tx, account_id)
    clear(tx, account_id)
    append(tx, Event(kind="account.unlocked", actor=by, subject=f"account:{account_id}"))


def too_many(tx: Transaction, until: datetime) -> TooMany:
    """The refusal, which says when to try again."""
    now = tx.execute(select(func.now())).scalar_one()
    seconds = max(1, int((until - now).total_seconds()) + 1)
    return TooMany(
        "There were too many attempts to log in to this account.",
        code="too_many_attempts",
        remedy=f"Try again in {seconds} seconds (after {until:%H:%M:%S %Z}), or use a second factor.",
        zh="尝试登录次数过多。",
        remedy_zh=f"请在 {seconds} 秒后重试，或使用第二因素登录。",
    )
