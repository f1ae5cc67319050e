"""Comparisons, IN, IS NULL, NOT, AND and OR: of values of one type, so that none is cast."""

from fractions import Fraction

from sandbox.catalog.model import Type
from sandbox.queries.functions.construct import ANY, BOOLEAN, FIXED_WIDTH, Construct, SqlWriter, Widths, fixed
from sandbox.queries.functions.literals import LARGEST
from sandbox.queries.tree import And, Compare, Comparison, Expression, In, IsNull, Literal, Name, Not, Or


def compared(sql: SqlWriter, *parts: Expression) -> list[str]:
    """What is compared with each other: whole numbers as they lie, for which the engine knows what it may
    skip.

    Comparing a whole number as DOUBLE with one that DOUBLE holds exactly says the same, because rounding
    keeps order.
    """
    as_they_lie = [_whole(part, sql) for part in parts]
    if any(isinstance(part, Name) for part in parts) and None not in as_they_lie:
        return [whole for whole in as_they_lie if whole is not None]
    return [sql.raw(part) for part in parts]


def _whole(part: Expression, sql: SqlWriter) -> str | None:
    match part:
        case Literal(bool()):
            return None
        case Literal(int() | Fraction() as value):
            return str(int(value)) if value == int(value) and abs(int(value)) < LARGEST else None
    return sql.integer_column(part)


def compare_sql(node: Compare, sql: SqlWriter) -> str:
    first, second = compared(sql, node.left, node.right)
    return f"({first} {node.comparison.value} {second})"


def in_sql(node: In, sql: SqlWriter) -> str:
    first, *others = compared(sql, node.of, *node.values)
    return f"({first} IN ({', '.join(others)}))"


def is_null_sql(node: IsNull, sql: SqlWriter) -> str:
    partner = sql.partner(node.of) if isinstance(node.of, Name) else None
    return f"({partner if partner is not None else sql.raw(node.of)} IS NULL)"


def not_sql(node: Not, sql: SqlWriter) -> str:
    return f"(NOT {sql.value(node.of)})"


def all_sql(node: And | Or, sql: SqlWriter) -> str:
    return "(" + (" AND " if isinstance(node, And) else " OR ").join(map(sql.value, node.parts)) + ")"


def in_steps(node: In, widths: Widths) -> int:
    width = widths.width(node.of)
    return sum(FIXED_WIDTH + min(width, widths.width(value)) for value in node.values)


CONSTRUCTS = (
    *(
        Construct(
            f"x {comparison.value} y",
            Compare,
            (ANY, ANY),
            Type.BOOLEAN,
            "Numbers as DOUBLE or as the whole numbers they are; texts, dates and "
            "booleans with their own kind.",
            fixed,
            lambda node, widths: FIXED_WIDTH + min(widths.width(node.left), widths.width(node.right)),
            compare_sql,
            comparison,
        )
        for comparison in Comparison
    ),
    Construct("IN", In, (ANY,), Type.BOOLEAN, "As = with each value.", fixed, in_steps, in_sql),
    Construct("IS NULL", IsNull, (ANY,), Type.BOOLEAN, "Looks at no value.", fixed, fixed, is_null_sql),
    Construct("NOT", Not, (BOOLEAN,), Type.BOOLEAN, "Empty where its argument is.", fixed, fixed, not_sql),
    *(
        Construct(
            name,
            node,
            (BOOLEAN,),
            Type.BOOLEAN,
            "By SQL's three-valued logic; its order guards nothing.",
            fixed,
            lambda node, _: FIXED_WIDTH * len(node.parts),
            all_sql,
            repeated=True,
        )
        for name, node in (("AND", And), ("OR", Or))
    ),
)
