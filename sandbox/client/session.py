"""A session of a person's tool with a city: it logs in at the portal, and then speaks HTTP to the vault and
the marketplace."""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
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
    """Somebody who is logged in. Every refusal of the city is raised here as the error that it is.
    `go_on` is called before each request, and may raise."""

    def __init__(
        self,
        where: ServiceUrls,
        account: str,
        password: str,
        code: str = "",
        *,
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        self.where, self.account = where, account
        hooks = {"request": [lambda _request: go_on()]}
        self._client = httpx.Client(timeout=SECONDS, trust_env=False, event_hooks=hooks)
        login = {"username": account, "password": password} | ({"code": code} if code else {})
        said = send(self._client, "POST", f"{where.portal}/api/v1/login", json=login)
        self.principal: Document = said["principal"]
        self._tokens = {"vault": said["vault_token"], "portal": said["portal_token"]}

    def vault(self, method: str, path: str, **more: Any) -> Any:
        """A request to the vault, such as `vault("POST", "/v1/ask", json=...)`; the decoded answer,
        the bytes of rows (Parquet)."""
        return send(self._client, method, self.where.vault + path, token=self._tokens["vault"], **more)

    def vault_events(self, path: str) -> Iterator[str]:
        """The data of each server-sent event of a stream of the vault, until it ends. Raises `Unavailable`,
        and every refusal as the error that it is."""
        headers = {"Authorization": f"Bearer {self._tokens['vault']}"}
        try:
            with self._client.stream("GET", self.where.vault + path, headers=headers) as answer:
                if not answer.is_success:
                    answer.read()
                    raise refusal(answer)
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        yield line.removeprefix("data: ")
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.where.vault} cannot be reached.",
                remedy="Is the city running?",
                internal=type(error).__name__,
            ) from None

    def market(self, method: str, path: str, **more: Any) -> Any:
        """A request to the portal's API."""
        return send(self._client, method, self.where.portal + path, token=self._tokens["portal"], **more)

    def market_file(self, path: str, to: Path) -> Path:
        """Save a file of the portal's; what was cut off is not kept. Raises `Unavailable`, and every refusal
        as the error that it is."""
        headers = {"Authorization": f"Bearer {self._tokens['portal']}"}
        part = to.with_name(f"{to.name}.part")
        try:
            with self._client.stream("GET", self.where.portal + path, headers=headers) as answer:
                if not answer.is_success:
                    answer.read()
                    raise refusal(answer)
                with part.open("wb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
        except httpx.HTTPError as error:
            part.unlink(missing_ok=True)
            raise Unavailable(
                "The portal cut the download off, or cannot be reached.",
                remedy="Run the same command again.",
                internal=type(error).__name__,
            ) from None
        return part.replace(to)

    def publish(
        self,
        policy: Path,
        rows: Path,
        *,
        sent: Callable[[int], None] = lambda _bytes: None,
        **word: str | list[str],
    ) -> Document:
        """Publish a file under a policy file, with `notes`, `urgent` and `confirmed` items. `sent` is told of
        each piece of the rows how many bytes it has. Raises `InvalidInput` if a file cannot be read."""
        try:
            with _WatchedFile(rows, sent) as file:
                done: Document = self.vault(
                    "POST",
                    "/v1/datasets",
                    data={"policy": policy.read_text("utf-8"), **word},
                    files={"file": (rows.name, file)},
                )
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"A file cannot be read: {error}.", remedy="Give the policy (YAML) and the rows."
            ) from None
        return done


class MachineSession:
    """A department's system with a push credential: it pushes rows, and can do nothing else."""

    def __init__(self, vault: str, credential: str) -> None:
        self._vault, self._credential = vault.rstrip("/"), credential
        self._client = httpx.Client(timeout=SECONDS, trust_env=False)

    def vault(self, method: str, path: str, **more: Any) -> Any:
        return send(self._client, method, self._vault + path, token=self._credential, **more)


def send(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    token: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Any:
    """The decoded answer. Raises the refusal as the error that it is."""
    sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        answer = client.request(method, url, headers=sent, **more)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"{url} cannot be reached.", remedy="Is the city running?", internal=type(error).__name__
        ) from None
    if answer.is_success:
        kind = answer.headers.get("content-type", "")
        if answer.content and "json" in kind and "ndjson" not in kind:  # a 204 has no content, yet a kind
            try:
                return answer.json()
            except ValueError:
                raise Unavailable(
                    f"{url} answered with something that is no JSON.", remedy="What stands before the city?"
                ) from None
        return answer.content if "parquet" in kind or "octet-stream" in kind else answer.text
    raise refusal(answer)


class _WatchedFile(io.FileIO):
    """A file that is sent a piece at a time."""

    def __init__(self, path: Path, sent: Callable[[int], None]) -> None:
        super().__init__(path)
        self._sent = sent

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size if size is not None else -1) or b""
        self._sent(len(part))
        return part


def refusal(answer: httpx.Response) -> CihuError:
    """A problem document as the error that it was."""
    try:
        said = answer.json()
    except ValueError:
        said = {}
    if not isinstance(said, dict):
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
