"""Computes the charge of a call and its reason.
Pure: from the terms, what the month has seen so far, and the kind of the call."""

from marketplace.metering.model import Charge, Reason, SoFar
from marketplace.money import LARGEST_FEN
from marketplace.products.model import Terms


def charge(
    terms: Terms, so_far: SoFar, *, sample: bool = False, in_grace: bool = False
) -> tuple[Charge, ...]:
    """The charges of one call: its own, last, and before it the month's fee if that is due.

    The sum of a month's charges never goes above the cap.
    """
    if sample:
        return (Charge(Reason.SAMPLE, 0),)
    if in_grace:
        return (Charge(Reason.GRACE, 0),)
    charges: list[Charge] = []
    charged = so_far.charged_fen
    if terms.monthly_fee_fen and not so_far.fee_charged:
        fee = min(terms.monthly_fee_fen, left_of_cap(terms, charged))
        charges.append(Charge(Reason.FIXED, fee))
        charged += fee
    return (*charges, price(terms, so_far, charged))


def price(terms: Terms, so_far: SoFar, charged_fen: int) -> Charge:
    """The charge of the call itself."""
    if so_far.free_calls < terms.free_calls:
        return Charge(Reason.FREE_QUOTA, 0)
    left = left_of_cap(terms, charged_fen)
    if left == 0 and terms.price_fen:
        return Charge(Reason.MAX_REACHED, 0)
    return Charge(Reason.VARIABLE, min(terms.price_fen, left))


def left_of_cap(terms: Terms, charged_fen: int) -> int:
    """How much may still be charged in the month. Without a cap it is what no bill comes near, so that
    a month's sum is exact wherever it is read."""
    cap = LARGEST_FEN if terms.cap_fen is None else terms.cap_fen
    return max(0, cap - charged_fen)
