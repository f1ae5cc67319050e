"""Defines a company's record, and which code of the state it can have."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime

import pyarrow

from marketplace.lifecycle import Lifecycle, Status
from sandbox.errors import InvalidInput
from sandbox.ingest.recognition.checksums import social_credit
from sandbox.policy import Resource

COMPANY_STATUSES: Lifecycle = {
    "entered": Status(
        "waits for an operator to verify it", "operator", "company.entered", next=("verified", "refused")
    ),
    "verified": Status(
        "an operator compared it with the register",
        "buyer of the company",
        "company.verified",
        next=("entered",),
    ),
    "refused": Status(
        "an operator found a fault in it", "buyer of the company", "company.refused", next=("entered",)
    ),
}
DECISION = (
    "status",
    "entered_by",
    "entered_at",
    "decided_by",
    "decided_at",
    "reason",
    "registered",
    "ended_at",
)
INVITATION_STATUSES: Lifecycle = {
    "open": Status(
        "whoever has the link can join, until it expires",
        "owner of the company",
        "invitation.made",
        next=("accepted", "withdrawn"),
    ),
    "accepted": Status("somebody joined with it", "nobody", "invitation.accepted"),
    "withdrawn": Status("an owner took it back", "nobody", "invitation.withdrawn"),
}
CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


@dataclass(frozen=True)
class Company:
    """`time_zone` is that of its months. What begins with `invoice_` stands on its invoices.
    `purchase_order`: the number that its new invoices bear. `registered`: by itself, without an operator."""

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
    status: str
    entered_by: str
    entered_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    registered: bool = False
    ended_at: datetime | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what its buyers entered, in hexadecimal: an operator sends that of the record that
        they compared with the register."""
        names = sorted(name for name in self.__dataclass_fields__ if name not in DECISION)
        entered = [[name, str(getattr(self, name))] for name in names]
        text = json.dumps(entered, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def cedar(self) -> dict[str, str]:
        """What the gate wants to know about it. One that registered itself is a sandbox until it is
        verified."""
        status = "sandbox" if self.unverified else self.status
        return {"organisation": self.organisation, "status": "ended" if self.ended_at else status}

    @property
    def unverified(self) -> bool:
        """It registered itself, and no operator has verified what it says now."""
        return self.registered and self.status != "verified"

    @property
    def resource(self) -> Resource:
        return Resource("Company", self.organisation, self.cedar)


def read_credit_code(text: str) -> str:
    """A 统一社会信用代码 in capitals, with its check character (GB 32100-2015). Raises `InvalidInput`."""
    code = text.strip().upper()
    if CODE.fullmatch(code) is None or not social_credit(pyarrow.array([code]))[0]:
        raise InvalidInput(
            f"{text.strip()[:30]!r} is not a unified social credit code.",
            code="bad_credit_code",
            remedy="It has 18 signs, without I, O, S, V and Z, and the last one checks the others.",
            zh=f"“{text.strip()[:30]}”不是有效的统一社会信用代码。",
            remedy_zh="应为 18 位，不含 I、O、S、V、Z，最后一位为校验码。",
        )
    return code
