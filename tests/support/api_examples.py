"""The examples of the API descriptions, sent to a running service.

The examples stand in sandbox/vault/examples.json and marketplace/examples.json. A request's example is
written there by hand; the answer and the parameters are what the service gave once: `CIHU_RECORD_EXAMPLES=1`
with the tests that use this module writes them again, and `make openapi` puts them into docs/openapi.
"""

import json
import os
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import httpx

from described_api import described
from sandbox.pushes.pusher import PREFIX
from workspace import CHECKOUT

FILES = {
    "vault": CHECKOUT / "sandbox" / "vault" / "examples.json",
    "kernel": CHECKOUT / "sandbox" / "vault" / "examples.json",
    "portal": CHECKOUT / "marketplace" / "examples.json",
}
RECORDING = bool(os.environ.get("CIHU_RECORD_EXAMPLES"))
MOST_ITEMS = 3
TOKENS = {"token", "vault_token", "portal_token"}
NO_TOKEN = "eyJhbGciOiJFZERTQSJ9.e30.c2ln"  # what stands for a token: it opens nothing
NO_SECRET = f"{PREFIX}{'0' * 38}"  # the same for push credentials: its checksum is wrong
ALIKE = {"reassign_reviewers": "get_review"}
"""Operations that no test can easily send, and which answer alike."""

WHOLE = {"columns"}
"""What does not fit the rest when a part of it is left out."""


class Examples:
    """Sends the examples of one service's operations, and knows which were sent."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.file = FILES[service]
        self.examples: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        self.sent: set[str] = set()
        self.operations = {
            of["operationId"]: (method.upper(), path, of)
            for path, methods in described(service).document["paths"].items()
            for method, of in methods.items()
        }

    def request(self, id: str) -> Any:
        """The example of an operation's request."""
        return deepcopy(self.examples[id]["request"])

    def send(
        self,
        client: httpx.Client,
        id: str,
        headers: Mapping[str, str],
        *,
        at: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        changed: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Send an operation's example. Raises `AssertionError` where the answer is no success.

        `at`: the path's parameters; `changed`: fields of the request that name what is there in this test.
        """
        method, path, operation = self.operations[id]
        in_json = "requestBody" in operation and not {"json", "content"} & more.keys()
        body = {"json": self.request(id) | dict(changed or {})} if in_json else {}
        answer = client.request(
            method, path.format(**(at or {})), params=query, headers=headers, **(body | more)
        )
        assert answer.is_success, (id, answer.text)
        self.sent.add(id)
        if RECORDING:
            self.record(id, {**(at or {}), **(query or {})}, answer)
        return answer

    def record(self, id: str, parameters: Mapping[str, Any], answer: httpx.Response) -> None:
        example = self.examples.setdefault(id, {})
        kind = answer.headers.get("content-type", "")
        if kind.startswith("application/json") and answer.content:
            example["answer"] = shortened(answer.json())
        elif kind.startswith("text/plain"):
            example["answer"] = answer.text
        named = {each["name"] for each in self.operations[id][2].get("parameters", ())}
        if given := {name: value for name, value in parameters.items() if name in named}:
            example["parameters"] = example.get("parameters", {}) | given

    def finish(self) -> None:
        """Write what was recorded, if it is to be."""
        if RECORDING:
            kept = json.loads(self.file.read_text("utf-8"))
            recorded = {id: self.examples[id] for id in sorted(self.sent)}
            for id, like in ALIKE.items():
                if like in recorded:
                    own = {part: kept[id][part] for part in ("request",) if part in kept.get(id, {})}
                    recorded[id] = {
                        part: of for part, of in recorded[like].items() if part != "request"
                    } | own
            text = json.dumps(kept | recorded, ensure_ascii=False, indent=1, sort_keys=True)
            self.file.write_text(text + "\n", "utf-8")


def shortened(part: Any, name: str = "") -> Any:
    """The same document with the first few items of its lists, and of objects that are lists by name."""
    if name in TOKENS:
        return NO_TOKEN
    if name == "secret":
        return NO_SECRET
    if isinstance(part, str):
        return re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8600", part)
    if isinstance(part, list):
        of_parts = part and isinstance(part[0], dict | list) and name not in WHOLE
        return [shortened(one) for one in (part[:MOST_ITEMS] if of_parts else part)]
    if isinstance(part, dict):
        listed = name in {"analyses", "grades", "reasons", "words"}
        return {
            key: shortened(value, key) for key, value in list(part.items())[: MOST_ITEMS if listed else None]
        }
    return part
