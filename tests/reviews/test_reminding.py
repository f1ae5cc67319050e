"""Does a vault that runs tell of overdue reviews by itself?"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from reviewed_runs import Reviewing
from sandbox.reviews.tables import reviews
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from workspace import vault_process


@pytest.fixture
def home() -> Iterator[Path]:
    """Short enough for a socket's address."""
    made = Path(tempfile.mkdtemp(prefix="ch"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_running_vault_logs_each_overdue_review_once_with_nobody_calling_it(
    city: Reviewing, home: Path, postgres: Postgres, database_name: str, s3: S3Server
) -> None:
    first, second = city.asked(), city.asked()
    url = postgres.url(user="cihu_vault", database=database_name)
    # when it tells of the second, it has passed over the first
    for told, review in enumerate((first, second), 1):
        assert city.kinds().count("review.overdue") == told - 1
        with city.context.database.transaction() as tx:
            tx.execute(
                update(reviews)
                .where(reviews.c.id == review.id)
                .values(due_at=datetime.now(UTC) - timedelta(hours=1))
            )
        with vault_process(home, city.story, url, s3):
            deadline = time.monotonic() + 120
            while city.kinds().count("review.overdue") < told:
                assert time.monotonic() < deadline, (home / "vault.log").read_text()[-2000:]
                time.sleep(0.1)  # another process does it
        with city.context.database.transaction() as tx:
            assert tx.scalar(select(func.count()).where(reviews.c.reminded_at.is_not(None))) == told
    assert city.kinds().count("review.overdue") == 2
