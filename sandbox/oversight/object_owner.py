"""Says whose an object of the log is, and by which names entries speak of it.

What the market keeps, the vault does not read. Whose it is stands in the entry that began it, which only the
market's service can append: an order's names its product and its company, a product's its dataset.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from sandbox.audit.tables import objects, openings
from sandbox.catalog.tables import datasets
from sandbox.competitions.tables import (
    competition_entries,
    competition_jurors,
    competition_teams,
    competitions,
)
from sandbox.database import Transaction
from sandbox.grants.tables import grants, requests
from sandbox.identity.tables import accounts
from sandbox.jobs.tables import runs
from sandbox.models.tables import models

LARGEST_ID = 2**31 - 1
MOST_LOOKED_AT = 20
"""Entries that name an object before the one that began it: none, but for a stolen service's."""


@dataclass(frozen=True)
class ObjectOwner:
    """`departments`: whose officers answer for it. `organisation`: the company that holds it. `person`: the
    account that it is. `jurors`: who must not learn whose a competition's entries are. `also`: what an entry
    must name beside `object` to be about it. `begun`: the entry that began it, which does not name it."""

    departments: tuple[str, ...] = ()
    organisation: str = ""
    person: str = ""
    jurors: frozenset[str] = frozenset()
    object: str = ""
    also: str = ""
    begun: int | None = None


NOBODY = ObjectOwner()
"""Of what is not there, and of what is nobody's: the two look the same."""


def owner_of(tx: Transaction, kind: str, id: str) -> ObjectOwner:
    find = _OWNERS.get(kind)
    return find(tx, id) if find and id.isprintable() else NOBODY


def _dataset(tx: Transaction, id: str) -> ObjectOwner:
    name = id.partition("@")[0]
    return _of_department(tx.scalar(select(datasets.c.department).where(datasets.c.name == name)))


def _grant(tx: Transaction, id: str) -> ObjectOwner:
    wanted = select(grants.c.department).where(grants.c.id == _number(id))
    return _of_department(tx.scalar(wanted))


def _request(tx: Transaction, id: str) -> ObjectOwner:
    wanted = select(requests.c.department).where(requests.c.id == _number(id))
    return _of_department(tx.scalar(wanted))


def _run(tx: Transaction, id: str) -> ObjectOwner:
    """Of the department whose data it read. A run on the data of several is none's: each learns of it by its
    own grants and reviews."""
    try:
        wanted = select(runs.c.inputs).where(runs.c.id == UUID(id))
    except ValueError:
        return NOBODY
    read = {each["dataset"] for each in tx.scalar(wanted) or ()}
    found = tx.scalars(select(datasets.c.department).where(datasets.c.name.in_(read)).distinct())
    departments = tuple(found)
    return ObjectOwner(departments) if len(departments) == 1 else NOBODY


def _model(tx: Transaction, id: str) -> ObjectOwner:
    """Of one version (`name/3`), or of all (`name`)."""
    name, slash, version = id.partition("/")
    wanted = select(models.c.department).where(models.c.name == name).distinct()
    if slash:
        wanted = wanted.where(models.c.version == _number(version))
    return ObjectOwner(tuple(sorted(tx.scalars(wanted))))


def _competition(tx: Transaction, id: str) -> ObjectOwner:
    """The organiser's. A juror of it learns from no trail who sent which entry."""
    found = _of_department(tx.scalar(select(competitions.c.department).where(competitions.c.name == id)))
    jurors = tx.scalars(select(competition_jurors.c.juror).where(competition_jurors.c.competition == id))
    return ObjectOwner(found.departments, jurors=frozenset(jurors))


def _competition_team(tx: Transaction, id: str) -> ObjectOwner:
    wanted = select(competition_teams.c.competition).where(competition_teams.c.id == _number(id))
    return _in_competition(tx, tx.scalar(wanted), f"team:{id}")


def _competition_entry(tx: Transaction, id: str) -> ObjectOwner:
    of = competition_entries.c
    row = tx.execute(select(of.competition, of.log_index).where(of.id == _number(id))).first()
    return _in_competition(tx, row.competition, f"entry:{id}", row.log_index) if row else NOBODY


def _in_competition(
    tx: Transaction, competition: str | None, object: str, begun: int | None = None
) -> ObjectOwner:
    if competition is None:
        return NOBODY
    whose, also = _competition(tx, competition), f"competition:{competition}"
    return ObjectOwner(whose.departments, jurors=whose.jurors, object=object, also=also, begun=begun)


def _account(tx: Transaction, id: str) -> ObjectOwner:
    return ObjectOwner(person=tx.scalar(select(accounts.c.id).where(accounts.c.id == id)) or "")


def _product(tx: Transaction, id: str) -> ObjectOwner:
    return _dataset(tx, str(_begun(tx, f"product:{id}", "product.listed").get("dataset", "")))


def _order(tx: Transaction, id: str) -> ObjectOwner:
    return _sold(tx, _begun(tx, f"order:{id}", "order.placed"))


def _licence(tx: Transaction, id: str) -> ObjectOwner:
    return _sold(tx, _begun(tx, f"licence:{id}", "licence.issued"))


def _key(tx: Transaction, id: str) -> ObjectOwner:
    return _licence(tx, str(_begun(tx, f"key:{id}", "key.issued").get("licence", "")))


def _invoice(tx: Transaction, id: str) -> ObjectOwner:
    begun = _begun(tx, f"invoice:{id}", "invoice.drafted")
    return ObjectOwner(_named(begun.get("department")), str(begun.get("organisation", "")))


def _sandbox_key(tx: Transaction, id: str) -> ObjectOwner:
    begun = _begun(tx, f"sandbox_key:{id}", "key.issued")
    return ObjectOwner(organisation=str(begun.get("organisation", "")))


def _service_account(tx: Transaction, id: str) -> ObjectOwner:
    begun = _begun(tx, f"service_account:{id}", "service_account.made")
    return ObjectOwner(organisation=str(begun.get("organisation", "")))


def _sold(tx: Transaction, begun: Mapping[str, Any]) -> ObjectOwner:
    product = _product(tx, str(begun.get("product", "")))
    return ObjectOwner(product.departments, str(begun.get("organisation", "")))


def _begun(tx: Transaction, object: str, kind: str) -> Mapping[str, Any]:
    """What the first entry of the kind whose subject is the object says; nothing where that was erased."""
    wanted = (
        select(openings.c.content)
        .join(objects, objects.c.index == openings.c.index)
        .where(objects.c.object == object, objects.c.kind == kind)
        .order_by(objects.c.index)
    )
    for content in tx.scalars(wanted.limit(MOST_LOOKED_AT)):
        said = json.loads(content)
        if said["subject"] == object:
            return said["payload"]  # type: ignore[no-any-return]  # an entry's payload is an object
    return {}


def _of_department(department: str | None) -> ObjectOwner:
    return ObjectOwner(_named(department))


def _named(department: str | None) -> tuple[str, ...]:
    return (department,) if department else ()


def _number(id: str) -> int:
    """No row has the number -1."""
    number = int(id) if id.isascii() and id.isdigit() and len(id) < 11 and str(int(id)) == id else -1
    return number if number <= LARGEST_ID else -1


_OWNERS: Mapping[str, Callable[[Transaction, str], ObjectOwner]] = {
    "account": _account,
    "competition": _competition,
    "competition_entry": _competition_entry,
    "competition_team": _competition_team,
    "dataset": _dataset,
    "grant": _grant,
    "invoice": _invoice,
    "key": _key,
    "licence": _licence,
    "model": _model,
    "order": _order,
    "product": _product,
    "request": _request,
    "run": _run,
    "sandbox_key": _sandbox_key,
    "service_account": _service_account,
}

KINDS = tuple(_OWNERS)
"""Kinds of objects that may be somebody's. Of all others only auditors see a trail."""
