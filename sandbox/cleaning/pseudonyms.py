"""Makes keyed pseudonyms: HMAC-SHA256 of a normalised value, with a key that never leaves the vault.

Each dataset has a key of its own, or each name under which datasets of one department share it. The keys are
derived from one secret of the vault. Whoever has pseudonyms without it can try no value on them.
"""

import hashlib
import hmac
import secrets

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.identifiers import normalise

KEY_BYTES = 32
HEX_DIGITS = 32
"""128 bits: two of sixteen million values get one pseudonym with a probability below 10^-24."""


class PseudonymKeys:
    """`secret`: the vault's own, for this purpose alone (`UnitDigests.secret_for`). Where it is lost, exact
    tables are refused, too: ids in new versions would not be those of before."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

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
