"""The tasks of an engine process: load rows into a file in memory, lay two datasets beside each other,
compute.

Each task runs in a child of the fork server (process.py), with the descriptors of the files that it needs.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet

from sandbox.catalog.locked_duckdb import SHUT
from sandbox.catalog.model import DatasetPolicy
from sandbox.engines.bounded_texts import bounded_texts
from sandbox.engines.memory_folder import private_memory_folder
from sandbox.engines.open_query import TABLE as JOINED
from sandbox.engines.rows_in_memory import ROWS_AT_ONCE, RowsInMemory, rows_of_few
from sandbox.engines.work import Work
from sandbox.errors import Unavailable
from sandbox.queries.compile.totals import TABLE, joined_table
from sandbox.queries.expression_sql import UNIT


@dataclass(frozen=True)
class LoadPrivate:
    """A version's Parquet, as questions read it. Answers the numbers of its rows and units."""

    policy: DatasetPolicy

    def perform(self, files: Sequence[int]) -> tuple[bytes, int]:
        [parquet] = files
        path = private_memory_folder() / "rows.duckdb"
        with os.fdopen(os.dup(parquet), "rb") as file:
            batches = pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=ROWS_AT_ONCE)
            rows = RowsInMemory(batches, self.policy, file=path)
        rows.close()
        return json.dumps([rows.count, rows.units]).encode(), _taken(path)


@dataclass(frozen=True)
class LoadPublic:
    """An open version's Parquet, to be joined, or asked by itself."""

    policy: DatasetPolicy

    def perform(self, files: Sequence[int]) -> tuple[bytes, int]:
        [parquet] = files
        path = private_memory_folder() / "rows.duckdb"
        with os.fdopen(os.dup(parquet), "rb") as file:
            table = bounded_texts(pyarrow.parquet.read_table(file), self.policy)
        with duckdb.connect(str(path), config=SHUT) as connection:
            connection.register("published", table)
            connection.execute(f"CREATE TABLE {JOINED} AS FROM published")
        return json.dumps([len(table), 0]).encode(), _taken(path)


@dataclass(frozen=True)
class KeepFewRows:
    """A private file's rows, at most `most` of each unit: what may be joined on the unit."""

    most: int

    def perform(self, files: Sequence[int]) -> tuple[bytes, int]:
        path = private_memory_folder() / "rows.duckdb"
        with _opened(files, beside=path) as connection:
            connection.execute(f"CREATE TABLE made.{TABLE} AS {rows_of_few(self.most)}")
            connection.execute("CREATE TABLE made.units AS FROM units")
            found = connection.execute(
                f"SELECT (SELECT count(*) FROM made.{TABLE}), (SELECT count(*) FROM units)"
            ).fetchone()
        return json.dumps(found).encode(), _taken(path)


@dataclass(frozen=True)
class LayBeside:
    """The few rows (`KeepFewRows`) of a second file with the codes that their units have in the first."""

    def perform(self, files: Sequence[int]) -> tuple[bytes, int]:
        path = private_memory_folder() / "rows.duckdb"
        with _opened(files, beside=path) as connection:
            connection.execute(
                f"CREATE TABLE made.{JOINED} AS SELECT u.code AS {UNIT}, r.* EXCLUDE "
                f"({UNIT}) FROM d1.{TABLE} AS r "
                f"JOIN d1.units AS o ON o.code = r.{UNIT} JOIN d0.units AS u ON u.unit = o.unit"
            )
            found = connection.execute(f"SELECT count(*), 0 FROM made.{JOINED}").fetchone()
        return json.dumps(found).encode(), _taken(path)


@dataclass(frozen=True)
class Compute:
    """Work on the first file, with the others joined to it."""

    work: Work
    memory_bytes: int

    def perform(self, files: Sequence[int]) -> tuple[bytes, None]:
        with _opened(files, memory_bytes=self.memory_bytes) as connection:
            return self.work.perform(connection), None


@dataclass(frozen=True)
class FindMemory:
    """Whether there can be a folder in memory for rows: answers with nothing, or with what is wrong.
    It touches no row."""

    def perform(self, files: Sequence[int]) -> tuple[bytes, None]:
        try:
            private_memory_folder()
        except Unavailable as error:
            return json.dumps(
                {
                    "message": error.message,
                    "code": error.code,
                    "remedy": error.remedy,
                    "internal": error.internal,
                    "zh": error.zh,
                    "remedy_zh": error.remedy_zh,
                }
            ).encode(), None
        return b"{}", None


@dataclass(frozen=True)
class Probe:
    """Computes for a fixed time of its processor: how long that takes on the clock tells how
    busy the machine is."""

    seconds: float

    def perform(self, files: Sequence[int]) -> tuple[bytes, None]:
        while time.process_time() < self.seconds:
            pass
        return b"", None


@contextmanager
def _opened(
    files: Sequence[int], *, memory_bytes: int | None = None, beside: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The files, read-only as d0, d1, ..., of which the first is the one that is asked;
    and a new one, `made`."""
    limits: dict[str, str | bool | int | float | list[str]] = {**SHUT, "enable_external_access": "true"}
    if memory_bytes is not None:
        limits["memory_limit"] = f"{memory_bytes}B"
    with duckdb.connect(":memory:", config=limits) as connection:
        for place, descriptor in enumerate(files):
            connection.execute(f"ATTACH '/proc/self/fd/{descriptor}' AS d{place} (READ_ONLY)")
        if beside is not None:
            connection.execute(f"ATTACH '{beside}' AS made")
        connection.execute("SET enable_external_access = false")
        if beside is None:  # a question
            for place in range(len(files) - 1):
                connection.execute(f"CREATE TEMP VIEW {joined_table(place)} AS FROM d{place + 1}.{JOINED}")
        connection.execute("USE d0")
        connection.execute("SET lock_configuration = true")
        yield connection
        if beside is not None:
            connection.execute("USE memory")
            connection.execute("DETACH made")


def _taken(path: Path) -> int:
    """The file's descriptor; from now on it has no name."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    path.unlink()
    return descriptor
