"""Issues the token of a sealed kernel.
Its workspace asks for it, and the token renews itself while the session lasts.

A kernel's token names one person for ten minutes, and the workspace token that it comes from. The session
ends when the workspace token would have ended, or when that is revoked (a logout, another password, a code
used twice), or when the person may have no workspace any more. A disabled account, or a grant that ended,
stops the next question whatever the token says.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from sandbox.api_schema import answers
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import NotAuthenticated
from sandbox.identity import KERNEL, Claims, Origin, TokenIssuer, load_principal, require_unrevoked
from sandbox.policy import Gate, Resource
from sandbox.vault.schemas import KernelToken

KERNEL_SECONDS = 600


class NewKernel(BaseModel):
    kernel_id: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$")


def issue(issuer: TokenIssuer, origin: Origin, ends: datetime) -> dict[str, Any]:
    """A token until `ends`, of ten minutes at most. Raises `NotAuthenticated` when the session is over."""
    left = int((ends - datetime.now(UTC)).total_seconds())
    if left <= 0:
        raise NotAuthenticated(
            "The workspace's session is over.", remedy="Log in again and restart the kernel."
        )
    lifetime = min(KERNEL_SECONDS, left)
    token = issuer.issue(
        origin.account,
        audience=KERNEL,
        lifetime_seconds=lifetime,
        session_ends=int(ends.timestamp()),
        workspace=origin.kept(),
    )
    return {"token": token, "expires_at": (datetime.now(UTC) + timedelta(seconds=lifetime)).isoformat()}


def admit(database: Database, gate: Gate, claims: Claims) -> Origin:
    """Where the token comes from, if that login still is good and the person may still have a workspace.

    Raises `NotAuthenticated`, `Forbidden`."""
    origin = Origin.of(claims)
    with database.transaction() as tx:
        require_unrevoked(tx, origin)
        principal = load_principal(tx, origin.account)
    gate.require(principal, "open_workspace", Resource("Account", principal.id, {}))
    return origin


def opening(
    database: Database, gate: Gate, issuer: TokenIssuer, *, workspace: Callable[..., Claims]
) -> APIRouter:
    """POST /v1/kernels, for workspaces (over the vault's own address)."""
    api = APIRouter(prefix="/v1/kernels", tags=["kernels"])

    @api.post(
        "",
        operation_id="open_kernel",
        summary="A token for a new kernel",
        responses=answers(KernelToken, 403),
    )
    def open_kernel(claims: Annotated[Claims, Depends(workspace)], new: NewKernel) -> dict[str, Any]:
        """A token for a new kernel of the person whose workspace this is."""
        origin = admit(database, gate, claims)
        token = issue(issuer, origin, claims.expires_at)
        with database.transaction() as tx:
            append(tx, Event("kernel.opened", origin.account, f"kernel:{new.kernel_id}", {}))
        return token

    return api


def renewing(
    database: Database, issuer: TokenIssuer, *, gate: Gate, kernel: Callable[..., Claims]
) -> APIRouter:
    """POST /v1/kernels/renew, for kernels (over the socket)."""
    api = APIRouter(prefix="/v1/kernels", tags=["kernels"])

    @api.post(
        "/renew",
        operation_id="renew_kernel_token",
        summary="A fresh token for the same kernel",
        responses=answers(KernelToken, 403),
    )
    def renew(claims: Annotated[Claims, Depends(kernel)]) -> dict[str, Any]:
        """A fresh token for the same person and session."""
        origin = admit(database, gate, claims)
        return issue(issuer, origin, datetime.fromtimestamp(int(claims.extra["session_ends"]), UTC))

    return api
