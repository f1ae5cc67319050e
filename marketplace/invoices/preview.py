"""Computes this month's invoice: the sums of its usage lines, by reason, to the last fen. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.metering.model import Reason
from marketplace.metering.month_sums import SumOfReason


@dataclass(frozen=True)
class Item:
    """All lines of one reason: charges, or credits (negative) of charges."""

    reason: Reason
    credit: bool
    lines: int
    amount_fen: int


@dataclass(frozen=True)
class Preview:
    """`total_fen` is the sum of the lines; `first_line` and `last_line` say of which."""

    licence: int
    organisation: str
    product: str
    month: str
    time_zone: str
    items: tuple[Item, ...]
    calls: int
    lines: int
    total_fen: int


def preview(
    *,
    licence: int,
    organisation: str,
    product: str,
    month: str,
    time_zone: str,
    sums: Sequence[SumOfReason],
) -> Preview:
    """The preview from the month's sums, in the order of the reasons."""
    order = list(Reason)
    items = tuple(
        Item(each.reason, each.credit, each.lines, each.amount_fen)
        for each in sorted(sums, key=lambda each: (order.index(each.reason), each.credit))
    )
    return Preview(
        licence,
        organisation,
        product,
        month,
        time_zone,
        items,
        sum(each.calls for each in sums),
        sum(each.lines for each in sums),
        sum(each.amount_fen for each in sums),
    )
