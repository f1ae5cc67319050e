"""Defines a usage line: one thing that happened under a licence, what it cost in fen, and why it cost
that."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a line was or was not charged."""

    SAMPLE = "SAMPLE"
    """a look at the first rows; free"""
    FIXED = "FIXED"
    """the fee of a month, once, with the month's first call"""
    GRACE = "GRACE"
    """after the licence's last day, in its days of grace; free"""
    FREE_QUOTA = "FREE_QUOTA"
    """within the month's free calls"""
    VARIABLE = "VARIABLE"
    """the price of a call, or what the month's cap left of it"""
    MAX_REACHED = "MAX_REACHED"
    """the month's cap is reached; free"""


@dataclass(frozen=True)
class Charge:
    reason: Reason
    amount_fen: int


@dataclass(frozen=True)
class UsageLine:
    """`calls` is 1 for a call, 0 for a fee, -1 for a credit; a credit names the line that it takes back."""

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


@dataclass(frozen=True)
class SoFar:
    """What a licence has used in a month. `calls` are those that count for the quota."""

    calls: int = 0
    free_calls: int = 0
    charged_fen: int = 0
    fee_charged: bool = False
