"""Rows by key: typed, exact, in the copy's order, a page at a time."""

from datetime import date
from decimal import Decimal

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.delivery.rows import look_up, plain, read_wish
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


def numbers(**given_: str) -> list[object]:
    page = look_up(TABLE, DEFINITION, read_wish(DEFINITION, given_))
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
    ],
)
def test_what_is_asked_is_found(asked: dict[str, str], found: list[object]) -> None:
    assert numbers(**asked) == found


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"_limit": "1"},
        {"share": "0.5"},
        {"number": "1.0"},
        {"flag": "yes"},
        {"day": "1.1.2026"},
        {"name": "a", "_limit": "3"},
        {"name": "a", "_after": "x"},
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        read_wish(DEFINITION, asked)


@given(st.integers(1, 2), st.sampled_from(["a", "b"]))
def test_the_pages_together_are_the_whole(limit: int, name: str) -> None:
    seen, after = [], 0
    while after is not None:
        page = look_up(
            TABLE,
            DEFINITION,
            read_wish(DEFINITION, {"name": name, "_limit": str(limit), "_after": str(after)}),
        )
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
