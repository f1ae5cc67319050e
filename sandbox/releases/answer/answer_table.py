"""Builds the answer that the analyst gets, as JSON: columns, rows, the error of every value, price,
receipt."""

from datetime import date
from fractions import Fraction
from typing import Any

from sandbox.api_schema import exact_in_json
from sandbox.catalog.model import Type
from sandbox.queries.parse.relations import says_across
from sandbox.queries.plan.plan import Plan, PlannedOutput
from sandbox.queries.tree import Afterwards, Aggregate, Aggregation, AnswerWindow, Expression, Name, walk
from sandbox.queries.types.value_ranges import range_of
from sandbox.releases.answer.answer_cells import Cells
from sandbox.releases.answer.arrange import arranged, that_pass
from sandbox.releases.answer.bounding_bias import BoundingBias
from sandbox.releases.answer.estimate_columns import estimate_across, estimate_all, estimate_of_none
from sandbox.releases.answer.evaluate import evaluate
from sandbox.releases.answer.selection import CONFIDENCE, Selection, selection
from sandbox.releases.answer.subtotals import grouped_by
from sandbox.releases.answer.window_values import AnswerGroups

TYPES = {Aggregation.COUNT_DISTINCT: "units", Aggregation.AVG: "average"}


def table(
    plan: Plan, released: dict[str, tuple[float, list[int]]], bias: BoundingBias | None = None
) -> dict[str, Any]:
    """The columns, rows and errors of a plan's answer.
    `released`: by total's name, its noise scale and noisy cells.

    `bias`: how far bounds on units may have moved it; None: not known, so errors are about the noise alone.
    """
    after = plan.afterwards
    sets = [
        AnswerGroups(cells.plan, cells)
        for cells in (
            [grouped_by(plan, released, keys, bias) for keys in after.sets]
            if after.sets
            else [Cells(plan, released, bias=bias)]
        )
    ]
    every = [(groups, row) for groups in sets for row in range(len(groups.places))]
    if after.each == () and not every:
        return _of_no_groups(plan, sets[0])
    all_groups = sum(len(groups.cells.groups) for groups in sets)
    if after != Afterwards(after.sets):
        every = [
            every[place]
            for place in arranged(after, [group for groups in sets for group in groups.all_that(after)])
        ]
    chosen = selection(after, shown=len(every), groups=all_groups)
    rows: list[list[Any]] = [[] for _ in every]
    errors: list[dict[str, Any]] = [{} for _ in every]
    for groups in sets:
        places = [place for place, (its, _) in enumerate(every) if its is groups]
        for output in plan.outputs:
            values, faults = _said(output, groups, [every[place][1] for place in places], chosen)
            for nth, place in enumerate(places):
                rows[place].append(_shown(values[nth]))
                errors[place] |= {output.name: faults[nth]} if faults else {}
    return {"columns": [_column(plan, output) for output in plan.outputs], "rows": rows, "errors": errors}


def _of_no_groups(plan: Plan, groups: AnswerGroups) -> dict[str, Any]:
    """The one row that SQL gives of aggregates over groups where HAVING left none."""
    after = plan.afterwards
    nodes = [part for part in walk((plan.outputs, after)) if isinstance(part, AnswerWindow)]
    released: dict[Expression, Any] = {node: groups.said_of_none(node, CONFIDENCE, None)[0] for node in nodes}
    shown = bool(that_pass(after.kept, [released])) and not after.offset
    row: list[Any] = []
    errors: dict[str, Any] = {}
    for output in plan.outputs:
        if output.pieces:
            found = estimate_of_none(output, groups)
            errors |= {output.name: found.errors[0]}
        row.append(_shown(found.values[0] if output.pieces else evaluate(output.of, {})))
    columns = [_column(plan, output) for output in plan.outputs]
    return {"columns": columns, "rows": [row] * shown, "errors": [errors] * shown}


def _said(
    output: PlannedOutput, groups: AnswerGroups, shown: list[int], chosen: Selection
) -> tuple[list[Any], list[dict[str, Any]]]:
    """An output of some groups, and its errors; none of a key, or what is made of keys."""
    cells, places = groups.cells, [groups.places[row] for row in shown]
    if not output.pieces:
        return [evaluate(output.of, cells.keys(place)) for place in places], []
    found = (
        estimate_across(output, groups, shown, chosen)
        if says_across(output.of)
        else estimate_all(output, cells, chosen).of(places)
    )
    return found.values, found.errors


def _shown(value: Any) -> Any:
    """A key, or what is made of keys, as JSON says it."""
    return (
        value.isoformat()
        if isinstance(value, date)
        else float(value)
        if isinstance(value, Fraction)
        else exact_in_json(value)
    )


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
