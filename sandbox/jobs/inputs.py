"""Writes the rows that a run reads: those of the recorded version, without the columns that its policy hides,
as Parquet."""

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet

from sandbox.catalog import DatasetPolicy, Version
from sandbox.catalog.stand_in import marked_parquet, said_of
from sandbox.jobs.perform import GivenRows
from sandbox.storage import RawStore


def given_rows(raw: RawStore, version: Version, columns: Sequence[str] | None = None) -> GivenRows:
    """The version's rows; of a predictor only the declared `columns`. Raises `NotFound`, `Unavailable`."""
    table = read_shown_rows(raw, version, columns)
    return as_given(table, version.policy, version.number)


def read_shown_rows(raw: RawStore, version: Version, columns: Sequence[str] | None = None) -> pa.Table:
    """With all columns that the policy shows, or with some. Raises `NotFound`, `Unavailable`."""
    shown = list(columns or said_of(version.policy))
    return pyarrow.parquet.read_table(io.BytesIO(raw.rows(version)), columns=shown)


def as_given(table: pa.Table, policy: DatasetPolicy, number: int) -> GivenRows:
    """Rows of a dataset's columns, marked as the stand-in's are: a program meets the same dtypes."""
    said = said_of(policy)
    mark = {
        "dataset": policy.dataset,
        "version": number,
        "columns": {name: said[name] for name in table.column_names},
    }
    return GivenRows(policy.dataset, marked_parquet(table, mark), table.num_rows)
