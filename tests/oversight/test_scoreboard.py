"""The scoreboard counts decisions, and shows of other departments no count and nothing of few decisions."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert

from sandbox.catalog.tables import dataset_quality, datasets, problem_reports
from sandbox.errors import Forbidden
from sandbox.grants.tables import requests
from sandbox.identity import create_account
from sandbox.jobs.tables import runs
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.scoreboard import LEAST_DECISIONS, scoreboard, whole_months
from sandbox.reviews.tables import reviews
from story import Story

NOW = datetime.now(UTC)


def of(story: Story, who: str, now: datetime | None = None) -> dict:  # type: ignore[type-arg]
    context = OversightContext(story.database, story.repository, story.gate)
    rows = scoreboard(context, story.principal(who), days=92, now=now)["departments"]
    return {row["department"]: row for row in rows}


def problems(story: Story, *, kept: int, late: int, waiting: int = 0) -> None:
    """Reported problems of which so many were answered in time, too late, and not yet."""
    row = {
        "dataset": "clinic.visits",
        "number": 1,
        "department": "health",
        "words": "77123",
        "reported_by": "wang",
        "reported_at": NOW - timedelta(days=9),
        "due_at": NOW - timedelta(days=2),
        "outcome": "corrected",
        "answer": "",
        "answered_by": "lin",
    }
    rows = [row | {"answered_at": NOW - timedelta(days=3)} for _ in range(kept)]
    rows += [row | {"answered_at": NOW - timedelta(days=1)} for _ in range(late)]
    open_row = row | {"due_at": NOW + timedelta(days=1), "outcome": None, "answer": None, "answered_by": None}
    rows += [open_row | {"answered_at": None} for _ in range(waiting)]
    with story.database.transaction() as tx:
        tx.execute(insert(problem_reports), rows)


def test_an_officer_sees_the_counts_of_their_department(story: Story) -> None:
    story.publish()
    story.grant()
    problems(story, kept=3, late=1, waiting=2)
    own = of(story, "lin")["health"]
    assert own["on_time_percent"] == 75
    assert own["counts"]["dated_decisions"] == 4
    assert own["counts"]["late_decisions"] == 1
    assert own["counts"]["requests_decided"] == 1
    assert own["counts"]["datasets"] == 1
    assert own["median_days"] is not None


def test_scores_of_quality_are_the_departments_officers_alone(story: Story) -> None:
    story.publish()
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="xu", display_name="xu", organisation="hbpu", roles=["auditor"], by="system"
        )
        tx.execute(delete(dataset_quality))
        tx.execute(
            insert(dataset_quality).values(
                dataset="clinic.visits", number=1, report={"score": {"total": 87.5}}
            )
        )
    assert of(story, "lin")["health"]["counts"]["quality"] == 87.5
    assert "quality" not in of(story, "xu")["health"]["counts"]


def test_a_review_counts_for_each_department_whose_data_the_run_read(story: Story) -> None:
    story.publish()
    run = {
        "id": uuid4(),
        "name": "a run",
        "team": "lake",
        "submitted_by": "wang",
        "entry": "main.py",
        "files": {"main.py": "pass"},
        "program_sha256": "0" * 64,
        "environment_sha256": "0" * 64,
        "inputs": [{"dataset": "city.air"}, {"dataset": "clinic.visits"}, {"dataset": "clinic.beds"}],
        "limit_seconds": 10,
        "state": "returned",
    }
    review = {
        "id": uuid4(),
        "run": run["id"],
        "round": 1,
        "team": "lake",
        "requested_by": "wang",
        "requested_at": NOW - timedelta(days=9),
        "due_at": NOW - timedelta(days=5),
        "revision": 1,
        "state": "decided",
        "outcome": "returned",
        "decided_at": NOW - timedelta(days=2),
    }
    with story.database.transaction() as tx:
        tx.execute(insert(datasets), [{"name": "city.air", "department": "environment", "latest": 0}])
        tx.execute(insert(datasets), [{"name": "clinic.beds", "department": "health", "latest": 0}])
        tx.execute(insert(runs).values(run))
        tx.execute(insert(reviews).values(review))
        create_account(
            tx, account_id="xu", display_name="xu", organisation="hbpu", roles=["auditor"], by="system"
        )
    counts = {department: row["counts"] for department, row in of(story, "xu").items()}
    for department in ("environment", "health"):
        assert counts[department]["dated_decisions"] == counts[department]["late_decisions"] == 1


def decided(story: Story, number: int, at: datetime) -> None:
    """So many requests that were decided then, two days after they were asked for."""
    request = {
        "dataset": "clinic.visits",
        "department": "health",
        "team": "lake",
        "purpose": "to count",
        "epsilon": "1",
        "until": at + timedelta(days=30),
        "status": "refused",
        "asked_by": "wang",
        "asked_at": at - timedelta(days=2),
        "decided_by": "lin",
        "decided_at": at,
    }
    with story.database.transaction() as tx:
        tx.execute(insert(requests), [request] * number)


def test_of_another_department_there_is_no_count_and_nothing_of_few_decisions(story: Story) -> None:
    """Both figures, or none: each has enough decisions behind it."""
    story.publish()
    later = NOW + timedelta(days=40)  # the month of every decision here is over
    problems(story, kept=LEAST_DECISIONS, late=0)
    decided(story, LEAST_DECISIONS - 1, NOW)
    other = of(story, "zhou", later)["health"]
    assert "counts" not in other
    assert other["on_time_percent"] is None and other["median_days"] is None
    decided(story, 1, NOW)
    other = of(story, "zhou", later)["health"]
    assert (other["on_time_percent"], other["median_days"]) == (100, 2)


def test_of_another_department_no_two_windows_differ_by_one_decision(story: Story) -> None:
    """An attack by difference (a tracker: Denning, Denning and Schwartz 1979): the same question day by day,
    and the day on which the answer changes is that of a single decision."""
    story.publish()
    problems(story, kept=LEAST_DECISIONS, late=0, waiting=1)
    decided(story, LEAST_DECISIONS, NOW)
    _, month = whole_months(NOW + timedelta(days=40), 1)
    decided(story, 1, month + timedelta(days=10))
    days = [month + timedelta(days=day, hours=1) for day in range(0, 28, 9)]
    shown = [of(story, "zhou", day)["health"] for day in days]
    assert all(each == shown[0] for each in shown), "in a month nothing changes"
    assert shown[0]["median_days"] == 2
    own = [of(story, "lin", day)["health"]["counts"]["requests_decided"] for day in days]
    assert own[0] < own[-1], "of the own department it does"


def test_whole_months_are_the_citys() -> None:
    now = datetime(2026, 3, 31, 17, tzinfo=UTC)  # in the city it is April
    assert [moment.isoformat() for moment in whole_months(now, 12)] == [
        "2025-04-01T00:00:00+08:00",
        "2026-04-01T00:00:00+08:00",
    ]
    assert whole_months(now, 3)[0].isoformat() == "2026-01-01T00:00:00+08:00"


def test_a_team_does_not_see_how_departments_work(story: Story) -> None:
    with pytest.raises(Forbidden):
        of(story, "wang")
