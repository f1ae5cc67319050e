"""Hashes and verifies passwords with Argon2id, with the same work whether or not there is anything to compare
with."""

import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sandbox.errors import InvalidInput

# characters; NIST SP 800-63B asks for at least 8, and that long passwords be accepted
SHORTEST, LONGEST = 8, 256
HASHER = PasswordHasher()  # argon2-cffi's default: argon2id as RFC 9106's second recommendation, 64 MiB
AT_ONCE = BoundedSemaphore(4)  # each hashing holds 64 MiB: a flood of logins may wait, not fill the memory


def hash_password(password: str) -> str:
    """The PHC string to store. Raises `InvalidInput` if the password is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            code="password_length",
            remedy="A few words make a good one.",
        )
    with AT_ONCE:
        return HASHER.hash(normal(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Whether `password` gave `stored`. Without a stored hash it does the same work and says no."""
    tested = normal(password[:LONGEST])
    with AT_ONCE:
        try:
            HASHER.verify(stored or nobodys_hash(), tested)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None and len(password) <= LONGEST


def is_outdated(stored: str) -> bool:
    """Whether `stored` was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def normal(password: str) -> bytes:
    """One spelling of a password: keyboards differ in how they compose a letter (NIST SP 800-63B: NFKC)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def nobodys_hash() -> str:
    return HASHER.hash(b"nobody has this password")
