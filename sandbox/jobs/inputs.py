"""Which rows does a run read? Those of the recorded version, without the columns that its policy hides, as Parquet."""

import io

import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.catalog.stand_in import marked_parquet, said_of
from sandbox.storage import RawStore


def input_parquet(raw: RawStore, version: Version) -> bytes:
    """The version's rows, marked as the stand-in's are: a program meets the same dtypes. Raises `NotFound`, `Unavailable`."""
    shown = said_of(version.policy)
    table = pyarrow.parquet.read_table(io.BytesIO(raw.get(version.object_name, version.object_version)), columns=list(shown))
    return marked_parquet(table, {"dataset": version.dataset, "version": version.number, "columns": shown})
