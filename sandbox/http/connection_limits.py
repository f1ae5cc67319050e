"""Limits how long a connection to a service of ours may take, and how many there may be.

uvicorn waits for ever for the rest of a request. Here a connection has a time limit for its request's head,
for its body (by how much of it came), for the next request, and for reading its answer. How long the answer
itself takes is the service's matter. Where there are too many connections, the connection that has waited
longest for its request is closed, of the peer who has the most, so that one peer cannot push the others out.

Attack: slow requests ("slowloris", R. Hansen 2009; RFC 9110, section 15.5.9: 408 Request Timeout).
"""

import asyncio
import socket
import struct
from collections import Counter
from typing import Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PEER = struct.Struct("3i")  # struct ucred: process, user, group


class Limits:
    """What both parsers of uvicorn's have in common: the limits, and the look at them once a second."""

    head_seconds = 10.0
    body_seconds = 30.0
    body_bytes_a_second = 16 * 1024  # slower than that beyond the first seconds is no upload
    read_seconds = 60.0  # an answer that nobody reads
    look_seconds = 1.0
    most_connections = 400

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    # a request was answered, and nothing of the next one has come: uvicorn's own time-out is for that
    between = False

    @property
    def waits_for_head(self) -> bool:
        raise NotImplementedError

    @property
    def waits_for_body(self) -> bool:
        """It does not while the service itself does not read on."""
        raise NotImplementedError

    def begin(self, transport: asyncio.Transport, connections: "set[object]") -> None:
        """A connection was made."""
        self.began = self.loop.time()  # of what is waited for: a head, a body
        self.received = 0
        self.unread_since: float | None = None
        self.peer = peer_of(transport)
        self.looking = self.loop.call_later(self.look_seconds, self.look)
        if len(connections) > self.most_connections:
            make_room([other for other in connections if isinstance(other, Limits)])

    def receive(self, data: bytes) -> None:
        """Something came."""
        if self.waits_for_head and self.between:
            self.between, self.began, self.received = False, self.loop.time(), 0
        self.received += len(data)

    def look(self) -> None:
        """Check once a second whether it is over its time limit."""
        self.looking = self.loop.call_later(self.look_seconds, self.look)
        now = self.loop.time()
        passed = now - self.began
        late_head = self.waits_for_head and not self.between and passed > self.head_seconds
        late_body = (
            self.waits_for_body and passed > self.body_seconds + self.received / self.body_bytes_a_second
        )
        unread = self.unread_since is not None and now - self.unread_since > self.read_seconds
        if late_head or late_body or unread:
            self.transport.abort() if unread else self.transport.close()


class LimitedProtocol(Limits, H11Protocol):
    """uvicorn's careful protocol with these limits: `uvicorn.Config(http=LimitedProtocol)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.begin(transport, self.connections)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        self.looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.receive(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.between = self.waits_for_head and not self.conn.trailing_data[0]
        self.began, self.received = self.loop.time(), 0

    def pause_writing(self) -> None:
        self.unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.unread_since = None
        super().resume_writing()

    @property
    def waits_for_head(self) -> bool:
        return self.conn.their_state is h11.IDLE

    @property
    def waits_for_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused


GONE = "cihu.gone"
"""The extension of an ASGI scope that says whether the caller has hung up (a function without arguments)."""


class FastLimitedProtocol(Limits, HttpToolsProtocol):
    """uvicorn's fast protocol with these limits, and one more, which its parser does not have: how many bytes
    a head may take. It says in each scope whether the caller has hung up."""

    most_head_bytes = 64 * 1024
    part: Literal["head", "body", "answer"] = "head"
    head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.begin(transport, self.connections)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        self.looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.receive(data)
        if self.waits_for_head:
            self.head_bytes += len(data)
        super().data_received(data)
        if self.waits_for_head and self.head_bytes > self.most_head_bytes and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        self.part = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.part, self.head_bytes = "body", 0
        super().on_headers_complete()
        cycle = self.cycle
        cycle.scope["extensions"] = {GONE: lambda: cycle.disconnected}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        self.part = "answer"
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.part == "answer":
            self.part, self.between = "head", True
        self.began, self.received = self.loop.time(), 0

    def pause_writing(self) -> None:
        self.unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.unread_since = None
        super().resume_writing()

    @property
    def waits_for_head(self) -> bool:
        return self.part == "head"

    @property
    def waits_for_body(self) -> bool:
        return self.part == "body" and not self.flow.read_paused


def make_room(connections: list[Limits]) -> None:
    """Close the connection that has waited longest without a whole request,
    of the peer who has the most of them."""
    waiting = [one for one in connections if one.waits_for_head or one.waits_for_body]
    if waiting:
        many = Counter(one.peer for one in waiting)
        min(waiting, key=lambda one: (-many[one.peer], one.began)).transport.close()


def peer_of(transport: asyncio.Transport) -> str:
    """Who connects: a host, or a user of this machine."""
    connected = transport.get_extra_info("socket")
    if connected is not None and connected.family == socket.AF_UNIX:
        _, user, _ = PEER.unpack(connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
        return f"user {user}"
    name = transport.get_extra_info("peername")
    return f"host {name[0]}" if name else ""
