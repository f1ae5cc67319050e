"""Computes the rows of a derivation in the locked DuckDB, from the stored rows of what it reads.

A unit's rows of the result depend on that unit's rows alone (`read_sql.py`), and stored rows are sorted by
unit. So the inputs are read side by side in batches, and computed for a span of units at a time: in memory
are a batch of each input, or all rows of one unit where they are more. The result waits in the encrypted
bucket, as a file that is published like any other.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event, Timer
from typing import Any, BinaryIO
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sandbox.catalog.locked_duckdb import shut_connection
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.row_file import write_rows
from sandbox.catalog.sweep import discard, record
from sandbox.database import Database
from sandbox.derivations.read_sql import input_table
from sandbox.derivations.relation import Relation
from sandbox.engines.bounded_texts import bounded_texts
from sandbox.errors import Unavailable
from sandbox.ingest import SortedRows, StoredRows
from sandbox.ingest.spool import InMemoryOverflow, Spool
from sandbox.ingest.unit_order import UnitOrder
from sandbox.storage import ObjectVersion, RawStore

LONGEST_SECONDS = 600.0
"""So long a derivation may compute; then it fails as whatever fails after rows were read."""


@dataclass(frozen=True)
class InputRows:
    """Rows that a derivation reads, sorted by `unit`, the name of a column. `batches` begins anew."""

    unit: str
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]


def compute(
    relation: Relation, inputs: Mapping[str, InputRows], *, seconds: float = LONGEST_SECONDS
) -> SortedRows:
    """The rows, by unit, and in the order of their values. `inputs`: by `input_table`. Its batches raise
    `Unavailable` where it is not done after so many seconds. How many they are is not known before."""
    empty = {name: each.schema.empty_table() for name, each in inputs.items()}
    with _engine(seconds) as (connection, _):
        schema = _answer(connection, empty, f"SELECT * FROM ({relation.sql}) LIMIT 0").schema
    return SortedRows(schema, 0, _computed(relation, inputs, seconds), ())


def _computed(
    relation: Relation, inputs: Mapping[str, InputRows], seconds: float
) -> Iterator[pa.RecordBatch]:
    with _engine(seconds) as (connection, late):
        for tables in _spans_of_units(inputs):
            if late.is_set():  # between two spans nothing runs that could be interrupted
                raise _not_computed("late")
            # written from a checked tree
            yield from _answer(
                connection, tables, f"SELECT * FROM ({relation.sql}) ORDER BY ALL"
            ).to_batches()


def _answer(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table], query: str) -> pa.Table:
    try:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query).to_arrow_table()
    except duckdb.Error as error:
        raise _not_computed(type(error).__name__) from None  # its words can quote a value


def _not_computed(internal: str) -> Unavailable:
    return Unavailable(
        "The derivation could not be computed.",
        code="derivation_failed",
        remedy="Ask the operator for more memory, or read fewer columns.",
        zh="派生未能计算。",
        remedy_zh="请联系运营人员增加内存，或减少所读的栏目。",
        internal=internal,
    )


@contextmanager
def _engine(seconds: float) -> Iterator[tuple[duckdb.DuckDBPyConnection, Event]]:
    """A connection that is interrupted after so many seconds, and whether it was."""
    late = Event()
    with shut_connection() as connection:

        def stop() -> None:
            late.set()
            connection.interrupt()

        alarm = Timer(seconds, stop)
        alarm.start()
        try:
            yield connection, late
        finally:
            alarm.cancel()
            alarm.join()  # it interrupts no connection that is closed


@dataclass
class _Input:
    """An input as far as it is read: `held` are its rows that were not given on yet."""

    rows: InputRows
    batches: Iterator[pa.RecordBatch]
    held: list[pa.RecordBatch] = field(default_factory=list)
    ended: bool = False

    def read_on(self) -> None:
        batch = next(self.batches, None)
        if batch is None:
            self.ended = True
        elif len(batch):
            self.held.append(batch)

    @property
    def last(self) -> Any:
        return self.held[-1].column(self.rows.unit)[-1].as_py()

    def taken(self, end: Any) -> pa.Table:
        """The held rows of all units before `end`; None: all. No batch is copied that stays held."""
        whole = self.held
        if end is None:
            self.held = []
        else:
            unit = self.rows.unit
            at = next((n for n, batch in enumerate(whole) if not batch.column(unit)[-1].as_py() < end), None)
            if at is None:
                self.held = []
            else:
                cut = int(pc.search_sorted(whole[at].column(unit), end, side="left").as_py())
                self.held = [whole[at].slice(cut), *whole[at + 1 :]]
                whole = [*whole[:at], whole[at].slice(0, cut)]
        return pa.Table.from_batches(whole, self.rows.schema).combine_chunks()


def _spans_of_units(inputs: Mapping[str, InputRows]) -> Iterator[dict[str, pa.Table]]:
    """All rows of the inputs, a span of units at a time: each unit is in one span with all its rows."""
    every = {name: _Input(rows, rows.batches()) for name, rows in inputs.items()}
    while True:
        for each in every.values():
            while not each.ended and not each.held:
                each.read_on()
        reading = [each for each in every.values() if not each.ended]
        end = min((each.last for each in reading), default=None)
        tables = {name: each.taken(end) for name, each in every.items()}
        if any(len(table) for table in tables.values()):
            yield tables
        if end is None:
            return
        for each in reading:  # the rows of that unit may go on
            if each.last == end:
                each.read_on()


@dataclass
class DerivedFile:
    """The result as a file that can be published: nothing is read before it is opened, and it is computed
    once. It waits in the encrypted bucket until it is removed; a crash leaves it for the sweep."""

    database: Database
    store: RawStore
    policy: DatasetPolicy
    relation: Relation
    inputs: tuple[Version, ...]
    touched: bool = field(default=False, init=False)
    """Whether rows were read: from then on a failure may depend on them."""
    _recorded: str = field(default="", init=False)

    @property
    def size(self) -> int:
        return self._stored.size

    def open(self) -> BinaryIO:
        return self.store.open(self._stored)

    def remove(self) -> None:
        if self._recorded:
            discard(self.database, self.store, self._recorded)

    @cached_property
    def _stored(self) -> ObjectVersion:
        self.touched = True
        inputs = {input_table(each.dataset, each.number): self._rows(each) for each in self.inputs}
        name = f"{self.policy.dataset}/{uuid4()}.derived"
        record(self.database, dataset=self.policy.dataset, object_names=(name,))
        self._recorded = name
        return write_rows(self.store, name, compute(self.relation, inputs))[0]

    def _rows(self, version: Version) -> InputRows:
        body, policy = self.store.rows(version), version.policy
        stored = StoredRows(lambda: io.BytesIO(body), 0)
        schema = pyarrow.parquet.read_schema(io.BytesIO(body))
        assert policy.unit is not None
        return _by_unit(stored, schema, policy.unit.column, policy)


def _by_unit(stored: StoredRows, schema: pa.Schema, unit: str, policy: DatasetPolicy) -> InputRows:
    def batches() -> Iterator[pa.RecordBatch]:
        for batch in stored.reader(schema.names):
            yield from bounded_texts(pa.Table.from_batches([batch]), policy).to_batches()

    if _is_sorted(stored, unit):
        return InputRows(unit, schema, batches)
    order = UnitOrder(schema, unit, Spool(InMemoryOverflow()))  # an old version: it waits packed
    for batch in batches():
        order.add(batch)
    return InputRows(unit, schema, order.batches)


def _is_sorted(stored: StoredRows, unit: str) -> bool:
    before: Any = None
    for batch in stored.reader([unit]):
        ids = batch.column(0)
        if pc.all(pc.less_equal(ids[:-1], ids[1:])).as_py() is False:
            return False
        if len(ids):
            if before is not None and ids[0].as_py() < before:
                return False
            before = ids[-1].as_py()
    return True
