"""Defines access requests and grants, and the transitions that each allows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from sandbox.budgets import Account, Level

MARKETPLACE = "marketplace"
"""The team of the service account that asks for the buyers of private queries."""


class RequestStatus(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class GrantStatus(StrEnum):
    LIVE = "live"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Step:
    """From a status to a status: who takes it, and the event that the log gets with it."""

    before: str | None
    after: str
    by: str
    event: str


STEPS: tuple[Step, ...] = (
    Step(None, RequestStatus.ASKED, "a member of the team", "request.made"),
    Step(RequestStatus.ASKED, RequestStatus.REFUSED, "an officer of the department", "request.refused"),
    Step(RequestStatus.ASKED, RequestStatus.APPROVED, "an officer of the department", "grant.approved"),
    Step(None, GrantStatus.LIVE, "an officer of the department", "grant.approved"),
    Step(GrantStatus.LIVE, GrantStatus.REVOKED, "an officer of the department", "grant.revoked"),
    Step(GrantStatus.LIVE, GrantStatus.EXPIRED, "the vault, at its date", "grant.expired"),
)


@dataclass(frozen=True)
class Request:
    id: int
    dataset: str
    department: str
    team: str
    purpose: str
    epsilon: Decimal
    until: datetime
    status: RequestStatus
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str


@dataclass(frozen=True)
class Grant:
    id: int
    request: int
    dataset: str
    department: str
    team: str
    purpose: str
    epsilon: Decimal
    until: datetime
    status: GrantStatus
    approved_by: str
    approved_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    reason: str
    certificate: str = ""
    """The training certificate that its dataset's policy asked for when it was approved."""

    @property
    def live(self) -> bool:
        """Whether it holds now: an end that has come counts before the vault has noted it."""
        return self.status is GrantStatus.LIVE and self.until > datetime.now(UTC)

    @property
    def account(self) -> Account:
        """What the team may lose about the dataset, over all its grants on it:
        a new grant gives nothing back.

        The marketplace's grants are an officer's own, one for each product: each has the budget that
        the officer gave it.
        """
        return Account(Level.GRANT, account_key(self.team, self.dataset, self.id))


def account_key(team: str, dataset: str, grant: int) -> str:
    """Of the account of a grant."""
    key = f"{team}/{dataset}"
    return f"{key}/{grant}" if team == MARKETPLACE else key
