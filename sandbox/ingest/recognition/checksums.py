"""The checks of what has the form of an identifier: check characters, days that exist, known regions.

Each takes texts of digits and capital letters alone (`ipv6`: as they stand), all of which have the form, and
says which are right. They compute on whole columns: a text is a row of bytes.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.recognition.column_texts import Mask

Digits = npt.NDArray[np.int64]

PROVINCES = np.array(
    [
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        71,
        81,
        82,
        83,
    ]
)
"""The first two digits of a resident's region: those of GB/T 2260, and 83, with which the residence permits
of people from Taiwan begin (《港澳台居民居住证申领发放办法》, 2018)."""
IDENTITY_WEIGHTS = np.array([pow(2, 17 - place, 11) for place in range(17)])
CREDIT_SIGNS = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
CREDIT_VALUE = np.full(256, -1, np.int64)
CREDIT_VALUE[np.frombuffer(CREDIT_SIGNS, np.uint8)] = np.arange(len(CREDIT_SIGNS))
DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
LONGEST_CARD = 19


@dataclass(frozen=True)
class Checksum:
    """`chance`: how often a random text that has the form passes.

    `believed`: up to this many texts with the form, one that passes is enough: the form is rare already.
    """

    passes: Callable[[pa.Array], Mask]
    chance: float
    believed: int = 0


def _bytes(texts: pa.Array, width: int) -> npt.NDArray[np.uint8]:
    """A row of `width` bytes for each text; a shorter one has zeros before it."""
    padded = pc.cast(pc.ascii_lpad(texts, width, "\0"), pa.binary(width))
    matrix: npt.NDArray[np.uint8] = np.frombuffer(
        padded.buffers()[1], np.uint8, count=len(texts) * width, offset=padded.offset * width
    ).reshape(len(texts), width)
    return matrix


def _digits(signs: npt.NDArray[np.uint8]) -> Digits:
    return signs.astype(np.int64) - ord("0")


def _are_days(year: Digits, month: Digits, day: Digits) -> Mask:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    known = (month >= 1) & (month <= 12)
    last = DAYS[np.where(known, month - 1, 0)] + (leap & (month == 2))
    mask: Mask = known & (day >= 1) & (day <= last)
    return mask


def resident_identity(texts: pa.Array) -> Mask:
    """18 characters: region, day of birth, and ISO 7064 MOD 11-2. Source: GB 11643-1999."""
    signs = _bytes(texts, 18)
    digits = _digits(signs)
    digits[:, 17] = np.where(signs[:, 17] == ord("X"), 10, digits[:, 17])
    check = (12 - digits[:, :17] @ IDENTITY_WEIGHTS % 11) % 11
    year, month, day = (
        digits[:, first:end] @ 10 ** np.arange(end - first - 1, -1, -1)
        for first, end in ((6, 10), (10, 12), (12, 14))
    )
    region = digits[:, 0] * 10 + digits[:, 1]
    mask: Mask = np.isin(region, PROVINCES) & _are_days(year, month, day) & (digits[:, 17] == check)
    return mask


def resident_identity_15(texts: pa.Array) -> Mask:
    """15 digits: region and day of birth in the years 1900 to 1999; it has no check character."""
    digits = _digits(_bytes(texts, 15))
    year, month, day = (
        digits[:, first] * 10 + digits[:, first + 1] + century
        for first, century in ((6, 1900), (8, 0), (10, 0))
    )
    region = digits[:, 0] * 10 + digits[:, 1]
    mask: Mask = np.isin(region, PROVINCES) & _are_days(year, month, day)
    return mask


def social_credit(texts: pa.Array) -> Mask:
    """18 signs of 31, the last of which makes the weighted sum a multiple of 31. Source: GB 32100-2015.

    The region is a province, or 10 for organisations of the state.
    """
    signs = _bytes(texts, 18)
    values = CREDIT_VALUE[signs]
    region = _digits(signs[:, 2:4]) @ np.array([10, 1])
    check = (31 - values[:, :17] @ CREDIT_WEIGHTS % 31) % 31
    known = np.isin(region, PROVINCES) | (region == 10)
    mask: Mask = known & (values >= 0).all(axis=1) & (values[:, 17] == check)
    return mask


def luhn(texts: pa.Array) -> Mask:
    """The check digit of bank cards. Source: ISO/IEC 7812-1, annex B."""
    signs = _bytes(texts, LONGEST_CARD)
    digits = np.where(signs == 0, 0, _digits(signs))
    doubled = digits[:, -2::-2] * 2
    total = digits[:, -1::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    mask: Mask = total % 10 == 0
    return mask


def ipv6(texts: pa.Array) -> Mask:
    """Written as RFC 4291 allows. A time of day or a hardware address is not."""
    return np.array([_is_ipv6(text) for text in texts.to_pylist()], np.bool_)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.count(":") > 2 or len(text) > 8  # ::1 and 1::2 could be anything


CHECKSUMS = {
    # these have a region and a day of birth in their form
    "resident_identity": Checksum(resident_identity, 1 / 11, believed=20),
    "resident_identity_15": Checksum(resident_identity_15, 0.4, believed=20),
    "social_credit": Checksum(social_credit, 1 / 31),
    "luhn": Checksum(luhn, 1 / 10),
    "ipv6": Checksum(ipv6, 0),
}
