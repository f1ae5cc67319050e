"""What is left of a licence's limits, for the RateLimit headers. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from marketplace.customers.limits import NO_LIMITS, CompanyLimits
from marketplace.licences.model import Licence
from marketplace.metering.months import month_of, month_span
from marketplace.metering.pace import Pace


@dataclass(frozen=True)
class Limits:
    per_second: int
    left_now: int
    wait: timedelta
    per_month: int
    left_this_month: int
    month_ends_in: timedelta
    company: CompanyLimits = NO_LIMITS
    company_calls: int = 0
    """of the month, over all the company's licences, as far as is known here"""

    def after(self, calls: int) -> Self:
        """With so many calls of the month: `dataclasses.replace` without its checks, for each call."""
        left = max(0, self.per_month - calls)
        return self.__class__(**{**self.__dict__, "left_this_month": left})

    @property
    def company_left(self) -> int | None:
        most = self.company.calls_per_month
        return None if most is None else max(0, most - self.company_calls)


def limits_of(
    licence: Licence,
    pace: Pace,
    *,
    calls: int,
    now: datetime,
    company: CompanyLimits = NO_LIMITS,
    company_calls: int = 0,
) -> Limits:
    """`calls` and `company_calls`: those of the month that count for the quota."""
    return Limits(
        per_second=licence.terms.calls_per_second,
        left_now=pace.left,
        wait=pace.wait,
        per_month=licence.terms.calls_per_month,
        left_this_month=max(0, licence.terms.calls_per_month - calls),
        month_ends_in=month_end(now, licence.time_zone) - now,
        company=company,
        company_calls=company_calls,
    )


ENDS: dict[tuple[str, str], datetime] = {}


def month_end(now: datetime, time_zone: str) -> datetime:
    """When the customer's month ends; computed once a month."""
    at = month_of(now, time_zone), time_zone
    if at not in ENDS:
        ENDS.clear()
        ENDS[at] = month_span(*at)[1]
    return ENDS[at]
