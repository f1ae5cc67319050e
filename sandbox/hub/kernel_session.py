"""Keeps a kernel's session: its server opens the session at the vault and keeps the kernel's token fresh."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox.errors import CihuError, Forbidden, NotAuthenticated, TooMany, Unavailable

SECONDS = 10.0
REFUSALS: dict[int, type[CihuError]] = {401: NotAuthenticated, 403: Forbidden, 429: TooMany}


@dataclass(frozen=True)
class KernelToken:
    text: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"KernelToken(expires_at={self.expires_at.isoformat()})"  # never the token, in any log


async def open_session(vault_url: str, workspace_token: str, kernel_id: str) -> KernelToken:
    """Ask the vault for a kernel's token, as the workspace of one person."""
    async with httpx.AsyncClient(base_url=vault_url, timeout=SECONDS, trust_env=False) as client:
        return await post(client, "/v1/kernels", workspace_token, {"kernel_id": kernel_id})


async def renew(vault_folder: Path, token: str) -> KernelToken:
    """A fresh token for a session that lives, by the same socket that the kernel uses."""
    transport = httpx.AsyncHTTPTransport(uds=str(vault_folder / "vault.sock"))
    async with httpx.AsyncClient(transport=transport, base_url="http://vault", timeout=SECONDS) as client:
        return await post(client, "/v1/kernels/renew", token, None)


async def post(client: httpx.AsyncClient, path: str, token: str, body: dict[str, Any] | None) -> KernelToken:
    try:
        answer = await client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError as failed:
        raise Unavailable(
            "The vault does not answer, so no kernel can ask it anything.",
            remedy="Try again in a minute; the operator sees why in the vault's log.",
            zh="数据保险库没有回应，内核无法向它查询。",
            remedy_zh="请一分钟后重试；运维人员可在保险库的日志中查看原因。",
            internal=type(failed).__name__,
        ) from failed
    if answer.is_success:
        return read_token(answer.json())
    raise refusal(answer)


def read_token(body: dict[str, Any]) -> KernelToken:
    expires = body["expires_at"]
    at = (
        datetime.fromtimestamp(expires, UTC)
        if isinstance(expires, int | float)
        else datetime.fromisoformat(expires)
    )
    return KernelToken(body["token"], at)


def refusal(answer: httpx.Response) -> CihuError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    kind = REFUSALS.get(answer.status_code, Unavailable)
    remedy = problem.get("remedy") or ("Log in at the hub again." if kind is NotAuthenticated else "")
    return kind(
        problem.get("detail") or f"The vault refused ({answer.status_code}).",
        code=problem.get("code"),
        remedy=remedy,
    )
