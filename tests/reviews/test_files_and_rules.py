"""Files: no bytes make the check fail; what is released is drawn anew.
Rules: a fault in the taxonomy stops the start."""

import io
import json
import re
import shutil
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from bad_outputs import BAD, parquet_with_metadata
from good_outputs import CONTEXT, CONTROLS, GOOD, parquet
from made_files import PNG, png_chart, png_with_chunk
from review_people import POLICIES
from sandbox.disclosure.check_file import check_file, check_together
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.clean_file import clean_file
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.finding import Severity, Unfit
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.errors import InvalidInput

TAXONOMY = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)
RULES = TAXONOMY.at("3")
NAMES = [
    "t.csv",
    "t.txt",
    "t.json",
    "t.parquet",
    "t.png",
    "t.svg",
    "t.ipynb",
    "m.onnx",
    "m.safetensors",
    "m.skops",
    "x",
    "../x",
]
STARTS = [
    b"",
    PNG,
    b"PAR1",
    b"PK\x03\x04",
    b"{",
    b"[",
    b"<svg ",
    b"\x80\x04",
    b"\x10\x00\x00\x00\x00\x00\x00\x00{",
    b"a,b\n",
    b"| a | b |\n",
]


def declared(statbarn: str = "frequencies") -> Declaration:
    return Declaration(statbarn, CONTEXT, CONTROLS)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.sampled_from(STARTS),
    st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)),
    st.sampled_from(sorted(TAXONOMY.statbarns)),
    st.one_of(st.none(), st.binary(max_size=60)),
)
@example("t.json", b"", b"[" * 100_000, "frequencies", None)
@example("t.json", b"", b'{"a":' * 5000, "frequencies", None)
@example("t.csv", b"", b'n\n"' + b"x" * 200_000, "frequencies", None)
def test_no_bytes_make_the_check_fail(
    name: str, start: bytes, rest: bytes, statbarn: str, counts: bytes | None
) -> None:
    for finding in check_file(
        name, start + rest, Declaration(statbarn, CONTEXT, CONTROLS, counts), RULES, None
    ):
        assert finding.message and finding.remedy and finding.zh and finding.remedy_zh


@pytest.mark.parametrize("good", GOOD, ids=lambda good: good.name)
def test_a_damaged_file_never_makes_the_check_fail(good: object) -> None:
    content: bytes = good.content  # type: ignore[attr-defined]
    for cut in range(0, len(content), max(1, len(content) // 40)):
        check_file(good.file, content[:cut], good.declared, RULES, None)  # type: ignore[attr-defined]
        check_file(good.file, content[:cut] + b"\xff" + content[cut + 1 :], good.declared, RULES, None)  # type: ignore[attr-defined]


def test_the_same_file_always_has_the_same_findings() -> None:
    for bad in BAD[:40]:
        assert check_file(bad.file, bad.content, bad.declared, RULES, None) == check_file(
            bad.file, bad.content, bad.declared, RULES, None
        )


def test_a_picture_leaves_as_pixels_alone() -> None:
    name, drawn = clean_file("c.png", png_with_chunk(b"tEXt", b"Comment\x00secret") + b"tail")
    assert (
        name == "c.png"
        and b"secret" not in drawn
        and b"tEXt" not in drawn
        and drawn.endswith(b"IEND\xaeB`\x82")
    )
    assert Image.open(io.BytesIO(drawn)).size == Image.open(io.BytesIO(png_chart())).size


def test_writing_in_the_lowest_bits_does_not_leave() -> None:
    """Least significant bits, the usual place of steganography, and what transparency hides."""
    drawn = []
    for bit in (0, 1):
        picture = Image.new("RGBA", (64, 64), (200 + bit, 100, 48, 255))
        picture.putpixel((3, 3), (9 * bit, 0, 0, 0))
        sink = io.BytesIO()
        picture.save(sink, "PNG")
        drawn.append(clean_file("c.png", sink.getvalue())[1])
    assert drawn[0] == drawn[1]


def test_a_drawing_leaves_as_png_and_parquet_without_metadata() -> None:
    svg = next(good for good in GOOD if good.file.endswith(".svg"))
    name, drawn = clean_file(svg.file, svg.content)
    assert name == "chart.png" and Image.open(io.BytesIO(drawn)).size == (300, 100)
    table = pyarrow.parquet.read_table(io.BytesIO(clean_file("t.parquet", parquet_with_metadata())[1]))
    assert table.schema.metadata is None and table.to_pydict() == {"district": ["east"], "n": [740]}


def test_clean_files_pass_again() -> None:
    for good in GOOD:
        name, content = clean_file(good.file, good.content)
        assert not [
            finding
            for finding in check_file(name, content, good.declared, RULES, None)
            if finding.severity is Severity.BLOCKS
        ]


def test_two_tables_that_differ_by_few_block() -> None:
    files = {
        "all.csv": (b"district,n\neast,745\nwest,760\n", declared()),
        "grown.csv": (b"district,n\neast,740\nwest,755\n", declared()),
        "other.csv": (b"band,n\n1,600\n2,900\n", declared()),
    }
    found = check_together(files, RULES, None)
    assert {finding.code for finding in found["all.csv"]} == {"small_difference"} and "other.csv" not in found


def test_a_table_over_fewer_keys_reveals_what_another_suppressed() -> None:
    files = {
        "fine.csv": (b"district,band,n\neast,1,143\neast,2,*\nwest,1,161\nwest,2,151\n", declared()),
        "coarse.csv": (b"district,n\neast,150\nwest,312\n", declared()),
    }
    assert "suppressed_cell_revealed" in {
        finding.code for finding in check_together(files, RULES, None)["fine.csv"]
    }


def test_every_check_and_every_statbarn_is_used() -> None:
    used = {check for barn in TAXONOMY.statbarns.values() for check in barn.checks} | set(TAXONOMY.always)
    assert used == set(CHECKS)
    assert {risk for barn in TAXONOMY.statbarns.values() for risk in barn.risks} <= TAXONOMY.risks.keys()


def test_a_higher_grade_is_never_laxer() -> None:
    grades = list(TAXONOMY.grades.values())
    for lower, higher in pairwise(grades):
        for name in (
            "minimum_count",
            "rounding_base",
            "degrees_of_freedom",
            "prior_percent",
            "margin_interval",
            "units_per_parameter",
        ):
            assert getattr(lower, name) <= getattr(higher, name), name
        for name in (
            "dominance_percent",
            "membership_percent",
            "most_columns",
            "microdata_rows",
            "significant_digits",
        ):
            assert getattr(lower, name) >= getattr(higher, name), name


def test_core_data_never_leaves() -> None:
    with pytest.raises(InvalidInput, match="leaves a sealed run"):
        TAXONOMY.at("core")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("checks: [minimum_count", "checks: [minimum_cuont", "no check 'minimum_cuont'"),
        ("risks: [small_group]", "risks: [small_goup]", "not a risk"),
        ("minimum_count: 10", "minimum_count: ten", "minimum_count"),
        ("most_rows: 5000", "most_rows: 50000", "most_rows"),
        ("      median:", "      mean:", "two statbarns"),
    ],
)
def test_a_fault_in_the_taxonomy_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    shutil.copy(POLICIES / "disclosure.schema.json", tmp_path)
    text = (POLICIES / "disclosure.yaml").read_text("utf-8")
    assert old in text
    (tmp_path / "disclosure.yaml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidInput, match=r"line \d+.*" + re.escape(fault)):
        load_disclosure(tmp_path / "disclosure.yaml", checks=CHECKS)


def test_parquet_of_too_many_rows_is_refused_before_it_is_read() -> None:
    import pandas as pd

    found = check_file("t.parquet", parquet(pd.DataFrame({"n": [10] * 6000})), declared(), RULES, None)
    assert [finding.code for finding in found] == ["too_many_rows"]


def parquet_of(column: pa.Array, *, nullable: bool = True) -> bytes:
    sink = io.BytesIO()
    schema = pa.schema([pa.field("x", column.type, nullable=nullable)])
    pyarrow.parquet.write_table(pa.Table.from_arrays([column], schema=schema), sink)
    return sink.getvalue()


NASTY: dict[str, tuple[str, bytes]] = {
    "a notebook whose parts are numbers": ("n.ipynb", b'{"cells":[],"metadata":5,"nbformat":4}'),
    "a notebook whose cell has no metadata": (
        "n.ipynb",
        b'{"cells":[{"metadata":null}],"metadata":{},"nbformat":4}',
    ),
    "a notebook of lists": ("n.ipynb", b'{"cells":[],"metadata":[[1]],"nbformat":4}'),
    "a number of two signs": ("t.csv", b"a,b\n--5,x\n"),
    "five thousand digits": ("t.csv", b"a,b\n" + b"9" * 5000 + b",x\n"),
    "an exponent of five thousand digits": ("t.csv", b"a,b\n1e" + b"9" * 5000 + b",x\n"),
    "half a letter": ("t.json", b'{"a":"\\ud800"}'),
    "five hundred brackets": ("t.json", b"[" * 500 + b"]" * 500),
    "three hundred brackets and much in them": ("t.json", b"[" * 300 + b'"",' * 9999 + b'""' + b"]" * 300),
    "wide commas in a header": ("t.tsv", "均值，元\tn\n1\t20\n".encode()),
    "wide semicolons in a header": ("t.csv", "收入；元\n1\n".encode()),
    "forty thousand columns": ("t.csv", b"a," * 40_000 + b"a\n" + b"1.5," * 40_000 + b"1.5\n"),
    "a table called a drawing": ("t.svg", b"a,b\n1,2\n"),
    "a drawing of a strange width": (
        "t.svg",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="1.2.3"></svg>',
    ),
    "no Parquet": ("t.parquet", b"PAR1 garbage"),
    "a decimal that fits no more": (
        "t.parquet",
        parquet_of(pa.array([Decimal("999.99")], pa.decimal128(5, 2))),
    ),
    "the largest whole numbers": ("t.parquet", parquet_of(pa.array([2**64 - 1], pa.uint64()))),
    "small whole numbers": ("t.parquet", parquet_of(pa.array([32767], pa.int16()))),
    "the largest short float": ("t.parquet", parquet_of(pa.array([3.4028235e38], pa.float32()))),
    "no number where one must be": ("t.parquet", parquet_of(pa.array([float("nan")]), nullable=False)),
    "a moment after all years": ("t.parquet", parquet_of(pa.array([2**62], pa.timestamp("us")))),
    "a moment in no zone": ("t.parquet", parquet_of(pa.array([1], pa.timestamp("us", "Foo/Bar")))),
    "a day after all years": ("t.parquet", parquet_of(pa.array([2**30], pa.date32()))),
}


@pytest.mark.parametrize("name", NASTY)
def test_nothing_that_a_file_holds_makes_the_checks_fail(name: str) -> None:
    """And what can be written anew stays as it is then."""
    path, content = NASTY[name]
    check_file(path, content, declared(), RULES, None)
    check_together({path: (content, declared())}, RULES, None)
    with suppress(Unfit):
        once = clean_file(path, content)
        assert clean_file(*once) == once


def test_a_notebook_leaves_as_kinds_and_sources_alone() -> None:
    """A source: whatever else a notebook can hold could hold the rows."""
    hidden = ["row " + str(place) for place in range(3000)]
    cell = {"cell_type": "code", "source": ["a = 1  \n", "b = 2"], "execution_count": hidden, "id": "secret"}
    book = {
        "cells": [cell],
        "metadata": {"kernelspec": {"name": "hidden"}},
        "nbformat": 4,
        "nbformat_minor": hidden,
    }
    _, leaves = clean_file("n.ipynb", json.dumps(book).encode())
    assert b"row 1" not in leaves and b"secret" not in leaves and b"hidden" not in leaves
    (left,) = json.loads(leaves)["cells"]
    assert (left["cell_type"], left["source"]) == ("code", "a = 1\nb = 2")
