"""Buys the completeness of a version's columns for everybody: once, from the dataset's and the population's
budget, as classes.

The order is that of the DP gate (sandbox/releases/ask.py): decide and price; reserve the loss and log in one
transaction; count, add noise; store, settle and log in one transaction. Each column is one ordinary question
with two groups, empty cells and filled ones; what it tells is in `classes.py`.
"""

from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update

from sandbox.audit import Event, append
from sandbox.budgets import Account, Level, raise_limit, reserve, settle, statement
from sandbox.catalog import Version
from sandbox.catalog.model import Column, DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.catalog.tables import quality_classes
from sandbox.database import Database
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, Unavailable
from sandbox.identity import Principal, load_principal
from sandbox.policy import Refused, refusal_event
from sandbox.privacy import ZERO, PrivacyLoss, epsilon_of
from sandbox.quality.classes import WRONG_AT_MOST, completeness_class
from sandbox.quality.permit import require_buying
from sandbox.queries.plan.price import LEAST_SHARE
from sandbox.releases import AskContext
from sandbox.synthesis.buy_stand_in import LEAST_EPSILON, MOST_EPSILON, measure
from sandbox.synthesis.marginals import Kind, Question


def buy_classes(
    context: AskContext, *, officer: Principal, dataset: str, epsilon: Fraction
) -> dict[str, Any]:
    """Buy the classes of the newest version; returns what everybody is told of them, with the log's number.

    Raises `Forbidden`, `InvalidInput`, `Conflict` if the version has some, `BudgetExhausted`; `Unavailable`
    with code "quality_failed" after data was touched.
    """
    version = context.repository.usable(dataset)
    try:
        require_buying(context.gate, officer, version)
    except Refused as refusal:
        with context.database.transaction() as tx:
            append(tx, refusal_event(refusal.decision))
        raise
    budget = version.policy.budget
    if version.policy.unit is None or budget is None:
        raise InvalidInput(
            f"{version.dataset} is open: its figures are public already.",
            remedy="Read them in the catalogue.",
            zh=f"{version.dataset} 是开放数据，其质量数据已公开。",
            remedy_zh="可在目录中查看。",
        )
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise InvalidInput(
            "epsilon must lie between 0.000001 and 1000.",
            remedy="Common values are 0.1 to 1.",
            zh="epsilon 应在 0.000001 与 1000 之间。",
            remedy_zh="常用 0.1 至 1。",
        )
    loss = budget.loss(epsilon)
    price = price_of_each(version, loss)
    with context.database.lock(f"quality:{version.name}"):
        id = _reserve(context, officer, version, loss)
        try:
            about = {
                "epsilon": round(epsilon_of(loss, budget.delta), 6),
                "delta": float(budget.delta),
                "picorho": loss.picorho,
                "bought_by": officer.id,
                "wrong_at_most": WRONG_AT_MOST,
                "completeness": _classes(context, version, price),
            }
            index = _store(context, officer, version, id, about)
        except (Refused, NotAuthenticated):  # the officer may not any more: it depends on no row
            _fail(context, officer, id)
            raise
        except Exception as failure:  # noqa: BLE001  # whatever it was, it could depend on a row: it is shown to nobody
            _fail(context, officer, id)
            raise Unavailable(
                "The classes could not be computed. Their loss stays spent, because a failure can depend on "
                "the data.",
                code="quality_failed",
                remedy="Tell the operator the number of the purchase.",
                zh="质量等级未能算出。其花费不退，因为失败可能与数据有关。",
                remedy_zh="请告知运营人员。",
                internal=f"quality {id}: {type(failure).__name__}",
            ) from None
    return {"id": str(id), "dataset": version.dataset, "version": version.number, **about, "log_index": index}


def counted(policy: DatasetPolicy) -> tuple[Column, ...]:
    """The columns that cells can be missing in. A required one is complete by its policy, at no cost."""
    return tuple(
        column
        for column in policy.columns
        if column.role not in (Role.UNIT, Role.HIDDEN) and not column.required
    )


def price_of_each(version: Version, loss: PrivacyLoss) -> PrivacyLoss:
    """Public: by the number of columns. Raises `InvalidInput` if too little is left for each."""
    many = len(counted(version.policy))
    if many == 0:
        raise InvalidInput(
            f"Every column of {version.dataset} is required, so all are complete.",
            remedy="There is nothing to buy.",
            zh=f"{version.dataset} 的所有栏目都是必填的，均完整。",
            remedy_zh="无需购置。",
        )
    each = loss.picorho // many
    if each < LEAST_SHARE:
        raise InvalidInput(
            "The privacy loss offered is too small for this dataset.",
            code="loss_too_small",
            remedy="Offer a larger epsilon.",
            zh="所给的隐私预算太小。",
            remedy_zh="请加大 epsilon。",
        )
    return PrivacyLoss(each)


def question_of(policy: DatasetPolicy, column: Column) -> Question:
    """Of a column: how many rows are filled, and how many are empty."""
    table = ".".join(quoted(part) for part in policy.dataset.split("."))
    part = f"CASE WHEN {quoted(column.name)} IS NULL THEN 1 ELSE 0 END"
    return Question(
        Kind.COLUMN, (column.name,), (2,), f"SELECT {part} AS part, COUNT(*) AS n FROM {table} GROUP BY part"
    )


def _classes(context: AskContext, version: Version, price: PrivacyLoss) -> list[dict[str, Any]]:
    counts = {
        column.name: measure(context, version, question_of(version.policy, column), price)
        for column in counted(version.policy)
    }
    classes = []
    for column in version.policy.columns:
        if column.role in (Role.UNIT, Role.HIDDEN):
            continue
        if column.required:
            classes.append({"column": column.name, "at_least": 1.0, "at_most": 1.0})
            continue
        (filled, empty), sigma = counts[column.name].counts, counts[column.name].sigma
        low, high = completeness_class(filled, empty, sigma)
        classes.append({"column": column.name, "at_least": low, "at_most": high})
    return classes


def _reserve(context: AskContext, officer: Principal, version: Version, loss: PrivacyLoss) -> UUID:
    """Charge the dataset and the population (and, for the form, an account of the purchase's own),
    and log it; or neither."""
    id, account = uuid4(), Account(Level.GRANT, f"quality:{version.dataset}")
    with context.database.transaction() as tx:
        # again: it may have waited for its lock
        require_buying(context.gate, load_principal(tx, officer.id, hold=True), version)
        known = tx.execute(
            select(quality_classes.c.id).where(
                quality_classes.c.dataset == version.dataset,
                quality_classes.c.number == version.number,
                quality_classes.c.status == "released",
            )
        ).first()
        if known:
            raise Conflict(
                f"The classes of {version.name} were bought already.",
                remedy="They are in the catalogue, for everybody; a new version can have its own.",
                zh=f"{version.name} 的质量等级已购置。",
                remedy_zh="可在目录中查看；新版本可另行购置。",
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
            insert(quality_classes).values(
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
                "quality.asked",
                officer.id,
                f"dataset:{version.name}",
                {"id": str(id), "picorho": loss.picorho},
            ),
        )
    return id


def _store(context: AskContext, officer: Principal, version: Version, id: UUID, about: dict[str, Any]) -> int:
    with context.database.transaction() as tx:
        # again: the officer's rights may have ended
        require_buying(context.gate, load_principal(tx, officer.id, hold=True), version)
        tx.execute(
            update(quality_classes).where(quality_classes.c.id == id).values(status="released", about=about)
        )
        settle(tx, id=id)
        return append(
            tx,
            Event(
                "quality.released",
                officer.id,
                f"dataset:{version.name}",
                {"id": str(id), "picorho": about["picorho"]},
            ),
        )


def _fail(context: AskContext, officer: Principal, id: UUID) -> None:
    with context.database.transaction() as tx:
        tx.execute(update(quality_classes).where(quality_classes.c.id == id).values(status="failed"))
        append(tx, Event("quality.failed", officer.id, f"quality:{id}", {}))


def close_interrupted(database: Database) -> int:
    """When a vault starts: every purchase that is still `asked` becomes `interrupted`, with its log entry;
    how many there were. Their loss stays spent."""
    with database.transaction() as tx:
        cut = (
            tx.execute(
                update(quality_classes)
                .where(quality_classes.c.status == "asked")
                .values(status="interrupted")
                .returning(quality_classes.c.id)
            )
            .scalars()
            .all()
        )
        for id in sorted(cut):
            append(tx, Event("quality.interrupted", "vault", f"quality:{id}", {}))
    return len(cut)
