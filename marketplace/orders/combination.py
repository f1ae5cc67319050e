"""Grades all rows that one organisation would hold together (组合推断), before it gets more."""

from sqlalchemy import func, select

from marketplace.licences.entitlements import held_products
from marketplace.licences.find import held_licences
from marketplace.offers.price_rules import PriceRules
from marketplace.products.model import CopyDefinition, Product
from marketplace.products.release import lock_releases, releases_of
from sandbox.database import Transaction, lock_name
from sandbox.errors import Forbidden
from sandbox.policy import Gate


def check_combination(
    tx: Transaction, *, gate: Gate, rules: PriceRules, product: Product, organisation: str
) -> str:
    """The grade of the rows that the organisation holds or can get, with those of the product and of its
    announced releases. Raises `Forbidden` if it does not allow rows to be sold.
    Locks the product's releases and what the organisation holds, in this order: called before the log."""
    lock_releases(tx, product.id, shared=True)
    if not isinstance(product.definition, CopyDefinition):
        return product.grade
    # what one organisation gets at the same time, by orders or releases, queues here
    lock_name(tx, f"market.combination {organisation}")
    now = tx.execute(select(func.now())).scalar_one()
    columns, grades = list(product.definition.shown), [product.grade]
    held = [each for licence in held_licences(tx, organisation) for each in held_products(tx, licence, now)]
    announced = [each for each in releases_of(tx, product.id) if each.status_at(now) == "announced"]
    parts = [(each.definition, each.grade) for each in held]
    parts += [(each.definition, each.grade) for each in announced]
    for definition, grade in parts:
        if isinstance(definition, CopyDefinition):
            columns += definition.shown
            grades.append(grade)
    return rules.require_combination(gate.grades, columns, grades, product.way)


def may_hold(tx: Transaction, product: Product, organisation: str, *, gate: Gate, rules: PriceRules) -> bool:
    """Whether a holder of the product may have this release of it."""
    try:
        check_combination(tx, gate=gate, rules=rules, product=product, organisation=organisation)
    except Forbidden:
        return False
    return True
