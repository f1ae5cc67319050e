"""Announcements: a text in both languages that pages show for a time, to everybody or to some."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Row, insert, select, update

from sandbox.database import Transaction
from sandbox.errors import InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.identity.model import COMPANY_ROLES
from sandbox.operations.maintenance import check_texts, check_times
from sandbox.operations.tables import announcements

Audience = Literal["all", "teams", "companies", "officers"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
MOST_LISTED = 100


@dataclass(frozen=True)
class Announcement:
    id: int
    text_zh: str
    text_en: str
    audience: Audience
    starts_at: datetime
    ends_at: datetime
    made_by: str
    withdrawn_at: datetime | None

    def state(self, now: datetime) -> Literal["coming", "now", "over", "withdrawn"]:
        """`coming`, `now`, `over` or `withdrawn`."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.ends_at <= now:
            return "over"
        return "now" if self.starts_at <= now else "coming"


def sees(principal: Principal | None, audience: str) -> bool:
    """Whether somebody (None: without an account) is of an audience."""
    if audience == "all":
        return True
    if principal is None:
        return False
    return {
        "teams": bool(principal.teams),
        "companies": bool(principal.roles.intersection(COMPANY_ROLES)),
        "officers": "officer" in principal.roles,
    }[audience]


def announce(
    tx: Transaction,
    *,
    text_zh: str,
    text_en: str,
    audience: str,
    starts_at: datetime,
    ends_at: datetime,
    by: str,
    now: datetime,
) -> Announcement:
    """Raises `InvalidInput`."""
    check_texts(text_zh, text_en)
    check_times(starts_at, ends_at, now)
    if audience not in AUDIENCES:
        raise InvalidInput(
            "Nobody is of this audience.",
            remedy=f"Choose one of {', '.join(AUDIENCES)}.",
            zh="没有这样的公告对象。",
            remedy_zh="请选择全部、团队、企业或数据专员。",
        )
    values = {
        "text_zh": text_zh,
        "text_en": text_en,
        "audience": audience,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "made_by": by,
    }
    return _of(tx.execute(insert(announcements).values(values).returning(announcements)).one())


def withdraw(tx: Transaction, number: int, *, by: str, now: datetime) -> Announcement:
    """Raises `NotFound` for what is not there, over or withdrawn."""
    row = tx.execute(
        update(announcements)
        .where(
            announcements.c.id == number,
            announcements.c.withdrawn_at.is_(None),
            announcements.c.ends_at > now,
        )
        .values(withdrawn_by=by, withdrawn_at=now)
        .returning(announcements)
    ).first()
    if row is None:
        raise NotFound(
            f"There is no announcement {number} that could be withdrawn.",
            remedy="GET /api/v1/announcements lists them.",
            zh=f"没有编号为 {number} 且可以撤回的公告。",
            remedy_zh="可在“维护与公告”页查看。",
        )
    return _of(row)


def listed(tx: Transaction) -> list[Announcement]:
    """The newest first, at most `MOST_LISTED`."""
    newest = select(announcements).order_by(announcements.c.id.desc()).limit(MOST_LISTED)
    return [_of(row) for row in tx.execute(newest)]


def shown_now(tx: Transaction, principal: Principal | None, now: datetime) -> list[Announcement]:
    """What somebody sees at this moment, the newest first."""
    live = (
        select(announcements)
        .where(
            announcements.c.withdrawn_at.is_(None),
            announcements.c.starts_at <= now,
            announcements.c.ends_at > now,
        )
        .order_by(announcements.c.id.desc())
    )
    return [each for each in map(_of, tx.execute(live)) if sees(principal, each.audience)]


def _of(row: Row[*tuple[Any, ...]]) -> Announcement:
    values = row._mapping
    return Announcement(**{name: values[name] for name in Announcement.__dataclass_fields__})
