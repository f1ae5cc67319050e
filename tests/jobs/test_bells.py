"""Who rings a run is heard by the place that carries it out now."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from sandbox.jobs import worker
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.worker import Worker


def test_a_run_that_another_place_began_again_meanwhile_can_still_be_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    city = Worker(cast("Any", SimpleNamespace(database=None)))
    run, again = (
        SimpleNamespace(id=uuid4(), told_at=datetime.now(UTC) + timedelta(milliseconds=1)),
        Cancellation(),
    )

    def queued_and_claimed(_: Any, id: UUID) -> bool:
        """It is in the queue again, and another place takes it at once."""
        city._bells[id] = again
        return True

    monkeypatch.setattr(worker, "finish_interrupted", queued_and_claimed)
    city._tell_interrupted(cast("Any", run))
    city.cancelled(run.id)
    assert again.wait(1), "the place that carries it out does not hear"
    again.close()
