"""Makes and verifies cosignatures of witnesses: c2sp.org/tlog-cosignature, Ed25519 (type 0x04). Pure.

A cosignature is a signature line of a checkpoint. It says: at this time, this was the largest consistent tree
of the log that the witness had seen.
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.audit.note import DASH, NotProven, PublicKey, encode, require_signed, split_note

ED25519_COSIGNATURE = b"\x04"
LATEST = 2**63 - 1
TIME_BYTES, SIGNATURE_BYTES = 8, 64


class WitnessKey(PublicKey):
    """The public key of a witness, written as a vkey of type 0x04."""

    signature_type: ClassVar[bytes] = ED25519_COSIGNATURE
    whose: ClassVar[str] = "a witness"
    whose_zh: ClassVar[str] = "见证方"
    looks_like: ClassVar[str] = "witness.example/w1+0123abcd+BA…=; `cihu witness key` prints it"


class Cosignature(NamedTuple):
    """That a witness co-signed a checkpoint. `time`: seconds since 1970 (POSIX)."""

    key: WitnessKey
    time: int
    line: str  # the signature line, with its newline


def cosigned_message(text: str, time: int) -> bytes:
    """What is signed: two lines, then the whole text of the checkpoint."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, name: str, key: Ed25519PrivateKey, *, time: int) -> Cosignature:
    """Co-sign the text of a checkpoint (with its last newline, without signature lines)."""
    public = WitnessKey(name, key.public_key().public_bytes_raw())
    signature = time.to_bytes(TIME_BYTES) + key.sign(cosigned_message(text, time))
    return Cosignature(public, time, f"{DASH}{name} {encode(public.key_id + signature)}\n")


def read_cosignatures(note: str, keys: Iterable[WitnessKey]) -> list[Cosignature]:
    """The cosignatures of a note by these witnesses: of each the newest. Lines of other keys are not looked
    at. Raises `NotProven` if one of a known key is wrong, so nothing that is wrong looks like an absence."""
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    newest: dict[WitnessKey, Cosignature] = {}
    for each in signatures:
        key = known.get((each.name, each.key_id))
        if key is None:
            continue
        if len(each.signature) != TIME_BYTES + SIGNATURE_BYTES:
            raise NotProven(f"The cosignature of {key.name} has another length than 72 bytes.")
        time = int.from_bytes(each.signature[:TIME_BYTES])
        if not 0 < time <= LATEST:
            raise NotProven(f"The cosignature of {key.name} has no possible time.")
        require_signed(key, each.signature[TIME_BYTES:], cosigned_message(text, time))
        if key not in newest or newest[key].time < time:
            newest[key] = Cosignature(key, time, each.line)
    return list(newest.values())
