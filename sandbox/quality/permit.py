"""Asks the gate (policies/datasets.cedar) about the quality of a dataset. All raise `Refused`."""

from collections.abc import Iterable

from sandbox.catalog.model import Role, Version
from sandbox.catalog.resource import department_resource
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


def require_reading(gate: Gate, principal: Principal, version: Version) -> None:
    """The report has exact figures of rows."""
    gate.require(principal, "read_quality", _dataset(version, version.policy.grade))


def require_buying(gate: Gate, principal: Principal, version: Version) -> None:
    """By the grade of the dataset and all columns that are counted (就高从严)."""
    columns = [column.grade for column in version.policy.columns if column.role is not Role.HIDDEN]
    grade = gate.grades.combine([version.policy.grade, *columns])
    gate.require(principal, "buy_quality", _dataset(version, grade))


def require_reporting(gate: Gate, principal: Principal, version: Version, *, granted: bool) -> None:
    """Whoever may use the rows may report a problem on them."""
    gate.require(principal, "report_problem", _dataset(version, version.policy.grade), {"granted": granted})


def may_answer(gate: Gate, principal: Principal, dataset: str, department: str) -> bool:
    """The grade does not matter: an answer is words."""
    return bool(answerable(gate, principal, [dataset], department))


def answerable(gate: Gate, principal: Principal, datasets: Iterable[str], department: str) -> frozenset[str]:
    """Those of these datasets of a department of which somebody may answer problems."""
    names = sorted(set(datasets))
    asked = [department_resource(name, department) for name in names]
    decisions = gate.decide_all(principal, "answer_problem", asked)
    return frozenset(name for name, each in zip(names, decisions, strict=True) if each.allowed)


def _dataset(version: Version, grade: str) -> Resource:
    return Resource(
        "Dataset",
        version.dataset,
        {"department": version.policy.department, "grade": grade, "open": version.policy.unit is None},
    )
