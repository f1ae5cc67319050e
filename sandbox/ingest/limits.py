"""The largest file, and the extremes of every type, that a dataset may have.

What an engine computes is exact, and no construct fails, on values within these limits. Whatever lies outside
never becomes a row: it is counted for the officer, and refused or emptied as the policy says.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

LONGEST_TEXT = 4_000
"""Characters of one text. A policy may lower it for a column."""

LARGEST_INTEGER = 2**53
"""Every integer up to here is exact as a DOUBLE, which averages,
quotients and comparisons with numbers compute in. Units and hidden columns are never computed with, and may
hold any 64-bit integer."""

INT64 = 2**63
FIRST_DAY = (date(1, 1, 1) - date(1970, 1, 1)).days
LAST_DAY = (date(9999, 12, 31) - date(1970, 1, 1)).days
DAY_MICROSECONDS = 86_400_000_000
FIRST_MICROSECOND = FIRST_DAY * DAY_MICROSECONDS
LAST_MICROSECOND = (LAST_DAY + 1) * DAY_MICROSECONDS - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Limits:
    """What one file may unpack to.
    It is compared with what the file declares before a row is decoded, and again with each decoded batch,
    because a file can declare what it likes."""

    file_bytes: int = 2 * 1024**3
    rows: int = 16_000_000
    columns: int = 500
    cells: int = 160_000_000
    unpacked_bytes: int = 3 * 1024**3


LIMITS = Limits()
