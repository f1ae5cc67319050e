"""Measures the rows of a version: of each column how many cells are filled, fit and differ, what lies outside
and what stands out; and of the table how many rows repeat.

All are exact counts, for the officer who publishes alone. Five million rows of eight columns take a few
seconds: a pass of Arrow for each column, and one of the locked DuckDB for whole rows.
"""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.locked_duckdb import shut_connection
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.catalog.read_table import quoted
from sandbox.ingest import Rows, Unfit

MAD_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation is so many median absolute deviations."""
BINS = 10
MOST_NAMED = 100
"""So many values of a key that do not occur are named."""
NUMERIC = (Type.INTEGER, Type.NUMBER)
DATED = (Type.DATE, Type.TIMESTAMP)
EMPTY, OTHER, FALSE, TRUE = "(empty)", "(other)", "false", "true"


@dataclass(frozen=True)
class TableMeasures:
    """`left_out`: rows of the file that are not in the table. `repeated`: those that repeat another.
    `beyond`: those that units have beyond their `max_rows`."""

    rows: int
    left_out: int
    repeated: int
    units: int | None
    beyond: int | None


def measure_column(column: Column, rows: Rows, mads: int) -> dict[str, Any]:
    """What is known of a column, as JSON."""
    values = rows.table.column(column.name)
    filled = len(values) - values.null_count
    unfit, outside = rows.unfit.get(column.name, 0), _outside(column, values)
    # what was rounded is still there; what was emptied or left out with its row is not
    checked = filled + (unfit if column.unfit is not Unfit.ROUND else 0)
    said: dict[str, Any] = {
        "name": column.name,
        "role": column.role.value,
        "type": column.type.value,
        "rows": len(values),
        "filled": filled,
        "completeness": share(filled, len(values)),
        "unfit": unfit,
        "outside": outside,
        "validity": share(max(checked - unfit - outside, 0), checked),
        "distinct": _different(column, values),
    }
    if column.role is Role.KEY:
        said |= _unused(column, values)
    if column.type in NUMERIC and column.role not in (Role.UNIT, Role.KEY):
        said |= _outliers(values, mads)
    if column.type in DATED and filled:
        newest = pc.max(values).as_py()
        said["newest"] = _day(newest).isoformat()
    if (spread := distribution(column, values)) is not None:
        said["distribution"] = spread
    return said


def measure_table(rows: Rows, policy: DatasetPolicy) -> TableMeasures:
    units = beyond = None
    if policy.unit is not None:
        counts = rows_of_units(rows.table.column(policy.unit.column))
        units, beyond = len(counts), int(np.maximum(counts - policy.unit.max_rows, 0).sum())
    # a column that numbers the rows makes every row another
    numbered = policy.made_ids is not None and policy.made_ids.of is None
    compared = [column.name for column in policy.columns if not (numbered and column.role is Role.UNIT)]
    return TableMeasures(
        rows=len(rows.table),
        left_out=rows.left_out,
        repeated=repeated_rows(rows.table, compared),
        units=units,
        beyond=beyond,
    )


def repeated_rows(table: pa.Table, columns: list[str]) -> int:
    """How many rows have the same values in these columns as a row before them; empty equals empty.

    By 64-bit hashes: among five million rows two different ones are taken for the same once in a million
    tables.
    """
    with shut_connection() as connection:
        connection.register("checked", table.select(columns))
        names = ", ".join(map(quoted, columns))
        hashed = connection.execute(f"SELECT hash({names}) AS h FROM checked").fetchnumpy()["h"]
    inorder = np.sort(np.asarray(hashed))  # ten times as fast as numpy.unique
    return int((inorder[1:] == inorder[:-1]).sum())


def rows_of_units(units: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """How many rows each unit has; the rows of a unit lie together."""
    whole = units.combine_chunks()
    starts = np.flatnonzero(pc.not_equal(whole[1:], whole[:-1]).to_numpy(zero_copy_only=False)) + 1
    return np.diff(np.concatenate(([0], starts, [len(whole)])))


def distribution(column: Column, values: pa.ChunkedArray) -> dict[str, Any] | None:
    """How many cells are in each public class of a column: a key's values, ten parts of a measure's bounds,
    true and false. None for a column that has no public classes."""
    if column.role is Role.UNIT:
        return None
    if column.values:
        known = pc.index_in(values, value_set=pa.array(column.values, values.type))
        counts = np.bincount(known.drop_null().to_numpy(), minlength=len(column.values))
        labels = [_label(value) for value in column.values]
        other = len(values) - values.null_count - int(counts.sum())
        classes = [*map(int, counts), other, values.null_count]
        return {"labels": [*labels, OTHER, EMPTY], "counts": classes}
    if column.type is Type.BOOLEAN:
        yes = true_count(values)
        no = len(values) - values.null_count - yes
        return {"labels": [FALSE, TRUE, EMPTY], "counts": [no, yes, values.null_count]}
    if column.bounds is None:
        return None
    low, high = float(column.bounds.low), float(column.bounds.high)
    edges = [low + (high - low) * at / BINS for at in range(BINS + 1)]
    numbers = values.drop_null().to_numpy()
    inside, _ = np.histogram(numbers, bins=edges)
    below, above = int((numbers < low).sum()), int((numbers > high).sum())
    labels = [f"{_plain(start)} – {_plain(end)}" for start, end in pairwise(edges)]
    return {
        "labels": [f"< {_plain(low)}", *labels, f"> {_plain(high)}", EMPTY],
        "counts": [below, *map(int, inside), above, values.null_count],
    }


def share(part: int, of: int) -> float:
    """Of nothing, all is well."""
    return round(part / of, 9) if of else 1.0


def true_count(condition: pa.ChunkedArray) -> int:
    return int(pc.sum(condition).as_py() or 0)


def _different(column: Column, values: pa.ChunkedArray) -> int:
    """How many different values there are; the rows of a unit lie together."""
    if column.role is Role.UNIT and len(values):
        return len(rows_of_units(values))
    return int(pc.count_distinct(values, mode="only_valid").as_py())


def _outside(column: Column, values: pa.ChunkedArray) -> int:
    """Cells that are of the type, but outside the bounds or not among the public values."""
    if column.bounds is not None:
        low, high = float(column.bounds.low), float(column.bounds.high)
        return true_count(pc.or_(pc.less(values, low), pc.greater(values, high)))
    if column.role is Role.KEY:
        listed = true_count(pc.is_in(values, value_set=pa.array(column.values, values.type)))
        return int(len(values) - values.null_count - listed)
    return 0


def _unused(column: Column, values: pa.ChunkedArray) -> dict[str, Any]:
    """Public values that no row has."""
    there = set(pc.unique(values).to_pylist())
    unused = [_label(value) for value in column.values if value not in there]
    return {"unused": len(unused), "unused_values": unused[:MOST_NAMED]}


def _outliers(values: pa.ChunkedArray, mads: int) -> dict[str, Any]:
    """Numbers further than `mads` scaled median absolute deviations from the median. Where more than half of
    the numbers are one value, the deviation is 0 and nothing is counted."""
    numbers = values.drop_null().to_numpy().astype(np.float64, copy=False)
    if not len(numbers):
        return {}
    median = float(np.median(numbers))
    distances = np.abs(numbers - median)
    deviation = float(np.median(distances)) * MAD_TO_SIGMA
    return {"outliers": int((distances > mads * deviation).sum())} if deviation else {}


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _label(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(number: float) -> str:
    return f"{number:.6g}"
