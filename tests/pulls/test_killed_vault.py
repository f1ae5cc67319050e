"""A vault that is killed while rows arrive, or while they are published, leaves the last version; the pull is
due again, and nothing of it stays in the bucket."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from asked_vault import asked_vault
from pulled_city import SECRET, PulledCity
from relay import Relay
from sandbox.catalog.tables import datasets, uploads
from sandbox.pulls.tables import pulls
from sandbox.sources.table_stream import TableStream, parquet_pieces
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

ENVIRONMENT = {"CIHU_PULLER_SECRET": SECRET}


@pytest.mark.slow
def test_a_killed_vault_leaves_nothing_half(postgres: Postgres, template: str, s3: S3Server) -> None:
    rows = [(f"p{n % 9000}", "2024", str(n % 90)) for n in range(30_000)]
    body = b"".join(parquet_pieces(TableStream(("person", "year", "cost"), iter(rows))))
    with asked_vault(postgres, template, s3) as asked, Relay(("127.0.0.1", 1)) as relay:
        city = PulledCity(asked, folder=asked.home, relay=relay, postgres=postgres)
        city.sources(
            {"file": {"kind": "sqlite", "department": "health", "path": str(asked.home / "clinic.db")}}
        )
        with asked.start(ENVIRONMENT) as process:
            city.add_officer("sun")
            dataset = city.published()
            city.set(dataset, source="file")
            city.run(dataset)
            (due,) = city.due()
            killed(city, process, due, body, whole=False)
        with asked.start(ENVIRONMENT) as process:
            require_nothing_half(city, dataset, due)
            killed(city, process, due, body, whole=True)
        with asked.start(ENVIRONMENT):
            require_nothing_half(city, dataset, due)
            city.table(rows[:100])
            city.puller().look()
            assert city.last(dataset)["version"] == 2 and not city.due()
            assert len(asked.story.store.versions(f"{dataset}/")) == 2


def killed(city: PulledCity, process: Any, due: dict[str, Any], body: bytes, *, whole: bool) -> None:
    """The vault dies while rows arrive; `whole`: while they are published, when they are stored and are about
    to be registered. It waits there for the dataset's row, which the test holds."""
    sent = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield body if whole else body[: len(body) // 2]
        sent.set()
        if not whole:
            process.wait(120)  # until it is dead
            yield body[len(body) // 2 :]

    def send() -> None:
        with suppress(httpx.HTTPError):
            city.as_puller("POST", f"/v1/pulls/{due['id']}/rows?revision={due['revision']}", content=pieces())

    thread = threading.Thread(target=send)
    with city.asked.story.database.transaction() as tx:
        of = select(pulls.c.dataset).where(pulls.c.id == due["id"])
        dataset = tx.execute(of).scalar_one()
        if whole:
            tx.execute(select(datasets).where(datasets.c.name == dataset).with_for_update())
        thread.start()
        assert sent.wait(120)
        if whole:
            await_stored(city, dataset)
        process.send_signal(signal.SIGKILL)
        process.wait(120)
    thread.join(120)


def await_stored(city: PulledCity, dataset: str) -> None:
    """Until the rows of the coming version are in the bucket, and recorded as nobody's."""
    ends = time.monotonic() + 60
    while len(city.asked.story.store.versions(f"{dataset}/")) < 2:
        assert time.monotonic() < ends, "nothing was stored"
        time.sleep(0.02)  # the bucket tells nobody what it got
    with city.asked.story.database.transaction() as tx:
        assert tx.execute(select(uploads).where(uploads.c.dataset == dataset)).all()


def require_nothing_half(city: PulledCity, dataset: str, due: dict[str, Any]) -> None:
    assert not city.asked.story.store.versions("pulls/")
    assert len(city.asked.story.store.versions(f"{dataset}/")) == 1
    assert city.version(dataset) == 1 and [one["id"] for one in city.due()] == [due["id"]]
