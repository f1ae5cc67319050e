"""A reader of its own, told by each column's declared form how its cells are written.

It shares nothing with sandbox/ingest: Python's csv, json, datetime, decimal and zoneinfo, openpyxl and tables
of characters. Bytes are decoded by the encoding that the file was drawn in.
"""

import csv
import gzip
import io
import json
import unicodedata
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl

FAULT = object()
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
CITY = ZoneInfo("Asia/Shanghai")


def unpacked(body: bytes, packing: str) -> bytes:
    if packing == "gz":
        return gzip.decompress(body)
    if packing == "zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read(archive.namelist()[0])
    return body


def csv_cells(body: bytes, encoding: str, separator: str) -> dict[str, list[str]]:
    text = body.decode(encoding).removeprefix("\ufeff")
    csv.field_size_limit(1 << 30)
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return {name: [row[place] for row in rows if row] for place, name in enumerate(header)}


def json_cells(body: bytes, *, lines: bool) -> dict[str, list[str]]:
    def records() -> list[dict[str, Any]]:
        if lines:
            return [json.loads(line, parse_float=str, parse_int=str) for line in body.decode().splitlines()]
        return list(json.loads(body, parse_float=str, parse_int=str))

    return {name: [spelled(record.get(name)) for record in records()] for name in records()[0]}


def excel_cells(body: bytes, skipped: int) -> dict[str, list[str]]:
    sheet = openpyxl.load_workbook(io.BytesIO(body), data_only=True).active
    assert sheet is not None
    for area in list(sheet.merged_cells.ranges):
        value = sheet.cell(area.min_row, area.min_col).value
        sheet.unmerge_cells(str(area))
        for row in sheet.iter_rows(area.min_row, area.max_row, area.min_col, area.max_col):
            for cell in row:
                cell.value = value
    header, *rows = list(sheet.iter_rows(min_row=1 + skipped, values_only=True))
    return {str(name): [spelled(row[place]) for row in rows] for place, name in enumerate(header)}


def spelled(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def value_of(text: str, spec: dict[str, Any]) -> object:
    """The value of a cell by a policy's column, None for an empty cell, or FAULT."""
    written = spec.get("written", {})
    if spec["type"] == "text":
        return text or None
    if written.get("trimmed"):
        text = text.strip()
    if text == "" or text in spec.get("empty_marks", ()):
        return None
    if written.get("trimmed"):
        text = unicodedata.normalize("NFKC", text).strip()
    match spec["type"]:
        case "boolean":
            true = written.get("true") or ["true", "t", "yes", "y", "1"]
            false = written.get("false") or ["false", "f", "no", "n", "0"]
            said = text if "true" in written else text.lower()
            return True if said in true else False if said in false else FAULT
        case "integer":
            number = _number(text, written)
            return int(number) if isinstance(number, Decimal) and number == int(number) else FAULT
        case "number":
            number = _number(text, written)
            return float(number) if isinstance(number, Decimal) else FAULT
    moment = _moment(text, written)
    if isinstance(moment, datetime) and spec["type"] == "date":
        return moment.date() if moment.time() == time() else FAULT
    return moment


def _number(text: str, written: dict[str, Any]) -> object:
    for sign in sorted((unicodedata.normalize("NFKC", sign) for sign in written.get("signs", ())), key=len)[
        ::-1
    ]:
        bare = text.removeprefix("-").removeprefix("+")
        if bare.startswith(sign):
            text = ("-" if text.startswith("-") else "") + bare.removeprefix(sign).strip()
            break
        if text.endswith(sign):
            text = text.removesuffix(sign).strip()
            break
    share = written.get("percent", False)
    if share:
        if not text.endswith("%"):
            return FAULT if text.strip("-0.") else Decimal(0)
        text = text.removesuffix("%").strip()
    if written.get("trimmed"):
        text = text.removeprefix("+")
    point = written.get("decimal", ".")
    if point == "," and "." in text and written.get("thousands") != ".":
        return FAULT
    sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, mark, fraction = body.partition(point)
    if not written and "e" in body:
        return Decimal(text)
    group = written.get("thousands", "")
    if group and group in whole:
        parts = whole.split(group)
        if not (0 < len(parts[0]) <= 3) or any(len(part) != 3 for part in parts[1:]):
            return FAULT
        whole = "".join(parts)
    if not set(whole + fraction) <= set("0123456789") or not whole or (mark and not fraction):
        return FAULT
    try:
        return Decimal(f"{sign}{whole}.{fraction or 0}") / (100 if share else 1)
    except InvalidOperation:
        return FAULT


def _moment(  # noqa: C901  # in one piece, so that it shares no structure with what it checks
    text: str, written: dict[str, Any]
) -> object:
    order = written.get("dates")
    if order == "excel":
        serial = Decimal(text)
        return datetime(1899, 12, 30) + timedelta(
            milliseconds=int((serial * 86_400_000).quantize(Decimal(1)))
        )
    if order in ("unix seconds", "unix milliseconds"):
        seconds = Decimal(text) / (1000 if "milli" in order else 1)
        return (
            (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 10**6)))
            .astimezone(CITY)
            .replace(tzinfo=None)
        )
    tokens = _tokens(text)
    zone, half, month_name = None, "", 0
    numbers: list[str] = []
    for token in tokens:
        low = token.lower()
        if low in ("am", "pm", "上午", "下午"):
            half = low
        elif low[:3] in MONTHS and low[0].isalpha():
            month_name = MONTHS.index(low[:3]) + 1
        elif low == "z" or (token[0] in "+-" and len(token) > 1 and ":" in text):
            zone = token
        elif token.isdigit():
            numbers.append(token)
    if len(numbers[0]) in (8, 14):
        packed = numbers.pop(0)
        cut = [packed[:4], *[packed[place : place + 2] for place in range(4, len(packed), 2)]]
        numbers = cut + numbers
    if len(numbers[0]) == 6 and order == "year month":
        numbers = [numbers[0][:4], numbers[0][4:]]
    if order == "year month":
        numbers.append("1")
    if month_name:
        place = {"day month year": 1, "month day year": 0}.get(order or "", 1)
        numbers.insert(place, str(month_name))
    first, second, third, *clock = numbers
    year, month, day = {
        "day month year": (third, second, first),
        "month day year": (third, first, second),
    }.get(order or "", (first, second, third))
    micro = clock[3].ljust(6, "0")[:6] if len(clock) > 3 else "0"
    hour, minute, second = (*map(int, clock[:3]), 0, 0, 0)[:3]
    if half in ("pm", "下午") and hour < 12:
        hour += 12
    if half in ("am", "上午") and hour == 12:
        hour = 0
    try:
        moment = datetime(int(year), int(month), int(day), hour, minute, second, int(micro))
    except ValueError:
        return FAULT
    if zone is None:
        return moment
    if zone.lower() == "z":
        shift = timedelta()
    else:
        digits = zone[1:].replace(":", "").ljust(4, "0")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        shift = -shift if zone[0] == "-" else shift
    return (moment - shift).replace(tzinfo=UTC).astimezone(CITY).replace(tzinfo=None)


def _tokens(text: str) -> list[str]:
    """Runs of digits, runs of letters, and a zone with its sign."""
    tokens: list[str] = []
    clock = False
    for place, sign in enumerate(text):
        clock |= sign == ":"
        before = text[place - 1] if place else ""
        if sign in "+-" and clock:
            tokens.append(sign)
        elif tokens and tokens[-1][0] in "+-" and (sign.isdigit() or sign == ":"):
            tokens[-1] += sign
        elif sign.isdigit():
            tokens = [*tokens[:-1], tokens[-1] + sign] if before.isdigit() else [*tokens, sign]
        elif sign.isalpha() and sign not in "年月日时分秒T":
            tokens = [*tokens[:-1], tokens[-1] + sign] if before.isalpha() and tokens else [*tokens, sign]
    return tokens


def is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)
