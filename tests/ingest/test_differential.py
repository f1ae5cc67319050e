"""Drawn files are read by their drafted policies as by an independent reader, value by value.

`CIHU_DRAWN_FILES=2000` draws as many as a release is tested with; a commit draws some.
"""

import gzip
import io
import json
import os
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import independent_reader as other
from ingest.drafted import Drafted, drafted, plain_rules
from sandbox.errors import InvalidInput

BATCHES = 40
FILES_OF_A_BATCH = int(os.environ.get("CIHU_DRAWN_FILES", "240")) // BATCHES
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "gb18030",
    "gbk",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-16-be-mark",
    "big5",
    "cp1252",
)
SIMPLIFIED = (
    "铁山区",
    "下陆区",
    "西塞山区",
    "大冶市",
    "团城山街道",
    "磁湖街道",
    "黄石港区",
    "阳新县",
    "开发区",
)
TRADITIONAL = ("臺北市", "高雄市", "新北市", "臺中市", "桃園市", "臺南市", "花蓮縣", "嘉義縣")
WESTERN = ("Köln", "Düsseldorf", "Málaga", "Orléans", "Göteborg", "Århus", "São Paulo")
PLACES = {"big5": TRADITIONAL, "cp1252": WESTERN}
Draw = Callable[[random.Random], str]


def number(chance: random.Random, places: int = 2) -> Decimal:
    return Decimal(chance.randrange(-(10**8), 10**8)).scaleb(-places)


def moment(chance: random.Random) -> datetime:
    return datetime(1990, 1, 1) + timedelta(seconds=chance.randrange(40 * 365 * 86400))


def grouped(value: Decimal, group: str, point: str) -> str:
    return f"{value:,}".replace(",", "\0").replace(".", point).replace("\0", group)


def wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


# a kind of column: the type that must be suggested, and how a cell is drawn
NUMBERS: dict[str, tuple[str, Draw]] = {
    "whole": ("integer", lambda c: str(c.randrange(-(10**6), 10**6))),
    "decimal": ("number", lambda c: str(number(c))),
    "grouped": ("number", lambda c: grouped(number(c), ",", ".")),
    "grouped whole": ("integer", lambda c: f"{c.randrange(10**4, 10**7):,}"),
    "european": ("number", lambda c: grouped(number(c), ".", ",")),
    "spaced": ("number", lambda c: grouped(number(c), " ", ",")),
    "swiss": ("number", lambda c: grouped(number(c), "'", ".")),
    "percent": ("number", lambda c: f"{number(c, 5)}%"),
    "percent apart": ("number", lambda c: f"{c.randrange(100)} %"),
    "dollars": ("number", lambda c: "$" + grouped(abs(number(c)), ",", ".")),
    "euros": ("number", lambda c: grouped(number(c), ".", ",") + " €"),
    "padded": ("number", lambda c: f" {number(c)}  "),
    "float": ("number", lambda c: repr(c.random() * 10 ** c.randrange(-3, 12))),
}
CHINESE_NUMBERS: dict[str, tuple[str, Draw]] = {
    "yuan": ("number", lambda c: f"{number(c)}元"),
    "yen sign": ("number", lambda c: f"￥{abs(number(c))}"),
    "wide": ("number", lambda c: wide(str(number(c)))),
    "years of age": ("integer", lambda c: f"{c.randrange(100)}岁"),
}
DAYS: dict[str, tuple[str, Draw]] = {
    "iso day": ("date", lambda c: f"{moment(c):%Y-%m-%d}"),
    "slash": ("date", lambda c: "{0.year}/{0.month}/{0.day}".format(moment(c))),
    "compact": ("date", lambda c: f"{moment(c):%Y%m%d}"),
    "month first": ("date", lambda c: "{0.month}/{0.day}/{0.year}".format(moment(c))),
    "day first": ("date", lambda c: "{0.day}.{0.month}.{0.year}".format(moment(c))),
    "day slash": ("date", lambda c: f"{moment(c):%d/%m/%Y}"),
    "named": ("date", lambda c: f"{moment(c):%d %b %Y}"),
    "named first": ("date", lambda c: f"{moment(c):%B %d, %Y}"),
    "minutes": ("timestamp", lambda c: "{0.year}/{0.month}/{0.day} {0.hour}:{0.minute:02}".format(moment(c))),
    "iso": ("timestamp", lambda c: f"{moment(c):%Y-%m-%dT%H:%M:%S}"),
    "fraction": ("timestamp", lambda c: f"{moment(c):%Y-%m-%d %H:%M:%S}.{c.randrange(1000):03}"),
    "zulu": ("timestamp", lambda c: f"{moment(c):%Y-%m-%dT%H:%M:%SZ}"),
    "offset": ("timestamp", lambda c: f"{moment(c):%Y-%m-%d %H:%M:%S}{c.choice(('+08:00', '-0530', '+00'))}"),
    "half day": ("timestamp", lambda c: f"{moment(c):%m/%d/%Y %I:%M:%S %p}"),
    "compact moment": ("timestamp", lambda c: f"{moment(c):%Y%m%d%H%M%S}"),
}
CHINESE_DAYS: dict[str, tuple[str, Draw]] = {
    "han day": ("date", lambda c: "{0.year}年{0.month}月{0.day}日".format(moment(c))),
    "han moment": (
        "timestamp",
        lambda c: "{0.year}年{0.month}月{0.day}日 {0.hour}时{0.minute}分".format(moment(c)),
    ),
    "han month": ("date", lambda c: "{0.year}年{0.month}月".format(moment(c))),
}
COUNTED: dict[str, tuple[str, Draw]] = {
    "date": ("date", lambda c: str(c.randrange(20_000, 60_000))),
    "datetime": ("timestamp", lambda c: str(Decimal(c.randrange(2 * 10**7, 6 * 10**7)).scaleb(-3))),
    "created at": ("timestamp", lambda c: str(c.randrange(10**9, 2 * 10**9))),
    "timestamp": ("timestamp", lambda c: str(c.randrange(10**12, 2 * 10**12))),
}
TRUTHS = (("true", "false"), ("TRUE", "FALSE"), ("Y", "N"), ("yes", "no"), ("Yes", "No"))
CHINESE_TRUTHS = (("是", "否"), ("有", "无"), ("√", "×"))
EMPTY = ("", "", "", "NA", "N/A", "NULL", "-", "null", "..")
NOT_FITTING = re.compile(r"no {0} at all|CANARY")


@dataclass
class Drawn:
    body: bytes
    cells: dict[str, list[str]]
    types: dict[str, str]
    name: str
    seeded: dict[str, int] = field(default_factory=dict)


def columns(chance: random.Random, encoding: str, rows: int) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Up to five columns: their texts, and the types that must be suggested."""
    chinese = encoding not in ("big5", "cp1252")
    places = PLACES.get(encoding, SIMPLIFIED)
    kinds = NUMBERS | DAYS | COUNTED
    kinds |= (CHINESE_NUMBERS | CHINESE_DAYS) if chinese else {}
    if encoding == "gbk":
        kinds = {name: kind for name, kind in kinds.items() if name != "euros"}
    if encoding == "big5":
        kinds = {name: kind for name, kind in kinds.items() if name != "euros"}
    texts: dict[str, list[str]] = {"place": [chance.choice(places) for _ in range(rows)]}
    types = {"place": "text"}
    for name in chance.sample(sorted(kinds), chance.randrange(1, 3)):
        type, draw = kinds[name]
        texts[name], types[name] = [draw(chance) for _ in range(rows)], type
    if chance.random() < 0.2:
        pair = chance.choice(TRUTHS + CHINESE_TRUTHS if chinese else TRUTHS)
        if encoding in ("gbk", "gb18030") or "√" not in pair:
            texts["flag"], types["flag"] = [*pair, *(chance.choice(pair) for _ in range(rows - 2))], "boolean"
    for name, cells in texts.items():
        if chance.random() < 0.3 and name != "place":
            mark = chance.choice(EMPTY)
            texts[name] = [
                cell if row < 2 or chance.random() < 0.9 else mark for row, cell in enumerate(cells)
            ]
    if chance.random() < 0.3:
        texts["note"] = [
            chance.choice(
                (
                    "",
                    "a",
                    'says "so"',
                    "x, y; z|w",
                    f"{places[0]}\n{places[1]}",
                    "  gaps ",
                    "é" if encoding == "cp1252" else "z",
                )
            )
            for _ in range(rows)
        ]
        types["note"] = "text"
    return texts, types


def encoded(text: str, encoding: str) -> bytes:
    if encoding == "utf-16-be-mark":
        return "\ufeff".encode("utf-16-be") + text.encode("utf-16-be")
    return text.encode(encoding)


def csv_text(texts: dict[str, list[str]], chance: random.Random, separator: str) -> str:
    end, all_quoted = chance.choice(("\n", "\r\n", "\r\n", "\r")), chance.random() < 0.3

    def cell(text: str) -> str:
        quoted = all_quoted or separator in text or '"' in text or "\n" in text or "\r" in text
        return '"' + text.replace('"', '""') + '"' if quoted else text

    rows = [list(texts), *map(list, zip(*texts.values(), strict=True))]
    lines = [separator.join(map(cell, row)) for row in rows]
    return end.join(lines) + (end if chance.random() < 0.8 else "")


def packed(body: bytes, packing: str) -> bytes:
    if packing == "gz":
        return gzip.compress(body, mtime=0)
    if packing == "zip":
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("数据.csv", body)
        return target.getvalue()
    return body


def drawn_csv(chance: random.Random) -> Drawn:
    encoding = chance.choice(ENCODINGS)
    texts, types = columns(chance, encoding, chance.randrange(24, 40))
    separator = chance.choice((",", ",", ";", "\t", "|"))
    packing = chance.choice(("", "", "", "gz", "zip"))
    body = packed(encoded(csv_text(texts, chance, separator), encoding), packing)
    decoder = {"utf-16-be-mark": "utf-16-be"}.get(encoding, encoding)
    cells = other.csv_cells(other.unpacked(body, packing), decoder, separator)
    return Drawn(body, cells, types, f"csv {encoding} {separator!r} {packing}")


def drawn_json(chance: random.Random) -> Drawn:
    texts, types = columns(chance, "utf-8", chance.randrange(24, 40))
    lines = chance.random() < 0.5

    def value(name: str, text: str) -> Any:
        if text == "":
            return None
        if text in ("true", "false"):
            return text == "true"
        return float(text) if name in ("decimal", "float") and text not in EMPTY else text

    records = [
        {name: value(name, text) for name, text in zip(texts, row, strict=True)}
        for row in zip(*texts.values(), strict=True)
    ]
    spelled = [json.dumps(record, ensure_ascii=chance.random() < 0.5) for record in records]
    body = ("\n".join(spelled) if lines else f"[{', '.join(spelled)}]").encode()
    packing = chance.choice(("", "gz"))
    return Drawn(packed(body, packing), other.json_cells(body, lines=lines), types, f"json {lines} {packing}")


def drawn_excel(chance: random.Random) -> Drawn:
    rows = chance.randrange(12, 20)
    made: dict[str, tuple[str, list[Any]]] = {
        "地区": ("text", [chance.choice(SIMPLIFIED) for _ in range(rows)]),
        "人数": ("integer", [chance.randrange(10**6) for _ in range(rows)]),
        "金额": ("number", [float(number(chance)) for _ in range(rows)]),
        "日期": ("date", [moment(chance).date() for _ in range(rows)]),
        "时间": ("timestamp", [moment(chance) for _ in range(rows)]),
        "在用": ("boolean", [chance.random() < 0.5 for _ in range(rows)]),
        "文本日期": ("date", [DAYS["slash"][1](chance) for _ in range(rows)]),
    }
    names = ["地区", *chance.sample([name for name in made if name != "地区"], 4)]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    titles = chance.choice((0, 0, 1, 2))
    for title in range(titles):
        sheet.append([("统计表", "单位：人")[title]])
    if titles and chance.random() < 0.5:
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(names))
    sheet.append(names)
    for row in zip(*(made[name][1] for name in names), strict=True):
        sheet.append(
            [cell if place == 0 or chance.random() < 0.95 else None for place, cell in enumerate(row)]
        )
    if chance.random() < 0.4:
        sheet.merge_cells(start_row=titles + 3, start_column=1, end_row=titles + 5, end_column=1)
    formula = chance.random() < 0.2
    types = {name: made[name][0] for name in names}
    if formula:  # without a computed value it is an empty cell
        names.append("公式")
        sheet.cell(titles + 1, len(names)).value = "公式"
        sheet.cell(titles + 2, len(names)).value = "=1+1"
        types["公式"] = "text"
    target = io.BytesIO()
    book.save(target)
    return Drawn(target.getvalue(), other.excel_cells(target.getvalue(), titles), types, f"xlsx {titles}")


def check(drawn: Drawn) -> None:
    draft = drafted(drawn.body, by=plain_rules())
    specs = draft.written
    assert {label: specs[label]["type"] for label in drawn.types} == drawn.types, drawn.name
    read = draft.columns()
    assert set(read) == set(drawn.cells), drawn.name
    expected = {
        label: [repr(other.value_of(text, specs[label])) for text in cells]
        for label, cells in drawn.cells.items()
    }
    for label, values in expected.items():
        assert sorted(map(repr, read[label])) == sorted(values), (drawn.name, label, specs[label])
    # rows have a hash for an id, so they come in another order: they are compared as a whole
    table = zip(*(map(repr, read[label]) for label in expected), strict=True)
    assert sorted(table) == sorted(zip(*expected.values(), strict=True)), drawn.name


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_drawn_file_is_read_as_by_the_independent_reader(batch: int) -> None:
    for place in range(FILES_OF_A_BATCH):
        chance = random.Random(f"{batch} {place}")
        kind = "xlsx" if place == 0 else "json" if place % 8 == 1 else "parquet" if place % 8 == 2 else "csv"
        if kind == "parquet":
            check_parquet(chance)
        else:
            check({"csv": drawn_csv, "json": drawn_json, "xlsx": drawn_excel}[kind](chance))


def check_parquet(chance: random.Random) -> None:
    rows = chance.randrange(8, 30)
    values = [moment(chance) for _ in range(rows)]
    made: dict[str, tuple[pa.Array, list[Any]]] = {
        "decimals": (pa.array([number(chance) for _ in range(rows)], pa.decimal128(12, 2)), []),
        "dictionary": (pa.array([chance.choice(SIMPLIFIED) for _ in range(rows)]).dictionary_encode(), []),
        "codes": (pa.array([chance.randrange(9) for _ in range(rows)]).dictionary_encode(), []),
        "zoned": (
            pa.array(values, pa.timestamp("ms", tz="UTC")),
            [value + timedelta(hours=8) for value in values],
        ),
        "naive": (pa.array(values, pa.timestamp("us")), values),
        "days": (pa.array([value.date() for value in values]), []),
        "flags": (pa.array([chance.random() < 0.5 for _ in range(rows)]), []),
        "small": (pa.array([chance.randrange(-99, 99) for _ in range(rows)], pa.int8()), []),
        "floats": (pa.array([chance.random() for _ in range(rows)]), []),
        "large": (pa.array([2**60 + chance.randrange(99) for _ in range(rows)]), []),
        "texts of days": (
            pa.array([f"{value:%d/%m/%Y}" for value in values]),
            [value.date() for value in values],
        ),
    }
    names = chance.sample(sorted(made), 5)
    table = pa.table({name: made[name][0] for name in names})
    target = io.BytesIO()
    pq.write_table(table, target, use_deprecated_int96_timestamps=chance.random() < 0.2, row_group_size=7)
    int96 = any(column.physical_type == "INT96" for column in _physical(target))
    read = drafted(target.getvalue(), "file.parquet", by=plain_rules()).columns()
    for name in names:
        array, expected = made[name]
        if not expected:
            expected = array.to_pylist()
        if name == "decimals":
            expected = [float(value) for value in expected]
        if name == "large":
            expected = [str(value) for value in expected]
        if int96 and name == "naive":
            expected = [_in_city(value) for value in values]
        if name == "zoned":
            expected = [_in_city(value) for value in values]
        assert sorted(map(repr, read[name])) == sorted(map(repr, expected)), name


def _in_city(value: datetime) -> datetime:
    return value.replace(tzinfo=other.UTC).astimezone(other.CITY).replace(tzinfo=None)


def _physical(target: io.BytesIO) -> list[Any]:
    schema = pq.read_metadata(target).schema
    return [schema.column(place) for place in range(len(schema))]


@pytest.mark.parametrize("seed", range(6))
def test_seeded_faults_are_counted_with_their_column_and_never_quoted(seed: int) -> None:
    """One cell in a thousand does not fit."""
    chance = random.Random(f"faults {seed}")
    rows, kinds = 2000, chance.sample(sorted(NUMBERS | DAYS), 4)
    texts = {name: [(NUMBERS | DAYS)[name][1](chance) for _ in range(rows)] for name in kinds}
    seeded = dict.fromkeys(kinds, 0)
    for name, cells in texts.items():
        for row in range(5, rows):
            if chance.random() < 0.001:
                cells[row], seeded[name] = f"CANARY {seed} {row}", seeded[name] + 1
    body = csv_text(texts, random.Random("quotes"), ";").encode()
    draft = drafted(body)
    for column in draft.suggested.columns:
        assert column["unfit"] == seeded[column["source"]], column
    faulty = {draft_name(draft, name): count for name, count in seeded.items() if count}
    with pytest.raises(InvalidInput) as refusal:
        draft.read()
    said = refusal.value.message + refusal.value.zh + refusal.value.remedy + (refusal.value.internal or "")
    assert "CANARY" not in said
    told = dict(re.findall(r"column (\w+): of its cells (\d+) are", said))
    assert {name: int(count) for name, count in told.items()} == faulty


def draft_name(draft: Drafted, label: str) -> str:
    return next(column["name"] for column in draft.suggested.columns if column["source"] == label)


def test_a_cell_of_six_megabytes_with_line_breaks_is_one_cell() -> None:
    long = "磁湖\r\n" * 700_000
    body = f'id,note\r\nA1,"{long}"\r\nA2,short\r\nA3,""\r\n'.encode()
    draft = drafted(body)
    assert draft.written["note"]["unfit"] == "empty"  # longer than a text may be
    assert draft.columns()["note"] == [None, "short", None]


def test_a_day_is_no_moment() -> None:
    assert other.is_day(date(2024, 1, 1)) and not other.is_day(datetime(2024, 1, 1))
