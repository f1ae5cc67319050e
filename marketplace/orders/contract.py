"""Writes the contract of an approved order, in Chinese and in English. Pure: its digest is in the log."""

from datetime import date

from marketplace.offers.document import OfferDocument
from marketplace.offers.price_rules import PriceRules
from marketplace.offers.summary import summary
from marketplace.orders.model import Order
from marketplace.products.model import Product
from marketplace.products.release import Release


def contract_text(
    *,
    order: Order,
    product: Product,
    release: Release | None,
    document: OfferDocument,
    rules: PriceRules,
    approved_by: str,
    signed_on: date,
) -> str:
    """The whole agreement: who, what, how long, how often, at which price, under which terms."""
    number = release.number if release else product.release
    relied = release.schema_hash if release else "-"
    sentences = summary(document, rules)
    return "\n".join(
        [
            f"数据产品使用合同 / Licence contract {order.id}",
            "",
            f"订购单位 Buyer: {order.organisation} ({order.buyer})",
            f"提供部门 Seller: {order.department} ({approved_by})",
            f"产品 Product: {product.id} — {product.title_zh} / {product.title_en}",
            f"数据集 Dataset: {product.dataset}; 级别 grade {product.grade}; "
            f"版次 release {number}, SHA-256 of its schema {relied}",
            f"期限 Term: {order.starts_on} – {order.ends_on}",
            f"次数 Calls: {order.calls_per_month} / 月 month, {order.calls_per_second} / 秒 second",
            f"签订日期 Date: {signed_on}",
            f"报价摘要 Offer: SHA-256 {document.digest}",
            "",
            "条款",
            *(f"{nth}. {zh}" for nth, (zh, _) in enumerate(sentences, 1)),
            "",
            "Terms",
            *(f"{nth}. {en}" for nth, (_, en) in enumerate(sentences, 1)),
            "",
            "以交易日志中登记的摘要为准。 What counts is the text whose digest is in the log.",
            "",
        ]
    )
