"""Names the kinds of things that wait and that a person can take on: in the vault, and in the market."""

from typing import Literal

VaultKind = Literal[
    "request",
    "review",
    "opening",
    "problem",
    "demand",
    "pull_to_agree",
    "pull_failed",
    "derivation",
    "push",
    "push_credential",
    "lifecycle_step",
    "competition",
    "appeal",
    "risk",
]
MarketKind = Literal["order", "company"]
