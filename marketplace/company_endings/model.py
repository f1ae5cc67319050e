"""Defines how a company ends: by its owners with notice, or by an operator with a reason."""

from dataclasses import dataclass
from datetime import datetime

from marketplace.lifecycle import Lifecycle, Status

ENDING_STATUSES: Lifecycle = {
    "noticed": Status(
        "the company ends on its last day",
        "owner of the company",
        "company_ending.noticed",
        next=("withdrawn", "ended"),
    ),
    "withdrawn": Status("an owner took the notice back", "nobody", "company_ending.withdrawn"),
    "ended": Status(
        "keys, licences and service accounts ended; its owners can take the export for a while",
        "date",
        "company_ending.ended",
        next=("closed",),
    ),
    "closed": Status(
        "the time of the export is over, and its accounts are closed", "nobody", "company_ending.closed"
    ),
}


@dataclass(frozen=True)
class Ending:
    """`ends_at`: the company ends then. `export_until`: until when its owners can take the export."""

    id: int
    organisation: str
    status: str
    reason: str
    noticed_by: str
    noticed_at: datetime
    ends_at: datetime
    by_operator: bool
    ended_at: datetime | None
    export_until: datetime | None
