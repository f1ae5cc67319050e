"""Computes which values of several keys occur beside each other, where they are made of the same columns:
`UPPER(a)` follows from `a`, and who is not above 30 is not above 60. Public facts alone say so.

A column is compared (or written out, or a key itself) as it lies in a row, and computed with within its
bounds (expression_sql.py). So each of its values stands here twice: as it lies, and as it is computed with.
Of a column that is only compared with values written out, these values, and one between each two, stand for
all.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

from sandbox.catalog.model import KeyValue, Role, Type
from sandbox.queries.tree import (
    Compare,
    Concat,
    Expression,
    In,
    IsNull,
    Literal,
    Name,
    UnitKey,
    rewritten,
    walk,
)
from sandbox.queries.types.finite_domains import UNKNOWN, public_values, value_of
from sandbox.queries.types.scope import PublicTable, Scope
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES, never_empty, range_of

MOST_COMPARED = 256
"""So many values written out beside a column are looked at."""

Both = tuple[Any, Any]
"""A value as it lies in a row, and as it is computed with."""


@dataclass(frozen=True)
class Together:
    """The keys at these places follow from the same columns: only these values of theirs occur beside each
    other."""

    places: tuple[int, ...]
    values: frozenset[tuple[Any, ...]]

    def holds(self, group: Sequence[Any]) -> bool:
        return tuple(group[place] for place in self.places) in self.values


def that_occur_together(
    keys: Sequence[Expression], values: Sequence[tuple[KeyValue, ...]], scope: Scope
) -> tuple[Together, ...]:
    """Of keys that are made of the same columns, the combinations that can occur: `UPPER(a)` follows from
    `a`. Public facts alone say so; of keys of which they do not, every combination is shown."""
    found = []
    for places in _of_the_same_columns(keys):
        parts = tuple(keys[place] for place in places)
        combinations = None if len(parts) == 1 and isinstance(parts[0], Name) else _combinations(parts, scope)
        if combinations is None:
            continue
        listed = [{*values[place]} for place in places]
        can = frozenset(
            one
            for one in combinations
            if all(value in known for value, known in zip(one, listed, strict=True))
        )
        if can:
            found.append(Together(places, can))
    return tuple(found)


def _of_the_same_columns(keys: Sequence[Expression]) -> list[tuple[int, ...]]:
    """The places of keys that share a column, directly or via other keys."""
    classes: list[tuple[tuple[int, ...], set[Name]]] = []
    for place, key in enumerate(keys):
        names = {part for part in walk(key) if isinstance(part, Name)}
        shared = [one for one in classes if one[1] & names]
        classes = [one for one in classes if not one[1] & names]
        places = tuple(sorted({place, *(at for one in shared for at in one[0])}))
        classes.append((places, names.union(*(one[1] for one in shared))))
    return [places for places, _ in classes]


def _combinations(keys: tuple[Expression, ...], scope: Scope) -> set[tuple[Any, ...]] | None:
    leaves = tuple(dict.fromkeys(part for key in keys for part in walk(key) if isinstance(part, Name)))
    said = tuple(map(_marked, keys))
    each = []
    for leaf in leaves:
        values = _every_value(leaf, keys, said, scope)
        if values is None:
            return None
        each.append([*values, *([] if never_empty(leaf, scope) else [(None, None)])])
    if math.prod(map(len, each)) > MOST_KEY_VALUES:
        return None
    found = set()
    for pairs in product(*each):
        known: dict[Expression, Any] = dict(zip(leaves, (computed for _, computed in pairs), strict=True))
        known |= {_as_it_lies(leaf): lies for leaf, (lies, _) in zip(leaves, pairs, strict=True)}
        found.add(tuple(value_of(key, known, numbers=True) for key in said))
    return None if any(UNKNOWN in one for one in found) else found


def _as_it_lies(leaf: Name) -> Name:
    """Stands for a column's value as it lies in a row; no column's name has a NUL."""
    return Name(leaf.text, leaf.dataset + "\0")


def _marked(part: Expression) -> Expression:
    """An expression in which every column that is taken as it lies says so."""
    if isinstance(part, Name):
        return _as_it_lies(part)
    if isinstance(part, UnitKey) and isinstance(part.of, Name):
        return _as_it_lies(part.of)

    def rule(node: Any) -> Any:
        match node:
            case Compare(_, left, right):
                return replace(node, left=_marked(left), right=_marked(right))
            case In(of) | IsNull(of):
                return replace(node, of=_marked(of))
            case Concat(parts):
                return replace(node, parts=tuple(map(_marked, parts)))
        return node

    found: Expression = rewritten(part, rule)
    return found


def _every_value(
    leaf: Name, keys: tuple[Expression, ...], said: tuple[Expression, ...], scope: Scope
) -> list[Both] | None:
    """All that a column can have where keys are made of it; None where that is not known."""
    if scope.column(leaf).role is Role.UNIT:
        return None
    compared = _compared_with(leaf, said)
    if compared is not None and leaf not in scope.found:
        return [(value, value) for value in _between(compared, scope.column(leaf).type)]
    if leaf in scope.found and leaf not in keys:
        return None  # there are others, which were not found
    column, found = scope.column(leaf), range_of(leaf, scope)
    is_public = isinstance(scope.joined.get(leaf.dataset), PublicTable)
    if column.role is Role.KEY and column.type is not Type.INTEGER and leaf not in keys and not is_public:
        return None  # a row may have one that the policy does not list
    if column.type is not Type.INTEGER or is_public:
        values = public_values(leaf, scope)
        return None if values is None else [(value, value) for value in values]
    if found.low is None or found.high is None:
        return [(value, value) for value in scope.found[leaf]] if leaf in scope.found else None
    if leaf in scope.found:
        lies: list[Any] = list(scope.found[leaf])
    elif found.high - found.low >= MOST_KEY_VALUES:
        return None
    else:  # an unlisted value may lie between, or beyond
        beyond = _beside(leaf, said)
        if beyond is None:
            return None
        low, high = math.ceil(found.low), math.floor(found.high)
        lies = sorted({*range(low - 1, high + 2), *_between(beyond, Type.INTEGER)})
    is_key = column.role is Role.KEY

    def computed(value: Any) -> Any:
        assert found.low is not None and found.high is not None
        if is_key:
            return value if found.low <= value <= found.high else None
        return min(max(value, math.ceil(found.low)), math.floor(found.high))

    return [(value, computed(value)) for value in lies]


def _compared_with(leaf: Name, said: tuple[Expression, ...]) -> list[Any] | None:
    """What is written out beside a column, where the keys only compare it with such values."""
    beside = _beside(leaf, said)
    mark = _as_it_lies(leaf)
    others = leaf in walk(said) or mark in said
    tested = (Compare, In, IsNull)
    inside = sum(part == mark for part in walk(said))
    compared = sum(
        member == mark
        for part in walk(said)
        if isinstance(part, tested)
        for member in ((part.left, part.right) if isinstance(part, Compare) else (part.of,))
    )
    return beside if beside and not others and inside == compared else None


def _beside(leaf: Name, said: tuple[Expression, ...]) -> list[Any] | None:
    """What is written out beside a column where it is compared as it lies; None where something else is."""
    mark = _as_it_lies(leaf)
    found: list[Any] = []
    for part in walk(said):
        match part:
            case Compare(_, left, right) if mark in (left, right):
                other = right if left == mark else left
                if not isinstance(other, Literal):
                    return None
                found.append(other.value)
            case In(of, values) if of == mark:
                found += [value.value for value in values]
    return found if len(found) <= MOST_COMPARED else None


def _between(values: Sequence[Any], kind: Type) -> Iterator[Any]:
    """These values, one between each two, and one before and after all: each comparison with one of them is
    as true of these as of any other."""
    if kind is Type.BOOLEAN:
        yield from (False, True)
        return
    ordered = sorted(set(values))
    if not ordered:
        return
    if kind is Type.INTEGER:
        yield from sorted({int(near) + by for near in map(math.floor, ordered) for by in (-1, 0, 1, 2)})
        return
    yield from ordered
    if kind is Type.TEXT:
        yield from {"", *(value + "\0" for value in ordered)}
    elif kind is Type.NUMBER:
        yield from (ordered[0] - 1, ordered[-1] + 1)
        yield from (Fraction(one + other) / 2 for one, other in pairwise(map(Fraction, ordered)))
    else:
        step = timedelta(microseconds=1) if isinstance(ordered[0], datetime) else timedelta(days=1)
        for value in ordered:
            yield from _neighbours(value, step)


def _neighbours(value: date, step: timedelta) -> Iterator[date]:
    for by in (-step, step):
        try:
            yield value + by
        except OverflowError:
            continue
