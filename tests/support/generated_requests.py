"""Requests that Schemathesis makes of a description: sent as every role in turn, and held against it.

Each operation gets a few, the same ones each time. In every other one the identities in the path are of
things that are there: made-up ones would seldom get beyond a 404.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from requests.adapters import HTTPAdapter
from schemathesis import GenerationMode
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from described_api import OPENAPI, described

CREDENTIALS = {"authorization", "x-api-key"}
Headers = Callable[[], Mapping[str, str]]


@dataclass
class Callers:
    """Who calls a service, and what they know of it.

    `roles`: the headers of each role, made anew for each request. `known`: by the beginning of a path, what
    its parameters may be. `skip`: operations that are not called, by id.
    """

    service: str
    url: str
    roles: Mapping[str, Headers]
    known: Mapping[str, Mapping[str, Any]]
    skip: Collection[str] = ()
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False


def statuses_by_role(callers: Callers, mode: GenerationMode) -> dict[str, set[int]]:
    """Send the requests. Raises `AssertionError` for a 5xx, and for a status, a content type or a document
    that is not described. Gives the statuses that each role got."""
    document = json.loads((OPENAPI / f"{callers.service}.json").read_text("utf-8"))
    got: dict[str, set[int]] = {role: set() for role in callers.roles}
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        raw = operation.definition.raw
        nothing_to_get_wrong = not raw.keys() & {"parameters", "requestBody"}
        if raw["operationId"] in callers.skip or (mode is GenerationMode.NEGATIVE and nothing_to_get_wrong):
            continue
        _send(callers, operation, mode, got)
    return got


def _send(callers: Callers, operation: Any, mode: GenerationMode, got: dict[str, set[int]]) -> None:
    """One request as each role. Where identities are known, every other one has them, and positive ones
    are twice as many, so that each role has sent both."""
    turns = count()
    roles: Sequence[str] = list(callers.roles)
    known = _known(callers.known, operation.path)

    @settings(
        max_examples=len(roles) * (2 if known and mode is GenerationMode.POSITIVE else 1),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answer(case: Any) -> None:
        turn = next(turns)
        round, place = divmod(turn, len(roles))
        role = roles[place]
        if known and (round + place) % 2 == 0:
            case.path_parameters = {**case.path_parameters, **known}
        own = dict(callers.roles[role]())
        if own:  # a stranger sends the made-up credentials
            case.headers = {
                name: value for name, value in case.headers.items() if name.lower() not in CREDENTIALS
            }
        response = case.call(base_url=callers.url, headers=own, session=callers.session)
        path = urlsplit(response.request.url).path
        if described(callers.service).operation(case.method, path) is None:
            assert response.status_code in {404, 405}, (role, case.method, path, response.status_code)
            return
        headers = {name.lower(): values[0] for name, values in response.headers.items()}
        described(callers.service).check(case.method, path, response.status_code, headers, response.content)
        assert response.status_code < 500, (role, case.method, path, response.content)
        got[role].add(response.status_code)

    answer()


def _known(known: Mapping[str, Mapping[str, Any]], path: str) -> Mapping[str, Any]:
    """What is known of the parameters of this path."""
    found = next((values for beginning, values in known.items() if path.startswith(beginning)), {})
    return {name: value for name, value in found.items() if f"{{{name}}}" in path}


def over_socket(socket: Path) -> requests.Session:
    """A session whose connections all go to this Unix socket."""

    class SocketConnection(HTTPConnection):
        def _new_conn(self) -> Any:
            import socket as sockets

            made = sockets.socket(sockets.AF_UNIX)
            made.connect(str(socket))
            return made

    class SocketPool(HTTPConnectionPool):
        ConnectionCls = SocketConnection

    class SocketAdapter(HTTPAdapter):
        pool = SocketPool("vault")

        def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
            return self.pool

    session = requests.Session()
    session.mount("http://", SocketAdapter())
    return session
