"""Buys stand-in rows for an officer: once for a version, from the dataset's and the population's budget.

It is an officer's purchase (`releases/officer_purchase.py`): whole numbers are computed, noise is added, and
rows are made of the noisy numbers.
"""

from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import prod
from typing import Any
from uuid import UUID

from sandbox.catalog import Version
from sandbox.catalog.model import Role
from sandbox.catalog.stand_in import mark, marked_parquet
from sandbox.catalog.tables import stand_ins
from sandbox.errors import Conflict, InvalidInput, Unavailable
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource
from sandbox.privacy import PrivacyLoss, epsilon_of
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.plan.price import LEAST_SHARE
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases import AskContext
from sandbox.releases.noise import add_noise
from sandbox.releases.officer_purchase import Made, OfficerPurchase
from sandbox.releases.response_time import allowance_seconds, computing_seconds, limit_seconds
from sandbox.synthesis.fit import column_shares, fit
from sandbox.synthesis.marginals import (
    Marginal,
    Question,
    classes_of,
    first_questions,
    pair_questions,
    pairs,
    telling,
)
from sandbox.synthesis.quality import quality
from sandbox.synthesis.sample import sample

FIRST_SHARE = Fraction(2, 5)
"""The share of the loss for single columns and for units. The rest is for the pairs."""

MOST_COLUMNS = 60


@dataclass(frozen=True)
class Prices:
    """What is spent on each question of the first kind, and on each pair; they add up to at most the loss."""

    first: PrivacyLoss
    pair: PrivacyLoss


def buy_stand_in(
    context: AskContext, *, officer: Principal, dataset: str, epsilon: Fraction
) -> dict[str, Any]:
    """Buy the rows of the newest version; returns what is known of them (see `about`),
    with the log entry's number.

    Raises `Forbidden`, `InvalidInput`, `Conflict` if the version has some, `BudgetExhausted`; `Unavailable`
    with code "synthesis_failed" after data was touched.
    """
    return STAND_IN.buy(context, officer=officer, dataset=dataset, epsilon=epsilon)


def decide(gate: Gate, officer: Principal, version: Version) -> None:
    """By the grade of the dataset and all columns that are counted (就高从严). Raises `Refused`."""
    columns = [column.grade for column in version.policy.columns if column.role is not Role.HIDDEN]
    grade = gate.grades.combine([version.policy.grade, *columns])
    gate.require(
        officer,
        "buy_stand_in",
        Resource("Dataset", version.dataset, {"department": version.policy.department, "grade": grade}),
    )


def divide(version: Version, loss: PrivacyLoss) -> Prices:
    """Public: from the number of questions alone, before any is asked.
    Raises `InvalidInput` if too little is left for each."""
    policy = version.policy
    if not 0 < len(telling(policy)) <= MOST_COLUMNS:
        raise InvalidInput(
            f"{version.dataset} has {len(telling(policy))} columns to count; 1 to {MOST_COLUMNS} can be.",
            remedy="Use the stand-in rows that are made from the policy alone.",
            zh=f"{version.dataset} 有 {len(telling(policy))} 个可计数的栏目，应为 1 至 {MOST_COLUMNS} 个。",
            remedy_zh="请使用仅由策略生成的替代数据。",
        )
    many = len(pairs(policy))
    for_first = int(loss.picorho * FIRST_SHARE) if many else loss.picorho
    first = for_first // len(first_questions(policy))
    pair = (loss.picorho - for_first) // many if many else 0
    if min(first, pair or first) < LEAST_SHARE:
        raise InvalidInput(
            "The privacy loss offered is too small for this dataset.",
            code="loss_too_small",
            remedy="Offer a larger epsilon.",
            zh="所给的隐私预算太小。",
            remedy_zh="请加大 epsilon。",
        )
    return Prices(PrivacyLoss(first), PrivacyLoss(pair))


def _make(context: AskContext, version: Version, loss: PrivacyLoss) -> Made:
    """The noisy counts, and the rows and their quality that follow from them."""
    policy, budget, prices = version.policy, version.policy.budget, divide(version, loss)
    assert budget is not None
    marginals = [measure(context, version, question, prices.first) for question in first_questions(policy)]
    classes = {name: classes_of(shares) for name, shares in column_shares(policy, marginals).items()}
    marginals += [
        measure(context, version, question, prices.pair) for question in pair_questions(policy, classes)
    ]
    if sum(marginal.picorho for marginal in marginals) > loss.picorho:
        raise ValueError("more would be released than was paid")
    fitted = fit(policy, marginals)
    rows, places = sample(version, fitted)
    said = mark(
        version, stand_in="dp", epsilon=round(epsilon_of(loss, budget.delta), 6), delta=float(budget.delta)
    )
    body = marked_parquet(rows, said)
    digest = sha256(body).hexdigest()
    return Made(
        about={"kind": "dp", "sha256": digest, "quality": quality(marginals, places, fitted.classes)},
        kept={"marginals": [marginal.as_json() for marginal in marginals], "rows": body},
        logged={"rows_sha256": digest},
    )


def measure(context: AskContext, version: Version, question: Question, price: PrivacyLoss) -> Marginal:
    """One question's exact whole numbers, with the noise that its price certifies."""
    scope = Scope(version.policy)
    plan = make_plan(bind(parse(question.sql), scope), version, scope)
    [share] = price_within(plan, price).shares
    if plan.discoveries or plan.cells != prod(question.shape):
        raise ValueError("the groups are not the table's cells")
    with context.engine.place():
        context.engine.warm(version)
        exact = context.engine.totals(
            plan, seconds=limit_seconds(allowance_seconds(plan)), computing_seconds=computing_seconds(plan)
        )
    noisy = add_noise(share, exact[share.total])
    return Marginal(
        question.kind,
        question.columns,
        question.shape,
        tuple(cell / WEIGHT for cell in noisy),
        share.scale / WEIGHT,
        share.loss.picorho,
    )


def _is_open(version: Version) -> InvalidInput:
    return InvalidInput(
        f"{version.dataset} is open: its rows themselves may be used.",
        remedy="Open a copy of it instead.",
        zh=f"{version.dataset} 是开放数据，可直接使用原始记录。",
        remedy_zh="请改为开放其副本。",
    )


def _bought_already(version: Version) -> Conflict:
    return Conflict(
        f"{version.name} has stand-in rows already.",
        remedy="They are for everybody; a new version can have its own.",
        zh=f"{version.name} 已有购置的替代数据。",
        remedy_zh="其供所有人使用；新版本可另行购置。",
    )


def _failed(id: UUID, failure: Exception) -> Unavailable:
    return Unavailable(
        "The stand-in rows could not be made. Their loss stays spent, because a failure can "
        "depend on the data.",
        code="synthesis_failed",
        remedy="Tell the operator the number of the purchase.",
        zh="替代数据未能生成。其花费不退，因为失败可能与数据有关。",
        remedy_zh="请告知运营人员。",
        internal=f"stand-in {id}: {type(failure).__name__}",
    )


STAND_IN = OfficerPurchase(
    table=stand_ins,
    subject="stand-in",
    event="stand_in",
    require=decide,
    check=divide,
    make=_make,
    is_open=_is_open,
    bought_already=_bought_already,
    failed=_failed,
)
