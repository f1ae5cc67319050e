"""The officer's file, read by the policy's columns: bytes in, a typed Arrow table out.
No message quotes a value."""

import pyarrow as pa

from sandbox.catalog.model import DatasetPolicy
from sandbox.ingest import LIMITS, IdRule, Limits, Rows, Source, Type, read_rows

SQL_TYPE = {
    Type.INTEGER: "BIGINT",
    Type.NUMBER: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.BOOLEAN: "BOOLEAN",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP",
}


def read_file(body: bytes | Source, policy: DatasetPolicy, *, ids: IdRule, limits: Limits = LIMITS) -> Rows:
    """The rows, sorted by unit: the policy's columns in the policy's order;
    and the report about them for the officer.

    Raises `InvalidInput` naming the columns, the numbers of cells that do not fit, why, and
    the first row of them.
    """
    return read_rows(
        body,
        [column.rules for column in policy.file_columns],
        ids=ids,
        given=policy.file,
        dropped=policy.dropped_columns,
        made_ids=policy.made_ids,
        limits=limits,
    )


def read_table(body: bytes, policy: DatasetPolicy) -> pa.Table:
    """The rows of a new dataset."""
    return read_file(body, policy, ids=policy.ids or IdRule.NORMALISED).table


def quoted(name: str) -> str:
    """A DuckDB identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'
