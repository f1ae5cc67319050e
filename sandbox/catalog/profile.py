"""How well do the officer's bounds fit the rows? Computed in the vault, shown to the publishing officer alone."""

from dataclasses import dataclass

import pyarrow as pa

from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.catalog.shut_duckdb import shut_connection


@dataclass(frozen=True)
class Profile:
    """Shares in whole percent, so that a fit is visible and a row is not."""

    rows: int
    rows_over_limit_percent: int  # rows of units that have more than unit.max_rows
    empty_percent: dict[str, int]  # by column
    clipped_percent: dict[str, int]  # by measure: values outside its bounds
    unlisted_percent: dict[str, int]  # by key: values that the policy does not list

    def advice(self) -> list[str]:
        """What the officer should look at before people ask."""
        said = [f"{share} % of {name} lie outside the bounds" for name, share in self.clipped_percent.items() if share]
        said += [f"{share} % of {name} are not among its values" for name, share in self.unlisted_percent.items()
                 if share]
        if self.rows_over_limit_percent:
            said.append(f"{self.rows_over_limit_percent} % of rows belong to units with more than max_rows rows")
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

        over = 0
        if policy.unit:
            unit = quoted(policy.unit.column)
            row = connection.execute(
                f"SELECT CAST(round(100.0 * coalesce(sum(n) FILTER (WHERE n > {policy.unit.max_rows}), 0) / sum(n)) "
                f"AS INTEGER) FROM (SELECT count(*) AS n FROM typed GROUP BY {unit})").fetchone()
            over = int(row[0]) if row else 0
        measures = [column for column in policy.columns if column.role is Role.MEASURE and column.bounds]
        keys = [column for column in policy.columns if column.role is Role.KEY]
        return Profile(
            rows=table.num_rows, rows_over_limit_percent=over,
            empty_percent={column.name: percent(f"{quoted(column.name)} IS NULL") for column in policy.columns},
            clipped_percent={column.name: percent(
                f"{quoted(column.name)} NOT BETWEEN {float(column.bounds.low)} AND {float(column.bounds.high)}")
                for column in measures if column.bounds},
            unlisted_percent={column.name: percent(
                f"{quoted(column.name)} IS NOT NULL AND NOT list_contains(?, {quoted(column.name)})",
                [list(column.values)]) for column in keys})
