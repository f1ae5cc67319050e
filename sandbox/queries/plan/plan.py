"""Plans the integer totals that answer a question, and bounds how much one unit can change each of them.

Every unit gets one integer weight from its own rows alone (the claim and its proof: weights.md beside this
file). With P = 1024 a row counts 1024/1024. A unit whose rows, counted by cell, have a norm above max_rows
counts proportionally less. So no unit moves a total by more than the `sensitivity` stated here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from math import isqrt, prod

from sandbox.catalog.model import Bounds, KeyValue, Version
from sandbox.errors import QueryRefused
from sandbox.privacy import PrivacyUnit
from sandbox.queries.describe import wording
from sandbox.queries.plan.moment_decomposition import in_moments
from sandbox.queries.plan.normalize import normalized
from sandbox.queries.plan.partition_selection import PartitionSelection, partition_selection_of
from sandbox.queries.refusal import KIND_ZH, place_of, refused
from sandbox.queries.tree import (
    Afterwards,
    Aggregate,
    Aggregation,
    And,
    AnswerWindow,
    Arithmetic,
    Call,
    Case,
    Expression,
    IsNull,
    Join,
    Literal,
    Name,
    Not,
    Operator,
    PerUnit,
    Question,
    Round,
    UnitKey,
    UnitValue,
    members,
    node,
    walk,
)
from sandbox.queries.types.finite_domains import public_values, that_can_pass
from sandbox.queries.types.limits import limits_of
from sandbox.queries.types.occurring_together import Together, that_occur_together
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import (
    MOST_KEY_VALUES,
    any_without_bounds,
    bounded,
    bounds_of,
    is_chosen_whole,
    never_empty,
    range_of,
)
from sandbox.queries.weights import WEIGHT, stored_sets

MOST_CELLS = 100_000
MOST_TOTALS = 64
MOST_JOINED_ROWS = 2**32
"""So many rows of one unit may count in full after all joins:
above, the squares of weights.md would not fit 128 bits."""
FINE_BINS, BINS_IN_ONE = 1024, 32
"""A quantile is read from a histogram of at most 1024 bins, and one whose bins are 32 of those together."""


class TotalKind(StrEnum):
    ROWS = "rows"  # sum of w
    PRESENT = "present"  # sum of w where the expression is not empty
    UNITS = "units"  # sum of w over distinct (unit, cell) pairs
    VALUES = "values"  # WEIGHT times the distinct values, of each unit's first few (cell, value) pairs
    SUM = "sum"  # sum of w * steps from zero
    CENTRED = "centred"  # sum of w * steps from the bounds' centre
    BINS = "bins"  # sum of w in each bin of the expression's range


@node
class Total:
    """One integer per cell (and bin).
    `sensitivity` bounds, in L2 (and so in Linf), what one unit changes in all of them."""

    kind: TotalKind
    sensitivity: int
    of: Expression | None = None
    bounds: Bounds | None = None
    bins: int = 1

    @cached_property
    def name(self) -> str:
        bins = f"/{self.bins}" if self.kind is TotalKind.BINS else ""
        return f"{self.kind.value}{bins}:{'' if self.of is None else wording(self.of)}"

    @cached_property
    def grid(self) -> tuple[float, float, float, float]:
        """The bounds' low, high, centre and step, as what is shown is computed with."""
        assert self.bounds is not None
        return (
            float(self.bounds.low),
            float(self.bounds.high),
            float(self.bounds.centre),
            float(self.bounds.step),
        )


@dataclass(frozen=True)
class Key:
    """A group key and its public values: every combination is shown, whether any row has it or not.

    Where no policy lists them they are found (`discovery`); as long as they are not, `values` is empty.
    """

    of: Expression
    values: tuple[KeyValue, ...]
    discovery: PartitionSelection | None = None


@dataclass(frozen=True)
class PlannedOutput:
    """A column of the answer: what was asked, and the same in aggregates that are released."""

    name: str
    asked: Expression
    of: Expression

    @cached_property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Without repetition. A group key has none."""
        return tuple(dict.fromkeys(part for part in walk(self.of) if isinstance(part, Aggregate)))

    @cached_property
    def pieces(self) -> tuple[Aggregate | AnswerWindow, ...]:
        """What it is computed from: aggregates of its own group, and windows across groups."""

        def found(part: Expression) -> Iterator[Aggregate | AnswerWindow]:
            if isinstance(part, Aggregate | AnswerWindow):
                yield part
            else:
                for member in members(part):
                    yield from found(member)

        return tuple(dict.fromkeys(found(self.of)))


@dataclass(frozen=True)
class Plan:
    version: Version
    scope: Scope
    unit: PrivacyUnit
    where: Expression | None
    keys: tuple[Key, ...]
    parts: Mapping[Aggregate, tuple[Total, ...]]
    outputs: tuple[PlannedOutput, ...]
    joins: tuple[Join, ...] = ()
    per_unit: PerUnit | None = None
    afterwards: Afterwards = field(default_factory=Afterwards)

    @cached_property
    def totals(self) -> tuple[Total, ...]:
        return tuple(dict.fromkeys(total for totals in self.parts.values() for total in totals))

    @cached_property
    def cells(self) -> int:
        return prod(len(key.values) or 1 for key in self.keys)

    @cached_property
    def together(self) -> tuple[Together, ...]:
        """Which values of keys occur beside each other, where these follow from the same columns."""
        return that_occur_together(
            [key.of for key in self.keys], [key.values for key in self.keys], self.scope
        )

    @cached_property
    def discoveries(self) -> tuple[PartitionSelection, ...]:
        """The keys whose values no policy lists, found or not."""
        return tuple(dict.fromkeys(key.discovery for key in self.keys if key.discovery is not None))

    @cached_property
    def unknown(self) -> tuple[PartitionSelection, ...]:
        """Those whose values are not found yet: nothing can be computed before they are."""
        return tuple(
            dict.fromkeys(
                key.discovery
                for key in self.keys
                if key.discovery is not None and key.discovery.of not in self.scope.found
            )
        )

    @cached_property
    def own(self) -> tuple[UnitValue, ...]:
        """What is taken over all rows of a unit, beside each of them."""
        said = (tuple(key.of for key in self.keys), tuple(self.parts), self.where, self.per_unit)
        return tuple(dict.fromkeys(part for part in walk(said) if isinstance(part, UnitValue)))

    @property
    def max_rows(self) -> int:
        """How many rows of one unit count in full: one, where each unit is one row;
        else what the policies allow."""
        return 1 if self.per_unit is not None and len(self.per_unit.keys) == 1 else self.scope.max_joined_rows

    @property
    def stored_keys(self) -> tuple[str, ...]:
        """The names of the keys in the policy's order, where all of them are columns of the dataset."""
        names = {key.of.text for key in self.keys if isinstance(key.of, Name) and not key.of.dataset}
        return tuple(column.name for column in self.version.policy.columns if column.name in names)

    @property
    def joins_once(self) -> bool:
        """Whether a row meets one row at most of each dataset that is joined."""
        return all(self.scope.joined[join.name].has_once(join.right) for join in self.joins)

    @property
    def weights_stored(self) -> bool:
        """Whether the weights that lie beside the rows are those that would be computed:
        nothing chooses or multiplies rows."""
        every = self.where is None and self.joins_once and all(join.outer for join in self.joins)
        return (
            every
            and self.per_unit is None
            and len(self.stored_keys) == len(self.keys)
            and (self.stored_keys in stored_sets(self.version.policy))
        )

    @property
    def most_groups(self) -> int:
        """How many cells one unit counts in, in full: for COUNT(DISTINCT unit)."""
        return self.max_rows if self.unknown else min(self.max_rows, self.cells)


def make_plan(
    question: Question, version: Version, scope: Scope | None = None, *, as_written: bool = False
) -> Plan:
    """Plan a bound question (see bind). Pure.
    Raises `QueryRefused` when the answer would have too many cells.

    `as_written`: without normalising its conditions, as releases before did, whose answers are kept under
    what they were then.
    """
    question = question if as_written else normalized(question)
    scope = replace(Scope(version.policy) if scope is None else scope, limits=limits_of(question))
    unit = scope.policy.unit
    assert unit is not None, "bind refuses datasets without a unit"
    outputs = tuple(
        PlannedOutput(output.name, output.of, in_moments(output.of, scope)) for output in question.outputs
    )
    after = in_moments(question.afterwards, scope)
    empty = Plan(
        version,
        scope,
        unit,
        question.where,
        tuple(_key(key, scope, question) for key in question.keys),
        {},
        outputs,
        question.joins,
        question.per_unit,
        after,
    )
    aggregates = dict.fromkeys(
        part for part in walk((tuple(output.of for output in outputs), after)) if isinstance(part, Aggregate)
    )
    plan = Plan(
        version,
        scope,
        unit,
        question.where,
        empty.keys,
        _parts(aggregates, empty),
        outputs,
        question.joins,
        question.per_unit,
        after,
    )
    cells = plan.cells * max((total.bins for total in plan.totals), default=1)
    if plan.max_rows > MOST_JOINED_ROWS:
        raise QueryRefused(
            "JOIN",
            f"one {unit.kind}'s rows, each joined with all others of the {unit.kind}, could be "
            f"{plan.max_rows}; at most {MOST_JOINED_ROWS} can be counted.",
            instead="Join fewer datasets.",
            why_zh=f"一个{KIND_ZH[unit.kind]}的行彼此联接后可达 {plan.max_rows} 行，"
            f"至多能计 {MOST_JOINED_ROWS} 行。",
            instead_zh="请减少联接的数据集。",
        )
    if cells > MOST_CELLS:
        fewer = MOST_CELLS * plan.cells // cells
        raise QueryRefused(
            "GROUP BY",
            f"the keys have {plan.cells} combinations; at most {MOST_CELLS} can be shown"
            f"{'' if cells == plan.cells else f' ({fewer} with a quantile)'}.",
            instead="Group by fewer keys.",
            position=place_of(question.keys[0]) if question.keys else None,
            instead_zh="请减少分组的栏目。",
            why_zh=f"分组共有 {plan.cells} 种组合，至多能显示 {MOST_CELLS} 种"
            f"{'' if cells == plan.cells else f'（有分位数时 {fewer} 种）'}。",
        )
    # keys that the policy lists are public, and free; how many groups there are is not
    across = any(
        isinstance(part, AnswerWindow) for part in walk((tuple(output.of for output in outputs), after))
    )
    if not plan.totals and (not plan.keys or plan.discoveries or across):
        raise QueryRefused(
            "A question without an aggregate",
            "there is nothing to compute.",
            instead="Ask for COUNT(*).",
            construct_zh="没有聚合的问题",
            why_zh="没有要计算的内容。",
            instead_zh="请问 COUNT(*)。",
        )
    if not plan.unknown and not scope.unbought:
        _ = plan.together  # what it refuses is refused before anything is charged
    return plan


def _parts(aggregates: Iterable[Aggregate], plan: Plan) -> dict[Aggregate, tuple[Total, ...]]:
    """The totals of each aggregate. Stops at the first that is too many."""
    parts: dict[Aggregate, tuple[Total, ...]] = {}
    totals: set[Total] = set()
    for aggregate in aggregates:
        parts[aggregate] = _totals(aggregate, plan)
        totals.update(parts[aggregate])
        if len(totals) > MOST_TOTALS:
            raise QueryRefused(
                "A question",
                f"it needs more than {MOST_TOTALS} totals.",
                instead="Ask in parts.",
                construct_zh="问题",
                instead_zh="请分几次提问。",
                why_zh=f"它需要的合计超过 {MOST_TOTALS} 个。",
            )
    return parts


def _key(key: Expression, scope: Scope, question: Question) -> Key:
    values = public_values(key, scope)
    found = key.of if isinstance(key, UnitKey) else key
    assert scope.policy.unit is not None, "bind refuses datasets without a unit"
    kind = scope.policy.unit.kind
    if (values is None or found in scope.found) and (
        discovery := partition_selection_of(key, scope)
    ) is not None:
        if values == ():
            raise refused(
                key,
                f"no value was found that enough {kind}s have.",
                "Ask with a larger epsilon, or group by a coarser expression.",
                f"没有发现足够多{KIND_ZH[kind]}共有的取值。",
                "请用更大的 epsilon，或按更粗的表达式分组。",
                said="GROUP BY {}",
            )
        return Key(key, _that_can_pass(key, values or (), question), discovery)
    if values is None:
        raise refused(
            key,
            "its possible values are not public, or are too many.",
            f"Group by an expression with at most {MOST_KEY_VALUES} known values, such as CASE ... ELSE, "
            "or FLOOR of a column with bounds.",
            "它可能的取值不公开，或过多。",
            f"请按至多有 {MOST_KEY_VALUES} 个已知取值的表达式分组，例如 CASE ... "
            "ELSE，或对有边界的栏目用 FLOOR。",
            said="GROUP BY {}",
        )
    if not values:
        raise refused(
            key,
            "it has no values.",
            "Group by another key.",
            "它没有取值。",
            "请按其他栏目分组。",
            said="GROUP BY {}",
        )
    return Key(key, _that_can_pass(key, values, question))


def _that_can_pass(key: Expression, values: tuple[KeyValue, ...], question: Question) -> tuple[KeyValue, ...]:
    values = that_can_pass(key, values, question.where)
    return that_can_pass(key, values, question.per_unit.where) if question.per_unit else values


def _totals(aggregate: Aggregate, plan: Plan) -> tuple[Total, ...]:
    rows, of, scope = WEIGHT * plan.max_rows, aggregate.of, plan.scope
    if of is None:
        return (Total(TotalKind.ROWS, rows),)
    if aggregate.aggregation is Aggregation.COUNT_DISTINCT:
        unit = Name(plan.unit.column)
        if of in (unit, UnitKey(unit)) or (
            isinstance(of, Case) and of.branches[0][1] in (unit, UnitKey(unit))
        ):
            sensitivity = isqrt(WEIGHT**2 * plan.most_groups - 1) + 1
            return (Total(TotalKind.UNITS, sensitivity, of.branches[0][0] if isinstance(of, Case) else None),)
        if range_of(of, scope).whole and any_without_bounds(of, scope) and not is_chosen_whole(of, scope):
            bounded(of, scope)  # refused: a DOUBLE could make two numbers one
        return (Total(TotalKind.VALUES, rows, of),)
    if aggregate.aggregation is Aggregation.COUNT:
        return (_present(of, plan),)
    bounds = bounds_of(of, scope)
    centred = Total(TotalKind.CENTRED, rows * bounds.span, of, bounds)
    if aggregate.aggregation is Aggregation.AVG:
        return (centred, _present(of, plan))
    if aggregate.aggregation is Aggregation.SUM:
        return (
            (centred, _present(of, plan))
            if _from_centre(bounds)
            else (Total(TotalKind.SUM, rows * bounds.reach, of, bounds),)
        )
    found = range_of(of, scope)
    width = int((bounds.high - bounds.low) / bounds.step)
    fine = min(FINE_BINS, width + 1 if found.whole and bounds.step == 1 else width)
    coarse = -(-fine // BINS_IN_ONE)
    levels = (fine,) if fine <= 2 * BINS_IN_ONE else (coarse, fine)
    return tuple(Total(TotalKind.BINS, rows, of, bounds, bins) for bins in levels)


def _from_centre(bounds: Bounds) -> bool:
    """Whether a sum is the centred total plus a multiple of the centre, and not a total from zero.

    Two totals at half the loss each have together the noise of span and centre, times the root of two. Where
    bounds begin at zero that is exactly the noise of one total from zero; and an average and a count of the
    same values are in the price.
    """
    centre = bounds.centre / bounds.step
    return 2 * (bounds.span**2 + centre**2) <= Fraction(11, 10) * bounds.reach**2


def _present(of: Expression, plan: Plan) -> Total:
    """How many rows have a value.
    One total serves all expressions that are empty where the same columns are."""
    rows = WEIGHT * plan.max_rows
    if never_empty(of, plan.scope):
        return Total(TotalKind.ROWS, rows)
    return Total(TotalKind.PRESENT, rows, _emptiness(of, plan.scope))


def _emptiness(of: Expression, scope: Scope) -> Expression:
    """An expression that is empty exactly where `of` is, as simple as can be seen."""
    for part in walk(of):
        strict = isinstance(part, Name | Literal | Round | Call) or (
            isinstance(part, Arithmetic)
            and (
                part.operator is not Operator.OVER
                or (isinstance(part.right, Literal) and part.right.value != 0)
            )
        )
        if isinstance(part, Expression) and not strict:
            return of
    names = sorted(
        {part for part in walk(of) if isinstance(part, Name) and not never_empty(part, scope)}, key=wording
    )
    if len(names) == 1:
        return names[0]
    return Case(((And(tuple(Not(IsNull(name)) for name in names)), Literal(1)),), None)
