"""The pause of a server's kernels while a sealed program of their team reads rows of a high grade.

Each second the server tells the vault how many of its kernels run, and learns until when they are to be
paused. It pauses them, reports it, and lets them go on at that moment, which was known before the program
began. Should the vault be silent meanwhile, they go on at the moment that it gave.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

import httpx

from sandbox.errors import CihuError, Unavailable
from sandbox.hub.kernel_session import refusal
from sandbox.hub.settings import ServerSettings

ASK_SECONDS, PATIENCE_SECONDS = 1.0, 10.0
NAME = secrets.token_hex(8)  # of this server, for the vault
log = logging.getLogger("cihu.kernels")


class Kernel(Protocol):
    """What can be paused."""

    def pause(self, until: datetime) -> None: ...

    def go_on(self) -> None: ...

    @property
    def paused(self) -> bool: ...


def said_until(until: datetime) -> str:
    return f"{until.astimezone(UTC):%H:%M:%S} UTC"


def why_paused(until: datetime) -> tuple[str, str]:
    """In English and Chinese."""
    return (
        (
            "a sealed program of your team reads data of a high grade, and no kernel of the "
            f"team runs beside it until {said_until(until)}. Nothing is lost."
        ),
        f"您所在团队的密封程序正在读取高级别数据，在 {said_until(until)} 之前，"
        "该团队的内核不与其同时运行。变量和输出均不会丢失。",
    )


async def ask_pause(settings: ServerSettings, running: int) -> datetime | None:
    """Until when the vault wants kernels paused. Raises what the vault refuses with, or `Unavailable`."""
    try:
        async with httpx.AsyncClient(
            base_url=settings.vault_url, timeout=PATIENCE_SECONDS, trust_env=False
        ) as client:
            answer = await client.post(
                "/v1/kernels/pause",
                json={"server": NAME, "running": running},
                headers={"Authorization": f"Bearer {settings.workspace_token()}"},
            )
    except httpx.HTTPError as failed:
        raise Unavailable(
            "The vault does not answer, so no kernel can ask it anything.",
            remedy="Try again in a minute; the operator sees why in the vault's log.",
            zh="数据保险库没有回应，内核无法向它查询。",
            remedy_zh="请一分钟后重试；运维人员可在保险库的日志中查看原因。",
            internal=type(failed).__name__,
        ) from failed
    if not answer.is_success:
        raise refusal(answer)
    until = answer.json()["until"]
    return datetime.fromisoformat(until) if until else None


class Pauses:
    """One for a server: it asks as long as there are kernels."""

    def __init__(self, kernels: Callable[[], Iterable[Kernel]]) -> None:
        self._kernels = kernels
        self._asking: asyncio.Task[None] | None = None
        self._until: datetime | None = None

    def keep(self, settings: ServerSettings) -> None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask(settings))

    async def _ask(self, settings: ServerSettings) -> None:
        while kernels := list(self._kernels()):
            try:
                wanted = await ask_pause(settings, sum(not kernel.paused for kernel in kernels))
                if wanted:
                    self._until = max(self._until or wanted, wanted)
            except CihuError as failed:
                log.warning("the vault could not be asked whether kernels are to be paused: %s", failed.code)
            if self._until and datetime.now(UTC) < self._until:
                if await self._pause(self._until):
                    continue  # and say so at once
                await asyncio.sleep(
                    min(ASK_SECONDS, max(0.0, (self._until - datetime.now(UTC)).total_seconds()))
                )
            else:
                self._until = None
                for kernel in self._kernels():
                    kernel.go_on()
                await asyncio.sleep(ASK_SECONDS)

    async def _pause(self, until: datetime) -> bool:
        """Whether any had to be paused."""
        moving = [kernel for kernel in self._kernels() if not kernel.paused]
        for kernel in moving:
            try:
                await asyncio.to_thread(kernel.pause, until)
            except CihuError as failed:
                log.warning("a kernel could not be paused: %s", failed.internal)
        return any(kernel.paused for kernel in moving)
