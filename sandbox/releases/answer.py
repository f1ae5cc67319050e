"""What does the analyst get? The answer as JSON: columns, rows, the error of every value, price, receipt."""

from datetime import date
from fractions import Fraction
from typing import Any

from sandbox.catalog.model import Type
from sandbox.queries.plan import Plan, PlannedOutput
from sandbox.queries.ranges import range_of
from sandbox.queries.relations import says_across
from sandbox.queries.tree import Afterwards, Aggregate, Aggregation, Name
from sandbox.releases.across import AnswerGroups
from sandbox.releases.arrange import arranged
from sandbox.releases.cells import Cells
from sandbox.releases.estimate_columns import estimate_across, estimate_all
from sandbox.releases.evaluate import evaluate

TYPES = {Aggregation.COUNT_DISTINCT: "units", Aggregation.AVG: "average"}


def table(plan: Plan, released: dict[str, tuple[float, list[int]]]) -> dict[str, Any]:
    """The columns, rows and errors of a plan's answer. `released`: by total's name, its noise scale and noisy cells."""
    cells, after = Cells(plan, released), plan.afterwards
    groups = AnswerGroups(plan, cells)
    places = groups.places
    shown = arranged(after, groups.all_that(after)) if after != Afterwards() else list(range(len(places)))
    columns: list[list[Any]] = []
    errors: list[dict[str, Any]] = [{} for _ in shown]
    for output in plan.outputs:
        if not output.pieces:  # a key, or made of keys
            columns.append([_shown(evaluate(output.of, cells.keys(places[row]))) for row in shown])
            continue
        found = estimate_across(output, groups, shown) if says_across(output.of) else (
            estimate_all(output, cells).of([places[row] for row in shown]))
        columns.append([_shown(value) for value in found.values])
        for fault, error in zip(errors, found.errors, strict=True):
            fault[output.name] = error
    return {"columns": [_column(plan, output) for output in plan.outputs],
            "rows": [list(row) for row in zip(*columns, strict=True)], "errors": errors}


def _shown(value: Any) -> Any:
    """A key, or what is made of keys, as JSON says it."""
    return value.isoformat() if isinstance(value, date) else float(value) if isinstance(value, Fraction) else value


def _column(plan: Plan, output: PlannedOutput) -> dict[str, Any]:
    if any(output.of == key.of for key in plan.keys):
        kind = range_of(output.of, plan.scope).type
        return {"name": output.name, "kind": "key", "type": kind.value}
    said = {"name": output.name, "kind": "computed", "type": Type.NUMBER.value}
    if not isinstance(output.asked, Aggregate):
        return said
    said["kind"] = TYPES.get(output.asked.aggregation, output.asked.aggregation.value)
    of = output.asked.of
    column = plan.scope.column(of) if isinstance(of, Name) else None
    return said | ({"measured_in": column.measured_in} if column and column.measured_in else {})
