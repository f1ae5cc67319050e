"""What does the analyst get? The answer as JSON: columns, rows, the error of every value, price, receipt."""

from itertools import product
from typing import Any

from sandbox.queries.plan import Plan, PlannedOutput
from sandbox.queries.tree import Aggregation
from sandbox.releases.arrange import arranged
from sandbox.releases.estimate import Estimate, Noisy, average, count, total

TYPES = {Aggregation.COUNT: "count", Aggregation.COUNT_DISTINCT: "units", Aggregation.SUM: "sum", Aggregation.AVG: "average"}


def table(plan: Plan, released: dict[str, tuple[float, list[int]]]) -> dict[str, Any]:
    """The columns, rows and errors of a plan's answer. `released`: by total's name, its noise scale and noisy cells."""
    rows: list[list[Any]] = []
    errors: list[dict[str, Any]] = []
    for cell, values in enumerate(product(*(key.values for key in plan.keys))):
        keys = dict(zip((key.column for key in plan.keys), values, strict=True))
        row: list[Any] = []
        fault: dict[str, Any] = {}
        for output in plan.outputs:
            if output.aggregation is None:
                row.append(keys[output.column])
                continue
            noisy = [Noisy(released[part.name][1][cell], released[part.name][0]) for part in output.totals]
            estimate = _estimate(output, noisy)
            row.append(estimate.value)
            fault[output.name] = {"standard_error": estimate.standard_error, "low": estimate.low,
                                  "high": estimate.high} | ({"note": estimate.note} if estimate.note else {})
        rows.append(row)
        errors.append(fault)
    kept = arranged(plan.afterwards, [output.name for output in plan.outputs], rows)
    return {"columns": [_column(plan, output) for output in plan.outputs], "rows": [rows[place] for place in kept],
            "errors": [errors[place] for place in kept]}


def _estimate(output: PlannedOutput, noisy: list[Noisy]) -> Estimate:
    if output.aggregation is Aggregation.AVG:
        assert output.bounds is not None
        return average(noisy[0], noisy[1], output.bounds)
    if output.aggregation is Aggregation.SUM:
        assert output.bounds is not None
        return total(noisy[0], output.bounds)
    return count(noisy[0])


def _column(plan: Plan, output: PlannedOutput) -> dict[str, Any]:
    if output.aggregation is None:
        column = plan.version.policy.column(output.column)
        return {"name": output.name, "kind": "key", "type": column.type.value if column else "text"}
    column = plan.version.policy.column(output.column) if output.column else None
    said = {"name": output.name, "kind": TYPES[output.aggregation], "type": "number"}
    return said | ({"measured_in": column.measured_in} if column and column.measured_in else {})
