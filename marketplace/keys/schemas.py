"""What the operations on keys answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from marketplace.keys.admits import Scope


class IssuedKey(TypedDict):
    """A new key. `key` itself is shown only here."""

    id: int
    licence: int
    start: str
    key: str
    note: str


class KeyDocument(TypedDict):
    """A key without the key itself: `start` is its first characters. Without `networks` it is for every
    address. `revoked_for` is the organisation of who revoked it. `service_account`: its tokens open
    this key, and no secret does."""

    id: int
    licence: int
    start: str
    label: str
    status: Literal["live", "retiring", "revoked"]
    made_by: str
    made_at: datetime
    ends_at: datetime | None
    scopes: list[Scope]
    networks: list[str]
    mode: Literal["live", "test"]
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_for: str | None
    service_account: str | None


class IssuedSandboxKey(TypedDict):
    """A new sandbox key. `key` itself is shown only here."""

    id: int
    start: str
    key: str
    note: str


class SandboxKeyDocument(TypedDict):
    """A sandbox key without the key itself: good until `ends_at`, or until it is revoked."""

    id: int
    organisation: str
    start: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


class SandboxKeyList(TypedDict):
    sandbox_keys: list[SandboxKeyDocument]


class KeyList(TypedDict):
    keys: list[KeyDocument]


class NewNetworkDocument(TypedDict):
    """A key that was called from a network that is new to it. `start` is how the key begins; `known`: how
    many other networks it was called from before."""

    key: int
    licence: int
    start: str
    product: str
    organisation: str
    department: str
    network: str
    first_seen: datetime
    known: int


class MarketRisks(TypedDict):
    """What is out of the ordinary on the market. `window_days`: so far back it looks."""

    as_of: datetime
    window_days: int
    new_networks: list[NewNetworkDocument]
