"""FLOOR, CEIL, TRUNC, ABS, SQRT, LN, EXP, SIN, COS and ROUND, each of a DOUBLE."""

from collections.abc import Mapping

from sandbox.queries.functions.construct import NUMERIC, Construct, Result, SqlWriter, fixed
from sandbox.queries.tree import Call, Function, Round

SLOW = 64
"""Steps of a transcendental function, or of a rounding, which goes by powers of ten."""

IN_DOMAIN: Mapping[Function, str] = {
    # the range of the argument says that it lies in the domain, but for rounding, and for rows
    # that a filter leaves out
    Function.SQRT: "abs({})",
    Function.LN: "abs({}) + 1e-300",
    # they raise on infinity, of which there is no remainder either: NaN goes through
    Function.SIN: "{} % 9e15",
    Function.COS: "{} % 9e15",
}
TOTALITY: Mapping[Function, str] = {
    Function.ABS: "Of a DOUBLE, so that the least BIGINT has one.",
    Function.SQRT: "The root of the size where the argument is negative, which its range rules out.",
    Function.LN: "Of the size, and of 1e-300 where it is 0, which the argument's range rules out.",
    Function.EXP: "Infinity where it is too large, which the argument's range rules out.",
    Function.SIN: "NaN of an infinity.",
    Function.COS: "NaN of an infinity.",
}


def call_sql(node: Call, sql: SqlWriter) -> str:
    return f"{node.function.value}({IN_DOMAIN.get(node.function, '{}').format(sql.value(node.of))})"


def round_sql(node: Round, sql: SqlWriter) -> str:
    return f"{'round_even' if node.even else 'round'}({sql.value(node.of)}, {node.digits})"


CONSTRUCTS = (
    *(
        Construct(
            function.value.upper(),
            Call,
            (NUMERIC,),
            Result.NUMERIC,
            TOTALITY.get(function, "Of a DOUBLE: infinities and NaN stay as they are."),
            fixed,
            lambda _, __: SLOW,
            call_sql,
            function,
        )
        for function in Function
    ),
    *(
        Construct(
            "ROUND to even" if even else "ROUND",
            Round,
            (NUMERIC,),
            Result.NUMERIC,
            "A number too large to have the digits stays as it is.",
            fixed,
            lambda _, __: SLOW,
            round_sql,
            even,
        )
        for even in (False, True)
    ),
)
