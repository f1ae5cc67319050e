"""Divides a column's range into a few parts.
They are public, from the policy alone, so that each part can be a group's key."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sandbox.catalog.model import Bounds, Column, KeyValue, Role, Type
from sandbox.catalog.read_table import quoted

MOST_PARTS = 16
"""Noise is the same for each part however many they are: with more of them less of each is left."""

HALVINGS = ((1, 64, 1), (1, 32, 1), (1, 16, 2), (1, 8, 2), (1, 4, 2), (1, 2, 3), (1, 1, 4))
"""Where bounds begin at zero: up to which share of the high bound.
What is counted or paid is mostly little."""


@dataclass(frozen=True)
class Category:
    """A part of a column's range: no value, some of a key's values, or an interval of a measure's grid
    (both ends in it).

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
        edges = grid_edges(column.bounds)
        parts_of = [
            Category(f"{name} < {decimal(column.bounds, after)}", first=edge, last=after - 1)
            for edge, after in pairwise(edges)
        ]
        return (*([] if column.required else empty), *parts_of)
    if column.type is Type.BOOLEAN:
        truths = (Category(name, values=(True,)), Category(f"NOT {name}", values=(False,)))
        return truths if column.required else (*empty, *truths)
    return (
        (Category(f"{name} IS NOT NULL"),) if column.required else (*empty, Category(f"{name} IS NOT NULL"))
    )


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
