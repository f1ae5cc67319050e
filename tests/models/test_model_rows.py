"""Rows of a prediction are typed by the model's interface, and refused with row, field and remedy."""

from typing import Any

import pytest

from sandbox.errors import InvalidInput
from sandbox.models.rows import MOST_ROWS, typed_rows

TYPES = ("integer", "number", "text", "boolean", "date", "timestamp")
COLUMNS = [{"name": type, "type": type, "required": type == "integer"} for type in TYPES]
ROW = {
    "integer": 1,
    "number": 1.5,
    "text": "磁湖",
    "boolean": True,
    "date": "2026-12-01",
    "timestamp": "2026-12-01T08:00:00",
}


def test_rows_become_a_table() -> None:
    table = typed_rows(COLUMNS, [ROW, {**dict.fromkeys(ROW), "integer": 2}])
    assert table.num_rows == 2 and table.column("integer").to_pylist() == [1, 2]
    assert table.column("text").to_pylist() == ["磁湖", None]
    assert typed_rows(COLUMNS, [ROW | {"number": 1}]).column("number").to_pylist() == [1.0]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"integer": True}, "integer"),
        ({"integer": 1.5}, "integer"),
        ({"integer": 2**60}, "integer"),
        ({"integer": None}, "integer"),
        ({"number": "1"}, "number"),
        ({"number": float("nan")}, "number"),
        ({"number": 10**400}, "number"),
        ({"text": 5}, "text"),
        ({"text": "\0"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"text": {}}, "text"),
        ({"boolean": 1}, "boolean"),
        ({"date": "2026-13-01"}, "date"),
        ({"date": "20261201"}, "date"),
        ({"timestamp": "2026-12-01T08:00:00+08:00"}, "timestamp"),
        ({"other": 1}, "other"),
    ],
)
def test_what_does_not_fit_is_named(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput) as error:
        typed_rows(COLUMNS, [ROW, ROW | changed])
    assert error.value.code == "bad_model_row" and "2" in error.value.message
    assert named in error.value.message and named in error.value.zh
    assert error.value.remedy and error.value.remedy_zh
    error.value.message.encode()


def test_rows_are_few_and_small() -> None:
    for rows, code in (
        ([], "wrong_number_of_rows"),
        ([ROW] * (MOST_ROWS + 1), "wrong_number_of_rows"),
        ([ROW | {"text": "x" * 900}] * 100, "rows_too_large"),
    ):
        with pytest.raises(InvalidInput) as error:
            typed_rows(COLUMNS, rows)
        assert error.value.code == code and error.value.remedy_zh
    with pytest.raises(InvalidInput, match="has no text"):
        typed_rows(COLUMNS, [{name: value for name, value in ROW.items() if name != "text"}])
