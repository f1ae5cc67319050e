"""Buys stand-in rows for an officer: once for a version, from the dataset's and the population's budget.

It is an officer's purchase (`releases/officer_purchase.py`): whole numbers are computed, noise is added, and
rows are made of the noisy numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from hashlib import sha256
from math import prod
from typing import Any
from uuid import UUID

from sandbox.catalog import Version
from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.catalog.stand_in import mark, marked_parquet
from sandbox.catalog.tables import stand_ins
from sandbox.errors import Conflict, InvalidInput, Unavailable
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource
from sandbox.privacy import PrivacyLoss, epsilon_told
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
    Kind,
    Marginal,
    Question,
    classes_by_column,
    fine_questions,
    first_questions,
    pair_questions,
    pairs,
    telling,
)
from sandbox.synthesis.quality import quality
from sandbox.synthesis.refine import refinable, refined
from sandbox.synthesis.sample import sample
from sandbox.synthesis.stand_in_accuracy import accuracy_figures
from sandbox.synthesis.trained import how_many, result, targets, train
from sandbox.synthesis.trained import question as test_of

FIRST_SHARE = Fraction(3, 10)
"""The share of the loss for single columns and for units."""
FINE_SHARE = Fraction(1, 10)
"""The share for the parts of measures cut finer. The rest is for the pairs."""

TRAINED_SHARE = Fraction(1, 10)
"""Of all, if the officer wants it: for the test of models. The other shares are of what is left."""

MOST_COLUMNS = 60


@dataclass(frozen=True)
class Prices:
    """What is spent on each question of the first kind, on each column cut finer, on each pair, and on the
    test of each model; they add up to at most the loss."""

    first: PrivacyLoss
    fine: PrivacyLoss
    pair: PrivacyLoss
    trained: PrivacyLoss


def buy_stand_in(
    context: AskContext, *, officer: Principal, dataset: str, epsilon: Fraction, trained: bool = False
) -> dict[str, Any]:
    """Buy the rows of the newest version; returns what is known of them (see `about`),
    with the log entry's number. `trained`: a tenth of the loss tests models that learned on the rows.

    Raises `Forbidden`, `InvalidInput`, `Conflict` if the version has some, `BudgetExhausted`; `Unavailable`
    with code "synthesis_failed" after data was touched.
    """
    purchase = replace(
        STAND_IN,
        check=lambda version, loss: divide(version, loss, trained=trained),
        make=lambda context, version, loss: _make(context, version, loss, trained=trained),
    )
    return purchase.buy(context, officer=officer, dataset=dataset, epsilon=epsilon)


def decide(gate: Gate, officer: Principal, version: Version) -> None:
    """By the grade of the dataset and all columns that are counted (就高从严). Raises `Refused`."""
    columns = [column.grade for column in version.policy.columns if column.role is not Role.HIDDEN]
    grade = gate.grades.combine([version.policy.grade, *columns])
    gate.require(
        officer,
        "buy_stand_in",
        Resource("Dataset", version.dataset, {"department": version.policy.department, "grade": grade}),
    )


def divide(version: Version, loss: PrivacyLoss, *, trained: bool = False) -> Prices:
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
    fines, many = len(refinable(policy)), len(pairs(policy))
    models = how_many(policy) if trained else 0
    for_models = int(loss.picorho * TRAINED_SHARE) if models else 0
    counts = loss.picorho - for_models
    for_fine = int(counts * FINE_SHARE) if fines else 0
    for_first = int(counts * FIRST_SHARE) if many else counts - for_fine
    prices = Prices(
        first=PrivacyLoss(for_first // len(first_questions(policy))),
        fine=PrivacyLoss(for_fine // max(fines, 1)),
        pair=PrivacyLoss((counts - for_first - for_fine) // max(many, 1)),
        trained=PrivacyLoss(for_models // max(models, 1)),
    )
    asked = [
        prices.first,
        *[prices.fine] * (fines > 0),
        *[prices.pair] * (many > 0),
        *[prices.trained] * (models > 0),
    ]
    if min(price.picorho for price in asked) < LEAST_SHARE:
        raise InvalidInput(
            "The privacy loss offered is too small for this dataset.",
            code="loss_too_small",
            remedy="Offer a larger epsilon.",
            zh="所给的隐私预算太小。",
            remedy_zh="请加大 epsilon。",
        )
    return prices


def _make(context: AskContext, version: Version, loss: PrivacyLoss, *, trained: bool) -> Made:
    """The noisy counts, and the rows and their quality that follow from them."""
    policy, budget, prices = version.policy, version.policy.budget, divide(version, loss, trained=trained)
    assert budget is not None

    def ask(question: Question, price: PrivacyLoss) -> Marginal:
        return measure(context, version, question, price)

    marginals = bought_counts(policy, prices, ask)
    fitted = fit(policy, marginals)
    sampled = sample(version, fitted)
    about = {
        "quality": quality(marginals, sampled.places, fitted.classes, sampled.kept),
        **accuracy_figures(policy, marginals, fitted, sampled),
    }
    if trained:
        models = [train(target, policy, fitted, sampled) for target in targets(policy, fitted, sampled.kept)]
        tested = [ask(test_of(model, policy), prices.trained) for model in models]
        about["trained"] = [result(*each, sampled) for each in zip(models, tested, strict=True)]
        marginals += tested
    if sum(marginal.picorho for marginal in marginals) > loss.picorho:
        raise ValueError("more would be released than was paid")
    said = mark(version, stand_in="dp", epsilon=epsilon_told(loss, budget.delta), delta=float(budget.delta))
    body = marked_parquet(sampled.table, said)
    digest = sha256(body).hexdigest()
    return Made(
        about={"kind": "dp", "sha256": digest, **about},
        kept={"marginals": [marginal.as_json() for marginal in marginals], "rows": body},
        logged={"rows_sha256": digest},
    )


def bought_counts(
    policy: DatasetPolicy, prices: Prices, ask: Callable[[Question, PrivacyLoss], Marginal]
) -> list[Marginal]:
    """All counts, in rounds: what is asked in a later one follows from what was released before."""
    singles = [ask(question, prices.first) for question in first_questions(policy)]
    shares = column_shares(policy, singles)
    counts = {marginal.columns[0]: marginal for marginal in singles if marginal.kind is Kind.COLUMN}
    finer = [
        ask(question, prices.fine) for question in fine_questions(policy, refined(policy, shares, counts))
    ]
    paired = [
        ask(question, prices.pair) for question in pair_questions(policy, classes_by_column(policy, shares))
    ]
    return [*singles, *finer, *paired]


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
    make=partial(_make, trained=False),
    is_open=_is_open,
    bought_already=_bought_already,
    failed=_failed,
)
