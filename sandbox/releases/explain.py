"""Explains what an answer would cost, and how far off it would be: steps 1 to 4 of the gate.
No data is touched, nothing is spent."""

from collections.abc import Container
from fractions import Fraction
from math import inf
from typing import Any

from sandbox.budgets import Account, Level, refusal, statement
from sandbox.errors import BudgetExhausted
from sandbox.identity import Principal
from sandbox.privacy import PrivacyLoss, epsilon_told, percent_told
from sandbox.queries.describe import wording
from sandbox.queries.plan.bounds_estimation import least_units
from sandbox.queries.plan.plan import PlannedOutput
from sandbox.queries.tree import Aggregate, Name, names_in
from sandbox.queries.weights import WEIGHT
from sandbox.releases.bounding import bounding
from sandbox.releases.context import AskContext
from sandbox.releases.notes import notes
from sandbox.releases.open_data import explain_openly, open_versions
from sandbox.releases.predict import predict, typical_rows, typical_units
from sandbox.releases.prepare import Prepared, already_released, charge, charge_first, prepare
from sandbox.releases.response_time import allowance_for_keys, allowance_seconds


def explain(
    context: AskContext,
    *,
    principal: Principal,
    sql: str,
    epsilon: Fraction | None = None,
    error: float | None = None,
    grant_id: int | None = None,
) -> dict[str, Any]:
    """The price of a question by total, the error of each output, and what would be left.
    Raises as `ask` does before data."""
    if versions := open_versions(sql, version_of=context.repository.usable):
        return explain_openly(context, principal=principal, sql=sql, versions=versions)
    prepared = prepare(context, principal=principal, sql=sql, epsilon=epsilon, error=error, grant_id=grant_id)
    with context.database.transaction() as tx:
        released = already_released(tx, prepared)
        loss = charge(prepared, released) + charge_first(prepared)
        standing, *others = [statement(tx, grant.account) for grant in prepared.grants]
        policy = prepared.version.policy
        wider = [
            statement(tx, account)
            for account in (
                Account(Level.DATASET, policy.dataset),
                Account(Level.POPULATION, policy.population),
            )
        ]
        refused = refusal(tx, **prepared.charged, loss=loss)
    budget, plan = prepared.version.policy.budget, prepared.plan
    assert budget is not None
    return {
        "dataset": prepared.version.dataset,
        "version": prepared.version.number,
        "grant": prepared.grant.id,
        "epsilon": epsilon_told(loss, budget.delta),
        "delta": float(budget.delta),
        "rho": float(loss.rho),
        "picorho": loss.picorho,
        "delta_spent": float(loss.delta),
        "stored": loss.picorho == 0,
        "totals": [
            {
                "total": share.total.name,
                "one_unit_changes_it_by": share.total.sensitivity / WEIGHT,
                "picorho": 0 if share.total.name in released else share.loss.picorho,
                "released_before": share.total.name in released,
            }
            for share in prepared.price.shares
        ],
        "keys": [
            {
                "key": wording(share.discovery.of),
                "found_before": share.discovery not in plan.unknown,
                "picorho": share.loss.picorho if share.discovery in plan.unknown else 0,
                "delta": float(share.loss.delta) if share.discovery in plan.unknown else 0.0,
                "shown_from_units": share.least_units,
            }
            for share in prepared.price.keys
        ],
        "bounds": [_bounds(name, prepared) for name in plan.scope.bought],
        "bounding": [english for english, _ in bounding(plan)],
        "bounding_zh": [chinese for _, chinese in bounding(plan)],
        "outputs": [_predicted(output, prepared, released) for output in plan.outputs if output.aggregates],
        "cells": None if plan.unknown else plan.cells,
        "typical_rows_a_cell": None if plan.unknown else round(typical_rows(plan, prepared.units)),
        "budget": {
            "percent_used_now": standing.percent_used,
            "percent_used_after": _percent(standing.spent + loss, standing.limit),
            "delta_limit": float(standing.limit.delta),
            "delta_left_now": float(standing.left.delta),
            "delta_percent_used_now": standing.delta_percent_used,
            "delta_percent_used_after": _delta_percent(standing.spent + loss, standing.limit),
            "enough": refused is None,
            "refusal": None if refused is None else _told(refused),
            "such_questions_left": _times(loss, [one.left for one in (standing, *others)]),
        },
        # of these, what the grant itself spends: what others have spent or have left is
        # not this team's to see
        "percent_used_after": {
            one.account.level.value: _percent(standing.spent + loss, one.limit) for one in wider
        },
        "answer_takes_seconds": takes_seconds(prepared),
        **notes(prepared),
    }


def takes_seconds(prepared: Prepared) -> float:
    """About how long its answer takes, with finding keys and bounds that are not known yet."""
    plan = prepared.plan
    keys = [allowance_for_keys(plan, key) for key in plan.unknown]
    bounds = [allowance_for_keys(plan, each) for each in plan.scope.unbought]
    return round(allowance_seconds(plan) + sum(keys + bounds), 3)


def _percent(spent: PrivacyLoss, limit: PrivacyLoss) -> float:
    return percent_told(spent.picorho, limit.picorho)


def _delta_percent(spent: PrivacyLoss, limit: PrivacyLoss) -> float:
    return (
        percent_told(spent.delta_units, limit.delta_units) if limit.delta_units or spent.delta_units else 0.0
    )


def _times(loss: PrivacyLoss, left: list[PrivacyLoss]) -> int | None:
    """How often such a loss fits in all of these; None where it is nothing."""
    found = [one.picorho // loss.picorho for one in left if loss.picorho]
    found += [one.delta_units // loss.delta_units for one in left if loss.delta_units]
    return min(found, default=None)


def _told(refused: BudgetExhausted) -> dict[str, str]:
    return {
        "code": refused.code,
        "message": refused.message,
        "message_zh": refused.zh,
        "remedy": refused.remedy,
        "remedy_zh": refused.remedy_zh,
    }


def _bounds(name: Name, prepared: Prepared) -> dict[str, Any]:
    """Bounds that no policy has: bought before, or to be bought first."""
    share = next((share for share in prepared.price.bounds if share.bounds.of == name), None)
    budget = prepared.version.policy.budget
    assert budget is not None
    if share is None:
        low, high = prepared.plan.scope.bought[name]
        return {
            "column": name.text,
            "bought_before": True,
            "picorho": 0,
            "epsilon": 0.0,
            "low": float(low),
            "high": float(high),
        }
    return {
        "column": name.text,
        "bought_before": False,
        "picorho": share.loss.picorho,
        "epsilon": epsilon_told(share.loss, budget.delta),
        "shown_from_units": least_units(share.bounds, share.scale),
    }


def _predicted(output: PlannedOutput, prepared: Prepared, released: Container[str]) -> dict[str, Any]:
    """The noise and the price of an output, for a group of typical size.

    `noise_in_units`: the noise is as large as the effect of this number of units, each changing as much as a
    unit can.
    """
    plan, budget = prepared.plan, prepared.version.policy.budget
    assert budget is not None
    shares = {share.total: share for share in prepared.price.shares}
    mine = dict.fromkeys(total for aggregate in output.aggregates for total in plan.parts[aggregate])
    to_pay = PrivacyLoss(sum(shares[total].loss.picorho for total in mine if total.name not in released))
    said = {
        "name": output.name,
        "kind": output.asked.aggregation.value if isinstance(output.asked, Aggregate) else "computed",
        "totals": [total.name for total in mine],
        "picorho": to_pay.picorho,
        "epsilon": epsilon_told(to_pay, budget.delta),
        "noise_in_units": round(max(shares[total].scale / total.sensitivity for total in mine), 2),
        "for_a_cell_of_rows": None if plan.unknown else round(typical_rows(plan, prepared.units)),
        "for_a_cell_of_units": None if plan.unknown else round(typical_units(plan, prepared.units)),
    }
    # its bounds are not known yet
    if any(name in {one.of for one in plan.scope.unbought} for name in names_in(output.of)):
        return said | {
            "standard_error": None,
            "plus_minus_95": None,
            "percent_of_a_typical_cell": None,
            "at_worst": False,
            "for_a_value_of": None,
            "if_evenly_spread": False,
        }
    found = predict(output, plan, {total: share.scale for total, share in shares.items()}, prepared.units)
    known = found.relative != inf and not plan.unknown
    return said | {
        "standard_error": found.standard_error,
        "plus_minus_95": found.half_width,
        "percent_of_a_typical_cell": round(100 * found.relative, 2) if known else None,
        "at_worst": found.worst,
        "for_a_value_of": found.typical if known else None,
        "if_evenly_spread": found.evenly,
    }
