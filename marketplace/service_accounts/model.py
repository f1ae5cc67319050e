"""Defines a service account: a program of a company, which opens its licences by tokens."""

from dataclasses import dataclass
from datetime import datetime

from marketplace.lifecycle import Lifecycle, Status

SERVICE_STATUSES: Lifecycle = {
    "live": Status(
        "gets tokens", "owner or developer of the company", "service_account.made", next=("revoked",)
    ),
    "revoked": Status("gets no token, and its tokens open nothing", "nobody", "service_account.revoked"),
}


@dataclass(frozen=True)
class ServiceAccount:
    """`id` is its client_id. `start` is the first characters of its secret. `previous_until`: how long the
    secret before is good."""

    id: str
    organisation: str
    label: str
    start: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    mode: str
    status: str
    made_by: str
    made_at: datetime
    previous_until: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = None
