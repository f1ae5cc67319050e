"""Query parameters that an operation does not have are refused: a misspelt one would be ignored."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from sandbox.errors import InvalidInput


async def refuse_unknown_parameters(request: Request) -> None:
    """A FastAPI dependency for the JSON operations of a service. Raises `InvalidInput`."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if dependant is None or not getattr(route, "include_in_schema", False):
        return
    known = sorted(set(_parameters(dependant)))
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        named = ", ".join(repr(name[:60]) for name in unknown[:5])
        has = f"Its query parameters are: {', '.join(known)}." if known else "It has no query parameters."
        has_zh = f"其查询参数为：{'、'.join(known)}。" if known else "它没有查询参数。"
        raise InvalidInput(
            f"This operation has no query parameter {named}.",
            code="unknown_parameter",
            remedy=has,
            zh=f"此操作没有查询参数 {named}。",
            remedy_zh=has_zh,
        )


def _parameters(dependant: Dependant) -> Iterator[str]:
    """The names of the query parameters of an endpoint and of all that it depends on."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)
