"""A WebSocket through the hub's proxy is as it would be without it:
its protocol, its messages' kind, its end."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

from sandbox.free_ports import free_port
from workspace import running

SPOKEN = "v1.kernel.websocket.jupyter.org"
CODE, WHY = 4001, "the kernel has ended"


class Kernel(WebSocketHandler):
    """Greets at once, sends back what it gets, ends when asked to, and remembers how it was left."""

    left: asyncio.Future[tuple[int | None, str | None]]

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SPOKEN if SPOKEN in subprotocols else None

    def open(self, *_: str) -> None:
        self.write_message(b"\x00\xffhello", binary=True)

    async def on_message(self, message: str | bytes) -> None:
        if message == "end":
            self.close(CODE, WHY)
        else:
            await self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        type(self).left.set_result((self.close_code, self.close_reason))


class Closed(WebSocketHandler):
    """Lets nobody in."""

    async def prepare(self) -> None:
        self.set_status(403)
        self.finish()


Connect = Callable[..., Awaitable[WebSocketClientConnection]]


@asynccontextmanager
async def through_the_proxy(folder: Path) -> AsyncIterator[Connect]:
    Kernel.left = asyncio.get_running_loop().create_future()
    listening, port = bind_unused_port()
    server = HTTPServer(Application([(r"/channels", Kernel), (r"/closed", Closed)]))
    server.add_socket(listening)
    outside = free_port()
    command = [
        sys.executable,
        "-m",
        "sandbox.hub.proxy",
        "--ip=127.0.0.1",
        f"--port={outside}",
        "--api-ip=127.0.0.1",
        f"--api-port={free_port()}",
        f"--default-target=http://127.0.0.1:{port}",
    ]
    proxy = running(
        command, dict(os.environ), folder / "proxy.log", f"http://127.0.0.1:{outside}/_chp_healthz"
    )
    await asyncio.to_thread(proxy.__enter__)
    try:

        async def connect(path: str = "/channels", *subprotocols: str) -> WebSocketClientConnection:
            return await websocket_connect(
                f"ws://127.0.0.1:{outside}{path}", subprotocols=list(subprotocols) or None
            )

        yield connect
    finally:
        server.stop()
        await asyncio.to_thread(proxy.__exit__, None, None, None)


def tell(folder: Path, story: Callable[[Connect], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with through_the_proxy(folder) as connect:
            await story(connect)

    asyncio.run(asyncio.wait_for(whole(), 60))


def test_the_servers_protocol_and_the_kind_of_every_message_are_kept(tmp_path: Path) -> None:
    async def story(connect: Connect) -> None:
        browser = await connect("/channels", "v0.of.another", SPOKEN)
        assert browser.selected_subprotocol == SPOKEN
        assert await browser.read_message() == b"\x00\xffhello"  # said before the browser could say anything
        for message in ("一行文字", "", b"", b"\xff\x00\x80" * 100_000, "plain"):
            await browser.write_message(message, binary=isinstance(message, bytes))
            answer = await browser.read_message()
            assert answer == message and type(answer) is type(message)
        browser.close()

    tell(tmp_path, story)


def test_a_server_that_chose_no_protocol_is_given_none(tmp_path: Path) -> None:
    async def story(connect: Connect) -> None:
        assert (await connect("/channels", "v0.of.another")).selected_subprotocol is None

    tell(tmp_path, story)


def test_the_servers_close_reaches_the_browser(tmp_path: Path) -> None:
    async def story(connect: Connect) -> None:
        browser = await connect()
        await browser.read_message()
        await browser.write_message("end")
        assert await browser.read_message() is None
        assert (browser.close_code, browser.close_reason) == (CODE, WHY)

    tell(tmp_path, story)


def test_the_browsers_close_reaches_the_server(tmp_path: Path) -> None:
    async def story(connect: Connect) -> None:
        browser = await connect()
        await browser.read_message()
        browser.close(CODE, WHY)
        assert await Kernel.left == (CODE, WHY)

    tell(tmp_path, story)


def test_a_server_that_refuses_the_connection_is_heard(tmp_path: Path) -> None:
    async def story(connect: Connect) -> None:
        with pytest.raises(HTTPClientError) as refusal:
            await connect("/closed")
        assert refusal.value.code == 403

    tell(tmp_path, story)
