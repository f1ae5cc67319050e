"""Makes stand-in data, on which a program is written before it meets the real rows: invented rows of the same
shape, made from the policy alone.

Nothing here has seen a row, so it discloses nothing and costs nothing. The columns are independent of each
other. Types, bounds, grids, public values, several rows a unit and empty cells are right; every number that
is computed from them is wrong, but for what the officer knows to be typical (`typical.py`): columns that
have it follow it, and each other where the officer says so. Each version has one such table, the same for
everybody: a program does the same on it wherever it runs."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from sandbox.catalog.invented_units import invented_units
from sandbox.catalog.invented_values import invented_values
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type, Version
from sandbox.catalog.seeded_random import Chance, Places, Shares
from sandbox.catalog.typical import followed_order
from sandbox.catalog.typical_values import drawn_ranks, following_ranks, typical_values

MOST_ROWS = 10_000
ROWS_OF_UNKNOWN = 1_000  # for an open dataset whose policy does not say about how many rows it has
LONG_TAIL = 1.5  # units with n rows are as many as n to the power of minus this
MARK = "cihu"
"""Under this name the Parquet file itself says that it is not real, and what its columns are."""

ARROW_TYPE = {
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.TIMESTAMP: pa.timestamp("us"),
}


def stand_in(version: Version) -> pa.Table:
    """The stand-in rows of a version: as `read_table` would type them, without the hidden columns,
    sorted by unit."""
    policy = version.policy
    rows = min(policy.about_rows or ROWS_OF_UNKNOWN, MOST_ROWS)
    columns = [column for column in policy.columns if column.role is not Role.HIDDEN]
    typical = _typical(version, rows)
    made = [typical.get(column.name) or _values(version, column, rows) for column in columns]
    return pa.table(made, schema=schema(columns))


def marked_parquet(table: pa.Table, mark: dict[str, object]) -> bytes:
    """Rows as a Parquet file like the raw one (publish.py), which itself says what they are (`mark`)."""
    buffer = io.BytesIO()
    with pyarrow.parquet.ParquetWriter(
        buffer, table.schema, compression="zstd", store_schema=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({MARK: json.dumps(mark, ensure_ascii=False)})
    return buffer.getvalue()


def schema(columns: list[Column]) -> pa.Schema:
    """The Arrow types of a dataset's columns, raw or invented."""
    return pa.schema([(column.name, ARROW_TYPE[column.type]) for column in columns])


def mark(version: Version, **how: object) -> dict[str, object]:
    """What the file says of itself: whose stand-in it is, and what a program may count on of each column."""
    followed = {} if how or not (names := typical_columns(version.policy)) else {"typical": names}
    return {
        "stand_in": "schema",
        "dataset": version.dataset,
        "version": version.number,
        **how,
        **followed,
        "columns": said_of(version.policy),
    }


def typical_columns(policy: DatasetPolicy) -> list[str]:
    """The columns whose invented values follow what the officer knows."""
    return [column.name for column in policy.columns if column.typical is not None]


def said_of(policy: DatasetPolicy) -> dict[str, dict[str, object]]:
    """The type of each column, and whether it is never empty:
    by this alone a DataFrame's dtypes are chosen (client: rows.py), so that a program meets the same dtypes
    on invented rows and on raw ones."""
    return {
        column.name: {"type": column.type.value, "required": column.required or column.role is Role.UNIT}
        for column in policy.columns
        if column.role is not Role.HIDDEN
    }


def _values(version: Version, column: Column, rows: int) -> pa.Array:
    # a stream for each column, so that what one takes from it moves nothing in another
    chance = Chance("stand-in", version.dataset, version.number, column.name)
    if column.role is Role.UNIT:
        return _units(version.policy, column, chance, rows)
    return invented_values(column, chance, rows)


def _typical(version: Version, rows: int) -> dict[str, pa.Array]:
    """The columns of which the officer knows what is typical, each after the one that it follows."""
    policy = version.policy
    known = {column.name: column for column in policy.columns if column.typical is not None}
    if not known:
        return {}
    first_of = _first_rows(version, rows)
    # a preview of some columns lacks those that cleaning steps make
    relations = [
        relation
        for relation in policy.relations
        if relation.column in known and policy.column(relation.on) is not None
    ]
    by_column = {relation.column: relation for relation in relations}
    followers = followed_order(relations) or []
    ranks: dict[str, Shares] = {}
    made: dict[str, pa.Array] = {}
    for name in [*[name for name in known if name not in followers], *followers]:
        column, relation = known[name], by_column.get(name)
        chance = Chance("stand-in", version.dataset, version.number, name, "typical")
        ranks[name] = drawn_ranks(column, chance, first_of)
        if relation is not None and relation.rank_correlation is not None:
            ranks[name] = following_ranks(ranks[name], ranks[relation.on], relation)
        on = None
        if relation is not None and relation.medians:
            key = policy.column(relation.on)
            assert key is not None, "the policy was checked"
            on = made[key.name] if key.name in made else _values(version, key, rows)
        made[name] = typical_values(column, chance, ranks[name], relation=relation, on=on)
    return made


def _first_rows(version: Version, rows: int) -> Places:
    """The first row of each row's unit, in the units of `_units`; of open data, each row's own."""
    policy = version.policy
    if policy.unit is None:
        return np.arange(rows)
    chance = Chance("stand-in", version.dataset, version.number, policy.unit.column)
    counts = rows_per_unit(chance, rows, policy.unit.max_rows)
    return np.repeat(np.cumsum(counts) - counts, counts)


def _units(policy: DatasetPolicy, column: Column, chance: Chance, rows: int) -> pa.Array:
    """The unit of each row, in the order of their names."""
    assert policy.unit is not None, "a policy with a unit's column has a unit"
    counts = rows_per_unit(chance, rows, policy.unit.max_rows)
    names = invented_units(column.type, policy.population, chance, len(counts))
    return names.take(pa.array(np.repeat(np.arange(len(counts)), counts)))


def rows_per_unit(chance: Chance, rows: int, most: int) -> Places:
    """How many rows each unit has: at least one, at most `most`, `rows` in all;
    many have few, few have many."""
    sizes = np.arange(1, min(most, rows) + 1)
    counts = sizes[chance.by_weight(1 / sizes**LONG_TAIL, rows)]
    upto = np.cumsum(counts)
    units = int(np.searchsorted(upto, rows)) + 1
    counts = counts[:units]
    counts[-1] -= upto[units - 1] - rows
    return counts
