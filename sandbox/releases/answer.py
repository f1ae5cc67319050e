"""What does the analyst get? The answer as JSON: columns, rows, the error of every value, price, receipt."""

from datetime import date
from fractions import Fraction
from itertools import product
from typing import Any

from sandbox.catalog.model import Type
from sandbox.queries.plan import Plan, PlannedOutput
from sandbox.queries.ranges import range_of
from sandbox.queries.tree import Afterwards, Aggregate, Aggregation, Expression, Name
from sandbox.releases.arrange import arranged
from sandbox.releases.estimate import Noisy, estimate, values_of
from sandbox.releases.evaluate import evaluate

TYPES = {Aggregation.COUNT_DISTINCT: "units", Aggregation.AVG: "average"}


def table(plan: Plan, released: dict[str, tuple[float, list[int]]]) -> dict[str, Any]:
    """The columns, rows and errors of a plan's answer. `released`: by total's name, its noise scale and noisy cells."""
    rows: list[list[Any]] = []
    errors: list[dict[str, Any]] = []
    groups: list[dict[Expression, Any]] = []
    for place, values in enumerate(product(*(key.values for key in plan.keys))):
        keys: dict[Expression, Any] = dict(zip((key.of for key in plan.keys), values, strict=True))
        cell = {total: Noisy(tuple(released[total.name][1][place * total.bins: (place + 1) * total.bins]),
                             released[total.name][0]) for total in plan.totals}
        row: list[Any] = []
        fault: dict[str, Any] = {}
        for output in plan.outputs:
            if not output.aggregates:
                row.append(_shown(evaluate(output.of, keys)))
                continue
            found = estimate(output, plan.parts, cell, keys)
            row.append(found.value)
            fault[output.name] = {"standard_error": found.standard_error, "low": found.low, "high": found.high} | (
                {"note": found.note, "note_zh": found.note_zh} if found.note else {})
        rows.append(row)
        errors.append(fault)
        if plan.afterwards != Afterwards():
            groups.append({**keys, **values_of(plan.parts, cell)})
    kept = arranged(plan.afterwards, groups) if plan.afterwards != Afterwards() else range(len(rows))
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
