"""No file carries more bits than the gate says.

An encoder enumerates what could leave: of all canonical files with at most b bits there are no more than 2^b
(the code's lengths keep Kraft's inequality), whatever their author did.
"""

import io
import itertools
import json
from collections import Counter
from math import log2

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review_people import POLICIES
from sandbox.disclosure.canonical_form import rounded
from sandbox.disclosure.capacity import PLAIN, Code, bits_of_grid, bits_of_json, bits_of_whole
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.clean_file import KIND_BITS, clean_and_count, clean_file
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.files.csv_table import read_csv
from sandbox.disclosure.finding import Severity
from sandbox.disclosure.form import Form
from sandbox.disclosure.taxonomy import load_disclosure

RULES = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")
DECLARED = Declaration("mean", "Mean visits of adults by district, for a study.", "Groups of ten or more.")
LETTERS = "abcdefghijklmnopqrstuvwxyz*<"


def cells() -> set[str]:
    """Every kind of cell that can leave: whole numbers, numbers of four digits in many sizes, short texts."""
    found = {"", *map(str, range(-3000, 3001)), *(f"{number}%" for number in range(200))}
    for digits, size in itertools.product(range(1000, 10_000), range(-9, 9)):
        found.add(rounded(f"{digits}e{size}", 4))
    for digits, size in itertools.product(range(1, 1000, 7), (-40, -300, 40, 300)):
        found |= {rounded(f"-{digits}e{size}", 4), rounded(f"{digits}e{size}", 4)}
    found |= {"".join(word) for length in (1, 2) for word in itertools.product(LETTERS, repeat=length)}
    return found


def kraft(lengths: list[float]) -> float:
    return sum(2.0**-length for length in lengths)


def test_the_lengths_of_all_cells_keep_krafts_inequality() -> None:
    made = cells()
    assert len(made) > 100_000
    assert kraft([Code(PLAIN).cell(cell) for cell in made]) <= 1
    assert kraft([bits_of_whole(number) for number in range(10**5)]) <= 1


def test_an_encoder_that_tries_every_small_table_finds_no_more_files_than_the_bits_say() -> None:
    values = ["", "*", "5", "10", "12.5%", "0.1234", "-3", "2.5", "east", "1e-9"]
    files: dict[bytes, float] = {}
    for rows in range(3):
        for table in itertools.product(values, repeat=2 * rows):
            lines = ["a,b", *(",".join(table[place : place + 2]) for place in range(0, 2 * rows, 2))]
            if all(line.strip(",") for line in lines):
                _, leaves = clean_file("t.csv", "\n".join(lines).encode())
                grid = read_csv(leaves.decode())
                files[leaves] = bits_of_grid([grid.header, *grid.rows])
    assert len(files) > 1000 and kraft(list(files.values())) <= 1
    for most in range(1, 200, 10):
        assert sum(bits <= most for bits in files.values()) <= 2**most


def test_the_same_of_json() -> None:
    leaves = [None, True, False, 0, 7, -12, 2.5, 1e-9, "a", "ab"]
    nodes = [*leaves, *([one, other] for one in leaves for other in leaves), *({"k": one} for one in leaves)]
    files = {json.dumps(node): bits_of_json(node) for node in nodes}
    assert Counter(files).total() > 0 and kraft(list(files.values())) <= 1


def test_forty_means_are_some_hundred_bits() -> None:
    """Forty numbers of four digits tell apart at least 2^(40 * 13) cases, and the bound is not much more."""
    means = [rounded(f"{place}.{place:03}", 4) for place in range(1, 41)]
    rows = [["district", "mean"], *([f"d{place}", mean] for place, mean in enumerate(means))]
    numbers = bits_of_grid(rows) - bits_of_grid([[row[0], ""] for row in rows])
    assert 40 * log2(9000) <= numbers <= 40 * 25


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=20))
def test_more_digits_than_leave_are_no_more_bits(numbers: list[float]) -> None:
    def bits(digits: int) -> float:
        text = "n,mean\n" + "".join(f"500,{rounded(repr(one), digits)}\n" for one in numbers)
        grid = read_csv(clean_file("t.csv", text.encode())[1].decode())
        return bits_of_grid([grid.header, *grid.rows])

    assert bits(17) == bits(4)


@pytest.mark.parametrize(("rows", "severity"), [(20, Severity.NOTES), (4000, Severity.ASKS)])
def test_who_writes_and_who_reviews_is_told_and_a_large_table_is_asked_about(
    rows: int, severity: Severity
) -> None:
    lines = [f"{row},{500 + 5 * row},{row / 7:.6f}" for row in range(rows)]
    text = "\n".join(["cluster,n,mean_visits", *lines])
    found = check_file("t.csv", text.encode(), DECLARED, RULES, None)
    (said,) = [one for one in found if one.code == "capacity"]
    assert said.severity is severity
    assert "at most" in said.message and "bits" in said.message and "比特" in said.zh


KNOWN = Form(known=("district", "mean", "n", "east", "west", "north", "城东"))


def test_what_was_fixed_before_a_row_was_read_costs_the_logarithm_of_its_list() -> None:
    """A label says which of seven texts it is: 2.8 bits and its kind, whatever its length."""
    assert Code(KNOWN).cell("城东") == Code(KNOWN).cell("east") == log2(5) + log2(7)
    rows = [["district", "mean"], ["east", "2.5"], ["west", "3.5"]]
    assert bits_of_grid(rows, KNOWN) < bits_of_grid(rows) - 4 * 20
    assert bits_of_json({"mean": 2.5}, KNOWN) < bits_of_json({"mean": 2.5}) - 20


def test_with_known_texts_the_lengths_of_all_cells_keep_krafts_inequality() -> None:
    some = sorted(cells())[::7]
    for form in (KNOWN, Form(known=("a", "ab", *some[1:500])), Form(counted=False, known=("a", "ab"))):
        code = Code(form)
        assert kraft([code.cell(cell) for cell in {*some, *form.known}]) <= 1


@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.txt", "t.parquet"])
def test_which_kind_a_file_is_counts_as_its_name_does_not_say_it(name: str) -> None:
    """Whatever it is called, a program can choose by rows to write a table, a document or Parquet."""
    parquet = io.BytesIO()
    pq.write_table(pa.table({"a": [5, 10]}), parquet)
    left = {
        content[:2]: bits
        for (_, content), bits in (
            clean_and_count(name, content) for content in (b"a,b\n5,10\n", b'{"a": 5}', parquet.getvalue())
        )
    }
    assert len(left) == 3
    assert left[b"a,"] == KIND_BITS + bits_of_grid([["a", "b"], ["5", "10"]], PLAIN)
    assert len(left) < 2**KIND_BITS, "and a picture"
