"""Slow requests: many connections that send half a request and then nothing, or one byte at a time,
or read no answer.

Source: R. Hansen, "Slowloris HTTP DoS" (2009); "R-U-Dead-Yet" (2010) for bodies; Shekyan, "Slow Read" (2012).
Each is tried on every kind of socket that we have, and beside it on the same server without its
limits, where it succeeds.
"""

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler
from uvicorn.protocols.http.h11_impl import H11Protocol

from asked_vault import AskedVault
from sandbox.http.connection_limits import FastLimitedProtocol, LimitedProtocol, Limits
from sandbox.hub import connection_limits, relay

SECONDS = 60
MANY = 100
HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"
HALF = {
    "nothing": b"",
    "half a head": HEAD + b"X-Slow: ",
    "half a body": HEAD + b"Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf",
    "a chunk that does not come": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "a second request, half": b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\nGET / HTTP/1.1\r\nHo",
}


class InLessTime(Limits):
    """The same limits in less time."""

    head_seconds = body_seconds = read_seconds = 0.3
    body_bytes_a_second = 1_000_000
    look_seconds = 0.05
    most_connections = MANY


class Impatient(InLessTime, LimitedProtocol):
    pass


class FastImpatient(InLessTime, FastLimitedProtocol):
    pass


async def read_all(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def much(_: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * 50_000_000)


@contextmanager
def in_a_loop(start: Callable[[], object]) -> Iterator[asyncio.AbstractEventLoop]:
    """`start` runs in an event loop of its own, in a thread, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(SECONDS)  # type: ignore[arg-type]
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(end_all(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()


async def end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def uvicorn_with(protocol: type[asyncio.Protocol]) -> Iterator[int]:
    app = Starlette(
        routes=[Route("/", read_all, methods=["POST"]), Route("/hello", hello), Route("/much", much)]
    )
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=protocol, log_level="critical", timeout_keep_alive=600)
    )
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(SECONDS)


def served(ask: Callable[[], httpx.Response]) -> str:
    """What an honest request is answered with. Where the machine was too busy to send it within these short
    limits, it is sent again."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return ask().text
        except httpx.TransportError:
            assert time.monotonic() < deadline, "nobody is served"


def sent(port: int, what: bytes) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", port))
    connected.sendall(what)
    return connected


def is_open(connected: socket.socket) -> bool:
    """Whether the server still holds it; what it answered is read away."""
    connected.setblocking(False)
    try:
        while connected.recv(65536):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


def all_closed(connections: list[socket.socket]) -> None:
    deadline = time.monotonic() + SECONDS
    while left := sum(is_open(one) for one in connections):
        assert time.monotonic() < deadline, f"{left} of {len(connections)} are still open"
        time.sleep(0.02)  # the other side closes: asking is the only event


@pytest.fixture(scope="module", params=[Impatient, FastImpatient])
def limited(request: pytest.FixtureRequest) -> Iterator[int]:
    with uvicorn_with(request.param) as port:
        yield port


@pytest.fixture(scope="module")
def unlimited() -> Iterator[int]:
    with uvicorn_with(H11Protocol) as port:
        yield port


@pytest.mark.parametrize("half", HALF)
def test_half_a_request_is_not_waited_for(limited: int, unlimited: int, half: str) -> None:
    without = sent(unlimited, HALF[half])
    slow = [sent(limited, HALF[half]) for _ in range(MANY - 5)]
    hello = served(lambda: httpx.get(f"http://127.0.0.1:{limited}/hello", trust_env=False))
    assert hello == "hello", "others are served meanwhile"
    all_closed(slow)
    assert is_open(without), "without the limits it is held"
    without.close()


def test_a_body_that_trickles_is_ended_and_one_that_flows_is_not(limited: int) -> None:
    slow = sent(limited, HEAD + b"Content-Length: 100000\r\n\r\n")
    deadline = time.monotonic() + SECONDS
    while is_open(slow):
        assert time.monotonic() < deadline
        try:
            slow.setblocking(True)
            slow.sendall(b"x")
        except ConnectionError:
            break
        time.sleep(0.02)  # this is the attack
    body = b"x" * 3_000_000
    flows = served(lambda: httpx.post(f"http://127.0.0.1:{limited}/", content=body, trust_env=False))
    assert flows == str(len(body))


def test_an_answer_that_nobody_reads_is_given_up(limited: int, unlimited: int) -> None:
    asking = b"GET /much HTTP/1.1\r\nHost: here\r\n\r\n"
    without, slow = sent(unlimited, asking), sent(limited, asking)

    def given_up(connected: socket.socket) -> bool:
        try:
            connected.send(b"\r\n")
        except ConnectionError:
            return True
        return False

    deadline = time.monotonic() + SECONDS
    while not given_up(slow):
        assert time.monotonic() < deadline
        time.sleep(0.05)  # the other side gives up: asking is the only event
    assert not given_up(without)


def test_a_head_without_an_end_is_not_read_on(limited: int) -> None:
    """A parser that keeps whatever comes would fill the memory."""
    endless = sent(limited, HEAD + b"X-Long: " + b"x" * 300_000)
    all_closed([endless])


def test_too_many_connections_push_out_their_own_and_nobody_elses(limited: int) -> None:
    slow = [sent(limited, HALF["half a head"]) for _ in range(3 * MANY)]
    for _ in range(20):
        assert served(lambda: httpx.get(f"http://127.0.0.1:{limited}/hello", trust_env=False)) == "hello"
    all_closed(slow)


class Hello(RequestHandler):
    def get(self) -> None:
        self.write("hello")

    def post(self) -> None:
        self.write("posted")


def test_tornado_of_hub_proxy_and_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initialize", "handle_stream"):
        monkeypatch.setattr(HTTPServer, name, getattr(HTTPServer, name))  # and so as it was, after the test
    ports: list[int] = []

    async def start() -> None:
        app = Application([("/.*", Hello)])
        for limited in (False, True):
            if limited:
                monkeypatch.setattr(connection_limits, "HEAD_SECONDS", 0.3)
                monkeypatch.setattr(connection_limits, "BODY_SECONDS", 0.3)
                connection_limits.limit_connections()
            listening = socket.create_server(("127.0.0.1", 0))
            listening.setblocking(False)
            HTTPServer(app).add_sockets([listening])
            ports.append(listening.getsockname()[1])

    with in_a_loop(start):
        without = [sent(ports[0], half) for half in HALF.values()]
        slow = [sent(ports[1], half) for half in HALF.values() for _ in range(20)]
        assert served(lambda: httpx.get(f"http://127.0.0.1:{ports[1]}/", trust_env=False)) == "hello"
        all_closed(slow)
        assert all(is_open(one) for one in without)
        for one in without:
            one.close()


def test_the_relay_ends_what_its_server_ends_and_what_nobody_uses(limited: int) -> None:
    """The vault behind it has the limits on requests;
    the relay holds no connection longer than it, nor an idle one."""
    with tempfile.TemporaryDirectory() as folder:
        at, silent = Path(folder) / "here.sock", Path(folder) / "silent.sock"
        deaf = socket.socket(socket.AF_UNIX)
        deaf.bind(str(silent))
        deaf.listen()

        async def start() -> None:
            await relay.listen(relay.Place(path=at), relay.Place(host="127.0.0.1", port=limited))
            await relay.listen(
                relay.Place(path=Path(folder) / "to-silent.sock"), relay.Place(path=silent), idle_seconds=0.3
            )
            await relay.listen(
                relay.Place(path=Path(folder) / "few.sock"), relay.Place(path=silent), most_connections=5
            )

        def through(path: Path, what: bytes) -> socket.socket:
            connected = socket.socket(socket.AF_UNIX)
            connected.connect(str(path))
            connected.sendall(what)
            return connected

        with in_a_loop(start):
            all_closed([through(at, half) for half in HALF.values() for _ in range(10)])
            all_closed([through(Path(folder) / "to-silent.sock", HALF["half a head"]) for _ in range(20)])
            many = [through(Path(folder) / "few.sock", b"x") for _ in range(20)]
            all_closed(many[:10])
            assert is_open(many[-1])
        deaf.close()


def test_both_sockets_of_the_real_vault(asked: AskedVault) -> None:
    address = ("127.0.0.1", int(asked.url.rpartition(":")[2]))
    slow = []
    for half in HALF.values():
        for _ in range(30):
            slow.append(socket.create_connection(address))
            slow.append(socket.socket(socket.AF_UNIX))
            slow[-1].connect(str(asked.home / "run" / "vault" / "vault.sock"))
            for one in slow[-2:]:
                one.sendall(half)
    assert asked.person("wang").send("GET", "/v1/me").status_code == 200
    assert asked.kernel("wang").send("GET", "/v1/me").status_code == 200
    heads = [one for place, one in enumerate(slow) if (place // 60) != 2 and (place // 60) != 3]
    all_closed(heads)
    assert asked.kernel("wang").send("GET", "/v1/me").status_code == 200
    for one in slow:
        one.close()
