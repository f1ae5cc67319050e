"""Finds the usage lines of a licence's month."""

from typing import Any

from sqlalchemy import Row, select

from marketplace.metering.model import Reason, UsageLine
from marketplace.metering.tables import usage_lines
from sandbox.database import Transaction


def lines_of(tx: Transaction, *, licence_id: int, month: str, limit: int | None = None) -> list[UsageLine]:
    """The lines of a month, in the order of time; with a limit the newest, newest first."""
    wanted = select(usage_lines).where(usage_lines.c.licence == licence_id, usage_lines.c.month == month)
    order = (
        [usage_lines.c.at, usage_lines.c.id] if limit is None else [usage_lines.c.at.desc(), usage_lines.c.id]
    )
    return [line_of(row) for row in tx.execute(wanted.order_by(*order).limit(limit))]


def line_of(row: Row[Any]) -> UsageLine:
    return UsageLine(
        row.id,
        row.licence,
        row.month,
        row.at,
        Reason(row.reason),
        row.calls,
        row.amount_fen,
        row.compensates,
        row.key,
        row.log_index,
    )
