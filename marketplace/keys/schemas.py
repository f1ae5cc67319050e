"""What the operations on keys answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict


class IssuedKey(TypedDict):
    """A new key. `key` itself is shown only here."""

    id: int
    licence: int
    start: str
    key: str
    note: str


class KeyDocument(TypedDict):
    """A key without the key itself: `start` is its first characters."""

    id: int
    licence: int
    start: str
    label: str
    status: Literal["live", "retiring", "revoked"]
    made_by: str
    made_at: datetime
    ends_at: datetime | None


class KeyList(TypedDict):
    keys: list[KeyDocument]
