"""Keeps an issuer's private keys: one file each, which only the service itself can read."""

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sandbox.errors import Unavailable


class KeyFolder:
    """PEM files named KID.pem, mode 0600, in a folder of mode 0700."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder

    def write(self, kid: str, key: Ed25519PrivateKey) -> None:
        """Keep a key: the whole file is there, on disk, or none of it."""
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        beside = self.path(kid).with_suffix(f".{os.getpid()}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path(kid))

    def find(self, kid: str) -> Ed25519PrivateKey | None:
        """The key, if it is kept here.
        Raises `Unavailable` if others can read the file, or it is no Ed25519 key."""
        path = self.path(kid)
        try:
            mode, pem = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
        except FileNotFoundError:
            return None
        if mode & 0o077:
            raise Unavailable(
                "A private signing key can be read by others.",
                remedy="Set its mode to 0600, then rotate it.",
                internal=str(path),
            )
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise Unavailable(
                "A private signing key cannot be read.",
                remedy="Take the file away: a new key is made.",
                internal=str(path),
            )
        return key

    def forget(self, kid: str) -> None:
        self.path(kid).unlink(missing_ok=True)

    def path(self, kid: str) -> Path:
        return self.folder / f"{kid}.pem"
