"""Decides who gets a mail of which notices, and puts it into the outbox, where the courier takes it.

A mail is for people with a verified address who did not switch off its kind, have not read the notice yet,
and may see its thing now. Each person's mails are written by one transaction, under a lock of their address;
then the notices are marked. Mails have derived ids: a notice that is looked at again makes no second one.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from marketplace.portal.notices.addresses import REPLACED, Links, verified
from marketplace.portal.notices.inbox import Inbox, for_person
from marketplace.portal.notices.settings import was_sending
from marketplace.portal.notices.switches import switched_off
from marketplace.portal.notices.visible import visible_things
from sandbox.city_time import CITY_TIME
from sandbox.database import Transaction
from sandbox.errors import CihuError, Unavailable
from sandbox.identity import load_principal
from sandbox.identity.tables import account_roles, accounts, team_members
from sandbox.notices import ALL_OFFICERS, AUDITORS, OPERATORS, SYSTEM_ADMINISTRATORS, tell
from sandbox.notices.audience import BUYERS, DEVELOPERS, FINANCE
from sandbox.notices.events import EVENTS
from sandbox.notices.tables import mail_addresses, notices, outbox, read_marks

MOST_AT_ONCE = 500
NEWS_FOR = timedelta(days=1)
"""What is older when it is looked at (no courier was there) gets no mail any more."""
DAILY_AT = time(8, 0)


@dataclass(frozen=True)
class Post:
    """What posting needs: the inbox with its rules, and the links in mails."""

    inbox: Inbox
    links: Links

    def post(self, tx: Transaction, now: datetime) -> int:
        """Post what was told since; gives how many mails there are of it. The caller holds the job's lock.
        Whom the rules refuse gets none, and holds up nobody else. Raises `Unavailable` where the vault cannot
        say what somebody may see: then nothing is marked, and all of it is looked at again."""
        told = select(notices).where(notices.c.posted_at.is_(None)).order_by(notices.c.at, notices.c.id)
        rows = tx.execute(told.limit(MOST_AT_ONCE)).all()
        if not rows:
            return 0
        fresh = [row for row in rows if row.at > now - NEWS_FOR and row.event in EVENTS]
        mails = 0
        if fresh and was_sending(tx, now):
            people = set[str]()
            for audience in sorted({row.audience for row in fresh}):
                people |= set(tx.scalars(select(accounts.c.id).where(members_of(audience))))
            ids = sorted({row.id for row in fresh})
            for address in verified(tx, people):
                try:
                    mails += self._post_to(address.account, ids, now)
                except Unavailable:
                    raise
                except CihuError:  # such as of an account that was disabled
                    continue
        for row in rows:
            key = and_(notices.c.id == row.id, notices.c.audience == row.audience)
            tx.execute(update(notices).where(key).values(posted_at=now))
        return mails

    def _post_to(self, account: str, ids: Iterable[str], now: datetime) -> int:
        """Raises `NotAuthenticated` for an account that was disabled, `Unavailable`."""
        inbox = self.inbox
        with inbox.database.transaction() as tx:
            person = load_principal(tx, account)
            read = select(read_marks.c.notice).where(read_marks.c.account == account)
            told = tx.execute(
                select(notices.c.id, notices.c.event, notices.c.about, func.min(notices.c.at).label("at"))
                .where(notices.c.id.in_(ids), for_person(person), notices.c.id.not_in(read))
                .group_by(notices.c.id, notices.c.event, notices.c.about)
                .order_by("at", notices.c.id)
            ).all()
            found = _of_wanted_kinds(tx, account, told)
        if not found:
            return 0
        things = (row.about for row in found)
        seen = visible_things(inbox.database, inbox.gate, inbox.vault, person, things)
        with inbox.database.transaction() as tx:
            return self._write(tx, account, [row for row in found if row.about in seen], now)

    def _write(self, tx: Transaction, account: str, visible: Sequence[Any], now: datetime) -> int:
        """To the address of now: while the vault was asked, the person may have changed or removed it. Until
        the commit they wait, and what they change then ends these mails, too."""
        address = tx.execute(
            select(mail_addresses)
            .where(mail_addresses.c.account == account, mail_addresses.c.verified_at.is_not(None))
            .with_for_update()
        ).first()
        wanted = _of_wanted_kinds(tx, account, visible)
        if address is None or not wanted:
            return 0
        mail = {
            "account": account,
            "address": address.address,
            "language": address.language,
            "token": self.links.leaving(account, address.address),
        }
        if address.daily:
            return _add_to_daily(tx, mail, [[row.event, row.about] for row in wanted], now)
        for row in wanted:
            values = {**mail, "id": f"notice:{row.id}:{account}", "form": "notice"}
            values["items"] = [[row.event, row.about]]
            tx.execute(insert(outbox).values(**values, next_at=now, made_at=now).on_conflict_do_nothing())
        return len(wanted)


def _of_wanted_kinds(tx: Transaction, account: str, found: Iterable[Any]) -> Sequence[Any]:
    off = switched_off(tx, account)
    return [row for row in found if EVENTS[row.event].kind not in off]


def _add_to_daily(
    tx: Transaction, mail: Mapping[str, object], items: Sequence[Sequence[str]], now: datetime
) -> int:
    """The mail of the next morning has them all; where the courier has begun with it, that of the morning
    after. The caller holds the lock of the address: nobody else writes this mail's items."""
    due = next_morning(now)
    while True:
        id = f"daily:{due.date().isoformat()}:{mail['account']}"
        same = outbox.c.id == id
        held = tx.execute(select(outbox).where(same).with_for_update()).mappings().first()
        if held is None:
            # what waits has no age yet: a day's mail is not too old when it is due
            values = {**mail, "id": id, "form": "daily", "items": list(items)}
            tx.execute(insert(outbox).values(**values, next_at=due, made_at=due))
            return 1
        if held["state"] == "waiting" and held["tries"] == 0:
            more = [each for each in items if list(each) not in held["items"]]
            tx.execute(update(outbox).where(same).values(items=[*held["items"], *more]))
            return 1
        due = next_morning(due + timedelta(seconds=1))


def next_morning(now: datetime) -> datetime:
    local = now.astimezone(CITY_TIME)
    today = datetime.combine(local.date(), DAILY_AT, CITY_TIME)
    return today if local < today else today + timedelta(days=1)


OF_A_ROLE = {
    ALL_OFFICERS: "officer",
    AUDITORS: "auditor",
    OPERATORS: "operator",
    SYSTEM_ADMINISTRATORS: "system_administrator",
}


def members_of(audience: str) -> ColumnElement[bool]:
    """Which live accounts an audience means now: the other way round than `audiences_of`."""
    live = and_(accounts.c.disabled_at.is_(None), accounts.c.kind == "person")
    noun, _, name = audience.partition(":")
    if noun == "person":
        return and_(live, accounts.c.id == name)
    if noun == "team":
        members = select(team_members.c.account).where(team_members.c.team == name)
        return and_(live, accounts.c.id.in_(members))
    if audience in OF_A_ROLE:
        return and_(live, _has_role({OF_A_ROLE[audience]}))
    roles = {"officers": {"officer"}, "buyers": BUYERS, "developers": DEVELOPERS, "finance": FINANCE}[noun]
    return and_(live, accounts.c.organisation == name, _has_role(roles))


def _has_role(roles: AbstractSet[str]) -> ColumnElement[bool]:
    return accounts.c.id.in_(select(account_roles.c.account).where(account_roles.c.role.in_(sorted(roles))))


def tell_failures(tx: Transaction, now: datetime) -> None:
    """Tell those who look after the parts to which accounts mails were given up, once a day for each account.
    What the person wanted no more is no failure."""
    failed = select(outbox.c.account, outbox.c.ended_at).where(
        outbox.c.state == "failed",
        outbox.c.ended_at > now - NEWS_FOR,
        outbox.c.fault.is_distinct_from(REPLACED),
    )
    days = {(row.account, row.ended_at.astimezone(CITY_TIME).date()) for row in tx.execute(failed).all()}
    for account, day in sorted(days):
        tell(
            tx,
            id=f"mail.failed:{account}:{day.isoformat()}",
            event="mail.failed",
            about=f"mail:{account}",
            actor="courier",
            to=[OPERATORS, SYSTEM_ADMINISTRATORS],
        )
