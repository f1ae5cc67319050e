"""Compares the time of this machine with that of its database.
Tokens, grants and moments are judged by both."""

from datetime import UTC, datetime

from sqlalchemy import text

from sandbox.database import Database
from sandbox.errors import Unavailable

MOST_SECONDS_APART = 30.0


def require_together(here: datetime, there: datetime) -> None:
    """Raises `Unavailable` when two clocks are so far apart that what one signs the other refuses."""
    apart = (there - here).total_seconds()
    if abs(apart) > MOST_SECONDS_APART:
        raise Unavailable(
            f"The clock of the database is {abs(apart):.0f} seconds "
            f"{'ahead of' if apart > 0 else 'behind'} this machine's.",
            code="clocks_apart",
            remedy="Set both by NTP (timedatectl set-ntp true): tokens and dates are judged by both.",
            zh=f"数据库的时钟比本机{'快' if apart > 0 else '慢'} {abs(apart):.0f} 秒。",
            remedy_zh="请用 NTP 校准两边的时钟（timedatectl set-ntp true）：令牌与日期按两边的时钟判断。",
        )


class ClocksTogether:
    """A need of health: the database answers, and tells about the same time as `now` does here."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __call__(self) -> None:
        with self.database.transaction() as tx:
            there = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
        require_together(datetime.now(UTC), there)
