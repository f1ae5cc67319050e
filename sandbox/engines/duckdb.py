"""How does DuckDB compute totals? In memory, on one version's rows, shut off from everything, and for so long at most."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import BoundedSemaphore, Event, Thread

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.catalog.model import KeyValue
from sandbox.catalog.shut_duckdb import shut_connection
from sandbox.engines.model import Cells
from sandbox.errors import QueryRefused
from sandbox.queries import Plan, compile_plan
from sandbox.queries.compile import TABLE, public_table
from sandbox.queries.ranges import MOST_KEY_VALUES
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
        public = [self._rows(joined.version.object_name, joined.version.object_version) for joined in plan.scope.joined.values()]
        return compute(plan, self._rows(version.object_name, version.object_version), public, seconds=seconds)

    def public_values(self, version: Version, column: str) -> tuple[KeyValue, ...]:
        if version.policy.unit is not None:
            raise ValueError("only an open dataset's values are public")
        return distinct_values(self._rows(version.object_name, version.object_version), column)

    def warm(self, version: Version) -> None:
        """Load a version before anybody asks, so that the first question is no slower than the next."""
        self._rows(version.object_name, version.object_version)

    def _load(self, object_name: str, object_version: str) -> pa.Table:
        return pyarrow.parquet.read_table(io.BytesIO(self.store.get(object_name, object_version)))


def distinct_values(rows: pa.Table, column: str) -> tuple[KeyValue, ...]:
    """The values of a public column, in order. Raises `QueryRefused` where they are too many, or no keys."""
    found = [value for value in pc.unique(rows[column]).to_pylist() if value is not None]
    if len(found) > MOST_KEY_VALUES:
        raise QueryRefused(f"GROUP BY {column}", f"it has more than {MOST_KEY_VALUES} values.", instead="Group by another key.")
    if not all(isinstance(value, str | int) for value in found):
        raise QueryRefused(f"GROUP BY {column}", "its values are neither texts nor whole numbers.",
                           instead="Group by another key.")
    return tuple(sorted(found))


def compute(plan: Plan, rows: pa.Table, public: Sequence[pa.Table] = (), *, seconds: float = 600.0) -> Cells:
    """Run a plan's statements on `rows`, joined with `public`: exact integers for every public cell, 0 where no row fell.

    Raises `duckdb.InterruptException` after `seconds`.
    """
    answer: Cells = {}
    with shut_connection() as connection, _interrupted_after(connection, seconds):
        connection.register(TABLE, rows)
        for place, table in enumerate(public):
            connection.register(public_table(place), table)
        connection.execute("SET lock_configuration = true")
        for statement in compile_plan(plan):
            bins, keys = statement.bins, len(plan.keys)
            cells = [[0] * (plan.cells * (bins or 1)) for _ in statement.totals]
            for found in connection.execute(statement.sql).fetchall():
                place = _place(plan, found[:keys])
                if bins:
                    place = place * bins + int(found[keys])
                for index, value in enumerate(found[keys + bool(bins):]):
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
