"""Reads a bank's statement: CSV in UTF-8 or GB 18030, with the columns date, amount, payer, memo and
reference, and account (ours) where it has one, by their English or Chinese names."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from marketplace.invoices.payments.transfer import Transfer
from marketplace.money import LARGEST_FEN
from sandbox.errors import InvalidInput
from sandbox.plain_text import is_text

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "paid_on": ("date", "交易日期", "日期"),
    "amount": ("amount", "金额", "贷方金额", "收入金额"),
    "payer": ("payer", "对方户名", "付款人"),
    "memo": ("memo", "摘要", "附言", "用途"),
    "reference": ("reference", "交易流水号", "流水号"),
    "account": ("account", "本方账号", "账号"),
}
OPTIONAL = "account"
AMOUNT = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d{1,2})?|-?\d+(\.\d{1,2})?")
MOST_LINES = 20_000


class StatementCsv:
    """The bank-transfer adapter of `TransferSource`."""

    def read(self, content: bytes) -> Sequence[Transfer]:
        """Raises `InvalidInput`, naming the line. Nothing of a statement with a fault is taken."""
        try:
            rows = list(csv.reader(io.StringIO(decoded(content)), strict=True))
        except csv.Error:
            raise wrong(1, "it is not CSV", "不是 CSV") from None
        if len(rows) > MOST_LINES:
            raise wrong(MOST_LINES, f"there are more than {MOST_LINES} lines", f"超过 {MOST_LINES} 行")
        places = columns_of(rows[0] if rows else [])
        return [
            transfer(dict(zip(places, (row[at].strip() for at in places.values()), strict=True)), number)
            for number, row in enumerate(rows[1:], 2)
            if any(row) and long_enough(row, places, number)
        ]


def decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if is_text(text):
            return text
    raise wrong(1, "it is neither UTF-8 nor GB 18030", "编码既非 UTF-8 也非 GB 18030")


def columns_of(head: Sequence[str]) -> dict[str, int]:
    """Where each column stands."""
    known = [name.strip().lower() for name in head]
    places = {}
    for field, names in COLUMNS.items():
        found = next((known.index(name) for name in names if name in known), None)
        if found is None and field == OPTIONAL:
            continue
        if found is None:
            raise wrong(1, f"there is no column {names[0]}", f"没有“{names[1]}”一栏")
        places[field] = found
    return places


def long_enough(row: Sequence[str], places: Mapping[str, int], number: int) -> bool:
    if len(row) <= max(places.values()):
        raise wrong(number, "a value is missing", "缺少内容")
    return True


def transfer(row: Mapping[str, str], number: int) -> Transfer:
    if not row["reference"] or len(row["reference"]) > 100:
        raise wrong(number, "the reference is missing or too long", "流水号缺失或过长")
    return Transfer(
        row["reference"],
        day(row["paid_on"], number),
        fen(row["amount"], number),
        row["payer"][:200],
        row["memo"][:500],
        row.get(OPTIONAL, "")[:100],
    )


def day(text: str, number: int) -> date:
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(text[:10], form).date()  # noqa: DTZ007  # a day, without a zone
        except ValueError:
            continue
    raise wrong(number, "the date is not like 2026-03-31", "日期应如 2026-03-31")


def fen(text: str, number: int) -> int:
    """Yuan with at most two decimals, in fen: exact, never through a float."""
    if AMOUNT.fullmatch(text) is None:
        raise wrong(number, "the amount is not in yuan with two decimals", "金额应为元，最多两位小数")
    whole, _, part = text.replace(",", "").lstrip("-").partition(".")
    amount = int(whole) * 100 + int(part.ljust(2, "0"))
    if amount > LARGEST_FEN:
        raise wrong(number, "the amount is too large", "金额过大")
    return -amount if text.startswith("-") else amount


def wrong(line: int, en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"The statement cannot be read: line {line}: {en}.",
        code="bad_statement",
        remedy="Give a CSV with the columns date, amount, payer, memo, reference.",
        zh=f"对账单无法读取：第 {line} 行，{zh}。",
        remedy_zh="请提供含“交易日期、金额、对方户名、摘要、交易流水号”各栏的 CSV。",
    )
