"""Sums the lines of a month in the database, beside the running sum that priced and limited its calls.

One statement reads both, so no call comes between them, and no call waits for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from marketplace.metering.model import Reason
from sandbox.database import Transaction

SUMS = text(
    """
    WITH summed AS (
        SELECT reason, compensates IS NOT NULL AS credit,
               count(*) AS lines, sum(calls) AS calls, sum(amount_fen) AS amount_fen
        FROM market.usage_lines WHERE licence = :licence AND month = :month
        GROUP BY reason, compensates IS NOT NULL
    ), running AS (
        SELECT charged_fen + one_off_fen AS charged_fen FROM market.months
        WHERE licence = :licence AND month = :month
    )
    SELECT running.charged_fen, summed.* FROM running FULL JOIN summed ON true
    """
)


@dataclass(frozen=True)
class SumOfReason:
    """All lines of one reason: charges, or credits (negative)."""

    reason: Reason
    credit: bool
    lines: int
    calls: int
    amount_fen: int


@dataclass(frozen=True)
class MonthSums:
    """`charged_fen` is the running sum; it equals the sum of `of_reasons`."""

    charged_fen: int
    of_reasons: Sequence[SumOfReason]


def month_sums(tx: Transaction, *, licence_id: int, month: str) -> MonthSums:
    rows = tx.execute(SUMS, {"licence": licence_id, "month": month}).all()
    charged = next((int(row.charged_fen) for row in rows if row.charged_fen is not None), 0)
    sums = [
        SumOfReason(Reason(row.reason), row.credit, int(row.lines), int(row.calls), int(row.amount_fen))
        for row in rows
        if row.reason is not None
    ]
    return MonthSums(charged, sums)
