"""Every cell of every column is read strictly, or counted as not fitting:
held against an independent reader on drawn files."""

import csv
import io
import random
from collections import Counter

import pytest

from ingest.strict_reader import UNFIT, rows_of, value_of
from sandbox.errors import InvalidInput
from sandbox.ingest import FieldRules, Type, Unfit, read_rows

FILES = 150
MARKS = ("NA", "-", "n/a", "NULL")
NUMBERS = (
    "0",
    "1",
    "-1",
    "7",
    "007",
    "-0",
    "00",
    "+1",
    " 1",
    "1 ",
    "1\t",
    "1,000",
    "1.000,5",
    "1'000",
    "1 000",
    "1_0",
    "0x10",
    "0b1",
    "0o7",
    "1e3",
    "1E+3",
    "1e-3",
    "1.5",
    "-1.5",
    "1.0",
    "1.",
    ".5",
    ".",
    "-",
    "--1",
    "1-",
    "1.5.0",
    "１２",
    "٣",
    "²",
    "½",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678901234567890",
    "1e400",
    "-1e400",
    "1e-400",
    "1e99999999",
    "inf",
    "-Infinity",
    "nan",
    "NaN",
    "1%",
    "$1",
    "¥5",
    "1f",
    "1d",
    "1e",
    "e1",
    "1 2",
    "1\u00a0",
    "\u22121",
    "0.1",
    "123456789.123456789",
    "0.30000000000000004",
    "4.4",
)
TRUTHS = (
    "true",
    "False",
    "TRUE",
    "t",
    "F",
    "yes",
    "No",
    "y",
    "N",
    "1",
    "0",
    "2",
    "on",
    "off",
    "是",
    "ｔｒｕｅ",
    " true",
    "truee",
    "01",
)
DAYS = (
    "2024-02-29",
    "2023-02-29",
    "2024-2-9",
    "2024/02/09",
    "2024/02-09",
    "01/02/2024",
    "31/12/2024",
    "24-01-02",
    "20240102",
    "2024-13-01",
    "2024-00-10",
    "0001-01-01",
    "0000-01-01",
    "9999-12-31",
    "10000-01-01",
    "-0001-01-01",
    "2024-01-01 ",
    "２０２４-01-01",
    "2024年1月5日",
    "Jan 5 2024",
    "2024-01-01T00:00:00",
    "2024-01-01 00:00",
    "2024-01-01 00:00:01",
    "2024-01",
    "2024-01-01Z",
    "45292",
    "today",
    "infinity",
    "epoch",
)
MOMENTS = (
    "2024-01-01 12:30:45",
    "2024-01-01T12:30:45.5",
    "2024-01-01 12:30",
    "2024-01-01 9:05:01",
    "2024-01-01 24:00:00",
    "2024-01-01 12:60:00",
    "2024-01-01 12:30:60",
    "2024-01-01 12:30:45Z",
    "2024-01-01 12:30:45+08:00",
    "2024-01-01 12:30:45 +0800",
    "2024-01-01 12:30:45 UTC",
    "2024-01-01 12:30:45.123456",
    "2024-01-01 12:30:45.123456789",
    "2024-01-01 12:30:45.123456000",
    "2023-02-29 01:02:03",
    "0000-01-01 00:00:00",
    "9999-12-31 23:59:59.999999",
    "2024-01-01 12:30:45 PM",
    "2024-01-01  12:30:45",
    "2024-01-01 12:30:45,5",
    "2024-01-01 12.30",
    "12:30:45",
    "1704067200",
    "2024-01-01 -1:00:00",
    "2024-01-01 12:30:45.",
)
TEXTS = (
    "",
    "NA",
    "nan",
    "null",
    "None",
    "-",
    "湖北",
    " a ",
    "a\nb",
    "a\r\nb",
    'say "so"',
    "a,b",
    "x" * 4000,
    "x" * 4001,
    "磁" * 4000,
    "\u00e9",
    "e\u0301",
    "\u200b",
    "1",
    "true",
    "a\0b",
    "\0",
    "'",
    "\ufeff",
    "#",
    "\\N",
)
DRAWN = {
    "integer": NUMBERS,
    "number": NUMBERS,
    "boolean": (*TRUTHS, *NUMBERS[:8]),
    "date": (*DAYS, *MOMENTS[:6]),
    "timestamp": (*MOMENTS, *DAYS),
    "text": TEXTS,
}


def drawn(chance: random.Random) -> tuple[bytes, list[FieldRules]]:
    """A file, and how it should be read."""
    kinds = [chance.choice(list(DRAWN)) for _ in range(chance.randint(1, 5))]
    fields = [
        FieldRules(
            f"c{place}",
            Type(kind),
            empty_marks=frozenset(MARKS if chance.random() < 0.3 else ()),
            longest=chance.choice((4000, 5)),
            unfit=Unfit.EMPTY,
        )
        for place, kind in enumerate(kinds)
    ]
    common = chance.random()
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        lineterminator=chance.choice(("\n", "\r\n")),
        quoting=chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    )
    writer.writerow([rules.name for rules in fields])
    for _ in range(chance.randint(1, 60)):
        row = []
        for rules in fields:
            choices = ("", *MARKS, *TEXTS[:8]) if chance.random() < 0.1 else DRAWN[rules.type.value]
            row.append(choices[0] if chance.random() < common / 2 else chance.choice(choices))
        if not any(row):
            row[0] = "0"  # a line without any value is no row
        writer.writerow(row)
    return (b"\xef\xbb\xbf" if chance.random() < 0.3 else b"") + text.getvalue().encode(), fields


@pytest.mark.parametrize("seed", range(FILES))
def test_drawn_files_are_read_as_the_independent_reader_reads_them(seed: int) -> None:
    body, fields = drawn(random.Random(f"spellings {seed}"))
    expected = {
        rules.name: [
            value_of(row[rules.name], rules.type.value, longest=rules.longest, marks=tuple(rules.empty_marks))
            for row in rows_of(body)
        ]
        for rules in fields
    }
    read = read_rows(body, fields).table.to_pydict()
    for rules in fields:
        wanted = [None if value is UNFIT else value for value in expected[rules.name]]
        assert list(map(repr, read[rules.name])) == list(map(repr, wanted)), (
            rules,
            [row[rules.name] for row in rows_of(body)],
        )
    unfit = {name: sum(value is UNFIT for value in values) for name, values in expected.items()}
    strict = [
        FieldRules(rules.name, rules.type, empty_marks=rules.empty_marks, longest=rules.longest)
        for rules in fields
    ]
    if not any(unfit.values()):
        read_rows(body, strict)
        return
    with pytest.raises(InvalidInput) as refusal:
        read_rows(body, strict)
    assert told_counts(refusal.value.message) == {name: count for name, count in unfit.items() if count}


def told_counts(message: str) -> dict[str, int]:
    """Of "column c0: of its cells 3 are not whole, 1 are too large (the first is in row 2); column c1:
    ..."."""
    counts: Counter[str] = Counter()
    for part in message.split("; "):
        name, _, said = part.removeprefix("column ").partition(": of its cells ")
        counts[name] += sum(
            int(piece.split(" ")[0]) for piece in said.split(", ") if piece.split(" ")[0].isdigit()
        )
    return dict(counts)


@pytest.mark.parametrize("seed", range(30))
def test_rows_that_do_not_fit_are_left_out_and_counted(seed: int) -> None:
    body, fields = drawn(random.Random(f"dropped {seed}"))
    fields = [
        FieldRules(
            rules.name, rules.type, empty_marks=rules.empty_marks, longest=rules.longest, unfit=Unfit.DROP
        )
        for rules in fields
    ]
    values = [
        [
            value_of(row[rules.name], rules.type.value, longest=rules.longest, marks=tuple(rules.empty_marks))
            for rules in fields
        ]
        for row in rows_of(body)
    ]
    kept = [row for row in values if not any(value is UNFIT for value in row)]
    if not kept:
        with pytest.raises(InvalidInput, match="No row"):
            read_rows(body, fields)
        return
    rows = read_rows(body, fields)
    assert [list(map(repr, row.values())) for row in rows.table.to_pylist()] == [
        list(map(repr, row)) for row in kept
    ]
    if len(kept) < len(values):
        assert f"{len(values) - len(kept)} of {len(values)} rows were left out" in rows.told


UNIT = FieldRules("id", Type.INTEGER, unit=True, computed=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("4.4", "not whole"),
        ("0x10", "not plain"),
        ("1_0", "not plain"),
        ("007", "leading zeros"),
        ("9223372036854775808", "too large"),
        ("", "empty"),
        ("nan", "not a number"),
        ("+7", "not plain"),
        ("7 ", "not plain"),
        ("七", "no integer"),
    ],
)
def test_an_integer_id_is_itself_or_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_rows(f"id,x\n1,1\n{text},2\n".encode(), [UNIT, FieldRules("x", Type.INTEGER)])
    assert says in refusal.value.message and "row 2" in refusal.value.message
    assert text == "" or len(text) < 2 or text not in refusal.value.message + refusal.value.zh


def test_ids_of_64_bits_are_kept_exactly() -> None:
    ids = [2**63 - 1, 2**53 + 1, 2**53, 9, -5]
    body = ("id\n" + "".join(f"{id}\n" for id in ids)).encode()
    assert read_rows(body, [UNIT]).table["id"].to_pylist() == sorted(ids)


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 2), ("-1.5", -2), ("2.4999999999999999999999", 2), ("0.5", 1), ("-0.4", 0)]
)
def test_integers_are_rounded_where_the_policy_says_so(text: str, value: int) -> None:
    rows = read_rows(f"x\n{text}\n".encode(), [FieldRules("x", Type.INTEGER, unfit=Unfit.ROUND)])
    assert rows.table["x"].to_pylist() == [value]
    assert "1 are not whole; they were rounded" in rows.told[0]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'a,b\n1,"x\n2,y\n3,z\n', "quoted cell"),  # never closed: it would take two rows into one cell
        (b'a,b\n1,"x\n2,"y\n', "quoted cell"),
        (b"a,b\n1,2,3\n1\n1,2\n", "2 lines"),
        (b"a:b\n1:2\n", "has not a, b"),
        (b"a,a\n1,2\n", "has not b"),
        ("a,b\n1,2\n".encode("utf-32"), "UTF-32"),
    ],
)
def test_a_file_whose_lines_are_not_rows_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_rows(body, [FieldRules("a", Type.INTEGER), FieldRules("b", Type.TEXT)])
    assert says in refusal.value.message and refusal.value.zh and refusal.value.remedy_zh
