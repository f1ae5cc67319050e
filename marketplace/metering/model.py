"""Defines a usage line: one thing that happened under a licence, what it cost in fen, and why it cost
that."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Reason(StrEnum):
    """Why a line was or was not charged."""

    SAMPLE = "SAMPLE"
    """a look at the first rows; free, and one line a day"""
    FIXED = "FIXED"
    """a fee: of a month, once, with its first paid call; or of a licence, once"""
    GRACE = "GRACE"
    """after the licence's last day, in its days of grace; only in old lines, since they cost what any other
    day does"""
    FREE_QUOTA = "FREE_QUOTA"
    """within the month's free calls"""
    VARIABLE = "VARIABLE"
    """the price of what was delivered, or what the month's maximum left of it"""
    MAX_REACHED = "MAX_REACHED"
    """the month's cap is reached; free"""
    FREE = "FREE"
    """the product costs nothing"""
    TRIAL = "TRIAL"
    """within the days of trial; free"""
    TEST = "TEST"
    """a test key, which gets sample rows; free"""
    UNCONFIRMED = "UNCONFIRMED"
    """a credit: the portal ended before it had sent the answer"""


class Outcome(StrEnum):
    """What became of the call that a line is for."""

    ANSWERED = "answered"
    EMPTY = "empty"
    """answered, with no row"""
    HELD = "held"
    """metered before it is fetched, because fetching spends; then answered or credited"""
    SAMPLE = "sample"
    FEE = "fee"
    CREDIT = "credit"


OUTCOMES = tuple(Outcome)


@dataclass(frozen=True)
class Charge:
    reason: Reason
    amount_fen: int


@dataclass(frozen=True)
class UsageLine:
    """`calls` is 1 for a call, 0 for a fee or a sample, -1 for a credit;
    a credit names the line that it takes back. `log_index` is there once the line's second is in the log."""

    id: str
    licence: int
    month: str
    at: datetime
    reason: Reason
    calls: int
    amount_fen: int
    compensates: str | None
    key: int | None
    log_index: int | None
    product: str
    release: str | None
    offer: str | None
    quantity: Decimal
    unit: str
    price_fen: int | None
    request_id: str | None
    period: str | None
    outcome: Outcome
