"""Generates and checks secrets that scanners find: a prefix, random letters and digits, a checksum.
A typing error is refused at once."""

import hashlib
import re
import secrets
import string
import zlib

RANDOM, CHECK = 32, 6
LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
AFTER_PREFIX = re.compile(rf"([0-9A-Za-z]{{{RANDOM}}})([0-9A-Za-z]{{{CHECK}}})")


def make_secret(prefix: str, seed: bytes | None = None) -> str:
    """A new secret: 190 random bits.
    Out of the same `seed`, 256 bits that nobody can guess, it is the same secret each time."""
    spread = hashlib.sha512(b"cihu key:" + (seed or secrets.token_bytes(32))).digest()
    random = in_base_62(int.from_bytes(spread), RANDOM)
    return f"{prefix}{random}{checksum(prefix, random)}"


def checksum(prefix: str, random: str) -> str:
    """CRC-32 of the prefix and the random part, in base 62. It finds typing errors; it is no secret."""
    return in_base_62(zlib.crc32(f"{prefix}{random}".encode()), CHECK)


def in_base_62(number: int, length: int) -> str:
    """Its last digits."""
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(LETTERS))
        digits = LETTERS[digit] + digits
    return digits


def is_well_formed(prefix: str, secret: str) -> bool:
    """Whether it could be a secret of ours, decided without looking anything up."""
    if not secret.startswith(prefix):
        return False
    shape = AFTER_PREFIX.fullmatch(secret, len(prefix))
    return shape is not None and checksum(prefix, shape[1]) == shape[2]
