"""The OpenAPI document of a service: FastAPI's, completed with what holds for all operations.

What the operations declare (models, summaries, the statuses of their errors) stands beside them. What follows
from how a service is put together is added here: errors are problem documents, an operation with a token may
answer 401, one of the vault 403, one with a body 400 and 413, one that answers with a document 406, and every
one 422 and 503.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from sandbox.api_schema import ERRORS, LARGEST_EXACT, PROBLEM_JSON, Problem
from sandbox.http.openapi_examples import add_examples, problem_example

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
VALIDATION = "HTTPValidationError"  # FastAPI's own form of a 422, which is never sent
SCHEMA = "#/components/schemas/"
OF_DATA = {"vault_token", "kernel_token"}
Json = dict[str, Any]


def install(
    app: FastAPI, *, description: str, tags: Mapping[str, str], examples: Mapping[str, Any] | None = None
) -> None:
    """Let `app` describe itself by `specification`. `tags`: the groups of its operations, in their order.
    `examples`: those of its operations, by id."""

    def describe() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = specification(
                app, description=description, tags=tags, examples=examples or {}
            )
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's own way to extend it


def specification(
    app: FastAPI, *, description: str, tags: Mapping[str, str], examples: Mapping[str, Any]
) -> Json:
    """The OpenAPI document of the routes that `app` has now."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=description,
        routes=app.routes,
        tags=[{"name": name, "description": meaning} for name, meaning in tags.items()],
        license_info=LICENCE,
        servers=[{"url": "/"}],
    )
    components: Json = document.setdefault("components", {})
    schemas: Json = components.setdefault("schemas", {})
    schemas |= problem_schemas()
    components["responses"] = {name: _error(status, words) for status, (name, words) in ERRORS.items()}
    for _, _, operation in operations(document):
        _complete(operation)
    answered = {
        response.get("$ref", "").rpartition("/")[2]
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
    }
    components["responses"] = {
        name: response for name, response in components["responses"].items() if name in answered
    }
    _remove_unused(document)
    _limit_integers(document)
    for _, _, operation in operations(document):
        add_examples(operation, examples.get(operation["operationId"], {}))
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def problem_schemas() -> Json:
    """The schema of an error and of its parts, by name."""
    schema = TypeAdapter(Problem).json_schema(ref_template=f"{SCHEMA}{{model}}")
    return {**schema.pop("$defs"), "Problem": schema}


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation of a document: path, method, and what is said of it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def _error(status: int, description: str) -> Json:
    response: Json = {
        "description": description,
        "content": {
            PROBLEM_JSON: {"schema": {"$ref": f"{SCHEMA}Problem"}, "example": problem_example(status)}
        },
    }
    if status == 401:
        response["headers"] = {
            "WWW-Authenticate": {
                "description": "How to authenticate (RFC 9110).",
                "schema": {"type": "string"},
                "required": True,
            }
        }
    return response


def _complete(operation: Json) -> None:
    responses: Json = operation["responses"]
    own = {status: response for status, response in responses.items() if _is_own(status, response)}
    errors = {int(status) for status in responses if _is_error(status)} | {422, 503}
    if operation.setdefault("security", []):  # an empty list says that none is needed
        errors.add(401)
    if any(OF_DATA & each.keys() for each in operation["security"]):
        errors.add(403)  # of a company that nobody has verified: sandbox/http/authentication.py
    if any("content" in response for status, response in own.items() if not _is_error(status)):
        errors.add(406)
    if "requestBody" in operation:
        errors |= {400, 413}
    for response in own.values():
        for content in response.get("content", {}).values():
            content["schema"] = _without_siblings(content.get("schema", {}))
    operation["responses"] = own | {
        str(status): {"$ref": f"#/components/responses/{ERRORS[status][0]}"}
        for status in sorted(errors)
        if str(status) not in own
    }


def _is_error(status: str) -> bool:
    return status.startswith(("4", "5"))


def _is_own(status: str, response: Json) -> bool:
    """A success, or an error that has a form of its own (those of OAuth)."""
    return not _is_error(status) or ("content" in response and VALIDATION not in json.dumps(response))


def _without_siblings(schema: Any) -> Any:
    """A declared model, without what FastAPI's merging left beside it of the endpoint's return type."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return {"$ref": schema["$ref"]}
        return {name: _without_siblings(part) for name, part in schema.items()}
    return [_without_siblings(part) for part in schema] if isinstance(schema, list) else schema


def _limit_integers(document: Json) -> None:
    """Say of every integer of an answer, where it names no limit of its own, that JSON keeps it.

    Identities are 32-bit numbers, amounts and losses have limits of their own, and what else could be
    larger is written as text (`exact_in_json`). The integers of requests name their limits themselves.
    """
    answers = [
        *document["components"]["responses"].values(),
        *(answer for _, _, operation in operations(document) for answer in operation["responses"].values()),
    ]
    schemas = document["components"]["schemas"]
    parts = [*answers, *(schemas[name] for name in _reached(answers, schemas))]
    for integer in (inner for part in parts for inner in _integers(part)):
        if "maximum" not in integer:
            integer |= {"minimum": -LARGEST_EXACT, "maximum": LARGEST_EXACT}


def _integers(part: Any) -> Iterator[Json]:
    if isinstance(part, dict):
        if part.get("type") == "integer":
            yield part
        for inner in part.values():
            yield from _integers(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _integers(inner)


def _remove_unused(document: Json) -> None:
    """Schemas that nothing refers to: FastAPI's own form of a validation error."""
    schemas = document["components"]["schemas"]
    used = _reached([document["paths"], document["components"]["responses"]], schemas)
    for name in schemas.keys() - used:
        del schemas[name]


def _reached(parts: list[Any], schemas: Json) -> set[str]:
    """The names of the schemas to which these parts refer, and those refer."""
    used: set[str] = set()
    waiting = list(_references(parts))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += _references(schemas[name])
    return used


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if str(part.get("$ref", "")).startswith(SCHEMA):
            yield part["$ref"].removeprefix(SCHEMA)
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)
