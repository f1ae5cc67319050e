"""Generates and checks the text of a key: `chk_`, 32 random letters and digits, 6 of checksum.
Scanners find it, and typos are refused at once."""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "chk_"
RANDOM, CHECK = 32, 6
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM}}})([0-9A-Za-z]{{{CHECK}}})")
START_LENGTH = len(PREFIX) + 6


def make_key(seed: bytes | None = None) -> str:
    """A new key: 190 random bits.
    Out of the same `seed`, 256 bits that nobody can guess, it is the same key each time."""
    spread = hashlib.sha512(b"cihu key:" + (seed or secrets.token_bytes(32))).digest()
    random = in_base_62(int.from_bytes(spread), RANDOM)
    return f"{PREFIX}{random}{checksum(random)}"


def checksum(random: str) -> str:
    """CRC-32 of the prefix and the random part, in base 62. It finds typing errors; it is no secret."""
    return in_base_62(zlib.crc32(f"{PREFIX}{random}".encode()), CHECK)


def in_base_62(number: int, length: int) -> str:
    """Its last digits."""
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(LETTERS))
        digits = LETTERS[digit] + digits
    return digits


def is_well_formed(key: str) -> bool:
    """Whether it could be a key of ours, decided without looking anything up."""
    shape = SHAPE.fullmatch(key)
    return shape is not None and checksum(shape[1]) == shape[2]


def hash_key(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
