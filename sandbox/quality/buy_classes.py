"""Buys the completeness of a version's columns for everybody: once, from the dataset's and the population's
budget, as classes (`releases/officer_purchase.py`).

Each column is one ordinary question with two groups, empty cells and filled ones; what it tells is in
`classes.py`.
"""

from fractions import Fraction
from typing import Any
from uuid import UUID

from sandbox.catalog import Version
from sandbox.catalog.model import Column, DatasetPolicy, Role
from sandbox.catalog.read_table import quoted
from sandbox.catalog.tables import quality_classes
from sandbox.errors import Conflict, InvalidInput, Unavailable
from sandbox.identity import Principal
from sandbox.privacy import PrivacyLoss
from sandbox.quality.classes import WRONG_AT_MOST, completeness_class
from sandbox.quality.permit import require_buying
from sandbox.queries.plan.price import LEAST_SHARE
from sandbox.releases import AskContext
from sandbox.releases.officer_purchase import Made, OfficerPurchase
from sandbox.synthesis.buy_stand_in import measure
from sandbox.synthesis.marginals import Kind, Question, labels


def buy_classes(
    context: AskContext, *, officer: Principal, dataset: str, epsilon: Fraction
) -> dict[str, Any]:
    """Buy the classes of the newest version; returns what everybody is told of them, with the log's number.

    Raises `Forbidden`, `InvalidInput`, `Conflict` if the version has some, `BudgetExhausted`; `Unavailable`
    with code "quality_failed" after data was touched.
    """
    return CLASSES.buy(context, officer=officer, dataset=dataset, epsilon=epsilon)


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
    code = f"CASE WHEN {quoted(column.name)} IS NULL THEN 1 ELSE 0 END"
    part, n = labels(policy, "part", "n")
    sql = f"SELECT {code} AS {part}, COUNT(*) AS {n} FROM {table} GROUP BY {part}"
    return Question(Kind.COLUMN, (column.name,), (2,), sql)


def _make(context: AskContext, version: Version, loss: PrivacyLoss) -> Made:
    price = price_of_each(version, loss)
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
    return Made({"wrong_at_most": WRONG_AT_MOST, "completeness": classes})


def _is_open(version: Version) -> InvalidInput:
    return InvalidInput(
        f"{version.dataset} is open: its figures are public already.",
        remedy="Read them in the catalogue.",
        zh=f"{version.dataset} 是开放数据，其质量数据已公开。",
        remedy_zh="可在目录中查看。",
    )


def _bought_already(version: Version) -> Conflict:
    return Conflict(
        f"The classes of {version.name} were bought already.",
        remedy="They are in the catalogue, for everybody; a new version can have its own.",
        zh=f"{version.name} 的质量等级已购置。",
        remedy_zh="可在目录中查看；新版本可另行购置。",
    )


def _failed(id: UUID, failure: Exception) -> Unavailable:
    return Unavailable(
        "The classes could not be computed. Their loss stays spent, because a failure can "
        "depend on the data.",
        code="quality_failed",
        remedy="Tell the operator the number of the purchase.",
        zh="质量等级未能算出。其花费不退，因为失败可能与数据有关。",
        remedy_zh="请告知运营人员。",
        internal=f"quality {id}: {type(failure).__name__}",
    )


CLASSES = OfficerPurchase(
    table=quality_classes,
    subject="quality",
    event="quality",
    require=require_buying,
    check=price_of_each,
    make=_make,
    is_open=_is_open,
    bought_already=_bought_already,
    failed=_failed,
)
