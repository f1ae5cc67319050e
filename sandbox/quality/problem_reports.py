"""Problems that are reported on a dataset (疑义校核): each is a task of the department with a deadline in
working days, and its outcome stands in the notes of the next version.

The words of a report are for the department and for whoever wrote it; the words of an answer become public
with the next version. Neither is in the log.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Role, Version
from sandbox.catalog.resource import require_seen
from sandbox.catalog.tables import problem_reports
from sandbox.city_time import end_of_working_days
from sandbox.database import Database, Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound, TooMany
from sandbox.grants.read import LARGEST_NUMBER, list_grants
from sandbox.identity import Principal
from sandbox.policy import Gate, Refused, log_refusal
from sandbox.quality.limits import QualityLimits
from sandbox.quality.permit import may_answer, require_reporting

MOST_OPEN = 20
"""So many open reports on one dataset one person may have."""


@dataclass(frozen=True)
class ProblemContext:
    """What the operations on reported problems work with. `closed`: days on which nobody works."""

    database: Database
    repository: DatasetRepository
    gate: Gate
    limits: QualityLimits
    closed: Collection[date]


def report_problem(
    context: ProblemContext, *, reporter: Principal, dataset: str, column: str | None, words: str
) -> dict[str, Any]:
    """Report a problem on the newest version. Raises `Forbidden`, `InvalidInput`, `TooMany`."""
    version = context.repository.current(dataset)
    require_seen(context.gate, reporter, version)
    _require_column(version, column)
    with context.database.transaction() as tx:
        granted = any(
            grant.dataset == version.dataset and grant.live and grant.team in reporter.teams
            for grant in list_grants(tx, reporter)
        )
    try:
        require_reporting(context.gate, reporter, version, granted=granted)
    except Refused as refusal:
        log_refusal(context.database, refusal)
        raise
    now = datetime.now(UTC)
    with context.database.transaction() as tx:
        _require_few(tx, reporter, version)
        id = tx.execute(
            insert(problem_reports)
            .values(
                dataset=version.dataset,
                number=version.number,
                department=version.policy.department,
                column=column,
                words=words,
                reported_by=reporter.id,
                reported_at=now,
                due_at=end_of_working_days(now, context.limits.answer_days, context.closed),
            )
            .returning(problem_reports.c.id)
        ).scalar_one()
        append(
            tx,
            Event("problem.reported", reporter.id, f"dataset:{version.name}", {"id": id}),
            to=[notices.officers(version.policy.department)],
            about=f"problem:{id}",
        )
        return document(_row(tx, id), now)


def list_problems(
    context: ProblemContext, principal: Principal, *, status: str | None = None
) -> list[dict[str, Any]]:
    """One's own; for officers also their department's. What is due first comes first, the answered last."""
    own = problem_reports.c.reported_by == principal.id
    department = problem_reports.c.department == principal.organisation
    seen = or_(own, department) if "officer" in principal.roles else own
    query = select(problem_reports).where(seen)
    if status is not None:
        answered = problem_reports.c.outcome.is_not(None)
        query = query.where(answered if status == "answered" else ~answered)
    order = (problem_reports.c.outcome.is_not(None), problem_reports.c.due_at, problem_reports.c.id)
    with context.database.transaction() as tx:
        return [document(row, datetime.now(UTC)) for row in tx.execute(query.order_by(*order).limit(1000))]


def answer_problem(
    context: ProblemContext, *, officer: Principal, id: int, outcome: str, words: str
) -> dict[str, Any]:
    """Answer a report, once. Raises `NotFound`, also for another department's, and `Conflict`."""
    with context.database.transaction() as tx:
        row = _row(tx, id, hold=True)
        if not may_answer(context.gate, officer, row.dataset, row.department):
            if row.reported_by == officer.id:
                raise Conflict(
                    "This report is for the department of the dataset to answer.",
                    code="problem_of_another",
                    remedy="Wait for its answer: it is listed with yours.",
                    zh="该疑义由数据集的主管部门答复。",
                    remedy_zh="请等候答复，可在列表中查看。",
                )
            raise _no_problem(id)
        if row.outcome is not None:
            raise Conflict(
                f"Report {id} was answered by {row.answered_by}.",
                code="problem_answered",
                remedy="Its outcome stands; if the problem is still there, it can be reported again.",
                zh=f"疑义 {id} 已由 {row.answered_by} 答复。",
                remedy_zh="如问题仍在，可再次提出。",
            )
        now = datetime.now(UTC)
        tx.execute(
            update(problem_reports)
            .where(problem_reports.c.id == id)
            .values(outcome=outcome, answer=words, answered_by=officer.id, answered_at=now)
        )
        append(
            tx,
            Event("problem.answered", officer.id, f"dataset:{row.dataset}", {"id": id, "outcome": outcome}),
            to=[notices.person(row.reported_by)],
            about=f"problem:{id}",
        )
        return document(_row(tx, id), now)


def document(row: Row[Any], now: datetime) -> dict[str, Any]:
    said = row._mapping
    return {
        "id": said["id"],
        "dataset": said["dataset"],
        "version": said["number"],
        "department": said["department"],
        "column": said["column"],
        "words": said["words"],
        "reported_by": said["reported_by"],
        "reported_at": said["reported_at"].isoformat(),
        "due_at": said["due_at"].isoformat(),
        "overdue": said["outcome"] is None and said["due_at"] < now,
        "outcome": said["outcome"],
        "answer": said["answer"],
        "answered_by": said["answered_by"],
        "answered_at": said["answered_at"].isoformat() if said["answered_at"] else None,
        "noted_in": said["noted_in"],
    }


def _require_column(version: Version, column: str | None) -> None:
    shown = [one.name for one in version.policy.columns if one.role is not Role.HIDDEN]
    if column is not None and column not in shown:
        raise InvalidInput(
            f"{version.dataset} has no such column.",
            remedy=f"It has: {', '.join(shown)}; or leave the column out.",
            zh=f"{version.dataset} 没有这个栏目。",
            remedy_zh=f"现有：{'、'.join(shown)}；也可不写栏目。",
        )


def _require_few(tx: Transaction, reporter: Principal, version: Version) -> None:
    waiting = tx.execute(
        select(func.count())
        .select_from(problem_reports)
        .where(
            problem_reports.c.dataset == version.dataset,
            problem_reports.c.reported_by == reporter.id,
            problem_reports.c.outcome.is_(None),
        )
    ).scalar_one()
    if waiting >= MOST_OPEN:
        raise TooMany(
            f"{MOST_OPEN} of your reports on {version.dataset} are not answered yet.",
            code="too_many_problems",
            remedy="Wait for an answer to one of them.",
            zh=f"您对 {version.dataset} 提出的疑义已有 {MOST_OPEN} 条未答复。",
            remedy_zh="请等候答复后再提。",
        )


def _row(tx: Transaction, id: int, *, hold: bool = False) -> Row[Any]:
    query = select(problem_reports).where(problem_reports.c.id == id)
    row = tx.execute(query.with_for_update() if hold else query).first() if 0 < id <= LARGEST_NUMBER else None
    if row is None:
        raise _no_problem(id)
    return row


def _no_problem(id: int) -> NotFound:
    """Also for whoever may not know of it."""
    return NotFound(
        f"There is no report {id}.",
        remedy="List those that you may see: cihu problems, or their page.",
        zh=f"没有疑义 {id}。",
        remedy_zh="可在列表中查看。",
    )
