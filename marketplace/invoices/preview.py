"""Computes this month's invoice: a pure sum of the usage lines, by reason, to the last fen."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.metering.model import Reason, UsageLine


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
    *, licence: int, organisation: str, product: str, month: str, time_zone: str, lines: Sequence[UsageLine]
) -> Preview:
    """The preview from the month's lines."""
    items = tuple(
        Item(reason, credit, len(amounts), sum(amounts))
        for reason in Reason
        for credit in (False, True)
        if (
            amounts := [
                line.amount_fen
                for line in lines
                if line.reason is reason and (line.compensates is not None) is credit
            ]
        )
    )
    return Preview(
        licence,
        organisation,
        product,
        month,
        time_zone,
        items,
        sum(line.calls for line in lines),
        len(lines),
        sum(item.amount_fen for item in items),
    )
