"""Notices: that something happened to a thing, for whom, and when. Never what it says."""

from sandbox.notices.audience import (
    ALL_OFFICERS,
    AUDITORS,
    OPERATORS,
    SYSTEM_ADMINISTRATORS,
    audiences_of,
    buyers,
    developers,
    finance,
    officers,
    person,
    team,
)
from sandbox.notices.tell import addressees, tell

__all__ = [
    "ALL_OFFICERS",
    "AUDITORS",
    "OPERATORS",
    "SYSTEM_ADMINISTRATORS",
    "addressees",
    "audiences_of",
    "buyers",
    "developers",
    "finance",
    "officers",
    "person",
    "team",
    "tell",
]
