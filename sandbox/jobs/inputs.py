"""Which rows does a run read? Those of the recorded version, without the columns that its policy hides, as Parquet."""

import io

import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.catalog.model import Role
from sandbox.catalog.publish import to_parquet
from sandbox.storage import RawStore


def input_parquet(raw: RawStore, version: Version) -> bytes:
    """The version's rows, as a program may read them. Raises `NotFound`, `Unavailable`."""
    shown = [column.name for column in version.policy.columns if column.role is not Role.HIDDEN]
    table = pyarrow.parquet.read_table(io.BytesIO(raw.get(version.object_name, version.object_version)), columns=shown)
    return to_parquet(table)
