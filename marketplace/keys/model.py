"""Defines a key: a secret that a program shows for a licence. We know only its hash."""

from dataclasses import dataclass
from datetime import datetime

from marketplace.lifecycle import Lifecycle, Status

KEY_STATUSES: Lifecycle = {
    "live": Status(
        "opens its licence", "the organisation that holds it", "key.issued", next=("retiring", "revoked")
    ),
    "retiring": Status(
        "has a successor, and still opens for a while",
        "the organisation that holds it",
        "key.rotated",
        next=("revoked",),
    ),
    "revoked": Status(
        "opens nothing; for a minute whoever revoked it can take that back",
        "the organisation that revoked it",
        "key.revoked",
        next=("live", "retiring"),
    ),
}
KEY_MODES = ("live", "test")


@dataclass(frozen=True)
class Key:
    """`start` is the first characters, so that people can tell their keys apart.
    `ends_at`: when a retiring one stops. `service_account`: whose tokens open it, and no secret."""

    id: int
    licence: int
    start: str
    label: str
    status: str
    made_by: str
    made_at: datetime
    ends_at: datetime | None = None
    scopes: tuple[str, ...] = ("call", "sample", "usage")
    networks: tuple[str, ...] = ()
    mode: str = "live"
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_for: str | None = None
    service_account: str | None = None
