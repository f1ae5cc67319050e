"""Hostile texts for every text field of an OpenAPI description: one field at a time, all others plausible."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HOSTILE = (
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\ufffe",
    "\u202egro",
    "e\u0301" * 50,
    "𝒳" * 300,
    "'; DROP TABLE x; --",
    "x" * 30_000,
)
"""In JSON a lone surrogate travels as an escape: it is ASCII until it is read."""

PLAUSIBLE = {
    "dataset": "clinic.visits",
    "team": "lake",
    "epsilon": "0.1",
    "until": "2027-01-01",
    "sql": "SELECT 1",
    "product": "inspections-by-business",
}
DEPTH = 6


@dataclass(frozen=True)
class Sent:
    """A request: its body with one hostile text, or its path with one."""

    method: str
    path: str
    body: bytes | None
    field: str


def requests(document: dict[str, Any], *, skip: frozenset[str] = frozenset()) -> Iterator[Sent]:
    """For each operation, each text of its JSON body, and each parameter of its path and query, in turn."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path in skip:
                continue
            names = [given["name"] for given in operation.get("parameters", []) if given["in"] == "path"]
            query = [given["name"] for given in operation.get("parameters", []) if given["in"] == "query"]
            plain = path
            for name in names:
                plain = plain.replace(f"{{{name}}}", PLAUSIBLE.get(name, "1"))
            for text in ("%00", "a%00b", "%ED%A0%80", "%FF", "x" * 5000):
                for name in names:
                    other = path.replace(f"{{{name}}}", text)
                    yield Sent(method, other if "{" not in other else plain, None, name)
                for name in query:
                    yield Sent(method, f"{plain}?{name}={text}", None, name)
            schema = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            )
            if schema:
                example = made(schema, document, "", DEPTH)
                for place in texts(example):
                    for hostile in HOSTILE:
                        body = json.dumps(with_text(example, place, hostile)).encode()
                        yield Sent(method, plain, body, ".".join(map(str, place)))


def made(schema: dict[str, Any], document: dict[str, Any], name: str, depth: int) -> Any:
    """A plausible value of a JSON schema."""
    if "$ref" in schema:
        return made(
            document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document, name, depth - 1
        )
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            first = next((one for one in schema[choice] if one.get("type") != "null"), schema[choice][0])
            return made(first, document, name, depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {}) if depth else {}
            fields = {field: made(of, document, field, depth - 1) for field, of in members.items()}
            if isinstance(more := schema.get("additionalProperties"), dict):
                fields["main.py"] = made(more, document, "", depth - 1)
            return fields
        case "array":
            return [made(schema.get("items", {"type": "string"}), document, name, depth - 1)]
        case "integer":
            return max(1, int(schema.get("minimum", 1)))
        case "number":
            return 0.1
        case "boolean":
            return False
    return PLAUSIBLE.get(name, "text")


def texts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts of a JSON value stand; a name of a member stands at (..., name, None)."""
    match value:
        case str():
            yield place
        case dict():
            for name, member in value.items():
                yield (*place, name, None)
                yield from texts(member, (*place, name))
        case list():
            for index, member in enumerate(value):
                yield from texts(member, (*place, index))


def with_text(value: Any, place: tuple[Any, ...], text: str) -> Any:
    changed = copy.deepcopy(value)
    if not place:
        return text
    *path, last = place
    name = path.pop() if last is None else last
    node = changed
    for step in path:
        node = node[step]
    if last is None:
        node[text] = node.pop(name)
    else:
        node[name] = text
    return changed
