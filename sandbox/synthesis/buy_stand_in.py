"""Buys stand-in rows for an officer: once for a version, from the dataset's and the population's budget.

The order is that of the DP gate (sandbox/releases/ask.py). It decides and prices. It reserves the loss and
logs `stand_in.asked` in one transaction. It computes whole numbers, adds noise, and makes rows of the noisy
numbers. It stores, settles and logs `stand_in.released` in one transaction. A failure or a crash after the
reservation leaves the loss spent.
"""

from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import prod
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, update

from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, raise_limit, reserve, settle, statement
from sandbox.catalog import Version
from sandbox.catalog.bought_stand_in import bought_stand_in
from sandbox.catalog.model import Role
from sandbox.catalog.stand_in import mark, marked_parquet
from sandbox.catalog.tables import stand_ins
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.policy import Refused, Resource, refusal_event
from sandbox.privacy import ZERO, PrivacyLoss, epsilon_of
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.plan.price import LEAST_SHARE
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.releases import AskContext
from sandbox.releases.noise import add_noise
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
LEAST_EPSILON, MOST_EPSILON = Fraction(1, 10**6), Fraction(1000)


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
    version = context.repository.usable(dataset)
    try:
        decide(context, officer, version)
    except Refused as refusal:
        with context.database.transaction() as tx:
            append(tx, refusal_event(refusal.decision))
        raise
    budget = version.policy.budget
    if version.policy.unit is None or budget is None:
        raise InvalidInput(
            f"{version.dataset} is open: its rows themselves may be used.",
            remedy="Open a copy of it instead.",
            zh=f"{version.dataset} 是开放数据，可直接使用原始记录。",
            remedy_zh="请改为开放其副本。",
        )
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise InvalidInput(
            "epsilon must lie between 0.000001 and 1000.",
            remedy="Common values are 0.5 to 2.",
            zh="epsilon 应在 0.000001 与 1000 之间。",
            remedy_zh="常用 0.5 至 2。",
        )
    loss = budget.loss(epsilon)
    prices = divide(version, loss)
    with context.database.lock(f"stand-in:{version.name}"):
        id = _reserve(context, officer, version, loss)
        try:
            marginals, body, quality_of = _make(context, version, prices, loss)
            about = {
                "kind": "dp",
                "epsilon": round(epsilon_of(loss, budget.delta), 6),
                "delta": float(budget.delta),
                "picorho": loss.picorho,
                "bought_by": officer.id,
                "sha256": sha256(body).hexdigest(),
                "quality": quality_of,
            }
            index = _store(context, officer, version, id, about, marginals, body)
        except (Refused, NotAuthenticated):  # the officer may not any more: it depends on no row
            _fail(context, officer, id)
            raise
        except Exception as failure:  # noqa: BLE001  # whatever it was, it could depend on a row: it is shown to nobody
            _fail(context, officer, id)
            raise Unavailable(
                "The stand-in rows could not be made. Their loss stays spent, because a "
                "failure can depend on the data.",
                code="synthesis_failed",
                remedy="Tell the operator the number of the purchase.",
                zh="替代数据未能生成。其花费不退，因为失败可能与数据有关。",
                remedy_zh="请告知运营人员。",
                internal=f"stand-in {id}: {type(failure).__name__}",
            ) from None
    return {"id": str(id), "dataset": version.dataset, "version": version.number, **about, "log_index": index}


def decide(context: AskContext, officer: Principal, version: Version) -> None:
    """By the grade of the dataset and all columns that are counted (就高从严). Raises `Refused`."""
    columns = [column.grade for column in version.policy.columns if column.role is not Role.HIDDEN]
    grade = context.gate.grades.combine([version.policy.grade, *columns])
    context.gate.require(
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


def _reserve(context: AskContext, officer: Principal, version: Version, loss: PrivacyLoss) -> UUID:
    """Charge the dataset and the population (and, for the form, an account of the purchase's own),
    and log it; or neither."""
    id, account = uuid4(), Account(Level.GRANT, f"stand-in:{version.dataset}")
    with context.database.transaction() as tx:
        # again: it may have waited for its lock
        decide(context, load_principal(tx, officer.id, hold=True), version)
        if bought_stand_in(tx, version):
            raise Conflict(
                f"{version.name} has stand-in rows already.",
                remedy="They are for everybody; a new version can have its own.",
                zh=f"{version.name} 已有购置的替代数据。",
                remedy_zh="其供所有人使用；新版本可另行购置。",
            )
        raise_limit(tx, account, ZERO)
        raise_limit(tx, account, statement(tx, account).spent + loss)
        reserve(
            tx,
            id=id,
            grant=account.key,
            dataset=version.dataset,
            population=version.policy.population,
            loss=loss,
        )
        tx.execute(
            insert(stand_ins).values(
                id=id,
                dataset=version.dataset,
                number=version.number,
                picorho=loss.picorho,
                status="asked",
                bought_by=officer.id,
            )
        )
        append(
            tx,
            Event(
                "stand_in.asked",
                officer.id,
                f"dataset:{version.name}",
                {"id": str(id), "picorho": loss.picorho},
            ),
        )
    return id


def _make(
    context: AskContext, version: Version, prices: Prices, loss: PrivacyLoss
) -> tuple[list[Marginal], bytes, list[dict[str, Any]]]:
    """The noisy counts, and the rows and their quality that follow from them."""
    policy, budget = version.policy, version.policy.budget
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
    return marginals, marked_parquet(rows, said), quality(marginals, places, fitted.classes)


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


def _store(
    context: AskContext,
    officer: Principal,
    version: Version,
    id: UUID,
    about: dict[str, Any],
    marginals: list[Marginal],
    body: bytes,
) -> int:
    with context.database.transaction() as tx:
        # again: the officer's rights may have ended
        decide(context, load_principal(tx, officer.id, hold=True), version)
        tx.execute(
            update(stand_ins)
            .where(stand_ins.c.id == id)
            .values(
                status="released",
                about=about,
                marginals=[marginal.as_json() for marginal in marginals],
                rows=body,
            )
        )
        settle(tx, id=id)
        return append(
            tx,
            Event(
                "stand_in.released",
                officer.id,
                f"dataset:{version.name}",
                {"id": str(id), "picorho": about["picorho"], "rows_sha256": about["sha256"]},
            ),
        )


def _fail(context: AskContext, officer: Principal, id: UUID) -> None:
    with context.database.transaction() as tx:
        tx.execute(update(stand_ins).where(stand_ins.c.id == id).values(status="failed"))
        append(tx, Event("stand_in.failed", officer.id, f"stand-in:{id}", {}))
