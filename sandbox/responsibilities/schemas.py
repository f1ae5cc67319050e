"""What the operations on responsibilities answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

HoldingKind = Literal[
    "draft",
    "pull",
    "push_credential",
    "push",
    "derivation",
    "opening_review",
    "lifecycle_step",
    "output_review",
    "list_entry",
    "dataset",
    "access_request",
    "problem_report",
    "demand",
]


class HoldingDocument(TypedDict):
    """One thing that an officer answers for. `shared`: any officer of the department can do it, so that it is
    not handed over; it hangs where the department has no other officer."""

    kind: HoldingKind
    subject: str
    shared: bool


class ResponsibilitiesDocument(TypedDict):
    """What an account answers for. `colleagues`: the live officers of its department beside it. `successor`:
    who takes over where nobody is named: a deputy of the responsibility list."""

    account: str
    department: str
    holdings: list[HoldingDocument]
    colleagues: list[str]
    successor: NotRequired[str]


class HandOverDocument(TypedDict):
    """What was handed over, in one act."""

    id: int
    account: str
    successor: str
    handed_by: str
    handed_at: datetime
    reason: str
    holdings: list[HoldingDocument]
