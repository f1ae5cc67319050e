"""Measures how well the officer's bounds fit the rows.
The profile is computed in the vault and shown to the publishing officer alone."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.model import Column, DatasetPolicy, Role
from sandbox.ingest import ReadableRows
from sandbox.ingest.rows import parts

NEAR = 1.25
ROUND = [most * 10**zeros for zeros in range(10) for most in (1, 2, 5)]


@dataclass(frozen=True)
class Profile:
    """Shares in whole percent, so that a fit is visible and a row is not."""

    rows: int
    about_rows: int  # what the policy says they are
    rows_left_out_percent: int  # rows that units have beyond unit.max_rows
    max_rows_for_most: (
        int  # the least max_rows, of 1, 2, 5, 10, 20, ..., that leaves out one row in a hundred at most
    )
    empty_percent: dict[str, int]  # by column
    clipped_percent: dict[str, int]  # by measure: values outside its bounds
    unlisted_percent: dict[str, int]  # by key: values that the policy does not list

    def advice(self) -> list[str]:
        """What the officer should look at before people ask."""
        said = [
            f"{share} % of {name} lie outside the bounds"
            for name, share in self.clipped_percent.items()
            if share
        ]
        said += [
            f"{share} % of {name} are not among its values"
            for name, share in self.unlisted_percent.items()
            if share
        ]
        if self.about_rows and not self.about_rows / NEAR <= self.rows <= self.about_rows * NEAR:
            said.append(
                f"about_rows says {self.about_rows:,}, and the file has about "
                f"{rounded(self.rows):,}: intervals, allowances and previews are computed from about_rows"
            )
        if self.rows_left_out_percent:
            said.append(
                f"{self.rows_left_out_percent} % of rows are beyond the max_rows of their units "
                f"and do not count in full; with max_rows {self.max_rows_for_most} at most 1 % would be, and "
                "noise would grow with it"
            )
        return said


def rounded(rows: int) -> int:
    """To one figure, or to two that end in a five: 10, 15, 20, ..., 95, 100, 150, ..."""
    step = max(1, int(10 ** (len(str(rows)) - 1)) // 2)
    return -(-rows // step) * step


def profile(rows: ReadableRows, policy: DatasetPolicy) -> Profile:
    """Look at typed rows, sorted by unit (see read_table), by their policy."""
    over = enough = 0
    if policy.unit:
        counts = rows_of_units(parts(rows, policy.unit.column))

        def beyond(most: int) -> float:
            return float(np.maximum(counts - most, 0).sum()) / rows.count

        over = round(100 * beyond(policy.unit.max_rows))
        enough = next(most for most in ROUND if beyond(most) <= 0.01) if over else 0
    found = {column.name: _counts(rows, column) for column in policy.columns}

    def percent(count: int) -> int:
        return round(100 * count / rows.count)

    return Profile(
        rows=rows.count,
        about_rows=policy.about_rows,
        rows_left_out_percent=over,
        max_rows_for_most=enough,
        empty_percent={column.name: percent(found[column.name].empty) for column in policy.columns},
        clipped_percent={
            column.name: percent(found[column.name].outside)
            for column in policy.columns
            if column.role is Role.MEASURE and column.bounds
        },
        unlisted_percent={
            column.name: percent(found[column.name].outside)
            for column in policy.columns
            if column.role is Role.KEY
        },
    )


@dataclass
class _Counts:
    """Cells of a column that are empty, and that lie outside a measure's bounds or a key's values."""

    empty: int = 0
    outside: int = 0


def _counts(rows: ReadableRows, column: Column) -> _Counts:
    counts = _Counts()
    for part in parts(rows, column.name):
        counts.empty += part.null_count
        if column.role is Role.MEASURE and column.bounds:
            low, high = float(column.bounds.low), float(column.bounds.high)
            counts.outside += true_count(pc.or_(pc.less(part, low), pc.greater(part, high)))
        elif column.role is Role.KEY:
            listed = true_count(pc.is_in(part, value_set=pa.array(column.values, part.type)))
            counts.outside += len(part) - part.null_count - listed
    return counts


def true_count(condition: pa.Array) -> int:
    return int(pc.sum(condition).as_py() or 0)


def rows_of_units(units: Iterable[pa.Array]) -> npt.NDArray[np.int64]:
    """How many rows each unit has, of a column that comes in pieces; the rows of a unit lie together."""
    counts: list[npt.NDArray[np.int64]] = []
    open_rows, last = 0, None  # of the unit that the next piece may go on with
    for part in units:
        if not len(part):
            continue
        starts = np.flatnonzero(pc.not_equal(part[1:], part[:-1]).to_numpy(zero_copy_only=False)) + 1
        runs = np.diff(np.concatenate(([0], starts, [len(part)])))
        if open_rows and part[0] == last:
            runs[0] += open_rows
        elif open_rows:
            counts.append(np.array([open_rows]))
        counts.append(runs[:-1])
        open_rows, last = int(runs[-1]), part[-1]
    if open_rows:
        counts.append(np.array([open_rows]))
    return np.concatenate(counts) if counts else np.zeros(0, np.int64)
