"""Rows by key: typed, exact, in the copy's order, a page at a time."""

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.delivery.row_index import RowIndex, SortedColumn
from marketplace.delivery.rows import find_rows, look_up, plain, quick_spans, read_wish
from marketplace.products.copies import Copies, key_type
from marketplace.products.model import RowsDefinition
from sandbox.errors import InvalidInput

TABLE = pyarrow.table(
    {
        "name": ["a", "b", "a", None, "a"],
        "number": pyarrow.array([1, 2, 3, 4, 5], pyarrow.int8()),
        "day": [date(2026, 1, day) for day in (1, 2, 3, 4, 5)],
        "flag": [True, False, True, None, True],
        "amount": [Decimal("1.10")] * 5,
        "share": [0.5, float("nan"), 1.5, 2.5, 3.5],
    }
)
TYPES = {"name": "text", "number": "integer", "day": "date", "flag": "boolean", "amount": "number"}
DEFINITION = RowsDefinition(
    object="o", version_id="v", columns=tuple(TABLE.column_names), keys=TYPES, page_rows=2
)  # type: ignore[arg-type]
INDEX = RowIndex(TABLE)


def numbers(**given_: str) -> list[object]:
    page = look_up(INDEX, read_wish(DEFINITION, given_))
    return [row[1] for row in page["rows"]] + [page["next"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"name": "b"}, [2, None]),
        ({"name": "a"}, [1, 3, 2]),
        ({"name": "a", "_after": "2"}, [5, None]),
        ({"name": "a", "flag": "true", "number": "3"}, [3, None]),
        ({"day": "2026-01-04"}, [4, None]),
        ({"amount": "1.1", "_limit": "1"}, [1, 1]),
        ({"name": "nobody"}, [None]),
        ({"number": "9999999"}, [None]),
        ({"name": "a", "_after": "99"}, [None]),
        ({"name": "a' OR 1=1"}, [None]),
        ({"amount": "1.111"}, [None]),
        ({"number": "gte.4"}, [4, 5, None]),
        ({"number": "gt.3", "name": "a"}, [5, None]),
        ({"number": "lt.3"}, [1, 2, None]),
        ({"number": "lte.1"}, [1, None]),
        ({"number": "in.(5,1,5,999)"}, [1, 5, None]),
        ({"name": "in.(a,b)", "number": "gt.1"}, [2, 3, 2]),
        ({"name": "eq.a", "_order": "number.desc"}, [5, 3, 2]),
        ({"day": "gte.2026-01-04", "_order": "name"}, [5, 4, None]),
        ({"number": "gt.999999"}, [None]),
        ({"number": "lt.1000"}, [1, 2, 2]),
        ({"number": "gte.-1000", "name": "b"}, [2, None]),
        ({"name": "b", "number": "lte.999999999"}, [2, None]),
        ({"number": "lt.-1000"}, [None]),
        ({"amount": "gt.1.095", "_limit": "1"}, [1, 1]),
        ({"amount": "gt.1.105"}, [None]),
        ({"amount": "lt.1000000"}, [1, 2, 2]),
        ({"name": "eq.in.(a)"}, [None]),
        ({"number": "between.(2,3)"}, [2, 3, None]),
        ({"number": "between.(300,400)"}, [None]),
        ({"day": "between.(2026-01-02,2026-01-03)", "name": "a"}, [3, None]),
        ({"name": "like.a*", "_order": "name"}, [1, 3, 2]),
        ({"name": "like.b*", "number": "gt.0"}, [2, None]),
        ({"number": "gte.1", "_order": "number", "_after": "2"}, [3, 4, 4]),
        ({"number": "in.(4,2,3)", "_order": "number", "_after": "1"}, [3, 4, None]),
    ],
)
def test_what_is_asked_is_found(asked: dict[str, str], found: list[object]) -> None:
    assert numbers(**asked) == found


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"_limit": "1"},
        {"number": "between.(3,2)"},
        {"number": "between.(3)"},
        {"number": "like.3*"},
        {"name": "like.*a"},
        {"name": "like.a"},
        {"name": "like.a******"},
        {"name": "a", "_count": "exact"},
        {"share": "0.5"},
        {"number": "1.0"},
        {"flag": "yes"},
        {"day": "1.1.2026"},
        {"name": "a", "_limit": "3"},
        {"name": "a", "_after": "x"},
        {"name": "in.a"},
        {"name": "in.()x"},
        {"number": "gte.x"},
        {"flag": "gt.true"},
        {"name": "a", "_select": "name,secret"},
        {"name": "a", "_order": "share"},
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        read_wish(DEFINITION, asked)


def test_only_the_columns_that_were_asked_for_are_handed_out() -> None:
    page = look_up(INDEX, read_wish(DEFINITION, {"name": "b", "_select": "share,number,number"}))
    assert (page["columns"], page["rows"]) == (["share", "number"], [[None, 2]])


@given(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=30),
    st.sampled_from(["eq", "gt", "gte", "lt", "lte", "in"]),
    st.integers(-6, 6),
)
def test_a_look_up_finds_what_a_scan_would(values: list[int | None], operator: str, wanted: int) -> None:
    definition = DEFINITION.model_copy(update={"columns": ("v", "n"), "keys": {"v": "integer"}})
    table = pyarrow.table({"v": pyarrow.array(values, pyarrow.int64()), "n": range(len(values))})
    text = f"in.({wanted},3)" if operator == "in" else f"{operator}.{wanted}"
    asked = read_wish(definition.model_copy(update={"page_rows": 100}), {"v": text})
    condition = asked.conditions[0]
    scanned = [number for number, value in enumerate(values) if condition.holds(value)]
    assert [row[1] for row in look_up(RowIndex(table), asked)["rows"]] == scanned


@given(st.integers(1, 2), st.sampled_from(["a", "b"]))
def test_the_pages_together_are_the_whole(limit: int, name: str) -> None:
    seen, after = [], 0
    while after is not None:
        asked = {"name": name, "_limit": str(limit), "_after": str(after)}
        page = look_up(INDEX, read_wish(DEFINITION, asked))
        seen += page["rows"]
        after = page["next"]
    assert [row[1] for row in seen] == [row["number"] for row in TABLE.to_pylist() if row["name"] == name]


def test_each_key_type_is_known_and_floats_are_no_keys() -> None:
    assert {column: key_type(TABLE, column) for column in TYPES} == TYPES
    with pytest.raises(InvalidInput):
        key_type(TABLE, "share")


def test_every_value_is_exact_json() -> None:
    assert [plain(value) for value in (Decimal("1.10"), date(2026, 1, 1), float("nan"), None, True, 7)] == [
        "1.10",
        "2026-01-01",
        None,
        None,
        True,
        7,
    ]


def test_a_copy_is_read_once_and_the_oldest_makes_room() -> None:
    import io

    import pyarrow.parquet

    class Counting:
        def __init__(self) -> None:
            self.read: list[str] = []

        def get(self, name: str, version_id: str) -> bytes:
            self.read.append(version_id)
            body = io.BytesIO()
            pyarrow.parquet.write_table(TABLE, body)
            return body.getvalue()

    store = Counting()
    copies = Copies(store, kept_bytes=Copies(store).table("o", "0").nbytes * 2)
    for version in ("1", "1", "2", "1", "3", "1", "2"):
        copies.table("o", version)
    assert store.read == ["0", "1", "2", "3", "2"]


def test_a_look_up_of_many_values_is_done_in_a_thread() -> None:
    """Searching and checking hundreds of values would keep all other calls waiting."""
    listed = "in.(" + ",".join(map(str, range(100))) + ")"
    assert quick_spans(INDEX, read_wish(DEFINITION, {"number": "3", "name": "in.(a,b)"})) is not None
    assert quick_spans(INDEX, read_wish(DEFINITION, {"name": "b", "number": listed})) is None
    many = RowIndex(pyarrow.table({name: ["x"] * 3000 for name in ("a", "b")}))
    keys = RowsDefinition(object="o", version_id="v", columns=("a", "b"), keys={"a": "text", "b": "text"})
    assert quick_spans(many, read_wish(keys, {"a": "x"})) is not None
    assert quick_spans(many, read_wish(keys, {"a": "x", "b": "x"})) is None


@pytest.mark.parametrize("asked", [{"number": "3"}, {"name": "b", "number": "gte.2"}, {"name": "like.b*"}])
def test_what_was_looked_up_is_not_searched_for_again(asked: dict[str, str]) -> None:
    """The event loop searches once a call: it sees first whether the look-up is short."""
    wish = read_wish(DEFINITION, asked)
    looked_up = quick_spans(INDEX, wish)
    assert looked_up is not None
    empty = {name: SortedColumn(TABLE[name], np.empty(0, np.int64), 0) for name in TABLE.column_names}
    nothing_sorted = RowIndex(TABLE, empty)
    assert list(find_rows(nothing_sorted, wish, looked_up)) == list(find_rows(INDEX, wish))
