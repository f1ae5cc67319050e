"""What every page shows above its text: maintenance that is on or coming soon, and announcements."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request

from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.identity import Principal
from sandbox.operations.announcements import Announcement, shown_now
from sandbox.operations.maintenance import Maintenance, known_maintenance

DISMISSED = "cihu_dismissed"
"""A cookie that ends with the browser's session: the numbers of announcements that somebody dismissed."""
SOON = timedelta(days=1)
MOST_DISMISSED = 50


@dataclass(frozen=True)
class Banners:
    """`now`: whether maintenance is on at this moment."""

    maintenance: tuple[Maintenance, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    now: datetime | None = None


NONE = Banners()


def dismissed(request: Request) -> list[int]:
    """The numbers in the cookie; what is no number is left out."""
    given = request.cookies.get(DISMISSED, "")[:1000].split(".")
    return [int(each) for each in given if each.isascii() and each.isdigit() and len(each) < 10]


def banners_for(database: Database, request: Request, principal: Principal | None) -> Banners:
    """Empty where the database is away: that is what such a page says anyway."""
    now = datetime.now(UTC)
    try:
        with database.transaction() as tx:
            known = known_maintenance(tx, now)
            live = shown_now(tx, principal, now)
    except CihuError:
        return NONE
    hidden = set(dismissed(request))
    return Banners(
        tuple(each for each in known if each.starts_at <= now + SOON),
        tuple(each for each in live if each.id not in hidden),
        now,
    )
