"""Where somebody's mails go to: an address counts once its link was opened by its person.

The links hold a MAC with a key that the portal alone has: over account, address and moment for the one that
verifies, over account and address for the one that ends the mails. They wait in the outbox until their mail
is sent or given up, and are stored nowhere else; each is good for what it was made for. One verifies an
address, within a day and once, by whoever is logged in as its account; the other ends the mails, without a
login (RFC 8058).
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.portal.notices.inbox import Inbox
from sandbox.courier.settings import is_address
from sandbox.database import Transaction, lock_name
from sandbox.errors import InvalidInput, TooMany
from sandbox.identity import Principal
from sandbox.notices.tables import mail_addresses, outbox

GOOD_FOR = timedelta(hours=24)
MOST_A_DAY = 5
"""So many links are sent for one account, and to one address, in a day: no mailbox is filled from here."""
REPLACED = "replaced"
"""The fault of a mail that its person wanted no more when it had been tried: nobody's to look after."""


class Links:
    """Makes and checks the tokens of links."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def verifying(self, account: str, address: str, asked_at: datetime) -> str:
        return self._token("verify", account, address, asked_at.isoformat())

    def leaving(self, account: str, address: str) -> str:
        return self._token("leave", account, address)

    def _token(self, *parts: str) -> str:
        text = "\0".join(parts).encode()
        return urlsafe_b64encode(hmac.digest(self._key, text, hashlib.sha256)).decode().rstrip("=")


def set_address(inbox: Inbox, links: Links, person: Principal, *, address: str, language: str) -> None:
    """Keep an address and have its link sent. Mails go there once it was opened; until then to nobody.
    Raises `Refused` for a service, `InvalidInput`, `TooMany`."""
    inbox.require_own(person, "manage_notices")
    wanted = address.strip()
    if not is_address(wanted):
        raise InvalidInput(
            "This is not an e-mail address.",
            code="bad_mail_address",
            remedy="Write it as name@example.org, without a name beside it.",
            zh="这不是邮箱地址。",
            remedy_zh="请写成 name@example.org，不要附加姓名。",
        )
    now = datetime.now(UTC)
    with inbox.database.transaction() as tx:
        held = upsert(mail_addresses).values(
            account=person.id, address=wanted, language=language, verified_at=None, asked_at=now
        )
        new = {name: held.excluded[name] for name in ("address", "language", "verified_at", "asked_at")}
        tx.execute(held.on_conflict_do_update(index_elements=["account"], set_=new))
        lock_name(tx, f"mail links {wanted.lower()}")  # of whoever else names this address: counted in turn
        _require_few(tx, person.id, wanted, now)
        _drop_waiting(tx, person.id)
        tx.execute(
            insert(outbox).values(
                id=f"verify:{person.id}:{now.isoformat()}",
                account=person.id,
                address=wanted,
                language=language,
                form="verify",
                items=[],
                token=links.verifying(person.id, wanted, now),
                next_at=now,
            )
        )


def verify_address(inbox: Inbox, links: Links, person: Principal, *, token: str) -> None:
    """Take the link of one's own newest address. Raises `Refused`, `InvalidInput` for any other, and late."""
    inbox.require_own(person, "manage_notices")
    now = datetime.now(UTC)
    with inbox.database.transaction() as tx:
        row = tx.execute(
            select(mail_addresses).where(mail_addresses.c.account == person.id).with_for_update()
        ).first()
        if row is None or row.asked_at is None or now >= row.asked_at + GOOD_FOR:
            raise bad_link()
        if not _same(links.verifying(person.id, row.address, row.asked_at), token):
            raise bad_link()
        verified = {"verified_at": now, "asked_at": None}
        tx.execute(update(mail_addresses).where(mail_addresses.c.account == person.id).values(**verified))


def bad_link() -> InvalidInput:
    return InvalidInput(
        "This link is not good, or no longer.",
        code="bad_mail_link",
        remedy="Log in as the account that the mail names, or have another link sent.",
        zh="该链接无效或已过期。",
        remedy_zh="请以邮件中所写的账号登录，或重新发送链接。",
    )


def drop_address(inbox: Inbox, person: Principal) -> None:
    """No mails any more, and none of those that wait. Raises `Refused` for a service."""
    inbox.require_own(person, "manage_notices")
    with inbox.database.transaction() as tx:
        _forget(tx, person.id)


def leave(inbox: Inbox, links: Links, *, account: str, token: str) -> None:
    """The same by the link in a mail, without a login. What is not its link changes nothing and says nothing:
    it tells nobody whether there is such an account."""
    with inbox.database.transaction() as tx:
        row = tx.execute(select(mail_addresses).where(mail_addresses.c.account == account)).first()
        address = row.address if row is not None else ""
        if _same(links.leaving(account, address), token) and row is not None:
            _forget(tx, account)


def verified(tx: Transaction, accounts: set[str]) -> list[Row[Any]]:
    """The verified addresses of these accounts."""
    wanted = mail_addresses.c.account.in_(sorted(accounts))
    return list(
        tx.execute(
            select(mail_addresses)
            .where(wanted, mail_addresses.c.verified_at.is_not(None))
            .order_by(mail_addresses.c.account)
        )
    )


def _forget(tx: Transaction, account: str) -> None:
    tx.execute(delete(mail_addresses).where(mail_addresses.c.account == account))
    _drop_waiting(tx, account)


def _drop_waiting(tx: Transaction, account: str) -> None:
    """Mails to the address of before. What the courier has begun with may have gone out: it is no more tried,
    and counts as sent."""
    waiting = (outbox.c.account == account, outbox.c.state == "waiting")
    tx.execute(delete(outbox).where(*waiting, outbox.c.tries == 0))
    ended = {"state": "failed", "fault": REPLACED, "token": None, "ended_at": datetime.now(UTC)}
    tx.execute(update(outbox).where(*waiting).values(**ended))


def _require_few(tx: Transaction, account: str, address: str, now: datetime) -> None:
    """Raises `TooMany`. Links that were replaced before the courier began with them do not count."""
    sent = (outbox.c.form == "verify", outbox.c.made_at > now - timedelta(days=1))
    for one in (outbox.c.account == account, func.lower(outbox.c.address) == address.lower()):
        if tx.execute(select(func.count()).where(one, *sent)).scalar_one() >= MOST_A_DAY:
            raise TooMany(
                f"{MOST_A_DAY} links were sent within a day.",
                code="too_many_links",
                remedy="Look for them in the mailbox, also among unwanted mails; or wait until tomorrow.",
                zh=f"一天内已发送 {MOST_A_DAY} 个链接。",
                remedy_zh="请在邮箱中查找，包括垃圾邮件；或明天再试。",
            )


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
