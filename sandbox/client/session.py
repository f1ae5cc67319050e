"""A session of a person's tool with a city: it logs in at the portal, and then speaks HTTP to the vault and
the marketplace."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.errors import CihuError, InvalidInput, Unavailable
from sandbox.http.status import STATUS

SECONDS = 1200.0  # longer than the vault ever takes for an answer
Document = dict[str, Any]


@dataclass(frozen=True)
class ServiceUrls:
    """Where a city's services are, as URLs."""

    portal: str
    vault: str
    hub: str


def places(home: Path, environment: Mapping[str, str] = os.environ) -> ServiceUrls:
    """The city of `home` (its city.json), or wherever CIHU_PORTAL_URL,
    CIHU_VAULT_URL and CIHU_HUB_URL say."""
    said = {name: environment.get(f"CIHU_{name.upper()}_URL", "") for name in ("portal", "vault", "hub")}
    if not all(said.values()):
        try:
            known = json.loads((home / "city.json").read_text("utf-8"))["addresses"]
        except (OSError, ValueError, KeyError):
            raise Unavailable(
                f"No city runs in {home}.",
                remedy="Start one with `make up` or `cihu up`, or set "
                "CIHU_PORTAL_URL, CIHU_VAULT_URL and CIHU_HUB_URL.",
            ) from None
        said = {name: given or str(known[name]) for name, given in said.items()}
    return ServiceUrls(**{name: url.rstrip("/") for name, url in said.items()})


class ClientSession:
    """Somebody who is logged in. Every refusal of the city is raised here as the error that it is."""

    def __init__(self, where: ServiceUrls, account: str, password: str) -> None:
        self.where, self.account = where, account
        self._client = httpx.Client(timeout=SECONDS, trust_env=False)
        said = self._send(
            "POST", f"{where.portal}/api/v1/login", json={"username": account, "password": password}
        )
        self.principal: Document = said["principal"]
        self._tokens = {"vault": said["vault_token"], "portal": said["portal_token"]}

    def vault(self, method: str, path: str, **more: Any) -> Any:
        """A request to the vault, such as `vault("POST", "/v1/ask", json=...)`; the decoded answer,
        the bytes of rows (Parquet)."""
        return self._send(method, self.where.vault + path, token=self._tokens["vault"], **more)

    def market(self, method: str, path: str, **more: Any) -> Any:
        """A request to the portal's API."""
        return self._send(method, self.where.portal + path, token=self._tokens["portal"], **more)

    def publish(self, policy: Path, rows: Path, **word: str) -> Document:
        """Publish a file under a policy file, with `notes` and `urgent`.
        Raises `InvalidInput` if one of them cannot be read."""
        try:
            files = {"file": (rows.name, rows.read_bytes())}
            done: Document = self.vault(
                "POST", "/v1/datasets", data={"policy": policy.read_text("utf-8"), **word}, files=files
            )
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"A file cannot be read: {error}.", remedy="Give the policy (YAML) and the rows."
            ) from None
        return done

    def _send(self, method: str, url: str, *, token: str = "", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = self._client.request(method, url, headers=headers, **more)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{url} cannot be reached.", remedy="Is the city running?", internal=type(error).__name__
            ) from None
        if answer.is_success:
            kind = answer.headers.get("content-type", "")
            if answer.content and "json" in kind:  # a 204 has no content, yet a kind
                return answer.json()
            return answer.content if "parquet" in kind or "octet-stream" in kind else answer.text
        raise refusal(answer)


def refusal(answer: httpx.Response) -> CihuError:
    """A problem document as the error that it was."""
    try:
        said = answer.json()
    except ValueError:
        said = {}
    kind = next((kind for kind, status in STATUS if status == answer.status_code), Unavailable)
    remedy = str(said.get("remedy") or "")
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR and (
        request := str(said.get("request_id") or "")
    ):
        remedy = f"{remedy} For the operator: the logs have it as request {request}.".strip()
    error = kind.__new__(kind)
    CihuError.__init__(
        error,
        str(said.get("detail") or f"The city refused ({answer.status_code})."),
        code=said.get("code"),
        remedy=remedy,
    )
    return error
