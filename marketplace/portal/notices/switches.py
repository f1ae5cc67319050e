"""Says of which kinds of notices somebody wants mails."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from sandbox.database import Transaction
from sandbox.errors import InvalidInput
from sandbox.notices.events import KINDS
from sandbox.notices.tables import mail_switches


def switched_off(tx: Transaction, account: str) -> frozenset[str]:
    """The kinds of which the account wants no mail."""
    return frozenset(tx.scalars(select(mail_switches.c.kind).where(mail_switches.c.account == account)))


def set_switches(tx: Transaction, account: str, off: Iterable[str]) -> None:
    """Let exactly these kinds be off. Raises `InvalidInput` for what is no kind."""
    kinds = sorted(set(off))
    unknown = [each for each in kinds if each not in KINDS]
    if unknown:
        raise InvalidInput(
            f"There is no kind of notice {unknown[0][:40]!r}.",
            code="unknown_notice_kind",
            remedy=f"The kinds are: {', '.join(KINDS)}.",
            zh=f"没有“{unknown[0][:40]}”这类通知。",
            remedy_zh=f"可选的种类：{'、'.join(KINDS)}。",
        )
    tx.execute(delete(mail_switches).where(mail_switches.c.account == account))
    if kinds:
        tx.execute(insert(mail_switches), [{"account": account, "kind": each} for each in kinds])
