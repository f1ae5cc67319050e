"""What does a construct say that has other words for what the tree can say already? It is read as those words."""

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from math import log

from sqlglot import exp

from sandbox.queries.sql_text import SqlText, plain
from sandbox.queries.tree import (
    And,
    Arithmetic,
    Call,
    Case,
    Compare,
    Comparison,
    Expression,
    Function,
    IsNull,
    Like,
    Literal,
    Not,
    Operator,
    Or,
    Round,
    Spelled,
    Spelling,
)

Inner = Callable[[exp.Expression], Expression]
MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
MOST_UNITS = 100_000


def read_sugar(node: exp.Expression, inner: Inner, text: SqlText) -> Expression | None:
    """The same in the tree's own words; None for what is not said here. Raises `QueryRefused`."""
    match node:
        case exp.Like() | exp.ILike() if plain(node, "this", "expression", "negate"):
            found = _like(node, inner, text)
            return Not(found) if node.args.get("negate") else found
        case exp.StartsWith() | exp.EndsWith() | exp.Contains() if plain(node, "this", "expression"):
            return _holds(node, inner, text)
        case exp.Anonymous(expressions=[of, part]) if str(node.this).lower() in ("suffix", "prefix"):
            ends = exp.EndsWith if str(node.this).lower() == "suffix" else exp.StartsWith
            return _holds(ends(this=of, expression=part), inner, text)
        case exp.NullSafeEQ() | exp.NullSafeNEQ():
            same = _same(inner(node.this), node.expression, inner)
            return same if isinstance(node, exp.NullSafeEQ) else Not(same)
        case exp.Sign() if plain(node, "this"):
            of = inner(node.this)
            return Case(tuple((Compare(comparison, of, Literal(0)), Literal(value)) for comparison, value in (
                (Comparison.MORE, 1), (Comparison.LESS, -1), (Comparison.EQUAL, 0))), None)
        case exp.Log() if plain(node, "this", "expression"):
            base = text.whole(node.this, least=2, most=1000) if node.expression else 10  # LOG(x) is to the base of ten
            of = inner(node.expression or node.this)
            return Arithmetic(Operator.OVER, Call(Function.LN, of), Literal(Fraction(log(base))))
        case exp.Round(this=of, args={"decimals": exp.Neg() as tens}) if plain(node, "this", "decimals"):
            times = Literal(10 ** -text.whole(tens, least=-9, most=-1))
            return Arithmetic(Operator.TIMES, Round(Arithmetic(Operator.OVER, inner(of), times)), times)
        case exp.Add() | exp.Sub() if isinstance(node.expression, exp.Interval):
            day = text.literal_or_none(node.this)
            if day is not None and isinstance(day.value, date):
                return Literal(_moved(day.value, node, text), day.position)
    return None


def _like(node: exp.Expression, inner: Inner, text: SqlText) -> Expression:
    of, pattern = inner(node.this), text.pattern(node.expression)
    if isinstance(node, exp.Like):
        return Like(of, pattern)
    return Like(Spelled(Spelling.LOWER, of), Literal(str(pattern.value).lower(), pattern.position))


def _holds(node: exp.Expression, inner: Inner, text: SqlText) -> Expression | None:
    part = text.pattern(node.expression)
    if "%" in str(part.value):
        return None
    before = "" if isinstance(node, exp.StartsWith) else "%"
    after = "" if isinstance(node, exp.EndsWith) else "%"
    return Like(inner(node.this), Literal(f"{before}{part.value}{after}", part.position))


def _same(left: Expression, other: exp.Expression, inner: Inner) -> Expression:
    """Whether both are equal or both empty: never itself empty."""
    if isinstance(other, exp.Null):
        return IsNull(left)
    right = inner(other)
    both_there = And((Not(IsNull(left)), Not(IsNull(right)), Compare(Comparison.EQUAL, left, right)))
    return Or((And((IsNull(left), IsNull(right))), both_there))


def _moved(day: date, node: exp.Expression, text: SqlText) -> date:
    """A date written out, and some days, weeks, months or years later or earlier. The last day of a month stays within it."""
    interval = node.expression
    unit = str(interval.args.get("unit") or "").upper().rstrip("S")
    said = interval.this
    number = exp.Literal.number(said.this) if isinstance(said, exp.Literal) else said
    count = text.whole(number, least=0, most=MOST_UNITS) * (-1 if isinstance(node, exp.Sub) else 1)
    try:
        if unit in ("DAY", "WEEK"):
            return day + timedelta(days=count * (7 if unit == "WEEK" else 1))
        if unit in MONTHS:
            years, month = divmod(day.month - 1 + count * MONTHS[unit], 12)
            year = day.year + years
            return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):
        text.refuse(node, "it is a date before the year 1 or after 9999.", "Write the date out.",
                    "日期早于公元 1 年或晚于 9999 年。", "请直接写出日期。")
    return text.refuse(interval, "only days, weeks, months, quarters and years can be added to a date.", "Write the date out.",
                       "日期只能加减日、周、月、季、年。", "请直接写出日期。")
