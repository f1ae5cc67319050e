"""What does the analyst get? The answer as JSON: columns, rows, the error of every value, price, receipt."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from sandbox.catalog.model import Type
from sandbox.queries.plan import Plan, PlannedOutput
from sandbox.queries.ranges import range_of
from sandbox.queries.tree import Afterwards, Aggregate, Aggregation, Name
from sandbox.releases.arrange import arranged
from sandbox.releases.estimate import values_of
from sandbox.releases.estimate_columns import Cells, estimate_all
from sandbox.releases.evaluate import evaluate

TYPES = {Aggregation.COUNT_DISTINCT: "units", Aggregation.AVG: "average"}


def table(plan: Plan, released: dict[str, tuple[float, list[int]]]) -> dict[str, Any]:
    """The columns, rows and errors of a plan's answer. `released`: by total's name, its noise scale and noisy cells."""
    cells = Cells(plan, released)
    columns: list[list[Any]] = []
    errors: list[dict[str, Any]] = [{} for _ in cells.groups]
    keys = {key.of: place for place, key in enumerate(plan.keys)}
    for output in plan.outputs:
        if output.of in keys:
            values = [group[keys[output.of]] for group in cells.groups]
            columns.append([_shown(value) for value in values])
            continue
        if not output.aggregates:
            columns.append([_shown(evaluate(output.of, cells.keys(place))) for place in range(len(cells.groups))])
            continue
        found = estimate_all(output, cells)
        columns.append(found.values)
        for fault, error in zip(errors, found.errors, strict=True):
            fault[output.name] = error
    rows = [list(row) for row in zip(*columns, strict=True)]
    kept: Sequence[int] = range(len(rows))
    if plan.afterwards != Afterwards():
        kept = arranged(plan.afterwards, [{**cells.keys(place), **values_of(plan.parts, cell)}
                                          for place, cell in enumerate(cells.totals)])
    return {"columns": [_column(plan, output) for output in plan.outputs], "rows": [rows[place] for place in kept],
            "errors": [errors[place] for place in kept]}


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
