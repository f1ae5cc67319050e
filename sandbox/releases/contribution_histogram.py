"""Estimates how many rows lie beyond those that their units count in full.
It is bought once, when a version is published, and is public then.

A bound on what units may add keeps a question private, and makes its counts and sums too low by an amount
that no noise interval shows. So that amount is estimated, from a private histogram of units by their number
of rows.

Claim: of a unit with T rows in the version, a question on this dataset alone leaves out at most max(0, T -
max_rows). Proof: of the unit's rows t <= T reach the question, with norm s <= t over its cells (weights.md).
They count as t * min(1, max_rows / s) >= min(t, max_rows), but for the rounding of the weight, which is below
a thousandth. With a filter, or with more groups, it is less. What follows for intervals, also after joins,
says bounding_bias.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import insert, select

from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, raise_limit, reserve, settle, statement
from sandbox.catalog import Version
from sandbox.catalog.publish import decide_publish
from sandbox.database import Transaction
from sandbox.errors import BudgetExhausted
from sandbox.identity import Principal, load_principal
from sandbox.privacy import ZERO
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.plan.price import LossTooSmall
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases.answer.bounding_bias import RowsBeyond, rows_beyond
from sandbox.releases.context import AskContext
from sandbox.releases.noise import add_noise
from sandbox.releases.response_time import allowance_seconds, computing_seconds, limit_seconds, until_due
from sandbox.releases.tables import left_out_rows

OCTAVES, STEPS = 15, 4
"""The histogram's bins end at max_rows times 1, 1.25, 1.5, 1.75, 2, 2.5, 3, ...
2**15; what is beyond that is in the last."""

SURE = 4.0
"""The bins of an octave are seen where one of their noisy numbers, or all together,
are above so many of their standard errors.

Noise alone is so large somewhere with a chance of 0.3 %, which makes the interval wider and no less true."""


@dataclass(frozen=True)
class ContributionHistogram:
    """The share of a version's rows, in percent of the public number of rows,
    that all its units have beyond `max_rows`.

    `low` to `high` hold it but in one of some ten thousand cases, and but for the few units that the noise
    hides: `beyond` says how many these are, and is what intervals are computed from.
    """

    low: float
    high: float
    beyond: RowsBeyond
    units: float
    """How many units the version has, about."""


def measure_contributions(context: AskContext, officer: Principal, version: Version) -> None:
    """Buy the estimate for a version that was just published, at the price of one question of its policy.

    The dataset's and the population's budgets pay. Where they have not enough left, or a question of the
    policy's epsilon would be noise alone, there is no estimate.
    """
    budget = version.policy.budget
    if version.policy.unit is None or budget is None:
        return
    scope = Scope(version.policy)
    plan = make_plan(bind(parse(_sql(version)), scope), version, scope)
    try:
        [share] = price_within(plan, budget.loss(budget.question_epsilon)).shares
    except LossTooSmall:
        return
    id, account = uuid4(), Account(Level.GRANT, f"left-out:{version.dataset}")
    try:
        with context.database.transaction() as tx:
            raise_limit(tx, account, ZERO)
            raise_limit(tx, account, statement(tx, account).spent + share.loss)
            reserve(
                tx,
                id=id,
                grant=account.key,
                dataset=version.dataset,
                population=version.policy.population,
                loss=share.loss,
                prepared_for=[version.split],
            )
            append(
                tx,
                Event(
                    "left_out.asked", officer.id, f"dataset:{version.name}", {"picorho": share.loss.picorho}
                ),
            )
    except BudgetExhausted:
        return
    with context.engine.place():
        context.engine.warm(version)
        with until_due(allowance := allowance_seconds(plan), load=context.engine.load()):
            units = add_noise(
                share,
                context.engine.totals(
                    plan, seconds=limit_seconds(allowance), computing_seconds=computing_seconds(plan)
                )[share.total],
            )
    with context.database.transaction() as tx:
        # again: it took its time
        decide_publish(context.gate, load_principal(tx, officer.id, hold=True), version.policy)
        tx.execute(
            insert(left_out_rows).values(
                dataset=version.dataset,
                number=version.number,
                picorho=share.loss.picorho,
                scale=share.scale,
                units=units,
            )
        )
        settle(tx, id=id)
        append(
            tx,
            Event(
                "left_out.released", officer.id, f"dataset:{version.name}", {"picorho": share.loss.picorho}
            ),
        )


def contribution_histogram(tx: Transaction, version: Version) -> ContributionHistogram | None:
    """What was bought for a version; None where nothing was."""
    row = tx.execute(
        select(left_out_rows).where(
            left_out_rows.c.dataset == version.dataset, left_out_rows.c.number == version.number
        )
    ).first()
    return None if row is None else contribution_histogram_of(version, row.units, row.scale)


def contribution_histogram_of(version: Version, units: Sequence[int], scale: float) -> ContributionHistogram:
    """What follows from the noisy histogram: how many units, in steps of 1/1024, have how many rows."""
    unit, error, steps = version.policy.unit, scale / WEIGHT, (len(units) - 1) // OCTAVES
    assert unit is not None, "only such a version is measured"
    ends = [end - unit.max_rows for end in row_limits(unit.max_rows, steps)]
    bins = [
        _Bin(number / WEIGHT, under, most, place // steps)
        for place, (number, (under, most)) in enumerate(zip(units[1:], pairwise(ends), strict=True))
        if under < most
    ]
    last = -1
    for octave in range(OCTAVES):
        counts = [one.units for one in bins if one.octave == octave]
        if counts and (sum(counts) > SURE * error * sqrt(len(counts)) or max(counts) > SURE * error):
            last = octave
    # the last bin has no end, so nothing follows from it
    seen = [one for one in bins[:-1] if one.octave <= last]
    low, high = sum(one.units * (one.under + 1) for one in seen), sum(one.units * one.most for one in seen)
    noise = SURE * error * sqrt(sum(one.most**2 for one in seen))
    beyond = rows_beyond(
        unit.max_rows,
        [
            (one.most + unit.max_rows, _at_most(seen[place:], error))
            for place, one in reversed(list(enumerate(seen)))
        ],
        most=high + noise,
        unseen=ceil(_at_most(bins[len(seen) :], error)),
    )
    percent = 100 / max(1, version.policy.about_rows)
    return ContributionHistogram(
        min(100.0, max(0.0, low - noise) * percent),
        min(100.0, max(0.0, high + noise) * percent),
        beyond,
        max(1.0, sum(units) / WEIGHT),
    )


def _at_most(bins: Sequence["_Bin"], error: float) -> float:
    """How many units are in some bins, at most: the sum's noise is that of one bin,
    times the root of their number."""
    return max(0.0, sum(one.units for one in bins) + SURE * error * sqrt(len(bins)))


class _Bin(NamedTuple):
    """The noisy number of units that have more than `under`, and at most `most`, rows beyond `max_rows`."""

    units: float
    under: int
    most: int
    octave: int


def row_limits(max_rows: int, steps: int) -> list[int]:
    """Up to how many rows the units of each bin have; `steps` bins in each octave."""
    return [
        max_rows * (steps + place % steps) * 2 ** (place // steps) // steps
        for place in range(steps * OCTAVES + 1)
    ]


def _sql(version: Version) -> str:
    """Units by their number of rows. Each unit is one row of it, so one unit changes it by one."""
    policy = version.policy
    assert policy.unit is not None, "only such a version is measured"
    table = ".".join(f'"{part}"' for part in policy.dataset.split("."))
    branches = " ".join(
        f"WHEN n <= {end} THEN {place}" for place, end in enumerate(row_limits(policy.unit.max_rows, STEPS))
    )
    return (
        f"SELECT CASE {branches} ELSE {STEPS * OCTAVES} END AS bin, COUNT(*) AS units "
        f'FROM (SELECT "{policy.unit.column}", COUNT(*) AS n FROM {table} '
        f'GROUP BY "{policy.unit.column}") AS u GROUP BY bin'
    )
