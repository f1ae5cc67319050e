"""Translates the verdicts of `market.meter` into refusals that callers read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marketplace.keys.verify_key import Verdict, refusal
from marketplace.metering.model import Charge
from sandbox.errors import CihuError, Conflict, Unavailable


@dataclass(frozen=True)
class Committed:
    """A call that may be handed out: its line is durable.

    `replayed`: it was metered before, and costs nothing now; `reference` then says how to hand out the same
    again (None for a held call whose answer is not known yet). `calls`: of the month, with this call.
    """

    usage: str
    month: str
    charge: Charge
    attempt: int
    sequence: int
    calls: int
    replayed: bool = False
    reference: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class RefusedByCommit:
    """A call that the commit refused; nothing was written. `wait`: until the pace allows a call."""

    error: CihuError
    wait: timedelta | None = None


def refused(verdict: str, detail: Mapping[str, Any] | None) -> RefusedByCommit:
    """The refusal that a verdict stands for."""
    wait = timedelta(seconds=float(detail["wait"])) if detail and "wait" in detail else None
    return RefusedByCommit(REFUSALS[verdict](), wait)


def key_revoked() -> CihuError:
    return refusal(Verdict.DISABLED, "This key was revoked.", "Make another on the page of your licence.")


def key_retired() -> CihuError:
    return refusal(Verdict.EXPIRED, "This key was replaced, and its time is over.", "Use its successor.")


def licence_ended() -> CihuError:
    return refusal(Verdict.DISABLED, "The licence was ended by the seller.", "See the reason on its page.")


def licence_expired() -> CihuError:
    return refusal(Verdict.EXPIRED, "The licence has expired.", "Order the product again.")


def licence_ended_by_holder() -> CihuError:
    return refusal(Verdict.DISABLED, "The licence was ended by its holder.", "Order the product again.")


def licence_suspended() -> CihuError:
    return refusal(Verdict.DISABLED, "The licence is suspended by the seller.", "See the reason on its page.")


def not_begun() -> CihuError:
    return refusal(Verdict.FORBIDDEN, "The licence has not begun yet.", "Its page says when it begins.")


def other_product() -> CihuError:
    return refusal(
        Verdict.FORBIDDEN, "This key is for another product.", "The licence's page shows which it opens."
    )


def month_used_up() -> CihuError:
    return refusal(
        Verdict.USAGE_EXCEEDED, "The month's calls are used up.", "The licence says how many it has."
    )


def too_fast() -> CihuError:
    return refusal(
        Verdict.RATE_LIMITED, "Too many calls in this second.", "The licence says how many a second it has."
    )


def company_used_up() -> CihuError:
    return refusal(
        Verdict.USAGE_EXCEEDED,
        "Your company has used up its calls of the month, over all its licences.",
        "An owner or the operator can raise the company's limit: see `cihu company-limits`.",
        zh="贵单位全部许可本月的调用次数已用完。",
        remedy_zh="可由负责人或运营人员调高企业限额：见 `cihu company-limits`。",
    )


def company_bytes_used_up() -> CihuError:
    return refusal(
        Verdict.USAGE_EXCEEDED,
        "Your company has no room for this answer in its bytes of the month, over all its licences.",
        "Ask for less, or let an owner or the operator raise the company's limit.",
        zh="贵单位全部许可本月的字节数已不足以交付此结果。",
        remedy_zh="请减少所取的数据，或由负责人或运营人员调高企业限额。",
    )


def company_too_fast() -> CihuError:
    return refusal(
        Verdict.RATE_LIMITED,
        "Your company makes too many calls in this second, over all its licences.",
        "Call more slowly: `cihu company-limits` says how many a second it has.",
        zh="贵单位全部许可在这一秒内的调用过多。",
        remedy_zh="请放慢调用：每秒限额见 `cihu company-limits`。",
    )


def company_crowded() -> CihuError:
    return refusal(
        Verdict.RATE_LIMITED,
        "Too many calls of your company are being answered at the same time.",
        "Wait for some of them: `cihu company-limits` says how many it may have.",
        zh="贵单位同时进行的调用过多。",
        remedy_zh="请等待部分调用完成：并发限额见 `cihu company-limits`。",
    )


def busy() -> Unavailable:
    return Unavailable(
        "Too many calls wait to be metered. This call costs nothing.",
        code="busy",
        remedy="Try again in a second.",
        zh="等待计量的调用过多。本次调用不收费。",
        remedy_zh="请一秒后重试。",
    )


def used_key() -> CihuError:
    return Conflict(
        "This Idempotency-Key was used for another call.",
        code="idempotency_conflict",
        remedy="Use a new key for a new call.",
    )


REFUSALS = {
    "REVOKED": key_revoked,
    "RETIRED": key_retired,
    "LICENCE_REVOKED": licence_ended,
    "LICENCE_EXPIRED": licence_expired,
    "LICENCE_ENDED": licence_ended_by_holder,
    "LICENCE_SUSPENDED": licence_suspended,
    "NOT_BEGUN": not_begun,
    "OTHER_PRODUCT": other_product,
    "USAGE_EXCEEDED": month_used_up,
    "RATE_LIMITED": too_fast,
    "COMPANY_CALLS": company_used_up,
    "COMPANY_BYTES": company_bytes_used_up,
    "COMPANY_PACE": company_too_fast,
    "CONFLICT": used_key,
}
