"""The people of the demo city: two departments, a team of three, a company, the people who keep watch.
They are created as any others are."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from sandbox.database import Transaction
from sandbox.identity import create_account, create_organisation, create_team, join_team
from sandbox.identity.tables import accounts, organisations, teams

BY = "city"  # the actor in the log: nobody had logged in yet

ORGANISATIONS = {
    "health": "卫生健康委员会",
    "market": "市场监督管理局",
    "hbpu": "湖北理工学院",
    "minsheng": "民生科技有限公司",
    "operator": "磁湖数据运营中心",
}

TEAMS = {"cihu-lake": "磁湖队", "marketplace": "数据市场"}


@dataclass(frozen=True)
class Person:
    """Somebody (or, for a service, something) with an account.
    `does` is for whoever looks for a login to try."""

    id: str
    display_name: str
    organisation: str
    roles: tuple[str, ...]
    team: str = ""
    kind: Literal["person", "service"] = "person"
    does: str = ""


PEOPLE = (
    Person("lin", "林岚", "health", ("officer",), does="data officer of the health department"),
    Person("tang", "唐宁", "health", ("officer",), does="second data officer of the health department"),
    Person("zhou", "周正", "market", ("officer",), does="data officer of market regulation"),
    Person("wang", "王湖", "hbpu", ("analyst",), "cihu-lake", does="analyst of the team cihu-lake"),
    Person("li", "李溪", "hbpu", ("analyst",), "cihu-lake", does="analyst of the team cihu-lake"),
    Person("zhao", "赵山", "hbpu", ("analyst",), "cihu-lake", does="analyst of the team cihu-lake"),
    Person("chen", "陈商", "minsheng", ("owner", "buyer"), does="owner and buyer of a company"),
    Person("he", "何运", "operator", ("operator",), does="operator of the marketplace"),
    Person("xu", "许鉴", "operator", ("auditor",), does="auditor"),
    Person("marketplace", "数据市场", "operator", (), "marketplace", kind="service"),
)


def add_people(tx: Transaction, *, password: str) -> None:
    """Add whoever is not there yet, with `password`; leave the others as they have become. Safe to repeat."""
    for organisation, name in ORGANISATIONS.items():
        if not tx.scalar(select(organisations.c.id).where(organisations.c.id == organisation)):
            create_organisation(tx, organisation_id=organisation, display_name=name, by=BY)
    for team, name in TEAMS.items():
        if not tx.scalar(select(teams.c.id).where(teams.c.id == team)):
            create_team(tx, team_id=team, display_name=name, by=BY)
    for person in PEOPLE:
        if not tx.scalar(select(accounts.c.id).where(accounts.c.id == person.id)):
            create_account(
                tx,
                account_id=person.id,
                display_name=person.display_name,
                organisation=person.organisation,
                roles=person.roles,
                kind=person.kind,
                by=BY,
                password=password if person.kind == "person" else None,
            )
            if person.team:
                join_team(tx, team_id=person.team, account_id=person.id, by=BY)
