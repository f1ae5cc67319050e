"""What the puller says to the vault: what is due, here are the rows, this failed. No more is open to it."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import httpx

from sandbox.puller.settings import Settings
from sandbox.sources.failures import SourceFailure
from sandbox.sources.table_stream import Since

PATIENCE = httpx.Timeout(60, connect=10, read=3600)
"""The vault reads and publishes what was sent before it answers."""


@dataclass(frozen=True)
class DuePull:
    """`since` and `base`: of a pull that fetches only what is new since the version `base`."""

    id: int
    revision: int
    source: str
    kind: str
    what: str
    since: Since | None = None
    base: int | None = None

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """What the vault lists: fields that this puller does not know are left out."""
        known = {name: document[name] for name in ("id", "revision", "source", "kind", "what")}
        since = document.get("since")
        return cls(**known, since=Since(**since) if since else None, base=document.get("base"))


class VaultClient:
    """A connection to the vault, with the puller's secret. Every method raises `httpx.HTTPError`."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.Client(
            base_url=settings.vault_url,
            headers={"Authorization": f"Bearer {settings.puller_secret.get_secret_value()}"},
            timeout=PATIENCE,
            trust_env=False,
            verify=ssl.create_default_context() if settings.vault_url.startswith("https") else False,
        )

    def due(self) -> list[DuePull]:
        answer = self._client.get("/v1/pulls/due", timeout=30)
        answer.raise_for_status()
        return [DuePull.of(pull) for pull in answer.json()]

    def send_rows(self, due: DuePull, pieces: Iterable[bytes]) -> None:
        """A `Conflict` of the vault means that nobody waits for the rows any more: then that is all."""
        which = {"revision": due.revision} | ({} if due.base is None else {"base": due.base})
        answer = self._client.post(f"/v1/pulls/{due.id}/rows", params=which, content=iter(pieces))
        if answer.status_code not in {404, 409}:
            answer.raise_for_status()

    def tell_failure(self, due: DuePull, failure: SourceFailure) -> None:
        told = {"revision": due.revision, "code": failure.code, "column": failure.column[:200]}
        answer = self._client.post(f"/v1/pulls/{due.id}/failure", json=told, timeout=60)
        if answer.status_code not in {404, 409}:
            answer.raise_for_status()

    def close(self) -> None:
        self._client.close()
