"""Keeps with a final invoice all that its documents are made of beside its items: titles, tax, shares.

So its PDF, CSV, tax fields and shares stay what they were, whatever becomes of the product's title or of
policies/invoices.yaml. While an invoice is open they are what holds now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from sqlalchemy import select

from marketplace.invoices.invoice_rules import InvoiceRules
from marketplace.invoices.model import Invoice, InvoiceItem
from marketplace.invoices.shares import RevenueShare, shares_of, team_share_of
from marketplace.products.tables import products
from sandbox.database import Transaction


@dataclass(frozen=True)
class DocumentInputs:
    """`titles`: of each product in Chinese and in English."""

    titles: Mapping[str, tuple[str, str]]
    tax_percent: int
    shares: tuple[RevenueShare, ...]

    @property
    def as_json(self) -> dict[str, Any]:
        return {
            "titles": {product: list(both) for product, both in self.titles.items()},
            "tax_percent": self.tax_percent,
            "shares": [asdict(share) for share in self.shares],
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(
            {product: (both[0], both[1]) for product, both in kept["titles"].items()},
            kept["tax_percent"],
            tuple(RevenueShare(**share) for share in kept["shares"]),
        )


def document_inputs(
    tx: Transaction, invoice: Invoice, items: Sequence[InvoiceItem], rules: InvoiceRules
) -> DocumentInputs:
    """Of a final invoice what was kept, of an open one what holds now."""
    if invoice.frozen is not None:
        return DocumentInputs.of_json(invoice.frozen)
    named = select(products.c.id, products.c.title_zh, products.c.title_en, products.c.definition).where(
        products.c.id.in_({item.product for item in items})
    )
    rows = tx.execute(named).all()
    # a later release keeps the share that was promised when the product was listed
    teams = {row.id: share for row in rows if (share := team_share_of(row.definition)) is not None}
    return DocumentInputs(
        {row.id: (row.title_zh, row.title_en) for row in rows},
        rules.tax_percent,
        tuple(shares_of(invoice, items, rules, teams)),
    )
