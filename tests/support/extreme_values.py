"""Rows with values at the ends of every type's range, as a Parquet file can hold them whatever was checked at
its publishing, and expressions of every construct over them.
"""

import itertools
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa

from sandbox.catalog.model import Type, Version
from sandbox.catalog.policy_file import read_policy
from sandbox.engines.rows_in_memory import RowsInMemory
from sandbox.errors import QueryRefused
from sandbox.queries.functions.construct import Construct
from sandbox.queries.functions.registry import CONSTRUCTS
from sandbox.queries.tree import (
    Aggregation,
    And,
    Arithmetic,
    Call,
    Case,
    Coalesce,
    Compare,
    Concat,
    DateDiff,
    DatePart,
    DateTrunc,
    Expression,
    GreatestLeast,
    In,
    IsNull,
    Length,
    Like,
    Literal,
    Name,
    Not,
    Or,
    Replace,
    Round,
    Slice,
    StringPosition,
    TextCase,
    UnitAggregate,
    UnitKey,
    UnitValue,
)
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import range_of
from story import POLICIES

POLICY = read_policy(
    """
dataset: t.t
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: health
grade: "3"
source: {name: n, licence: l}
about_rows: 300
population: residents
unit: {column: person, kind: person, max_rows: 4}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}
columns:
  person: {role: unit, type: text}
  ward: {role: key, type: text, values: [W, ß, C]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  cost: {role: measure, type: number, bounds: [-2, 100], step: "0.5"}
  visits: {role: measure, type: integer, bounds: [0, 10], step: "1"}
  free: {role: attribute, type: number}
  wide: {role: attribute, type: integer}
  note: {role: attribute, type: text}
  other: {role: attribute, type: text}
  smoker: {role: attribute, type: boolean}
  day: {role: attribute, type: date}
  until: {role: attribute, type: date}
  at: {role: attribute, type: timestamp}
""",
    schema=POLICIES / "dataset.schema.json",
)
VERSION = Version("t.t", 1, POLICY, "o", "v", "s", "x", datetime(2026, 1, 1, tzinfo=UTC))
SCOPE = Scope(POLICY)

FIRST_DAY, LAST_DAY = -719162, 2932896  # of the years 1 to 9999, in days since 1970
# the last but one each are the infinities
DAYS = (
    0,
    -1,
    59,
    11016,
    FIRST_DAY - 1,
    FIRST_DAY,
    FIRST_DAY + 1,
    LAST_DAY - 1,
    LAST_DAY,
    LAST_DAY + 1,
    106751991,
    106751992,
    -106751991,
    -106751992,
    2**31 - 2,
    2**31 - 1,
    -(2**31) + 1,
    -(2**31),
)
FIRST_MOMENT, LAST_MOMENT = FIRST_DAY * 86_400_000_000, (LAST_DAY + 1) * 86_400_000_000 - 1
MOMENTS = (
    0,
    -1,
    951782400123456,
    FIRST_MOMENT - 1,
    FIRST_MOMENT,
    LAST_MOMENT,
    LAST_MOMENT + 1,
    -9223372022400000000,
    -9223372022400000001,
    9223372036854775000,
    2**63 - 2,
    2**63 - 1,
    -(2**63) + 1,
    -(2**63),
)
INTEGERS = (
    0,
    1,
    -1,
    2,
    3,
    10,
    2**31,
    2**53 - 1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**62,
    -(2**62),
    2**63 - 1,
    -(2**63),
)
NUMBERS = (
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.5,
    2.5,
    float("nan"),
    float("inf"),
    float("-inf"),
    5e-324,
    -5e-324,
    1e-310,
    1e308,
    -1e308,
    1.7976931348623157e308,
    9e15,
    2.0**53,
    9.3e18,
    1e22,
    -1e22,
    0.1,
    99.75,
)
# the last five are no UTF-8
TEXTS = (
    b"",
    b" ",
    b"W",
    b"C",
    b"CC",
    b"\x00",
    b"a\x00b",
    "ß".encode(),
    "ŉ".encode(),
    "İ".encode(),
    "ı".encode(),
    "ɐ".encode(),
    "Ⱥ".encode(),
    "ﬃ".encode(),
    "e\u0301\u0327".encode(),
    "👩‍👩‍👧‍👦".encode(),
    "\U0010ffff".encode(),
    "\u3000x\u2028\ufeff".encode(),
    b"%",
    b"%%a%",
    b"_",
    b"\\",
    b"it's",
    b"-0",
    b"nan",
    "شعر".encode(),
    "ς Σ".encode(),
    b"\xff",
    b"abc\xed\xa0\x80",
    b"\xc3",
    b"\xc0\x80",
    b"\xf8\x88\x80\x80\x80",
)
HUGE = (b"C" * 16_000, "𝒳".encode() * 4_000, "ɐ".encode() * 4_000, b"a" * 100_000, "磁".encode() * 40_000)

ROWS = 256


def texts_of(values: list[bytes | None]) -> pa.Array:
    """Texts as they lie in a file: nobody has looked whether they are UTF-8."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())


@lru_cache
def extreme_rows() -> pa.Table:
    chance = random.Random(11)

    def of(values: tuple[object, ...]) -> list[object]:
        every = [None, *values]
        return [
            every[place % len(every)] if place < 2 * len(every) else chance.choice(every)
            for place in range(ROWS)
        ]

    def shuffled(values: list[object]) -> list[object]:
        return chance.sample(values, len(values))

    notes = of(TEXTS)
    notes[-len(HUGE) :] = HUGE
    days, until = [
        pa.array(np.array([0 if day is None else day for day in column], np.int32)).cast(pa.date32())
        for column in (of(DAYS), shuffled(of(DAYS)))
    ]
    at = pa.array(np.array([0 if moment is None else moment for moment in of(MOMENTS)], np.int64)).cast(
        pa.timestamp("us")
    )
    return pa.table(
        {
            "person": pa.array([f"p{place:03}" for place in range(ROWS)]),
            "ward": texts_of(shuffled(notes)),  # type: ignore[arg-type]
            "year": pa.array(of(INTEGERS), pa.int64()),
            "cost": pa.array(of(NUMBERS), pa.float64()),
            "visits": pa.array(shuffled(of(INTEGERS)), pa.int64()),
            "free": pa.array(shuffled(of(NUMBERS)), pa.float64()),
            "wide": pa.array(shuffled(of(INTEGERS)), pa.int64()),
            "note": texts_of(notes),
            "other": texts_of(shuffled(of(TEXTS))),  # type: ignore[arg-type]
            "smoker": pa.array(shuffled(of((True, False))), pa.bool_()),
            "day": days,
            "until": until,
            "at": at,
        }
    )


@lru_cache
def extreme_table() -> RowsInMemory:
    return RowsInMemory(extreme_rows().to_batches(), POLICY)


# --- expressions


def clipped(of: Expression) -> Expression:
    return GreatestLeast(
        greatest=True, parts=(GreatestLeast(greatest=False, parts=(of, Literal(20))), Literal(-20))
    )


LEAVES: Mapping[Type, tuple[Expression, ...]] = {
    Type.INTEGER: (
        Name("visits"),
        Name("year"),
        clipped(Name("wide")),
        Literal(3),
        Name("wide"),
        Literal(2**53 - 1),
        Literal(0),
    ),
    Type.NUMBER: (
        Name("cost"),
        clipped(Name("free")),
        Literal(Fraction(1, 3)),
        Name("free"),
        Literal(Fraction(10) ** -30),
    ),
    Type.TEXT: (
        Name("note"),
        Name("ward"),
        Name("other"),
        Literal("C"),
        Literal(""),
        Literal("a\0'b"),
        Literal("\U0010ffff"),
    ),
    Type.BOOLEAN: (Name("smoker"), Literal(True), Literal(False)),
    Type.DATE: (
        Name("day"),
        Name("until"),
        Literal(date(1, 1, 1)),
        Literal(date(9999, 12, 31)),
        Literal(date(2024, 2, 29)),
    ),
    Type.TIMESTAMP: (
        Name("at"),
        Literal(datetime(1, 1, 1)),
        Literal(datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ),
}


def nodes_of(construct: Construct, arguments: tuple[Expression, ...]) -> list[Expression]:
    """The construct of some arguments, with each kind of option that it takes."""
    member, first, last = (
        construct.member,
        arguments[0] if arguments else None,
        arguments[-1] if arguments else None,
    )
    node = construct.node
    if node in (Arithmetic, Compare, DateDiff):
        return [node(member, first, last)]
    if node in (Call, DatePart, DateTrunc, TextCase):
        return [node(member, first)]
    if node is GreatestLeast:
        return [GreatestLeast(bool(member), arguments)]
    if node is Round:
        return [Round(first, digits, bool(member)) for digits in ((0,) if member else (0, 2, 9))]
    made: Mapping[type, list[Expression]] = (
        {
            Case: [Case(((first, last),), None), Case(((first, last),), last)],
            Coalesce: [Coalesce(arguments)],
            Concat: [Concat(arguments)],
            And: [And(arguments)],
            Or: [Or(arguments)],
            Not: [Not(first)],
            IsNull: [IsNull(first)],
            Length: [Length(first)],
            Slice: [Slice(first, start, length) for start, length in ((1, 1), (3, 1000), (-2, 2), (1, 0))],
            Replace: [
                Replace(first, *pair)
                for pair in (("C", ""), ("a", "bb"), ("ß", "SS"), ("\0", "'"), (" ", "ɐɐ"))
            ],
            StringPosition: [StringPosition(first, part) for part in ("C", "\0", "ß", "a" * 100)],
            Like: [
                Like(first, Literal(pattern))
                for pattern in ("%", "", "%C%", "a%\0%b", "\\", "%ß%a%", "C" * 100)
            ],
            In: [In(first, tuple(dict.fromkeys(literals)))] if (literals := literals_like(first)) else [],
        }
        if first is not None
        else {}
    )
    return made[node]


def literals_like(of: Expression) -> list[Literal]:
    kind = type_of(of)
    return [leaf for leaf in LEAVES.get(kind, ()) if isinstance(leaf, Literal)] if kind is not None else []


@cache
def type_of(expression: Expression) -> Type | None:
    """The type of what may be asked; None of what is refused."""
    try:
        return range_of(expression, SCOPE).type
    except QueryRefused:
        return None


OF_LEAVES = (Name, Literal, UnitAggregate, UnitValue, UnitKey)
COMPUTED = tuple(construct for construct in CONSTRUCTS if construct.node not in OF_LEAVES)


def over(
    construct: Construct, pool: Mapping[Type, list[Expression]], chance: random.Random, most: int
) -> list[Expression]:
    """Some expressions of a construct, of arguments from a pool."""
    places = [*construct.takes, construct.takes[-1]] if construct.repeated else list(construct.takes)
    choices = [[expression for kind in sorted(place) for expression in pool[kind]] for place in places]
    every = list(
        itertools.islice(itertools.product(*(chance.sample(one, len(one)) for one in choices)), 40 * most)
    )
    found = [
        node for arguments in chance.sample(every, len(every)) for node in nodes_of(construct, arguments)
    ]
    return list(itertools.islice((node for node in found if type_of(node) is not None), most))


def generated(seed: int, a_construct: int) -> Iterator[Expression]:
    """Every construct over columns and values, and over every construct that gives what it takes."""
    chance = random.Random(seed)
    pool = {kind: list(leaves) for kind, leaves in LEAVES.items()}
    flat = {construct: over(construct, pool, chance, 12) for construct in COMPUTED}
    for nodes in flat.values():
        yield from nodes
    deep = {kind: list(leaves[:1]) for kind, leaves in LEAVES.items()}
    for nodes in flat.values():
        for node in chance.sample(nodes, min(3, len(nodes))):
            kind = type_of(node)
            assert kind is not None
            deep[kind].append(node if kind not in (Type.INTEGER, Type.NUMBER) else clipped(node))
    for construct in COMPUTED:
        yield from over(construct, deep, chance, a_construct)


def units_values() -> Iterator[Expression]:
    """Every aggregate of a unit's rows, over each type of column."""
    for construct in CONSTRUCTS:
        if construct.node is UnitAggregate and isinstance(construct.member, Aggregation):
            for kind in sorted(construct.takes[0]):
                for leaf in LEAVES[kind]:
                    node = UnitAggregate(construct.member, leaf)
                    if type_of(node) is not None:
                        yield node
