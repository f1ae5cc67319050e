"""+, -, *, / and %: of DOUBLEs, whose arithmetic gives infinities and NaN and never raises."""

from sandbox.queries.functions.construct import NUMERIC, Construct, Result, SqlWriter, fixed
from sandbox.queries.tree import Arithmetic, Literal, Operator


def arithmetic_sql(node: Arithmetic, sql: SqlWriter) -> str:
    right = sql.value(node.right)
    if node.operator is Operator.OVER and not isinstance(node.right, Literal):
        right = f"nullif({right}, 0)"
    return f"({sql.value(node.left)} {node.operator.value} {right})"


TOTALITY = {
    Operator.PLUS: "An infinity where the sum is too large; integers are DOUBLEs before they are added.",
    Operator.MINUS: "An infinity where the difference is too large; the least BIGINT is negated as a DOUBLE.",
    Operator.TIMES: "An infinity where the product is too large.",
    Operator.OVER: "Empty where the divisor is 0.",
    Operator.MODULO: (
        "NaN of an infinity; value_ranges.py allows a positive number written out as the divisor only."
    ),
}

CONSTRUCTS = tuple(
    Construct(
        f"x {operator.value} y",
        Arithmetic,
        (NUMERIC, NUMERIC),
        Result.NUMERIC,
        TOTALITY[operator],
        fixed,
        fixed,
        arithmetic_sql,
        operator,
    )
    for operator in Operator
)
