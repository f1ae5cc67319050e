"""Computes values from noisy totals, with standard errors and 95 % intervals, from released numbers and
public facts only.

- A count or a sum is a noisy total on its public scale (or two): its error is the noise's, known
  exactly before asking. The discrete Gaussian's quantiles are the normal's to within one step, so
  two steps are added.
- An average is a ratio of two noisy totals. Its interval is Fieller's (E. C. Fieller, "Some problems in
  interval estimation", JRSS B 16, 1954), which stays honest when the count is small; where it is unbounded
  the average is withheld as too noisy.
- A quantile is read from a noisy histogram; its interval holds every value at which the noise could have
  hidden it (quantile.py). Where the noise could hide that there are no rows, it is withheld as an average is.
- What is computed from several (a variance, a ratio of sums) gets the interval of its parts' intervals
  (interval.py), each of which is widened so that together they hold in 95 of 100 cases (Bonferroni).

The standard error of what is computed from several is first-order, with a guard: each noisy total is moved by
its own scale and by more, the largest slope counts, and what that does is added in squares.

Bounds on what one unit adds move an answer too (queries/weights.md). Where it is known how far they may
(bounding_bias.py), the interval is wider by it, so that of 100 such answers at least 95 hold what the rows
themselves say; and the standard error is the root of the squares of the noise's and of the farthest that they
may have moved it. What the noise alone says stands apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from math import hypot, inf, isfinite, sqrt
from statistics import NormalDist
from typing import Any

from sandbox.queries.plan.plan import PlannedOutput, Total, TotalKind
from sandbox.queries.tree import Aggregate, Aggregation, AnswerWindow, Expression
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.bounding_bias import BoundingBias
from sandbox.releases.answer.enclose import emptiness, enclose, is_open, jumps
from sandbox.releases.answer.evaluate import evaluate, rests_on
from sandbox.releases.answer.interval import Interval
from sandbox.releases.answer.quantile import Histogram, quantile_interval, quantile_value
from sandbox.releases.answer.selection import CONFIDENCE, UNCHOSEN, Selection

TOO_NOISY = (
    "too noisy: the count may be zero; ask with a larger epsilon",
    "噪声过大：计数可能为零；请用更大的 epsilon 提问",
)


EMPTY = (
    "empty (NULL), as in SQL: it has no value here; ELSE or COALESCE would give it one",
    "按 SQL 为空（NULL）：此处没有值；可用 ELSE 或 COALESCE 给出",
)

UNSURE = (
    "unsure: the noise may have decided it, for a number that it depends on is too near to where it changes",
    "不确定：可能由噪声决定，因为所依据的数距分界太近",
)

MOVES = (1.0, 2.5)
"""So many standard deviations each total is moved, to see how steep what is made of it can be."""

SPREADS = (Aggregation.VARIANCE, Aggregation.VARIANCE_POP, Aggregation.STDDEV, Aggregation.STDDEV_POP)
COVARIANCES = (Aggregation.COVARIANCE, Aggregation.COVARIANCE_POP)

TOO_FAR = (
    (
        "rows beyond their persons' limit may have moved it by more than can be told: only the "
        "error of the noise is known"
    ),
    "超出上限而略去的行可能使它偏离，幅度无法给出：只知道噪声的误差",
)


@dataclass(frozen=True)
class Noisy:
    """A released total of one cell (one number for each bin) and the scale of its noise,
    in whole steps of 1/1024."""

    values: tuple[float, ...]
    scale: float

    @property
    def value(self) -> float:
        return self.values[0]


@dataclass(frozen=True)
class Estimate:
    """A value, how far off it may be, and why it is withheld if it is (`value` is None then).

    `noise`: standard error and interval of the noise alone, where bounds on units may have moved it farther.
    """

    value: Any
    standard_error: float | None
    low: float | None
    high: float | None
    note: str = ""
    note_zh: str = ""
    noise: tuple[float, float, float] | None = None


Said = Callable[[AnswerWindow, float, BoundingBias | None], tuple[Any, Interval]]
"""The value across groups, and its interval at a confidence, with what bounding may have done or without."""

Cell = Mapping[Total, Noisy]
Parts = Mapping[Aggregate, tuple[Total, ...]]


@lru_cache
def z_of(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def values_of(parts: Parts, cell: Cell) -> dict[Expression, Any]:
    """Each aggregate's value in a cell; None where it is withheld."""
    return {
        aggregate: _value(aggregate, totals, cell, z_of(CONFIDENCE)) for aggregate, totals in parts.items()
    }


def estimate(
    output: PlannedOutput,
    parts: Parts,
    cell: Cell,
    keys: Mapping[Expression, Any],
    said: Said | None = None,
    bias: BoundingBias | None = None,
    chosen: Selection = UNCHOSEN,
) -> Estimate:
    """An output of one cell, with its error. `keys`: the cell's group keys.
    `said`: the values across groups, with their bias or without. `chosen`: how the cell came to be shown."""
    at = chosen.confidence
    by_noise = _estimate(output, parts, cell, keys, said, None, at)
    if by_noise.standard_error is not None:
        by_noise = replace(by_noise, standard_error=by_noise.standard_error * chosen.spread)
    return (
        by_noise
        if bias is None
        else with_noise_apart(_estimate(output, parts, cell, keys, said, bias, at), by_noise)
    )


def with_noise_apart(whole: Estimate, noise: Estimate) -> Estimate:
    """An estimate whose interval says what bounds on units may do, beside the same of the noise alone."""
    if whole.value is None and noise.value is not None and noise.standard_error is not None:
        return Estimate(noise.value, None, None, None, *TOO_FAR, noise=_of_noise(noise))
    if None in (noise.standard_error, noise.low, noise.high, whole.low, whole.high):
        return whole
    assert noise.standard_error is not None and noise.low is not None and noise.high is not None
    assert whole.low is not None and whole.high is not None
    farthest = max(noise.low - whole.low, whole.high - noise.high)
    if farthest <= 0:
        return noise
    return replace(whole, standard_error=hypot(noise.standard_error, farthest), noise=_of_noise(noise))


def _of_noise(estimate: Estimate) -> tuple[float, float, float] | None:
    error, low, high = estimate.standard_error, estimate.low, estimate.high
    return None if error is None or low is None or high is None else (error, low, high)


def _estimate(
    output: PlannedOutput,
    parts: Parts,
    cell: Cell,
    keys: Mapping[Expression, Any],
    said: Said | None,
    bias: BoundingBias | None,
    at: float,
) -> Estimate:
    used = output.aggregates
    confidence = 1 - (1 - at) / len(output.pieces)
    z = z_of(confidence)
    mine = {piece: parts[piece] for piece in output.pieces if isinstance(piece, Aggregate)}
    intervals: dict[Expression, Interval] = {
        aggregate: interval_of(aggregate, totals, cell, z, bias) for aggregate, totals in mine.items()
    }
    released = {**keys, **values_of(mine, cell)}
    for node in output.pieces:
        if isinstance(node, AnswerWindow):
            assert said is not None, "who asks for an output across groups tells what is said there"
            released[node], intervals[node] = said(node, confidence, bias)
    value = evaluate(output.of, released)
    withheld = [aggregate for aggregate in mine if released[aggregate] is None]
    if value is not None and rests_on(output.of, released, withheld):
        return Estimate(None, None, None, None, *TOO_NOISY)
    if isinstance(value, bool | str | date):
        note = UNSURE if is_open(output.of, released, intervals) else ("", "")
        return Estimate(value, None, None, None, *note)
    around = enclose(output.of, released, intervals)
    if not (bias is not None and isinstance(output.asked, Aggregate) and bias.exceeds(output.asked)):
        around = _within(output.asked, mine, around, intervals.__getitem__)
    if len(mine) < len(output.pieces) and not around.unbounded:
        if value is None or (
            not used and around.point
        ):  # empty, as in SQL, and not withheld; or made of public keys alone
            return Estimate(value, None, None, None)
        far = 1.0 if jumps(output.of, released, intervals) else z
        return Estimate(value, _by_interval(value, around, far), around.low, around.high)
    made = not isinstance(output.asked, Aggregate) and len(mine) == len(output.pieces)
    if made and value is None and not rests_on(output.of, released, withheld):
        unsure = False in emptiness(output.of, released, intervals)
        return Estimate(None, None, None, None, *(UNSURE if unsure else EMPTY))
    # a variance or a correlation whose every likely value is beyond its bounds has noise, and no
    # error that could be stated
    nothing_told = (
        around.point and isinstance(output.asked, Aggregate) and not isinstance(output.of, Aggregate)
    )
    if value is None or around.unbounded or nothing_told:
        return _too_noisy(output, intervals)
    if bias is not None:  # its standard error is the noise's and how much wider this interval is
        return Estimate(value, None, around.low, around.high)
    if jumps(output.of, released, intervals):
        return Estimate(value, _by_interval(value, around, 1.0), around.low, around.high)
    if is_scaled(output.of):  # known to the last digit before anybody asks
        return Estimate(value, _scale(parts[used[0]], cell), around.low, around.high)
    if isinstance(output.of, Aggregate) and output.of.aggregation is Aggregation.AVG:
        return Estimate(value, _average_error(parts[output.of], cell, z), around.low, around.high)

    by_total = {
        total: {aggregate: totals for aggregate, totals in mine.items() if total in totals} for total in cell
    }
    unbounded: dict[Expression, Any] = {
        **keys,
        **{
            aggregate: _value(aggregate, totals, cell, z, bounded=False) for aggregate, totals in mine.items()
        },
    }

    def moved(total: Total, by: float) -> Any:
        other = {**cell, total: Noisy(tuple(number + by for number in cell[total].values), cell[total].scale)}
        return evaluate(
            output.of,
            {
                **unbounded,
                **{
                    aggregate: _value(aggregate, totals, other, z, bounded=False)
                    for aggregate, totals in by_total[total].items()
                },
            },
        )

    error = _by_interval(value, around, z)
    straight = None if any(total.bins > 1 for total in by_total) else _spread(mine, cell, moved)
    return Estimate(value, error if straight is None else min(straight, z * error), around.low, around.high)


def _too_noisy(output: PlannedOutput, intervals: Mapping[Expression, Interval]) -> Estimate:
    """An average or a quantile that is withheld lies in the measure's bounds all the same."""
    used = output.aggregates
    bounded = (Aggregation.AVG, Aggregation.QUANTILE)
    if not used or output.of != used[0] or used[0].aggregation not in bounded:
        return Estimate(None, None, None, None, *TOO_NOISY)
    ends = intervals[used[0]]
    return Estimate(None, None, _finite(ends.low), _finite(ends.high), *TOO_NOISY)


def _finite(end: float) -> float | None:
    """Where bounds on units may have moved a value without end, no end is stated."""
    return end if isfinite(end) else None


def is_scaled(expression: Expression) -> bool:
    """Whether it is a count or a sum: noisy totals on their public scales."""
    return isinstance(expression, Aggregate) and expression.aggregation in (
        Aggregation.COUNT,
        Aggregation.COUNT_DISTINCT,
        Aggregation.SUM,
    )


def units_of(totals: Sequence[Total]) -> list[tuple[Total, float]]:
    """What one step of 1/1024 of each total is worth in a count or a sum:
    a sum around a centre has the count's part, too."""
    if totals[0].bounds is None:
        return [(totals[0], 1 / WEIGHT)]
    _, _, centre, step = totals[0].grid
    own = [(totals[0], step / WEIGHT)]
    return own if totals[0].kind is TotalKind.SUM else [*own, (totals[1], centre / WEIGHT)]


def scale_of(totals: Sequence[Total], scales: Mapping[Total, float]) -> float:
    """The scale of the noise of a count or a sum, from its totals'."""
    return sqrt(sum((scales[total] * unit) ** 2 for total, unit in units_of(totals)))


def _scale(totals: tuple[Total, ...], cell: Cell) -> float:
    return scale_of(totals, {total: cell[total].scale for total in totals})


def _by_interval(value: float, around: Interval, z: float) -> float:
    """A standard error of which `z` reach from the value to the farther end of its interval."""
    return max(around.high - value, value - around.low) / z


def _spread(parts: Parts, cell: Cell, moved: Callable[[Total, float], Any]) -> float | None:
    """The first-order standard error; None where a bound hides a move.

    What is not straight is steeper somewhere: the steepest of several moves counts.
    """
    squares = 0.0
    for total in dict.fromkeys(total for owned in parts.values() for total in owned):
        value, slopes = moved(total, 0.0), []
        for times in MOVES:
            ends = moved(total, times * cell[total].scale), moved(total, -times * cell[total].scale)
            if value is None or None in ends:
                return None
            slopes += [abs(end - value) / times for end in ends]
        if max(slopes) > 0 == min(slopes):  # on one side a bound hides it
            return None
        squares += max(slopes) ** 2
    return sqrt(squares) or None


def _within(
    asked: Expression, parts: Parts, around: Interval, counted: Callable[[Aggregate], Interval]
) -> Interval:
    """No variance of values within bounds is above a quarter of the square of how far these lie apart,
    and no covariance above a quarter of their product (T. Popoviciu 1935): of a sample n
    / (n - 1) times that."""
    if not isinstance(asked, Aggregate) or asked.aggregation not in (*SPREADS, *COVARIANCES):
        return around
    sides = [parts.get(Aggregate(Aggregation.AVG, of)) for of in (asked.of, asked.by or asked.of)]
    if None in sides:
        return around
    most = 0.25
    for totals in sides:
        assert totals is not None
        low, high, *_ = totals[0].grid
        most *= high - low
    if (n := Aggregate(Aggregation.COUNT, asked.of)) in parts:
        least = counted(n).low
        most *= least / (least - 1) if least > 1 else inf
    if asked.aggregation in (Aggregation.STDDEV, Aggregation.STDDEV_POP):
        most = sqrt(most)
    low = -most if asked.aggregation in COVARIANCES else 0.0
    return Interval(min(most, max(low, around.low)), max(low, min(most, around.high)))


def _value(
    aggregate: Aggregate, totals: tuple[Total, ...], cell: Cell, z: float, *, bounded: bool = True
) -> float | None:
    noisy = cell[totals[0]]
    match aggregate.aggregation:
        case Aggregation.COUNT | Aggregation.COUNT_DISTINCT | Aggregation.SUM:
            return sum(cell[total].value * unit for total, unit in units_of(totals))
        case Aggregation.AVG:
            return _average(noisy, cell[totals[1]], totals[0], z, bounded=bounded)[0]
    assert aggregate.fraction is not None
    histogram = _histogram(totals, cell)
    return (
        None
        if bounded and histogram.may_be_empty(z)
        else quantile_value(histogram, float(aggregate.fraction), of_a_row=aggregate.of_a_row)
    )


def interval_of(
    aggregate: Aggregate, totals: tuple[Total, ...], cell: Cell, z: float, bias: BoundingBias | None = None
) -> Interval:
    """Where an aggregate lies with the confidence of `z` standard deviations,
    and with what bounding may have done."""
    noisy = cell[totals[0]]
    match aggregate.aggregation:
        case Aggregation.COUNT | Aggregation.COUNT_DISTINCT | Aggregation.SUM:
            value = sum(cell[total].value * unit for total, unit in units_of(totals))
            # each total's own quantile is off by less than one step, and so is their sum's by
            # less than a step of each
            width = z * _scale(totals, cell) + 2 * sum(abs(unit) for _, unit in units_of(totals))
            found = Interval(value - width, value + width)
        case Aggregation.AVG:
            found = _average(noisy, cell[totals[1]], totals[0], z)[1]
        case _:
            return _quantile(aggregate, totals, cell, z, bias)
    if bias is None:
        return found
    return bias.widened(aggregate, totals, found, _rows(cell[totals[1]], z) if len(totals) > 1 else None)


def _rows(noisy: Noisy, z: float) -> Interval:
    return Interval((noisy.value - z * noisy.scale) / WEIGHT, (noisy.value + z * noisy.scale) / WEIGHT)


def _quantile(
    aggregate: Aggregate, totals: tuple[Total, ...], cell: Cell, z: float, bias: BoundingBias | None
) -> Interval:
    assert aggregate.fraction is not None
    histogram, q = _histogram(totals, cell), float(aggregate.fraction)
    if bias is None:
        return quantile_interval(histogram, q, z)
    gap, missing = bias.gap(aggregate.of), bias.missing(totals[0], histogram.rows(z) / WEIGHT)
    found = quantile_interval(histogram, q, z, missing * WEIGHT, (gap.rows + bias.unsure(totals[0])) * WEIGHT)
    low, high, *_ = totals[0].grid  # what is counted at a bound may lie beyond it
    return Interval(
        found.low + (gap.low if found.low <= low else 0.0),
        found.high + (gap.high if found.high >= high else 0.0),
    )


def _histogram(totals: tuple[Total, ...], cell: Cell) -> Histogram:
    assert totals[0].bounds is not None
    return Histogram(totals[0].bounds, tuple((cell[total].values, cell[total].scale) for total in totals))


def _average(
    centred: Noisy, present: Noisy, total: Total, z: float, *, bounded: bool = True
) -> tuple[float | None, Interval]:
    """The mean and its interval, both clipped to the measure's bounds,
    where the clamped mean is known to lie.

    A mean that the noise moved out of the bounds is reported as the bound, with half its interval's
    width to the inner side.
    """
    low, high, centre, step = total.grid
    square = present.value**2 - (z * present.scale) ** 2
    if present.value <= 0 or square <= 0:
        return None, Interval(low, high)
    product = centred.value * present.value
    root = z * sqrt(centred.scale**2 * square + (present.scale * centred.value) ** 2)
    value, least, most = (
        centre + step * steps
        for steps in (centred.value / present.value, (product - root) / square, (product + root) / square)
    )
    if not bounded:
        return value, Interval(least, most)
    half = (most - least) / 2
    least = min(least, high - half) if value > high else least
    most = max(most, low + half) if value < low else most

    def clipped(number: float) -> float:
        return min(high, max(low, number))

    return clipped(value), Interval(clipped(least), clipped(most))


def _average_error(totals: tuple[Total, ...], cell: Cell, z: float) -> float:
    """What Fieller's interval says of one standard deviation, and no more than what
    its bounds leave of it."""
    sides = [
        _average(cell[totals[0]], cell[totals[1]], totals[0], z, bounded=bounded)[1]
        for bounded in (False, True)
    ]
    return min((sides[0].high - sides[0].low) / (2 * z), (sides[1].high - sides[1].low) / z)
