"""Which integer totals answer a question, and how much can one unit change each of them?

Every unit gets one integer weight from its own rows alone (the claim and its proof: weights.md beside this file).
With P = 1024 a row counts 1024/1024; a unit with more than max_rows rows that reach the question shares
1024 * max_rows among them. So no unit moves a total by more than the `sensitivity` stated here.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

from sandbox.catalog.model import Bounds, Column, KeyValue, Version
from sandbox.errors import QueryRefused
from sandbox.privacy import PrivacyUnit
from sandbox.queries.tree import Afterwards, Aggregate, Aggregation, Condition, Name, Output, Question

WEIGHT = 1024
MOST_CELLS = 100_000


class TotalKind(StrEnum):
    ROWS = "rows"  # sum of w
    PRESENT = "present"  # sum of w where the column is not empty
    UNITS = "units"  # sum of w over distinct (unit, cell) pairs
    SUM = "sum"  # sum of w * steps from zero
    CENTRED = "centred"  # sum of w * steps from the bounds' centre


@dataclass(frozen=True)
class Total:
    """One integer per cell. `sensitivity` bounds, in L1 (so in L2 and Linf too), what one unit can change in all cells."""

    kind: TotalKind
    column: str
    sensitivity: int

    @property
    def name(self) -> str:
        return f"{self.kind.value}:{self.column}"


@dataclass(frozen=True)
class Key:
    """A group key and its public values: every combination is shown, whether any row has it or not."""

    column: str
    values: tuple[KeyValue, ...]


@dataclass(frozen=True)
class PlannedOutput:
    """A column of the answer, and the totals it is made of (keys have none)."""

    name: str
    aggregation: Aggregation | None
    column: str
    totals: tuple[Total, ...]
    bounds: Bounds | None = None


@dataclass(frozen=True)
class Plan:
    version: Version
    unit: PrivacyUnit
    where: Condition | None
    keys: tuple[Key, ...]
    totals: tuple[Total, ...]
    outputs: tuple[PlannedOutput, ...]
    afterwards: Afterwards = field(default_factory=Afterwards)

    @property
    def cells(self) -> int:
        return prod(len(key.values) for key in self.keys)

    @property
    def most_groups(self) -> int:
        """How many cells one unit counts in, in full: for COUNT(DISTINCT unit)."""
        return min(self.unit.max_rows, self.cells)


def make_plan(question: Question, version: Version) -> Plan:
    """Plan a bound question (see bind). Pure. Raises `QueryRefused` when the answer would have too many cells."""
    policy = version.policy
    assert policy.unit is not None, "bind refuses datasets without a unit"
    keys = tuple(Key(name.text, _column(version, name).values) for name in question.keys)
    cells = prod(len(key.values) for key in keys)
    if cells > MOST_CELLS:
        raise QueryRefused("GROUP BY", f"the keys have {cells} combinations; at most {MOST_CELLS} can be shown.",
                           instead="Group by fewer keys.", position=question.keys[0].position)
    groups = min(policy.unit.max_rows, cells)
    outputs = tuple(_output(output, version, policy.unit, groups) for output in question.outputs)
    totals = tuple(dict.fromkeys(total for output in outputs for total in output.totals))
    return Plan(version, policy.unit, question.where, keys, totals, outputs, question.afterwards)


def _column(version: Version, name: Name) -> Column:
    column = version.policy.column(name.text)
    assert column is not None, "bind checks every name"
    return column


def _output(output: Output, version: Version, unit: PrivacyUnit, groups: int) -> PlannedOutput:
    if isinstance(output.of, Name):
        return PlannedOutput(output.name, None, output.of.text, ())
    aggregate = output.of
    column = _column(version, aggregate.column) if aggregate.column else None
    return PlannedOutput(output.name, aggregate.aggregation, column.name if column else "",
                         _totals(aggregate, column, unit.max_rows, groups), column.bounds if column else None)


def _totals(aggregate: Aggregate, column: Column | None, max_rows: int, groups: int) -> tuple[Total, ...]:
    rows = WEIGHT * max_rows
    if column is None:
        return (Total(TotalKind.ROWS, "", rows),)
    if aggregate.aggregation is Aggregation.COUNT_DISTINCT:
        return (Total(TotalKind.UNITS, "", WEIGHT * groups),)
    present = Total(TotalKind.ROWS, "", rows) if column.required else Total(TotalKind.PRESENT, column.name, rows)
    if aggregate.aggregation is Aggregation.COUNT:
        return (present,)
    assert column.bounds is not None, "bind checks that a measure has bounds"
    if aggregate.aggregation is Aggregation.SUM:
        return (Total(TotalKind.SUM, column.name, rows * column.bounds.reach),)
    return (Total(TotalKind.CENTRED, column.name, rows * column.bounds.span), present)
