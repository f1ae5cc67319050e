"""Gives the fields that a tax system asks for to issue an e-invoice (数电发票). They are fields for that
system, and no e-invoice: only the tax authority's platform issues one.

Prices include the tax. Each item's tax is rounded to the fen, half away from zero, and the totals are the
sums of the items, so that amounts and taxes add up to the invoice to the fen.
"""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from marketplace.invoices.documents.contents import Contents
from marketplace.invoices.documents.csv_files import title
from marketplace.invoices.documents.messages import in_yuan, word
from marketplace.invoices.schemas import TaxField, TaxFields
from sandbox.spreadsheet_cells import guarded_csv

DIGITS, PLACES, GROUPS = "零壹贰叁肆伍陆柒捌玖", ("", "拾", "佰", "仟"), ("", "万", "亿", "万亿")


def tax_fields(contents: Contents) -> dict[str, object]:
    """The document, by the names that the platform's forms have. Amounts are texts in yuan."""
    invoice = contents.invoice
    items = []
    taxes = 0
    for item in contents.items:
        if item.amount_fen == 0:
            continue
        tax = tax_in(item.amount_fen, contents.tax_percent)
        taxes += tax
        remark = "" if item.month == invoice.month else f"{item.month} {word('adjustment', 'zh')}"
        items.append(
            {
                "项目名称": title(contents, item.product, "zh"),
                "规格型号": word(f"reason.{item.reason}", "zh") + ("（冲减）" if item.credit else ""),
                "单位": word(f"unit.{item.unit}", "zh"),
                "数量": item.quantity,
                "金额": in_yuan(item.amount_fen - tax),
                "税率": f"{contents.tax_percent}%",
                "税额": in_yuan(tax),
                "备注": remark,
            }
        )
    buyer, seller = invoice.customer, invoice.seller
    return {
        "说明": "供税务系统开票使用的字段，不是电子发票",
        "账单编号": invoice.label or "",
        "红字": invoice.total_fen < 0,
        "购买方名称": buyer["name"],
        "购买方统一社会信用代码": buyer["credit_code"],
        "购买方地址": buyer["address"],
        "购买方电话": buyer["phone"],
        "购买方开户银行": buyer["bank"],
        "购买方银行账号": buyer["account"],
        "销售方名称": seller["name"],
        "销售方统一社会信用代码": seller["credit_code"],
        "销售方地址": seller["address"],
        "销售方电话": seller["phone"],
        "销售方开户银行": seller["bank"],
        "销售方银行账号": seller["account"],
        "项目": items,
        "合计金额": in_yuan(invoice.total_fen - taxes),
        "合计税额": in_yuan(taxes),
        "价税合计": in_yuan(invoice.total_fen),
        "价税合计大写": in_capitals(invoice.total_fen),
        "备注": f"{invoice.month} {invoice.purchase_order}".strip(),
    }


def named_fields(document: dict[str, object]) -> TaxFields:
    """The same as lists of names and texts, in the order of the forms."""
    items = document["项目"]
    assert isinstance(items, list)
    return TaxFields(fields=listed(document), items=[listed(item) for item in items])


def listed(fields: dict[str, object]) -> list[TaxField]:
    return [
        TaxField(name=name, value=("是" if value else "否") if isinstance(value, bool) else str(value))
        for name, value in fields.items()
        if not isinstance(value, list)
    ]


def tax_fields_csv(contents: Contents) -> str:
    """A line per item, with what is of the whole invoice repeated on each."""
    document = tax_fields(contents)
    items = document.pop("项目")
    assert isinstance(items, list)
    rows = [{**document, **item, "账单备注": document["备注"]} for item in items]
    names = list(rows[0]) if rows else list(document)
    return "\ufeff" + guarded_csv([names, *([row[name] for name in names] for row in rows)])


def tax_in(amount_fen: int, percent: int) -> int:
    """The tax that an amount includes, in fen."""
    exact = Fraction(amount_fen * percent, 100 + percent)
    quotient = Decimal(abs(exact.numerator)) / Decimal(exact.denominator)
    rounded = int(quotient.quantize(Decimal(1), ROUND_HALF_UP))
    return -rounded if exact < 0 else rounded


def in_capitals(amount_fen: int) -> str:
    """An amount as invoices write it: 10200 fen is 壹佰零贰元整."""
    whole, jiao, fen = abs(amount_fen) // 100, abs(amount_fen) // 10 % 10, abs(amount_fen) % 10
    text = "" if not whole and (jiao or fen) else whole_in_capitals(whole) + "元"
    if not jiao and not fen:
        text += "整"
    else:
        text += f"{DIGITS[jiao]}角" if jiao else ("零" if whole else "")
        text += f"{DIGITS[fen]}分" if fen else "整"
    return ("负" if amount_fen < 0 else "") + text


def whole_in_capitals(number: int) -> str:
    if number == 0:
        return DIGITS[0]
    text, zero = "", False
    groups = [number // 10000**at % 10000 for at in range(len(GROUPS))]
    for at in reversed(range(len(groups))):
        if not groups[at]:
            zero = zero or bool(text)
            continue
        for place in reversed(range(4)):
            digit = groups[at] // 10**place % 10
            if digit:
                text += (DIGITS[0] if zero else "") + DIGITS[digit] + PLACES[place]
                zero = False
            else:
                zero = bool(text)
        text += GROUPS[at]
        zero = zero and at > 0
    return text
