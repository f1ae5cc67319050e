"""Every error is a problem document, says how to go on, and a parameter that is not there is refused."""

import json
import re

import pytest

from api_breaks import METHODS
from asked_vault import AskedVault
from described_api import OPENAPI, Description, described

NAMES = {"number": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "index": "0", "path": "a.csv", "name": "no.such"}


def address(path: str) -> str:
    """An address of a path's template, of something that is not there."""
    return re.sub(r"\{(\w+)\}", lambda found: NAMES[found[1]], path)


def paths(service: str) -> list[tuple[str, list[str]]]:
    document = json.loads((OPENAPI / f"{service}.json").read_text("utf-8"))
    return [(path, sorted(methods.keys() & METHODS)) for path, methods in document["paths"].items()]


def problem_of(vault: Description, status: int, answer: object) -> None:
    """Raises `Undescribed` for what is no problem document."""
    vault.check_document({"$ref": "#/components/schemas/Problem"}, answer, f"a {status}")


@pytest.mark.parametrize("door", ["vault", "kernel"])
def test_a_method_that_is_not_there_is_refused_with_those_that_are(door: str, asked: AskedVault) -> None:
    """Source: RFC 9110, section 15.5.6: a 405 carries `Allow`."""
    asker = asked.person("wang") if door == "vault" else asked.kernel("wang")
    for path, methods in paths(door):
        answer = asker.send("PATCH", address(path))
        assert answer.status_code == 405, path
        allowed = {method.upper() for method in methods}
        assert allowed <= set(answer.headers["allow"].split(", ")), (path, answer.headers["allow"])
        problem_of(described(door), 405, answer.json())


def test_an_address_with_two_methods_allows_both(asked: AskedVault) -> None:
    assert asked.person("wang").send("DELETE", "/v1/runs").headers["allow"] == "GET, POST"


@pytest.mark.parametrize("door", ["vault", "kernel"])
def test_whoever_has_no_token_is_told_how_to_authenticate(door: str, asked: AskedVault) -> None:
    """Source: RFC 9110, section 11.6.1: a 401 carries `WWW-Authenticate`."""
    client = (asked.person("wang") if door == "vault" else asked.kernel("wang")).client
    for token in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic bm86bm8="}):
        answer = client.get("/v1/me", headers=token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        problem_of(described(door), 401, answer.json())


@pytest.mark.parametrize("door", ["vault", "kernel"])
def test_unknown_query_parameters_are_refused_everywhere(door: str, asked: AskedVault) -> None:
    asker = asked.person("wang") if door == "vault" else asked.kernel("wang")
    for path, methods in paths(door):
        for method in methods:
            answer = asker.send(method.upper(), address(path) + "?no_such_parameter=1")
            assert answer.status_code == 422, (method, path, answer.text)
            body = answer.json()
            assert body["code"] == "unknown_parameter"
            assert "no_such_parameter" in body["detail"]
            problem_of(described(door), 422, body)


def test_the_refusal_names_the_parameters_that_there_are(asked: AskedVault) -> None:
    lin = asked.person("lin")
    refused = lin.send("GET", "/v1/budgets?grnt=1&gramt=2").json()
    assert refused["detail"] == "This operation has no query parameter 'gramt', 'grnt'."
    assert refused["remedy"] == "Its query parameters are: grant."
    refused = lin.send("GET", "/v1/me?x=1").json()
    assert refused["remedy"] == "It has no query parameters."
    chinese = lin.client.get(
        "/v1/me?x=1", headers={"Authorization": f"Bearer {lin.token}", "Accept-Language": "zh"}
    )
    assert chinese.json()["detail"] == "此操作没有查询参数 'x'。"
    assert lin.send("GET", "/v1/log/entries?start=0&end=1").status_code == 200
    assert lin.send("GET", "/v1/reviews?state=decided").status_code == 200
    assert lin.send("GET", "/health/live?probe=1").status_code == 200  # no operation of the API
