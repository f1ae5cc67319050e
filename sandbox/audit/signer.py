"""Holds the key that signs the log's checkpoints, and remembers what it signed last."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sandbox.audit.note import Checkpoint, NotProven, PublicKey, open_checkpoint, sign_note
from sandbox.errors import Unavailable

ORIGIN = "cihu.local/log"


def write_whole(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a private file so that it is there whole or not at all;
    without `replace` an existing one stays."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            Path(name).replace(path)
        else:
            path.hardlink_to(name)
    finally:
        Path(name).unlink(missing_ok=True)


def signing_key(path: Path, whose: str) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM file (0600), made once. `whose`: "log" or "witness". Raises `Unavailable`."""
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with suppress(FileExistsError):  # another process made the key in this moment: its key is used
            write_whole(path, pem, replace=False)
    if path.stat().st_mode & 0o077:
        raise Unavailable(
            f"Others may read the {whose}'s signing key.", remedy=f"chmod 600 {path.name} in its key folder."
        )
    restore = f"Restore {path.name} from a backup."
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise Unavailable(f"The {whose}'s signing key cannot be read.", remedy=restore) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(f"The {whose}'s signing key is not an Ed25519 key.", remedy=restore)
    return key


class Signer:
    """The log's Ed25519 key, as PEM in `folder`/log.pem (0600), made once.

    `folder`/last is the last checkpoint that it signed. It stands outside the database so that a
    database that was rolled back or rewritten, its checkpoints with it, cannot get a signature that
    contradicts an earlier one.
    """

    def __init__(self, folder: Path, origin: str = ORIGIN) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self.origin = folder, origin
        self.key = signing_key(folder / "log.pem", "log")
        self.public_key = PublicKey(origin, self.key.public_key().public_bytes_raw())

    def last(self) -> Checkpoint | None:
        """What this signer signed last, by its own memory."""
        path = self.folder / "last"
        if not path.exists():
            return None
        try:
            return open_checkpoint(path.read_text(), self.public_key)
        except (NotProven, UnicodeDecodeError) as error:
            raise Unavailable(
                "The log's memory of its last checkpoint is damaged.",
                remedy=(
                    "Verify the log with an older checkpoint before you remove the file "
                    "`last` from its key folder."
                ),
                internal=str(error),
            ) from error

    def sign_statement(self, text: str) -> str:
        """Sign something else than a checkpoint; its first line says what it is,
        and is never this log's origin."""
        if text.split("\n", 1)[0] == self.origin or not text.endswith("\n"):
            raise ValueError("what begins like a checkpoint is signed as one only")
        return sign_note(text, self.origin, self.key)

    def sign(self, checkpoint: Checkpoint) -> str:
        """Sign and remember. Whoever calls has proved that the checkpoint continues the last one."""
        note = sign_note(str(checkpoint), self.origin, self.key)
        write_whole(self.folder / "last", note.encode(), replace=True)
        return note
