"""Announces the retirement of a product: it is sold no more, and the licences of it end on a day, of which
their holders have notice."""

from datetime import date, datetime, time, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from marketplace.days import Day
from marketplace.products.selling import Selling
from marketplace.products.withdraw_product import withdraw_in
from sandbox.city_time import CITY_TIME, city_date
from sandbox.errors import InvalidInput
from sandbox.identity import Principal
from sandbox.plain_text import PlainText


class Retirement(BaseModel):
    """`last_day`: the last on which it is delivered; without it, the first that the notice allows."""

    model_config = ConfigDict(extra="forbid")

    reason: PlainText
    last_day: Day | None = None


def retire_product(
    selling: Selling, *, principal: Principal, product_id: str, retirement: Retirement
) -> tuple[date, int]:
    """The last day, and how many licences have notice by it; others end before.
    Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`."""
    with selling.database.transaction() as tx:
        now: datetime = tx.execute(select(func.now())).scalar_one()
        first = city_date(now + selling.rules.end_notice)
        last_day = retirement.last_day or first
        if last_day < first:
            days = selling.rules.end_notice.days
            raise InvalidInput(
                f"Who bought the product is told {days} days ahead.",
                code="notice_too_short",
                remedy=f"Its last day can be {first.isoformat()} or later.",
                zh=f"产品停用须提前 {days} 天告知购买方。",
                remedy_zh=f"最后一日不得早于 {first.isoformat()}。",
            )
        reason, told = retirement.reason.strip(), list[int]()
        ends_at = datetime.combine(last_day + timedelta(days=1), time(), CITY_TIME)

        def give_notice() -> None:
            told.append(
                selling.buyers.give_notice(
                    tx, product_id, ends_at=ends_at, by=principal.id, now=now, reason=reason
                )
            )

        withdraw_in(
            tx,
            gate=selling.gate,
            principal=principal,
            product_id=product_id,
            reason=reason,
            action="retire_product",
            last_day=last_day,
            before_log=give_notice,
        )
        return last_day, sum(told)
