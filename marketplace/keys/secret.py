"""Generates and checks the text of a key: `chk_`, 32 random letters and digits, 6 of checksum."""

import hashlib

from sandbox.identity import scannable_secret
from sandbox.identity.scannable_secret import LETTERS

__all__ = ["LETTERS", "START_LENGTH", "hash_key", "is_well_formed", "make_key"]

PREFIX = "chk_"
START_LENGTH = len(PREFIX) + 6


def make_key(seed: bytes | None = None) -> str:
    """A new key; out of the same `seed` the same one (`scannable_secret.make_secret`)."""
    return scannable_secret.make_secret(PREFIX, seed)


def is_well_formed(key: str) -> bool:
    """Whether it could be a key of ours, decided without looking anything up."""
    return scannable_secret.is_well_formed(PREFIX, key)


def hash_key(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
