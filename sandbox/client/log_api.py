"""The public API of a log, for those who have no account: witnesses, and whoever verifies."""

from collections.abc import Mapping
from typing import Any

import httpx

from sandbox.client.session import send
from sandbox.errors import NotFound, Unavailable

SECONDS = 60.0


class LogApi:
    """The log at a service's address, such as `https://vault.example`. Every call raises the log's refusal,
    and `Unavailable` if it cannot be reached."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._client = httpx.Client(timeout=SECONDS, trust_env=False)

    def key(self) -> str:
        return str(self._field("key", str, "/v1/log/key"))

    def checkpoint(self) -> str:
        found = self._send("GET", "/v1/log/checkpoint")
        if not isinstance(found, str):
            raise self._no_log()
        return found

    def checkpoint_to_cosign(self) -> str:
        """The one that the log offers to all witnesses now; of a log that offers none, its newest."""
        try:
            found = self._send("GET", "/v1/public/log/checkpoint-to-cosign")
        except NotFound:
            return self.checkpoint()
        if not isinstance(found, str):
            raise self._no_log()
        return found

    def consistency(self, first: int, second: int) -> list[str]:
        proof = self._field("proof", list, "/v1/log/consistency", params={"first": first, "second": second})
        if not all(isinstance(each, str) for each in proof):
            raise self._no_log()
        return list(proof)

    def submit(self, note: str) -> None:
        self._document("POST", "/v1/public/log/cosignatures", json={"checkpoint": note})

    def witnesses(self) -> Mapping[str, Any]:
        return self._document("GET", "/v1/public/log/witnesses")

    def receipt(self, index: int) -> Mapping[str, Any]:
        """Of an entry, without its opening."""
        return self._document("GET", f"/v1/public/log/receipts/{index}")

    def _field(self, name: str, kind: type, path: str, **more: Any) -> Any:
        found = self._document("GET", path, **more).get(name)
        if not isinstance(found, kind):
            raise self._no_log()
        return found

    def _document(self, method: str, path: str, **more: Any) -> Mapping[str, Any]:
        answer = self._send(method, path, **more)
        if not isinstance(answer, dict):
            raise self._no_log()
        return answer

    def _no_log(self) -> Unavailable:
        return Unavailable(
            f"{self.address} does not answer as a log does.",
            remedy="Give the address of the log's API.",
            zh=f"{self.address} 的应答不是日志的应答。",
            remedy_zh="请填写日志接口的地址。",
        )

    def _send(self, method: str, path: str, **more: Any) -> Any:
        return send(self._client, method, self.address + path, **more)
