"""The descriptions of the HTTP APIs are valid, complete, committed, and break nothing that is not listed."""

import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from api_breaks import METHODS, breaks
from described_api import OPENAPI, Undescribed, described
from sandbox.api_schema import LARGEST_EXACT, answers
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

CHECKOUT = Path(__file__).parents[2]
REDOCLY = CHECKOUT / "requirements" / "redocly" / "node_modules" / ".bin" / "redocly"
SERVICES = ("vault", "kernel", "portal")
OPERATION_ID = re.compile(r"[a-z]+(_[a-z]+)*")
FREE_FORM = {"/oauth/token"}  # its form is that of OAuth, written in place
ITEM = re.compile(r"^- `([^`]+)`", re.MULTILINE)

Json = dict[str, Any]


def committed(service: str, folder: str = "") -> Json:
    document: Json = json.loads((OPENAPI / folder / f"{service}.json").read_text("utf-8"))
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method in methods.keys() & METHODS:
            yield path, method, methods[method]


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """scripts/write_openapi.py, which is no package."""
    path = OPENAPI.parents[1] / "scripts" / "write_openapi.py"
    spec = importlib.util.spec_from_file_location("write_openapi", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_descriptions_are_those_of_the_services(
    writer: ModuleType, postgres: Postgres, database_name: str, s3: S3Server, tmp_path: Path
) -> None:
    made = writer.specifications(tmp_path, postgres.url(database=database_name), s3)
    assert made.keys() == set(SERVICES)
    for service, document in made.items():
        same = writer.as_text(document) == (OPENAPI / f"{service}.json").read_text("utf-8")
        assert same, f"docs/openapi/{service}.json is not what the service says: run `make openapi`"


@pytest.mark.parametrize("service", SERVICES)
def test_the_description_is_valid(service: str) -> None:
    """Source: OpenAPI 3.1.0, by openapi-spec-validator."""
    faults = [str(fault) for fault in OpenAPIV31SpecValidator(committed(service)).iter_errors()]
    assert not faults, faults


def test_redocly_finds_no_fault() -> None:
    """Source: the strict rules of Redocly CLI, which also hold every example against its schema.
    It needs no network and reports to nobody."""
    environment = {
        "PATH": f"{os.environ['PATH']}:{CHECKOUT / '.venv' / 'bin'}",  # one of them has node
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    }
    done = subprocess.run(
        [REDOCLY, "lint", "--config", "redocly.yaml", "--max-problems", "20",
         *(f"{service}.json" for service in SERVICES)],
        cwd=OPENAPI, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout, done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_described(service: str) -> None:
    """An id that a generated client can use, a tag that is explained, a summary, typed answers, errors."""
    document = committed(service)
    tags = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert tags == {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    for path, method, operation in operations(document):
        name = f"{method.upper()} {path}"
        assert OPERATION_ID.fullmatch(operation["operationId"]), name
        assert operation["summary"], name
        good = {status: one for status, one in operation["responses"].items() if status < "400"}
        assert good, name
        for response in good.values():
            for kind, content in response.get("content", {}).items():
                schema = content["schema"]
                typed = schema.get("$ref") or schema.get("items", {}).get("$ref")
                as_json = kind.endswith(("/json", "+json"))
                assert typed or path in FREE_FORM or not as_json, f"{name}: {schema}"
        assert {"422", "503"} <= operation["responses"].keys(), name
        assert ("401" in operation["responses"]) or operation["security"] == [], name
        assert ("406" in operation["responses"]) == any("content" in one for one in good.values()), name


@pytest.mark.parametrize("service", SERVICES)
def test_no_integer_is_larger_than_json_keeps(service: str) -> None:
    """Source: RFC 8259, section 6: beyond 2**53 readers may not agree on a number."""
    for place, schema in schemas_within(committed(service), "integer"):
        listed = [schema["const"]] if "const" in schema else schema.get("enum")
        least, most = (min(listed), max(listed)) if listed else (schema["minimum"], schema["maximum"])
        assert -LARGEST_EXACT <= least <= most <= LARGEST_EXACT, (place, schema)


@pytest.mark.parametrize("service", SERVICES)
def test_money_is_whole_and_an_epsilon_of_a_request_is_a_decimal(service: str) -> None:
    """Money is in whole fen. An epsilon may be sent as text, which no reader rounds."""
    for name, schema in committed(service)["components"]["schemas"].items():
        for field, of in schema.get("properties", {}).items():
            kinds = {part.get("type") for part in of.get("anyOf", [of])}
            if field.endswith("_fen"):
                assert kinds <= {"integer", "null"}, (name, field)
            if field == "epsilon" and name in {"Question", "NewRequest", "Approval", "Purchase"}:
                assert "string" in kinds, (name, kinds)


def schemas_within(part: Any, kind: str, at: str = "") -> Iterator[tuple[str, Json]]:
    """Every schema of a type, and where it stands."""
    if isinstance(part, dict):
        if part.get("type") == kind:
            yield at, part
        for name, inner in part.items():
            if name != "example":
                yield from schemas_within(inner, kind, f"{at}/{name}")
    elif isinstance(part, list):
        for nth, inner in enumerate(part):
            yield from schemas_within(inner, kind, f"{at}/{nth}")


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_broken_since_the_release_is_listed(service: str) -> None:
    listed = ITEM.findall((OPENAPI / "breaks.md").read_text("utf-8"))
    found = [f"{service} {one}" for one in breaks(committed(service, "baseline"), committed(service))]
    missing = [one for one in found if one not in listed]
    assert not missing, f"breaks of the API: undo them, or list them in docs/openapi/breaks.md: {missing}"


def test_breaks_are_found() -> None:
    before = committed("vault")
    assert breaks(before, before) == []

    after = deepcopy(before)
    schemas = after["components"]["schemas"]
    del after["paths"]["/v1/me"]
    del after["paths"]["/v1/runs"]["post"]
    schemas["AnswerDocument"]["required"].remove("rows")
    del schemas["BudgetLevel"]["properties"]["picorho_left"]
    schemas["BudgetLevel"]["required"].remove("picorho_left")
    schemas["Question"]["required"].append("epsilon")
    schemas["Purchase"]["properties"]["why"] = {"type": "string"}
    schemas["Purchase"]["required"].append("why")
    after["paths"]["/v1/requests"]["get"]["parameters"].clear()
    assert breaks(before, after) == [
        "/v1/me: removed",
        "GET /v1/budgets: the answer's [].levels[].picorho_left is removed",
        "GET /v1/requests: the query parameter department is removed",
        "GET /v1/requests: the query parameter limit is removed",
        "GET /v1/requests: the query parameter offset is removed",
        "GET /v1/requests: the query parameter status is removed",
        "POST /v1/ask: the answer's rows may be missing",
        "POST /v1/ask: the request's epsilon is required",
        "POST /v1/datasets/{name}/stand-in: the request's why is required",
        "POST /v1/explain: the request's epsilon is required",
        "POST /v1/runs: removed",
    ]


def test_additions_are_no_breaks() -> None:
    before = committed("vault")
    after = deepcopy(before)
    schemas = after["components"]["schemas"]
    after["paths"]["/v1/new"] = after["paths"]["/v1/me"]
    schemas["AnswerDocument"]["properties"]["more"] = {"type": "string"}
    schemas["AnswerDocument"]["required"].append("more")
    schemas["Question"]["properties"]["optional"] = {"type": "string"}
    assert breaks(before, after) == []


def test_an_answer_that_is_not_described_is_a_fault() -> None:
    """The other tests hold every answer that they get against the description: it can fail."""
    vault, json_type = described("vault"), {"content-type": "application/json"}
    person = {"id": "wang", "display_name": "Wang", "organisation": "hbpu", "roles": ["analyst"], "teams": []}

    def check(body: object, status: int = 200, headers: dict[str, str] = json_type) -> None:
        vault.check("GET", "/v1/me", status, headers, json.dumps(body).encode())

    check(person)
    for bad in (person | {"more": 1}, person | {"roles": "analyst"}, {"id": "wang"}, [person]):
        with pytest.raises(Undescribed):
            check(bad)
    for status, headers in ((402, json_type), (200, {"content-type": "text/html"}), (401, json_type)):
        with pytest.raises(Undescribed):
            check(person, status, headers)


def test_the_schema_of_an_answer_is_made_when_it_is_asked_for() -> None:
    """Not at the start of a service, of which it would be a third."""

    class Told(TypedDict):
        __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # its own stays
        number: int

    model = answers(Told)[200]["model"]
    adapter: TypeAdapter[Told] = TypeAdapter(Annotated[model, Field(title="what FastAPI adds")])
    assert not adapter.pydantic_complete
    schema = str(adapter.json_schema())
    assert "'number': {'title': 'Number', 'type': 'integer'}" in schema
    assert "'additionalProperties': True" in schema
