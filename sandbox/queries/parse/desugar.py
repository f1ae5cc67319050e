"""Rewrites a construct that has a longer equivalent in the tree, and reads it as that equivalent."""

import calendar
import re
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from math import log, pi

from sqlglot import exp

from sandbox.queries.parse.sql_text import LONGEST_PATTERN, SqlText, plain
from sandbox.queries.spelling import spelled
from sandbox.queries.tree import (
    DOUBLE,
    TO_DECIMAL,
    And,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Comparison,
    Concat,
    DatePart,
    Expression,
    Function,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Operator,
    Or,
    Part,
    Round,
    Slice,
    Spelling,
    StringPosition,
    TextCase,
)

Inner = Callable[[exp.Expression], Expression]
MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
MOST_UNITS = 100_000
MOST_PARTS = 10
WRITTEN = {
    "Y": (Part.YEAR, 4),
    "m": (Part.MONTH, 2),
    "d": (Part.DAY, 2),
    "H": (Part.HOUR, 2),
    "M": (Part.MINUTE, 2),
    "j": (Part.DAYOFYEAR, 3),
}
TEXTS = ("TEXT", "VARCHAR", "CHAR", "NVARCHAR", "NCHAR")
NAMES: dict[type[exp.Expression], tuple[Part, tuple[str, ...]]] = {
    exp.Dayname: (Part.ISODOW, tuple(calendar.day_name)),
    exp.Monthname: (Part.MONTH, tuple(calendar.month_name)[1:]),
}


def read_sugar(node: exp.Expression, inner: Inner, text: SqlText) -> Expression | None:
    """The same in the tree's own nodes. None for what has no rewriting here. Raises `QueryRefused`."""
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
            return Case(
                tuple(
                    (Compare(comparison, of, Literal(0)), Literal(value))
                    for comparison, value in (
                        (Comparison.MORE, 1),
                        (Comparison.LESS, -1),
                        (Comparison.EQUAL, 0),
                    )
                ),
                None,
            )
        case exp.Log() if plain(node, "this", "expression"):
            # LOG(x) is to the base of ten
            base = text.whole(node.this, least=2, most=1000) if node.expression else 10
            of = inner(node.expression or node.this)
            return Arithmetic(Operator.OVER, Call(Function.LN, of), Literal(Fraction(log(base))))
        case exp.Round(this=of, args={"decimals": exp.Neg() as tens}) if plain(node, "this", "decimals"):
            times = Literal(10 ** -text.whole(tens, least=-9, most=-1), digits=TO_DECIMAL)
            return Arithmetic(Operator.TIMES, Round(Arithmetic(Operator.OVER, inner(of), times)), times)
        case exp.Add() | exp.Sub() if isinstance(node.expression, exp.Interval):
            day = text.literal_or_none(node.this)
            if day is not None and isinstance(day.value, date):
                return Literal(_moved(day.value, node, text), day.position)
        case exp.TimeToStr() if plain(node, "this", "format"):
            return _date_as_text(node, inner, text)
        case exp.Anonymous(expressions=[of]) if str(node.this).lower() == "weekday":
            return DatePart(Part.DAYOFWEEK, inner(of))
    return _of_numbers(node, inner, text) or _of_texts(node, inner) or _of_lists(node, inner, text)


def _of_numbers(node: exp.Expression, inner: Inner, text: SqlText) -> Expression | None:
    match node:
        case exp.Degrees() | exp.Radians() if plain(node, "this"):
            factor = Fraction(180 / pi) if isinstance(node, exp.Degrees) else Fraction(pi / 180)
            return Arithmetic(Operator.TIMES, inner(node.this), Literal(factor))
        case exp.Pow() if plain(node, "this", "expression"):
            power = text.literal_or_none(node.expression)
            if power is not None and power.value == Fraction(1, 2):
                return Call(Function.SQRT, inner(node.this))
            times = text.whole(node.expression, least=-4, most=4)
            base = product = inner(node.this)
            if times == 0:  # one where there is a number, and empty where there is none
                return Arithmetic(
                    Operator.PLUS, Arithmetic(Operator.TIMES, base, Literal(0)), Literal(1, digits=DOUBLE)
                )
            for _ in range(abs(times) - 1):
                product = Arithmetic(Operator.TIMES, product, base)
            product = Arithmetic(Operator.PLUS, product, Literal(0, digits=DOUBLE))
            return product if times > 0 else Arithmetic(Operator.OVER, Literal(1), product)
        case exp.Between() if node.args.get("symmetric"):
            of, ends = inner(node.this), [inner(node.args[end]) for end in ("low", "high")]
            return Or(
                tuple(
                    And((Compare(Comparison.AT_LEAST, of, low), Compare(Comparison.AT_MOST, of, high)))
                    for low, high in (ends, ends[::-1])
                )
            )
    return None


def _of_texts(node: exp.Expression, inner: Inner) -> Expression | None:
    match node:
        case exp.DPipe() if plain(node, "this", "expression", "safe"):
            sides = [inner(side) for side in (node.this, node.expression)]
            return Concat(
                tuple(
                    part for side in sides for part in (side.parts if isinstance(side, Concat) else (side,))
                )
            )
        case exp.ConcatWs():
            return None
        case exp.Concat() if plain(node, "expressions", "safe", "coalesce"):  # it leaves empty parts out
            return Concat(
                tuple(
                    part if isinstance(part, Literal) else Coalesce((Concat((part,)), Literal("")))
                    for part in map(inner, node.expressions)
                )
            )
        case exp.Cast() if node.to.this.name in TEXTS:
            return Concat((inner(node.this),))
        case exp.Dayname() | exp.Monthname() if plain(node, "this"):
            part, names = NAMES[type(node)]
            number = DatePart(part, inner(node.this))
            return Case(
                tuple(
                    (Compare(Comparison.EQUAL, number, Literal(place)), Literal(name))
                    for place, name in enumerate(names, 1)
                ),
                None,
            )
    return None


def _of_lists(node: exp.Expression, inner: Inner, text: SqlText) -> Expression | None:
    match node:
        case exp.EQ(expression=exp.Any(this=found)):
            listed = found.this if isinstance(found, exp.Paren) else found
            if isinstance(listed, exp.Array) and listed.expressions:
                return In(inner(node.this), tuple(text.literal(value) for value in listed.expressions))
        case exp.In(this=exp.Tuple() as columns) if plain(node, "this", "expressions") and node.expressions:
            parts = [inner(column) for column in columns.expressions]
            rows = [row.expressions if isinstance(row, exp.Tuple) else [] for row in node.expressions]
            if all(len(row) == len(parts) for row in rows):
                found = Or(
                    tuple(
                        And(
                            tuple(
                                Compare(Comparison.EQUAL, part, text.literal(value))
                                for part, value in zip(parts, row, strict=True)
                            )
                        )
                        for row in rows
                    )
                )
                # a row is a value even where a part of it is empty: it is among the others, or it is not
                return Coalesce((found, Literal(False)))
    return None


def _date_as_text(node: exp.TimeToStr, inner: Inner, text: SqlText) -> Expression:
    """STRFTIME(day, '%Y-%m'), or with its two parts the other way round:
    numbers with their zeros before them."""
    of, form = (
        (node.this, node.args["format"])
        if not isinstance(node.this, exp.Literal)
        else (node.args["format"], node.this)
    )
    said = text.literal(form).value
    pieces = re.split("%(.)", said) if isinstance(said, str) else []
    if len(pieces) < 2 or len(pieces) > 2 * MOST_PARTS or any(code not in WRITTEN for code in pieces[1::2]):
        text.refuse(
            form,
            "a date is written as numbers.",
            f"Use {', '.join(f'%{code}' for code in WRITTEN)}, such as '%Y-%m'.",
            "日期只写成数字。",
            f"可用 {'、'.join(f'%{code}' for code in WRITTEN)}，例如 '%Y-%m'。",
        )
    parts: list[Expression] = []
    for place, piece in enumerate(pieces):
        if place % 2:
            part, digits = WRITTEN[piece]
            parts.append(
                Slice(Concat((Literal("0" * (digits - 1)), DatePart(part, inner(of)))), -digits, digits)
            )
        elif piece:
            parts.append(Literal(piece))
    return Concat(tuple(parts))


def _like(node: exp.Expression, inner: Inner, text: SqlText) -> Expression:
    of, pattern = inner(node.this), text.pattern(node.expression)
    if isinstance(node, exp.Like):
        return Like(of, pattern)
    return Like(
        TextCase(Spelling.LOWER, of), Literal(spelled(Spelling.LOWER, str(pattern.value)), pattern.position)
    )


def _holds(node: exp.Expression, inner: Inner, text: SqlText) -> Expression:
    """Whether a text begins with another, ends with it, or has it anywhere."""
    said = text.literal(node.expression).value
    if isinstance(said, str) and {"%", "_"} & {*said} and len(said) <= LONGEST_PATTERN:  # no pattern here
        of, part = inner(node.this), Literal(said)
        if isinstance(node, exp.Contains):
            return Compare(Comparison.MORE, StringPosition(of, said), Literal(0))
        start = 1 if isinstance(node, exp.StartsWith) else -len(said)
        return Compare(Comparison.EQUAL, Slice(of, start, len(said)), part)
    part = text.pattern(node.expression)
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
    """A date written out, and some days, weeks, months or years later or earlier.
    The last day of a month stays within it."""
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
        text.refuse(
            node,
            "it is a date before the year 1 or after 9999.",
            "Write the date out.",
            "日期早于公元 1 年或晚于 9999 年。",
            "请直接写出日期。",
        )
    return text.refuse(
        interval,
        "only days, weeks, months, quarters and years can be added to a date.",
        "Write the date out.",
        "日期只能加减日、周、月、季、年。",
        "请直接写出日期。",
    )
