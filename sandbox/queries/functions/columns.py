"""The leaves of an expression: columns, values written out, and values of all rows of a unit."""

from sandbox.catalog.model import LONGEST_TEXT, Column, Role, Type
from sandbox.queries.functions.construct import (
    ANY,
    BYTES_OF_A_CHARACTER,
    FIXED_WIDTH,
    NUMERIC,
    Construct,
    Result,
    SqlWriter,
    Types,
    Widths,
    fixed,
)
from sandbox.queries.functions.literals import literal
from sandbox.queries.functions.texts import bytes_of
from sandbox.queries.tree import Aggregation, Literal, Name, UnitAggregate, UnitKey, UnitValue

SHORT_KEY = 256
"""Bytes that a key's texts have at least room for: an unlisted value may be longer than the listed ones."""


def text_bytes(column: Column) -> int:
    """The most bytes of a text in a column, from its policy alone. Rows are loaded with no longer texts."""
    if column.role is Role.KEY and column.values:
        return max(SHORT_KEY, *(bytes_of(value) for value in column.values if isinstance(value, str)))
    return BYTES_OF_A_CHARACTER * LONGEST_TEXT


def column_bytes(column: Column) -> int:
    return text_bytes(column) if column.type is Type.TEXT else FIXED_WIDTH


def literal_sql(node: Literal, _: SqlWriter) -> str:
    return literal(node.value)


def stored_sql(node: Name | UnitAggregate | UnitValue | UnitKey, sql: SqlWriter) -> str:
    return sql.stored(node)


def literal_width(node: Literal, _: Widths) -> int:
    return bytes_of(node.value) if isinstance(node.value, str) else FIXED_WIDTH


OF_A_UNIT: dict[Aggregation, tuple[tuple[Types, ...], str]] = {
    Aggregation.COUNT: ((ANY,), "0 of no rows."),
    Aggregation.COUNT_DISTINCT: ((ANY,), "0 of no rows."),
    Aggregation.SUM: ((NUMERIC,), "Of whole steps as HUGEINT, which no number of rows can fill."),
    Aggregation.AVG: ((NUMERIC,), "Empty of no values."),
    Aggregation.MIN: ((NUMERIC,), "Empty of no values."),
    Aggregation.MAX: ((NUMERIC,), "Empty of no values."),
}


def _read(node: UnitAggregate, widths: Widths) -> int:
    return FIXED_WIDTH + (widths.width(node.of) if node.of is not None else 0)


CONSTRUCTS = (
    Construct(
        "a column",
        Name,
        (),
        Result.OF_COLUMN,
        "Numbers are read as DOUBLE and clamped to their bounds.",
        lambda node, widths: widths.column(node),
        fixed,
        stored_sql,
    ),
    Construct(
        "a value", Literal, (), Result.OF_COLUMN, "Known before any row.", literal_width, fixed, literal_sql
    ),
    *(
        Construct(
            f"{aggregation.value.upper()} of a unit's rows",
            UnitAggregate,
            takes,
            Result.NUMERIC,
            totality,
            fixed,
            _read,
            stored_sql,
            aggregation,
        )
        for aggregation, (takes, totality) in OF_A_UNIT.items()
    ),
    Construct(
        "a value of all rows of a unit",
        UnitValue,
        (NUMERIC,),
        Result.NUMERIC,
        "As the aggregate.",
        fixed,
        fixed,
        stored_sql,
    ),
    Construct(
        "a key of a unit's rows",
        UnitKey,
        (ANY,),
        Result.OF_ARGUMENTS,
        "As its expression.",
        lambda node, widths: widths.width(node.of),
        fixed,
        stored_sql,
    ),
)
