"""Finds columns and expressions that are one, or a sum of others: age and year of birth, yuan and fen, a
total and its parts, a root of a stored square. What is told of one of them is told of the others, so that
they are compared together.

What a quantity is of others may differ by the row: a total is its only part in the rows where the other part
is 0. So it is written by rows: what it is of each of the basis, and what it is of its own where no other
explains it. Where others leave a rest of it, the rest is a part of its own that is as large as it is: a
leverage is then found only if few rests hide nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]
Part = float | Vector
SAME = 1e-6
"""Of a value: below that only the last digits of two values differ."""
EXACT = 1e-7
"""Of a quantity's spread, what others leave of it when they are all of it."""
SMALL = 1e-7
"""Of a quantity's spread, a part that is none."""
ALMOST = 0.2
"""Of the rows in which two have a value: they are one there, and not elsewhere."""
SHARED = 3
FLAG = 2
"""Values of a quantity that is yes or no: two rows are always on a line, so that all must be."""
SAMPLE = 4000
PAIR_SAMPLE = 1500
TRIES = 128
"""Lines through two rows: where a fifth of the rows are on one line, 99 in 100 samples hold it."""
MOST_BASIS = 40
MOST_PAIRS = 20_000
FIRST = 50
"""Rows that are looked at first, of a choice of rows."""
MOST_PLACES = 60
"""Different choices of rows, beside all of them, in which one is told."""
MOST_GROUPS = 8
"""Of columns whose missing values leave too few rows that have all of them."""
CHANCE = 5
"""Standard errors, below which a coefficient of a rest is none."""


@dataclass(frozen=True)
class Family:
    """By the quantity: what it is of each of those that the family consists of, all of spread 1; a number, or
    one for each row."""

    members: Mapping[str, Sequence[Part]]

    @property
    def size(self) -> int:
        """How many quantities none of which follows from the others."""
        return len(next(iter(self.members.values())))


def alone(name: str) -> Family:
    return Family({name: [1.0]})


def is_line(values: Vector, of: Vector) -> bool:
    """Whether it is a multiple of the other and a constant, in all rows where it has a value."""
    one, other = _known(Quantity(values)), _known(Quantity(of))
    if one is None or other is None or not other.there[one.there].all():
        return False
    return any(made.rows[one.there].all() for made in _lines("", one, other, lambda: False))


@dataclass(frozen=True)
class Quantity:
    """`values`: NaN where there is none. `places`: the rows in which outputs tell it. `computed`: whether it
    is an expression, whose value in a single row is a constant that its author wrote."""

    values: Vector
    places: Sequence[Mask] = ()
    computed: bool = False


@dataclass
class _Known:
    """A quantity less its median, of spread 1, and what it is of the basis."""

    values: Vector
    places: Sequence[Mask]
    computed: bool
    digits: float
    parts: dict[str, Part] = field(default_factory=dict)
    whole: bool = False
    """Follows from others in all rows."""

    @property
    def there(self) -> Mask:
        return np.isfinite(self.values)


@dataclass(frozen=True)
class _Sum:
    """What it is of others in these rows, and how large the rest is."""

    of: Mapping[str, float]
    rows: Mask
    rest: float = 0.0


class _TooLate(Exception):
    """There is no time to look at what is left."""


def families_of(
    quantities: Mapping[str, Quantity], near: float, late: Callable[[], bool] = lambda: False
) -> tuple[list[Family], set[str]]:
    """Families of two quantities and more; and those that may be in one that was not found, because there
    are too many, or because missing values or `late` left too little of them. Those with the fewest values
    are written first: a total then follows also in rows where a part has no value and counts as nothing.

    `near`: the part of a quantity's variance below which what others leave of it hides nothing in a group of
    the least size."""
    made = {name: known for name, one in quantities.items() if (known := _known(one)) is not None}
    order = sorted(made, key=lambda name: int(made[name].there.sum()))
    found: dict[str, _Known] = {}
    unsure: set[str] = set()
    pairs = 0
    for name in order:
        pairs += len(found)
        try:
            if pairs > MOST_PAIRS:
                raise _TooLate
            sums, left_out = _explained(made[name], found, near, late)
        except _TooLate:
            unsure |= set(order)
            break
        unsure |= left_out | ({name} if left_out else set())
        _write(name, made[name], sums, found)
        found[name] = made[name]
    families = []
    for names in _together(found):
        basis = list(dict.fromkeys(of for name in names for of in found[name].parts))
        if len(basis) > MOST_BASIS:
            unsure |= set(names)
        elif len(names) > 1:
            families.append(
                Family({name: [found[name].parts.get(of, 0.0) for of in basis] for name in names})
            )
    return families, unsure


def _known(one: Quantity) -> _Known | None:
    there = np.isfinite(one.values)
    if there.sum() < SHARED:
        return None
    largest = float(np.abs(one.values[there]).max())
    if largest == 0:
        return None
    values = np.where(there, one.values, np.nan) / largest
    middle = float(np.median(values[there]))
    values = values - middle
    spread = float(values[there].std())
    if spread < 1e-14:
        return None
    return _Known(values / spread, one.places, one.computed, 1e-15 * (1 + abs(middle)) / spread)


def _explained(
    one: _Known, found: Mapping[str, _Known], near: float, late: Callable[[], bool]
) -> tuple[list[_Sum], set[str]]:
    """What it is of others, in which rows; and those that have too few rows together with it to say.
    Raises `_TooLate`."""
    pairs = [made for name, other in found.items() for made in _lines(name, one, other, late)]
    for made in pairs:
        if bool(made.rows[one.there].all()):
            return [made], set()
    rests, left_out = _rests(one, {name: other for name, other in found.items() if not other.whole})
    exact = [made for made in rests if made.rest <= EXACT]
    sums = sorted([*exact, *pairs], key=lambda made: -int(made.rows.sum()))
    more = [made for made in rests if made.rest > EXACT and made.rest**2 < near]
    return [*sums, *sorted(more, key=lambda made: made.rest)], left_out


def _lines(name: str, one: _Known, other: _Known, late: Callable[[], bool]) -> list[_Sum]:
    """The rows in which it is a multiple of the other and a constant: in all where both have a value, in all
    that outputs tell of both, or in many. Raises `_TooLate`."""
    both = np.flatnonzero(one.there & other.there)
    if len(both) < SHARED:
        return []
    lines = []
    sample = _sample(both, PAIR_SAMPLE)
    slopes, shifts = _tries(other.values[sample], one.values[sample])
    apart = np.abs(one.values[sample] - slopes[:, None] * other.values[sample] - shifts[:, None])
    near = apart <= _digits(one, sample, np.abs(slopes[:, None] * other.values[sample]))
    best = int(near.sum(axis=1).argmax())
    if near[best].mean() >= ALMOST:
        lines.append((slopes[best], shifts[best]))
    for rows in _places(one, other):
        if late():
            raise _TooLate
        # a look at a few rows first: most are no line there
        if _line_through(one, other, rows[:: max(len(rows) // FIRST, 1)]) is not None:
            line = _line_through(one, other, _sample(rows, PAIR_SAMPLE))
            lines += [] if line is None else [line]
    made = []
    for slope, shift in dict.fromkeys(lines):
        rows = np.zeros(len(one.values), np.bool_)
        terms = slope * other.values[both]
        rows[both] = np.abs(one.values[both] - terms - shift) <= _digits(one, both, np.abs(terms))
        kinds = len(np.unique(one.values[_sample(np.flatnonzero(rows), SAMPLE)]))
        if kinds >= SHARED or (kinds == FLAG and rows[both].all()):
            made.append(_Sum({name: float(slope)}, np.asarray(rows, dtype=np.bool_)))
    return made


def _line_through(one: _Known, other: _Known, rows: NDArray[np.int64]) -> tuple[float, float] | None:
    """The line on which it is in all of these rows."""
    if len(rows) < SHARED or (line := _line(other.values[rows], one.values[rows])) is None:
        return None
    terms = line[0] * other.values[rows]
    told = np.abs(one.values[rows] - terms - line[1]) <= _digits(one, rows, np.abs(terms))
    return line if told.all() else None


def _digits(one: _Known, rows: NDArray[np.int64], terms: Vector) -> Vector:
    return np.asarray(SAME * (np.abs(one.values[rows]) + terms) + one.digits)


def _tries(of: Vector, values: Vector) -> tuple[Vector, Vector]:
    """Slopes and constants of lines through two rows each, and of that through all."""
    chance = np.random.default_rng(7)
    first, second = chance.integers(0, len(of), (2, TRIES))
    apart = of[first] != of[second]
    first, second = first[apart], second[apart]
    slopes = (values[second] - values[first]) / (of[second] - of[first])
    shifts = values[first] - slopes * of[first]
    whole = _line(of, values)
    if whole is not None:
        slopes, shifts = np.r_[whole[0], slopes], np.r_[whole[1], shifts]
    kept = slopes != 0
    none = np.zeros(1)
    return (slopes[kept], shifts[kept]) if kept.any() else (none, none + np.inf)


def _line(of: Vector, values: Vector) -> tuple[float, float] | None:
    """By least squares; None if one of them is a constant."""
    left = of - of.mean()
    size = float(left @ left)
    if size < 1e-24 * len(of) or values.min() == values.max():
        return None
    slope = float(left @ values) / size
    return slope, float(values.mean() - slope * of.mean())


def _places(one: _Known, other: _Known) -> Iterator[NDArray[np.int64]]:
    """The rows that outputs tell of both, one choice after another: all of them would not fit in memory."""
    both = one.there & other.there
    for here in one.places:
        of_one = np.flatnonzero(both & here)
        for there in other.places:
            yield of_one[there[of_one]]


def _rests(one: _Known, free: Mapping[str, _Known]) -> tuple[list[_Sum], set[str]]:
    """What others leave of it, by least squares, over rows that have all of them. Those that have too few
    such rows are tried again without the first ones."""
    made: list[_Sum] = []
    left = {name: other for name, other in free.items() if (other.there & one.there).sum() >= SHARED}
    for _ in range(MOST_GROUPS):
        if not left:
            break
        names, rows = _with_rows(one, left, free)
        if not names:
            break
        left = {name: other for name, other in left.items() if name not in names}
        if (fitted := _fitted(one, names, rows, free)) is not None:
            made.append(fitted)
    return made, set(left)


def _with_rows(
    one: _Known, first: Mapping[str, _Known], free: Mapping[str, _Known]
) -> tuple[list[str], Mask]:
    """The first ones first, then all others, as long as enough rows have all."""
    rows, names = one.there, list[str]()
    many = {name: int((other.there & rows).sum()) for name, other in free.items()}
    for name in sorted(free, key=lambda name: (name not in first, -many[name])):
        those = rows & free[name].there
        if those.sum() >= SHARED * (len(names) + 2) + SHARED:
            rows = those
            names.append(name)
    return ([], rows) if not any(name in first for name in names) else (names, rows)


def _fitted(one: _Known, names: Sequence[str], rows: Mask, free: Mapping[str, _Known]) -> _Sum | None:
    at = _sample(np.flatnonzero(rows), SAMPLE)
    values = one.values[at]
    spread = float(values.std())
    if spread < SMALL:
        return None
    columns = np.column_stack([free[name].values[at] for name in names])
    parts, rest = _least_squares(columns, values)
    kept = (
        np.abs(parts) * columns.std(axis=0) > max(SMALL, rest * min(1.0, CHANCE / np.sqrt(len(at)))) * spread
    )
    if kept.any() and not kept.all():
        fewer, more = _least_squares(columns[:, kept], values)
        if more <= max(EXACT, 1.1 * rest):
            parts, rest = np.zeros(len(names)), more
            parts[kept] = fewer
    rest /= spread
    of = {name: float(part) for name, part in zip(names, parts, strict=True) if abs(part) > SMALL}
    if not of:
        return None
    if rest > EXACT:
        return _Sum(of, rows, rest)
    return _Sum(of, _exactly(one, of, values - columns @ parts, free), rest)


def _least_squares(columns: Vector, values: Vector) -> tuple[Vector, float]:
    centred, wanted = columns - columns.mean(axis=0), values - values.mean()
    parts = np.linalg.lstsq(centred, wanted, rcond=1e-13)[0]
    return parts, float(np.sqrt(((wanted - centred @ parts) ** 2).mean()))


def _exactly(one: _Known, of: Mapping[str, float], rests: Vector, free: Mapping[str, _Known]) -> Mask:
    """The rows in which it is that sum, also if a part has no value there and counts as nothing."""
    raw = np.zeros(len(one.values))
    size, any_there = np.abs(one.values), np.zeros(len(one.values), np.bool_)
    for name, part in of.items():
        term = np.where(free[name].there, part * free[name].values, np.nan)
        any_there |= free[name].there
        raw += np.nan_to_num(term)
        size += np.abs(np.nan_to_num(term))
    all_there = np.logical_and.reduce([free[name].there for name in of])
    shift = float(np.median(rests))
    apart = np.abs(one.values - raw - shift)
    whole = all_there & (apart <= 10 * EXACT + SAME * size)
    # beside a part that has none, the rest is one constant: that of the part that counts as nothing
    some = any_there & ~all_there & one.there
    for pattern in _patterns(some, of, free):
        rest = (one.values - raw)[pattern]
        if len(rest) and (np.abs(rest - np.median(rest)) <= 10 * EXACT + SAME * size[pattern]).all():
            whole |= pattern
    return np.asarray(whole & one.there)


def _patterns(some: Mask, of: Mapping[str, float], free: Mapping[str, _Known]) -> list[Mask]:
    if not some.any() or len(of) > MOST_BASIS:
        return []
    codes = sum(free[name].there.astype(np.int64) << place for place, name in enumerate(of))
    return [some & (codes == code) for code in np.unique(np.asarray(codes)[some])[:TRIES]]


def _write(name: str, one: _Known, sums: Sequence[_Sum], found: Mapping[str, _Known]) -> None:
    """Each row by the first sum that holds there; what is left is of its own."""
    left = one.there.copy()
    parts: dict[str, Part] = {}
    own = np.zeros(len(left))
    size = 0.0
    for made in sums:
        rows = left & made.rows
        if not rows.any() or (made.rest > EXACT and rows.sum() < ALMOST * one.there.sum()):
            continue
        left &= ~rows
        for other, part in made.of.items():
            held = rows & found[other].there
            for of, times in found[other].parts.items():
                parts[of] = np.asarray(parts.get(of, 0.0) + held * (part * times), dtype=np.float64)
        if made.rest > EXACT:
            own[rows] = made.rest
        size = max(size, float(np.sqrt(sum(part**2 for part in made.of.values()))))
    if not parts:
        one.parts = {name: 1.0}
        return
    constant = one.computed and len(np.unique(one.values[left])) <= 1
    own[left] = 0.0 if constant else size
    one.whole = not own.any()
    if not one.whole:
        parts[name] = own
    one.parts = {of: _plain(part, one.there) for of, part in parts.items() if np.any(part)}


def _plain(part: Part, there: Mask) -> Part:
    """One number if it is the same in all rows."""
    first = float(np.asarray(part)[there][0])
    return first if bool((np.asarray(part)[there] == first).all()) else part


def _together(found: Mapping[str, _Known]) -> list[list[str]]:
    """Those that have a part of the basis in common, also via others."""
    of: dict[str, int] = {}
    groups: dict[int, list[str]] = {}
    for name, one in found.items():
        mine = {of[part] for part in one.parts if part in of}
        at = min(mine, default=len(found) + len(groups) + len(of))
        names = [name]
        for other in sorted(mine):
            names = [*groups.pop(other), *names]
        groups[at] = names
        for member in names:
            of |= dict.fromkeys(found[member].parts, at)
    return list(groups.values())


def _sample(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """By chance, always the same: no step of a panel hides a column that has a value in each fourth row."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(11).choice(rows, most, replace=False))
