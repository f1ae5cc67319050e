"""Verifies a receipt offline, with nothing but the receipt and the log's public key. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.audit.model import Content, Opening, parse_content, parse_entry
from sandbox.audit.note import NotProven, PublicKey, decode, open_checkpoint
from sandbox.audit.tree import consistency_faults, hash_leaf, inclusion_faults

FORMAT = "cihu-receipt/1"
FIELDS = {"format", "index", "entry", "opening", "proof", "checkpoint"}


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a receipt has proved: entry `index` stands in the log `origin` of `size`
    entries with this root."""

    origin: str
    index: int
    size: int
    root: str  # hex
    kind: str
    time: str  # ISO 8601, UTC
    opened: bool  # whether the receipt also proved who did what
    actor: str | None
    subject: str | None
    payload: dict[str, object] | None


def verify_receipt(receipt: Mapping[str, object], public_key: str) -> VerifiedReceipt:
    """Check a receipt with the log's public key (`name+id+key`). Raises `NotProven`, saying what failed;
    `InvalidInput` if the key itself is unreadable."""
    key = PublicKey.parse(public_key)
    index, entry, note = _head(receipt)
    checkpoint = open_checkpoint(note, key)
    proof = _hashes(receipt["proof"])
    fault = inclusion_faults(hash_leaf(_utf8(entry)), index, checkpoint.size, proof, checkpoint.root)
    if fault:
        raise NotProven(f"The entry is not shown to be in the log: {fault}.")
    stated = parse_entry(entry)
    content = _opened(receipt["opening"], stated.commitment)
    return VerifiedReceipt(
        origin=checkpoint.origin, index=index, size=checkpoint.size, root=checkpoint.root.hex(),
        kind=stated.kind, time=stated.time, opened=content is not None,
        actor=content.actor if content else None,
        subject=content.subject if content else None,
        payload=content.payload if content else None,
    )  # fmt: skip


def verify_growth(first: str, second: str, proof: Sequence[str], public_key: str) -> None:
    """Check that the log of one signed checkpoint only grew into that of another (what a witness does).
    Raises `NotProven`: two signed checkpoints that fail are evidence against the log."""
    key = PublicKey.parse(public_key)
    old, new = open_checkpoint(first, key), open_checkpoint(second, key)
    fault = consistency_faults(old.size, new.size, _hashes(list(proof)), old.root, new.root)
    if fault:
        raise NotProven(f"The log is not shown to have only grown: {fault}.")


def _head(receipt: Mapping[str, object]) -> tuple[int, str, str]:
    if not isinstance(receipt, Mapping) or set(receipt) != FIELDS:
        raise NotProven(f"A receipt has exactly the fields {', '.join(sorted(FIELDS))}.")
    if receipt["format"] != FORMAT:
        raise NotProven(
            f"The receipt is not of the format {FORMAT}.", remedy="A newer cihu may be able to read it."
        )
    index, entry, note = receipt["index"], receipt["entry"], receipt["checkpoint"]
    if type(index) is not int:
        raise NotProven("The receipt's index is not a whole number.")
    if not isinstance(entry, str) or not isinstance(note, str):
        raise NotProven("The receipt's entry and checkpoint must be texts.")
    return index, entry, note


def _hashes(proof: object) -> list[bytes]:
    if not isinstance(proof, list) or not all(isinstance(hash, str) for hash in proof):
        raise NotProven("The proof is not a list of hashes.")
    hashes = [decode(hash, "A hash of the proof", "证明的一个散列值") for hash in proof]
    if any(len(hash) != 32 for hash in hashes):
        raise NotProven("A hash of the proof is not a SHA-256 hash.")
    return hashes


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotProven("The receipt holds half a character, which UTF-8 cannot carry.") from error


def _opened(opening: object, commitment: str) -> Content | None:
    if opening is None:
        return None
    if not isinstance(opening, Mapping) or set(opening) != {"salt", "content"}:
        raise NotProven("The opening has exactly the fields content, salt.")
    salt, content = opening["salt"], opening["content"]
    if not isinstance(salt, str) or not isinstance(content, str):
        raise NotProven("The opening's salt and content must be texts.")
    try:
        raw = bytes.fromhex(salt)
    except ValueError as error:
        raise NotProven("The opening's salt is not hexadecimal.") from error
    if raw.hex() != salt:
        raise NotProven("The opening's salt is not in plain lower-case hexadecimal.")
    _utf8(content)
    if Opening(raw, content).commitment() != commitment:
        raise NotProven("The opening is not what the entry committed to.")
    return parse_content(content)
