"""Hashes and verifies passwords with Argon2id, with the same work whether or not there is anything to compare
with."""

import os
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sandbox.errors import InvalidInput

# characters; NIST SP 800-63B asks for at least 8, and that long passwords be accepted
SHORTEST, LONGEST = 8, 256
HASHER = PasswordHasher()  # argon2-cffi's default: argon2id as RFC 9106's second recommendation, 64 MiB
# each hashing holds 64 MiB and computes: a flood of logins may wait, and fills neither memory nor processors
AT_ONCE = max(1, min(4, (os.cpu_count() or 2) // 2))
NICE = 10


def hash_password(password: str) -> str:
    """The PHC string to store. Raises `InvalidInput` if the password is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"A password has {SHORTEST} to {LONGEST} characters.",
            code="password_length",
            remedy="A few words make a good one.",
        )
    return hashers().submit(HASHER.hash, normal(password)).result()


def password_matches(stored: str | None, password: str) -> bool:
    """Whether `password` gave `stored`. Without a stored hash it does the same work and says no."""
    tested = normal(password[:LONGEST])
    try:
        hashers().submit(HASHER.verify, stored or nobodys_hash(), tested).result()
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None and len(password) <= LONGEST


@cache
def hashers() -> ThreadPoolExecutor:
    """The few threads that hash, whoever waits for them: behind everything else that the process does."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords", initializer=give_way)


def give_way() -> None:
    """Let this thread run when nobody else of the machine wants to: a paid call is not delayed by logins."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def is_outdated(stored: str) -> bool:
    """Whether `stored` was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def normal(password: str) -> bytes:
    """One spelling of a password: keyboards differ in how they compose a letter (NIST SP 800-63B: NFKC)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def nobodys_hash() -> str:
    return HASHER.hash(b"nobody has this password")
