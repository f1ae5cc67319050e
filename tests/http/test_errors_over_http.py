"""Every error is a problem document, says how to go on, and a parameter that is not there is refused."""

import json
import re

import pytest

from api_breaks import METHODS
from asked_vault import AskedVault
from described_api import OPENAPI, Description, described
from sandbox.http.accepted_types import accepts
from sandbox.http.error_pages import page_name

NUMBER = "0" * 8 + "-0000-4000-8000-" + "0" * 12
NAMES = {
    "number": NUMBER,
    "page": "00000000-0000-4000-8000-000000000000",
    "id": NUMBER,
    "index": "0",
    "path": "a.csv",
    "name": "no.such",
    "version": NUMBER,
    "account": "no-such",
    "entry": NUMBER,
    "juror": "no-such",
    "team": "no-such",
    "kind": "no-such",
}


ANOTHERS_LARGE_BODIES = {("post", "/v1/pulls/{id}/rows")}
"""Whose bodies may be large is asked before anything of a request is looked at; these are the puller's."""


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
            if (method, path) in ANOTHERS_LARGE_BODIES:
                assert answer.status_code == 401
                continue
            assert answer.status_code == 422, (method, path, answer.text)
            body = answer.json()
            assert body["code"] == "unknown_parameter"
            assert "no_such_parameter" in body["detail"]
            problem_of(described(door), 422, body)


@pytest.mark.parametrize("door", ["vault", "kernel"])
def test_a_type_that_no_operation_answers_with_is_refused_everywhere(door: str, asked: AskedVault) -> None:
    """Source: RFC 9110, section 15.5.7. It is refused before anything is done, as a problem document.
    An answer without a body has no type."""
    asker = asked.person("wang") if door == "vault" else asked.kernel("wang")
    authorization = {"Authorization": f"Bearer {asker.token}"}
    for path, methods in paths(door):
        for method in methods:
            if "204" in described(door).document["paths"][path][method]["responses"]:
                continue
            answer = asker.client.request(
                method.upper(),
                address(path),
                headers=authorization | {"Accept": "image/png, application/xml"},
            )
            assert answer.status_code == 406, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            body = answer.json()
            assert body["code"] == "not_acceptable" and body["remedy"].startswith("Accept ")
            problem_of(described(door), 406, body)


def test_what_programs_and_browsers_accept_is_answered(asked: AskedVault) -> None:
    wang = asked.person("wang")
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    for accept in ("*/*", browser, "application/json", "application/*", "application/json;q=0.1", ""):
        headers = {"Authorization": f"Bearer {wang.token}", "Accept": accept}
        assert wang.client.get("/v1/me", headers=headers).status_code == 200, accept
    chinese = {"Authorization": f"Bearer {wang.token}", "Accept": "text/html", "Accept-Language": "zh"}
    assert (
        wang.client.get("/v1/me", headers=chinese).json()["detail"]
        == "请求的 Accept 头排除了此操作的所有应答格式。"
    )


@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        ("application/json;q=0, */*", False),  # the nearest range decides
        ("application/*;q=0, application/json", True),
        ("*/*;q=0", False),
        ("APPLICATION/JSON", True),
        ("application/json; charset=utf-8; q=0.5", True),
        ("text/plain", False),
        ("application/problem+json", False),
        ("application/json;q=0.000", False),
        ("no type at all", True),
        (",,", True),
    ],
)
def test_how_an_accept_header_is_read(accept: str, *, accepted: bool) -> None:
    """Source: RFC 9110, section 12.5.1."""
    assert accepts(accept, "application/json") is accepted


def test_the_type_of_a_problem_leads_to_the_page_of_its_code(asked: AskedVault) -> None:
    """Source: RFC 9457, section 3.1.1. The portal shows the page; the vault leads on to it."""
    wang = asked.person("wang")
    for path, type_ in (("/v1/me?x=1", "unknown-parameter"), ("/v1/nothing", "http-404")):
        problem = wang.send("GET", path).json()
        assert problem["type"] == f"/help/errors/{type_}"
        page = wang.client.get(problem["type"])
        assert (page.status_code, page.headers["location"]) == (
            303,
            f"http://127.0.0.1:8600/help/errors/{type_}",
        )
    assert wang.client.get("/help/errors/..%2f..%2fetc").status_code == 404
    assert page_name("NOT_FOUND") == "key-not-found" != page_name("not_found")


def test_what_http_itself_refuses_has_words_in_both_languages(asked: AskedVault) -> None:
    wang = asked.person("wang")
    for method, path, status in (("GET", "/v1/nothing", 404), ("PATCH", "/v1/me", 405)):
        for language, remedy in (("en", r"[A-Z].*\."), ("zh", r"请.*。")):
            headers = {"Authorization": f"Bearer {wang.token}", "Accept-Language": language}
            problem = wang.client.request(method, path, headers=headers).json()
            assert problem["code"] == f"http_{status}"
            assert re.fullmatch(remedy, problem["remedy"]), problem


def test_the_refusal_names_the_parameters_that_there_are(asked: AskedVault) -> None:
    lin = asked.person("lin")
    refused = lin.send("GET", "/v1/budgets?grnt=1&gramt=2").json()
    assert refused["detail"] == "This operation has no query parameter 'gramt', 'grnt'."
    assert refused["remedy"] == "Its query parameters are: dataset, grant, limit, offset."
    refused = lin.send("GET", "/v1/me?x=1").json()
    assert refused["remedy"] == "It has no query parameters."
    chinese = lin.client.get(
        "/v1/me?x=1", headers={"Authorization": f"Bearer {lin.token}", "Accept-Language": "zh"}
    )
    assert chinese.json()["detail"] == "此操作没有查询参数 'x'。"
    assert lin.send("GET", "/v1/log/entries?start=0&end=1").status_code == 200
    assert lin.send("GET", "/v1/reviews?state=decided").status_code == 200
    assert lin.send("GET", "/health/live?probe=1").status_code == 200  # no operation of the API


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_value_that_is_none_of_a_list_is_refused_with_the_list(asked: AskedVault, language: str) -> None:
    lin = asked.person("lin")
    headers = {"Authorization": f"Bearer {lin.token}", "Accept-Language": language}
    refused = lin.client.get("/v1/waiting/nonsense/1", headers=headers)
    assert refused.status_code == 422 and "request, review, opening" in refused.json()["remedy"]
