"""Evaluates windows over several groups of an answer, with their intervals, from released numbers alone.

A sum of n counts (or sums) whose groups nothing noisy chose has noise of the root of n times the scale of a
single count: independent draws add in squares. Everything else holds with the confidence asked for because
all values that could be in it lie in their intervals at once (Bonferroni). Then interval arithmetic on them
holds too, whichever of them were chosen.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import inf, sqrt
from typing import Any

from sandbox.queries.plan.plan import Plan, Total
from sandbox.queries.tree import RANKS, Aggregate, AnswerWindow, Expression, WindowFunctionKind, walk
from sandbox.releases.answer.answer_cells import Cells
from sandbox.releases.answer.arrange import that_pass
from sandbox.releases.answer.bounding_bias import BoundingBias
from sandbox.releases.answer.enclose import emptiness, enclose, truths
from sandbox.releases.answer.estimate import (
    interval_of,
    is_scaled,
    scale_of,
    units_of,
    values_of,
    z_of,
)
from sandbox.releases.answer.evaluate import evaluate
from sandbox.releases.answer.interval import EVERYTHING, Interval
from sandbox.releases.answer.selection import CONFIDENCE

Numbers = Sequence[float]


@dataclass(frozen=True)
class Told:
    """A value for each group (None: empty, or withheld), and an interval of what it
    would be without noise."""

    values: Sequence[Any]
    intervals: Sequence[Interval]


@dataclass(frozen=True)
class _Partition:
    """Groups that are alike, in their order, and for each of them which it reaches:
    from `first` to before `end`."""

    places: Sequence[int]
    first: Sequence[int]
    end: Sequence[int]

    def total(self, numbers: Numbers) -> list[float]:
        """The sum of those that each reaches."""
        sums = [0.0, *accumulate(numbers)]
        return [sums[end] - sums[first] for first, end in zip(self.first, self.end, strict=True)]


@dataclass(frozen=True)
class _Member:
    """Whether a window surely counts a group, whether it may, and where the group's value lies."""

    sure: bool
    possible: bool
    side: Interval


class AnswerGroups:
    """The groups of an answer that HAVING left."""

    def __init__(self, plan: Plan, cells: Cells) -> None:
        self.plan, self.cells = plan, cells
        self._told: dict[tuple[AnswerWindow, float, bool], Told] = {}
        self._intervals: dict[tuple[Expression | None, float, bool], list[dict[Expression, Interval]]] = {}

    @cached_property
    def places(self) -> list[int]:
        """Of which cells they are."""
        having, groups, together = self.plan.afterwards.having, self.cells.groups, self.plan.together
        passing = range(len(groups)) if having is None else that_pass(having, self._of_all)
        return [place for place in passing if all(keys.holds(groups[place]) for keys in together)]

    @cached_property
    def released(self) -> list[dict[Expression, Any]]:
        """Each group's keys and aggregates."""
        return [self._of_all[place] for place in self.places]

    @cached_property
    def _of_all(self) -> list[dict[Expression, Any]]:
        return [
            {**self.cells.keys(place), **values_of(self.plan.parts, cell)}
            for place, cell in enumerate(self.cells.totals)
        ]

    def all_that(self, said: object) -> list[dict[Expression, Any]]:
        """The same with the values across groups from `said`."""
        nodes = dict.fromkeys(part for part in walk(said) if isinstance(part, AnswerWindow))
        told = {node: self.told(node, CONFIDENCE).values for node in nodes}
        return [
            {**released, **{node: told[node][row] for node in nodes}}
            for row, released in enumerate(self.released)
        ]

    def said(
        self, row: int, node: AnswerWindow, confidence: float, bias: BoundingBias | None
    ) -> tuple[Any, Interval]:
        told = self.told(node, confidence, bias)
        return told.values[row], told.intervals[row]

    def said_of_none(
        self, node: AnswerWindow, confidence: float, bias: BoundingBias | None
    ) -> tuple[Any, Interval]:
        """An aggregate of all groups where HAVING left none: 0 of a count, else empty.
        The noise may have made it leave one out."""
        possible = sum(one.possible for one in self._members(node, confidence, bias))
        if node.over is WindowFunctionKind.COUNT:
            return 0, Interval(0.0, float(possible))
        return None, EVERYTHING if possible else _point(0)

    def told(self, node: AnswerWindow, confidence: float, bias: BoundingBias | None = None) -> Told:
        known = node, confidence, bias is not None
        if known not in self._told:
            tell = self._ranked if node.over in RANKS else self._folded
            self._told[known] = tell(node, confidence, bias)
        return self._told[known]

    def _partitions(self, node: AnswerWindow) -> list[_Partition]:
        alike: dict[tuple[Any, ...], list[int]] = {}
        for place, released in enumerate(self.released):
            alike.setdefault(tuple(evaluate(part, released) for part in node.within), []).append(place)
        return [self._ordered(node, places) for places in alike.values()]

    def _ordered(self, node: AnswerWindow, places: list[int]) -> _Partition:
        at = {place: tuple(evaluate(part, self.released[place]) for part in node.order) for place in places}
        for nth in reversed(range(len(node.order))):  # sorting is stable; what is empty comes last
            known, empty = (
                [place for place in places if (at[place][nth] is None) is is_empty]
                for is_empty in (False, True)
            )
            known = sorted(known, key=lambda place, nth=nth: at[place][nth], reverse=node.descending[nth])  # type: ignore[misc]
            places = known + empty
        size = len(places)
        first = [0 if node.first is None else min(size, max(0, nth + node.first)) for nth in range(size)]
        end = [
            size if node.last is None else max(first[nth], min(size, nth + node.last + 1))
            for nth in range(size)
        ]
        for nth in reversed(range(size - 1)):
            if node.peers and at[places[nth]] == at[places[nth + 1]]:
                end[nth] = end[nth + 1]
        return _Partition(places, first, end)

    # --- sums, averages, extremes, counts, other groups' values

    def _folded(self, node: AnswerWindow, confidence: float, bias: BoundingBias | None) -> Told:
        size = len(self.released)
        values: list[Any] = (
            [1] * size if node.of is None else [evaluate(node.of, released) for released in self.released]
        )
        inside = [part for part in walk(node.of) if isinstance(part, Aggregate)]
        withheld = [
            value is None and any(released[part] is None for part in inside)
            for value, released in zip(values, self.released, strict=True)
        ]
        sides = [EVERYTHING] * size if node.of is None else self._at_once(node.of, confidence, bias)
        sides = [
            _point(0) if value is None else side  # what is empty is not in it
            for value, side in zip(values, sides, strict=True)
        ]
        found: list[Any] = [None] * size
        around = [EVERYTHING] * size
        for partition in self._partitions(node):
            told = [values[place] for place in partition.places]
            lost = [float(withheld[place]) for place in partition.places]
            hidden = (
                _fold(node.over, partition, lost)
                if node.over is WindowFunctionKind.VALUE
                else partition.total(lost)
            )
            for nth, value in enumerate(_fold(node.over, partition, told)):
                place = partition.places[nth]
                found[place] = None if hidden[nth] else value
            lows, highs = (
                _fold_side(node.over, partition, told, [side(sides[place]) for place in partition.places])
                for side in (_low, _high)
            )
            for nth, place in enumerate(partition.places):
                exact = node.over is WindowFunctionKind.COUNT and not hidden[nth]
                around[place] = (
                    _point(found[place])
                    if exact
                    else EVERYTHING
                    if hidden[nth]
                    else Interval(lows[nth], highs[nth])
                )
            for place, interval in self._left_open(node, partition, confidence, bias):
                if not around[place].unbounded:
                    around[place] = interval
            if in_squares(node, self.plan):
                scales = {total: self.cells.scale(total) for total in self.plan.totals}
                for nth, place in enumerate(partition.places):
                    if n := partition.end[nth] - partition.first[nth]:
                        width = half_width(node, self.plan, scales, n, confidence)
                        around[place] = _summed(node, self.plan, found[place], width, n, bias)
        return Told(found, around)

    def _at_once(self, of: Expression, confidence: float, bias: BoundingBias | None) -> list[Interval]:
        """Intervals that hold the true values of all groups together."""
        together = self._together(of, confidence, bias)
        return [
            enclose(of, released, together[place])
            for released, place in zip(self.released, self.places, strict=True)
        ]

    def _together(
        self, of: Expression | None, confidence: float, bias: BoundingBias | None
    ) -> list[dict[Expression, Interval]]:
        """Of each cell, intervals of what an expression is made of, and HAVING: all hold together."""
        known = of, confidence, bias is not None
        if known not in self._intervals:
            made_of = (of, self.plan.afterwards.having)
            inside = list(dict.fromkeys(part for part in walk(made_of) if isinstance(part, Aggregate)))
            z = z_of(1 - (1 - confidence) / max(1, len(self.cells.groups) * len(inside)))
            parts = self.plan.parts
            self._intervals[known] = [
                {part: interval_of(part, parts[part], totals, z, bias) for part in inside}
                for totals in self.cells.totals
            ]
        return self._intervals[known]

    def _left_open(
        self, node: AnswerWindow, partition: _Partition, confidence: float, bias: BoundingBias | None
    ) -> list[tuple[int, Interval]]:
        """Of a partition's groups those for which the noise leaves open which groups a window counts or adds,
        and where its value lies then."""
        if node.over is WindowFunctionKind.VALUE:
            return []
        members = self._members(node, confidence, bias)
        if _noisy(node.within) or (_noisy(node.order) and node.last is not None):
            most = sum(one.possible for one in members)
            count = node.over is WindowFunctionKind.COUNT
            return [(place, Interval(0.0, most)) for place in partition.places] if count else []
        full = node.first is None and node.last is None
        hidden = self._hidden(node, partition, members) if full else []
        own = [members[self.places[place]] for place in partition.places]
        found = []
        for place, first, end in zip(partition.places, partition.first, partition.end, strict=True):
            reached = [one for one in (*own[first:end], *hidden) if one.possible]
            if not all(one.sure for one in reached):
                found.append((place, _of_open(node.over, reached)))
        return found

    def _hidden(self, node: AnswerWindow, partition: _Partition, members: Sequence[_Member]) -> list[_Member]:
        """Of a partition the groups that the noise may have made HAVING leave out."""
        if self.plan.afterwards.having is None:
            return []
        shown, first = set(self.places), self.released[partition.places[0]]
        alike = tuple(evaluate(part, first) for part in node.within)
        return [
            one
            for place, one in enumerate(members)
            if one.possible
            and place not in shown
            and alike == tuple(evaluate(part, self._of_all[place]) for part in node.within)
        ]

    def _members(self, node: AnswerWindow, confidence: float, bias: BoundingBias | None) -> list["_Member"]:
        """Of each cell, whether a window over all groups counts it."""
        having, found = self.plan.afterwards.having, []
        together = self._together(node.of, confidence, bias)
        for released, intervals in zip(self._of_all, together, strict=True):
            passes = {True} if having is None else truths(having, released, intervals)
            empty = {False} if node.of is None else emptiness(node.of, released, intervals)
            found.append(
                _Member(
                    passes == {True} and True not in empty,
                    True in passes and False in empty,
                    _point(1) if node.of is None else enclose(node.of, released, intervals),
                )
            )
        return found

    # --- ranks

    def _ranked(self, node: AnswerWindow, confidence: float, bias: BoundingBias | None) -> Told:
        size = len(self.released)
        found: list[Any] = [None] * size
        around = [EVERYTHING] * size
        of, descending = node.order[0], node.descending[0]
        noisy = any(isinstance(part, Aggregate) for part in walk(node.order))
        members = self._members(replace(node, of=of), confidence, bias) if noisy else []
        for partition in self._partitions(node):
            at = [
                tuple(evaluate(part, self.released[place]) for part in node.order)
                for place in partition.places
            ]
            rank = dense = 0
            for nth, place in enumerate(partition.places):
                if nth == 0 or at[nth] != at[nth - 1]:
                    rank, dense = nth + 1, dense + 1
                said = {
                    WindowFunctionKind.RANK: rank,
                    WindowFunctionKind.DENSE_RANK: dense,
                    WindowFunctionKind.ROW_NUMBER: nth + 1,
                }[node.over]
                found[place] = None if noisy and at[nth][0] is None else said
                around[place] = _point(said)
            if noisy:
                mine = [members[self.places[place]] for place in partition.places]
                others = [*mine, *self._hidden(node, partition, members)]
                lows, highs = _in_order(mine, descending=descending)
                ordered_lows = sorted(_in_order(others, descending=descending)[0])
                sure = [one for one in mine if one.sure]
                ordered_highs = sorted(_in_order(sure, descending=descending)[1])
                for place, low, high in zip(partition.places, lows, highs, strict=True):
                    before, perhaps = bisect_left(ordered_highs, low), bisect_right(ordered_lows, high) - 1
                    best = 1 + (min(before, 1) if node.over is WindowFunctionKind.DENSE_RANK else before)
                    around[place] = Interval(best, 1 + max(before, perhaps))
        return Told(found, around)


def in_squares(node: AnswerWindow, plan: Plan) -> bool:
    """Whether it is a sum (or average) of counts or sums, each with its own noise,
    that nothing noisy chose."""
    chosen_by = (plan.afterwards.having, node.within, node.order)
    return (
        node.of is not None
        and node.over in (WindowFunctionKind.SUM, WindowFunctionKind.AVG)
        and is_scaled(node.of)
        and not any(isinstance(part, Aggregate) for part in walk(chosen_by))
    )


def _noisy(by: tuple[Expression, ...]) -> bool:
    return any(isinstance(part, Aggregate) for part in walk(by))


def _of_open(over: WindowFunctionKind, reached: Sequence[_Member]) -> Interval:
    """A window's value where some of the groups that it reaches may not be counted."""
    lows, highs = [one.side.low for one in reached], [one.side.high for one in reached]
    sure = [one.side for one in reached if one.sure]
    match over:
        case WindowFunctionKind.COUNT:
            return Interval(len(sure), len(reached))
        case WindowFunctionKind.SUM:
            return Interval(
                sum(one.side.low if one.sure else min(0.0, one.side.low) for one in reached),
                sum(one.side.high if one.sure else max(0.0, one.side.high) for one in reached),
            )
        case WindowFunctionKind.MIN:
            return Interval(min(lows), min((side.high for side in sure), default=max(highs)))
        case WindowFunctionKind.MAX:
            return Interval(max((side.low for side in sure), default=min(lows)), max(highs))
    return Interval(min(lows), max(highs))


def half_width(
    node: AnswerWindow, plan: Plan, scales: Mapping[Total, float], n: int, confidence: float
) -> float:
    """Of the interval of such a sum of n groups."""
    assert isinstance(node.of, Aggregate)
    totals = plan.parts[node.of]
    width = z_of(confidence) * sqrt(n) * scale_of(totals, scales) + 2 * n * sum(
        abs(unit) for _, unit in units_of(totals)
    )
    return width / n if node.over is WindowFunctionKind.AVG else width


def _summed(
    node: AnswerWindow, plan: Plan, value: float, width: float, n: int, bias: BoundingBias | None
) -> Interval:
    """Around such a sum (or average) of n groups: what bounding took away is known of the groups together."""
    if bias is None:
        return Interval(value - width, value + width)
    assert isinstance(node.of, Aggregate)
    times = n if node.over is WindowFunctionKind.AVG else 1
    whole = bias.widened(
        node.of, plan.parts[node.of], Interval((value - width) * times, (value + width) * times), None
    )
    return Interval(whole.low / times, whole.high / times)


def _in_order(members: Sequence[_Member], *, descending: bool) -> tuple[list[float], list[float]]:
    """The ends of their intervals, so that the first in the order is the least."""
    sides = [one.side for one in members]
    if descending:
        return [-side.high for side in sides], [-side.low for side in sides]
    return [side.low for side in sides], [side.high for side in sides]


def _low(side: Interval) -> float:
    return side.low


def _high(side: Interval) -> float:
    return side.high


def _point(value: Any) -> Interval:
    return EVERYTHING if value is None else Interval(float(value), float(value))


def _fold(over: WindowFunctionKind, partition: _Partition, values: Sequence[Any]) -> list[Any]:
    """The values of a window, by SQL's rules: what is empty is left out."""
    if over is WindowFunctionKind.VALUE:
        return [
            values[first] if first < end else None
            for first, end in zip(partition.first, partition.end, strict=True)
        ]
    known = [round(one) for one in partition.total([float(value is not None) for value in values])]
    if over is WindowFunctionKind.COUNT:
        return known
    if over in (WindowFunctionKind.MIN, WindowFunctionKind.MAX):  # these reach from the first
        choose: Callable[[float, float], float] = min if over is WindowFunctionKind.MIN else max
        nothing = inf if over is WindowFunctionKind.MIN else -inf
        running = list(accumulate((nothing if value is None else float(value) for value in values), choose))
        return [running[end - 1] if count else None for end, count in zip(partition.end, known, strict=True)]
    sums = partition.total([0.0 if value is None else float(value) for value in values])
    return [
        None if not count else total / (count if over is WindowFunctionKind.AVG else 1)
        for total, count in zip(sums, known, strict=True)
    ]


def _fold_side(
    over: WindowFunctionKind, partition: _Partition, values: Sequence[Any], ends: Numbers
) -> list[float]:
    """The same of intervals' ends: each of these windows is monotone in every value.
    Without end where a value's is."""
    finite = [
        None if value is None else 0.0 if end in (inf, -inf) else end
        for value, end in zip(values, ends, strict=True)
    ]
    if over in (WindowFunctionKind.SUM, WindowFunctionKind.AVG):
        endless = partition.total([float(end in (inf, -inf)) for end in ends])
        beyond = inf if inf in ends else -inf
        return [
            beyond if lost else 0.0 if told is None else told
            for told, lost in zip(_fold(over, partition, finite), endless, strict=True)
        ]
    return [
        0.0 if told is None else told
        for told in _fold(
            over, partition, [None if value is None else end for value, end in zip(values, ends, strict=True)]
        )
    ]
