"""Verifies a key.
The verdict has a code: whether the key is one of ours, still good, and for this product."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select

from marketplace.keys.find import key_of
from marketplace.keys.model import Key
from marketplace.keys.secret import hash_key, is_well_formed
from marketplace.keys.tables import keys
from marketplace.licences.end_licence import expire_if_over
from marketplace.licences.find import lock_licence
from marketplace.licences.model import Licence
from sandbox.database import Transaction
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
    """A good key and its licence, locked until the transaction ends; `now` was read after locking."""

    key: Key
    licence: Licence
    now: datetime
    in_grace: bool


def refusal(verdict: Verdict, message: str, remedy: str = "") -> CihuError:
    """The error of a verdict; its code is the verdict."""
    return REFUSALS[verdict](message, code=verdict.value, remedy=remedy)


def verify_key(tx: Transaction, *, secret: str, product_id: str) -> Verified | CihuError:
    """What the key opens, or the refusal. It is given, not raised: what was found out must be committed."""
    if not is_well_formed(secret):
        return refusal(
            Verdict.NOT_FOUND, "This is not a key.", "Keys begin with chk_; check that it was copied whole."
        )
    row = tx.execute(select(keys).where(keys.c.hash == hash_key(secret))).one_or_none()
    if row is None:
        return refusal(Verdict.NOT_FOUND, "There is no such key.", "Make one on the page of your licence.")
    licence = lock_licence(tx, row.licence)
    now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    # read again: it may have been revoked while we waited for the licence
    key = key_of(tx.execute(select(keys).where(keys.c.id == row.id)).one())
    return judge(tx, key, licence, now, product_id)


def judge(
    tx: Transaction, key: Key, licence: Licence, now: datetime, product_id: str
) -> Verified | CihuError:
    if key.status == "revoked":
        return refusal(Verdict.DISABLED, "This key was revoked.", "Make another on the page of your licence.")
    if key.ends_at is not None and now >= key.ends_at:
        return refusal(Verdict.EXPIRED, "This key was replaced, and its time is over.", "Use its successor.")
    if licence.status == "revoked":
        return refusal(
            Verdict.DISABLED, "The licence was ended by the seller.", "See the reason on its page."
        )
    if expire_if_over(tx, licence, now):
        return refusal(Verdict.EXPIRED, "The licence has expired.", "Order the product again.")
    if now < licence.starts_at:
        return refusal(
            Verdict.FORBIDDEN,
            "The licence has not begun yet.",
            f"It begins at {licence.starts_at.isoformat()}.",
        )
    if licence.product != product_id:
        return refusal(Verdict.FORBIDDEN, "This key is for another product.", f"It opens {licence.product}.")
    return Verified(key, licence, now, in_grace=now >= licence.ends_at)
