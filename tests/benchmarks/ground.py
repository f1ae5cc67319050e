"""What does Cihu stand on when it is measured?
A real Postgres and S3, and the taps published as an officer publishes them."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

import sandbox.vault.migrate
from benchmarks.taps import DISTRICTS, MAX_ROWS, STOPS_POLICY, Taps
from sandbox.database import Database
from sandbox.privacy import rho_within
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import POLICIES, Story, open_story

THREADS = 2  # as many as the vault gives a question


@dataclass
class Ground:
    """`settings`: what each contestant is told; all are told the same."""

    story: Story
    settings: dict[str, Any]
    publish_seconds: float


@contextmanager
def small_city(*, durable: bool = True) -> Iterator[tuple[Story, str, S3Server]]:
    """People and servers, nothing published; the database's URL beside them."""
    home = Path(tempfile.mkdtemp(prefix="cb", dir="/tmp"))  # sockets need short paths
    postgres, s3 = (
        Postgres(home / "pg", home / "pg.log", durable=durable),
        S3Server(home / "s3", home / "s3.log"),
    )
    try:
        postgres.start()
        s3.start()
        owner = create_engine(postgres.url(database="postgres"), isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("CREATE DATABASE cihu"))
        owner.dispose()
        sandbox.vault.migrate.migrate(postgres.url())
        database = Database(postgres.url())
        try:
            yield open_story(database, s3.raw_store()), postgres.url(), s3
        finally:
            database.close()
    finally:
        s3.stop()
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def published(taps: Taps, *, epsilon: str = "1") -> Iterator[Ground]:
    """The taps and the stops in the catalogue, and a grant on the taps."""
    with small_city(durable=False) as (story, url, s3):
        started = time.monotonic()
        story.publish(taps.taps.read_bytes(), taps.policy)
        seconds = time.monotonic() - started
        story.publish(taps.stops.read_bytes(), STOPS_POLICY)
        story.grant(dataset="city.taps", epsilon="20")
        budget = story.repository.current("city.taps").policy.budget
        assert budget is not None
        yield Ground(
            story,
            {
                "taps": str(taps.taps),
                "stops": str(taps.stops),
                "rows": taps.rows,
                "threads": THREADS,
                "max_rows": MAX_ROWS,
                "districts": list(DISTRICTS),
                "epsilon": epsilon,
                "delta": float(budget.delta),
                "picorho": rho_within(budget.question_epsilon, budget.delta).picorho,
                "database_url": url,
                "policies": str(POLICIES),
                "raw_store": {
                    "endpoint": s3.endpoint,
                    "access_key": s3.vault.access_key,
                    "secret_key": s3.vault.secret_key,
                    "bucket": s3.raw_bucket,
                },
            },
            seconds,
        )
