"""The routes of an application, and which of them an address is of."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute


def inner_app(app: Any) -> FastAPI:
    """Below what is laid around it."""
    while not isinstance(app, FastAPI):
        app = app.app
    return app


def deeds_of(router: Any) -> Iterator[str]:
    """`METHOD /path` of each route, of included routers too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield from (f"{method} {route.path}" for method in route.methods)
        elif hasattr(route, "original_router"):
            yield from deeds_of(route.original_router)


class PageRoutes:
    """The routes that are got; the first that fits an address is its own, as in the service."""

    def __init__(self, deeds: Sequence[str]) -> None:
        paths = [deed.removeprefix("GET ") for deed in deeds if deed.startswith("GET ")]
        self.patterns = [(path, re.compile(_pattern(path))) for path in paths]

    def of(self, address: str) -> str:
        """The route of an address, such as `/datasets/{name}`; the address itself, if there is none."""
        path = address.split("?", 1)[0]
        return next((route for route, pattern in self.patterns if pattern.fullmatch(path)), path)


def _pattern(path: str) -> str:
    parts = re.split(r"(\{[^}]+\})", path)
    return "".join(
        re.escape(part) if not part.startswith("{") else ".+" if part.endswith(":path}") else "[^/]+"
        for part in parts
    )
