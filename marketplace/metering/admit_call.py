"""Admits a call: verified, limited, charged and written down in one transaction.

The order: key, licence, scope, grade, rate, parameters, retry, quota, charge. The licence's row is locked
from the second step on, so calls under one licence follow one another, on however many processes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.keys.verify_key import Verdict, Verified, refusal, verify_key
from marketplace.licences.model import Licence
from marketplace.metering.charge import charge
from marketplace.metering.model import Charge, Reason, SoFar
from marketplace.metering.months import month_of, month_span
from marketplace.metering.pace import Pace, take
from marketplace.metering.tables import months, paces, requests, usage_lines
from marketplace.products.find import find_product
from marketplace.products.model import Product
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.policy import Grades


@dataclass(frozen=True)
class Call:
    """What was sent. `request_id` names it: the caller's Idempotency-Key, or an id of ours."""

    secret: str = field(repr=False)
    product: str
    given: Mapping[str, str]
    request_id: str
    sample: bool = False

    @property
    def payload_hash(self) -> bytes:
        text = json.dumps([self.product, self.sample, sorted(self.given.items())], ensure_ascii=False)
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Limits:
    """What is left, for the RateLimit headers."""

    per_second: int
    left_now: int
    wait: timedelta
    per_month: int
    left_this_month: int
    month_ends_in: timedelta


@dataclass(frozen=True)
class Admission:
    """A call that may be delivered. `replayed`: it was metered before, and costs nothing now."""

    product: Product
    licence: Licence
    request_id: str
    usage: str
    charge: Charge
    replayed: bool
    reference: Mapping[str, Any] | None
    log_index: int | None
    limits: Limits


@dataclass(frozen=True)
class Refused:
    """A call that may not be; `limits` are known once the key was good."""

    error: CihuError
    limits: Limits | None = None


Check = Callable[[Product, Call], None]


def admit_call(tx: Transaction, *, grades: Grades, call: Call, check: Check) -> Admission | Refused:
    """Verify and meter a call. A refusal is given, not raised: the transaction is to be committed either way.

    `check` raises `InvalidInput` for parameters that the product does not have: such a call costs nothing.
    """
    verified = verify_key(tx, secret=call.secret, product_id=call.product)
    if isinstance(verified, CihuError):
        return Refused(verified)
    product = find_product(tx, verified.licence.product)
    if not grades.allows(product.grade, product.way):
        return Refused(refusal(Verdict.FORBIDDEN, "The grade of the data no longer allows this product."))
    if call.sample and product.kind != "rows":
        return Refused(refusal(Verdict.FORBIDDEN, "Only products of rows have samples."))
    licence, month = verified.licence, month_of(verified.now, verified.licence.time_zone)
    so_far = read_month(tx, licence.id, month)
    pace = keep_pace(tx, licence, verified.now)
    limits = limits_of(licence, so_far, pace, verified.now, month)
    if not pace.allowed:
        return Refused(
            refusal(
                Verdict.RATE_LIMITED,
                "Too many calls in this second.",
                f"The licence allows {licence.terms.calls_per_second} a second.",
            ),
            limits,
        )
    try:
        check(product, call)
    except InvalidInput as error:
        return Refused(error, limits)
    known = tx.execute(
        select(requests).where(requests.c.licence == licence.id, requests.c.request_id == call.request_id)
    ).one_or_none()
    if known is not None and known.payload_hash != call.payload_hash:
        return Refused(
            Conflict(
                "This Idempotency-Key was used for another call.",
                code="idempotency_conflict",
                remedy="Use a new key for a new call.",
            ),
            limits,
        )
    if known is not None and known.state != "credited":
        return replay(tx, known, product, licence, limits)
    if so_far.calls >= licence.terms.calls_per_month and not call.sample:
        return Refused(
            refusal(
                Verdict.USAGE_EXCEEDED,
                "The month's calls are used up.",
                f"The licence allows {licence.terms.calls_per_month} a month.",
            ),
            limits,
        )
    return meter(
        tx, call, verified, product, so_far, month, limits, attempt=known.attempt + 1 if known else 1
    )


def meter(
    tx: Transaction,
    call: Call,
    verified: Verified,
    product: Product,
    so_far: SoFar,
    month: str,
    limits: Limits,
    *,
    attempt: int,
) -> Admission:
    """Write the lines, the month's sum and the request. The caller holds the licence."""
    licence = verified.licence
    *fees, own = charge(licence.terms, so_far, sample=call.sample, in_grace=verified.in_grace)
    usage = line_id("call", licence.id, call.request_id, attempt)
    log_index = append(
        tx,
        Event(
            kind="call.metered",
            actor=f"key:{verified.key.id}",
            subject=f"licence:{licence.id}",
            payload={
                "usage": usage,
                "product": product.id,
                "month": month,
                "reason": own.reason,
                "amount_fen": own.amount_fen,
                "fee_fen": sum(fee.amount_fen for fee in fees),
            },
        ),
    )
    common = {
        "licence": licence.id,
        "key": verified.key.id,
        "month": month,
        "at": verified.now,
        "log_index": log_index,
    }
    lines = [{"id": usage, "reason": own.reason, "calls": 1, "amount_fen": own.amount_fen, **common}]
    lines += [
        {
            "id": line_id("fee", licence.id, month, 1),
            "reason": fee.reason,
            "calls": 0,
            "amount_fen": fee.amount_fen,
            **common,
        }
        for fee in fees
    ]
    tx.execute(insert(usage_lines), lines)
    add_to_month(
        tx,
        licence.id,
        month,
        calls=0 if call.sample else 1,
        free_calls=int(own.reason is Reason.FREE_QUOTA),
        charged_fen=sum(each.amount_fen for each in (*fees, own)),
        fee=bool(fees),
    )
    row = {
        "payload_hash": call.payload_hash,
        "usage": usage,
        "attempt": attempt,
        "state": "metered",
        "reference": None,
        "at": verified.now,
    }
    tx.execute(
        upsert(requests)
        .values(licence=licence.id, request_id=call.request_id, **row)
        .on_conflict_do_update(index_elements=[requests.c.licence, requests.c.request_id], set_=row)
    )
    left = limits if call.sample else replace(limits, left_this_month=limits.left_this_month - 1)
    return Admission(product, licence, call.request_id, usage, own, False, None, log_index, left)


def replay(tx: Transaction, known: Row[Any], product: Product, licence: Licence, limits: Limits) -> Admission:
    line = tx.execute(select(usage_lines).where(usage_lines.c.id == known.usage)).one()
    return Admission(
        product,
        licence,
        known.request_id,
        line.id,
        Charge(Reason(line.reason), line.amount_fen),
        True,
        known.reference,
        line.log_index,
        limits,
    )


def keep_pace(tx: Transaction, licence: Licence, now: datetime) -> Pace:
    next_at = tx.execute(select(paces.c.next_at).where(paces.c.licence == licence.id)).scalar()
    pace = take(now=now, next_at=next_at, per_second=licence.terms.calls_per_second)
    if pace.allowed:
        tx.execute(
            upsert(paces)
            .values(licence=licence.id, next_at=pace.next_at)
            .on_conflict_do_update(index_elements=[paces.c.licence], set_={"next_at": pace.next_at})
        )
    return pace


def read_month(tx: Transaction, licence_id: int, month: str) -> SoFar:
    row = tx.execute(
        select(months).where(months.c.licence == licence_id, months.c.month == month)
    ).one_or_none()
    return SoFar(row.calls, row.free_calls, row.charged_fen, row.fee_charged) if row else SoFar()


def add_to_month(
    tx: Transaction,
    licence_id: int,
    month: str,
    *,
    calls: int,
    free_calls: int,
    charged_fen: int,
    fee: bool = False,
) -> None:
    """Add to the month's running sum; a credit adds negative numbers."""
    row = {"calls": calls, "free_calls": free_calls, "charged_fen": charged_fen, "fee_charged": fee}
    tx.execute(
        upsert(months)
        .values(licence=licence_id, month=month, **row)
        .on_conflict_do_update(
            index_elements=[months.c.licence, months.c.month],
            set_={
                "calls": months.c.calls + calls,
                "free_calls": months.c.free_calls + free_calls,
                "charged_fen": months.c.charged_fen + charged_fen,
                "fee_charged": or_(months.c.fee_charged, literal(fee)),
            },
        )
    )


def limits_of(licence: Licence, so_far: SoFar, pace: Pace, now: datetime, month: str) -> Limits:
    _, ends = month_span(month, licence.time_zone)
    return Limits(
        per_second=licence.terms.calls_per_second,
        left_now=pace.left,
        wait=pace.wait,
        per_month=licence.terms.calls_per_month,
        left_this_month=max(0, licence.terms.calls_per_month - so_far.calls),
        month_ends_in=ends - now,
    )


def line_id(kind: str, licence_id: int, request_id: str, attempt: int) -> str:
    """The id of a line: the same for the same request, so that it cannot be written twice."""
    text = json.dumps([kind, licence_id, request_id, attempt])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
