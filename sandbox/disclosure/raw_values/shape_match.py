"""Tells whether a column of numbers is a copy of raw values that was scaled, shifted, rounded, or put through
a logarithm, by how many of its numbers fall on raw values under one map.

A map is guessed from one or two of the column's numbers, and counts how many of the others it takes to a raw
value, within what their last digit leaves open. That many do so by chance: how many is measured on the same
numbers, each moved by a few of its last digits. Honest numbers fall on raw values as often where they stand
as where they were moved to, whatever grid they lie on; copied ones do not. The bound of chance (Chernoff)
holds for all maps that were tried together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.raw_values.raw_columns import Floats, RawColumns, Shape

ODDS = 1e-6
"""A column without a copied value is taken for a copy about this often, for each raw column."""
LEAST, LEAST_SPREAD = 12, 16
"""Different numbers that a column needs, for maps of one unknown and of two."""
LONGEST = 300
THOROUGH = frozenset({"equal", "scaled", "shifted"})
"""Maps of which there are few enough to be tried on columns that are copied in part."""
CHEAP = THOROUGH | {"run"}
MOST_MAPS = 80_000
"""Of two unknowns, that are tried for a column and a raw column."""
DIGITS = 4  # as many as leave (canonical_form.py)
MOVES = (-7, -5, -4, -3, -2, 2, 3, 4, 5, 7)
SAME_ORDER, ENOUGH_ORDER = 1 - 5e-4, 50


@dataclass(frozen=True)
class Column:
    """Numbers of an output. `step`: what their last written digits, or the grid that all stand on, leave
    open."""

    values: Floats
    step: float

    @cached_property
    def distinct(self) -> Floats:
        values: Floats = np.unique(self.values)
        return values

    def some(self) -> Floats:
        """At most `LONGEST` of its different numbers, evenly spread, ends included."""
        numbers = self.distinct
        if len(numbers) <= LONGEST:
            return numbers
        return np.asarray(numbers[np.unique(np.linspace(0, len(numbers) - 1, LONGEST).astype(int))])


@dataclass(frozen=True)
class Match:
    shape: str
    how: str  # "equal", "scaled", "shifted", "linear", "logarithm", "order"
    hits: int


def find_copy(
    column: Column, raw: RawColumns, *, most_maps: int = MOST_MAPS, combined: bool = True
) -> Match | None:
    """The first raw column that it copies, or none. `combined`: also of what two columns make."""
    numbers = column.some()
    if len(numbers) < LEAST or _is_even(column.distinct):
        return None
    found = _same_order(column, raw)
    if found is not None:
        return found
    written, leaves = np.full(len(numbers), column.step / 2), _left_open(numbers, column.step)
    opens = [written] if np.allclose(written, leaves, rtol=0.5) else [written, leaves]
    for shape in raw.shapes:
        if not (shape.direct or combined):
            continue
        for how, raised, maps in _tries(numbers, shape, most_maps):
            telling = [
                open_ for open_ in opens if how in CHEAP or _can_tell(numbers, open_, raised, len(maps[0]))
            ]
            hits = _best(numbers, telling, raised, maps, thorough=how in THOROUGH)
            if hits:
                return Match(shape.name, how, hits)
    return None


def _left_open(numbers: Floats, step: float) -> Floats:
    """What the canonical form leaves open of each: it has four digits."""
    sizes = np.floor(np.log10(np.maximum(np.abs(numbers), 1e-300)))
    return np.maximum(step, 10.0 ** (sizes - DIGITS + 1)) / 2


def _is_even(numbers: Floats) -> bool:
    """Numbers counted off (1, 2, 3; 0, 0.05, 0.1) say nothing by themselves."""
    gaps = np.diff(numbers)
    return bool(len(gaps) == 0 or gaps.max() <= gaps.min() * 1.01)


def _same_order(column: Column, raw: RawColumns) -> Match | None:
    """As many numbers as a part of the raw rows has, that lie as its values do: also coarsely rounded."""
    values = np.sort(column.values)
    if len(values) < ENOUGH_ORDER or values[0] == values[-1]:
        return None
    for name, part in raw.of_size(len(values)):
        if part[0] == part[-1] or len(np.unique(part)) < LEAST_SPREAD:
            continue
        for way in (part, -part[::-1]):
            if np.corrcoef(values, way)[0, 1] > SAME_ORDER:
                return Match(name, "order", len(values))
    return None


Maps = tuple[Floats, Floats]
"""What to multiply with, and what to add then, to come from the output's numbers to raw ones."""


def _tries(numbers: Floats, shape: Shape, most: int) -> Iterator[tuple[str, Floats, Maps]]:
    raw, middle = shape.values, numbers[len(numbers) // 2 : len(numbers) // 2 + 1]
    one, none = np.ones(1), np.zeros(1)
    if middle[0] == 0:
        middle = numbers[-1:]
    yield "equal", raw, (one, none)
    scales = raw / middle[0]
    scales = scales[scales != 0]
    yield "scaled", raw, (scales, np.zeros(len(scales)))
    shifts = raw - middle[0]
    yield "shifted", raw, (np.ones(len(shifts)), shifts)
    back = raw + middle[0]
    yield "shifted", raw, (-np.ones(len(back)), back)
    if len(numbers) < LEAST_SPREAD:
        return
    if not shape.direct:
        return
    positive = raw[raw > 0]
    yield "run", raw, _runs(numbers, raw)
    yield "linear", raw, _windows(numbers, raw, most)
    if len(positive) > len(raw) // 2:
        raised = {
            "logarithm": np.log(positive),
            "logarithm of one more": np.log1p(positive),
            "root": np.sqrt(positive),
            "square": positive**2,
            "reciprocal": 1 / positive[::-1],
        }
        for how, values in raised.items():
            yield how, values, _windows(numbers, values, most // (2 if "log" in how else 8))
            yield "run", values, _runs(numbers, values)


def _joined(*maps: Maps) -> Maps:
    return np.concatenate([one for one, _ in maps]), np.concatenate([other for _, other in maps])


def _windows(numbers: Floats, raw: Floats, most: int) -> Maps:
    """Of rows drawn without regard to this column: its ends lie near the ends of the raw column."""
    width = int(min(len(raw) // 2, 8 * len(raw) / len(numbers) + 1, (most / 2) ** 0.5))
    low, high = np.arange(max(width, 1)), len(raw) - 1 - np.arange(max(width, 1))
    lows, highs = (each.ravel() for each in np.meshgrid(raw[low], raw[high]))
    return _joined(*(_through(numbers, *ends) for ends in ((lows, highs), (highs, lows))))


def _runs(numbers: Floats, raw: Floats) -> Maps:
    """Of rows chosen by this very column, such as the richest: a run of its values."""
    size = len(numbers)
    if size > len(raw):
        return np.zeros(0), np.zeros(0)
    first, last = raw[: len(raw) - size + 1], raw[size - 1 :]
    return _joined(_through(numbers, first, last), _through(numbers, last, first))


def _through(numbers: Floats, at_first: Floats, at_last: Floats) -> Maps:
    factor = (at_last - at_first) / (numbers[-1] - numbers[0])
    good = factor != 0
    return factor[good], (at_first - factor * numbers[0])[good]


def _best(numbers: Floats, opens: list[Floats], raw: Floats, maps: Maps, *, thorough: bool) -> int:
    """How many numbers the best of the maps takes to raw values; 0 if chance could do it.
    `opens`: what each number may leave open, the narrowest first."""
    factors, added = maps
    least = _least_hits(len(numbers), len(factors))
    if not opens or not len(factors) or len(numbers) < least:
        return 0
    found = _surviving(numbers, opens, raw, factors, added, thorough=thorough)
    for open_, survivors in zip(opens, found, strict=True):
        for place in survivors:
            factor, plus = factors[place], added[place]
            fits = _falls(numbers, 2 * open_, raw, factor, plus)
            if fits.sum() < max(LEAST, 0.4 * len(numbers)):
                continue
            if len(factors) > 1:
                factor, plus = _refined(numbers[fits], raw, factor, plus)
            hits = int(_falls(numbers, 1.1 * open_, raw, factor, plus).sum())
            if hits < least:
                continue
            if _surprise(numbers, 1.1 * open_, raw, factor, plus, hits) < ODDS / len(factors):
                return hits
    return 0


@lru_cache(maxsize=4096)
def _least_hits(numbers: int, maps: int) -> int:
    """Of fewer hits chance is suspected even where no moved number hits: counting those would be in vain."""
    hits = LEAST
    while hits <= numbers and chance_of(hits, _guessed(numbers)) >= ODDS / max(maps, 1):
        hits += 1
    return hits


def _can_tell(numbers: Floats, open_: Floats, raw: Floats, maps: int) -> bool:
    """Whether so few raw values lie near each other that a copy of all would not be taken for chance:
    else trying is in vain."""
    factor, added = (each[0] for each in _through(numbers, raw[:1], raw[-1:]))
    return _surprise(numbers, 0.6 * open_, raw, factor, added, len(numbers)) < ODDS / max(maps, 1)


def _refined(numbers: Floats, raw: Floats, factor: np.float64, added: np.float64) -> Floats:
    """The map that takes these numbers nearest to the raw values where they fall."""
    mapped = numbers * factor + added
    place = np.clip(np.searchsorted(raw, mapped), 1, len(raw) - 1)
    nearest = np.where(
        np.abs(raw[place] - mapped) < np.abs(mapped - raw[place - 1]), raw[place], raw[place - 1]
    )
    middle, level = numbers.mean(), nearest.mean()
    apart = numbers - middle
    slope = (apart @ (nearest - level)) / (apart @ apart)
    return np.array([slope, level - slope * middle])


def _surviving(
    numbers: Floats, opens: list[Floats], raw: Floats, factors: Floats, added: Floats, *, thorough: bool
) -> list[NDArray[np.intp]]:
    """The maps that take most of ten numbers to raw values: those that do best, at most six, for each of
    `opens`. What fits within a narrow one fits within the last, the widest: so all are tried at once.
    """
    hits = np.zeros((len(opens), len(factors)), dtype=np.int8)
    alive, still = np.arange(len(factors)), np.ones(hits.shape, dtype=np.bool_)
    for seen, place in enumerate(_ten_of(len(numbers)), start=1):
        mapped = numbers[place] * factors + added
        apart = _apart(mapped, raw)
        for which, open_ in enumerate(opens):
            hits[which] += apart <= _within(2 * open_[place], factors, mapped)
        still &= hits >= (seen // 2 if thorough else int(0.85 * seen + 0.5))
        kept = still[-1]
        if not kept.all():
            hits, still, alive = hits[:, kept], still[:, kept], alive[kept]
            factors, added = factors[kept], added[kept]
        if not len(alive):
            break
    return [
        alive[mine][np.argsort(-their[mine], kind="stable")[:6]]
        for mine, their in zip(still, hits, strict=True)
    ]


@lru_cache(maxsize=LONGEST)
def _ten_of(count: int) -> tuple[int, ...]:
    """The places of ten of so many numbers, evenly spread, ends not included."""
    return tuple(np.unique(np.linspace(1, count - 2, min(10, count - 2)).astype(int)).tolist())


def _falls(
    numbers: Floats | np.float64,
    open_: Floats | np.float64,
    raw: Floats,
    factor: Floats | np.float64,
    added: Floats | np.float64,
) -> NDArray[np.bool_]:
    """Whether a raw value lies where the number is taken to, within what it leaves open."""
    mapped = np.asarray(numbers * factor + added)
    return np.asarray(_apart(mapped, raw) <= _within(open_, factor, mapped))


def _apart(mapped: Floats, raw: Floats) -> Floats:
    """How far each is from the nearest raw value."""
    place = raw.searchsorted(mapped)
    above, below = raw.take(place, mode="clip"), raw.take(place - 1, mode="clip")
    return np.minimum(np.abs(above - mapped), np.abs(mapped - below))


def _within(open_: Floats | np.float64, factor: Floats | np.float64, mapped: Floats) -> Floats:
    """How far may be, by what the number leaves open and by what computing loses."""
    return np.asarray(open_ * np.abs(factor) + 1e-9 * np.abs(mapped))


def _surprise(
    numbers: Floats, open_: Floats, raw: Floats, factor: np.float64, added: np.float64, hits: int
) -> float:
    """The chance of so many hits, where moved numbers hit as often as they do."""
    step = 2 * open_
    moved = numbers + np.array(MOVES)[:, None] * step
    hit = _falls(moved, open_, raw, factor, added).mean(axis=0)
    return chance_of(hits, float(hit.sum()) + _guessed(len(numbers)))


def _guessed(numbers: int) -> float:
    """The hits that are expected at least: the map was guessed from up to two of them."""
    return 2 + 0.01 * numbers


def chance_of(hits: int, expected: float) -> float:
    """Of so many hits or more where so many are expected: Chernoff's bound for independent trials."""
    if hits <= expected:
        return 1.0
    return exp(max(hits - expected - hits * log(hits / expected), -700.0))


# --- rows


MOST_SAMPLED, MOST_RAW = 60, 20_000
LEAST_ROWS = 4
DRAWN = 32


def joint_rows(columns: list[Column], raw: RawColumns) -> int:
    """How many rows agree with a raw row in two columns or more at once, within what their digits leave open;
    0 if chance could do it. It finds rows that are rounded so coarsely that each column alone says nothing.

    Chance is measured on the same rows, with each column moved by a few of its steps by itself: that keeps
    what the columns have to do with each other, and breaks only the meeting in one row.
    """
    rows = raw.matrix(MOST_RAW)
    count = min((len(column.values) for column in columns), default=0)
    if count < LEAST_ROWS or rows.shape[1] < 2 or len(columns) < 2:
        return 0
    some = np.unique(np.linspace(0, count - 1, min(count, MOST_SAMPLED)).astype(int))

    @cache
    def near(which: int, place: int, move: int) -> NDArray[np.uint8]:
        return _near(columns[which], some, rows[:, place], move)

    pairs = [
        ((one, mine), (other, theirs))
        for one in range(len(columns))
        for other in range(one + 1, len(columns))
        for mine in range(rows.shape[1])
        for theirs in range(rows.shape[1])
        if mine != theirs
    ]
    draw = np.random.default_rng(1)
    moved = [(MOVES[first], MOVES[second]) for first, second in draw.integers(0, len(MOVES), (DRAWN, 2))]
    for first, second in pairs:
        hits = _meetings(near(*first, 0), near(*second, 0))
        if hits < LEAST_ROWS:
            continue
        chance = sum(_meetings(near(*first, here), near(*second, there)) for here, there in moved)
        if chance_of(hits, (chance + 2) / DRAWN) < ODDS / len(pairs):
            return hits
    return 0


def _meetings(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    """How many numbers' rows agree with a raw row in both columns."""
    return int((first & second).any(axis=1).sum())


def _near(column: Column, some: NDArray[np.intp], raw: Floats, move: int) -> NDArray[np.uint8]:
    """Which raw rows each number may come from where it is moved to. Bits, packed."""
    numbers = column.values[some]
    open_ = _left_open(numbers, column.step)
    return np.packbits(
        np.abs(raw[None, :] - (numbers + 2 * move * open_)[:, None]) <= 1.02 * open_[:, None], axis=1
    )
