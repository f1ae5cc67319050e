"""The officer's file, read by the policy's columns: bytes in, a typed Arrow table out.
No message quotes a value."""

from collections.abc import Iterator

import pyarrow as pa

from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.model import DatasetPolicy
from sandbox.errors import Unavailable
from sandbox.ingest import LIMITS, IdRule, Limits, Rows, SortedRows, Source, Type, read_sorted
from sandbox.ingest.progress import QUIET, Progress
from sandbox.ingest.read import CleanRows
from sandbox.ingest.spool import InMemoryOverflow, Spool

SQL_TYPE = {
    Type.INTEGER: "BIGINT",
    Type.NUMBER: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.BOOLEAN: "BOOLEAN",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP",
}


def read_file(
    body: bytes | Source,
    policy: DatasetPolicy,
    *,
    ids: IdRule,
    cleaner: Cleaner | None = None,
    limits: Limits = LIMITS,
) -> Rows:
    """As `read_sorted_file`, with the whole table in memory."""
    spool = Spool(InMemoryOverflow())
    rows = read_sorted_file(body, policy, ids=ids, cleaner=cleaner, limits=limits, spool=spool)
    table = pa.Table.from_batches(rows.batches, rows.schema)
    return Rows(table, rows.told, rows.unfit, rows.left_out)


def read_sorted_file(
    body: bytes | Source,
    policy: DatasetPolicy,
    *,
    ids: IdRule,
    cleaner: Cleaner | None = None,
    limits: Limits = LIMITS,
    spool: Spool,
    progress: Progress = QUIET,
) -> SortedRows:
    """The rows, cleaned by the policy's steps and sorted by unit: the policy's columns in the policy's order;
    and the report about them for the officer. `spool`: where they wait until all are read.

    Raises `InvalidInput` naming the columns, the numbers of cells that do not fit, why, and
    the first row of them.
    """
    if (policy.steps or policy.inputs) and cleaner is None:
        raise Unavailable(
            "Nothing here carries out the cleaning steps of this policy.",
            remedy="Publish it at a vault.",
            zh="此处无法执行该策略的清洗步骤。",
            remedy_zh="请在数据保险库发布。",
        )

    def clean(schema: pa.Schema, batches: Iterator[pa.RecordBatch], spool: Spool) -> CleanRows:
        assert cleaner is not None
        return cleaner.clean(batches, policy, ids=ids, spool=spool)

    return read_sorted(
        body,
        [column.rules for column in policy.file_columns],
        ids=ids,
        given=policy.file,
        dropped=policy.dropped_columns,
        made_ids=policy.made_ids,
        limits=limits,
        clean=clean if policy.steps or policy.inputs else None,
        unit=policy.unit.column if policy.unit else None,
        spool=spool,
        progress=progress,
    )


def read_table(body: bytes, policy: DatasetPolicy) -> pa.Table:
    """The rows of a new dataset."""
    return read_file(body, policy, ids=policy.ids or IdRule.NORMALISED).table


def quoted(name: str) -> str:
    """A DuckDB identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'
