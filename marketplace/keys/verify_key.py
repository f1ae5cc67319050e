"""Checks a key: the first lock of a call. A verdict has a code, for programs, and a reason, for people.

Pure: from the key and its licence as they were read. The commit of the call checks again (`market.meter`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from marketplace.keys.admits import Scope, admits
from marketplace.keys.model import Key
from marketplace.keys.secret import is_well_formed
from marketplace.licences.model import Licence
from sandbox.errors import CihuError, Forbidden, NotAuthenticated, TooMany


class Verdict(StrEnum):
    VALID = "VALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    USAGE_EXCEEDED = "USAGE_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"


REFUSALS: dict[Verdict, type[CihuError]] = {
    Verdict.NOT_FOUND: NotAuthenticated,
    Verdict.FORBIDDEN: Forbidden,
    Verdict.DISABLED: Forbidden,
    Verdict.EXPIRED: Forbidden,
    Verdict.USAGE_EXCEEDED: TooMany,
    Verdict.RATE_LIMITED: TooMany,
}


@dataclass(frozen=True)
class Verified:
    """A good key and its licence."""

    key: Key
    licence: Licence
    in_grace: bool


def refusal(
    verdict: Verdict, message: str, remedy: str = "", *, zh: str = "", remedy_zh: str = ""
) -> CihuError:
    """The error of a verdict; its code is the verdict."""
    return REFUSALS[verdict](message, code=verdict.value, remedy=remedy, zh=zh, remedy_zh=remedy_zh)


def check_shape(secret: str) -> CihuError | None:
    """The refusal of what cannot be a key of ours, without looking anything up."""
    if is_well_formed(secret):
        return None
    return refusal(
        Verdict.NOT_FOUND, "This is not a key.", "Keys begin with chk_; check that it was copied whole."
    )


def no_such_key() -> CihuError:
    return refusal(Verdict.NOT_FOUND, "There is no such key.", "Make one on the page of your licence.")


def is_over(licence: Licence, now: datetime) -> bool:
    """Whether its days and its days of grace have passed."""
    return licence.status == "expired" or now >= licence.over_at


def judge(
    key: Key, licence: Licence, now: datetime, product_id: str, *, scope: Scope, address: str
) -> Verified | CihuError:
    """What the key opens, or the refusal."""
    if (denied := admits(key, scope=scope, address=address, now=now)) is not None:
        return refusal(Verdict(denied.verdict), denied.message, denied.remedy)
    if licence.status == "revoked":
        return refusal(
            Verdict.DISABLED, "The licence was ended by the seller.", "See the reason on its page."
        )
    if licence.status == "ended":
        return refusal(Verdict.DISABLED, "The licence was ended by its holder.", "Order the product again.")
    if is_over(licence, now):
        return refusal(Verdict.EXPIRED, "The licence has expired.", "Order the product again.")
    if licence.status == "suspended":
        return refusal(
            Verdict.DISABLED, "The licence is suspended by the seller.", "See the reason on its page."
        )
    if now < licence.starts_at:
        return refusal(
            Verdict.FORBIDDEN,
            "The licence has not begun yet.",
            f"It begins at {licence.starts_at.isoformat()}.",
        )
    if licence.product != product_id:
        return refusal(Verdict.FORBIDDEN, "This key is for another product.", f"It opens {licence.product}.")
    return Verified(key, licence, in_grace=now >= licence.ends_at)
