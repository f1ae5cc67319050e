"""How the departments work (考核): what was decided in time, in how many days, what is overdue and what was
opened.

Everything comes from tables of work. Of other departments an officer sees a percentage and a number of days,
and these only where enough decisions stand behind both, beside the open copies that anybody can count. They
are of whole months: of windows that slide by a day, the difference would be a single decision. Counts are of
the own department, and for auditors. Scores of quality are made of rows: the officers of the
department alone see theirs. Departments stand in the order of their ids: nothing here is a ranking.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import fmean, median
from typing import Any

from sqlalchemy import CompoundSelect, Float, and_, cast, column, func, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import JSONB

from sandbox.catalog.dataset_index import indexed, refresh_index
from sandbox.catalog.tables import (
    dataset_index,
    dataset_quality,
    datasets,
    open_copies,
    opening_reviews,
    problem_reports,
)
from sandbox.city_time import CITY_TIME
from sandbox.database import Transaction
from sandbox.grants.model import MARKETPLACE, RequestStatus
from sandbox.grants.tables import requests
from sandbox.identity import Principal
from sandbox.identity.tables import organisations
from sandbox.jobs.tables import runs
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.risks import overdue
from sandbox.oversight.schemas import DepartmentCounts, DepartmentScore, ScoreboardDocument
from sandbox.policy import Resource
from sandbox.reviews.model import WAITING
from sandbox.reviews.tables import reviews

LEAST_DECISIONS = 5
"""Fewer decisions of another department tell of a single one."""
DAY_SECONDS = 86400
MONTHS = {31: 1, 92: 3, 183: 6, 366: 12}
"""How many whole months stand for so many days."""


@dataclass
class Work:
    """Of one department, in the window. `late`: decided after its date, or not yet and its date is over."""

    days: list[float] = field(default_factory=list)
    waiting: int = 0
    due: int = 0
    late: int = 0
    datasets: int = 0
    overdue: int = 0
    opened: int = 0
    scores: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class WorkOf:
    """Of all departments, in one window."""

    since: datetime
    until: datetime
    departments: defaultdict[str, Work] = field(default_factory=lambda: defaultdict(Work))


def scoreboard(
    context: OversightContext, asker: Principal, *, days: int, now: datetime | None = None
) -> ScoreboardDocument:
    """Of the last `days` days. Raises `Forbidden`."""
    about = Resource("Scoreboard", "scoreboard", {"department": ""})
    context.gate.require(asker, "read_scoreboard", about)
    now = now or datetime.now(UTC)
    known, whole = WorkOf(now - timedelta(days=days), now), WorkOf(*whole_months(now, MONTHS[days]))
    refresh_index(context.repository)
    with context.database.transaction() as tx:
        _requests(tx, known, whole)
        _waiting(tx, known.departments)
        _dated(tx, known, whole)
        _datasets(tx, context, known, whole)
        _scores(tx, context, asker, known, whole)
        ids = sorted(known.departments.keys() | whole.departments.keys())
        rows = tx.execute(
            select(organisations.c.id, organisations.c.display_name).where(organisations.c.id.in_(ids))
        )
        names: dict[str, str] = {row.id: row.display_name for row in rows}
    scores = [_score(context, asker, id, names.get(id, id), known, whole) for id in ids]
    return {
        "as_of": now,
        "days": days,
        "least_decisions": LEAST_DECISIONS,
        "departments": [score for score in scores if score is not None],
    }


def whole_months(now: datetime, months: int) -> tuple[datetime, datetime]:
    """The last whole months before the one of `now`, by the city's calendar: their start, and their end."""
    until = now.astimezone(CITY_TIME).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, month = divmod(until.year * 12 + until.month - 1 - months, 12)
    return until.replace(year=year, month=month + 1), until


def _score(
    context: OversightContext, asker: Principal, department: str, name: str, known: WorkOf, whole: WorkOf
) -> DepartmentScore | None:
    """None for a department that did nothing which may be shown."""
    about = Resource("Scoreboard", department, {"department": department})
    counted = context.gate.decide(asker, "read_scoreboard_counts", about).allowed
    window = known if counted else whole
    if department not in window.departments:
        return None
    done = window.departments[department]
    enough = counted or min(done.due, len(done.days)) >= LEAST_DECISIONS
    score: DepartmentScore = {
        "department": department,
        "name": name,
        "since": window.since,
        "until": window.until,
        "on_time_percent": _percent(done.due - done.late, done.due) if enough and done.due else None,
        "median_days": round(median(done.days), 1) if enough and done.days else None,
        "opened": done.opened,
    }
    if counted:
        counts: DepartmentCounts = {
            "datasets": done.datasets,
            "overdue_updates": done.overdue,
            "requests_decided": len(done.days),
            "requests_waiting": done.waiting,
            "dated_decisions": done.due,
            "late_decisions": done.late,
        }
        if done.scores and department == asker.organisation and "officer" in asker.roles:
            counts["quality"] = round(fmean(done.scores), 1)
        score["counts"] = counts
    return score


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole)


def _requests(tx: Transaction, *windows: WorkOf) -> None:
    """Requests of teams; those of the marketplace are approved by themselves."""
    decided_at = requests.c.decided_at
    seconds = cast(func.extract("epoch", decided_at - requests.c.asked_at), Float)
    inside = [and_(decided_at >= each.since, decided_at < each.until) for each in windows]
    decided = (
        select(requests.c.department, *(func.array_agg(seconds).filter(each) for each in inside))
        .where(requests.c.team != MARKETPLACE, requests.c.decided_by != requests.c.asked_by, or_(*inside))
        .group_by(requests.c.department)
    )
    for department, *found in tx.execute(decided):
        for window, of_window in zip(windows, found, strict=True):
            if of_window:
                window.departments[department].days += [each / DAY_SECONDS for each in of_window]


def _waiting(tx: Transaction, work: defaultdict[str, Work]) -> None:
    waits = (
        select(requests.c.department, func.count().label("number"))
        .where(requests.c.team != MARKETPLACE, requests.c.status == RequestStatus.ASKED.value)
        .group_by(requests.c.department)
    )
    for row in tx.execute(waits):
        work[row.department].waiting = row.number


def _dated(tx: Transaction, *windows: WorkOf) -> None:
    """Decisions that have a date: reviews before opening, reported problems, reviews of outputs. They were
    asked for in the window, and are counted as they stood at its end. A review of outputs counts for each
    department whose data the run read."""
    first = min(window.since for window in windows)
    openings = select(
        opening_reviews.c.department,
        opening_reviews.c.due_at,
        opening_reviews.c.asked_at.label("asked"),
        opening_reviews.c.decided_at.label("decided"),
    ).where(opening_reviews.c.asked_at >= first)
    problems = select(
        problem_reports.c.department,
        problem_reports.c.due_at,
        problem_reports.c.reported_at.label("asked"),
        problem_reports.c.answered_at.label("decided"),
    ).where(problem_reports.c.reported_at >= first)
    inputs = func.jsonb_array_elements(runs.c.inputs)
    read = inputs.table_valued(column("value", JSONB), joins_implicitly=True).alias("read")
    withdrawn = and_(
        reviews.c.decided_at.is_(None), reviews.c.state.not_in([state.value for state in WAITING])
    )
    looked = (
        select(
            reviews.c.id,
            datasets.c.department,
            reviews.c.due_at,
            reviews.c.requested_at.label("asked"),
            reviews.c.decided_at.label("decided"),
        )
        .distinct()  # a run that read two datasets of a department is one of its decisions
        .select_from(reviews.join(runs, runs.c.id == reviews.c.run).join(read, true()))
        .join(datasets, datasets.c.name == read.c.value["dataset"].astext)
        .where(reviews.c.requested_at >= first, ~withdrawn)
    ).subquery()
    of_outputs = select(looked.c.department, looked.c.due_at, looked.c.asked, looked.c.decided)
    _count(tx, union_all(openings, problems, of_outputs), windows)


def _count(tx: Transaction, decisions: CompoundSelect[Any], windows: Sequence[WorkOf]) -> None:
    """Each decision: its department, when it was due, asked for and decided. What waited at the end of the
    window and was not late yet is none."""
    of = decisions.subquery().c
    counts = []
    for window in windows:
        stood = func.least(func.coalesce(of.decided, window.until), window.until)
        asked = and_(of.asked >= window.since, of.asked < window.until)
        ended = or_(stood < window.until, of.due_at < window.until)
        counts.append(func.count().filter(asked, ended))
        counts.append(func.count().filter(asked, ended, stood > of.due_at))
    for department, *numbers in tx.execute(select(of.department, *counts).group_by(of.department)):
        for window, due, late in zip(windows, numbers[::2], numbers[1::2], strict=True):
            if due:
                window.departments[department].due += due
                window.departments[department].late += late


def _datasets(tx: Transaction, context: OversightContext, *windows: WorkOf) -> None:
    index, copies = dataset_index.c, select(open_copies.c.dataset).distinct().subquery()
    counts = (
        index.department,
        func.count().label("datasets"),
        func.count(copies.c.dataset).label("opened"),
        *(func.count().filter(overdue(window.until)) for window in windows),
    )
    found = indexed(context.repository, select(*counts))
    found = found.outerjoin(copies, copies.c.dataset == index.dataset).group_by(index.department)
    for department, held, opened, *late in tx.execute(found):
        for window, number in zip(windows, late, strict=True):
            of = window.departments[department]
            of.datasets, of.opened, of.overdue = held, opened, number


def _scores(tx: Transaction, context: OversightContext, asker: Principal, *windows: WorkOf) -> None:
    """Of the asker's department: nobody else is shown any."""
    index, quality = dataset_index.c, dataset_quality.c
    total = quality.report["score"]["total"].astext
    found = indexed(context.repository, select(total)).join(
        dataset_quality, and_(quality.dataset == index.dataset, quality.number == index.number)
    )
    wanted = found.where(index.department == asker.organisation, total.is_not(None))
    if scores := [float(each) for each in tx.scalars(wanted)]:
        for window in windows:
            window.departments[asker.organisation].scores += scores
