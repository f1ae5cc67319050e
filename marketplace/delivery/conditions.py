"""Reads the conditions of a call on rows: `column=value`, or with an operator before it, such as
`year=gte.2019`.

    eq.VALUE  gt.VALUE  gte.VALUE  lt.VALUE  lte.VALUE  in.(VALUE,VALUE)  between.(LOW,HIGH)  like.BEGIN*

A value alone means equality. A text that itself begins like an operator is written with `eq.`. `between`
holds both its ends. In `like`, `*` stands for any text; the pattern begins with a text, by which it is
looked up.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow.compute

from marketplace.delivery.row_index import Rows, SortedColumn
from marketplace.products.model import ParameterType, Scalar
from marketplace.products.parameters import read_value
from sandbox.errors import InvalidInput

OPERATOR = re.compile(r"(eq|gte?|lte?|in|between|like)\.(.*)", re.DOTALL)
LISTED = re.compile(r"\((.*)\)", re.DOTALL)
MOST_LISTED = 100
MOST_STARS = 5
LONGEST_PATTERN = 200
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True)
class Condition:
    """A column and what its value must be: one of `values` (`in`, `eq`), or beside the only one of them."""

    column: str
    operator: str
    values: tuple[Scalar, ...]

    def spans(self, column: SortedColumn) -> list[Rows]:
        """The row numbers that can fit, in one part for each value, found without looking at each row.

        Values are compared as numbers, texts and days are, not as the column's type holds them: every row of
        small integers is below 1000."""
        match self.operator:
            case "eq" | "in":
                return [column.span(value, value) for value in dict.fromkeys(self.values)]
            case "gt" | "gte":
                return [column.span(self.values[0], None, above=self.operator == "gt")]
            case "between":
                return [column.span(*self.values)]
            case "like":
                return [column.rows[column.beginning(self.pieces[0])]]
            case _:
                return [column.span(None, self.values[0], below=self.operator == "lt")]

    def rows(self, column: SortedColumn, spans: list[Rows] | None = None) -> list[Rows]:
        """The row numbers that fit, in one part for each value. `spans`: those of the column, if known."""
        if self.operator != "like" or self.pieces[1:] == ("",):
            return self.spans(column) if spans is None else spans
        where = column.beginning(self.pieces[0])
        values = column.values.slice(where.start, where.stop - where.start)
        fits = pyarrow.compute.match_like(values, "%".join(map(escaped, self.pieces)))
        return [column.rows[where][fits.to_numpy(zero_copy_only=False)]]

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The texts between the stars of a pattern."""
        return tuple(str(self.values[0]).split("*"))

    @cached_property
    def wanted(self) -> frozenset[Scalar]:
        return frozenset(self.values)

    def holds(self, value: Any) -> bool:
        """Whether a value of the column fits."""
        if value is None:
            return False
        match self.operator:
            case "eq" | "in":
                return value in self.wanted
            case "between":
                return bool(self.values[0] <= value <= self.values[1])
            case "like":
                return is_like(value, self.pieces)
            case name:
                return bool(COMPARE[name](value, self.values[0]))


def read_condition(name: str, text: str, type: ParameterType) -> Condition:
    """The condition in a parameter. Raises `InvalidInput`."""
    found = OPERATOR.fullmatch(text)
    named, rest = (found[1], found[2]) if found else ("eq", text)
    if type == "boolean" and named not in ("eq", "in"):
        raise InvalidInput(f"{name} is yes or no, which has no order.", code="bad_parameter")
    if named == "like":
        return Condition(name, named, (read_pattern(name, rest, type),))
    texts = listed(name, rest) if named in ("in", "between") else [rest]
    values = tuple(read_value(each, type, name=name) for each in texts)
    if named == "between" and (len(values) != 2 or values[0] > values[1]):  # type: ignore[operator]
        raise InvalidInput(
            f"{name} is not between a value and a larger one.",
            code="bad_parameter",
            remedy=f"Write it like {name}=between.(LOW,HIGH).",
            zh=f"{name} 的区间须由两个值组成，且前者不大于后者。",
            remedy_zh=f"请写作 {name}=between.(LOW,HIGH)。",
        )
    return Condition(name, named, values)


def read_pattern(name: str, text: str, type: ParameterType) -> str:
    """A pattern with its star. Raises `InvalidInput`."""
    good = type == "text" and not text.startswith("*") and 1 <= text.count("*") <= MOST_STARS
    if not good or len(text) > LONGEST_PATTERN:
        raise InvalidInput(
            f"{name} cannot be looked up by this pattern.",
            code="bad_parameter",
            remedy=f"Write text keys like {name}=like.BEGIN*, with 1 to {MOST_STARS} stars and none at the "
            f"beginning, in at most {LONGEST_PATTERN} characters.",
            zh=f"{name} 不能按此模式查询。",
            remedy_zh=f"文本键请写作 {name}=like.开头*，星号 1 至 {MOST_STARS} 个且不在开头，"
            f"至多 {LONGEST_PATTERN} 个字符。",
        )
    return text


def is_like(value: str, pieces: tuple[str, ...]) -> bool:
    """Whether a text has these pieces in this order, the first at its beginning, the last at its end. Each
    piece is looked for once, so the time is that of reading the text."""
    first, *middle, last = pieces
    if not value.startswith(first) or len(value) < len(first) + len(last) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in middle:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def escaped(text: str) -> str:
    """A text as SQL's LIKE has it, which knows % and _."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def listed(name: str, text: str) -> Sequence[str]:
    found = LISTED.fullmatch(text)
    texts = found[1].split(",") if found else []
    if not 1 <= len(texts) <= MOST_LISTED or found is None:
        raise InvalidInput(
            f"{name} is not followed by a list.",
            code="bad_parameter",
            remedy=f"Write it like {name}=in.(a,b), with at most {MOST_LISTED} values.",
        )
    return texts
