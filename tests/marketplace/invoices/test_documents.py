"""What is printed and exported adds up to the invoice, in both languages; what people typed is no markup and
no formula."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.invoices.documents.contents import Contents
from marketplace.invoices.documents.csv_files import items_csv
from marketplace.invoices.documents.messages import MESSAGES, in_yuan
from marketplace.invoices.documents.pdf import invoice_pdf
from marketplace.invoices.documents.tax_fields import in_capitals, tax_fields, tax_fields_csv
from marketplace.invoices.invoice_rules import read_invoice_rules
from marketplace.invoices.model import Invoice, InvoiceItem
from marketplace.invoices.parties import party
from marketplace.invoices.shares import TeamShare, percents_of, shares_of
from marketplace.metering.model import Reason
from marketplace.offers.price import Unit
from marketplace.settings import REPOSITORY

NOW = datetime(2026, 4, 8, tzinfo=UTC)
INVOICE = Invoice(
    "0" * 32,
    "minsheng",
    "market",
    "2026-03",
    "Asia/Shanghai",
    "final",
    130,
    7,
    "PO-1",
    party("民生科技有限公司", "91420200MA0000000X"),
    party("市场监督管理局"),
    NOW,
    NOW,
    NOW,
    NOW,
    None,
    None,
    "ab" * 32,
    5,
)
ITEMS = (
    InvoiceItem(1, "p", "2026-02", "UNCONFIRMED", True, "call", 1, -1, "-1", -5),
    InvoiceItem(1, "p", "2026-03", "FREE_QUOTA", False, "call", 2, 2, "2", 0),
    InvoiceItem(1, "p", "2026-03", "VARIABLE", False, "call", 27, 27, "27", 135),
)
CONTENTS = Contents(INVOICE, ITEMS, {"p": ("企业检查", "Inspections")}, 6)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_invoice_is_the_same_pdf_with_its_font_in_it(language) -> None:
    body = invoice_pdf(CONTENTS, language)
    assert body.startswith(b"%PDF-") and body == invoice_pdf(CONTENTS, language)
    assert b"NotoSansSC" in body
    paid = replace(INVOICE, status="paid", paid_at=NOW)
    assert body == invoice_pdf(replace(CONTENTS, invoice=paid), language)
    assert body != invoice_pdf(replace(CONTENTS, invoice=replace(INVOICE, total_fen=131)), language)


def test_what_was_typed_is_no_markup() -> None:
    hostile = '#panic("x") $ \\ *b* #read("/etc/passwd") "]'
    typed = replace(INVOICE, purchase_order=hostile, customer=party(hostile))
    assert invoice_pdf(replace(CONTENTS, invoice=typed), "zh").startswith(b"%PDF-")


def test_the_items_are_a_csv_of_both_languages_that_adds_up() -> None:
    chinese, english = (items_csv(CONTENTS, language).lstrip("\ufeff") for language in ("zh", "en"))
    assert (
        "企业检查" in chinese and "补记" in chinese and "Inspections" in english and "adjustment" in english
    )
    *items, total = english.splitlines()[1:]
    assert sum(int(line.rsplit(",", 1)[1]) for line in items) == int(total.rsplit(",", 1)[1]) == 130
    formula = replace(CONTENTS, titles={"p": ("x", "=cmd()")})
    assert "'=cmd()" in items_csv(formula, "en")


@given(st.lists(st.integers(-(10**12), 10**12), max_size=8), st.integers(0, 99))
def test_amounts_and_taxes_add_up_to_the_fen(amounts: list[int], percent: int) -> None:
    items = tuple(replace(ITEMS[2], amount_fen=amount) for amount in amounts)
    total = sum(amounts)
    contents = replace(CONTENTS, items=items, invoice=replace(INVOICE, total_fen=total), tax_percent=percent)
    document = tax_fields(contents)
    listed = document["项目"]
    assert isinstance(listed, list)
    for name in ("金额", "税额"):
        assert sum(fen(item[name]) for item in listed) == fen(document[f"合计{name}"])
    assert fen(document["合计金额"]) + fen(document["合计税额"]) == total
    assert fen(document["价税合计"]) == total


def fen(text: object) -> int:
    return int(str(text).replace(".", ""))


def test_the_tax_fields_name_buyer_seller_and_items() -> None:
    document = tax_fields(CONTENTS)
    assert document["购买方统一社会信用代码"] == "91420200MA0000000X"
    assert document["价税合计大写"] == "壹元叁角整"
    assert "不是电子发票" in str(document["说明"])
    assert len(tax_fields_csv(CONTENTS).splitlines()) == 1 + 2
    assert tax_fields_csv(replace(CONTENTS, items=())).startswith("\ufeff说明")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (10200, "壹佰零贰元整"),
        (10000500, "壹拾万零伍元整"),
        (100010001, "壹佰万零壹佰元零壹分"),
        (123456789, "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
        (100000000000, "壹拾亿元整"),
        (-605, "负陆元零伍分"),
    ],
)
def test_amounts_in_capitals(amount: int, words: str) -> None:
    assert in_capitals(amount) == words
    assert in_yuan(-605) == "-6.05"


def test_every_reason_and_unit_has_words() -> None:
    names = {f"reason.{each}" for each in Reason} | {f"unit.{each}" for each in Unit}
    assert names <= MESSAGES.keys()


@given(st.lists(st.integers(-(10**9), 10**9), max_size=5))
def test_shares_add_up_to_the_total(amounts: list[int]) -> None:
    rules = replace(read_invoice_rules(REPOSITORY / "policies"), shares={"q": {"operator": 33, "health": 33}})
    items = [
        replace(ITEMS[0], product="pq"[number % 2], amount_fen=amount)
        for number, amount in enumerate(amounts)
    ]
    assert sum(share.amount_fen for share in shares_of(INVOICE, items, rules)) == sum(amounts)


def test_the_team_of_a_model_has_what_it_was_promised() -> None:
    assert percents_of({"operator": 10}, TeamShare("lake", 60)) == {"team:lake": 60, "operator": 10}
    assert percents_of({"operator": 10}, None) == {"operator": 10}
    assert percents_of({"operator": 10}, TeamShare("lake", 0)) == {"operator": 10}
    # what the rules say takes second place
    given = percents_of({"operator": 10, "city": 50}, TeamShare("lake", 90))
    assert given == {"team:lake": 90, "operator": 10}
