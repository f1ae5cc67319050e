"""What the log's operations answer with."""

from typing_extensions import TypedDict


class LogKey(TypedDict):
    """The public key that signs the log, as a vkey."""

    origin: str
    key: str


class ConsistencyProof(TypedDict):
    """Hashes in base64 which prove that a longer log begins as a shorter one did."""

    first: int
    second: int
    proof: list[str]


class LogEntries(TypedDict):
    """The texts of entries, from the entry `start` on, without what they commit to."""

    start: int
    entries: list[str]


class ReceiptOpening(TypedDict):
    """What an entry commits to: who did what. `salt` is hexadecimal."""

    salt: str
    content: str


class Receipt(TypedDict):
    """A proof that an entry stands in the log. It can be checked without the service.

    `opening` is null for those who may not see it, and where it was erased.
    """

    format: str
    index: int
    entry: str
    opening: ReceiptOpening | None
    proof: list[str]
    checkpoint: str


class Receipts(TypedDict):
    """Receipts of several entries under one checkpoint."""

    receipts: list[Receipt]
