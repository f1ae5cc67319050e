"""Where are rows while they are asked? In a DuckDB of their own in memory, laid out for questions (queries/layout.py).

Its own tables are several times faster than Arrow or Parquet, because it knows the smallest and largest value of each column.
They are filled a piece at a time, and packed after each, so that the rows are never in memory twice.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sandbox.catalog.model import DatasetPolicy, KeyValue, Role
from sandbox.catalog.read_table import SQL_TYPE, quoted
from sandbox.catalog.shut_duckdb import SHUT
from sandbox.errors import QueryRefused
from sandbox.queries.compile import TABLE
from sandbox.queries.layout import UNIT, laid_out, with_weights
from sandbox.queries.ranges import MOST_KEY_VALUES

ROWS_AT_ONCE, ROWS_LAID_AT_ONCE = 1_000_000, 250_000


def batches_of(parquet: bytes) -> Iterator[pa.RecordBatch]:
    """A version's rows, a piece at a time."""
    yield from pyarrow.parquet.ParquetFile(io.BytesIO(parquet)).iter_batches(batch_size=ROWS_AT_ONCE)


class RowsInMemory:
    """A private version's rows. Hidden columns are left out; units' names lie apart, for a join of two datasets alone."""

    def __init__(self, batches: Iterable[pa.RecordBatch], policy: DatasetPolicy) -> None:
        assert policy.unit is not None
        self._database = duckdb.connect(":memory:", config=SHUT)
        unit = quoted(policy.unit.column)
        columns = {column.name: SQL_TYPE[column.type] for column in policy.columns if column.role is not Role.HIDDEN}
        with self._database.cursor() as connection:
            connection.execute(f"CREATE TABLE raw ({', '.join(f'{quoted(name)} {kind}' for name, kind in columns.items())})")
            for batch in batches:
                connection.register("batch", pa.Table.from_batches([batch]).select(list(columns)))
                connection.execute("INSERT INTO raw FROM batch")
                connection.unregister("batch")
                connection.execute("CHECKPOINT")
            connection.execute(f"CREATE TABLE units AS SELECT {unit} AS unit, row_number() OVER (ORDER BY {unit}) - 1 AS code "
                               f"FROM (SELECT DISTINCT {unit} FROM raw)")
            self._lay(connection, policy)
            connection.execute("SET lock_configuration = true")

    def _lay(self, connection: duckdb.DuckDBPyConnection, policy: DatasetPolicy) -> None:
        """The rows of some units at a time, in the units' order: what a question groups by unit then lies together."""
        found = connection.execute("SELECT count(*), (SELECT count(*) FROM units) FROM raw").fetchone()
        assert found is not None
        rows, units = self.count, self.units = found
        pieces = rows // ROWS_LAID_AT_ONCE + 1
        unit = quoted(policy.unit.column) if policy.unit else ""
        for place in range(pieces):
            low, high = units * place // pieces, units * (place + 1) // pieces
            some = f"(SELECT * FROM units WHERE code >= {low} AND code < {high})"
            # rows come sorted by unit, so these are few of them: the engine skips what lies outside
            connection.execute(f"CREATE TABLE part AS SELECT * FROM raw WHERE {unit} BETWEEN (SELECT min(unit) FROM {some}) "
                               f"AND (SELECT max(unit) FROM {some})")
            connection.execute(f"CREATE TABLE laid AS {laid_out(policy, rows='part', units=some)} ORDER BY u.code")
            connection.execute("DROP TABLE part")
            lying = with_weights(policy, laid="laid")
            connection.execute(f"INSERT INTO {TABLE} {lying}" if place else f"CREATE TABLE {TABLE} AS {lying}")
            connection.execute("DROP TABLE laid")
            connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE raw")
        connection.execute("CHECKPOINT")

    def beside(self, first: "RowsInMemory", policy: DatasetPolicy) -> pa.Table:
        """These rows to be joined with those of `first`: each with the number that its unit has there."""
        columns = [f"r.{quoted(column.name)}" for column in policy.columns if column.role not in (Role.UNIT, Role.HIDDEN)]
        with self.cursor() as connection:
            own = connection.execute(f"SELECT u.unit AS name, {', '.join([f'r.{UNIT}', *columns])} FROM {TABLE} AS r "
                                     f"JOIN units AS u ON u.code = r.{UNIT}").to_arrow_table()
        with first.cursor() as connection:
            connection.register("own", own)
            return connection.execute(f"SELECT u.code AS {UNIT}, own.* EXCLUDE (name, {UNIT}) FROM own "
                                      "JOIN units AS u ON u.unit = own.name").to_arrow_table()

    def pieces(self, count: int) -> Iterator[range]:
        """The codes of all units, in so many parts. The rows of a part lie together."""
        for place in range(count):
            yield range(self.units * place // count, self.units * (place + 1) // count)

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one question's own to the rows."""
        with self._database.cursor() as connection:
            yield connection


class PublicRows:
    """An open version's rows, with what is known of them to everybody."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def values(self, column: str) -> tuple[KeyValue, ...]:
        """The values of a column, in order. Raises `QueryRefused` where they are too many, or no keys."""
        found = [value for value in pc.unique(self.rows[column]).to_pylist() if value is not None]
        if len(found) > MOST_KEY_VALUES:
            raise QueryRefused(f"GROUP BY {column}", f"it has more than {MOST_KEY_VALUES} values.",
                               instead="Group by another key.", why_zh=f"它的取值超过 {MOST_KEY_VALUES} 个。",
                               instead_zh="请按其他栏目分组。")
        if not all(isinstance(value, str | int) for value in found):
            raise QueryRefused(f"GROUP BY {column}", "its values are neither texts nor whole numbers.",
                               instead="Group by another key.", why_zh="它的取值既不是文本,也不是整数。",
                               instead_zh="请按其他栏目分组。")
        return tuple(sorted(found))

    def once(self, columns: tuple[str, ...]) -> bool:
        """Whether no two rows have the same values in these columns; empty ones join with nothing."""
        rows = self.rows.select(list(columns)).drop_null()
        for place, column in enumerate(columns):
            if pa.types.is_integer(rows.schema.field(column).type) or pa.types.is_floating(rows.schema.field(column).type):
                # as the engine compares numbers that are not all whole: as DOUBLE, and 0 is -0
                as_double = pc.add(pc.cast(rows[column], pa.float64(), safe=False), 0.0)
                rows = rows.set_column(place, column, as_double)
        return len(rows.group_by(list(columns)).aggregate([])) == len(rows)
