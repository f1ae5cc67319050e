"""What the operations on companies answer with."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict


class CompanyDocument(TypedDict):
    """A company's record. `credit_code` is its 统一社会信用代码, `time_zone` that of its months. An operator
    who decides on the record sends its `digest`. `ended_at`: since then it buys and calls nothing."""

    organisation: str
    name: str
    credit_code: str
    time_zone: str
    invoice_title: str
    invoice_address: str
    invoice_phone: str
    invoice_bank: str
    invoice_account: str
    contact_name: str
    contact_phone: str
    contact_email: str
    purchase_order: str
    status: Literal["entered", "verified", "refused"]
    entered_by: str
    entered_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    registered: bool
    ended_at: datetime | None
    digest: str


class CompanyList(TypedDict):
    companies: list[CompanyDocument]


CompanyRole = Literal["owner", "buyer", "developer", "finance"]


class RegisteredCompany(TypedDict):
    """A company that registered itself: a sandbox until an operator verifies it."""

    organisation: str
    account: str
    roles: list[CompanyRole]
    note: str


class Member(TypedDict):
    """Somebody of my organisation. `disabled_at`: when the account was closed."""

    account: str
    name: str
    roles: list[str]
    since: datetime
    disabled_at: datetime | None


class MemberList(TypedDict):
    members: list[Member]


class Invitation(TypedDict):
    """An invitation without its secret. `status`: an open one is good until `expires_at`."""

    id: int
    roles: list[CompanyRole]
    note: str
    status: Literal["open", "accepted", "withdrawn"]
    made_by: str
    made_at: datetime
    expires_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None


class InvitationList(TypedDict):
    invitations: list[Invitation]


class IssuedInvitation(TypedDict):
    """A new invitation. `link`, and the `secret` in it, are shown only here."""

    id: int
    secret: str
    link: str
    expires_at: datetime
    note: str


class Joined(TypedDict):
    account: str
    organisation: str
    roles: list[CompanyRole]
