"""Defines the principal: an account as it stands now, with its organisation, roles and teams."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["person", "service"]

ROLES: dict[str, str] = {
    "officer": "数据专员: publishes and grades the datasets of one department, decides on requests",
    "analyst": "asks questions for a team, in a workspace",
    "buyer": "orders products and holds keys for a company",
    "operator": "runs the city: accounts, orders, bills",
    "auditor": "reads the log with its openings, and changes nothing",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A live account. `id` is the login name; `organisation` and `teams` are ids."""

    id: str
    display_name: str
    organisation: str
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    kind: Kind = "person"
