"""Predicts how far off the noise will move an answer: before anything is spent, for a typical group, from
public facts alone.

A typical group has its even share of the dataset's public number of rows and of its units, and its values lie
in the middle of their bounds. An average's error is predicted at its worst, when all values lie at a bound. A
requested relative error follows from these, so it is promised only under these assumptions: a smaller group,
or a value nearer to zero, has a larger one. What bounds on units leave out is no part of it, because no
budget buys it back (bounding_bias.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import inf, prod, sqrt
from typing import Any

from sandbox.errors import InvalidInput
from sandbox.privacy import PrivacyLoss
from sandbox.queries.plan.plan import Plan, PlannedOutput, Total, TotalKind
from sandbox.queries.tree import (
    RANKS,
    Aggregate,
    Aggregation,
    AnswerWindow,
    Expression,
    WindowFunctionKind,
    walk,
)
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.enclose import enclose
from sandbox.releases.answer.estimate import Cell, Noisy, estimate, interval_of, values_of, z_of
from sandbox.releases.answer.evaluate import evaluate
from sandbox.releases.answer.interval import Interval
from sandbox.releases.answer.selection import CONFIDENCE
from sandbox.releases.answer.window_values import half_width, in_squares

LEAST_ERROR, MOST_ERROR = 0.0001, 10.0
MOST_RHO = 10**15  # picorho: 1000 of rho, far above any budget


@dataclass(frozen=True)
class Predicted:
    """The errors of one output, in its own unit (None: no interval would come out)."""

    standard_error: float | None
    half_width: float | None
    typical: float | None  # the value around which it is stated
    worst: bool = False
    evenly: bool = False  # only if values are spread evenly between their bounds

    @property
    def relative(self) -> float:
        """The half width as a fraction of the typical value."""
        if self.half_width is None or not self.typical:
            return inf
        return self.half_width / abs(self.typical)


def predict(
    output: PlannedOutput, plan: Plan, scales: dict[Total, float], units: float | None = None
) -> Predicted:
    """The error of `output` if each total gets noise of its scale in `scales` (in steps of 1/1024).

    `units`: how many units the dataset has, about; where that is not known, as few as its limits leave.
    """
    rows, people = typical_rows(plan, units), typical_units(plan, units)
    cell = {
        total: Noisy(_values(total, people if total.kind is TotalKind.UNITS else rows), scales[total])
        for total in plan.totals
    }
    keys: dict[Expression, object] = {key.of: key.values[0] if key.values else None for key in plan.keys}
    if is_counted(output):
        return Predicted(None, None, None)  # which ranks are sure depends on how far apart the groups are
    found = estimate(output, plan.parts, cell, keys, partial(_said, plan, cell, keys))
    value = found.value if isinstance(found.value, int | float) else None
    only = output.of if isinstance(output.of, Aggregate) else None
    if only is not None and only.aggregation is Aggregation.AVG:
        centred, present = plan.parts[only]
        assert centred.bounds is not None
        worst = (
            float(centred.bounds.step)
            * sqrt(scales[centred] ** 2 + (centred.bounds.span * scales[present]) ** 2)
            / (WEIGHT * max(rows, 1.0))
        )
        return Predicted(worst, z_of(CONFIDENCE) * worst, _middle(centred), worst=True)
    if found.low is None or found.high is None or found.standard_error is None:
        return Predicted(None, None, value)
    evenly = (
        only is None
        or only.aggregation is Aggregation.QUANTILE
        or any(total.kind is TotalKind.VALUES for total in plan.parts[only])
    )
    return Predicted(found.standard_error, (found.high - found.low) / 2, value, evenly=evenly)


def is_counted(output: PlannedOutput) -> bool:
    """Whether it is made of ranks and numbers of groups alone: it has no error of its own."""
    return all(
        isinstance(piece, AnswerWindow) and piece.over in (*RANKS, WindowFunctionKind.COUNT)
        for piece in output.pieces
    )


def _said(
    plan: Plan,
    cell: Cell,
    keys: Mapping[Expression, object],
    node: AnswerWindow,
    confidence: float,
    _: object,
) -> tuple[Any, Interval]:
    """A value across groups that are all of typical size."""
    n = prod(len(key.values) or 1 for key in plan.keys if key.of not in node.within)
    if node.first is not None and node.last is not None:
        n = min(n, node.last - node.first + 1)
    if node.of is None or node.over in (*RANKS, WindowFunctionKind.COUNT):
        return n, Interval(1.0, float(n))
    inside = {part: plan.parts[part] for part in walk(node.of) if isinstance(part, Aggregate)}
    released = {**keys, **values_of(inside, cell)}
    z = z_of(1 - (1 - confidence) / max(1, n * len(inside)))
    value = evaluate(node.of, released)
    around = enclose(
        node.of, released, {part: interval_of(part, totals, cell, z) for part, totals in inside.items()}
    )
    times = n if node.over is WindowFunctionKind.SUM and isinstance(value, int | float) else 1
    if in_squares(node, plan):
        width = half_width(node, plan, {total: noisy.scale for total, noisy in cell.items()}, n, confidence)
        return value * times, Interval(value * times - width, value * times + width)
    return value * times if times > 1 else value, Interval(around.low * times, around.high * times)


def typical_rows(plan: Plan, units: float | None = None) -> float:
    """The rows of a group of typical size: an even share of what is publicly known.
    Where each unit is one row, its units."""
    if plan.per_unit is not None and len(plan.per_unit.keys) == 1:
        return typical_units(plan, units)
    return plan.version.policy.about_rows / plan.cells


def typical_units(plan: Plan, units: float | None) -> float:
    """The units of a group of typical size: an even share of all, as if each unit were in one group."""
    if units is None:
        units = plan.version.policy.about_rows / plan.unit.max_rows
    return max(1.0, min(units, plan.version.policy.about_rows)) / plan.cells


def loss_for(plan: Plan, error: float, units: float | None = None) -> PrivacyLoss:
    """The least loss at which every output's relative error (`Predicted.relative`) is at most `error`,
    split evenly.

    Raises `InvalidInput` where no loss is enough.
    """
    if not LEAST_ERROR <= error <= MOST_ERROR:
        raise InvalidInput(
            f"The error must lie between {LEAST_ERROR:g} and {MOST_ERROR:g}.",
            code="error_out_of_range",
            remedy="Write error=0.05 for plus or minus 5 % with 95 % confidence.",
            zh=f"error 应在 {LEAST_ERROR:g} 与 {MOST_ERROR:g} 之间。",
            remedy_zh="error=0.05 表示正负 5 %（95 % 置信）。",
        )

    told = [output for output in plan.outputs if output.aggregates and not is_counted(output)]

    def enough(picorho: int) -> bool:
        rho = Fraction(picorho, 10**12 * len(plan.totals))
        scales = {total: total.sensitivity / sqrt(2 * rho) for total in plan.totals}
        return all(predict(output, plan, scales, units).relative <= error for output in told)

    if not enough(MOST_RHO):
        raise InvalidInput(
            f"No budget gives every output an error of {error:.2%}.",
            code="error_out_of_reach",
            remedy="Ask for a larger error, or give an epsilon: explain tells what it would bring.",
            zh=f"任何预算都不能让每个输出的误差达到 {error:.2%}。",
            remedy_zh="请允许更大的误差，或改给 epsilon:explain 会告知它带来的误差。",
        )
    low, high = 1, MOST_RHO
    while high - low > max(1, high // 2000):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return PrivacyLoss(high)


def _values(total: Total, rows: float) -> tuple[int, ...]:
    weight = WEIGHT * rows
    match total.kind:
        case TotalKind.SUM:
            assert total.bounds is not None
            return (round(weight * float(total.bounds.centre / total.bounds.step)),)
        case TotalKind.CENTRED:
            return (0,)
        case TotalKind.BINS:
            return (round(weight / total.bins),) * total.bins
    return (round(weight),)


def _middle(total: Total) -> float:
    """The middle of the bounds, or where that is zero how far they reach."""
    assert total.bounds is not None
    return float(total.bounds.centre) or float(total.bounds.high)
