"""Defines the principal: an account as it stands now, with its organisation, roles and teams."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["person", "service", "public"]

ROLES: dict[str, str] = {
    "officer": "数据专员: publishes and grades the datasets of one department, decides on requests",
    "analyst": "asks questions for a team, in a workspace",
    "owner": "looks after a company: its record, its members, its service accounts",
    "buyer": "orders products and holds keys for a company",
    "developer": "makes and revokes the keys and service accounts of a company",
    "finance": "keeps a company's tax data and the numbers of its purchase orders",
    "operator": "runs the city: accounts, orders, bills",
    "auditor": "reads the log with its openings, and changes nothing",
    "system_administrator": "系统管理员: accounts, organisations and teams; no roles, no log, no data",
    "security_administrator": "安全管理员: roles, lost factors, locked logins; no accounts, log or data",
    "audit_administrator": "审计管理员: reads the log with its openings; no accounts, no roles, no data",
}

# what a company gives its own people
COMPANY_ROLES = ("owner", "buyer", "developer", "finance")

# 三员分立 (GB/T 22239-2019, 8.1.5.1 to 8.1.5.3): each of these is the only role of its account
ADMINISTRATORS = frozenset({"system_administrator", "security_administrator", "audit_administrator"})


@dataclass(frozen=True, slots=True)
class Principal:
    """A live account. `id` is the login name; `organisation` and `teams` are ids. `unverified`: their company
    registered itself, nobody has verified it, and nobody else gave the account a role or a team: of data it
    sees what strangers see."""

    id: str
    display_name: str
    organisation: str
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    kind: Kind = "person"
    unverified: bool = False


PUBLIC = Principal("public", "", "", kind="public")
"""Anybody without an account. No account is of this kind; no rule lets it do more than see what is public."""
