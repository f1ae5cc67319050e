"""Says which things that notices name somebody may see now: those of the market by its rules, those of the
vault as the vault says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.sql.elements import ColumnElement

from marketplace.customers.find import find_company
from marketplace.invoices.find import see_invoice
from marketplace.licences.find import find_licence, may_know
from marketplace.orders.find import may_see
from marketplace.orders.tables import orders
from marketplace.products.find import find_product, holders_of
from marketplace.vault import Vault, document
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, Forbidden, NotAuthenticated
from sandbox.identity import Principal
from sandbox.policy import Gate

AT_ONCE = 100
"""So many things the vault is asked about in one request."""
OF_THE_VAULT = frozenset(
    {
        "request", "grant", "run", "review", "dataset", "competition", "problem", "opening", "demand", "pull",
        "responsibility", "risk",
    }
)  # fmt: skip

Rule = Callable[[Transaction, Gate, Principal, str], bool]


def visible_things(
    database: Database,
    gate: Gate,
    vault: Vault,
    person: Principal,
    things: Iterable[str],
    *,
    seconds: float = 60.0,
) -> frozenset[str]:
    """`seconds`: how long the vault may take for each hundred of its things. Whom the vault lets in no more,
    or not yet, sees nothing of it. Raises `Unavailable` where the vault must be asked and cannot be."""
    wanted = sorted(set(things))
    governed = [each for each in wanted if noun_of(each) in OF_THE_VAULT]
    seen: set[str] = set()
    for start in range(0, len(governed), AT_ONCE):
        asked = {"thing": governed[start : start + AT_ONCE]}
        try:
            answer = vault.send(person.id, "GET", "/v1/visible", params=asked, timeout=seconds)
        except (Forbidden, NotAuthenticated):
            break
        seen.update(document(answer)["things"])
    with database.transaction() as tx:
        seen.update(each for each in wanted if noun_of(each) in RULES and _visible(tx, gate, person, each))
    return frozenset(seen)


def noun_of(thing: str) -> str:
    return thing.partition(":")[0]


def _visible(tx: Transaction, gate: Gate, person: Principal, thing: str) -> bool:
    noun, _, name = thing.partition(":")
    try:
        return RULES[noun](tx, gate, person, name)
    except (CihuError, ValueError):
        return False  # it is not there, or not for them


def _order(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    order = _one(tx, orders, orders.c.id == int(name))
    return may_see(person, organisation=order.organisation, department=order.department)


def _licence(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    return may_know(person, find_licence(tx, int(name)))


def _invoice(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    return bool(see_invoice(tx, gate=gate, principal=person, invoice_id=name))


def _product(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    """One that was withdrawn is there for those who hold it."""
    product = find_product(tx, name)
    return product.status == "listed" or person.organisation in {product.department, *holders_of(tx, name)}


def _company(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    there = find_company(tx, name) is not None
    return there and (person.organisation == name or _oversees(person))


def _own(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    """Of one's own account or place in a team: such a notice is for that person alone."""
    return True


def _mail(tx: Transaction, gate: Gate, person: Principal, name: str) -> bool:
    return bool(person.roles & {"operator", "system_administrator"})


def _oversees(person: Principal) -> bool:
    return bool(person.roles & {"operator", "auditor"})


def _one(tx: Transaction, table: Any, which: ColumnElement[bool]) -> Row[Any]:
    row = tx.execute(select(table).where(which)).first()
    if row is None:
        raise ValueError
    return row


RULES: Mapping[str, Rule] = {
    "order": _order,
    "licence": _licence,
    "invoice": _invoice,
    "product": _product,
    "company": _company,
    "account": _own,
    "team": _own,
    "mail": _mail,
}
