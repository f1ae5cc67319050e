"""Credits lines whose calls were not delivered: a line that takes back exactly one line, in that line's
month.

What is given back is what the month costs less without the call. So a month costs what its calls cost,
whichever of them is credited: without a free call, a paid one is free. When a credit leaves a month without
a call that had a price, its fixed fees are credited too. The month's fee is of all licences that share the
month (`shared_months.py`), the one-off fee of the licence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, text, update

from marketplace.metering.line import line_id
from marketplace.metering.model import Outcome, Reason
from marketplace.metering.replays import open_replay
from marketplace.metering.shared_months import lock_shared, month_so_far
from marketplace.metering.tables import months, requests, usage_groups, usage_lines
from marketplace.offers.price import Price, Quantity
from sandbox.database import Transaction

CREDITED_OUTCOMES = (Outcome.ANSWERED, Outcome.EMPTY, Outcome.HELD)
"""A day's sample stands for all of the day, and a fee goes with its month's calls."""
DIED_AFTER = timedelta(minutes=15)
"""A portal process that was not seen for so long sends nothing more."""


@dataclass(frozen=True)
class LineName:
    """Which line: ids are looked up within their month, which is their partition."""

    licence: int
    month: str
    id: str


def credit_lines(
    tx: Transaction,
    names: Iterable[LineName],
    *,
    reason: Reason | None = None,
    only_held: bool = False,
    died_after: timedelta = DIED_AFTER,
) -> int:
    """Credit those of the lines that are there, not credited yet, and neither confirmed by a retry nor
    waiting for one; how many. All are of one licence, which is locked with its siblings. `reason` None: that
    of the line. `only_held`: those without an answer. `died_after`: a retry at a portal process that was not
    seen for so long is not waited for."""
    credited = 0
    for name in names:
        price = lock_shared(tx, name.licence).price
        line = find_line(tx, name)
        if line is None or is_credited(tx, name) or is_confirmed(tx, name):
            continue
        if line.outcome not in CREDITED_OUTCOMES or (only_held and line.outcome != Outcome.HELD):
            continue
        # who was about to be handed a held call's answer settles it first, and finds the credit
        if not only_held and awaits_retry(tx, name, died_after=died_after):
            continue
        group, at = new_group(tx)
        amount = taken_back(tx, line, price)
        write_credit(tx, line, group, at, reason or Reason(line.reason), amount)
        take_off_call(tx, line, amount)
        for fee in fees_of_an_empty_month(tx, line):
            write_credit(tx, fee, group, at, reason or Reason(fee.reason), fee.amount_fen)
            take_off_fee(tx, fee)
        tx.execute(
            update(requests)
            .where(requests.c.licence == line.licence, requests.c.usage == line.id)
            .values(state="credited")
        )
        credited += 1
    return credited


def find_line(tx: Transaction, name: LineName) -> Row[Any] | None:
    return tx.execute(
        select(usage_lines).where(usage_lines.c.month == name.month, usage_lines.c.id == name.id)
    ).one_or_none()


def is_credited(tx: Transaction, name: LineName) -> bool:
    wanted = select(usage_lines.c.id).where(
        usage_lines.c.month == name.month, usage_lines.c.compensates == name.id
    )
    return tx.execute(wanted).first() is not None


def is_confirmed(tx: Transaction, name: LineName) -> bool:
    """Whether a retry with the same Idempotency-Key was answered."""
    wanted = select(requests.c.state).where(requests.c.licence == name.licence, requests.c.usage == name.id)
    return tx.execute(wanted).scalar() == "confirmed"


def awaits_retry(tx: Transaction, name: LineName, *, died_after: timedelta) -> bool:
    """Whether a retry may still be answered, so that it cannot be said yet whether the line is credited. The
    licence is locked."""
    return bool(tx.execute(select(open_replay(name.id, died_after=died_after))).scalar_one()) and not (
        is_confirmed(tx, name) or is_credited(tx, name)
    )


def new_group(tx: Transaction) -> tuple[int, datetime]:
    """A group without a worker."""
    made = tx.execute(
        insert(usage_groups)
        .values(at=func.clock_timestamp(), last_sequence=0)
        .returning(usage_groups.c.id, usage_groups.c.at)
    ).one()
    return made.id, made.at


def write_credit(
    tx: Transaction, line: Row[Any], group: int, at: datetime, reason: Reason, amount: int
) -> None:
    tx.execute(
        insert(usage_lines).values(
            id=line_id("credit", line.licence, line.id, 1),
            month=line.month,
            licence=line.licence,
            key=line.key,
            product=line.product,
            release=line.release,
            offer=line.offer,
            at=at,
            reason=reason,
            calls=-line.calls,
            rows=-line.rows,
            bytes=-line.bytes,
            quantity=-line.quantity,
            unit=line.unit,
            price_fen=line.price_fen,
            amount_fen=-amount,
            request_id=line.request_id,
            period=line.period,
            outcome=Outcome.CREDIT,
            compensates=line.id,
            group_id=group,
            place=select(func.count())
            .where(usage_lines.c.group_id == group, usage_lines.c.month == line.month)
            .scalar_subquery(),
        )
    )


def used_by(line: Row[Any]) -> Quantity:
    """What a call added to what its month's price counts."""
    return Quantity(*line.used) if line.used is not None else Quantity()


def taken_back(tx: Transaction, line: Row[Any], price: Price) -> int:
    """What the line's month costs less without it, in fen."""
    used = used_by(line)
    if used == Quantity():
        return 0
    month = month_so_far(tx, line.licence, line.month)
    left = Quantity(
        month.used_calls - used.calls,
        month.used_successful - used.successful,
        month.used_rows - used.rows,
        month.used_bytes - used.bytes,
        month.used_epsilon_millionths - used.epsilon_millionths,
    )
    whole = min(month.fixed_fen + price.usage_cost(left), price.most_a_month)
    return int(max(0, month.charged_fen - whole))


def take_off_call(tx: Transaction, line: Row[Any], amount: int) -> None:
    """Take a call and the amount off its month's sums: exactly what it added to them."""
    used = used_by(line)
    of_month = (months.c.licence == line.licence) & (months.c.month == line.month)
    tx.execute(
        update(months)
        .where(of_month)
        .values(
            calls=months.c.calls - line.calls,
            used_calls=months.c.used_calls - used.calls,
            used_successful=months.c.used_successful - used.successful,
            used_rows=months.c.used_rows - used.rows,
            used_bytes=months.c.used_bytes - used.bytes,
            used_epsilon_millionths=months.c.used_epsilon_millionths - used.epsilon_millionths,
            charged_fen=months.c.charged_fen - amount,
            bytes=func.greatest(0, months.c.bytes - line.bytes),
            version=months.c.version + 1,
        )
    )


def take_off_fee(tx: Transaction, fee: Row[Any]) -> None:
    """Take a fee off its month's sums."""
    one_off = fee.amount_fen if fee.unit == "licence" else 0
    fixed = fee.amount_fen - one_off
    of_month = (months.c.licence == fee.licence) & (months.c.month == fee.month)
    tx.execute(
        update(months)
        .where(of_month)
        .values(
            charged_fen=months.c.charged_fen - fixed,
            fixed_fen=months.c.fixed_fen - fixed,
            one_off_fen=months.c.one_off_fen - one_off,
            version=months.c.version + 1,
        )
    )


def fees_of_an_empty_month(tx: Transaction, line: Row[Any]) -> list[Row[Any]]:
    """The fees of the line's month that stand, if no call with a price stands in it."""
    month = month_so_far(tx, line.licence, line.month)
    empty = {"licence": month.own_used_calls == 0, "month": month.used_calls == 0}
    asked = {"licence": line.licence, "month": line.month, "units": [unit for unit in empty if empty[unit]]}
    return list(tx.execute(STANDING_FEES, asked))


STANDING_FEES = text(
    """
    SELECT line.* FROM market.usage_lines AS line
    WHERE line.month = :month AND line.outcome = 'fee' AND line.unit = ANY (:units)
      AND (line.licence = :licence OR line.unit = 'month' AND line.licence IN (
           SELECT sibling.licence FROM market.siblings(:licence) AS sibling WHERE sibling.same_price))
      AND NOT EXISTS (SELECT FROM market.usage_lines AS credit
                      WHERE credit.month = line.month AND credit.compensates = line.id)
    ORDER BY line.licence, line.id
    """
)
