"""The log over HTTP: hashes for all, entries for whoever is logged in, openings for those who may."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import FastAPI, Header
from fastapi.testclient import TestClient

from sandbox.audit import Event, Log, Signer, append, verify_growth, verify_receipt
from sandbox.audit.endpoints import router
from sandbox.audit.erase import erase_opening
from sandbox.database import Database
from sandbox.errors import NotAuthenticated
from sandbox.http import problem_details


def who(x_name: Annotated[str, Header()] = "") -> str:
    if not x_name:
        raise NotAuthenticated("Who asks?")
    return x_name


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    with database.transaction() as tx:
        for actor in ("wang", "li"):
            append(tx, Event(kind="query.asked", actor=actor, subject="query:1"))
    app = FastAPI()
    problem_details.install(app)
    log = Log(database, Signer(tmp_path / "log"))
    app.include_router(
        router(log, authenticate=who, may_open=lambda asker, actor: asker in (actor, "auditor"))
    )
    with TestClient(app) as opened:
        yield opened


def test_a_witness_can_follow_the_log_without_an_account(client: TestClient, database: Database) -> None:
    key = client.get("/v1/log/key").json()["key"]
    first = client.get("/v1/log/checkpoint").text
    with database.transaction() as tx:
        append(tx, Event(kind="query.asked", actor="li", subject="query:2"))
    second = client.get("/v1/log/checkpoint").text
    proof = client.get("/v1/log/consistency", params={"first": 3, "second": 4}).json()["proof"]
    verify_growth(first, second, proof, key)


def test_a_receipt_holds_the_opening_only_for_those_who_may_see_it(
    client: TestClient, database: Database
) -> None:
    key = client.get("/v1/log/key").json()["key"]
    for name, sees in [("wang", True), ("auditor", True), ("li", False)]:
        receipt = client.get("/v1/log/receipts/0", headers={"x-name": name}).json()
        assert (receipt["opening"] is not None) is sees
        assert verify_receipt(receipt, key).opened is sees
    with database.transaction() as tx:
        erase_opening(tx, index=0, by="owner", reason="asked for")
    assert client.get("/v1/log/receipts/0", headers={"x-name": "wang"}).json()["opening"] is None


def test_receipts_of_several_entries_are_those_of_each(client: TestClient) -> None:
    key = client.get("/v1/log/key").json()["key"]
    for name in ("wang", "auditor", "li"):
        asked = {"headers": {"x-name": name}}
        told = client.get("/v1/log/receipts?index=1&index=0&index=1", **asked).json()["receipts"]
        assert told == [client.get(f"/v1/log/receipts/{index}", **asked).json() for index in (1, 0, 1)]
        assert [verify_receipt(each, key).index for each in told] == [1, 0, 1]


def test_entries_are_listed_without_openings(client: TestClient) -> None:
    reply = client.get("/v1/log/entries", params={"start": 0, "end": 2}, headers={"x-name": "zhao"})
    assert reply.json()["start"] == 0
    assert len(reply.json()["entries"]) == 2
    assert all("wang" not in str(json.loads(each) | {"commitment": ""}) for each in reply.json()["entries"])


@pytest.mark.parametrize(
    "path", ["/v1/log/receipts/0", "/v1/log/receipts?index=0", "/v1/log/entries?start=0&end=1"]
)
def test_entries_and_receipts_need_a_login(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/log/receipts/99", 404),
        ("/v1/log/receipts/-1", 422),
        ("/v1/log/receipts/9007199254740992", 422),
        ("/v1/log/receipts/9007199254740991", 404),
        ("/v1/log/receipts/x", 422),
        ("/v1/log/receipts?index=0&index=99", 404),
        ("/v1/log/receipts?index=0&index=-1", 422),
        ("/v1/log/receipts", 422),
        ("/v1/log/receipts?" + "&".join(["index=0"] * 101), 422),
        ("/v1/log/consistency?first=0&second=1", 422),
        ("/v1/log/consistency?first=2&second=1", 422),
        ("/v1/log/consistency?first=1&second=9999", 422),
        ("/v1/log/entries?start=5&end=1", 422),
        ("/v1/log/entries?start=9007199254740991&end=9007199254740991", 200),
        ("/v1/log/entries", 422),
    ],
)
def test_what_cannot_be_answered_is_refused_as_a_problem(client: TestClient, path: str, status: int) -> None:
    assert client.get(path, headers={"x-name": "zhao"}).status_code == status
