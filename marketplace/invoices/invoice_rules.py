"""Reads policies/invoices.yaml: dates, tax, sellers, shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.policy import YamlText


@dataclass(frozen=True)
class InvoiceRules:
    """`shares`: percent by department or team, by product; `default_shares` for the other products."""

    draft: timedelta
    grace: timedelta
    due: timedelta
    tax_percent: int
    sellers: Mapping[str, Mapping[str, str]]
    default_shares: Mapping[str, int]
    shares: Mapping[str, Mapping[str, int]]

    def shares_of(self, product: str) -> Mapping[str, int]:
        return self.shares.get(product, self.default_shares)


def read_invoice_rules(policies: Path) -> InvoiceRules:
    """Raises `InvalidInput`, naming the line; also if there is no such file."""
    file = policies / "invoices.yaml"
    if not file.exists():
        raise InvalidInput(
            f"{file} is missing: without it no invoice becomes final.",
            code="no_invoice_rules",
            remedy="Copy invoices.yaml and invoices.schema.json from the policies of this release.",
            zh=f"缺少 {file}：没有它，账单无法定稿。",
            remedy_zh="请从本版本的 policies 文件夹复制 invoices.yaml 和 invoices.schema.json。",
        )
    document = YamlText(
        file.read_text("utf-8"), file.with_name("invoices.schema.json"), what="policies/invoices.yaml"
    ).document
    shares = document["shares"]
    for product, each in {"default": shares["default"], **shares["products"]}.items():
        if sum(each.values()) > 100:
            raise InvalidInput(
                f"policies/invoices.yaml: the shares of {product} are more than 100 percent.",
                remedy="Lower them: what is left is the seller's.",
            )
    return InvoiceRules(
        draft=timedelta(days=document["draft_days"]),
        grace=timedelta(days=document["grace_days"]),
        due=timedelta(days=document["due_days"]),
        tax_percent=document["tax_percent"],
        sellers=document["sellers"],
        default_shares=shares["default"],
        shares=shares["products"],
    )
