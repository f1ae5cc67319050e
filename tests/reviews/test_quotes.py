"""Quotes of raw data: whatever the order, the format and the text around, rows are caught;
files that quote nothing are not."""

import json
import random
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review_people import POLICIES, make_people
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.disclosure.taxonomy import load_disclosure

TABLE, POLICY = make_people()
ROWS = TABLE.to_pandas()
RULES = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")
DECLARED = Declaration(
    "mean",
    "Incomes and debts of residents by district, for the study.",
    "Groups of ten or more, rounded counts.",
)
QUOTED = {"raw_row", "raw_value", "raw_text"}


@cache
def raw() -> RawValues:
    return RawValues([(TABLE, POLICY)], b"a key of the vault's, for tests")


def codes(text: str, name: str = "t.csv") -> set[str]:
    return {finding.code for finding in check_file(name, text.encode(), DECLARED, RULES, raw())} & QUOTED


WAYS = {
    "plain": str,
    "zeros": lambda value: f"{value:.6f}",
    "thousands": lambda value: f'"{value:,.2f}"',
    "exponent": lambda value: f"{value:.9e}",
    "spaces": lambda value: f"  {value}  ",
    "plus": lambda value: f"+{value}",
    "rounded": lambda value: f"{value:.1f}",
}


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.integers(0, len(ROWS) - 1), min_size=10, max_size=40),
    st.permutations(["income", "debt", "visits", "person", "born"]),
    st.sampled_from(sorted(WAYS)),
    st.randoms(use_true_random=False),
)
def test_copied_rows_are_caught_however_they_are_written(
    places: set[int], order: list[str], way: str, draw: random.Random
) -> None:
    rows = ROWS.iloc[draw.sample(sorted(places), len(places))]
    kept = ["income", "debt", *order[:2]]
    lines = [
        ",".join(
            WAYS[way](row[name]) if isinstance(row[name], float) else str(row[name])
            for name in dict.fromkeys(kept)
        )
        for _place, row in rows.iterrows()
    ]
    header = ",".join(f"c{number}" for number in range(len(set(kept))))
    assert codes("\n".join([header, *lines]))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 200), st.integers(1, 6))
def test_a_strangers_numbers_do_not_alarm(seed: int, rows: int, columns: int) -> None:
    """Of the same size and precision as the raw ones, but drawn anew."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            f"c{number}": draw.choice(
                [draw.lognormal(9.5, 0.7, rows).round(2), draw.uniform(0, 60_000, rows).round(2)]
            )
            for number in range(columns)
        }
    )
    assert not codes(frame.to_csv(index=False))


@pytest.mark.parametrize("dims", [["district"], ["band"], ["district", "band"]])
@pytest.mark.parametrize("digits", [0, 1, 2, 6])
def test_averages_and_counts_of_the_raw_data_itself_do_not_alarm(dims: list[str], digits: int) -> None:
    frame = ROWS.groupby(dims).agg(
        n=("person", "size"),
        a=("income", "mean"),
        b=("debt", "mean"),
        c=("visits", "mean"),
        s=("income", "std"),
    )
    assert not codes(frame.round(digits).reset_index().to_csv(index=False))


@pytest.mark.parametrize(
    "written", ["{0}", "born {0}", "on {1}/{2}/{3}", "{1}年{2}月{3}日", "{1}{2:02d}{3:02d}"]
)
def test_names_and_numbers_in_a_text_are_found_and_ordinary_words_are_not(written: str) -> None:
    days = ROWS.born.head(30)
    text = "\n".join(
        f"{row.person} " + written.format(row.born, day.year, day.month, day.day)
        for (_place, row), day in zip(ROWS.head(30).iterrows(), days, strict=True)
    )
    assert codes(text, "t.txt")
    assert not codes(
        "In the district of the east people went to see a doctor about three times; 就诊次数平均为三次。",
        "t.txt",
    )


def test_public_keys_and_small_numbers_never_alarm() -> None:
    rows = [
        {"district": district, "band": band, "visits": visits, "n": 100 + 5 * visits}
        for district in ("east", "west", "north", "south")
        for band in range(1, 6)
        for visits in range(10)
    ]
    assert not codes(json.dumps(rows), "t.json")


def test_the_index_holds_no_value() -> None:
    kept = repr(vars(raw().indexes[0]))
    for value in (
        *ROWS.name.head(50),
        *ROWS.person.head(50),
        *ROWS.street.head(50),
        *map(str, ROWS.income.head(50)),
    ):
        assert value not in kept


def test_another_key_gives_other_digests() -> None:
    other = RawValues([(TABLE.slice(0, 50), POLICY)], b"another key of sixteen bytes")
    assert other.indexes[0].digest("t:x") != raw().indexes[0].digest("t:x")
    with pytest.raises(ValueError, match="16 bytes"):
        RawValues([(TABLE, POLICY)], b"short")


IDS = [str(100_000_000 + 391 * place) for place in range(len(ROWS))]
NUMBERED = ROWS.assign(person=IDS)


@cache
def raw_of_numbered() -> RawValues:
    table = pa.Table.from_pandas(NUMBERED, schema=TABLE.schema, preserve_index=False)
    return RawValues([(table, POLICY)], b"a key of the vault's, for tests")


def of_ids(text: str, name: str = "t.csv") -> set[str]:
    """Severities of what is found of ids that lie close together."""
    found = check_file(name, text.encode(), DECLARED, RULES, raw_of_numbered())
    return {finding.severity.value for finding in found if finding.code in QUOTED}


@pytest.mark.parametrize(
    "row",
    [
        lambda one: f"{one[:4]},{one[4:]}",
        lambda one: f"+{one[:4]},+{one[4:]}",
        lambda one: f"{one[:4]}.,{one[4:]}",
        lambda one: f"{one[:4]},,{one[4:]}",
        lambda one: f"{one[:3]},0.5,{one[3:6]},{one[6:]}",
    ],
    ids=["apart", "signed", "pointed", "with a gap", "around a number"],
)
def test_ids_that_are_cut_are_found_whatever_stands_between(row: Callable[[str], str]) -> None:
    lines = [row(one) for one in IDS[:60]]
    header = ",".join("abcd"[: lines[0].count(",") + 1])
    assert "blocks" in of_ids("\n".join([header, *lines]))


def test_ids_that_are_spread_over_columns_are_found() -> None:
    assert "blocks" in of_ids(
        ",".join(f"c{place}" for place in range(5)) + "\n" + ",".join(f"#{one}" for one in IDS[:5])
    )


def test_a_number_that_stands_as_a_code_is_asked_about_however_common_it_is() -> None:
    dense = ROWS.assign(person=[str(100_000 + place) for place in range(len(ROWS))])
    table = pa.Table.from_pandas(dense, schema=TABLE.schema, preserve_index=False)
    raw = RawValues([(table, POLICY)], b"a key of the vault's, for tests")
    text = "code\n" + "\n".join(f"#{one}" for one in dense.person[:10])
    found = check_file("t.csv", text.encode(), DECLARED, RULES, raw)
    assert {finding.severity.value for finding in found if finding.code in QUOTED} & {"asks", "blocks"}
