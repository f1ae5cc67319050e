"""What leaves is one spelling of its content.

Written otherwise, the same bytes leave; and what leaves would leave as it is.
"""

import csv
import io
import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import permutations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from good_outputs import GOOD, Good
from review_people import POLICIES
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.clean_file import clean_and_count, clean_file
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.form import COUNTING, PLAIN, Form
from sandbox.disclosure.taxonomy import load_disclosure

TAXONOMY = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)

numbers = st.one_of(
    st.integers(-(10**7), 10**7).map(str),
    st.floats(-1e9, 1e9, allow_nan=False).map(repr),
    st.decimals(-1000, 1000, places=6).map(str),
    st.sampled_from(["", "*", "<10", "NA", "12.5%", "1e-9", "3.1415926535e-7"]),
)
labels = st.sampled_from(["east", "west", "城东", "北", "Total", "a b", "é", "18-24"])
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.tuples(labels, st.integers(5, 5000).map(str), *[numbers] * (width - 1)), min_size=1, max_size=8
    )
)
NAMES = ("district", "n", "mean_visits", "sd", "share")


def written(rows: list[tuple[str, ...]]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink).writerows([NAMES[: len(rows[0])], *rows])
    return sink.getvalue().encode()


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


@settings(max_examples=200, deadline=None)
@given(tables, st.booleans(), st.booleans())
def test_what_left_would_leave_as_it_is(rows: list[tuple[str, ...]], counting: bool, counted: bool) -> None:
    form = Form(counting, counted, 10)
    once = clean_file("t.csv", written(rows), form)
    assert clean_file(*once, form) == once


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.name)
def test_every_good_output_has_one_form(good: Good) -> None:
    form = TAXONOMY.at("3").form(good.declared)
    once = clean_file(good.file, good.content, form)
    assert clean_file(*once, form) == once


def respelled(cell: str, draw: random.Random) -> str:
    """The same cell in another spelling."""
    ways: list[Callable[[str], str]] = [str, lambda text: f"  {text} ", lambda text: text.replace(" ", "  ")]
    if re.fullmatch(r"\d+", cell):
        ways += [lambda text: f"{int(text):,}", lambda text: text + ".0", lambda text: "+" + text]
        ways.append(lambda text: text.translate(str.maketrans("0123456789", "０１２３４５６７８９")))
    elif re.fullmatch(r"-?\d+\.\d+", cell):
        ways += [lambda text: text + "000", lambda text: f"{Decimal(text):E}"]
        ways.append(lambda text: text.replace("-", "\u2212"))
    elif cell == "é":
        ways.append(lambda _: "e\u0301")
    return draw.choice(ways)(cell)


@settings(max_examples=200, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_order_and_spelling_carry_nothing(rows: list[tuple[str, ...]], draw: random.Random) -> None:
    """Rows permuted, numbers and letters spelled otherwise, other quotes, line ends, spaces, a mark."""
    again = [tuple(respelled(cell, draw) for cell in row) for row in draw.sample(rows, len(rows))]
    sink = io.StringIO()
    quoting = draw.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    end = draw.choice(["\n", "\r\n"])
    csv.writer(sink, quoting=quoting, lineterminator=end).writerows([NAMES[: len(rows[0])], *again])
    other = draw.choice(["", "\ufeff"]) + sink.getvalue() + draw.choice(["", end])
    assert clean_file("t.csv", other.encode()) == clean_file("t.csv", written(rows))


@settings(max_examples=200, deadline=None)
@given(tables)
def test_no_number_leaves_with_more_digits_than_its_sample_justifies(rows: list[tuple[str, ...]]) -> None:
    _, *lines = read(clean_file("t.csv", written(rows))[1])
    for line in lines:
        most = 3 if int(line[1]) < 100 else 4
        for cell in line[2:]:
            if re.fullmatch(r"-?[\d.]+(?:e-?\d+)?%?", cell) and not re.fullmatch(r"-?\d{1,4}%?", cell):
                digits = cell.lstrip("-").partition("e")[0].replace(".", "").rstrip("%").strip("0")
                assert len(digits) <= most, (cell, line)


def test_counts_and_labels_keep_their_digits_and_totals_stand_last() -> None:
    content = b"year,Total,n,mean_cost\n2024,x,12345,1234.56\nTotal,x,20005,12.3456\n2023,x,60,1234.56\n"
    assert read(clean_file("t.csv", content)[1])[1:] == [
        ["2023", "x", "60", "1230"],
        ["2024", "x", "12345", "1235"],
        ["Total", "x", "20005", "12.35"],
    ]
    crossed = b"district,1,2,Total\nwest,12345,760,13105\n"
    assert clean_file("t.csv", crossed, COUNTING)[1] == crossed


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("行政区划代码", ["110105", "110108"]),
        ("area_code", ["010", "10"]),
        ("zip", ["02139", "2139"]),
        ("month", ["2024.01", "2024.02", "2024.10"]),
        ("diagnosis", ["I10.0", "S72.001", "S72.002"]),
        ("cohort", ["2023", "2024", "2025"]),
        ("moment", ["2024-01-15 10:00:00.000", "2024-01-15 10:00:00.250"]),
        ("unit", ["10³/µL", "10⁹"]),
    ],
)
def test_labels_leave_as_they_are(name: str, cells: list[str]) -> None:
    """Two that differ stay two, in groups of few people too."""
    text = "\n".join([f"{name},n,mean", *(f"{cell},40,1.5" for cell in cells)])
    left = [row[0] for row in read(clean_file("t.csv", text.encode())[1])[1:]]
    assert sorted(left) == sorted(cells)


@pytest.mark.parametrize(
    ("text", "counting"),
    [
        ("district,men,women,n\neast,12345,23456,35801\n", True),
        ("district,low income,high income\neast,12345,23456\n", True),
        ("statistic,visits\ncount,12345\nmean,3.5\n", False),
        ("district,n\neast,12345\nnorth,see note\n", False),
    ],
)
def test_counts_leave_as_they_are(text: str, counting: bool) -> None:
    assert clean_file("t.csv", text.encode(), COUNTING if counting else PLAIN)[1].decode() == text


def test_json_leaves_with_its_names_in_order_and_nothing_between() -> None:
    told = {
        "rows": [{"site": "b", "n": 12345, "mean": 2.718281828}, {"site": "a", "n": 40, "mean": 2.718281828}]
    }
    ways = [
        json.dumps(told),
        json.dumps(told, indent=7, sort_keys=True),
        json.dumps({"rows": told["rows"][::-1]}).replace("2.718281828", "271.8281828e-2"),
    ]
    (made,) = {clean_file("t.json", way.encode())[1] for way in ways}
    assert json.loads(made) == {
        "rows": [{"mean": 2.72, "n": 40, "site": "a"}, {"mean": 2.718, "n": 12345, "site": "b"}]
    }
    assert (
        clean_file("t.json", b'{"a": NaN, "b": [Infinity, 1.5]}')[1]
        == clean_file("t.json", b'{"b":[null,1.50],"a":null}')[1]
    ), "what JSON cannot say is empty"


def test_digits_do_not_hide_beside_letters_or_beyond_what_json_can_say() -> None:
    content = b"site,n,mean\na,500,3.14159265kg\nb,500,EUR2.71828\nc,500,1.2.3\nd,500,10.0.0.1\n"
    assert [row[2] for row in read(clean_file("t.csv", content)[1])[1:]] == [
        "3.142kg",
        "EUR2.71828",
        "1.2.3",
        "10.0.0.1",
    ]
    once = clean_file("t.json", b'{"a": 1e400, "b": -2e-400, "c": 123456789012345678901234567890}')
    assert clean_file(*once) == once and json.loads(once[1])["a"] is None


def test_source_code_keeps_its_lines_in_order() -> None:
    code = b"b = f(1, 2)\na = g(3, 4)\n"
    assert clean_file("study.py", code) == ("study.py", code)


def test_parquet_leaves_rounded_and_in_order_whatever_its_pages_and_dictionaries() -> None:
    frame = pd.DataFrame({"site": ["b", "a"], "n": [400, 12345], "mean": [3.14159, 2.71828]})
    made = set()
    for rows in (frame, frame.iloc[::-1]):
        for site in ("object", "category"):
            for compression in ("snappy", "zstd"):
                sink = io.BytesIO()
                table = pa.Table.from_pandas(rows.astype({"site": site}), preserve_index=False)
                pyarrow.parquet.write_table(table, sink, compression=compression)
                made.add(clean_file("t.parquet", sink.getvalue())[1])
    (content,) = made
    assert pyarrow.parquet.read_table(io.BytesIO(content)).to_pydict() == {
        "site": ["a", "b"],
        "n": [12345, 400],
        "mean": [2.718, 3.142],
    }
    assert clean_file("t.parquet", content)[1] == content


def test_a_text_leaves_without_what_only_a_program_sees() -> None:
    text = "Means by district.  \r\n\r\n\r\n\tNorth: cafe\u0301 \t\r\n"
    assert clean_file("t.txt", text.encode())[1].decode() == "Means by district.\n\n\tNorth: caf\u00e9\n"


MEAN = b"district,n,mean\neast,50,1.23456\nwest,5000,1.23456\n"


@pytest.mark.parametrize(
    ("grade", "counted", "means"),
    [
        ("3", True, ["1.23", "1.235"]),  # as many digits as the units that the vault counted justify
        ("3", False, ["1.23", "1.23"]),  # 5,000 is the author's word
        ("1", False, ["1.23", "1.23"]),
    ],
)
def test_an_authors_count_buys_no_digit(grade: str, counted: bool, means: list[str]) -> None:
    form = TAXONOMY.at(grade).form(Declaration("mean", "", "", counted=counted))
    assert [row[2] for row in read(clean_file("t.csv", MEAN, form)[1])[1:]] == means


def test_what_the_order_of_columns_carries_is_within_the_bits() -> None:
    """Columns keep their order, since the first says whether a number is a label. All orders of five columns
    are 120 files: the bits of each cover them."""
    names, cells = ("mean_visits", "sd", "share", "rate", "ratio"), ("1.5", "2.5", "0.25", "3.5", "4.5")
    made = {}
    for order in permutations(range(5)):
        text = ",".join(names[place] for place in order) + "\n" + ",".join(cells[place] for place in order)
        leaves, bits = clean_and_count("t.csv", text.encode())
        made[leaves] = bits
    assert len(made) == 120 and all(bits is not None and 2**bits >= 120 for bits in made.values())
    assert sum(2.0 ** -(bits or 0) for bits in made.values()) <= 1
