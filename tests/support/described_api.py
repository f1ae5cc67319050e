"""Every answer that the tests get is held against the committed description of the API.

A client with `event_hooks=held_against("vault")` fails a test when an operation answers with a status, a
content type or a document that docs/openapi/vault.json does not have. Documents are held against closed
schemas: a field that is not described is a fault, too.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi"
SUCCESS, ERROR = 200, 400


class Undescribed(AssertionError):
    """An answer that the description does not have."""


def held_against(service: str) -> dict[str, list[Callable[..., Any]]]:
    """The event hooks of an httpx client of this service: "vault", "kernel" or "portal"."""

    def check(response: httpx.Response) -> None:
        request = response.request
        if described(service).operation(request.method, request.url.path) is None:
            return  # an address or a method that is not there: nothing is said of it
        response.read()
        described(service).check(
            request.method, request.url.path, response.status_code, response.headers, response.content
        )

    return {"response": [check]}


@cache
def described(service: str) -> "Description":
    return Description(json.loads((OPENAPI / f"{service}.json").read_text("utf-8")), service)


class Description:
    """The description of one service."""

    def __init__(self, document: dict[str, Any], service: str) -> None:
        self.document, self.service = document, service
        self.components = closed(document["components"])
        self.paths = sorted(
            ((pattern_of(path), path) for path in document["paths"]), key=lambda pair: pair[1].count("{")
        )
        self.validators: dict[str, jsonschema_rs.Validator] = {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """What is described of a method of an address; None if nothing is."""
        for pattern, template in self.paths:
            if pattern.fullmatch(path):
                return self.document["paths"][template].get(method.lower())
        return None

    def check(self, method: str, path: str, status: int, headers: Any, content: bytes) -> None:
        """Raises `Undescribed`."""
        operation = self.operation(method, path)
        assert operation is not None
        what = f"{method} {path} ({operation['operationId']}) of docs/openapi/{self.service}.json"
        response = self.resolved(operation["responses"].get(str(status)))
        if response is None:
            raise Undescribed(f"{what} has no status {status}: {content[:500]!r}")
        for name in response.get("headers", {}):
            if name.lower() not in headers:
                raise Undescribed(f"{what}: {status} has no header {name}")
        media_type = headers.get("content-type", "").partition(";")[0]
        if "content" not in response:
            if content:
                raise Undescribed(f"{what}: {status} has a body: {content[:200]!r}")
            return
        if media_type not in response["content"]:
            raise Undescribed(f"{what}: {status} is {media_type!r}, described is {list(response['content'])}")
        if media_type.endswith(("/json", "+json")):
            self.check_document(response["content"][media_type]["schema"], json.loads(content), what)

    def check_document(self, schema: dict[str, Any], body: Any, what: str) -> None:
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            self.validators[key] = jsonschema_rs.Draft202012Validator(
                {**closed(schema), "components": self.components}, validate_formats=True
            )
        faults = [
            f"{'/'.join(map(str, fault.instance_path))}: {fault.message[:500]}"
            for fault in self.validators[key].iter_errors(body)
        ]
        if faults:
            raise Undescribed(f"{what}: {'; '.join(faults[:5])}")

    def resolved(self, response: dict[str, Any] | None) -> dict[str, Any] | None:
        if response and "$ref" in response:
            return dict(self.document["components"]["responses"][response["$ref"].rpartition("/")[2]])
        return response


def pattern_of(path: str) -> re.Pattern[str]:
    """The addresses of a path's template. What is called `path` may have slashes."""
    parts = re.split(r"(\{\w+\})", path)
    return re.compile(
        "".join(
            (".+" if part == "{path}" else "[^/]+") if part.startswith("{") else re.escape(part)
            for part in parts
        )
    )


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no other fields than those that are described."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(part) for name, part in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made
