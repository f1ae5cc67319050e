"""A pull ends with what it pulls for, hinders no other, and carries out no colleague's policy."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select, text, update

from lifecycle_story import publish_with
from pulled_city import POLICY, SECRET, PulledCity
from sandbox.audit import Event, append
from sandbox.audit.tables import openings
from sandbox.catalog.model import Version
from sandbox.catalog.publish import publish
from sandbox.catalog.tables import datasets
from sandbox.database import Transaction
from sandbox.puller.app import Puller
from sandbox.puller.settings import Settings
from sandbox.pulls.tables import pulls
from sandbox.sources.reach import Reach
from sandbox.sources.source_list import DataSource
from story import POLICY as CLINIC
from story import Story, rows_csv

PEOPLE = [(f"p{n % 40}", 2020 + n % 10, n % 90) for n in range(100)]
LOG_LOCK = 109304375214081  # sandbox/audit/append_function.py
ROWS = b"person,year,cost\na,2024,1.5\nb,2025,2\n"


def step(city: PulledCity, dataset: str, **more: Any) -> dict[str, Any]:
    told = city.officer().send(
        "POST", f"/v1/datasets/{dataset}/lifecycle", json={"reason": "wrong rows", **more}
    )
    assert told.status_code == 201, told.text
    return dict(told.json())


def read(city: PulledCity, dataset: str, officer: str = "lin") -> dict[str, Any]:
    return dict(city.officer(officer).send("GET", f"/v1/datasets/{dataset}/pull").json())


def set_and_due(city: PulledCity, **policy: str) -> tuple[str, dict[str, Any]]:
    """A dataset with a pull that is due, and what the puller is told of it."""
    city.table(PEOPLE)
    dataset = city.published(**policy)
    assert city.set(dataset, source="file").status_code == 200
    assert city.run(dataset).status_code == 200
    with city.asked.story.database.transaction() as tx:
        id = tx.execute(select(pulls.c.id).where(pulls.c.dataset == dataset)).scalar_one()
    return dataset, next(one for one in city.due() if one["id"] == id)


def arrive(city: PulledCity, due: dict[str, Any]) -> int:
    path = f"/v1/pulls/{due['id']}/rows?revision={due['revision']}"
    return int(city.as_puller("POST", path, content=ROWS).status_code)


def test_an_erased_dataset_has_no_pull_and_hinders_no_other(city: PulledCity) -> None:
    dataset, due = set_and_due(city)
    other, _ = set_and_due(city)
    assert step(city, dataset, kind="erase")["state"] == "done"
    assert arrive(city, due) == 409, "what was half fetched is refused"
    assert read(city, dataset)["code"] == "no_pull"
    city.puller().look()
    assert city.last(other)["version"] == 2 and not city.due()


def test_a_withdrawn_version_suspends_the_pull_that_would_bring_it_again(city: PulledCity) -> None:
    dataset, _ = set_and_due(city)
    assert city.again(dataset)["version"] == 2
    city.run(dataset)
    step(city, dataset, kind="withdraw", version=2)
    told = read(city, dataset)
    assert told["state"] == "suspended"
    assert "wrong rows" in told["suspended"]["en"] and "wrong rows" in told["suspended"]["zh"]
    assert not city.due() and city.run(dataset).json()["code"] == "pull_suspended"
    assert city.pulled(dataset, source="file")["version"] == 3, "whoever sets it again answers for it"


def test_a_pull_of_a_dataset_without_versions_is_read_and_removed(city: PulledCity) -> None:
    dataset, _ = set_and_due(city)
    step(city, dataset, kind="withdraw", version=1)
    with city.asked.story.database.transaction() as tx:  # as a release before had it
        tx.execute(update(pulls).where(pulls.c.dataset == dataset).values(state="active", suspended=None))
    assert not city.due() and read(city, dataset)["state"] == "suspended"
    path = f"/v1/datasets/{dataset}/pull"
    assert city.officer().send("GET", f"{path}/attempts").status_code == 200
    assert city.officer().send("DELETE", path).status_code == 204


def test_rows_of_a_dataset_whose_versions_went_end_in_an_outcome(city: PulledCity) -> None:
    """They were on the way as the last version was withdrawn by a release that did not know of pulls."""
    dataset, due = set_and_due(city)
    with city.asked.story.database.transaction() as tx:
        tx.execute(update(datasets).where(datasets.c.name == dataset).values(latest=0))
    assert arrive(city, due) == 204
    assert city.last(dataset)["outcome"] == "failed" and read(city, dataset)["state"] == "suspended"
    assert not city.due()


def test_a_retired_dataset_fetches_nobodys_rows(city: PulledCity) -> None:
    dataset, _ = set_and_due(city)
    with city.asked.story.database.transaction() as tx:
        tx.execute(update(datasets).where(datasets.c.name == dataset).values(retires_at=datetime.now(UTC)))
    assert not city.due()
    told = read(city, dataset)
    assert told["state"] == "suspended" and "retired" in told["suspended"]["en"]
    refused = city.set(dataset, source="file")
    assert (refused.status_code, refused.json()["code"]) == (409, "dataset_retired")


def test_a_colleagues_policy_waits_until_the_pull_is_set_again(city: PulledCity) -> None:
    """Its outcome would be told to everybody: a rule about one person would be answered without a price."""
    dataset, due = set_and_due(city)
    rule = POLICY.format(name=dataset, grade="3") + ('expect:\n  - {rule: "cost < 80", else: stop}\n')
    published = city.officer("sun").send(
        "POST", "/v1/datasets", data={"policy": rule}, files={"file": ("rows.csv", ROWS)}
    )
    assert published.status_code == 201, published.text
    assert arrive(city, due) == 204
    assert "version" not in city.last(dataset, "sun") and city.version(dataset) == 2
    told = read(city, dataset, "sun")
    assert told["state"] == "suspended" and "sun" in told["suspended"]["en"] and told["suspended"]["zh"]
    assert city.run(dataset).json()["code"] == "pull_suspended"
    # lin has read it now, and answers for it; versions that a pull makes keep to it
    assert city.set(dataset, source="file").json()["state"] == "active"
    assert "version" not in city.again(dataset)  # the rule stops it: lin's file, lin's pull
    city.table([("a", 2024, 1)])
    assert city.again(dataset)["version"] == 3 and city.again(dataset)["version"] == 4


def test_the_second_officer_agrees_to_what_they_read(city: PulledCity) -> None:
    city.table(PEOPLE)
    dataset = city.published(grade="4")
    first = city.set(dataset, agreed=False, source="file").json()
    path = f"/v1/datasets/{dataset}/pull/agree"
    changed = city.set(dataset, agreed=False, source="file", kind="query", what="SELECT * FROM others").json()
    assert changed["revision"] != first["revision"]
    refused = city.officer("sun").send("POST", path, json={"revision": first["revision"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "pull_changed")
    assert read(city, dataset)["state"] == "waiting"
    assert city.officer("sun").send("POST", path).status_code == 422
    agreed = city.officer("sun").send("POST", path, json={"revision": changed["revision"]}).json()
    assert agreed["state"] == "active" and agreed["second_person"] == "sun"
    assert city.officer().send("DELETE", f"/v1/datasets/{dataset}/pull").status_code == 204


def test_a_query_stands_in_the_log_as_a_digest(city: PulledCity) -> None:
    """The log is for good, and everybody reads it."""
    identity = "11010519491231002X"
    dataset = city.published()
    query = f"SELECT * FROM visits WHERE person <> '{identity}'"
    assert city.set(dataset, source="file", kind="query", what=query).status_code == 200
    with city.asked.story.database.transaction() as tx:
        said = list(tx.scalars(select(openings.c.content)))
    assert any(dataset in one and "what_sha256" in one for one in said)
    assert not any(identity in one for one in said)
    assert city.officer().send("DELETE", f"/v1/datasets/{dataset}/pull").status_code == 204


@contextmanager
def failing_vault() -> Iterator[tuple[str, list[int]]]:
    """A server that lists two due pulls, and fails at the first one's outcome."""
    told: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pull = {"revision": 1, "source": "none", "kind": "table", "what": "t"}
            self.answer(200, json.dumps([pull | {"id": 1}, pull | {"id": 2}]).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            told.append(int(self.path.split("/")[3]))
            self.answer(500 if told[-1] == 1 else 204)

        def answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_error_of_one_pull_leaves_the_others(tmp_path: Path) -> None:
    with failing_vault() as (url, told):
        settings = Settings(vault_url=url, policies=tmp_path, puller_secret=SecretStr(SECRET))
        known: dict[str, DataSource] = {}
        Puller(settings, known, Reach()).look()
    assert told == [1, 2]


def test_a_version_is_registered_before_the_log_is_held(story: Story) -> None:
    """Whoever sets a pull takes its row first and the log after: the other way round both would wait."""
    low = CLINIC.replace('grade: "4"', 'grade: "3"')
    publish_with(story, policy=low)
    held: list[int] = []

    def registered(tx: Transaction, _version: Version) -> None:
        own = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        own += f" AND classid = {LOG_LOCK >> 32} AND objid = {LOG_LOCK & 0xFFFFFFFF}"
        held.append(tx.execute(text(own)).scalar_one())
        append(tx, Event("pull.asked", "lin", "dataset:clinic.visits", {}))
        held.append(tx.execute(text(own)).scalar_one())

    publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal("lin"),
        policy_text=low,
        body=rows_csv(60),
        registered=registered,
        opening=None,
    )
    assert held == [0, 1]
