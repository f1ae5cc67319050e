"""Makes keyed pseudonyms: HMAC-SHA256 of a normalised value, with a key that never leaves the vault.

Each dataset has a key of its own, or each name under which datasets of one department share it. The keys are
derived from one secret of the vault. Whoever has pseudonyms without it can try no value on them.
"""

import hashlib
import hmac
import secrets
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.audit.signer import write_whole
from sandbox.errors import Unavailable
from sandbox.ingest.identifiers import normalise

KEY_BYTES = 32
HEX_DIGITS = 32
"""128 bits: two of sixteen million values get one pseudonym with a probability below 10^-24."""


class PseudonymKeys:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def kept_in(cls, folder: Path) -> "PseudonymKeys":
        """The secret is `folder`/pseudonyms.key (0600), made once. Raises `Unavailable`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "pseudonyms.key"
        if not path.exists():
            with suppress(FileExistsError):  # another process made it in this moment: that one is used
                write_whole(path, secrets.token_bytes(KEY_BYTES), replace=False)
        if path.stat().st_mode & 0o077:
            raise Unavailable(
                "Others may read the key of the pseudonyms.",
                remedy="chmod 600 pseudonyms.key in its key folder.",
                zh="他人可以读取假名密钥。",
                remedy_zh="请在密钥文件夹中执行 chmod 600 pseudonyms.key。",
            )
        secret = path.read_bytes()
        if len(secret) != KEY_BYTES:
            raise Unavailable(
                "The key of the pseudonyms is damaged.",
                remedy="Restore pseudonyms.key from a backup.",
                zh="假名密钥已损坏。",
                remedy_zh="请从备份恢复 pseudonyms.key。",
            )
        return cls(secret)

    def key(self, *, department: str, dataset: str, shared_as: str) -> bytes:
        """The key of a dataset, or of a name that datasets of a department share."""
        scope = f"shared\0{shared_as}" if shared_as else f"dataset\0{dataset}"
        return hmac.digest(self._secret, f"pseudonym\0{department}\0{scope}".encode(), "sha256")


def one_time_keys() -> PseudonymKeys:
    """For a preview: of the same form, and useless for a guess of published ones."""
    return PseudonymKeys(secrets.token_bytes(KEY_BYTES))


def pseudonyms(values: pa.Array, key: bytes) -> pa.Array:
    """For each value its pseudonym, in capital hexadecimal digits, so that normalising it changes nothing.
    However an id was typed, it has one; what shows no character is empty."""
    ids = normalise(pc.cast(values, pa.string())).dictionary_encode()
    made = [_pseudonym(str(id), key) for id in ids.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(ids.indices)


def _pseudonym(id: str, key: bytes) -> str:
    return hmac.new(key, id.encode(), hashlib.sha256).hexdigest()[:HEX_DIGITS].upper()
