"""Registers a company that has no account yet, and the account of its first person.

Anybody may, so everything that a stranger can make is counted: attempts by network, narrow and wide, and
what was made in a day. What was registered is a sandbox: until an operator verifies it, it orders nothing.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, text

from marketplace.customers.enter_company import require_free_code, values_of
from marketplace.customers.new_account import NewAccount, open_account
from marketplace.customers.record import CompanyRecord
from marketplace.customers.tables import companies, registrations
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import TooMany
from sandbox.identity import IdentityRules, Principal, create_organisation
from sandbox.identity.model import COMPANY_ROLES
from sandbox.identity.tables import organisations
from sandbox.network import network_of

A_DAY = text("interval '1 day'")
MOST_OF_ADDRESS = 10
MOST_OF_SITE = 40
"""Attempts of an IPv6 /48, which a provider gives to one site (RFC 6177)."""
MOST_OF_ALL = 300
"""Companies that are made in a day: attempts that make nothing stop nobody else."""
ORGANISATION_NAME = 80
"""The longest display name of an organisation."""


@dataclass(frozen=True)
class Registered:
    """What was made: the organisation, and its first member."""

    organisation: str
    principal: Principal


def register_company(
    database: Database, *, rules: IdentityRules, record: CompanyRecord, first: NewAccount, address: str
) -> Registered:
    """Register a company and its first person, who has all the roles of a company.

    `address`: from where, as the connection has it.
    Raises `InvalidInput`, `Conflict` for a code or an account that is taken, `TooMany`.
    """
    values = values_of(record)
    count_attempt(database, address)
    organisation = f"co-{secrets.token_hex(6)}"
    with database.transaction() as tx:
        require_free_code(tx, values["credit_code"], organisation=organisation)
        create_organisation(
            tx,
            organisation_id=organisation,
            display_name=values["name"][:ORGANISATION_NAME],
            by=first.account,
            unverified=True,
        )
        principal = open_account(
            tx, first, rules=rules, organisation=organisation, roles=COMPANY_ROLES, by=first.account
        )
        tx.execute(
            insert(companies).values(
                organisation=organisation,
                status="entered",
                entered_by=principal.id,
                registered=True,
                **values,
            )
        )
        append(
            tx,
            Event(
                kind="company.registered",
                actor=principal.id,
                subject=f"company:{organisation}",
                payload={"credit_code": values["credit_code"], "account": principal.id},
            ),
            to=[notices.OPERATORS],
        )
    return Registered(organisation, principal)


def count_attempt(database: Database, address: str) -> None:
    """Count one more attempt. Raises `TooMany`, also where so many companies were made today."""
    origin, site = origin_of(address), origin_of(address, ipv6_bits=48)
    with database.transaction() as tx:
        lock_name(tx, "market.registrations")
        tx.execute(delete(registrations).where(registrations.c.at < func.clock_timestamp() - A_DAY))
        of_address, of_site = (
            tx.execute(select(func.count()).where(column == value)).scalar_one()
            for column, value in ((registrations.c.address, origin), (registrations.c.site, site))
        )
        if of_address < MOST_OF_ADDRESS and of_site < MOST_OF_SITE and made_today(tx) < MOST_OF_ALL:
            tx.execute(insert(registrations).values(address=origin, site=site))
            return
    raise TooMany(
        "There were too many registrations today.",
        code="too_many_registrations",
        remedy="Try again tomorrow, or ask the operator to enter the company.",
        zh="今日登记次数过多。",
        remedy_zh="请明日再试，或请运营人员代为登记。",
    )


def made_today(tx: Transaction) -> int:
    """The companies that registered themselves in the last day."""
    made = (
        select(func.count())
        .select_from(companies.join(organisations, organisations.c.id == companies.c.organisation))
        .where(companies.c.registered, organisations.c.created_at > func.clock_timestamp() - A_DAY)
    )
    return int(tx.execute(made).scalar_one())


def origin_of(address: str, *, ipv6_bits: int = 64) -> str:
    """The network that counts as one origin, as a hash."""
    name = network_of(address, ipv6_bits=ipv6_bits)
    return hashlib.sha256(f"cihu registration {name}".encode()).hexdigest()
