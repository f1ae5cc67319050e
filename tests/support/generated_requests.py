"""Requests that Schemathesis makes of a description: sent as every role in turn, and held against it.

Each operation gets a few, the same ones each time. In every other one the identities in the path are of
things that are there: made-up ones would seldom get beyond a 404.
"""

import json
import math
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
ANY_TEXT = {"type", "title"}  # what the schema of a text says that has no limits
SENDERS = 3  # roles that send the same request
SECONDS = 120  # for one answer, of a machine that is busy: no test of how fast it is
Headers = Callable[[], Mapping[str, str]]


@dataclass
class Callers:
    """Who calls a service, and what they know of it.

    `roles`: the headers of each role, made anew for each request. `known`: by the beginning of a path, what
    its parameters may be. `skip`: operations that are not called, by id. `nobodies`: roles for which
    only what needs no account is done.
    """

    service: str
    url: str
    roles: Mapping[str, Headers]
    known: Mapping[str, Mapping[str, Any]]
    skip: Collection[str] = ()
    nobodies: Collection[str] = ("stranger",)
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
        if raw["operationId"] in callers.skip or (mode is GenerationMode.NEGATIVE and not can_be_wrong(raw)):
            continue
        _send(callers, operation, mode, got)
    return got


def can_be_wrong(operation: Mapping[str, Any]) -> bool:
    """Whether a request can have something that the description refuses: any text is a name in a path, and
    who needs no credential has none that is wrong."""
    parameters = operation.get("parameters", [])
    any_text = all(one["in"] == "path" and one["schema"].keys() <= ANY_TEXT for one in parameters)
    return "requestBody" in operation or not any_text or bool(parameters and operation["security"])


def _send(callers: Callers, operation: Any, mode: GenerationMode, got: dict[str, set[int]]) -> None:
    """One request as each role, the same one as a few of them: to make one takes longer than to answer it.
    Where identities are known, every other one has them, and positive ones are twice as many, so that each
    role has sent both."""
    turns = count(-1)
    roles: Sequence[str] = list(callers.roles)
    known = _known(callers.known, operation.path)
    made = math.ceil(len(roles) / SENDERS)
    raw = operation.definition.raw
    varied = bool(raw.get("parameters") or "requestBody" in raw)

    @settings(
        max_examples=1 + made * (2 if known and mode is GenerationMode.POSITIVE else 1),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answer(case: Any) -> None:
        turn, headers = next(turns), dict(case.headers)
        if turn < 0:  # the first is the plainest there is: no role's only one, unless there is no other
            for role in roles[-1:] if varied else roles:
                send(case, headers, role)
            return
        round, place = divmod(turn, made)
        if known and (round + place) % 2 == 0:
            case.path_parameters = {**case.path_parameters, **known}
        for role in roles[place::made]:
            send(case, headers, role)

    def send(case: Any, headers: Mapping[str, str], role: str) -> None:
        own = dict(callers.roles[role]())
        case.headers = {  # a stranger sends the made-up credentials
            name: value for name, value in headers.items() if not own or name.lower() not in CREDENTIALS
        }
        response = case.call(base_url=callers.url, headers=own, session=callers.session, timeout=SECONDS)
        path = urlsplit(response.request.url).path
        if described(callers.service).operation(case.method, path) is None:
            assert response.status_code in {404, 405}, (role, case.method, path, response.status_code)
            return
        headers = {name.lower(): values[0] for name, values in response.headers.items()}
        described(callers.service).check(case.method, path, response.status_code, headers, response.content)
        assert response.status_code < 500, (role, case.method, path, response.content)
        done = response.status_code < 300
        assert not (done and raw["security"] and role in callers.nobodies), (
            role,
            case.method,
            path,
            response.content,
        )
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
