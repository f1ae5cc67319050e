"""Usage of months that are over, written by the function that meters: the calls came some days ago."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Row, select, text

from marketplace.licences.find import find_licence
from marketplace.metering.charge import MonthSoFar
from marketplace.metering.line import Draft, MonthState, price_line
from marketplace.metering.model import Outcome
from marketplace.metering.months import month_of, month_span
from marketplace.metering.tables import months
from marketplace.offers.price import Quantity
from sandbox.database import Transaction
from selling import Market, Sold

METER = text("SELECT market.meter(CAST(:batch AS json), :licences, :worker, 1000000000, '{}', '[]')")
requests = count(1)
CITY = "Asia/Shanghai"


def month_ago(number: int = 1) -> str:
    """The month that was so many months before this one."""
    month = month_of(datetime.now(UTC), CITY)
    for _ in range(number):
        begin, _ = month_span(month, CITY)
        month = month_of(begin - timedelta(days=1), CITY)
    return month


def use(market: Market, sold: Sold, calls: int, *, month: str) -> list[str]:
    """The ids of the lines of this number of calls in the middle of a month, all confirmed as sent."""
    begin, _ = month_span(month, CITY)
    with market.database.transaction() as tx:
        worker = new_worker(tx)
        ids = []
        for number in range(calls):
            licence = find_licence(tx, sold.licence)
            # the pace goes on from the newest call, and these come in any order
            tx.execute(months.update().where(months.c.licence == sold.licence).values(next_at=None))
            came = begin + timedelta(days=10, seconds=2 * next(requests) + number)
            age = (datetime.now(UTC) - came).total_seconds()
            row = tx.execute(
                select(months).where(months.c.licence == sold.licence, months.c.month == month)
            ).one_or_none()
            state = state_of_row(row, month)
            draft = Draft(
                licence=licence,
                price=licence.price,
                key=sold.key_id,
                product=sold.product,
                request_id=f"past:{next(requests)}",
                keyed=False,
                payload_hash=b"x",
                quantity=Quantity(1, 1, 1, 10, 0),
                outcome=Outcome.ANSWERED,
                came=0.0,
                sequence=next(requests),
            )
            line = price_line(draft, state, now=came, loop_now=age)
            batch = json.dumps([{"n": 0, **line.record}])
            answer = tx.execute(
                METER, {"batch": batch, "licences": [sold.licence], "worker": worker}
            ).scalar_one()
            assert answer["verdicts"][0]["verdict"] == "GOOD", answer
            ids.append(line.id)
    return ids


def new_worker(tx: Transaction) -> int:
    made = "INSERT INTO market.workers (confirmed, ahead) VALUES (0, '{}') RETURNING id"
    return int(tx.execute(text(made)).scalar_one())


def state_of_row(row: Row[Any] | None, month: str) -> MonthState:
    if row is None:
        return MonthState(month)
    used = Quantity(
        row.used_calls, row.used_successful, row.used_rows, row.used_bytes, row.used_epsilon_millionths
    )
    return MonthState(
        month,
        row.version,
        row.calls,
        MonthSoFar(used, row.charged_fen, row.fixed_fen),
        row.one_off_fen > 0,
    )
