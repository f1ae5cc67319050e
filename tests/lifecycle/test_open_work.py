"""Sealed runs and reviews of what is withdrawn or erased: what is told, cancelled and refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from lifecycle_story import lifecycle_of
from reviewed_runs import FILES, Reviewing, declared, reviewing
from sandbox.catalog.tables import datasets
from sandbox.errors import Conflict, NotFound
from sandbox.jobs.claim import claim
from sandbox.jobs.endpoints import shown
from sandbox.jobs.finish import finish
from sandbox.jobs.model import Run, RunState
from sandbox.jobs.quarantine import put_files
from sandbox.jobs.submit import submit
from sandbox.lifecycle.erase import finish_erasures
from sandbox.lifecycle.schemas import StepDocument, StepKind
from sandbox.lifecycle.steps import agree, propose
from sandbox.reviews.request_release import withdraw
from sandbox.standalone.s3 import S3Server
from story import Story

NAME = "clinic.visits"


@pytest.fixture
def city(story: Story, s3: S3Server, tmp_path: Path) -> Reviewing:
    return reviewing(story, s3, tmp_path)


def ended(city: Reviewing, kind: StepKind, version: int | None = None) -> StepDocument:
    """By lin and hu: an id of grade 4 is in it."""
    context = lifecycle_of(city.story)
    step = propose(context, city.principal("lin"), NAME, kind, reason="wrong rows", version=version)
    return agree(context, city.principal("hu"), NAME, step["id"])


def queued(city: Reviewing) -> Run:
    return submit(
        city.runs,
        principal=city.principal("wang"),
        name="visits",
        entry="main.py",
        files={"main.py": "pass"},
        inputs=[NAME],
        limit_seconds=10,
    )


def inputs_shown(city: Reviewing, run: Run) -> list[dict[str, object]]:
    with city.story.database.transaction() as tx:
        return list(shown(tx, city.run(run.id))["inputs"])


def test_a_queued_run_on_a_withdrawn_version_is_cancelled_and_a_finished_one_says_so(city: Reviewing) -> None:
    finished, waiting = city.finished(), queued(city)
    assert not any("withdrawn" in one for one in inputs_shown(city, finished))
    step = ended(city, "withdraw", 1)
    assert (step["state"], step["open_runs"], step["open_reviews"]) == ("done", 1, 0)
    assert claim(city.runs) is None
    assert city.run(waiting.id).state is RunState.CANCELLED
    assert [one["withdrawn"] for one in inputs_shown(city, finished)] == [True]
    with pytest.raises(NotFound) as gone:
        queued(city)
    assert gone.value.code == "dataset_withdrawn"
    assert city.asked(run=finished), "what was left before may still be asked for: reviewers decide"


def test_a_queued_run_of_a_retired_dataset_is_cancelled(city: Reviewing) -> None:
    waiting = queued(city)
    with city.story.database.transaction() as tx:
        tx.execute(update(datasets).values(retires_at=datetime.now(UTC)))
    assert claim(city.runs) is None
    assert city.run(waiting.id).state is RunState.CANCELLED


def test_nothing_is_erased_under_an_open_run_or_review(city: Reviewing) -> None:
    waiting = queued(city)
    with pytest.raises(Conflict) as running:
        ended(city, "erase")
    assert running.value.code == "work_is_open" and "1 sealed runs" in running.value.message
    claimed = claim(city.runs)
    assert claimed is not None and claimed.run.id == waiting.id
    with pytest.raises(Conflict):
        ended(city, "erase")
    finish(city.context.database, waiting.id, put_files(city.context.quarantine, waiting.id, FILES))
    review = city.asked(run=city.run(waiting.id))
    with pytest.raises(Conflict) as reviewed:
        ended(city, "erase")
    assert "1 reviews" in reviewed.value.message
    withdraw(city.context, principal=city.principal("wang"), run=review.run)
    assert ended(city, "erase")["state"] == "erasing"
    assert finish_erasures(lifecycle_of(city.story)) == 1
    with pytest.raises(Conflict) as late:
        city.asked(declared(), run=city.run(waiting.id))
    assert late.value.code == "dataset_erased"
