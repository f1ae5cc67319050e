"""What would an answer cost, and how far off would it be? Steps 1 to 4 of the gate; no data is touched, nothing is spent."""

from fractions import Fraction
from math import inf
from typing import Any

from sandbox.budgets import statement
from sandbox.identity import Principal
from sandbox.privacy import PrivacyLoss, epsilon_of
from sandbox.queries.plan import Plan, PlannedOutput
from sandbox.queries.price import Price
from sandbox.queries.tree import Aggregate
from sandbox.queries.weights import WEIGHT
from sandbox.queries.wording import wording
from sandbox.releases.desk import Desk
from sandbox.releases.moment import allowance_for_keys, allowance_seconds
from sandbox.releases.notes import notes
from sandbox.releases.predict import predict, typical_rows
from sandbox.releases.prepare import already_released, charge, charge_for_keys, prepare


def explain(desk: Desk, *, principal: Principal, sql: str, epsilon: Fraction | None = None,
            error: float | None = None, grant_id: int | None = None) -> dict[str, Any]:
    """The price of a question by total, the error of each output, and what would be left. Raises as `ask` does before data."""
    prepared = prepare(desk, principal=principal, sql=sql, epsilon=epsilon, error=error, grant_id=grant_id)
    with desk.database.transaction() as tx:
        released = already_released(tx, prepared)
        standing, *others = [statement(tx, grant.account) for grant in prepared.grants]
    budget, plan = prepared.version.policy.budget, prepared.plan
    loss = charge(prepared, released) + charge_for_keys(prepared)
    assert budget is not None
    return {
        "dataset": prepared.version.dataset, "version": prepared.version.number, "grant": prepared.grant.id,
        "epsilon": round(epsilon_of(loss, budget.delta), 6), "delta": float(budget.delta), "rho": float(loss.rho),
        "picorho": loss.picorho, "stored": loss.picorho == 0,
        "totals": [{"total": share.total.name, "one_unit_changes_it_by": share.total.sensitivity / WEIGHT,
                    "picorho": 0 if share.total.name in released else share.loss.picorho,
                    "released_before": share.total.name in released} for share in prepared.price.shares],
        "keys": [{"key": wording(share.discovery.of), "found_before": share.discovery not in plan.unknown,
                  "picorho": share.loss.picorho if share.discovery in plan.unknown else 0,
                  "delta": float(share.loss.delta), "shown_from_units": share.threshold}
                 for share in prepared.price.keys],
        "outputs": [_predicted(output, plan, prepared.price) for output in plan.outputs if output.aggregates],
        "cells": None if plan.unknown else plan.cells,
        "typical_rows_a_cell": None if plan.unknown else round(typical_rows(plan)),
        "budget": {"percent_used_now": round(standing.percent_used, 4),
                   "percent_used_after": round(_percent(standing.spent + loss, standing.limit), 4),
                   "enough": all(loss.fits_in(one.left) for one in (standing, *others)),
                   "such_questions_left": standing.left.picorho // loss.picorho if loss.picorho else None},
        "answer_takes_seconds": round(allowance_seconds(plan) + sum(
            allowance_for_keys(plan, discovery) for discovery in plan.unknown), 3),
        **notes(prepared),
    }


def _percent(spent: PrivacyLoss, limit: PrivacyLoss) -> float:
    return 100 * spent.picorho / limit.picorho if limit.picorho else 100.0


def _predicted(output: PlannedOutput, plan: Plan, price: Price) -> dict[str, Any]:
    """The noise of an output, told for a group of typical size."""
    found = predict(output, plan, {share.total: share.scale for share in price.shares})
    kind = output.asked.aggregation.value if isinstance(output.asked, Aggregate) else "computed"
    known = found.relative != inf and not plan.unknown
    return {"name": output.name, "kind": kind, "standard_error": found.standard_error, "plus_minus_95": found.half_width,
            "percent_of_a_typical_cell": round(100 * found.relative, 2) if known else None,
            "for_a_cell_of_rows": None if plan.unknown else round(typical_rows(plan)), "at_worst": found.worst}
