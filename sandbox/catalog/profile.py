"""Measures how well the officer's bounds fit the rows.
The profile is computed in the vault and shown to the publishing officer alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.model import Bounds, DatasetPolicy, KeyValue, Role

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


def profile(table: pa.Table, policy: DatasetPolicy) -> Profile:
    """Look at a typed table, sorted by unit (see read_table), by its policy."""
    rows = len(table)
    over = enough = 0
    if policy.unit:
        counts = _rows_of_units(table.column(policy.unit.column).combine_chunks())

        def beyond(most: int) -> float:
            return float(np.maximum(counts - most, 0).sum()) / rows

        over = round(100 * beyond(policy.unit.max_rows))
        enough = next(most for most in ROUND if beyond(most) <= 0.01) if over else 0

    def percent(count: int) -> int:
        return round(100 * count / rows)

    def clipped(name: str, bounds: Bounds) -> int:
        column = table.column(name)
        return _true(pc.or_(pc.less(column, float(bounds.low)), pc.greater(column, float(bounds.high))))

    def unlisted(name: str, values: tuple[KeyValue, ...]) -> int:
        column = table.column(name)
        given: int = rows - column.null_count
        return given - _true(pc.is_in(column, value_set=pa.array(values, column.type)))

    return Profile(
        rows=rows,
        about_rows=policy.about_rows,
        rows_left_out_percent=over,
        max_rows_for_most=enough,
        empty_percent={
            column.name: percent(table.column(column.name).null_count) for column in policy.columns
        },
        clipped_percent={
            column.name: percent(clipped(column.name, column.bounds))
            for column in policy.columns
            if column.role is Role.MEASURE and column.bounds
        },
        unlisted_percent={
            column.name: percent(unlisted(column.name, column.values))
            for column in policy.columns
            if column.role is Role.KEY
        },
    )


def _true(condition: pa.ChunkedArray) -> int:
    return int(pc.sum(condition).as_py() or 0)


def _rows_of_units(units: pa.Array) -> npt.NDArray[np.int64]:
    """How many rows each unit has; the rows of a unit lie together."""
    starts = np.flatnonzero(pc.not_equal(units[1:], units[:-1]).to_numpy(zero_copy_only=False)) + 1
    return np.diff(np.concatenate(([0], starts, [len(units)])))
