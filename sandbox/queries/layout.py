"""How do rows lie where questions are computed? Beside each column what a question would otherwise compute for every row.

- `unit:code`, a number for each unit in place of its name, which is in no table of the engine;
- `unit:weight`, the unit's weight by all its rows: min(1024, 1024 * max_rows // rows) (weights.md);
- `code:x` for a key column, the place of the row's value among the policy's, from 0; empty for any other value;
- `steps:x` for a measure, the clamped value in whole steps from zero; empty where the value is.

The same functions write them as would be written into a question, so a plan's integers are the same either way.
"""

from fractions import Fraction

from sandbox.catalog.model import Bounds, DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.queries.compile_expression import ExpressionWriter, code_of
from sandbox.queries.plan import WEIGHT
from sandbox.queries.scope import Scope
from sandbox.queries.tree import Name

UNIT = quoted("unit:code")
WEIGHT_COLUMN = quoted("unit:weight")


def code_column(name: str) -> str:
    return quoted(f"code:{name}")


def steps_column(name: str) -> str:
    return quoted(f"steps:{name}")


def laid_out(policy: DatasetPolicy, *, rows: str, units: str) -> str:
    """The SELECT that lays rows out: from `rows` as they were published, and `units` (unit, code, n: how many rows it has)."""
    assert policy.unit is not None
    writer = ExpressionWriter(Scope(policy))
    columns = [f"CAST(u.code AS INTEGER) AS {UNIT}",
               f"CAST(least({WEIGHT}, {WEIGHT * policy.unit.max_rows} // u.n) AS SMALLINT) AS {WEIGHT_COLUMN}"]
    for column in policy.columns:
        if column.role in (Role.UNIT, Role.HIDDEN):
            continue
        columns.append(f"r.{quoted(column.name)}")
        if column.role is Role.KEY:
            kind = "UTINYINT" if len(column.values) < 2**8 else "USMALLINT"
            columns.append(f"CAST({code_of(writer.column(Name(column.name)), column.values)} AS {kind}) "
                           f"AS {code_column(column.name)}")
        if column.bounds is not None:
            steps = writer.computed_steps(Name(column.name), column.bounds, Fraction(0))
            columns.append(f"CAST({steps} AS {steps_type(column.bounds)}) AS {steps_column(column.name)}")
    return f"SELECT {', '.join(columns)} FROM {rows} AS r JOIN {units} AS u ON r.{quoted(policy.unit.column)} = u.unit"


def steps_type(bounds: Bounds) -> str:
    """The smallest integer type that holds every number of steps."""
    return "SMALLINT" if bounds.reach < 2**15 else "INTEGER" if bounds.reach < 2**31 else "BIGINT"
