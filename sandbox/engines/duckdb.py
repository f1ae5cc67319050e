"""Computes totals by DuckDB: in a process of each question's own, on one version's rows in memory, within a
time limit."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from threading import BoundedSemaphore

import pyarrow as pa

from sandbox.catalog import Version
from sandbox.catalog.model import DatasetPolicy, KeyValue, Role
from sandbox.catalog.read_table import quoted
from sandbox.engines.bounded_texts import bounded_texts
from sandbox.engines.model import Cells, UnitsByValue
from sandbox.engines.open_query import TABLE as JOINED
from sandbox.engines.open_query import OpenRows, OpenTable, run_openly
from sandbox.engines.process import EngineProcesses, Task, TaskFailed
from sandbox.engines.rows_in_memory import PublicRows, RowsInMemory, batches_of
from sandbox.engines.table_file import TableFile
from sandbox.engines.tasks import Compute, FindMemory, KeepFewRows, LayBeside, LoadPrivate, LoadPublic, Probe
from sandbox.engines.work import TableWork, Work, read_cells, read_table, totals_work
from sandbox.errors import QueryRefused, Unavailable
from sandbox.queries import Plan, compile_brought, compile_partition_selection
from sandbox.queries.compile.totals import joined_table
from sandbox.queries.plan.cost import rows_kept
from sandbox.queries.plan.partition_selection import PartitionSelection
from sandbox.queries.types.scope import BoundsEstimation, PrivateTable, PublicTable
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES
from sandbox.storage import RawStore

TABLES_IN_MEMORY = 8
# a question keeps its place until its moment, most of it asleep
QUESTIONS_AT_ONCE = 4 * (os.cpu_count() or 1)
MEMORY_BYTES = 4 * 2**30
LOADING_SECONDS = 600.0
WAITING_SECONDS = 60.0
LOOKING_SECONDS, LOOKING_MEMORY_BYTES = 10.0, 2**30
PROBE_SECONDS, QUIET_PROBE_SECONDS = 0.02, 0.06  # computed, and on the clock with the fork and a rescheduling


class DuckDBEngine:
    """Reads a version's Parquet from the raw store once, keeps the last few in memory,
    laid out for questions.

    The vault's own process holds no row: it holds descriptors of files in memory, which it hands to the
    processes that load and compute (process.py).
    """

    def __init__(self, store: RawStore, processes: EngineProcesses) -> None:
        self.store = store
        self._places = BoundedSemaphore(QUESTIONS_AT_ONCE)
        self._processes = processes
        # apart: free questions on open data make no other one wait
        self._files, self._open_files = _Files(), _Files()
        self._public = lru_cache(maxsize=TABLES_IN_MEMORY)(self._load_public)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for one of the few places to compute: how long depends on others' questions and their moments,
        not on a row.

        Raises `Unavailable` after `WAITING_SECONDS`.
        """
        if not self._places.acquire(timeout=WAITING_SECONDS):
            raise Unavailable(
                "Too many questions are being computed.",
                code="busy",
                remedy="Ask again in a minute: nothing was spent.",
                zh="正在计算的问题太多。",
                remedy_zh="请稍后再问：没有花费任何预算。",
            )
        try:
            yield
        finally:
            self._places.release()

    def totals(self, plan: Plan, *, seconds: float, computing_seconds: float) -> Cells:
        rows = self._asked(plan)
        work = totals_work(plan, count=rows.count, units=rows.units)
        return read_cells(plan, self._compute(work, self._tables(plan), seconds, computing_seconds))

    def units_by_value(
        self,
        discovery: PartitionSelection | BoundsEstimation,
        version: Version,
        *,
        seconds: float,
        computing_seconds: float,
        choice: str | None,
    ) -> UnitsByValue:
        work = TableWork(compile_partition_selection(discovery, version.policy, choice=choice))
        return _by_value(
            read_table(self._compute(work, [self._private(version)], seconds, computing_seconds))
        )

    def brought(self, plan: Plan, *, seconds: float, computing_seconds: float) -> pa.Table:
        return read_table(self._compute(brought_work(plan), self._tables(plan), seconds, computing_seconds))

    def public_values(self, version: Version, column: str, where: str) -> tuple[KeyValue, ...]:
        if not where:
            return self._public(version).values(column)
        name = quoted(column)
        return PublicRows(
            self._looked_up(
                version,
                f"SELECT DISTINCT r.{name} FROM {JOINED} AS r WHERE ({where}) AND r.{name} "
                f"IS NOT NULL LIMIT {MOST_KEY_VALUES + 1}",
            )
        ).values(column)

    def public_extent(self, version: Version, column: str) -> tuple[Fraction, Fraction] | None:
        return self._public(version).extent(column)

    def public_has_empty(self, version: Version, column: str, where: str) -> bool:
        if not where:
            return self._public(version).has_empty(column)
        return (
            len(
                self._looked_up(
                    version,
                    f"SELECT 1 FROM {JOINED} AS r WHERE ({where}) AND r.{quoted(column)} IS NULL LIMIT 1",
                )
            )
            > 0
        )

    def answer_openly(self, sql: str, tables: Mapping[str, Version]) -> OpenRows:
        shown = [
            OpenTable(
                name,
                tuple(column.name for column in version.policy.columns if column.role is not Role.HIDDEN),
            )
            for name, version in tables.items()
        ]
        with self.place():
            return run_openly(
                self._processes, sql, shown, [self._public_file(version) for version in tables.values()]
            )

    def public_once(self, version: Version, columns: tuple[str, ...]) -> bool:
        return self._public(version).once(columns)

    def public_fan_out(self, version: Version, columns: tuple[str, ...]) -> int:
        return self._public(version).fan_out(columns)

    def warm(self, version: Version, *joined: Version) -> None:
        """Load what a question needs before its time begins, so that the first question is no
        slower than the next."""
        self._private(version)
        if any(other.policy.unit is not None for other in joined):
            self._few(version)
        for other in joined:
            if other.policy.unit is None:
                self._public_file(other)
            else:
                self._beside(version, other)

    def load(self) -> float:
        """How many times longer than on a quiet machine the probe takes now."""
        began = time.monotonic()
        self._processes.run(Probe(PROBE_SECONDS), [], seconds=LOADING_SECONDS, computing_seconds=1.0)
        return (time.monotonic() - began) / QUIET_PROBE_SECONDS

    def check(self) -> None:
        """Whether its processes have a folder in memory for rows.
        Raises `Unavailable` where they have none."""
        answer = json.loads(
            self._processes.run(FindMemory(), [], seconds=LOADING_SECONDS, computing_seconds=60.0).answer
        )
        if answer:
            raise Unavailable(
                answer["message"],
                code=answer["code"],
                remedy=answer["remedy"],
                zh=answer["zh"],
                remedy_zh=answer["remedy_zh"],
                internal=answer["internal"],
            )

    def forget(self) -> None:
        """Let go of all rows: those of a dataset were erased. What is asked next is loaded anew."""
        self._files.clear()
        self._open_files.clear()
        self._public.cache_clear()

    def close(self) -> None:
        """End every process of the engine."""
        self._processes.close()

    # --- files

    def _asked(self, plan: Plan) -> TableFile:
        """The rows that are asked: few of each unit where a join on the unit would multiply them."""
        joins_units = any(isinstance(table, PrivateTable) for table in plan.scope.joined.values())
        return self._few(plan.version) if joins_units else self._private(plan.version)

    def _tables(self, plan: Plan) -> list[TableFile]:
        return [
            self._asked(plan),
            *(
                self._public_file(joined.version)
                if isinstance(joined, PublicTable)
                else self._beside(plan.version, joined.version)
                for joined in plan.scope.joined.values()
            ),
        ]

    def _private(self, version: Version) -> TableFile:
        return self._files.get(
            ("private", version), lambda: self._loaded(LoadPrivate(version.policy), version)
        )

    def _few(self, version: Version) -> TableFile:
        assert version.policy.unit is not None
        few = KeepFewRows(rows_kept(version.policy.unit.max_rows))
        return self._files.get(("few", version), lambda: self._made(few, [self._private(version)]))

    def _beside(self, first: Version, second: Version) -> TableFile:
        return self._files.get(
            ("beside", first, second),
            lambda: self._made(LayBeside(), [self._private(first), self._few(second)]),
        )

    def _public_file(self, version: Version) -> TableFile:
        return self._open_files.get(
            ("public", version), lambda: self._loaded(LoadPublic(version.policy), version)
        )

    def _loaded(self, task: Task, version: Version) -> TableFile:
        return self._file(task, [], self._parquet(version))

    def _made(self, task: Task, files: Sequence[TableFile]) -> TableFile:
        return self._file(task, [file.descriptor for file in files])

    def _file(self, task: Task, descriptors: Sequence[int], content: bytes = b"") -> TableFile:
        done = self._processes.run(
            task, descriptors, seconds=LOADING_SECONDS, computing_seconds=LOADING_SECONDS, content=content
        )
        if done.file is None:
            raise TaskFailed("no file")
        count, units = json.loads(done.answer)
        return TableFile(done.file, count, units)

    def _compute(
        self, work: Work, files: Sequence[TableFile], seconds: float, computing_seconds: float
    ) -> bytes:
        return computed(self._processes, Compute(work, MEMORY_BYTES), files, seconds, computing_seconds)

    def _looked_up(self, version: Version, sql: str) -> pa.Table:
        """Compute with open rows, so that the reason of a failure may be shown.
        Raises `QueryRefused` where it takes too long."""
        work = Compute(TableWork(sql), LOOKING_MEMORY_BYTES)
        try:
            return read_table(
                self._processes.run(
                    work,
                    [self._public_file(version).descriptor],
                    seconds=4 * LOOKING_SECONDS,
                    computing_seconds=LOOKING_SECONDS,
                ).answer
            )
        except TaskFailed:
            raise QueryRefused(
                f"IN (SELECT ... FROM {version.dataset})",
                f"looking its values up takes more than {LOOKING_SECONDS:.0f} seconds.",
                instead="Give it a simpler condition.",
                why_zh=f"查找它的取值超过 {LOOKING_SECONDS:.0f} 秒。",
                instead_zh="请用更简单的条件。",
            ) from None

    def _load_public(self, version: Version) -> PublicRows:
        if version.policy.unit is not None:
            raise ValueError("only an open dataset's values are public")
        rows = pa.Table.from_batches(list(batches_of(self._parquet(version))))
        return PublicRows(bounded_texts(rows, version.policy))

    def _parquet(self, version: Version) -> bytes:
        return self.store.rows(version)


def computed(
    processes: EngineProcesses,
    task: Compute,
    files: Sequence[TableFile],
    seconds: float,
    computing_seconds: float,
) -> bytes:
    """A question's exact numbers, as bytes. Raises `TaskFailed`, whatever the cause."""
    return processes.run(
        task, [file.descriptor for file in files], seconds=seconds, computing_seconds=computing_seconds
    ).answer


class _Files:
    """The last few files, each made once, however many ask for it at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[object, TableFile] = {}  # the last used one last
        self._making: dict[object, threading.Lock] = {}

    def clear(self) -> None:
        with self._lock:
            self._files.clear()

    def get(self, key: object, make: Callable[[], TableFile]) -> TableFile:
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if (found := self._files.pop(key, None)) is not None:
                    self._files[key] = found
                    return found
            made = make()
            with self._lock:
                self._files[key] = made
                while len(self._files) > 3 * TABLES_IN_MEMORY:
                    del self._files[next(iter(self._files))]
            return made


# --- the same in this process, for rows that are given: without a limit, and for tests


def compute(plan: Plan, rows: pa.Table, joined: Sequence[pa.Table] = ()) -> Cells:
    """A plan's totals on `rows` as they were published, joined with others as they were."""
    first, tables = _in_memory(rows, plan.version.policy), list(joined)
    private = False
    for place, other in enumerate(plan.scope.joined.values()):
        if isinstance(other, PrivateTable):
            private = True
            policy = other.version.policy
            tables[place] = _in_memory(tables[place], policy).beside(first, policy)
    if private:
        first.bounded(rows_kept(plan.unit.max_rows))
    return totals_of(plan, first, tables)


def totals_of(plan: Plan, rows: RowsInMemory, joined: Sequence[pa.Table]) -> Cells:
    """Exact integers for every public cell, 0 where no row fell."""
    with rows.cursor() as connection:
        for place, table in enumerate(joined):
            connection.register(joined_table(place), table)
        return read_cells(plan, totals_work(plan, count=rows.count, units=rows.units).perform(connection))


def units_by_value(
    discovery: PartitionSelection | BoundsEstimation,
    policy: DatasetPolicy,
    rows: RowsInMemory,
    *,
    choice: str | None,
) -> UnitsByValue:
    """The weights of the units that have each value of a key, or each size of a column's;
    without a choice their number."""
    with rows.cursor() as connection:
        return _by_value(
            read_table(
                TableWork(compile_partition_selection(discovery, policy, choice=choice)).perform(connection)
            )
        )


def brought_work(plan: Plan) -> TableWork:
    """What each unit, by its name, contributes to each cell."""
    return TableWork(
        f"SELECT u.unit AS name, b.* EXCLUDE (unit) FROM ({compile_brought(plan)}) AS b "
        "JOIN units AS u ON u.code = b.unit"
    )


def _by_value(table: pa.Table) -> UnitsByValue:
    values, units = (table.column(place).to_pylist() for place in (0, 1))
    return {
        int(value) if isinstance(value, float) else value: int(number)
        for value, number in zip(values, units, strict=True)
    }


def _in_memory(rows: pa.Table, policy: DatasetPolicy) -> RowsInMemory:
    assert policy.unit is not None
    return RowsInMemory(rows.sort_by(policy.unit.column).to_batches(), policy)
