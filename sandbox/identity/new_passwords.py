"""Which password somebody may choose for themselves, and how it takes the place of the last one."""

import unicodedata
from datetime import timedelta

from sqlalchemy import delete, func, insert, select

from sandbox.database import Transaction
from sandbox.errors import InvalidInput
from sandbox.identity.passwords import LONGEST, password_matches
from sandbox.identity.rules import PasswordRules
from sandbox.identity.tables import password_history, passwords

FEWEST_LETTERS = 5  # different ones: "aaaaaaaaaaaaaaaa" is long and no password


def check_new_password(rules: PasswordRules, *, account_id: str, password: str) -> None:
    """Raises `InvalidInput` for a password that is too easy to guess; the code says why."""
    if not rules.shortest <= len(password) <= LONGEST:
        raise InvalidInput(
            f"A password has {rules.shortest} to {LONGEST} characters.",
            code="password_length",
            remedy="A few words make a good one.",
            zh=f"密码长度为 {rules.shortest} 至 {LONGEST} 个字符。",
            remedy_zh="几个词连在一起就是好密码。",
        )
    lowered = unicodedata.normalize("NFKC", password).lower()
    if account_id in lowered or len(set(lowered)) < FEWEST_LETTERS:
        raise InvalidInput(
            "The password holds the account's name, or too few different characters.",
            code="password_guessable",
            remedy="Choose one that nobody guesses who knows you.",
            zh="密码中含有账号名，或不同的字符太少。",
            remedy_zh="请选择熟悉您的人也猜不到的密码。",
        )
    if len(password) < rules.long_enough and kinds_of(password) < rules.kinds:
        raise InvalidInput(
            f"A password of less than {rules.long_enough} characters has {rules.kinds} of: small letters, "
            "capital letters, digits, other characters.",
            code="password_kinds",
            remedy=f"Add what is missing, or take {rules.long_enough} characters or more.",
            zh=f"不足 {rules.long_enough} 个字符的密码须含大小写字母、数字、符号中的 {rules.kinds} 种。",
            remedy_zh=f"请补足种类，或使用 {rules.long_enough} 个以上字符。",
        )


def kinds_of(password: str) -> int:
    """How many of four kinds of characters it has."""
    return len(
        {
            "small"
            if letter.islower()
            else "capital"
            if letter.isupper()
            else "digit"
            if letter.isdigit()
            else "other"
            for letter in password
        }
    )


def check_history(tx: Transaction, rules: PasswordRules, *, account_id: str, password: str) -> None:
    """Raises `InvalidInput` if it is the present password or one of the last ones."""
    present = tx.scalars(select(passwords.c.hash).where(passwords.c.account == account_id)).all()
    last = tx.scalars(
        select(password_history.c.hash)
        .where(password_history.c.account == account_id)
        .order_by(password_history.c.id.desc())
        .limit(max(0, rules.history - 1))
    ).all()
    known = [*present, *last] if rules.history else []
    if any(password_matches(stored, password) for stored in known):
        raise InvalidInput(
            f"You had this password already; the last {rules.history} cannot be taken again.",
            code="password_used_before",
            remedy="Choose another.",
            zh=f"您曾使用过此密码，最近 {rules.history} 个密码不得重复使用。",
            remedy_zh="请更换一个。",
        )


def remember_present(tx: Transaction, *, account_id: str, keep: int) -> None:
    """Move the present password into the history, of which the `keep` newest stay."""
    tx.execute(
        insert(password_history).from_select(
            ["account", "hash"],
            select(passwords.c.account, passwords.c.hash).where(passwords.c.account == account_id),
        )
    )
    newest = (
        select(password_history.c.id)
        .where(password_history.c.account == account_id)
        .order_by(password_history.c.id.desc())
        .limit(keep)
    )
    tx.execute(
        delete(password_history).where(
            password_history.c.account == account_id, password_history.c.id.not_in(newest)
        )
    )


def password_expired(tx: Transaction, rules: PasswordRules, account_id: str) -> bool:
    """Whether the account's password must be replaced now."""
    if not rules.longest_days:
        return False
    old = passwords.c.changed_at <= func.now() - timedelta(days=rules.longest_days)
    return tx.scalar(select(passwords.c.account).where(passwords.c.account == account_id, old)) is not None
