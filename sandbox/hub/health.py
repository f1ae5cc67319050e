"""Reports whether the hub is alive and has what it needs:
`/hub/health/live` and `/hub/health/ready`, beside JupyterHub's own handlers."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import httpx
from tornado.web import RequestHandler

from sandbox.errors import Unavailable
from sandbox.http.health import Health, Need

SECONDS = 2.0


def answers(url: str) -> Need:
    """Needs another service to answer there."""

    def ask() -> None:
        try:
            httpx.get(url, timeout=SECONDS, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("It cannot be reached.", internal=type(error).__name__) from None

    return ask


def folder_of_sockets(folder: Path) -> Need:
    """Needs the vault's socket, without which no kernel starts."""

    def look() -> None:
        if not (folder / "vault.sock").is_socket():
            raise Unavailable("The vault's socket for kernels is not there.")

    return look


class Live(RequestHandler):
    """The process answers."""

    def get(self) -> None:
        self.write({"live": True})


class Ready(RequestHandler):
    """What it needs is there, or (503) what is not."""

    health: ClassVar[Health]

    async def get(self) -> None:
        ready, document = await asyncio.to_thread(self.health.document)
        self.set_status(200 if ready else 503)
        self.set_header("Cache-Control", "no-store")
        self.write(document)


def health_handlers(needs: Mapping[str, Need]) -> list[tuple[str, type[RequestHandler]]]:
    """For `JupyterHub.extra_handlers`.
    The needs are held by a class: traitlets copies every value of a configuration."""

    class OwnReady(Ready):
        health = Health(needs)

    return [("/health/live", Live), ("/health/ready", OwnReady)]
