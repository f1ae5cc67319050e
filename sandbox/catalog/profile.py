"""How well do the officer's bounds fit the rows? Computed in the vault, shown to the publishing officer alone."""

from dataclasses import dataclass

import pyarrow as pa

from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.catalog.shut_duckdb import shut_connection

ROUND = [most * 10**zeros for zeros in range(10) for most in (1, 2, 5)]


@dataclass(frozen=True)
class Profile:
    """Shares in whole percent, so that a fit is visible and a row is not."""

    rows: int
    rows_left_out_percent: int  # rows that units have beyond unit.max_rows
    max_rows_for_most: int  # the least max_rows, of 1, 2, 5, 10, 20, ..., that leaves out one row in a hundred at most
    empty_percent: dict[str, int]  # by column
    clipped_percent: dict[str, int]  # by measure: values outside its bounds
    unlisted_percent: dict[str, int]  # by key: values that the policy does not list

    def advice(self) -> list[str]:
        """What the officer should look at before people ask."""
        said = [f"{share} % of {name} lie outside the bounds" for name, share in self.clipped_percent.items() if share]
        said += [f"{share} % of {name} are not among its values" for name, share in self.unlisted_percent.items()
                 if share]
        if self.rows_left_out_percent:
            said.append(f"{self.rows_left_out_percent} % of rows are beyond the max_rows of their units and do not count in full"
                        f"; with max_rows {self.max_rows_for_most} at most 1 % would be, and noise would grow with it")
        return said


def profile(table: pa.Table, policy: DatasetPolicy) -> Profile:
    """Look at a typed table (see read_table) by its policy."""
    with shut_connection() as connection:
        connection.register("typed", table)

        def percent(condition: str, parameters: list[object] | None = None) -> int:
            found = connection.execute(
                f"SELECT CAST(round(100.0 * count(*) FILTER (WHERE {condition}) / count(*)) AS INTEGER) FROM typed",
                parameters or []).fetchone()
            return int(found[0]) if found else 0

        def beyond(most: int) -> float:
            assert policy.unit is not None
            found = connection.execute(f"SELECT sum(greatest(0, n - {most})) / sum(n) FROM (SELECT count(*) AS n FROM typed "
                                       f"GROUP BY {quoted(policy.unit.column)})").fetchone()
            return float(found[0]) if found else 0.0

        over = round(100 * beyond(policy.unit.max_rows)) if policy.unit else 0
        enough = next(most for most in ROUND if beyond(most) <= 0.01) if over else 0
        measures = [column for column in policy.columns if column.role is Role.MEASURE and column.bounds]
        keys = [column for column in policy.columns if column.role is Role.KEY]
        return Profile(
            rows=table.num_rows, rows_left_out_percent=over, max_rows_for_most=enough,
            empty_percent={column.name: percent(f"{quoted(column.name)} IS NULL") for column in policy.columns},
            clipped_percent={column.name: percent(
                f"{quoted(column.name)} NOT BETWEEN {float(column.bounds.low)} AND {float(column.bounds.high)}")
                for column in measures if column.bounds},
            unlisted_percent={column.name: percent(
                f"{quoted(column.name)} IS NOT NULL AND NOT list_contains(?, {quoted(column.name)})",
                [list(column.values)]) for column in keys})
