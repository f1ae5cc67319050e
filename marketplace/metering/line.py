"""Prices a call that is ready to be handed out, and writes the record of it that the database commits.
Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from json.encoder import encode_basestring_ascii as as_json
from typing import Any, Self

from marketplace.licences.model import Licence
from marketplace.metering.charge import MonthSoFar, charge, monthly_fee, one_off_fee, without_charge
from marketplace.metering.model import Charge, Outcome
from marketplace.metering.months import month_of
from marketplace.offers.price import EPSILON_PARTS, Price, Quantity, Unit
from sandbox.city_time import CITY_TIME


@dataclass(frozen=True)
class MonthState:
    """A licence's month as it was read or last committed. `version` names the state: the commit refuses a
    line that was priced from another. `one_off`: the licence's one-off fee was charged, in whatever month."""

    month: str
    version: int = 0
    calls: int = 0
    so_far: MonthSoFar = field(default_factory=MonthSoFar)
    one_off: bool = False


@dataclass(frozen=True)
class Draft:
    """A call that was checked and fetched (or, if it spends, is to be), not yet priced.

    `request_id` is the caller's Idempotency-Key if `keyed`, else an id of ours. `came` is when it came, on
    the clock of the event loop. `sequence` is its number among the worker's lines.
    """

    licence: Licence
    price: Price
    key: int
    product: str
    request_id: str
    keyed: bool
    payload_hash: bytes
    quantity: Quantity
    outcome: Outcome
    came: float
    sequence: int = 0
    attempt: int = 1
    admitted: bool = False
    """it was within pace and quota, was answered, and is metered anew as what it turned out to be"""
    reference: Mapping[str, Any] | None = None
    release: str | None = None
    test: bool = False
    """the key is a test key: it gets the first rows"""
    month: str | None = None
    """the month that the database named, where its clock differs from ours"""

    def changed(self, **values: Any) -> Self:
        """A copy with other values: `dataclasses.replace` without its checks, because each call is copied."""
        return self.__class__(**{**self.__dict__, **values})

    @property
    def sample(self) -> bool:
        return self.outcome is Outcome.SAMPLE

    def month_at(self, now: datetime) -> str:
        return self.month or month_of(now, self.licence.time_zone)

    def id_at(self, now: datetime) -> str:
        """The line's id: the same for the same request, so that it cannot be written twice.
        A licence's samples of a day are one line."""
        if self.sample:
            kind = "test" if self.test else "sample"
            # the buyer's month may turn within the city's day, and a line is of one month
            day = f"{self.month_at(now)} {now.astimezone(CITY_TIME).date().isoformat()}"
            return line_id(kind, self.licence.id, day, 1)
        return line_id("call", self.licence.id, self.request_id, self.attempt)


@dataclass(frozen=True)
class PricedLine:
    """A line as it goes to the database, and the month as it will be after it."""

    id: str
    charge: Charge
    record: dict[str, Any]
    after: MonthState


def price_line(draft: Draft, state: MonthState | None, *, now: datetime, loop_now: float) -> PricedLine:
    """Price a call from its month so far. A state of another month is not used: the month begins."""
    month = draft.month_at(now)
    if state is None or state.month != month:
        state = MonthState(month, one_off=state.one_off if state else False)
    price = draft.price
    id = draft.id_at(now)
    fees: list[dict[str, Any]] = []
    fixed = one_off = 0
    nothing = without_charge(
        sample=draft.sample,
        test=draft.test,
        trial=price.trial is not None and draft.licence.in_trial(now),
    )
    so_far = state.so_far
    if nothing is not None:
        own, used = nothing, Quantity()
    else:
        used = draft.quantity
        if (fee := one_off_fee(price, charged_before=state.one_off)) is not None:
            one_off = fee.amount_fen
            fees.append(fee_record(id, len(fees), one_off, "licence"))
        if (fee := monthly_fee(price, so_far)) is not None:
            fixed = fee.amount_fen
            fees.append(fee_record(id, len(fees), fixed, "month"))
            so_far = replace(so_far, charged_fen=so_far.charged_fen + fixed, fixed_fen=fixed)
        own = charge(price, so_far, used)
    sample = draft.sample
    calls = 0 if sample else 1
    after = MonthState(
        month,
        state.version + calls,
        state.calls + calls,
        MonthSoFar(so_far.used + used, so_far.charged_fen + own.amount_fen, so_far.fixed_fen),
        state.one_off or one_off > 0,
    )
    record = {
        "id": id,
        "licence": draft.licence.id,
        "key": draft.key,
        "month": month,
        "product": draft.product,
        "release": draft.release,
        "offer": draft.licence.offer_hash,
        "version": state.version,
        "calls": calls,
        "used_calls": used.calls,
        "used_successful": used.successful,
        "used_rows": used.rows,
        "used_bytes": used.bytes,
        "used_epsilon_millionths": used.epsilon_millionths,
        "charged_fen": own.amount_fen + fixed,
        "fixed_fen": fixed,
        "one_off_fen": one_off,
        "one_off": nothing is None and price.one_off_fen > 0,
        "sample": sample,
        "age": max(0.0, loop_now - draft.came),
        "request_id": draft.request_id,
        "keyed": draft.keyed,
        "payload": draft.payload_hash.hex(),
        "attempt": draft.attempt,
        "admitted": draft.admitted,
        "rows": draft.quantity.rows,
        "bytes": draft.quantity.bytes,
        **priced_unit(price, draft),
        "reason": own.reason,
        "amount_fen": own.amount_fen,
        "fees": fees,
        "outcome": draft.outcome,
        "sequence": draft.sequence,
        "reference": draft.reference,
    }
    return PricedLine(id, own, record, after)


def priced_unit(price: Price, draft: Draft) -> dict[str, Any]:
    """What the line counts, how much of it, and the price of a unit where there is one price."""
    if draft.sample:
        return {"quantity": "1", "unit": "sample", "price_fen": 0}
    if len(price.usage) != 1:
        return {"quantity": "1", "unit": Unit.CALL, "price_fen": None if price.usage else 0}
    usage = price.usage[0]
    counted = draft.quantity.of(usage.unit)
    single = len(usage.tiers) == 1 and usage.tiers[0].per == 1
    return {
        "quantity": str(Decimal(counted.numerator) / counted.denominator),
        "unit": usage.unit,
        "price_fen": usage.tiers[0].fen if single else None,
    }


def fee_record(call: str, number: int, fen: int, unit: str) -> dict[str, Any]:
    """A fee's line, named after the call that it came due with."""
    return {"n": number, "id": line_id(f"fee {unit}", 0, call, 1), "fen": fen, "unit": unit}


def line_id(kind: str, licence_id: int, request_id: str, attempt: int) -> str:
    text = f'["{kind}", {licence_id}, {as_json(request_id)}, {attempt}]'  # as json.dumps writes the list
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def state_of(sums: Mapping[str, Any], *, one_off: bool) -> MonthState:
    """The month as the database gives it with its verdicts."""
    calls, successful, rows, size, epsilon = sums["used"]
    return MonthState(
        sums["month"],
        sums["version"],
        sums["calls"],
        MonthSoFar(Quantity(calls, successful, rows, size, epsilon), sums["charged_fen"], sums["fixed_fen"]),
        one_off or sums["one_off_fen"] > 0,
    )


def millionths(epsilon: str) -> int:
    """A privacy loss, written as a decimal of at most six places, in millionths."""
    return int(Decimal(epsilon) * EPSILON_PARTS)
