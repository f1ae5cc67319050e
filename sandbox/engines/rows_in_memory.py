"""Rows as they lie while they are asked: in a DuckDB of their own in memory, laid out for questions
(queries/compile/layout.py).

Its own tables are several times faster than Arrow or Parquet, because it knows the smallest and largest value
of each column. They are filled with some units at a time, as these come from the Parquet, so that the rows
are never in memory twice.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import isfinite
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sandbox.catalog.locked_duckdb import SHUT
from sandbox.catalog.model import DatasetPolicy, KeyValue, Role
from sandbox.catalog.read_table import SQL_TYPE, quoted
from sandbox.engines.bounded_texts import bounded_texts
from sandbox.errors import QueryRefused
from sandbox.queries.compile.layout import laid_out, with_weights
from sandbox.queries.compile.totals import TABLE
from sandbox.queries.expression_sql import UNIT
from sandbox.queries.plan.cost import rows_kept
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES

ROWS_AT_ONCE = 150_000


def batches_of(parquet: bytes) -> Iterator[pa.RecordBatch]:
    """A version's rows, a piece at a time."""
    yield from pyarrow.parquet.ParquetFile(io.BytesIO(parquet)).iter_batches(batch_size=ROWS_AT_ONCE)


def whole_units(batches: Iterable[pa.RecordBatch], unit: str) -> Iterator[pa.Table]:
    """Rows that come sorted by unit, in parts that have all rows of each of their units."""
    waiting: list[pa.RecordBatch] = []  # rows of one unit, and a piece: more of its last unit may come
    for batch in batches:
        if not len(batch):
            continue
        if waiting:
            *before, newest = waiting
            names = newest.column(unit)
            last = pc.index(names, names[-1]).as_py()
            if last or (before and names[0] != before[-1].column(unit)[-1]):
                yield pa.Table.from_batches([*before, newest.slice(0, last)])
                waiting = [newest.slice(last)]
        waiting.append(batch)
    if waiting:
        yield pa.Table.from_batches(waiting)


class RowsInMemory:
    """A private version's rows.
    Hidden columns are left out; units' names lie apart, for a join of two datasets alone."""

    def __init__(
        self, batches: Iterable[pa.RecordBatch], policy: DatasetPolicy, *, file: Path | None = None
    ) -> None:
        """Rows that come sorted by unit.
        `file`: a new file in memory (memory_folder.py) that is to hold them."""
        assert policy.unit is not None
        self._database = duckdb.connect(str(file or ":memory:"), config=SHUT)
        self.count = self.units = 0
        unit = quoted(policy.unit.column)
        columns = {
            column.name: SQL_TYPE[column.type] for column in policy.columns if column.role is not Role.HIDDEN
        }
        with self._database.cursor() as connection:
            connection.execute(
                f"CREATE TABLE part ({', '.join(f'{quoted(name)} {kind}' for name, kind in columns.items())})"
            )
            connection.execute(
                f"CREATE TABLE units AS SELECT {unit} AS unit, CAST(0 AS BIGINT) AS code FROM part"
            )
            how = "CREATE TABLE {table} AS {rows}"
            for some in whole_units(batches, policy.unit.column):
                connection.register("batch", bounded_texts(some.select(list(columns)), policy))
                connection.execute("INSERT INTO part FROM batch")
                connection.unregister("batch")
                self._lay(connection, policy, how)
                how = "INSERT INTO {table} {rows}"
                connection.execute("DELETE FROM part")
                connection.execute("CHECKPOINT")
                pa.default_memory_pool().release_unused()  # or it keeps several parts' worth
            if not self.count:
                self._lay(connection, policy, how)
            connection.execute("DROP TABLE part")
            connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Write out what a file is to hold, and let go of it."""
        self._database.close()

    def _lay(self, connection: duckdb.DuckDBPyConnection, policy: DatasetPolicy, how: str) -> None:
        """Put all rows of some units after those of the units before them:
        what a question groups by unit lies together."""
        assert policy.unit is not None
        unit = quoted(policy.unit.column)
        late = connection.execute(f"SELECT min({unit}) <= (SELECT max(unit) FROM units) FROM part").fetchone()
        if late and late[0]:  # a unit in two parts would be two units, each with a weight of its own
            raise ValueError("rows must come sorted by unit")
        connection.execute(
            f"INSERT INTO units SELECT {unit}, {self.units} + row_number() OVER (ORDER BY {unit}) - 1 "
            f"FROM (SELECT DISTINCT {unit} FROM part)"
        )
        some = f"(SELECT * FROM units WHERE code >= {self.units})"
        connection.execute(
            f"CREATE TABLE laid AS {laid_out(policy, rows='part', units=some)} ORDER BY u.code"
        )
        connection.execute(how.format(table=TABLE, rows=with_weights(policy, laid="laid")))
        connection.execute("DROP TABLE laid")
        found = connection.execute(
            "SELECT (SELECT count(*) FROM units), (SELECT count(*) FROM part)"
        ).fetchone()
        assert found is not None
        self.units, self.count = found[0], self.count + found[1]

    def beside(self, first: "RowsInMemory", policy: DatasetPolicy) -> pa.Table:
        """These rows to be joined with those of `first`:
        each with the code that its unit has there, few of each unit."""
        assert policy.unit is not None
        with self.cursor() as connection:
            own = connection.execute(
                f"SELECT u.unit AS name, r.* FROM ({rows_of_few(rows_kept(policy.unit.max_rows))}) AS r "
                f"JOIN units AS u ON u.code = r.{UNIT}"
            ).to_arrow_table()
        with first.cursor() as connection:
            connection.register("own", own)
            return connection.execute(
                f"SELECT u.code AS {UNIT}, own.* EXCLUDE (name, {UNIT}) FROM own "
                "JOIN units AS u ON u.unit = own.name"
            ).to_arrow_table()

    def bounded(self, most: int) -> None:
        """Leave at most this number of rows of each unit."""
        with self.cursor() as connection:
            connection.execute(f"CREATE TABLE few AS {rows_of_few(most)}")
            connection.execute(f"DROP TABLE {TABLE}")
            connection.execute(f"ALTER TABLE few RENAME TO {TABLE}")

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one question's own to the rows."""
        with self._database.cursor() as connection:
            yield connection


def rows_of_few(most: int, *, rows: str = TABLE, units: str = "units") -> str:
    """The SELECT of at most `most` rows of each unit: before a join multiplies them.

    Which rows stay follows from the unit's name and its rows alone, in an order that is another one for each
    unit, so that no value is preferred in all of them. Rows that are alike may stand for each other.
    """
    # never the code: it is a row number over all units, and would let one unit choose the rows of another
    own = f"*COLUMNS(r.* EXCLUDE ({UNIT}))"
    return (
        "SELECT * EXCLUDE (name, place) FROM (SELECT r.*, u.unit AS name, row_number() OVER "
        f"(PARTITION BY r.{UNIT} "
        f"ORDER BY hash(u.unit, {own}), hash({own}, u.unit)) AS place FROM {rows} AS r "
        f"JOIN {units} AS u ON u.code = r.{UNIT}) WHERE place <= {most} ORDER BY {UNIT}"
    )


class PublicRows:
    """An open version's rows, with what is known of them to everybody."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def values(self, column: str, where: str = "") -> tuple[KeyValue, ...]:
        """The values of a column, in order, of all rows or those that pass a condition on `r`
        (expression_sql.py).

        Raises `QueryRefused` where they are too many, or no keys.
        """
        rows = self._that_pass(where) if where else self.rows
        found = [value for value in pc.unique(rows[column]).to_pylist() if value is not None]
        if len(found) > MOST_KEY_VALUES:
            raise QueryRefused(
                f"GROUP BY {column}",
                f"it has more than {MOST_KEY_VALUES} values.",
                instead="Group by another key.",
                why_zh=f"它的取值超过 {MOST_KEY_VALUES} 个。",
                instead_zh="请按其他栏目分组。",
            )
        if not all(isinstance(value, str | int) for value in found):
            raise QueryRefused(
                f"GROUP BY {column}",
                "its values are neither texts nor whole numbers.",
                instead="Group by another key.",
                why_zh="它的取值既不是文本，也不是整数。",
                instead_zh="请按其他栏目分组。",
            )
        return tuple(sorted(found))

    def has_empty(self, column: str, where: str = "") -> bool:
        """Whether a column is empty in any of all rows, or of those that pass."""
        rows = self._that_pass(where) if where else self.rows
        return bool(rows[column].null_count)

    def _that_pass(self, where: str) -> pa.Table:
        with duckdb.connect(":memory:", config=SHUT) as connection:
            connection.register("open_rows", self.rows)
            return connection.execute(f"SELECT r.* FROM open_rows AS r WHERE {where}").to_arrow_table()

    def extent(self, column: str) -> tuple[Fraction, Fraction] | None:
        """The least and the greatest number of a column;
        None where it has none, or one that is not finite."""
        found = pc.min_max(self.rows[column]).as_py()
        ends = [found["min"], found["max"]]
        return (
            (Fraction(ends[0]), Fraction(ends[1])) if None not in ends and all(map(isfinite, ends)) else None
        )

    def fan_out(self, columns: tuple[str, ...]) -> int:
        """How many rows have the same values in these columns, at most: 0 where no row has all of them."""
        rows = self._comparable(columns)
        if len(columns) == 1:  # many times as fast
            counts = pc.struct_field(pc.value_counts(rows[columns[0]]), "counts")
        else:
            counts = rows.group_by(list(columns)).aggregate([([], "count_all")])["count_all"]
        return int(pc.max(counts).as_py() or 0)

    def once(self, columns: tuple[str, ...]) -> bool:
        """Whether no two rows have the same values in these columns; empty ones join with nothing."""
        return self.fan_out(columns) <= 1

    def _comparable(self, columns: tuple[str, ...]) -> pa.Table:
        rows = self.rows.select(list(columns)).drop_null()
        for place, column in enumerate(columns):
            if pa.types.is_integer(rows.schema.field(column).type) or pa.types.is_floating(
                rows.schema.field(column).type
            ):
                # as the engine compares numbers that are not all whole: as DOUBLE, and 0 is -0
                as_double = pc.add(pc.cast(rows[column], pa.float64(), safe=False), 0.0)
                rows = rows.set_column(place, column, as_double)
        return rows
