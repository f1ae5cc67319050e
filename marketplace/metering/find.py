"""Finds the usage lines of a licence's month."""

from typing import Any

from sqlalchemy import Row, func, select

from marketplace.metering.model import Outcome, Reason, UsageLine
from marketplace.metering.tables import usage_groups, usage_lines, usage_seals
from sandbox.database import Transaction

LOG_INDEX = func.coalesce(usage_lines.c.log_index, usage_seals.c.log_index).label("entry")


def lines_of(tx: Transaction, *, licence_id: int, month: str, limit: int | None = None) -> list[UsageLine]:
    """The lines of a month, in the order of time; with a limit the newest, newest first."""
    wanted = (
        select(usage_lines, LOG_INDEX)
        .outerjoin(usage_groups, usage_groups.c.id == usage_lines.c.group_id)
        .outerjoin(usage_seals, usage_seals.c.id == usage_groups.c.seal)
        .where(usage_lines.c.licence == licence_id, usage_lines.c.month == month)
    )
    order = (
        [usage_lines.c.at, usage_lines.c.id] if limit is None else [usage_lines.c.at.desc(), usage_lines.c.id]
    )
    return [line_of(row) for row in tx.execute(wanted.order_by(*order).limit(limit))]


def line_of(row: Row[Any]) -> UsageLine:
    return UsageLine(
        id=row.id,
        licence=row.licence,
        month=row.month,
        at=row.at,
        reason=Reason(row.reason),
        calls=row.calls,
        amount_fen=row.amount_fen,
        compensates=row.compensates,
        key=row.key,
        log_index=row.entry,
        product=row.product,
        release=row.release,
        offer=row.offer,
        quantity=row.quantity,
        unit=row.unit,
        price_fen=row.price_fen,
        request_id=row.request_id,
        period=row.period,
        outcome=Outcome(row.outcome),
    )
