"""How does DuckDB compute totals? In memory, on one version's rows, shut off from everything, and for so long at most."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import BoundedSemaphore, Event, Thread

import duckdb
import pyarrow as pa
import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.catalog.shut_duckdb import shut_connection
from sandbox.engines.model import Cells
from sandbox.queries import Plan, compile_plan
from sandbox.queries.compile import TABLE
from sandbox.storage import RawStore

TABLES_IN_MEMORY = 8
RUNS_AT_ONCE = 2


class DuckDBEngine:
    """Reads a version's Parquet from the raw store once, keeps the last few in memory."""

    def __init__(self, store: RawStore) -> None:
        self.store = store
        self._places = BoundedSemaphore(RUNS_AT_ONCE)
        self._rows = lru_cache(maxsize=TABLES_IN_MEMORY)(self._load)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for one of the few places to compute: how long one waits depends on others' questions, not on a row."""
        with self._places:
            yield

    def totals(self, plan: Plan, *, seconds: float) -> Cells:
        version = plan.version
        return compute(plan, self._rows(version.object_name, version.object_version), seconds=seconds)

    def warm(self, version: Version) -> None:
        """Load a version before anybody asks, so that the first question is no slower than the next."""
        self._rows(version.object_name, version.object_version)

    def _load(self, object_name: str, object_version: str) -> pa.Table:
        return pyarrow.parquet.read_table(io.BytesIO(self.store.get(object_name, object_version)))


def compute(plan: Plan, rows: pa.Table, *, seconds: float = 600.0) -> Cells:
    """Run a plan's statements on `rows`: exact integers for every public cell, 0 where no row fell.

    Raises `duckdb.InterruptException` after `seconds`.
    """
    answer: Cells = {}
    with shut_connection() as connection, _interrupted_after(connection, seconds):
        connection.register(TABLE, rows)
        connection.execute("SET lock_configuration = true")
        for statement in compile_plan(plan):
            cells = [[0] * plan.cells for _ in statement.totals]
            for found in connection.execute(statement.sql).fetchall():
                place = _place(plan, found[: len(plan.keys)])
                for index, value in enumerate(found[len(plan.keys):]):
                    cells[index][place] = int(value or 0)
            answer |= dict(zip(statement.totals, cells, strict=True))
    return answer


def _place(plan: Plan, codes: tuple[int, ...]) -> int:
    place = 0
    for key, code in zip(plan.keys, codes, strict=True):
        place = place * len(key.values) + int(code)
    return place


@contextmanager
def _interrupted_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    done = Event()

    def watch() -> None:
        if not done.wait(seconds):
            while not done.wait(0.01):  # again and again: an interrupt between two statements is forgotten
                connection.interrupt()

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()  # it must not interrupt a connection that is closed
