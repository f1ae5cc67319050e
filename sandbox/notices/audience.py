"""Names whom a notice is for: a person, a team, or those who have a role. Who that is, is looked up when it
is read: whoever leaves a team reads no more of it, and whoever follows in an office finds what waits."""

from collections.abc import Iterable

ALL_OFFICERS = "officers"
AUDITORS = "auditors"
OPERATORS = "operators"
SYSTEM_ADMINISTRATORS = "system_administrators"

BUYERS = frozenset({"buyer", "owner"})
DEVELOPERS = frozenset({"buyer", "developer", "owner"})
FINANCE = frozenset({"finance", "owner"})


def person(account: str) -> str:
    return f"person:{account}"


def team(id: str) -> str:
    return f"team:{id}"


def officers(department: str) -> str:
    return f"officers:{department}"


def buyers(organisation: str) -> str:
    return f"buyers:{organisation}"


def developers(organisation: str) -> str:
    """Those of a company who work with its licences and keys, and its buyers."""
    return f"developers:{organisation}"


def finance(organisation: str) -> str:
    return f"finance:{organisation}"


def audiences_of(*, account: str, organisation: str, roles: Iterable[str], teams: Iterable[str]) -> list[str]:
    """All that somebody belongs to."""
    held = frozenset(roles)
    mine = [person(account), *(team(each) for each in sorted(teams))]
    if "officer" in held:
        mine += [officers(organisation), ALL_OFFICERS]
    if "auditor" in held:
        mine.append(AUDITORS)
    if "operator" in held:
        mine.append(OPERATORS)
    if "system_administrator" in held:
        mine.append(SYSTEM_ADMINISTRATORS)
    for needed, named in ((BUYERS, buyers), (DEVELOPERS, developers), (FINANCE, finance)):
        if held & needed:
            mine.append(named(organisation))
    return mine
