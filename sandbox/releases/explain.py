"""What would an answer cost, and how far off would it be? Steps 1 to 4 of the gate; no data is touched, nothing is spent."""

from fractions import Fraction
from typing import Any

from sandbox.budgets import statement
from sandbox.identity import Principal
from sandbox.privacy import PrivacyLoss, epsilon_of
from sandbox.queries.plan import WEIGHT, PlannedOutput
from sandbox.queries.price import Price
from sandbox.queries.tree import Aggregation
from sandbox.releases.desk import Desk
from sandbox.releases.estimate import half_width
from sandbox.releases.moment import allowance_seconds
from sandbox.releases.prepare import already_released, charge, prepare


def explain(desk: Desk, *, principal: Principal, sql: str, epsilon: Fraction | None = None,
            grant_id: int | None = None) -> dict[str, Any]:
    """The price of a question by total, the error of each output, and what would be left. Raises as `ask` does before data."""
    prepared = prepare(desk, principal=principal, sql=sql, epsilon=epsilon, grant_id=grant_id)
    with desk.database.transaction() as tx:
        released = already_released(tx, prepared)
        standing = statement(tx, prepared.grant.account)
    loss, budget, plan = charge(prepared, released), prepared.version.policy.budget, prepared.plan
    assert budget is not None
    typical = prepared.version.policy.about_rows / plan.cells
    return {
        "dataset": prepared.version.dataset, "version": prepared.version.number, "grant": prepared.grant.id,
        "epsilon": round(epsilon_of(loss, budget.delta), 6), "delta": float(budget.delta), "rho": float(loss.rho),
        "picorho": loss.picorho, "stored": loss.picorho == 0,
        "totals": [{"total": share.total.name, "one_unit_changes_it_by": share.total.sensitivity / WEIGHT,
                    "picorho": 0 if share.total.name in released else share.loss.picorho,
                    "released_before": share.total.name in released} for share in prepared.price.shares],
        "outputs": [_predicted(output, prepared.price, typical) for output in plan.outputs if output.aggregation],
        "cells": plan.cells, "typical_rows_a_cell": round(typical),
        "budget": {"percent_used_now": round(standing.percent_used, 4),
                   "percent_used_after": round(_percent(standing.spent + loss, standing.limit), 4),
                   "enough": loss.fits_in(standing.left),
                   "such_questions_left": standing.left.picorho // loss.picorho if loss.picorho else None},
        "answer_takes_seconds": round(allowance_seconds(plan), 3),
    }


def _percent(spent: PrivacyLoss, limit: PrivacyLoss) -> float:
    return 100 * spent.picorho / limit.picorho if limit.picorho else 100.0


def _predicted(output: PlannedOutput, price: Price, typical: float) -> dict[str, Any]:
    """The noise of an output. For an average it depends on the rows in a cell: told for one of typical size, at worst."""
    scales = [price.share(total).scale / WEIGHT for total in output.totals]
    said: dict[str, Any] = {"name": output.name, "kind": str(output.aggregation)}
    if output.aggregation is Aggregation.AVG:
        assert output.bounds is not None
        step = float(output.bounds.step)
        worst = step * (scales[0] ** 2 + (output.bounds.span * scales[1]) ** 2) ** 0.5 / max(typical, 1.0)
        return said | {"standard_error": worst, "plus_minus_95": 1.96 * worst, "for_a_cell_of_rows": round(typical)}
    unit = float(output.bounds.step) if output.bounds and output.aggregation is Aggregation.SUM else 1.0
    wide = half_width(scales[0] * WEIGHT) / WEIGHT * unit
    return said | {"standard_error": scales[0] * unit, "plus_minus_95": wide,
                   "percent_of_a_typical_cell": round(100 * wide / typical, 2) if unit == 1.0 and typical else None}
