"""One-time codes (TOTP, RFC 6238: SHA-1, six digits, thirty seconds) and recovery codes.

Which factors an account has is one question (`factors_of`); passkeys are in `passkeys.py`. No code is
good twice: the step of the newest used one is kept, and a recovery code is used up in one statement.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity.principals import hold_account
from sandbox.identity.secret_box import SecretBox
from sandbox.identity.tables import passkeys, recovery_codes, totp_factors

STEP_SECONDS, DIGITS = 30, 6
DRIFT = 1  # steps that a clock may be off, either way (RFC 6238, section 5.2)
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
RECOVERY_LENGTH, GROUP = 16, 4  # 31 ** 16: 79 random bits


@dataclass(frozen=True)
class Factors:
    """What an account has beside its password."""

    totp_since: datetime | None
    passkeys: int
    recovery_codes: int  # that are not used

    @property
    def any(self) -> bool:
        return self.totp_since is not None or self.passkeys > 0


def factors_of(tx: Transaction, account_id: str) -> Factors:
    """The factors that count: confirmed codes, passkeys."""
    since = tx.scalar(select(totp_factors.c.confirmed_at).where(totp_factors.c.account == account_id))
    keys = tx.scalar(select(func.count()).select_from(passkeys).where(passkeys.c.account == account_id))
    left = tx.scalar(
        select(func.count())
        .select_from(recovery_codes)
        .where(recovery_codes.c.account == account_id, recovery_codes.c.used_at.is_(None))
    )
    return Factors(since, keys or 0, left or 0)


def offer_totp(tx: Transaction, box: SecretBox, account_id: str) -> str:
    """A secret (base32) for an authenticator app; it counts once a code of it was typed (`confirm_totp`).
    While it is not confirmed it stays the same, whatever page is loaded again. Raises `Conflict`."""
    hold_account(tx, account_id)
    row = tx.execute(select(totp_factors).where(totp_factors.c.account == account_id)).one_or_none()
    if row is not None and row.confirmed_at is not None:
        raise Conflict(
            "The account has one-time codes already.",
            code="factor_exists",
            remedy="Remove them first.",
            zh="该账号已启用动态口令。",
            remedy_zh="请先移除。",
        )
    if row is not None:
        return box.open(row.secret, purpose=purpose(account_id)).decode()
    secret = pyotp.random_base32()
    sealed = box.seal(secret.encode(), purpose=purpose(account_id))
    tx.execute(insert(totp_factors).values(account=account_id, secret=sealed))
    return secret


def totp_address(secret: str, *, account_id: str, city: str) -> str:
    """What an authenticator app scans (otpauth://)."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(
        name=account_id, issuer_name=city
    )


def confirm_totp(tx: Transaction, box: SecretBox, account_id: str, code: str) -> list[str]:
    """Let the offered secret count, and give new recovery codes. Raises `InvalidInput`, `NotFound`."""
    hold_account(tx, account_id)
    row = tx.execute(select(totp_factors).where(totp_factors.c.account == account_id)).one_or_none()
    if row is None or row.confirmed_at is not None:
        raise NotFound(
            "There is nothing to confirm.",
            remedy="Begin anew.",
            zh="没有待确认的动态口令。",
            remedy_zh="请重新开始。",
        )
    step = matching_step(tx, box.open(row.secret, purpose=purpose(account_id)).decode(), code)
    if step is None:
        raise wrong_code()
    tx.execute(
        update(totp_factors)
        .where(totp_factors.c.account == account_id)
        .values(confirmed_at=func.now(), last_step=step)
    )
    log_factor(tx, "account.factor_added", account_id, "totp", by=account_id)
    return renew_recovery_codes(tx, account_id)


def remove_totp(tx: Transaction, account_id: str, *, by: str) -> None:
    """Raises `NotFound`."""
    hold_account(tx, account_id)
    gone = tx.execute(
        delete(totp_factors)
        .where(totp_factors.c.account == account_id)
        .returning(totp_factors.c.confirmed_at)
    ).first()
    if gone is None:
        raise NotFound("The account has no one-time codes.", zh="该账号没有动态口令。")
    if gone.confirmed_at is not None:
        log_factor(tx, "account.factor_removed", account_id, "totp", by=by)


def code_is_right(tx: Transaction, box: SecretBox, account_id: str, code: str) -> bool:
    """Whether it is a one-time code or a recovery code of the account; either is used up by this."""
    typed = plain_code(code)
    if is_recovery_code(code):
        return use_recovery_code(tx, account_id, typed)
    hold_account(tx, account_id)
    row = tx.execute(
        select(totp_factors).where(
            totp_factors.c.account == account_id, totp_factors.c.confirmed_at.is_not(None)
        )
    ).one_or_none()
    if row is None:
        return False
    step = matching_step(tx, box.open(row.secret, purpose=purpose(account_id)).decode(), typed)
    if step is None:
        return False
    used = tx.execute(
        update(totp_factors)
        .where(totp_factors.c.account == account_id, totp_factors.c.last_step < step)
        .values(last_step=step)
    )
    return used.rowcount == 1


def plain_code(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def is_recovery_code(code: str) -> bool:
    """Whether it has the form of one."""
    return len(plain_code(code)) == RECOVERY_LENGTH


def matching_step(tx: Transaction, secret: str, code: str) -> int | None:
    """The step of which `code` is the code, of those that the database's clock allows."""
    now = tx.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one()
    step = int(now) // STEP_SECONDS
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    typed = "".join(code.split())
    matching = [
        near
        for near in range(step - DRIFT, step + DRIFT + 1)
        if secrets.compare_digest(totp.at(near * STEP_SECONDS).encode(), typed.encode())
    ]
    return max(matching, default=None)


def renew_recovery_codes(tx: Transaction, account_id: str) -> list[str]:
    """Ten new codes, shown once and stored as hashes; the old ones are good no more."""
    hold_account(tx, account_id)
    tx.execute(delete(recovery_codes).where(recovery_codes.c.account == account_id))
    codes = ["".join(secrets.choice(LETTERS) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    tx.execute(
        upsert(recovery_codes),
        [{"account": account_id, "code_hash": code_hash(account_id, code)} for code in codes],
    )
    return ["-".join(code[at : at + GROUP] for at in range(0, RECOVERY_LENGTH, GROUP)) for code in codes]


def renew_own_recovery_codes(tx: Transaction, account_id: str) -> list[str]:
    """As `renew_recovery_codes`, for somebody who has a factor. Raises `Conflict`."""
    if not factors_of(tx, account_id).any:
        raise Conflict(
            "Recovery codes stand for a second factor, and there is none.",
            code="no_factor",
            remedy="Add one-time codes or a passkey first.",
            zh="恢复码用于替代第二因素，但尚未设置。",
            remedy_zh="请先添加动态口令或通行密钥。",
        )
    return renew_recovery_codes(tx, account_id)


def use_recovery_code(tx: Transaction, account_id: str, code: str) -> bool:
    used = tx.execute(
        update(recovery_codes)
        .where(
            recovery_codes.c.account == account_id,
            recovery_codes.c.code_hash == code_hash(account_id, code),
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=func.now())
    )
    if used.rowcount == 1:
        append(tx, Event(kind="account.recovery_used", actor=account_id, subject=f"account:{account_id}"))
    return used.rowcount == 1


def code_hash(account_id: str, code: str) -> bytes:
    """Enough for 79 random bits: they cannot be guessed, so they need no slow hash."""
    return hashlib.sha256(f"cihu recovery {account_id} {code}".encode()).digest()


def drop_unneeded_recovery_codes(tx: Transaction, account_id: str) -> None:
    """Recovery codes stand for a lost factor: without a factor they open nothing and go."""
    if not factors_of(tx, account_id).any:
        tx.execute(delete(recovery_codes).where(recovery_codes.c.account == account_id))


def remove_factors(tx: Transaction, account_id: str, *, by: str) -> None:
    """All of them, for somebody who lost them (a security administrator, or an operator). Raises
    `NotFound`."""
    hold_account(tx, account_id)
    if not factors_of(tx, account_id).any:
        raise NotFound(
            f"{account_id!r} has no second factor.",
            zh=f"{account_id} 没有第二因素。",
            remedy="Check the account: there is nothing to remove.",
            remedy_zh="请核对账号：没有可移除的因素。",
        )
    for table in (totp_factors, recovery_codes, passkeys):
        tx.execute(delete(table).where(table.c.account == account_id))
    log_factor(tx, "account.factor_removed", account_id, "all", by=by)


def log_factor(tx: Transaction, kind: str, account_id: str, factor: str, *, by: str) -> None:
    append(
        tx,
        Event(kind=kind, actor=by, subject=f"account:{account_id}", payload={"factor": factor}),
        to=[notices.person(account_id)] if kind == "account.factor_removed" else (),
    )


def purpose(account_id: str) -> str:
    return f"totp {account_id}"


def wrong_code() -> InvalidInput:
    return InvalidInput(
        "The code is wrong, was used already, or ran out.",
        code="wrong_code",
        remedy="Wait for the next code of your app; is the clock of your phone right?",
        zh="动态口令错误、已使用或已过期。",
        remedy_zh="请等待下一个动态口令，并检查手机时间是否准确。",
    )
