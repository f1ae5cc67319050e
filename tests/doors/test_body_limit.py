"""What comes to the vault's doors is counted as it comes, and a failure's words stay inside."""

import logging

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from sandbox.errors import NotAuthenticated
from sandbox.http import problem_details
from sandbox.http.body_limit import BodyLimit, LargeBody
from sandbox.http.request_log import RequestLog

log = logging.getLogger("test.journal")


def refuse(_: str) -> None:
    raise NotAuthenticated("No token was sent.")


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    problem_details.install(app)

    @app.post("/{path:path}")
    async def length(request: Request, path: str) -> int:
        return len(await request.body())

    @app.get("/fails")
    def fails() -> None:
        raise ValueError("CANARY-value")

    large = [LargeBody("POST", "/large", 5000)]
    guarded = BodyLimit(app, 1000, large=large, admit=lambda token: None if token else refuse(token))
    return TestClient(RequestLog(guarded, log), raise_server_exceptions=False)


def test_a_body_within_the_limit_passes(client: TestClient) -> None:
    assert client.post("/x", content=b"a" * 1000).json() == 1000


def test_a_larger_body_is_refused(client: TestClient) -> None:
    answer = client.post("/x", content=b"a" * 1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "http_413")


def test_the_large_request_is_admitted_before_it_is_read(client: TestClient) -> None:
    assert client.post("/large", content=b"a" * 4000).status_code == 401
    assert client.post("/large", content=b"a" * 4000, headers={"Authorization": "yes"}).json() == 4000
    assert client.post("/large", content=b"a" * 5001, headers={"Authorization": "yes"}).status_code == 413


def test_a_failure_leaves_its_kind_in_the_log_and_not_its_words(
    client: TestClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        assert client.get("/fails?secret=CANARY-query").status_code == 503
    said = caplog.text + "".join(capfd.readouterr())
    assert "ValueError" in said
    assert "CANARY" not in "".join(
        line for line in said.splitlines() if "httpx" not in line and "HTTP Request" not in line
    )
