"""Computes what a call costs and why.

Pure: from the price that the licence froze, the month so far, and what the call delivers. A charge is the
price of the month with the call, less what the month was charged already. So credits, tiers and rounding come
to the price of the whole, in whatever order lines were written.
"""

from dataclasses import dataclass, field

from marketplace.metering.model import Charge, Reason
from marketplace.offers.price import Price, Quantity


@dataclass(frozen=True)
class MonthSoFar:
    """What a licence used in a month, and was charged for it.

    `charged_fen`: all lines of the month but the one-off fee, credits taken off. `fixed_fen`: the monthly fee
    among them. Lines with the reason SAMPLE, TEST or TRIAL add nothing to `used`.
    """

    used: Quantity = field(default_factory=Quantity)
    charged_fen: int = 0
    fixed_fen: int = 0


def charge(price: Price, month_so_far: MonthSoFar, quantity: Quantity) -> Charge:
    """The charge of one call, without fees. Never negative, and never beyond the month's maximum."""
    if price.free:
        return Charge(Reason.FREE, 0)
    cost = price.usage_cost(month_so_far.used + quantity)
    whole = month_so_far.fixed_fen + cost
    amount = max(0, min(whole, price.most_a_month) - month_so_far.charged_fen)
    if amount:
        return Charge(Reason.VARIABLE, amount)
    if whole > price.most_a_month:
        return Charge(Reason.MAX_REACHED, 0)
    included = within_allowance(price, month_so_far.used + quantity)
    return Charge(Reason.FREE_QUOTA if included else Reason.VARIABLE, 0)


def within_allowance(price: Price, used: Quantity) -> bool:
    """Whether all of it is in what is included; by a price without usage everything is."""
    return all(used.of(each.unit) <= each.included for each in price.usage)


def monthly_fee(price: Price, month_so_far: MonthSoFar) -> Charge | None:
    """The month's fee, a line of its own, once, with the month's first delivery; None if there is none or it
    was charged."""
    if not price.monthly_fee_fen or month_so_far.fixed_fen:
        return None
    amount = min(price.monthly_fee_fen, price.most_a_month - month_so_far.charged_fen)
    return Charge(Reason.FIXED, amount) if amount > 0 else None


def one_off_fee(price: Price, *, charged_before: bool) -> Charge | None:
    """The fee of the licence as a whole, a line of its own, once, with its first delivery.
    It is outside the month's maximum."""
    if not price.one_off_fen or charged_before:
        return None
    return Charge(Reason.FIXED, price.one_off_fen)


def without_charge(*, sample: bool = False, test: bool = False, trial: bool = False) -> Charge | None:
    """The charge of a call that costs nothing whatever the price; None if the price decides. A call in the
    days of grace costs what any other does: else a licence of a day would buy all of them."""
    reasons = ((test, Reason.TEST), (sample, Reason.SAMPLE), (trial, Reason.TRIAL))
    return next((Charge(reason, 0) for applies, reason in reasons if applies), None)
