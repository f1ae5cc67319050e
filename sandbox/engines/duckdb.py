"""How does DuckDB compute totals? In memory, on one version's rows, shut off from everything, and for so long at most."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from threading import BoundedSemaphore, Event, Thread

import duckdb
import pyarrow as pa

from sandbox.catalog import Version
from sandbox.catalog.model import DatasetPolicy, KeyValue
from sandbox.engines.bounded_texts import bounded_texts
from sandbox.engines.model import Cells, UnitsByValue
from sandbox.engines.rows_in_memory import PublicRows, RowsInMemory, batches_of
from sandbox.engines.weighing import fits_weighing, weighed
from sandbox.queries import Plan, compile_brought, compile_discovery, compile_plan
from sandbox.queries.compile import Statement, joined_table
from sandbox.queries.discovery import Discovery
from sandbox.queries.plan import BINS_IN_ONE, Total, TotalKind
from sandbox.queries.scope import BoundsToBuy, PrivateTable, PublicTable
from sandbox.storage import RawStore

TABLES_IN_MEMORY = 8
ROWS_SUMMED_AT_ONCE = 4_000_000
RUNS_AT_ONCE = 4  # a question keeps its place until its moment, most of it asleep


class DuckDBEngine:
    """Reads a version's Parquet from the raw store once, keeps the last few in memory, laid out for questions."""

    def __init__(self, store: RawStore) -> None:
        self.store = store
        self._places = BoundedSemaphore(RUNS_AT_ONCE)
        self._private = lru_cache(maxsize=TABLES_IN_MEMORY)(self._load_private)
        self._public = lru_cache(maxsize=TABLES_IN_MEMORY)(self._load_public)
        self._beside = lru_cache(maxsize=TABLES_IN_MEMORY)(self._load_beside)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for one of the few places to compute: how long depends on others' questions and their moments, not on a row."""
        with self._places:
            yield

    def totals(self, plan: Plan, *, seconds: float) -> Cells:
        return totals_of(plan, self._private(plan.version), self._joined(plan), seconds=seconds)

    def _joined(self, plan: Plan) -> list[pa.Table]:
        return [self._public(joined.version).rows if isinstance(joined, PublicTable)
                else self._beside(plan.version, joined.version) for joined in plan.scope.joined.values()]

    def units_by_value(self, discovery: Discovery | BoundsToBuy, version: Version, *, seconds: float) -> UnitsByValue:
        return units_by_value(discovery, version.policy, self._private(version), seconds=seconds)

    def brought(self, plan: Plan, *, seconds: float) -> pa.Table:
        return brought_by_units(plan, self._private(plan.version), self._joined(plan), seconds=seconds)

    def public_values(self, version: Version, column: str, where: str) -> tuple[KeyValue, ...]:
        return self._public(version).values(column, where)

    def public_extent(self, version: Version, column: str) -> tuple[Fraction, Fraction] | None:
        return self._public(version).extent(column)

    def public_once(self, version: Version, columns: tuple[str, ...]) -> bool:
        return self._public(version).once(columns)

    def warm(self, version: Version, *joined: Version) -> None:
        """Load what a question needs before its time begins, so that the first question is no slower than the next."""
        self._private(version)
        for other in joined:
            if other.policy.unit is None:
                self._public(other)
            else:
                self._beside(version, other)

    def _load_private(self, version: Version) -> RowsInMemory:
        return RowsInMemory(batches_of(self._parquet(version)), version.policy)

    def _load_beside(self, first: Version, second: Version) -> pa.Table:
        return self._private(second).beside(self._private(first), second.policy)

    def _load_public(self, version: Version) -> PublicRows:
        if version.policy.unit is not None:
            raise ValueError("only an open dataset's values are public")
        rows = pa.Table.from_batches(list(batches_of(self._parquet(version))))
        return PublicRows(bounded_texts(rows, version.policy))

    def _parquet(self, version: Version) -> bytes:
        return self.store.get(version.object_name, version.object_version)


def compute(plan: Plan, rows: pa.Table, joined: Sequence[pa.Table] = ()) -> Cells:
    """A plan's totals on `rows` as they were published, joined with others as they were."""
    first, tables = _in_memory(rows, plan.version.policy), list(joined)
    for place, other in enumerate(plan.scope.joined.values()):
        if isinstance(other, PrivateTable):
            policy = other.version.policy
            tables[place] = _in_memory(tables[place], policy).beside(first, policy)
    return totals_of(plan, first, tables, seconds=600.0)


def _in_memory(rows: pa.Table, policy: DatasetPolicy) -> RowsInMemory:
    assert policy.unit is not None
    return RowsInMemory(rows.sort_by(policy.unit.column).to_batches(), policy)


def totals_of(plan: Plan, rows: RowsInMemory, joined: Sequence[pa.Table], *, seconds: float) -> Cells:
    """Run a plan's statements: exact integers for every public cell, 0 where no row fell.

    Raises `duckdb.InterruptException` after `seconds`.
    """
    answer: Cells = {}
    with rows.cursor() as connection, _interrupted_after(connection, seconds):
        for place, table in enumerate(joined):
            connection.register(joined_table(place), table)
        for place, statement in enumerate(compile_plan(plan)):
            if statement.weighed and fits_weighing(plan, statement.totals, rows):
                cells = weighed(plan, statement.totals, rows, connection)
            else:
                cells = _summed(plan, place, statement, rows, connection)
            answer |= dict(zip(statement.totals, cells, strict=True))
    for total in plan.totals:
        if total.kind is TotalKind.BINS and total not in answer:
            answer[total] = _added_up(plan, answer, total)
    return answer


def brought_by_units(plan: Plan, rows: RowsInMemory, joined: Sequence[pa.Table], *, seconds: float) -> pa.Table:
    """What each unit, by its name, brings to each cell. Raises `duckdb.InterruptException` after `seconds`."""
    with rows.cursor() as connection, _interrupted_after(connection, seconds):
        for place, table in enumerate(joined):
            connection.register(joined_table(place), table)
        return connection.execute(f"SELECT u.unit AS name, b.* EXCLUDE (unit) FROM ({compile_brought(plan)}) AS b "
                                  "JOIN units AS u ON u.code = b.unit").to_arrow_table()


def _summed(plan: Plan, place: int, statement: Statement, rows: RowsInMemory,
            connection: duckdb.DuckDBPyConnection) -> list[list[int]]:
    """What a statement says, over some units at a time, so that the engine never counts all of them at once."""
    bins, keys = statement.bins, len(plan.keys)
    cells = [[0] * (plan.cells * (bins or 1)) for _ in statement.totals]
    pieces = rows.count // ROWS_SUMMED_AT_ONCE + 1 if statement.additive and not plan.weights_stored else 1
    for among in rows.pieces(pieces):
        sql = statement.sql if pieces == 1 else compile_plan(plan, among)[place].sql
        for found in connection.execute(sql).fetchall():
            cell = _place(plan, found[:keys])
            if bins:
                cell = cell * bins + int(found[keys])
            for index, value in enumerate(found[keys + bool(bins):]):
                cells[index][cell] += int(value or 0)
    return cells


def units_by_value(discovery: Discovery | BoundsToBuy, policy: DatasetPolicy, rows: RowsInMemory, *,
                   seconds: float) -> UnitsByValue:
    """How many units have each value of a key, or each size of a column's values.

    Raises `duckdb.InterruptException` after `seconds`.
    """
    with rows.cursor() as connection, _interrupted_after(connection, seconds):
        found = connection.execute(compile_discovery(discovery, policy)).fetchall()
    return {int(value) if isinstance(value, float) else value: int(units) for value, units in found}


def _added_up(plan: Plan, answer: Cells, total: Total) -> list[int]:
    """A coarse histogram from the fine one: whole numbers add up exactly."""
    fine = next(other for other in answer if other.kind is TotalKind.BINS and other.of == total.of)
    return [sum(answer[fine][cell * fine.bins + bin * BINS_IN_ONE: cell * fine.bins + min(fine.bins, (bin + 1) * BINS_IN_ONE)])
            for cell in range(plan.cells) for bin in range(total.bins)]


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
    until = time.monotonic() + seconds
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()  # it must not interrupt a connection that is closed
    if time.monotonic() > until:  # what is late has failed, whether the interrupt came through or not
        raise duckdb.InterruptException("late")
