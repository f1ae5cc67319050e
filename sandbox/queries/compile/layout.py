"""Lays rows out where questions are computed: beside each column stands what a question would otherwise
compute for every row.

- `unit:code`, a number for each unit in place of its name, which is in no table of the engine;
- `unit:weight`, the unit's weight (weights.md) in a question about all rows without keys;
  `unit:weight:a:b`, by a and b;
- `code:x` for a key column, the place of the row's value among the policy's, from 0; empty
  for any other value;
- `steps:x` for a measure, the clamped value in whole steps from zero; empty where the value is.

The same functions write them as would be written into a question, so a plan's integers are
the same either way.
"""

from fractions import Fraction

from sandbox.catalog.model import Bounds, DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.queries.expression_sql import UNIT, ExpressionWriter, code_of, looked_up, places_of
from sandbox.queries.tree import Name
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import stored_sets, weight_column, weight_of


def code_column(name: str) -> str:
    return quoted(f"code:{name}")


def steps_column(name: str) -> str:
    return quoted(f"steps:{name}")


def laid_out(policy: DatasetPolicy, *, rows: str, units: str) -> str:
    """The SELECT that lays rows out, but for weights:
    from `rows` as they were published, and `units` (unit, code)."""
    assert policy.unit is not None
    writer = ExpressionWriter(Scope(policy))
    columns, lists = [f"CAST(u.code AS INTEGER) AS {UNIT}"], ""
    for place, column in enumerate(policy.columns):
        if column.role in (Role.UNIT, Role.HIDDEN):
            continue
        columns.append(f"r.{quoted(column.name)}")
        if column.role is Role.KEY:
            kind = "UTINYINT" if len(column.values) < 2**8 else "USMALLINT"
            value, code = writer.column(Name(column.name)), f"d{place}.code"
            if looked_up(column.values):
                lists += f" LEFT JOIN {places_of(column.values)} AS d{place} ON d{place}.value = {value}"
            else:
                code = code_of(value, column.values)
            columns.append(f"CAST({code} AS {kind}) AS {code_column(column.name)}")
        if column.bounds is not None:
            steps = writer.computed_steps(Name(column.name), column.bounds, Fraction(0))
            columns.append(f"CAST({steps} AS {steps_type(column.bounds)}) AS {steps_column(column.name)}")
    return (
        f"SELECT {', '.join(columns)} FROM {rows} AS r "
        f"JOIN {units} AS u ON r.{quoted(policy.unit.column)} = u.unit{lists}"
    )


def with_weights(policy: DatasetPolicy, *, laid: str) -> str:
    """The SELECT that puts the weights beside the rows of `laid`."""
    assert policy.unit is not None
    columns, joins = [], []
    for number, keys in enumerate(stored_sets(policy)):
        codes = [code_column(key) for key in keys]
        listed = " AND ".join(f"{code} IS NOT NULL" for code in codes) or "TRUE"
        counts = (
            f"SELECT {UNIT}, count(*) AS n FROM {laid} WHERE {listed} GROUP BY {', '.join([UNIT, *codes])}"
        )
        weights = (
            f"SELECT {UNIT}, {weight_of('n', policy.unit.max_rows)} AS w FROM ({counts}) GROUP BY {UNIT}"
        )
        columns.append(f"w{number}.w AS {weight_column(keys)}")
        joins.append(f" LEFT JOIN ({weights}) AS w{number} USING ({UNIT})")
    return f"SELECT {laid}.*, {', '.join(columns)} FROM {laid}{''.join(joins)}"


def steps_type(bounds: Bounds) -> str:
    """The smallest integer type that holds every number of steps."""
    return "SMALLINT" if bounds.reach < 2**15 else "INTEGER" if bounds.reach < 2**31 else "BIGINT"
