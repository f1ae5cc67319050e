"""Reaches the vault from a kernel: by one Unix socket, with a token that its server keeps fresh."""

import http.client
import json
import os
import select
import socket
import threading
from base64 import urlsafe_b64decode
from functools import lru_cache
from pathlib import Path
from time import monotonic, time
from typing import Any

from cihu.messages import current, say
from cihu.problem import CihuError, from_document
from cihu.waiting import TICK_SECONDS, Tick

SOCKET = "/run/cihu/vault.sock"
TOKEN_FILE = "/run/kernel/token"  # noqa: S105  # a path
SECONDS = 120.0
FRESH_SECONDS = 60.0  # a token with less than this left is renewed first


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("vault", timeout=seconds)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Vault:
    """The vault as one kernel sees it.
    One request has one connection: nothing is kept that could go stale."""

    def __init__(self, path: str, token_file: str) -> None:
        self.path = path
        self.token_file = Path(token_file)
        self._renewed = ""
        self._lock = threading.Lock()

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def post(
        self, path: str, body: dict[str, Any], tick: Tick | None = None, seconds: float = SECONDS
    ) -> Any:
        """`tick` is called with the seconds that have passed, again and again while the vault thinks;
        at most `seconds`."""
        return self._ask("POST", path, body, tick, seconds)

    def fetch(self, path: str) -> bytes:
        """A file, as it is."""
        status, body = self._send("GET", path, None, self._token())
        if status >= 400:
            raise from_document(status, decoded(body), "") from None
        return body

    def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        tick: Tick | None = None,
        seconds: float = SECONDS,
    ) -> Any:
        query = str(body.get("sql", "")) if body else ""
        status, answer = self._send(method, path, body, self._token(), tick, seconds)
        if status >= 400:
            raise from_document(status, decoded(answer), query) from None
        return decoded(answer)

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        token: str,
        tick: Tick | None = None,
        seconds: float = SECONDS,
    ) -> tuple[int, bytes]:
        connection = SocketConnection(self.path, seconds)
        headers = {"Authorization": f"Bearer {token}", "Accept": "*/*", "Accept-Language": current()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            if tick:
                await_answer(connection.sock, tick, seconds)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except TimeoutError:
            raise CihuError(say("timeout"), code="timeout", remedy=say("timeout_mend")) from None
        except (OSError, http.client.HTTPException):
            raise CihuError(say("unreachable"), code="unreachable", remedy=say("unreachable_mend")) from None
        finally:
            connection.close()

    def _token(self) -> str:
        """The freshest token there is: the server writes one to the file, a renewed one is kept in memory."""
        with self._lock:
            token = max((self._written(), self._renewed), key=expiry)
            if not token:
                raise CihuError(say("no_token"), code="no_token", remedy=say("no_token_mend"))
            left = expiry(token) - time()
            if 0 < left < FRESH_SECONDS:
                status, answer = self._send("POST", "/v1/kernels/renew", None, token)
                document = decoded(answer)
                if status < 400 and isinstance(document, dict) and document.get("token"):
                    token = self._renewed = str(document["token"])
            return token

    def _written(self) -> str:
        try:
            return self.token_file.read_text().strip()
        except OSError:
            return ""


def decoded(answer: bytes) -> Any:
    """The JSON of an answer; nothing, if it is none."""
    try:
        return json.loads(answer) if answer else None
    except ValueError:
        return None


def await_answer(sock: socket.socket, tick: Tick, seconds: float) -> None:
    """Until the first byte of the answer is there. Raises TimeoutError when that takes too long."""
    started = monotonic()
    while not select.select([sock], [], [], TICK_SECONDS)[0]:
        passed = monotonic() - started
        if passed > seconds:
            raise TimeoutError
        tick(passed)


def expiry(token: str) -> float:
    """When a JWT says that it runs out, in seconds since 1970; only to know when to renew it.
    0 when it does not say."""
    parts = token.split(".")
    if len(parts) != 3:
        return 0.0
    try:
        return float(json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))["exp"])
    except (ValueError, KeyError, TypeError):
        return 0.0


@lru_cache(maxsize=1)
def the_vault() -> Vault:
    """The vault of this kernel."""
    return Vault(os.environ.get("CIHU_SOCKET", SOCKET), os.environ.get("CIHU_TOKEN_FILE", TOKEN_FILE))
