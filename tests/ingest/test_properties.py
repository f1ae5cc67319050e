"""What holds for any header, any text, any rows and any bytes."""

import io
import json
import random
import re
import time
import unicodedata
import zipfile
from datetime import date
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ingest.drafted import SCHEMA, drafted, plain_rules
from sandbox.catalog.policy_file import read_policy
from sandbox.drafts.names import column_name
from sandbox.drafts.write_policy import write_policy
from sandbox.errors import InvalidInput
from sandbox.ingest import FieldRules, InMemory, Limits, Type, open_file, read_rows
from sandbox.ingest.file_format import DETECTED, FileFormat
from sandbox.ingest.header import find_header
from sandbox.ingest.inference import inspect
from sandbox.ingest.text_encoding import encoding_of
from sandbox.ingest.units import UnitIds
from sandbox.queries import parse

CANARY = "canary7c1f"
SOON = settings(deadline=None, phases=[Phase.explicit, Phase.generate], derandomize=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
LABEL = TEXT.map(lambda text: " ".join(unicodedata.normalize("NFC", text).split()))
# fmt: off
WORDS = st.sampled_from([
    "", "no", "Yes", "null", "~", "1e3", "0x1F", "2024-01-05", "12:30:45", "<<", "=", "#x", "'", "{a}", "*a",
    "&a", "!x", "%x", "@x", "`x`", "|", ">", "?", "1_000", "0o7", ".5", "+1", "y", "是", "a: b", "- x",
    "x #y", '"', "\\N", "A\u030a", "\u0338x", "\u2028", "\x85", "\ufeff", "\U00020bb7",
])
# fmt: on
VALUE = st.one_of(
    TEXT,
    WORDS,
    st.integers(-(10**18), 10**18),
    st.booleans(),
    st.floats(-1e9, 1e9).map(lambda x: round(x, 6)),
)


@settings(SOON, max_examples=60)
@given(st.lists(st.one_of(TEXT, WORDS), max_size=6), st.one_of(TEXT, WORDS).filter(bool), st.floats(0, 1e9))
def test_a_policy_reads_back_the_same_through_both_yamls(texts: list[str], title: str, number: float) -> None:
    policy: dict[str, Any] = {
        "dataset": "health.x",
        "title": {"zh": title, "en": title},
        "summary": {"zh": title, "en": title},
        "department": "health",
        "grade": "1",
        "source": {"name": title, "licence": "internal"},
        "columns": {
            f"c{place}": {
                "role": "attribute",
                "type": "text",
                "source": f"{place}{text}",
                "empty_marks": [text or "x"],
            }
            for place, text in enumerate([*texts, "x"])
        },
    }
    policy["columns"]["amount"] = {
        "role": "measure",
        "type": "number",
        "bounds": [0, round(number) + 1],
        "step": 0.01,
    }
    text = write_policy(policy)
    assert yaml.safe_load(text) == policy
    read = read_policy(text, schema=SCHEMA)
    assert read.title.zh == title
    for column in read.columns[:-1]:
        spec = policy["columns"][column.name]
        assert (column.source, list(column.empty_marks)) == (spec["source"], spec["empty_marks"])


@settings(SOON, max_examples=150)
@given(st.dictionaries(st.one_of(TEXT, WORDS), VALUE, max_size=5))
def test_any_document_is_written_so_that_pyyaml_reads_it(document: dict[str, Any]) -> None:
    assert yaml.safe_load(write_policy({"summary": document, "x": [document]})) == {
        "summary": document or {},
        "x": [document],
    }


NAME = re.compile(json.loads(SCHEMA.read_text())["properties"]["columns"]["propertyNames"]["pattern"].replace(
    r"[\p{Ll}\p{Lo}\p{Nd}_]{0,62}", r"\w{0,62}").replace(r"[\p{Ll}\p{Lo}]", r"[^\W\d_]"))  # fmt: skip


@settings(SOON, max_examples=80)
@given(
    st.lists(st.one_of(TEXT, st.text("abc编号ABC _-.09İßǅﬁ①ªー", max_size=70), WORDS), min_size=1, max_size=8)
)
def test_names_of_columns_are_different_and_need_no_quotes(headers: list[str]) -> None:
    taken: list[str] = []
    for header in headers:
        taken.append(column_name(header, taken))
    assert len(set(taken)) == len(headers)
    for name in taken:
        assert NAME.fullmatch(name) and unicodedata.is_normalized("NFC", name)
        parse(f"SELECT {name}, COUNT(*) AS number_of_rows_0 FROM health.x WHERE {name} = 1 GROUP BY {name}")


def test_no_keyword_of_sql_is_a_name() -> None:
    import duckdb

    for (word,) in duckdb.sql("SELECT keyword_name FROM duckdb_keywords()").fetchall():
        name = column_name(word, ())
        parse(f"SELECT {name}, COUNT(*) AS number_of_rows_0 FROM health.x WHERE {name} = 1 GROUP BY {name}")


@settings(SOON, max_examples=80)
@given(st.lists(LABEL, min_size=1, max_size=12))
def test_labels_are_different(names: list[str]) -> None:
    below = [["x"] * len(names)] * 3
    labels = find_header([names, *below], FileFormat(header_row=1, header_rows=1)).labels
    assert len(set(labels)) == len(labels) == len(names)


CELL = st.one_of(st.none(), st.integers(-2, 2))
ROW = st.tuples(
    CELL, CELL, st.one_of(st.none(), st.sampled_from(["", "a", "b"])), st.one_of(st.none(), st.booleans())
)


@settings(SOON, max_examples=80)
@given(st.lists(ROW, min_size=1, max_size=20), st.randoms())
def test_ids_of_rows_are_different_and_do_not_depend_on_the_order(
    rows: list[Any], chance: random.Random
) -> None:
    def ids(rows: list[Any]) -> dict[Any, list[int]]:
        columns = list(zip(*rows, strict=True))
        types = (pa.int64(), pa.float64(), pa.string(), pa.bool_())
        arrays = [pa.array(column, type) for column, type in zip(columns, types, strict=True)]
        made = UnitIds(None).of_table(pa.table(arrays, names=["a", "b", "c", "d"])).to_pylist()
        assert len(set(made)) == len(rows)
        kept: dict[Any, list[int]] = {}
        for row, id in zip(rows, made, strict=True):
            kept.setdefault(tuple(map(repr, row)), []).append(id)
        return {row: sorted(found) for row, found in kept.items()}

    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert ids(rows) == ids(shuffled)


CHINESE = (
    "中国人口普查数据显示湖北省黄石市铁山区下陆区常住居民就诊记录门诊医疗费用日期编号姓名性别年龄，。一二三"
)
BIG5 = "臺灣人口統計資料顯示臺北市高雄市花蓮縣新竹市觀測雨量日期編號姓名性別年齡，。一二三"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "big5", "cp1252"])
def test_the_encoding_of_a_mixture_is_found(encoding: str) -> None:
    letters = {"big5": BIG5, "cp1252": "éèüöäßñçÅø"}.get(encoding, CHINESE)
    for seed in range(100):
        chance = random.Random(f"{encoding} {seed}")
        rows = []
        for _ in range(chance.randrange(12, 40)):
            word = "".join(chance.choices(letters, k=chance.randrange(2, 7)))
            if encoding == "cp1252":  # letters with signs stand between plain ones, as in words
                word = "".join(f"n{sign}t" for sign in word)
            rows.append(f"{word},{''.join(chance.choices('abcXYZ 0123456789', k=chance.randrange(1, 13)))}")
        body = "\r\n".join(["a,b", *rows]).encode(encoding)
        found = encoding_of(InMemory(body))
        assert (found.name, found.damaged) == ({"cp1252": "windows-1252"}.get(encoding, encoding), False), (
            seed
        )


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le"])
def test_bytes_that_are_no_text_are_counted_as_cells(encoding: str) -> None:
    rows = [f"{place},铁山区的居民,备注" for place in range(200)]
    body = "\n".join(["id,地区,其他", *rows]).encode(encoding)
    place = body.index("150,铁".encode(encoding)) + len("150,".encode(encoding))
    wrong = {"utf-8": b"\xff\xfe\xfd", "gb18030": b"\xff\xff", "utf-16-le": b"\x00\xdc"}[encoding]
    body = body[:place] + wrong + body[place + len(wrong) :]
    file = open_file(InMemory(body))
    assert file.encoding.damaged and file.encoding.name == encoding  # type: ignore[union-attr]
    fields = [FieldRules("id", Type.INTEGER), FieldRules("地区", Type.TEXT), FieldRules("其他", Type.TEXT)]
    with pytest.raises(InvalidInput, match="column 地区: of its cells 1 are no text in the file's encoding"):
        read_rows(body, fields)


def canary_files() -> dict[str, bytes]:
    rows = 30
    cells = [
        [f"{CANARY}{place}", str(place), f"2024-01-{1 + place % 28:02}", CANARY] for place in range(rows)
    ]
    text = "\n".join(",".join(row) for row in [["id", "n", "day", "note"], *cells])
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [["id", "n", "day", "note"], *cells]:
        book.active.append(row)
    xlsx, parquet, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    book.save(xlsx)
    table = pa.table(
        {"id": [row[0] for row in cells], "n": list(range(rows)), "day": [date(2024, 1, 1)] * rows}
    )
    pq.write_table(table, parquet)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", text)
    records = [dict(zip(("id", "n", "day", "note"), row, strict=True)) for row in cells]
    return {
        "csv": text.encode(),
        "quoted": ("\n".join(f'"{row[0]}";"{row[1]}"\r' for row in cells)).encode("utf-16"),
        "gbk": text.replace("note", "备注").replace(CANARY, f"{CANARY}铁山").encode("gbk"),
        "json": json.dumps(records).encode(),
        "lines": "\n".join(map(json.dumps, records)).encode(),
        "parquet": parquet.getvalue(),
        "zip": archive.getvalue(),
        "xlsx": xlsx.getvalue(),
    }


CANARIES = canary_files()


@pytest.mark.parametrize("kind", sorted(CANARIES))
def test_a_damaged_file_is_read_or_refused_and_no_cell_is_quoted(kind: str) -> None:
    chance, begun = random.Random(kind), time.process_time()  # what it computes, however long it waits
    for _ in range(6 if kind == "xlsx" else 12):
        body = bytearray(CANARIES[kind])
        for _ in range(chance.choice((0, 1, 3, 20))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        if chance.random() < 0.5:
            del body[chance.randrange(len(body)) :]
        for fields in ([FieldRules("id", Type.INTEGER), FieldRules("n", Type.DATE)], None):
            try:
                if fields is None:
                    drafted(bytes(body), by=plain_rules()).read()
                else:
                    read_rows(bytes(body), fields, dropped=("day", "note", "备注"))
            except InvalidInput as refusal:
                said = f"{refusal.message}{refusal.zh}{refusal.remedy}{refusal.remedy_zh}{refusal.internal}"
                if fields is not None:
                    assert CANARY not in said
    assert time.process_time() - begun < 60


@pytest.mark.parametrize("kind", sorted(CANARIES))
def test_each_refusal_of_a_sound_file_quotes_no_cell(kind: str) -> None:
    if kind == "quoted":  # it has no header line
        return
    for type in (Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.TIMESTAMP):
        with pytest.raises(InvalidInput) as refusal:
            read_rows(CANARIES[kind], [FieldRules("id", type)], dropped=("n", "day", "note", "备注"))
        assert CANARY not in refusal.value.message + refusal.value.zh


def far_cell() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"], book.active["XFD1048576"] = "a", "z"
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def bomb() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"a\n" + b"1\n" * 4_000_000)
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (far_cell(), "too large"),
        (bomb(), "unpacks to more than 4 MiB"),
        (b"[" + b"[" * 200_000, "JSON|column"),
        (b'{"a":' * 200_000, "not readable JSON"),
        (b'[{"a": 1, "a": 2}]', "not readable JSON"),
        (b'[{"a": 1}', "not readable JSON"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4000, "workbook"),
        (b"\x1f\x8b\x08" + b"\0" * 40, "damaged"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "Parquet"),
        ("a,b\n1,2".encode("utf-32"), "UTF-32"),
    ],
    ids=["far-cell", "bomb", "lists", "objects", "twice", "cut", "zip", "xls", "gzip", "parquet", "utf-32"],
)
def test_a_hostile_file_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_rows(body, [FieldRules("a", Type.INTEGER)], limits=Limits(file_bytes=4 * 1024**2))


def test_a_failed_formula_is_a_cell_that_does_not_fit() -> None:
    """calamine gives nothing for #DIV/0!, and it would be read as an empty cell."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["区", "率"], ["a", 1.5], ["b", 2.5], ["c", "#DIV/0!"], ["d", None]):
        sheet.append(row)
    sheet["B4"].data_type = "e"
    target = io.BytesIO()
    book.save(target)
    with pytest.raises(InvalidInput, match="率: of its cells 1 are no number"):
        read_rows(target.getvalue(), [FieldRules("区", Type.TEXT), FieldRules("率", Type.NUMBER)])
    draft = drafted(target.getvalue(), by=plain_rules())
    assert draft.written["率"]["empty_marks"] == ["#DIV/0!"]


@pytest.mark.parametrize(
    ("header", "cells", "type"),
    [
        ("estimate", ["20500", "31000", "45000"], "integer"),  # "at" within a word makes no day of a number
        ("日均流量", ["20500", "31000", "45000"], "integer"),
        ("card", ["6222021234567890123", "6222021234567890124"], "text"),  # a DOUBLE would lose its end
        ("户号", ["０１", "０２"], "text"),
        ("距离", ["12km", "3km"], "integer"),
        ("n", [" ", "1", "2"], "integer"),
        ("n", ["NA ", "1", "2"], "integer"),
        ("有房", ["有", "无", "有"], "boolean"),
        ("时刻", ["2024年1月5日 8:123"], "text"),
    ],
)
def test_a_column_is_what_people_mean(header: str, cells: list[str], type: str) -> None:
    body = "\n".join([f"k,{header}", *(f"x,{cell}" for cell in cells)]).encode()
    draft = drafted(body, by=plain_rules())
    assert draft.written[header]["type"] == type
    draft.read()


def test_a_wrong_day_leaves_the_zones_of_the_others() -> None:
    cells = ["2024-01-05T00:00:00Z", "2024-02-30T00:00:00Z", "2024-01-06T00:00:00+08:00"]
    shape = inspect(open_file(InMemory(("t\n" + "\n".join(cells * 20)).encode()), DETECTED))[0]
    body = ("t\n" + "\n".join(cells)).encode()
    from sandbox.ingest import Unfit
    from sandbox.ingest.written import DateOrder, Written

    written = Written(dates=DateOrder.YEAR_FIRST, zones=True, trimmed=True)
    rows = read_rows(body, [FieldRules("t", Type.TIMESTAMP, written=written, unfit=Unfit.EMPTY)])
    assert [str(value) for value in rows.table["t"].to_pylist()] == [
        "2024-01-05 08:00:00",
        "None",
        "2024-01-06 00:00:00",
    ]
    assert shape.type is Type.TEXT  # a third of the cells is no day
