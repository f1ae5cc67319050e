"""The SQL of plain values, and the clamps that stand inside every call that could raise.

A guard before a call is no defence: the engine folds constants, moves filters and shares common parts, and
may compute the call for a row that the guard leaves out. So the argument itself is clamped to what the call
is defined for, and a CASE around it, which is then safe in any order, says that the value is empty where the
argument lay outside.
"""

from datetime import date, datetime
from fractions import Fraction

from sandbox.catalog.model import Type
from sandbox.queries.tree import Value

LARGEST = Fraction(2**53)
"""Whole numbers below it are exact as DOUBLE."""

YEARS = {
    Type.DATE: ("DATE '0001-01-01'", "DATE '9999-12-31'"),
    Type.TIMESTAMP: ("TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'"),
}
"""The first and the last day and moment of the years 1 to 9999, which every program can tell."""


def literal(value: Value) -> str:
    """A value of the question or of a policy. A NUL, which no SQL text can hold, is written by its number."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Fraction():
            return double(Fraction(value))
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            quoted = "'" + value.replace("'", "''") + "'"
            return quoted if "\0" not in value else "(" + quoted.replace("\0", "' || chr(0) || '") + ")"


def double(value: Fraction) -> str:
    return f"CAST({float(value)!r} AS DOUBLE)"


def told_years(value: str, kind: Type) -> str:
    """Whether a date or timestamp lies in the years 1 to 9999."""
    first, last = YEARS[kind]
    return f"{value} BETWEEN {first} AND {last}"


def within_years(value: str, kind: Type) -> str:
    """A date or timestamp clamped to the years 1 to 9999; an empty one is the first."""
    first, last = YEARS[kind]
    return f"least(greatest({value}, {first}), {last})"


def whole_number(value: str, least: str, most: str) -> str:
    """A DOUBLE as BIGINT, clamped before the cast: infinities and NaN are an end,
    an empty value is `least`."""
    return f"CAST(round(least(greatest({value}, {least}), {most})) AS BIGINT)"
