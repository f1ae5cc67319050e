"""Values that a column is tried with, to find the rows in which an expression follows it."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

INNER = 3
PROBES = INNER + 2
"""In their order: one below all values, the quartiles, one above all values."""
LAST_CHARACTER = "\U0010ffff"


def probe_table(name: str, column: pa.ChunkedArray) -> pa.Table:
    """One row with a column for each probe, called by `probe_name`."""
    values = probe_values(column)
    arrays = [pa.array([value], column.type) for value in values]
    return pa.table(arrays, names=[probe_name(name, place) for place in range(PROBES)])


def probe_name(name: str, place: int) -> str:
    return f"{place} {name}"


def probe_values(column: pa.ChunkedArray) -> Sequence[Any]:
    """None for each where the column has no value."""
    held = column.drop_null()
    if pa.types.is_floating(column.type):
        held = held.filter(pc.is_finite(held))
    if not len(held):
        return [None] * PROBES
    if pa.types.is_boolean(column.type):
        return [False, False, False, True, True]
    ordered = held.take(pc.sort_indices(held))
    inner = [ordered[len(ordered) * part // (INNER + 1)].as_py() for part in range(1, INNER + 1)]
    least, most = ordered[0].as_py(), ordered[-1].as_py()
    beyond = least, most
    with suppress(OverflowError, TypeError, pa.ArrowException):
        below, above = _beyond(least, most, column.type)
        pa.array([below, above], column.type)
        beyond = below, above
    return [beyond[0], *inner, beyond[1]]


def _beyond(least: Any, most: Any, kind: pa.DataType) -> tuple[Any, Any]:
    """Further outside than the values are apart, or as far as the type reaches: of a size no value is the
    same. Raises `TypeError`."""
    match least:
        case int():
            ends = np.iinfo(kind.to_pandas_dtype())
            return max(3 * least - 2 * most - 1, int(ends.min)), min(3 * most - 2 * least + 1, int(ends.max))
        case float():
            return 3 * least - 2 * most - 1, 3 * most - 2 * least + 1
        case str():
            return "", most + LAST_CHARACTER
        case datetime() | date():
            span = most - least + timedelta(days=1)
            return _earlier(least, span), _later(most, span)
    raise TypeError


def _earlier(day: date, span: timedelta) -> date:
    try:
        return day - span
    except OverflowError:
        return day.min.replace(tzinfo=day.tzinfo) if isinstance(day, datetime) else day.min


def _later(day: date, span: timedelta) -> date:
    try:
        return day + span
    except OverflowError:
        return day.max.replace(tzinfo=day.tzinfo) if isinstance(day, datetime) else day.max
