"""Measures the rows of a version: of each column how many cells are filled, fit and differ, what lies outside
and what stands out; and of the table how many rows repeat.

All are for the officer who publishes alone. Counts are exact, but for those of different values and repeated
rows, which are of 64-bit hashes. Five million rows of eight columns take a few seconds: a pass of Arrow for
each column, a piece at a time, and one of the locked DuckDB for whole rows.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.locked_duckdb import shut_connection
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.catalog.profile import rows_of_units, true_count
from sandbox.catalog.read_table import quoted
from sandbox.ingest import ReadableRows, Unfit
from sandbox.ingest.rows import parts
from sandbox.ingest.value_hashes import Hashes, count_different, different_hashes
from sandbox.quality.attribute_classes import EMPTY, attribute_classes

MAD_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation is so many median absolute deviations."""
BINS = 10
MOST_NAMED = 100
"""So many values of a key that do not occur are named."""
NUMERIC = (Type.INTEGER, Type.NUMBER)
DATED = (Type.DATE, Type.TIMESTAMP)
OTHER, FALSE, TRUE = "(other)", "false", "true"


@dataclass(frozen=True)
class TableMeasures:
    """`left_out`: rows of the file that are not in the table. `repeated`: those that repeat another.
    `beyond`: those that units have beyond their `max_rows`."""

    rows: int
    left_out: int
    repeated: int
    units: int | None
    beyond: int | None


def measure_column(column: Column, rows: ReadableRows, mads: int) -> dict[str, Any]:
    """What is known of a column, as JSON."""
    seen = _Seen(column)
    for part in parts(rows, column.name):
        seen.see(part)
    if column.role is Role.UNIT:
        seen.distinct = len(rows_of_units(parts(rows, column.name)))
    filled, outside, unfit = seen.filled, seen.outside, rows.unfit.get(column.name, 0)
    # what was rounded is still there; what was emptied or left out with its row is not
    checked = filled + (unfit if column.unfit is not Unfit.ROUND else 0)
    said: dict[str, Any] = {
        "name": column.name,
        "role": column.role.value,
        "type": column.type.value,
        "rows": rows.count,
        "filled": filled,
        "completeness": share(filled, rows.count),
        "unfit": unfit,
        "outside": outside,
        "validity": share(max(checked - unfit - outside, 0), checked),
        "distinct": seen.different(),
    }
    if column.role is Role.KEY:
        said |= _unused(column, seen.keys)
    if column.type in NUMERIC and column.role not in (Role.UNIT, Role.KEY):
        said |= _outliers(seen.numbers, mads)
    if seen.newest is not None:
        said["newest"] = _day(seen.newest).isoformat()
    if seen.labels:
        said["distribution"] = {"labels": seen.labels, "counts": seen.counts}
    return said


@dataclass
class _Seen:
    """What was seen of a column that comes in pieces. In memory are 8 bytes for each different value, and for
    each number of a measure or attribute."""

    column: Column
    filled: int = 0
    outside: int = 0
    distinct: int = 0
    newest: date | datetime | None = None
    keys: set[object] = field(default_factory=set)
    numbers: list[npt.NDArray[np.float64]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    hashes: list[Hashes] = field(default_factory=list)

    def see(self, part: pa.Array) -> None:
        column = self.column
        self.filled += len(part) - part.null_count
        self.outside += _outside(column, part)
        if column.role is not Role.UNIT:
            self.hashes.append(different_hashes(part))
        if column.role is Role.KEY:
            self.keys.update(pc.unique(part).to_pylist())
        if column.type in NUMERIC and column.role not in (Role.UNIT, Role.KEY):
            self.numbers.append(part.drop_null().to_numpy(zero_copy_only=False).astype(np.float64))
        if column.type in DATED and (newest := pc.max(part).as_py()) is not None:
            self.newest = newest if self.newest is None else max(self.newest, newest)
        if (spread := distribution(column, part)) is not None:
            self.labels = spread["labels"]
            known = self.counts or [0] * len(self.labels)
            self.counts = [one + more for one, more in zip(known, spread["counts"], strict=True)]

    def different(self) -> int:
        return self.distinct or count_different(self.hashes)


def measure_table(rows: ReadableRows, policy: DatasetPolicy) -> TableMeasures:
    units = beyond = None
    if policy.unit is not None:
        counts = rows_of_units(parts(rows, policy.unit.column))
        units, beyond = len(counts), int(np.maximum(counts - policy.unit.max_rows, 0).sum())
    # a column that numbers the rows makes every row another
    numbered = policy.made_ids is not None and policy.made_ids.of is None
    compared = [column.name for column in policy.columns if not (numbered and column.role is Role.UNIT)]
    return TableMeasures(
        rows=rows.count,
        left_out=rows.left_out,
        repeated=repeated_rows(rows, compared),
        units=units,
        beyond=beyond,
    )


def repeated_rows(rows: ReadableRows, columns: list[str]) -> int:
    """How many rows have the same values in these columns as a row before them; empty equals empty.

    By 64-bit hashes: among five million rows two different ones are taken for the same once in a million
    tables.
    """
    with shut_connection() as connection:
        connection.register("checked", rows.reader(columns))
        names = ", ".join(map(quoted, columns))
        hashed = connection.execute(f"SELECT hash({names}) AS h FROM checked").fetchnumpy()["h"]
    inorder = np.asarray(hashed)
    inorder.sort()  # ten times as fast as numpy.unique
    return int((inorder[1:] == inorder[:-1]).sum())


def distribution(column: Column, values: pa.Array) -> dict[str, Any] | None:
    """How many cells are in each public class of a column: a key's values, ten parts of a measure's bounds,
    true and false; of other attributes those of `attribute_classes`. None for units and hidden columns."""
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
        attribute = column.role is Role.ATTRIBUTE
        return attribute_classes(column.type, values) if attribute else None
    low, high = float(column.bounds.low), float(column.bounds.high)
    edges = [low + (high - low) * at / BINS for at in range(BINS + 1)]
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
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


def _outside(column: Column, values: pa.Array) -> int:
    """Cells that are of the type, but outside the bounds or not among the public values."""
    if column.bounds is not None:
        low, high = float(column.bounds.low), float(column.bounds.high)
        return true_count(pc.or_(pc.less(values, low), pc.greater(values, high)))
    if column.role is Role.KEY:
        listed = true_count(pc.is_in(values, value_set=pa.array(column.values, values.type)))
        return int(len(values) - values.null_count - listed)
    return 0


def _unused(column: Column, there: set[object]) -> dict[str, Any]:
    """Public values that no row has."""
    unused = [_label(value) for value in column.values if value not in there]
    return {"unused": len(unused), "unused_values": unused[:MOST_NAMED]}


def _outliers(pieces: list[npt.NDArray[np.float64]], mads: int) -> dict[str, Any]:
    """Numbers further than `mads` scaled median absolute deviations from the median. Where more than half of
    the numbers are one value, the deviation is 0 and nothing is counted. `pieces` is emptied."""
    numbers = np.concatenate(pieces) if pieces else np.zeros(0)
    pieces.clear()
    if not len(numbers):
        return {}
    median = float(np.median(numbers, overwrite_input=True))
    numbers -= median
    np.abs(numbers, out=numbers)
    deviation = float(np.median(numbers, overwrite_input=True)) * MAD_TO_SIGMA
    return {"outliers": int((numbers > mads * deviation).sum())} if deviation else {}


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _label(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(number: float) -> str:
    return f"{number:.6g}"
