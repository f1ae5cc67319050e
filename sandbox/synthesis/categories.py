"""Divides a column's range into a few parts.
They are public, from the policy alone, so that each part can be a group's key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from sandbox.catalog.model import Bounds, Column, KeyValue, Role, Type
from sandbox.catalog.read_table import quoted

MOST_PARTS = 16
"""Noise is the same for each part however many they are: with more of them less of each is left."""

HALVINGS = ((1, 64, 1), (1, 32, 1), (1, 16, 2), (1, 8, 2), (1, 4, 2), (1, 2, 3), (1, 1, 4))
"""Where bounds begin at zero: up to which share of the high bound.
What is counted or paid is mostly little."""

FREE_TYPES = (Type.INTEGER, Type.NUMBER, Type.DATE, Type.TIMESTAMP)
FREE_STEP = Fraction(1, 10**6)
"""On this grid numbers without bounds are invented."""
LEAST_MAGNITUDE, MOST_MAGNITUDE = -3, 12
"""Powers of ten between which a number without bounds is cut by its magnitude; beyond them is one part."""
FIRST_YEAR, LAST_YEAR, YEARS = 1900, 2100, 5
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Category:
    """A part of a column's range: no value, some of a key's values, or an interval of a grid (both ends in
    it): of a measure in its steps; of a number without bounds in `FREE_STEP`, or in ones where it is an
    integer; of dates in days, of timestamps in seconds, since 1970.

    `condition` is SQL that is true for its rows, once those of the categories before it are taken out.
    """

    condition: str
    empty: bool = False
    values: tuple[KeyValue, ...] = ()
    first: int = 0
    last: int = 0


def categories(column: Column) -> tuple[Category, ...]:
    """All of them; the last takes whatever the others leave. One alone has nothing to tell."""
    name = quoted(column.name)
    empty = (Category(f"{name} IS NULL", empty=True),)
    if column.role is Role.KEY:  # what is not listed counts as empty
        size = -(-len(column.values) // MOST_PARTS)
        parts = [column.values[at : at + size] for at in range(0, len(column.values), size)]
        return (
            *[Category(f"{name} IN ({', '.join(map(literal, part))})", values=part) for part in parts],
            *empty,
        )
    if column.bounds:
        return (*([] if column.required else empty), *intervals(column, grid_edges(column.bounds)))
    if column.type is Type.BOOLEAN:
        truths = (Category(name, values=(True,)), Category(f"NOT {name}", values=(False,)))
        return truths if column.required else (*empty, *truths)
    if is_free(column):
        return (*([] if column.required else empty), *intervals(column, free_edges(column)))
    return (
        (Category(f"{name} IS NOT NULL"),) if column.required else (*empty, Category(f"{name} IS NOT NULL"))
    )


def is_free(column: Column) -> bool:
    """Whether its values have an order and no bounds: they are cut by public magnitudes or years."""
    return column.role is Role.ATTRIBUTE and column.type in FREE_TYPES


def is_ordered(column: Column) -> bool:
    """Whether its parts are intervals of a grid."""
    return column.bounds is not None or is_free(column)


def step_of(column: Column) -> Fraction:
    """One step of the column's grid; a day, or a second, for dates and timestamps."""
    if column.bounds:
        return column.bounds.step
    return FREE_STEP if column.type is Type.NUMBER else Fraction(1)


def intervals(column: Column, edges: Sequence[int]) -> list[Category]:
    """The parts of a grid that begin at `edges`; the last of these is one past the end."""
    name = quoted(column.name)
    return [
        Category(f"{name} < {_point(column, after)}", first=edge, last=after - 1)
        for edge, after in pairwise(edges)
    ]


def free_edges(column: Column) -> list[int]:
    """Where the parts of a column without bounds begin, in its steps: at public magnitudes (1, 3, 10, 30,
    ..., coarser below zero), or at every fifth year. The parts at both ends also take what lies beyond
    them."""
    if column.typical is not None and column.typical.points:
        return _usual_edges(column, column.typical.points[0][1], column.typical.points[-1][1])
    if column.type in (Type.DATE, Type.TIMESTAMP):
        years = [FIRST_YEAR - 50, *range(FIRST_YEAR, LAST_YEAR + 1, YEARS), LAST_YEAR + 50]
        size = 1 if column.type is Type.DATE else 86_400
        return [(date(year, 1, 1) - EPOCH).days * size for year in years]
    step, least = step_of(column), 0 if column.type is Type.INTEGER else LEAST_MAGNITUDE
    powers = [_power(at) for at in range(least, MOST_MAGNITUDE + 1)]
    above = sorted([*powers, *[3 * power for power in powers[:-1]]])
    below = [-power for power in reversed(powers)]
    points = [int(point / step) for point in (*below, Fraction(0), *above)]
    # zero is a part of its own, and the number beside it begins the next
    return sorted({*points, 1})


def _usual_edges(column: Column, lowest: float, highest: float) -> list[int]:
    """Where the officer states the usual values, these are cut evenly, with a part at both ends for the
    others."""
    low, high = (round(Fraction(str(value)) / step_of(column)) for value in (lowest, highest))
    span, parts = max(high - low, 1), MOST_PARTS - 2
    return sorted({low - span, *[low + span * at // parts for at in range(parts + 1)], high + span})


def _power(of: int) -> Fraction:
    return Fraction(10**of) if of >= 0 else Fraction(1, 10**-of)


def _point(column: Column, place: int) -> str:
    """A point of the column's grid as SQL."""
    if column.bounds:
        return decimal(column.bounds, place)
    match column.type:
        case Type.DATE:
            return f"DATE '{(EPOCH + timedelta(days=place)).isoformat()}'"
        case Type.TIMESTAMP:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=place)
            return f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'"
        case Type.INTEGER:
            return str(place)
    point = place * FREE_STEP
    return str(int(point)) if point.denominator == 1 else f"{float(point):.6f}"


def grid_edges(bounds: Bounds) -> list[int]:
    """Where parts of a measure's grid begin, in steps from zero, and one past the last."""
    low, steps = int(bounds.low / bounds.step), int((bounds.high - bounds.low) / bounds.step) + 1
    if steps <= MOST_PARTS:
        return list(range(low, low + steps + 1))
    if low != 0:
        return sorted({low + steps * at // MOST_PARTS for at in range(MOST_PARTS + 1)})
    edges, begin = {0, 1, steps}, 0  # zero is a part of its own
    for share, of, parts in HALVINGS:
        end = steps * share // of
        edges |= {begin + (end - begin) * at // parts for at in range(1, parts + 1)}
        begin = end
    return sorted(edges)


def coded(parts: Sequence[Category], codes: Sequence[int]) -> str:
    """SQL for the code of the category in which a row falls."""
    branches = " ".join(
        f"WHEN {part.condition} THEN {code}" for part, code in zip(parts[:-1], codes[:-1], strict=True)
    )
    return f"CASE {branches} ELSE {codes[-1]} END"


def decimal(bounds: Bounds, place: int) -> str:
    """A point of the grid as SQL: steps are decimal, so it is exact."""
    point = place * bounds.step
    digits = len(str(bounds.step.denominator)) + 1
    return f"{float(point):.{digits}f}" if bounds.step.denominator != 1 else str(int(point))


def literal(value: KeyValue) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
