"""Refuses requests that change something while there is maintenance."""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import Request

from sandbox.database import Database
from sandbox.operations.maintenance import UnderMaintenance, maintenance_now

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def changes_refused(database: Database, changes: Callable[[str, str], bool]) -> Callable[[Request], None]:
    """What an application depends on. `changes(method, path)` says of a route, by the template of its path,
    whether it changes something; that one is refused with `maintenance` and 503."""

    def refuse(request: Request) -> None:
        route = request.scope.get("route")
        if changes(request.method, getattr(route, "path", request.url.path)):
            known = maintenance_now(database)
            if known is not None:
                raise UnderMaintenance(known, datetime.now(UTC))

    return refuse
