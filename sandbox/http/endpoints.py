"""The endpoints that every service has: health, metrics for Prometheus, the way to the page of an error."""

import hmac
from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sandbox.errors import NotFound
from sandbox.http.error_pages import FOLDER, NAME
from sandbox.http.health import Health

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def health_router(health: Health) -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.get("/health/live")
    async def live() -> dict[str, bool]:
        """The process answers: asked on its event loop, so a service that is stuck does not."""
        return {"live": True}

    @api.get("/health/ready")
    def ready() -> JSONResponse:
        """What it needs is there, or (503) what is not."""
        is_ready, document = health.document()
        return JSONResponse(
            document, status_code=200 if is_ready else 503, headers={"Cache-Control": "no-store"}
        )

    return api


def metrics_router(registry: CollectorRegistry, token: str = "") -> APIRouter:
    """For Prometheus on this machine, or for who has `token`; to everybody else there is nothing here."""
    api = APIRouter(include_in_schema=False)

    @api.get("/metrics")
    def metrics(request: Request) -> Response:
        if not may_read(request, token):
            raise NotFound("There is nothing here.")
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return api


def may_read(request: Request, token: str) -> bool:
    """With a token set, who sends it.
    Without, who comes from the loopback itself, and not through a proxy that is there."""
    if token:
        return hmac.compare_digest(
            request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()
        )
    if any(name in request.headers for name in FORWARDED) or request.client is None:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def error_pages_router(portal_url: str) -> APIRouter:
    """For a service that shows no documentation: it leads on to the portal's."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(f"{FOLDER}/{{name}}")
    def error_page(name: str) -> RedirectResponse:
        if not NAME.fullmatch(name):
            raise NotFound("There is no such page.", zh="没有这个页面。")
        return RedirectResponse(f"{portal_url.rstrip('/')}{FOLDER}/{name}", status_code=303)

    return routes
