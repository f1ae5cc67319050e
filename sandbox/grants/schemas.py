"""What the operations on requests and grants answer with."""

from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict

from sandbox.grants.model import GrantStatus, RequestStatus


class RequestDocument(TypedDict):
    """A request for access. `epsilon` is an exact decimal, written as text."""

    id: int
    dataset: str
    department: str
    team: str
    purpose: str
    epsilon: str
    until: datetime
    status: RequestStatus
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str


class GrantDocument(TypedDict):
    """A grant. `epsilon` is an exact decimal, written as text. `certificate`: the course whose training
    certificate a member needs to use it; it must have been valid at a moment since the approval."""

    id: int
    request: int
    dataset: str
    department: str
    team: str
    purpose: str
    epsilon: str
    until: datetime
    status: GrantStatus
    approved_by: str
    approved_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    reason: str
    certificate: NotRequired[str]
