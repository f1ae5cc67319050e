"""Answers a call with rows of the open copy that fit its conditions on key columns, a page at a time.

A copy is one version, which never changes. So a page begins at a place among the rows that fit, and the pages
of one version together are the whole, without a row twice. Rows that are ordered by the key that they are
looked up by are a part of the sorted column: a page of them costs the same, however far it is from the first.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow

from marketplace.delivery.conditions import Condition, read_condition
from marketplace.delivery.row_index import RowIndex, Rows
from marketplace.products.model import CopyDefinition, RowsDefinition
from sandbox.api_schema import exact_in_json
from sandbox.errors import InvalidInput

LIMIT, AFTER = "_limit", "_after"  # no column begins with an underscore
SELECT, ORDER = "_select", "_order"
CURSOR, COUNT = "_cursor", "_count"
PAGING = (LIMIT, AFTER, SELECT, ORDER, CURSOR, COUNT)
SAMPLE_ROWS = 5
LARGEST_OFFSET = 10**12
MOST_AT_ONCE = 5_000  # values that are looked at
MOST_SEARCHES = 10
Mask = Callable[[pyarrow.Table], pyarrow.Table]
Spans = list[list[Rows]]
"""For each condition of a wish the row numbers that can fit, in parts."""


def unmasked(table: pyarrow.Table) -> pyarrow.Table:
    return table


@dataclass(frozen=True)
class Wish:
    """What a caller asked for: conditions on keys, which columns, in which order, and which page.
    `order`: a key, and whether the largest comes first; None: as the copy has them. `release`: of which
    release, if a cursor says it."""

    conditions: tuple[Condition, ...]
    columns: tuple[str, ...]
    order: tuple[str, bool] | None
    limit: int
    after: int
    count: bool = False
    release: int | None = None

    @property
    def looked_up_by(self) -> tuple[str, ...]:
        """The columns that have to be sorted for it."""
        names = [each.column for each in self.conditions] + ([self.order[0]] if self.order else [])
        return tuple(dict.fromkeys(names))


def read_wish(definition: RowsDefinition, given: Mapping[str, str]) -> Wish:
    """The wish in a call's parameters. Raises `InvalidInput`."""
    asked = {name: value for name, value in given.items() if name not in PAGING}
    if strange := sorted(asked.keys() - set(definition.keys)):
        raise InvalidInput(
            f"{strange[0][:70]!r} is not a key of this product.",
            code="bad_parameter",
            remedy=f"Look up by: {', '.join(definition.keys)}; pages by {LIMIT} and {CURSOR}, "
            f"columns by {SELECT}, order by {ORDER}, the number of rows by {COUNT}=estimated.",
        )
    if not asked:
        raise InvalidInput(
            "No value to look up by was given.",
            code="bad_parameter",
            remedy=f"Give a value for at least one of these columns: {', '.join(definition.keys)}.",
            zh="未给出查询值。",
            remedy_zh=f"请至少给出以下一栏的值：{'、'.join(definition.keys)}。",
        )
    return Wish(
        tuple(read_condition(name, text, definition.keys[name]) for name, text in asked.items()),
        read_columns(definition, given.get(SELECT)),
        read_order(definition, given.get(ORDER)),
        whole(given.get(LIMIT), definition.page_rows, 1, definition.page_rows, LIMIT),
        whole(given.get(AFTER), 0, 0, LARGEST_OFFSET, AFTER),
        read_count(given.get(COUNT)),
    )


def read_count(text: str | None) -> bool:
    """Whether the number of rows is estimated. Raises `InvalidInput`."""
    if text not in (None, "estimated"):
        raise InvalidInput(
            f"{COUNT} is not estimated.",
            code="bad_parameter",
            remedy=f"Write {COUNT}=estimated, or leave it out.",
            zh=f"{COUNT} 只能为 estimated。",
            remedy_zh=f"请写 {COUNT}=estimated，或去掉它。",
        )
    return text is not None


def read_columns(definition: RowsDefinition, text: str | None) -> tuple[str, ...]:
    """The columns of `_select=a,b`; all of them without."""
    if text is None:
        return definition.shown
    names = tuple(dict.fromkeys(text.split(",")))
    if strange := [name for name in names if name not in definition.shown]:
        raise InvalidInput(
            f"{strange[0][:70]!r} is not a column of this product.",
            code="bad_parameter",
            remedy=f"Choose among: {', '.join(definition.shown)}.",
        )
    return names


def read_order(definition: RowsDefinition, text: str | None) -> tuple[str, bool] | None:
    """The key of `_order=year` or `_order=year.desc`."""
    if text is None:
        return None
    name, _, direction = text.rpartition(".") if text.endswith((".asc", ".desc")) else (text, "", "asc")
    if name not in definition.keys:
        raise InvalidInput(
            f"Rows cannot be ordered by {name[:70]!r}.",
            code="bad_parameter",
            remedy=f"Order by a key, with .desc for the largest first: {', '.join(definition.keys)}.",
        )
    return name, direction == "desc"


def whole(text: str | None, default: int, low: int, high: int, name: str) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 13 and low <= int(text) <= high):
        raise InvalidInput(f"{name} is not a whole number from {low} to {high}.", code="bad_parameter")
    return int(text)


def quick_spans(index: RowIndex, wish: Wish) -> Spans | None:
    """The rows of each condition, if the look-up is short enough to be done between two other calls: few
    searches, and few rows on which the other conditions are checked. None if it is not."""
    if sum(len(each.values) for each in wish.conditions) > MOST_SEARCHES:
        return None
    spans = [each.spans(index.column(each.column)) for each in wish.conditions]
    sizes = [sum(map(len, parts)) for parts in spans]
    patterns = [many for each, many in zip(wish.conditions, sizes, strict=True) if each.operator == "like"]
    return spans if min(sizes) * len(sizes) + sum(patterns) <= MOST_AT_ONCE else None


def find_rows(index: RowIndex, wish: Wish, looked_up: Spans | None = None) -> Rows:
    """The numbers of the rows that fit, in the order that was asked for.

    The condition with the fewest rows is looked up; the others are checked on its rows. `looked_up`: what
    `quick_spans` found for this wish, which is then not searched for again."""
    if (sorted_rows := already_in_order(index, wish)) is not None:
        return sorted_rows
    spans = [
        (each, each.rows(index.column(each.column), looked_up[nth] if looked_up else None))
        for nth, each in enumerate(wish.conditions)
    ]
    first, parts = min(spans, key=lambda span: sum(map(len, span[1])))
    found = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)
    for other in wish.conditions:
        if other is not first and len(found):
            values = index.table[other.column].take(pyarrow.array(found)).to_pylist()
            found = found[np.fromiter((other.holds(value) for value in values), bool, len(values))]
    return in_order(index, wish, found)


def already_in_order(index: RowIndex, wish: Wish) -> Rows | None:
    """The rows of the only condition where they are wanted in rising order of its key: a part of the sorted
    column, without a copy."""
    if len(wish.conditions) > 1 or wish.order != (wish.conditions[0].column, False):
        return None
    only = wish.conditions[0]
    if only.operator == "in":
        only = replace(only, values=tuple(sorted(set(only.values))))
    parts = only.rows(index.column(only.column))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def estimated(index: RowIndex, wish: Wish) -> dict[str, Any]:
    """How many rows fit. Of one condition it is counted; of several it is what they would let pass if each
    were independent of the others."""
    rows = index.table.num_rows
    spans = [sum(map(len, each.rows(index.column(each.column)))) for each in wish.conditions]
    share = math.prod(many / rows for many in spans) if rows else 0.0
    return {"rows": min(spans[0], rows) if len(spans) == 1 else round(share * rows), "exact": len(spans) == 1}


def in_order(index: RowIndex, wish: Wish, found: Rows) -> Rows:
    if wish.order is None or not len(found):
        return found
    name, descending = wish.order
    keys = index.table[name].take(pyarrow.array(found)).to_pylist()
    known = [place for place, key in enumerate(keys) if key is not None]
    known.sort(key=lambda place: keys[place], reverse=descending)  # stable: equal keys as the copy has them
    nulls = [place for place, key in enumerate(keys) if key is None]
    return found[np.array(known + nulls, np.int64)]


@dataclass(frozen=True)
class Page:
    """Rows as they are delivered. `next`: where the next page begins; None at the end."""

    table: pyarrow.Table
    next: int | None
    count: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        counted = {"count": self.count} if self.count else {}
        return {
            "columns": self.table.column_names,
            "rows": plain_rows(self.table),
            "next": self.next,
            **counted,
        }


def find_page(index: RowIndex, wish: Wish, masks: Mask = unmasked, looked_up: Spans | None = None) -> Page:
    found = find_rows(index, wish, looked_up)
    page = found[wish.after : wish.after + wish.limit]
    end = wish.after + len(page)
    return Page(
        masks(take(index.table, wish.columns, page)),
        end if end < len(found) else None,
        estimated(index, wish) if wish.count else None,
    )


def look_up(index: RowIndex, wish: Wish) -> dict[str, Any]:
    """The page: columns, rows, and where the next page begins (None at the end)."""
    return find_page(index, wish).document


def take(table: pyarrow.Table, columns: Sequence[str], rows: Rows) -> pyarrow.Table:
    return table.select(list(columns)).take(pyarrow.array(rows))


def sample(table: pyarrow.Table, definition: CopyDefinition, masks: Mask = unmasked) -> Page:
    """The first rows, for a look before buying."""
    page = masks(table.select(list(definition.columns)).slice(0, SAMPLE_ROWS))
    return Page(page.select([name for name in definition.shown if name in page.column_names]), None)


def plain_rows(page: pyarrow.Table) -> list[list[Any]]:
    columns = [column.to_pylist() for column in page.columns]
    return [[plain(value) for value in row] for row in zip(*columns, strict=True)]


def plain(value: object) -> object:
    """A value as JSON has it. Decimals, moments and integers that a reader could lose become text, exactly;
    what is not a number becomes null."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case Decimal():
            return format(value, "f")
        case date() | datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return exact_in_json(value)
