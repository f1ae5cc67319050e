"""Every request has an id in its lines, its errors and what follows from it;
what is counted tells nothing else."""

import io
import logging
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import NotFound, Unavailable
from sandbox.http import problem_details
from sandbox.http.clocks import require_together
from sandbox.http.endpoints import health_router, metrics_router
from sandbox.http.health import OK, Health, room_on_disk
from sandbox.http.log_lines import LineFormatter
from sandbox.http.metrics import Metrics
from sandbox.http.request_id import HEADER, SANE, accepted, outgoing
from sandbox.http.request_log import RequestLog

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ (\S+) [\w.]+: .*"
)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, in the services' form."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter("test"))
    logger = logging.getLogger("cihu")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test", "1")


@pytest.fixture
def client(metrics: Metrics) -> TestClient:
    app = FastAPI()
    problem_details.install(app)

    @app.get("/people/{name}")
    def person(name: str) -> dict[str, str]:  # a thread of starlette's
        logging.getLogger("cihu.work").info("working for %s", name)
        return outgoing()

    @app.get("/absent")
    def absent() -> None:
        raise NotFound("There is no such thing.", internal="inside")

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("a value of somebody's")

    app.include_router(health_router(Health({"well": lambda: None})))
    app.include_router(metrics_router(metrics.registry))
    return TestClient(RequestLog(app, logging.getLogger("cihu.test"), metrics), client=("127.0.0.1", 9))


def test_an_id_that_was_sent_stands_in_every_line_the_answer_and_what_is_sent_on(
    client: TestClient, lines: io.StringIO
) -> None:
    answer = client.get("/people/wang", headers={HEADER: "page-12345678"})
    assert answer.headers[HEADER] == "page-12345678" and answer.json() == {HEADER: "page-12345678"}
    found = [LINE.fullmatch(line) for line in lines.getvalue().splitlines()]
    assert len(found) == 2 and all(line and line[2] == "page-12345678" for line in found), lines.getvalue()


@pytest.mark.parametrize("path", ["/absent", "/broken", "/nowhere"])
def test_every_error_says_the_id_by_which_it_is_found_in_the_log(
    path: str, client: TestClient, lines: io.StringIO
) -> None:
    quiet = TestClient(client.app, raise_server_exceptions=False, client=("127.0.0.1", 9))
    answer = quiet.get(path)
    id = answer.json()["request_id"]
    assert SANE.fullmatch(id) and answer.headers[HEADER] == id and f" {id} " in lines.getvalue()
    assert "somebody" not in lines.getvalue() + answer.text, "no failure's words are written down"
    assert quiet.get(path).json()["request_id"] != id


@given(st.text(alphabet=string.printable + "中\x00\x1b", max_size=90))
def test_an_id_is_taken_only_if_it_can_stand_in_a_line_and_a_header(sent: str) -> None:
    id = accepted(sent)
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", id)
    assert id == sent or not SANE.fullmatch(sent)


@given(st.text(max_size=200))
def test_a_line_is_one_line_of_the_form_whatever_its_message_holds(message: str) -> None:
    record = logging.LogRecord("cihu.x", logging.ERROR, "f", 1, "%s", (message,), None)
    line = LineFormatter("vault").format(record)
    assert len(line.splitlines()) == 1 and LINE.fullmatch(line) and line.isprintable()


def test_a_traceback_is_written_as_type_and_place_alone() -> None:
    try:
        int("the salary of wang")
    except ValueError:
        import sys

        record = logging.LogRecord("cihu.x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    line = LineFormatter("vault").format(record)
    assert "ValueError at " in line and "salary" not in line


def test_what_is_counted_names_no_person_and_tells_no_time(client: TestClient) -> None:
    for name in ("wang", "li"):
        client.get(f"/people/{name}")
    client.get("/nobody-knows-this")
    said = client.get("/metrics").text
    assert 'cihu_requests_total{method="GET",route="/people/{name}",service="test",status="2xx"} 2.0' in said
    assert 'route="other",service="test",status="4xx"} 1.0' in said
    assert not re.search("wang|li\\b|nobody|seconds|bytes|cpu", said), said


@pytest.mark.parametrize(
    ("token", "sent", "where", "allowed"),
    [
        ("", {}, "127.0.0.1", True),
        ("", {}, "::1", True),
        ("", {}, "10.0.0.7", False),
        ("", {"X-Forwarded-For": "10.0.0.7"}, "127.0.0.1", False),
        ("", {"Forwarded": "for=10.0.0.7"}, "127.0.0.1", False),
        ("secret", {}, "127.0.0.1", False),
        ("secret", {"Authorization": "Bearer secret"}, "10.0.0.7", True),
        ("secret", {"Authorization": "Bearer secre"}, "10.0.0.7", False),
    ],
)
def test_metrics_are_for_this_machine_or_who_has_the_token(
    token: str, sent: dict[str, str], where: str, *, allowed: bool, metrics: Metrics
) -> None:
    app = FastAPI()
    problem_details.install(app)
    app.include_router(metrics_router(metrics.registry, token))
    answer = TestClient(app, client=(where, 9)).get("/metrics", headers=sent)
    assert answer.status_code == (200 if allowed else 404)


def test_readiness_names_what_is_not_met_and_waits_for_nobody() -> None:
    stuck, asked = Event(), []

    def hangs() -> None:
        asked.append(1)
        stuck.wait(60)

    def refuses() -> None:
        raise Unavailable("It is away.", internal="10.0.0.7")

    def breaks() -> None:
        raise ValueError("a value of somebody's")

    health = Health({"well": lambda: None, "hangs": hangs, "refuses": refuses, "breaks": breaks})
    try:
        ready, document = health.document()
        assert not ready and document["checks"] == {
            "well": OK,
            "hangs": "does not answer within 3 seconds",
            "refuses": "It is away.",
            "breaks": "failed: ValueError",
        }
        health._kept = None
        health.checked()
        assert asked == [1], "one that hangs is not asked again and again"
    finally:
        stuck.set()


def test_a_disk_that_is_nearly_full_is_not_ready(tmp_path: Path) -> None:
    room_on_disk(tmp_path, least=1)()
    with pytest.raises(Unavailable, match="nearly full"):
        room_on_disk(tmp_path, least=2**62)()


@pytest.mark.parametrize("seconds", [-3600, -31, 31, 86400])
def test_clocks_that_are_apart_are_told_with_the_direction_and_the_remedy(seconds: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(
        Unavailable, match=f"{abs(seconds)} seconds {'ahead of' if seconds > 0 else 'behind'}.*NTP"
    ):
        require_together(now, now + timedelta(seconds=seconds))
    require_together(now, now + timedelta(seconds=20))
