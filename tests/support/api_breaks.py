"""What a client of an older API description would miss in a newer one."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch"}


def breaks(before: Json, after: Json) -> list[str]:
    """One line for each break: what was removed, what an answer may lack, what must now be sent."""
    return sorted(set(_breaks(before, after)))


def _breaks(before: Json, after: Json) -> Iterator[str]:
    for path, methods in before["paths"].items():
        if path not in after["paths"]:
            yield f"{path}: removed"
            continue
        for method in methods.keys() & METHODS:
            name = f"{method.upper()} {path}"
            if method not in after["paths"][path]:
                yield f"{name}: removed"
                continue
            old, new = methods[method], after["paths"][path][method]
            yield from (f"{name}: {fault}" for fault in _in_answers(before, old, after, new))
            yield from (f"{name}: {fault}" for fault in _in_requests(before, old, after, new))


def _in_answers(before: Json, old: Json, after: Json, new: Json) -> Iterator[str]:
    if old.get("operationId") != new.get("operationId"):
        yield f"its operation id is no longer {old.get('operationId')}"
    for status, response in old["responses"].items():
        if not status.startswith(("2", "3")):
            continue
        if status not in new["responses"]:
            yield f"no longer answers {status}"
            continue
        for kind, content in response.get("content", {}).items():
            there = new["responses"][status].get("content", {})
            if kind not in there:
                yield f"{status} is no longer {kind}"
                continue
            is_now = fields(there[kind].get("schema", {}), after)
            for field, required in fields(content.get("schema", {}), before).items():
                if required and not is_now.get(field):
                    yield f"the answer's {field} {'may be missing' if field in is_now else 'is removed'}"


def _in_requests(before: Json, old: Json, after: Json, new: Json) -> Iterator[str]:
    had = {(one["in"], one["name"]): one for one in old.get("parameters", ())}
    has = {(one["in"], one["name"]): one for one in new.get("parameters", ())}
    for where, name in had.keys() - has.keys():
        yield f"the {where} parameter {name} is removed"
    for (where, name), parameter in has.items():
        if parameter.get("required") and not had.get((where, name), {}).get("required"):
            yield f"the {where} parameter {name} is required"
    was, now = _body(old, before), _body(new, after)
    for field, required in now.items():
        parent = field.rpartition(".")[0].removesuffix("[]").removesuffix("{}")
        if required and not was.get(field) and (not parent or parent in was):
            yield f"the request's {field} is required"
    for field in was.keys() - now.keys():
        yield f"the request's {field} is removed"


def _body(operation: Json, document: Json) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        found |= fields(content.get("schema", {}), document)
    return found


def fields(schema: Any, document: Json, at: str = "") -> dict[str, bool]:
    """Every field of a schema by its path, such as `levels[].key`, and whether it must be there.

    Of alternatives every field counts; a field must be there if one alternative says so.
    """
    found: dict[str, bool] = {}
    if not isinstance(schema, dict):
        return found
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, inner in schema.get("properties", {}).items():
        path = f"{at}.{name}".lstrip(".")
        found[path] = found.get(path, False) or name in schema.get("required", ())
        found |= fields(inner, document, path)
    found |= fields(schema.get("items"), document, f"{at}[]")
    found |= fields(schema.get("additionalProperties"), document, f"{at}{{}}")
    for several in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(several, ()):
            for path, required in fields(part, document, at).items():
                found[path] = found.get(path, False) or required
    return found
