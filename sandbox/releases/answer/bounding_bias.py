"""Bounds how far the bound on what one unit adds may have moved an answer: computed from public facts, and
shown beside the noise.

A unit with more than `max_rows` rows counts less than its rows do (queries/weights.md), so counts and sums
are too low, and averages lean to units with few rows. How many units have how many rows was bought when the
version was published (contribution_histogram.py) and is public, so all of this is post-processing.

Claim, for one cell (or several cells together) of a question: let W be its weighted number of rows and N its
number of rows. Sort the units that have more than `max_rows` rows by how many they have, and let r = T /
max_rows for a unit with T rows. Such a unit's rows weigh at least 1/r - 1/1024 each (weights.md), so of m
weighted rows it misses at most m * (r' - 1) with 1/r' = 1/r - 1/1024; and it misses at most max_rows *
(r' - 1) whatever is asked. N - W is at most the sum of that over units; at a given W it is largest where the
weight lies on those with the most rows first. `missing` is that bound as a function of W: concave, from 0 at
W = 0 up to all that is missing in the whole version.

Joins: a unit with A and B rows in two datasets has at most A * B after their join, of which max_A * max_B
count in full. Before it, at least min(A, max_A) and min(B, max_B) rows are kept (queries/plan/cost.py).
With a = max(0, A - max_A) and b likewise, at most a * max_B + max_A * b + a * b are missing, so the sums over
all units follow from each dataset's own facts. In which cell they are missing is not known: which rows are
kept is drawn for each unit.

A value over all rows of a unit (a HAVING, an average of each) is taken over the rows that were kept, where
there is such a join. So of each unit that may have more rows than that, it may be any other value: what is
counted of the unit may be counted in the wrong place, or where nothing should be (`unsure`), and what it
really has may be missing. The same holds of LEFT JOIN: the rows that were kept decide whether a row has a
partner.

A value is added up as whole steps of its grid (the policy's step, or a finer one for a computed value), so it
counts as at most half a step more or less than it is. An average is off by at most that, and a sum by that
for each row that it is of: at most as many as the noisy number of its rows leaves, or as the policy's number
of rows and what joins make of it. All of that is public.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.errors import QueryRefused
from sandbox.queries.plan.plan import Plan, Total, TotalKind
from sandbox.queries.tree import (
    Aggregate,
    Aggregation,
    Compare,
    Expression,
    GreatestLeast,
    In,
    IsNull,
    UnitAggregate,
    UnitValue,
    members,
)
from sandbox.queries.types.scope import PrivateTable, PublicTable
from sandbox.queries.types.value_ranges import bounds_of, range_of, rounding_of
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.interval import Interval

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowsBeyond:
    """What is publicly known of the units that have more than `max_rows` rows, with all but certainty
    (contribution_histogram.py).

    `weights` and `missing` are the ends of a concave line through (0, missing[0]): of so many weighted rows
    so many are missing at most. `units` is how many such units there are at most, and `most_rows` how many
    rows one has at most: but for `unseen` units, of which nothing is known (the noise hides so few).
    """

    max_rows: int
    weights: tuple[float, ...] = (0.0,)
    missing: tuple[float, ...] = (0.0,)
    units: float = 0.0
    most_rows: float = 0.0
    unseen: int = 0

    @property
    def rows(self) -> float:
        """How many rows are missing at most, in all."""
        return self.missing[-1]

    def missing_of(self, weight: float | Numbers) -> Any:
        """How many rows are missing at most where the weighted number of rows is at most `weight`."""
        return np.interp(np.maximum(weight, 0.0), self.weights, self.missing)


def rows_beyond(
    max_rows: int, bins: Sequence[tuple[float, float]], *, most: float, unseen: int
) -> RowsBeyond:
    """From at most how many units have how many rows.

    `bins`: from those with the most rows on, (at most so many rows, so many units have these or more).
    `most`: so many rows are beyond `max_rows` in all.
    """
    weights, missing, units = [0.0], [0.0], 0.0
    for rows, with_these in bins:
        more = max(0.0, with_these - units)
        units += more
        least_weight = max_rows / rows - 1 / WEIGHT
        if least_weight <= 0:  # so many rows that the weight may be rounded to nothing
            missing = [lost + more * rows for lost in missing]
            continue
        weights.append(weights[-1] + more * max_rows)
        missing.append(missing[-1] + more * max_rows * (1 / least_weight - 1))
    in_all = max(0.0, most + (most + units * max_rows) / WEIGHT)
    return RowsBeyond(
        max_rows,
        tuple(weights),
        tuple(min(lost, in_all) for lost in missing),
        units,
        max((rows for rows, _ in bins), default=float(max_rows)),
        unseen,
    )


def beyond_of_join(first: RowsBeyond, second: RowsBeyond) -> RowsBeyond:
    """Of what is left after a join on the unit: see the module's claim."""
    most, most_rows = (
        first.max_rows * second.max_rows,
        max(first.most_rows, first.max_rows) * max(second.most_rows, second.max_rows),
    )
    both = min(
        first.rows * (max(second.most_rows, second.max_rows) - second.max_rows),
        second.rows * (max(first.most_rows, first.max_rows) - first.max_rows),
    )
    rows = first.rows * second.max_rows + second.rows * first.max_rows + both
    return RowsBeyond(
        most, (0.0,), (rows,), first.units + second.units, most_rows, first.unseen + second.unseen
    )


@dataclass(frozen=True)
class Gap:
    """How far what rows (or units) really have may lie beyond what is counted of them:
    of one, and of all that are counted.

    `rows`: so many may lie elsewhere among the others; none where what is counted is the bound that the
    real value is beyond.
    """

    low: float = 0.0
    high: float = 0.0
    all_low: float = 0.0
    all_high: float = 0.0
    rows: float = 0.0


NO_GAP = Gap()


@dataclass(frozen=True)
class BoundingBias:
    """How far bounding may have moved the aggregates of a plan.
    `beyond` is of the rows that are weighed, after all joins."""

    plan: Plan
    beyond: RowsBeyond
    multiplied: int = (
        0  # a row may meet so many of the open datasets that are joined, where that is more than one
    )

    # --- what is not counted at all

    @cached_property
    def weighs_rows(self) -> bool:
        """Whether units may count less than their rows; where each unit is one row, all count in full."""
        per_unit = self.plan.per_unit
        return per_unit is None or len(per_unit.keys) > 1

    @cached_property
    def joins_units(self) -> bool:
        """Whether another private dataset is joined on the unit:
        few rows of each unit are kept before that."""
        return any(isinstance(table, PrivateTable) for table in self.plan.scope.joined.values())

    def unsure(self, total: Total) -> float:
        """How many rows (units, values) are counted at most that may belong elsewhere, or nowhere."""
        joined = self.plan.scope.joined.values()
        lacking = any(
            isinstance(table, PrivateTable) and table.outer for table in joined
        )  # who has no partner
        if not self.joins_units or (self.plan.per_unit is None and not self.plan.own and not lacking):
            return 0.0
        units = self.beyond.units + self.beyond.unseen
        return (
            units if total.kind is TotalKind.UNITS or not self.weighs_rows else units * self.beyond.max_rows
        )

    def missing(self, total: Total, weight: float | Numbers) -> Any:
        """How many rows (units, values) are missing at most, where a total says that `weight`
        are counted at most."""
        if total.kind is not TotalKind.UNITS and self.weighs_rows and (unsure := self.unsure(total)):
            return (
                np.full_like(weight, self.beyond.rows + unsure)
                if isinstance(weight, np.ndarray)
                else (self.beyond.rows + unsure)
            )
        if self.joins_units and (total.kind is TotalKind.UNITS or not self.weighs_rows):
            # of a unit with more rows than are kept before the join, the one that a filter
            # asks for may be missing
            units = self.beyond.units + self.beyond.unseen
            return np.full_like(weight, units) if isinstance(weight, np.ndarray) else units
        if not self.weighs_rows or (
            total.kind is TotalKind.UNITS and self.plan.most_groups >= self.plan.cells
        ):
            return np.zeros_like(weight, dtype=np.float64) if isinstance(weight, np.ndarray) else 0.0
        if total.kind is TotalKind.VALUES:  # a value counts once or not: it has no weight
            return (
                np.full_like(weight, self.beyond.rows) if isinstance(weight, np.ndarray) else self.beyond.rows
            )
        return self.beyond.missing_of(weight)

    # --- what is counted as less than it is

    def gap(self, of: Expression | None) -> Gap:
        """Of an expression that is made of a unit's counts or sums,
        which count as of `max_rows` rows at most."""
        if of is None or of not in self._gaps:
            return NO_GAP
        return self._gaps[of]

    def exceeds(self, asked: Aggregate) -> bool:
        """Whether real values may lie beyond the bounds that what is counted has."""
        return any(self.gap(of) != NO_GAP for of in (asked.of, asked.by))

    @cached_property
    def _gaps(self) -> dict[Expression, Gap]:
        return {
            aggregate.of: self._gap(aggregate.of)
            for aggregate in self.plan.parts
            if aggregate.of is not None
            and aggregate.aggregation is not Aggregation.COUNT
            and clamped_parts(aggregate.of)
        }

    def _gap(self, of: Expression) -> Gap:
        scope, beyond = self.plan.scope, self.beyond
        counted = range_of(of, scope)
        most = max(beyond.most_rows, beyond.max_rows)
        try:
            real = range_of(of, replace(scope, assumed_rows=int(most)))
        except QueryRefused:  # it could become too large to be computed with
            return Gap(-inf, inf, -inf, inf, inf)
        low, high = (float(end or 0) for end in (real.low, real.high))
        counted_low, counted_high = (float(end or 0) for end in (counted.low, counted.high))
        # it is cut off at its bounds; each row beyond max_rows adds what a row can
        if isinstance(of, UnitAggregate):
            one_low, one_high = 0.0, 1.0
            if of.aggregation is Aggregation.SUM and of.of is not None:
                each = range_of(of.of, scope)
                one_low, one_high = min(0.0, float(each.low or 0)), max(0.0, float(each.high or 0))
            low, high = min(0.0, low - counted_low), max(0.0, high - counted_high)
            return Gap(
                low, high, one_low * beyond.rows if low else 0.0, one_high * beyond.rows if high else 0.0
            )
        low, high = min(0.0, low - counted_high), max(0.0, high - counted_low)
        # one row for each unit; or as many as the unit has, which are its groups or what stands
        # beside each of its rows
        rows = beyond.units if not self.weighs_rows else beyond.units * beyond.max_rows + beyond.rows
        return Gap(low, high, low * rows, high * rows, rows) if low or high else NO_GAP

    # --- what is rounded

    def rounding(self, aggregate: Aggregate, total: Total) -> float:
        """How far what counts of one row (or one unit's sum or average) may be from its value."""
        assert aggregate.of is not None and total.bounds is not None
        scope = self.plan.scope
        own = float(rounding_of(aggregate.of, total.bounds, scope))
        inner = aggregate.of.of if isinstance(aggregate.of, UnitValue) else aggregate.of
        if not isinstance(inner, UnitAggregate) or inner.of is None:
            return own
        if inner.aggregation not in (Aggregation.SUM, Aggregation.AVG):
            return own
        each = float(rounding_of(inner.of, bounds_of(inner.of, scope), scope))
        rows = max(self.beyond.most_rows, self.beyond.max_rows)
        return own + each * (rows if inner.aggregation is Aggregation.SUM else 1.0)

    @cached_property
    def most_rows(self) -> int:
        """The weighted rows of all groups are so many at most, after all joins."""
        scope = self.plan.scope
        private = any(isinstance(table, PrivateTable) for table in scope.joined.values())
        a_row = max(1, self.multiplied) * (scope.max_joined_rows if private else 1)
        return self.plan.version.policy.about_rows * a_row

    # --- both, of each kind of aggregate

    def widened(
        self, aggregate: Aggregate, totals: tuple[Total, ...], around: Interval, counted: Interval | None
    ) -> Interval:
        """The interval of what an aggregate would be without bounds on units, from that of what was counted.

        `counted`: of the number of rows that an average or a sum is of, where it is known.
        """
        rows = (counted.low, counted.high) if counted else (0.0, inf)
        low, high = self.moved(aggregate, totals, around.low, around.high, *rows)
        return Interval(float(low), float(high))

    def moved(
        self, aggregate: Aggregate, totals: tuple[Total, ...], low: Any, high: Any, least: Any, most: Any
    ) -> tuple[Any, Any]:
        """The same for numbers or arrays of them: the ends of the intervals, and of the numbers of rows."""
        match aggregate.aggregation:
            case Aggregation.COUNT | Aggregation.COUNT_DISTINCT:
                return low - self.unsure(totals[0]), high + self.missing(totals[0], high)
            case Aggregation.SUM:
                return self._sum(aggregate, totals, low, high, most)
            case Aggregation.AVG:
                return self._average(aggregate, totals, low, high, least)
        return low, high  # a quantile's interval is found with it: quantile.py

    def _sum(
        self, aggregate: Aggregate, totals: tuple[Total, ...], low: Any, high: Any, most: Any
    ) -> tuple[Any, Any]:
        gap = self.gap(aggregate.of)
        least_value, most_value, *_ = totals[0].grid
        if len(totals) > 1:
            lost = self.missing(totals[1], most)
        # where no value is below zero, what is missing follows from the sum as from a number of rows
        # that are all at most
        else:
            far = max(abs(least_value), abs(most_value))
            one_sided = least_value >= 0 or most_value <= 0
            lost = self.missing(
                totals[0], np.maximum(np.abs(low), np.abs(high)) / far if one_sided and far else inf
            )
        unsure = self.unsure(totals[0])
        if rounding := self.rounding(aggregate, totals[0]):
            rounded = rounding * np.clip(most, 0.0, self.most_rows)
            low, high = low - rounded, high + rounded
        return (
            low + min(0.0, least_value) * lost - max(0.0, most_value) * unsure + gap.all_low,
            high + max(0.0, most_value) * lost - min(0.0, least_value) * unsure + gap.all_high,
        )

    def _average(
        self, aggregate: Aggregate, totals: tuple[Total, ...], low: Any, high: Any, least: Any
    ) -> tuple[Any, Any]:
        """A share of the rows is missing, with values between the bounds:
        the mean moves by that share of the way there.

        Where m of n rows do not belong there, what is left of them has a mean that is off by at most m / (n -
        m) of the bounds' width, and so has that with m other rows in their place.
        """
        least_value, most_value, *_ = totals[0].grid
        gap, rows = self.gap(aggregate.of), np.maximum(least, 1.0)
        if rounding := self.rounding(aggregate, totals[0]):
            low, high = np.maximum(low - rounding, least_value), np.minimum(high + rounding, most_value)
        lost = self.missing(totals[1], rows)
        share = lost / (rows + lost)
        low, high = low + share * (least_value - low), high + share * (most_value - high)
        if unsure := self.unsure(totals[0]):
            left = rows - unsure
            moved = np.where(
                left > 0, unsure * (most_value - least_value) / np.where(left > 0, left, 1.0), inf
            )
            low, high = np.maximum(low - moved, least_value), np.minimum(high + moved, most_value)
        return low + np.maximum(gap.low, gap.all_low / rows), high + np.minimum(gap.high, gap.all_high / rows)


def clamped_parts(of: object) -> list[Expression]:
    """A unit's counts and sums in an expression that count as of `max_rows` rows at most.

    LEAST, GREATEST and comparisons take them as they are.
    """
    if isinstance(of, UnitValue | UnitAggregate):
        inner = of.of if isinstance(of, UnitValue) else of
        return (
            [of]
            if isinstance(inner, UnitAggregate)
            and inner.aggregation in (Aggregation.COUNT, Aggregation.COUNT_DISTINCT, Aggregation.SUM)
            else []
        )
    found = []
    for part in members(of) if isinstance(of, Expression) else ():
        if not (
            isinstance(of, GreatestLeast | Compare | In | IsNull)
            and isinstance(part, UnitValue | UnitAggregate)
        ):
            found += clamped_parts(part)
    return found


def beyond_of_fan_out(beyond: RowsBeyond, fan_out: int, about_rows: int) -> RowsBeyond:
    """Of what is left after a join with an open dataset, of which `fan_out` rows may stand beside one row.

    The limit is not multiplied, because the caller chooses what open rows add: a unit with T rows may
    have T * fan_out, and T * fan_out - max_rows <= fan_out * (T - max_rows) + (fan_out - 1) * T.
    """
    most_rows = max(beyond.most_rows, beyond.max_rows) * fan_out
    rows = fan_out * beyond.rows + (fan_out - 1) * about_rows
    least_weight = beyond.max_rows / most_rows - 1 / WEIGHT
    if not rows or least_weight <= 0:
        return RowsBeyond(beyond.max_rows, (0.0,), (rows,), about_rows, most_rows, beyond.unseen)
    return RowsBeyond(
        beyond.max_rows,
        (0.0, rows / (1 / least_weight - 1)),
        (0.0, rows),
        about_rows,
        most_rows,
        beyond.unseen,
    )


def bias_of(plan: Plan, beyond: Sequence[RowsBeyond | None]) -> BoundingBias | None:
    """`beyond`: of the plan's own version and of each private dataset that is joined, in order;
    None where one is not known."""
    known = [one for one in beyond if one is not None]
    if not beyond or len(known) < len(beyond):
        return None
    found, multiplied = reduce(beyond_of_join, known), 1
    for join in plan.joins:
        table = plan.scope.joined[join.name]
        if isinstance(table, PublicTable) and not table.has_once(join.right):
            fan_out = table.fan_out(tuple(name.text for name in join.right))
            if fan_out is None:
                return None
            multiplied *= max(1, fan_out)
    if multiplied == 1:
        return BoundingBias(plan, found)
    return BoundingBias(
        plan, beyond_of_fan_out(found, multiplied, plan.version.policy.about_rows), multiplied
    )
