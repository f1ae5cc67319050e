"""What the models and questions of a team were called for and brought: sums by product and month, never by
buyer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, or_, select

from marketplace.invoices.find import find_invoice, items_of
from marketplace.invoices.frozen import document_inputs
from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.shares import TeamShare, team_share_of
from marketplace.invoices.tables import invoice_items, invoices
from marketplace.licences.tables import licences
from marketplace.metering.tables import months
from marketplace.products.tables import products
from sandbox.database import Database, Transaction
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


@dataclass
class MonthIncome:
    """`calls`, `rows`, `charged_fen`: metered so far. `invoiced_fen`: on invoices that are not withdrawn;
    `share_fen`: the team's part of it, of which `final_fen` is of final invoices."""

    month: str
    calls: int = 0
    rows: int = 0
    charged_fen: int = 0
    invoiced_fen: int = 0
    share_fen: int = 0
    final_fen: int = 0


@dataclass(frozen=True)
class ProductIncome:
    """`model`: empty for a question, which has the `competition` and `entry` that it comes from."""

    product: str
    title_zh: str
    title_en: str
    model: str
    competition: str | None
    entry: int | None
    percent: int
    status: str
    months: dict[str, MonthIncome] = field(default_factory=dict)

    def month(self, month: str) -> MonthIncome:
        return self.months.setdefault(month, MonthIncome(month))


def team_income(
    database: Database, *, gate: Gate, rules: InvoiceRules, principal: Principal, team: str
) -> list[ProductIncome]:
    """Of each product of the team's models and questions. Raises `Forbidden` for others than its members."""
    gate.require(principal, "view_team_income", Resource("Team", team, {"team": team}))
    with database.transaction() as tx:
        found = {each.product: each for each in products_of(tx, team)}
        if not found:
            return []
        for row in tx.execute(metered(list(found))):
            month = found[row.product].month(row.month)
            month.calls, month.rows, month.charged_fen = int(row.calls), int(row.rows), int(row.fen)
        share = TeamShare(team, 0).to
        for id in tx.scalars(invoiced(list(found))).all():
            invoice = find_invoice(tx, id)
            items = items_of(tx, id)
            for item in items:
                if item.product in found:
                    found[item.product].month(invoice.month).invoiced_fen += item.amount_fen
            for part in document_inputs(tx, invoice, items, rules).shares:
                if part.to == share and part.product in found:
                    month = found[part.product].month(invoice.month)
                    month.share_fen += part.amount_fen
                    month.final_fen += part.amount_fen if invoice.frozen is not None else 0
    return list(found.values())


def products_of(tx: Transaction, team: str) -> Iterator[ProductIncome]:
    named = products.c.definition
    wanted = select(products).where(or_(named["team"].astext == team, named["origin", "team"].astext == team))
    for row in tx.execute(wanted.order_by(products.c.id)):
        share = team_share_of(row.definition)
        assert share is not None, "both places where a team stands are those of a share"
        origin = row.definition.get("origin") or {}
        yield ProductIncome(
            row.id,
            row.title_zh,
            row.title_en,
            row.definition.get("model", ""),
            origin.get("competition"),
            origin.get("entry"),
            share.percent,
            row.status,
        )


def metered(names: list[str]) -> Select[Any]:
    return (
        select(
            licences.c.product,
            months.c.month,
            func.sum(months.c.calls).label("calls"),
            func.sum(months.c.used_rows).label("rows"),
            func.sum(months.c.charged_fen + months.c.one_off_fen).label("fen"),
        )
        .join(licences, licences.c.id == months.c.licence)
        .where(licences.c.product.in_(names))
        .group_by(licences.c.product, months.c.month)
    )


def invoiced(names: list[str]) -> Select[Any]:
    return (
        select(invoice_items.c.invoice)
        .join(invoices, invoices.c.id == invoice_items.c.invoice)
        .where(invoice_items.c.product.in_(names), invoices.c.status != "void")
        .distinct()
    )
