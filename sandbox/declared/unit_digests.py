"""Computes the digest by which a unit is known behind released numbers: 64 bits, with a key that is the
vault's own.

The same person has the same digest in all datasets of a population, whatever type their names have there.
Whoever has the digests without the key can try no name on them.
"""

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sandbox.audit.signer import write_whole
from sandbox.errors import Unavailable

KEY_BYTES = 32

Digests = npt.NDArray[np.uint64]


class UnitDigests:
    """The key is `folder`/units.key (0600), made once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "units.key"
        if not path.exists():
            with suppress(FileExistsError):  # another process made the key in this moment: its key is used
                write_whole(path, secrets.token_bytes(KEY_BYTES), replace=False)
        if path.stat().st_mode & 0o077:
            raise Unavailable(
                "Others may read the key of the units' digests.",
                remedy="chmod 600 units.key in its key folder.",
            )
        self._key = path.read_bytes()
        if len(self._key) != KEY_BYTES:
            raise Unavailable(
                "The key of the units' digests is damaged.", remedy="Restore units.key from a backup."
            )

    @property
    def id(self) -> str:
        """Which key it is: digests under another cannot be compared with these."""
        return hashlib.blake2b(b"which key", key=self._key, digest_size=8, person=b"cihu key").hexdigest()

    def secret_for(self, purpose: str) -> bytes:
        """A secret that follows from the key, for one other purpose: it tells nothing of the key."""
        return hashlib.blake2b(
            purpose.encode(), key=self._key, digest_size=32, person=b"cihu secret"
        ).digest()

    def of(self, names: Sequence[object], *, population: str, kind: str) -> Digests:
        """One for each name, in their order."""
        begun = hashlib.blake2b(
            f"{population}\0{kind}\0".encode(), key=self._key, digest_size=8, person=b"cihu unit"
        )

        def digest(name: object) -> bytes:
            one = begun.copy()
            one.update(str(name).encode())
            return one.digest()

        return np.frombuffer(b"".join(map(digest, names)), dtype="<u8").astype(np.uint64)
