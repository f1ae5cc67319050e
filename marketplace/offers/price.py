"""Defines a price: a frozen, validated document of whole fen, and what a month's use costs by it.

A rate is `fen` for `per` units, so that less than a fen for a row is exact: 3 fen per 1,000 rows. Each
component of a month is rounded once, on the month's quantity so far, in the direction that the document
states. So a month costs the same however its use was split into calls.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from marketplace.money import LARGEST_FEN

Fen = Annotated[int, Field(strict=True, ge=0, le=LARGEST_FEN)]
Units = Annotated[int, Field(strict=True, ge=1, le=10**15)]
EPSILON_PARTS = 10**6  # a privacy loss has at most six decimals


class Unit(StrEnum):
    """What a price can count."""

    CALL = "call"
    """an answered call"""
    SUCCESSFUL_CALL = "successful_call"
    """an answered call that found something"""
    MODEL_CALL = "model_call"
    """an answered call of a model, for however many rows"""
    ROW = "row"
    BYTE = "byte"
    EPSILON = "epsilon"
    """one unit of privacy loss"""


@dataclass(frozen=True)
class Quantity:
    """What a call delivered, or a month so far. Privacy loss is counted in millionths of an epsilon."""

    calls: int = 0
    successful: int = 0
    rows: int = 0
    bytes: int = 0
    epsilon_millionths: int = 0

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(
            self.calls + other.calls,
            self.successful + other.successful,
            self.rows + other.rows,
            self.bytes + other.bytes,
            self.epsilon_millionths + other.epsilon_millionths,
        )

    def of(self, unit: Unit) -> Fraction | int:
        """How many units, exactly."""
        match unit:
            case Unit.CALL | Unit.MODEL_CALL:
                return self.calls
            case Unit.SUCCESSFUL_CALL:
                return self.successful
            case Unit.ROW:
                return self.rows
            case Unit.BYTE:
                return self.bytes
            case Unit.EPSILON:
                return Fraction(self.epsilon_millionths, EPSILON_PARTS)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tier(Frozen):
    """`fen` for every `per` units of those up to `up_to` in the month; the last tier has no end."""

    up_to: Units | None = None
    fen: Fen
    per: Units = 1


class Usage(Frozen):
    """A price by quantity: the first `included` units of a month are free, and the others cost what the tier
    that they fall into says (graduated: a higher tier changes nothing for the units below it)."""

    unit: Unit
    included: Annotated[int, Field(strict=True, ge=0, le=10**15)] = 0
    tiers: tuple[Tier, ...] = Field(min_length=1, max_length=20)
    rounding: Literal["down", "half_up", "up"] = "down"

    @model_validator(mode="after")
    def tiers_rise_to_the_end(self) -> Self:
        ends = [tier.up_to for tier in self.tiers[:-1]]
        if self.tiers[-1].up_to is not None or None in ends:
            raise ValueError("the last tier, and only the last, has no up_to")
        rising = [end for end in ends if end is not None]
        if any(low >= high for low, high in pairwise(rising)):
            raise ValueError("each tier ends above the one before it")
        return self

    def cost(self, quantity: Fraction | int) -> int:
        """Of a month's quantity, in whole fen, rounded once."""
        paid: Fraction | int = max(0, quantity - self.included)
        begin: Fraction | int = 0
        exact: Fraction | int = 0
        for tier in self.tiers:
            end = paid if tier.up_to is None else min(paid, tier.up_to)
            if end > begin:
                # whole numbers stay whole: fractions are slow, and each call is priced
                exact += (end - begin) * (tier.fen if tier.per == 1 else Fraction(tier.fen, tier.per))
                begin = end
        match self.rounding:
            case "down":
                return int(exact)
            case "half_up":
                return int(exact + Fraction(1, 2))
            case "up":
                return -int(-exact // 1)

    @property
    def dearest(self) -> Tier:
        return max(self.tiers, key=lambda tier: Fraction(tier.fen, tier.per))


class Trial(Frozen):
    """The first days of a company's first licence of the product cost nothing."""

    days: Annotated[int, Field(strict=True, ge=1, le=366)]


class Price(Frozen):
    """What a licence costs.

    `free` has to be written: a document without any price is not free by itself. `monthly_fee_fen` is a
    subscription (its allowance is `included` of the usage), `one_off_fen` is due once, with the first
    delivery, `month_maximum_fen` is the most that usage and monthly fee of one month come to.
    """

    free: bool = False
    usage: tuple[Usage, ...] = Field(default=(), max_length=len(Unit))
    monthly_fee_fen: Fen = 0
    month_maximum_fen: Fen | None = None
    one_off_fen: Fen = 0
    trial: Trial | None = None

    @model_validator(mode="after")
    def says_what_it_costs(self) -> Self:
        priced = bool(self.usage or self.monthly_fee_fen or self.one_off_fen)
        if self.free == priced:
            raise ValueError("a price is either free, or says what it costs: usage, monthly fee or one-off")
        if self.free and (self.trial or self.month_maximum_fen is not None):
            raise ValueError("what is free needs no trial and no monthly maximum")
        if self.month_maximum_fen is not None and self.monthly_fee_fen > self.month_maximum_fen:
            raise ValueError("the monthly fee is above the monthly maximum")
        if len({usage.unit for usage in self.usage}) < len(self.usage):
            raise ValueError("a unit is priced twice")
        return self

    @property
    def most_a_month(self) -> int:
        """Without a maximum it is what no bill comes near, so that a month's sum is exact wherever it is
        read."""
        return LARGEST_FEN if self.month_maximum_fen is None else self.month_maximum_fen

    def usage_cost(self, used: Quantity) -> int:
        """Of a month's use, in fen, without fees and maximum."""
        return min(LARGEST_FEN, sum(each.cost(used.of(each.unit)) for each in self.usage))


def per_call(price_fen: int, *, free_calls: int = 0) -> tuple[Usage, ...]:
    """One price for every call after the free ones; nothing if calls cost nothing."""
    if not price_fen:
        return ()
    return (Usage(unit=Unit.CALL, included=free_calls, tiers=(Tier(fen=price_fen),)),)
