"""What a refusal tells a stranger: whether another team has a thing is told by no endpoint, no status,
no word, no header.

Source: OWASP API Security Top 10 (2023), API1 "Broken object level authorization", and CWE-203 "Observable
discrepancy". Every endpoint of the vault that names a thing in its address, or in its body, is asked twice by
somebody of another team: for a thing that is there and for one that is not. The answers are the same but for
the name that was sent.
"""

import re
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import pytest
from fastapi import FastAPI, Header
from fastapi.testclient import TestClient

import sandbox.grants.endpoints as grants_endpoints
import sandbox.jobs.endpoints as jobs_endpoints
import sandbox.releases.endpoints as releases_endpoints
import sandbox.reviews.endpoints as reviews_endpoints
from reviewed_runs import Reviewing, reviewing
from sandbox.audit import Log, Signer
from sandbox.http import problem_details
from sandbox.identity import Principal, create_account, create_team, join_team, load_principal
from sandbox.jobs import Worker
from sandbox.releases import ask
from sandbox.standalone.s3 import S3Server
from story import Story

STRANGERS = ("qin", "li", "chen")  # of another team, of none, a buyer
GOOD_BODIES: dict[str, Any] = {
    "reason": "a good reason",
    "note": "",
    "files": [
        {
            "path": "table.csv",
            "statbarn": "frequencies",
            "context": "visits by district",
            "controls": "none at all",
        }
    ],
    "votes": [],
    "revision": 1,
}


@pytest.fixture
def city(story: Story, s3: S3Server, tmp_path: Path) -> Reviewing:
    made = reviewing(story, s3, tmp_path)
    with story.database.transaction() as tx:
        create_team(tx, team_id="river", display_name="river", by="system")
        create_account(
            tx, account_id="qin", display_name="qin", organisation="hbpu", roles=["analyst"], by="system"
        )
        join_team(tx, team_id="river", account_id="qin", by="system")
        create_account(
            tx, account_id="chen", display_name="chen", organisation="market", roles=["buyer"], by="system"
        )
    return made


@pytest.fixture
def client(city: Reviewing, tmp_path: Path) -> TestClient:
    """The vault's own routers, with a name instead of a token."""

    def who(x_account: Annotated[str, Header()]) -> Principal:
        with city.context.database.transaction() as tx:
            return load_principal(tx, x_account)

    story, log, worker = city.story, Log(city.context.database, Signer(tmp_path / "log")), Worker(city.runs)
    app = FastAPI()
    problem_details.install(app)
    app.include_router(
        grants_endpoints.router(story.database, story.repository, story.gate, authenticate=who)
    )
    app.include_router(releases_endpoints.router(story.context, log, authenticate=who))
    app.include_router(jobs_endpoints.router(worker, log, authenticate=who))
    app.include_router(reviews_endpoints.for_teams(city.context, log, authenticate=who))
    app.include_router(reviews_endpoints.for_officers(city.context, log, authenticate=who))
    return TestClient(app, raise_server_exceptions=False)


def things(city: Reviewing) -> dict[str, tuple[str, str]]:
    """Of each kind: one that lake has, and one that nobody has."""
    review = city.asked()
    grant = city.run(review.run).inputs[0].grant
    answer = ask(
        city.story.context, principal=city.principal("wang"), sql="SELECT COUNT(*) AS n FROM clinic.visits"
    )
    return {
        "/v1/runs": (str(review.run), str(uuid4())),
        "/v1/reviews": (str(review.id), str(uuid4())),
        "/v1/grants": (str(grant), "4711"),
        "/v1/requests": ("1", "4711"),
        "/v1/answers": (answer["answer_id"], str(uuid4())),
    }


def told(
    client: TestClient, account: str, method: str, address: str, named: str, body: dict[str, Any] | None
) -> str:
    answer = client.request(
        method, address, json=body if method != "GET" else None, headers={"X-Account": account}
    )
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("content-length", "date")
    }
    return f"{answer.status_code} {headers} {answer.text}".replace(named, "IT")


def addresses(client: TestClient) -> list[tuple[str, str]]:
    paths = client.app.openapi()["paths"]  # type: ignore[attr-defined]
    return [
        (method.upper(), path) for path, methods in sorted(paths.items()) for method in methods if "{" in path
    ]


def test_no_endpoint_tells_a_stranger_what_another_team_has(city: Reviewing, client: TestClient) -> None:
    known, tried = things(city), 0
    for method, path in addresses(client):
        there, not_there = next(pair for start, pair in known.items() if path.startswith(start))
        for account in STRANGERS:
            said, logged = [], []
            for named in (there, not_there):
                address = re.sub(r"\{path\}", "table.csv", re.sub(r"\{number\}", named, path))
                assert "{" not in address, address
                before = len(city.kinds())
                said.append(told(client, account, method, address, named, GOOD_BODIES))
                logged.append(city.kinds()[before:])
            assert said[0] == said[1], (method, path, account)
            assert logged[0] == logged[1], (method, path, account, "the log is public")
            assert said[0].startswith(("403", "404", "422")), said[0]
            tried += 1
    assert tried > 40


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", {"sql": "SELECT COUNT(*) AS n FROM clinic.visits"}),
        ("/v1/explain", {"sql": "SELECT COUNT(*) FROM clinic.visits"}),
    ],
)
def test_nor_does_a_question_that_names_a_grant(
    city: Reviewing, client: TestClient, path: str, body: dict[str, Any]
) -> None:
    there, not_there = things(city)["/v1/grants"]
    logged = len(city.kinds())
    for account in STRANGERS:
        said = [
            told(client, account, "POST", path, named, {**body, "grant": int(named)})
            for named in (there, not_there)
        ]
        assert said[0] == said[1] and said[0].startswith("404"), said
    assert len(city.kinds()) == logged, "the log is public"
    said = [
        told(client, "qin", "GET", f"/v1/budgets?grant={named}", named, None) for named in (there, not_there)
    ]
    assert said[0] == said[1], said


def test_who_may_know_of_it_is_told_why(city: Reviewing, client: TestClient) -> None:
    there, _ = things(city)["/v1/grants"]
    wang = client.post(
        f"/v1/grants/{there}/revoke", json={"reason": "a good reason"}, headers={"X-Account": "wang"}
    )
    assert wang.status_code == 403, wang.text


def test_the_search_finds_a_difference(
    city: Reviewing, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule, a refusal says that the thing is there."""
    monkeypatch.setattr("sandbox.errors.CihuError.shown_as", property(lambda _: None, lambda _, __: None))
    with pytest.raises(AssertionError, match="revoke|approve|reviews"):
        test_no_endpoint_tells_a_stranger_what_another_team_has(city, client)
