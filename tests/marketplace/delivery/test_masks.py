"""Masks: each hides what it says, keeps nulls, and fits the column's type."""

from datetime import date

import pyarrow
import pytest

from marketplace.offers.column_masks import ColumnMask
from marketplace.products.masking import buyers_key, mask_table
from sandbox.errors import InvalidInput

TABLE = pyarrow.table(
    {
        "name": ["张三丰", None, "李四"],
        "age": pyarrow.array([-3, 17, None], pyarrow.int8()),
        "many": pyarrow.array([2**64 - 1, 0, 1], pyarrow.uint64()),
        "day": [date(2026, 5, 17), None, date(1969, 12, 31)],
    }
)
KEY = buyers_key(b"s" * 32, organisation="company", product="p")


def masked(column: str, do: str, **how: object) -> list[object]:
    mask = ColumnMask.model_validate({"column": column, "do": do, **how})
    return list(mask_table(TABLE, [mask], KEY)[column].to_pylist())


def test_values_are_hidden_as_the_mask_says() -> None:
    assert masked("name", "truncate", characters=1) == ["张", None, "李"]
    assert masked("age", "generalise", step=10) == [-10, 10, None]
    assert masked("many", "generalise", step=10) == [2**64 - 6, 0, 0]
    assert masked("day", "generalise", to="month") == [date(2026, 5, 1), None, date(1969, 12, 1)]
    assert masked("day", "generalise", to="year") == [date(2026, 1, 1), None, date(1969, 1, 1)]
    assert "name" not in mask_table(TABLE, [ColumnMask(column="name", do="drop")], KEY).column_names


def test_a_pseudonym_is_the_buyers_own() -> None:
    first, null, other = masked("name", "pseudonym")
    assert null is None and first != other and len(str(first)) == 32
    assert masked("name", "pseudonym") == [first, None, other]
    rival = buyers_key(b"s" * 32, organisation="rival", product="p")
    assert mask_table(TABLE, [ColumnMask(column="name", do="pseudonym")], rival)["name"][0].as_py() != first


@pytest.mark.parametrize(
    ("column", "do", "how"),
    [
        ("name", "generalise", {"step": 5}),
        ("age", "truncate", {"characters": 1}),
        ("age", "generalise", {"to": "year"}),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(column: str, do: str, how: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="cannot be masked"):
        masked(column, do, **how)


@pytest.mark.parametrize(
    "how", [{"do": "drop", "step": 2}, {"do": "generalise"}, {"do": "truncate", "to": "year"}]
)
def test_a_mask_says_how(how: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="takes"):
        ColumnMask.model_validate({"column": "a", **how})
