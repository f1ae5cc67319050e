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

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PEER = struct.Struct("3i")  # struct ucred: process, user, group


class LimitedProtocol(H11Protocol):
    """uvicorn's protocol with these limits: `uvicorn.Config(http=LimitedProtocol)`."""

    head_seconds = 10.0
    body_seconds = 30.0
    body_bytes_a_second = 16 * 1024  # slower than that beyond the first seconds is no upload
    read_seconds = 60.0  # an answer that nobody reads
    look_seconds = 1.0
    most_connections = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.began = self.loop.time()  # of what is waited for: a head, a body
        self.received = 0
        self.unread_since: float | None = None
        self.peer = peer_of(transport)
        self.looking = self.loop.call_later(self.look_seconds, self.look)
        if len(self.connections) > self.most_connections:
            make_room([other for other in self.connections if isinstance(other, LimitedProtocol)])

    def connection_lost(self, exc: Exception | None) -> None:
        self.looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.waits_for_head and self.between:
            self.between, self.began, self.received = False, self.loop.time(), 0
        self.received += len(data)
        super().data_received(data)

    # a request was answered, and nothing of the next one has come: uvicorn's own time-out is for that
    between = False

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
        """It does not while the service itself does not read on."""
        return self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused

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


def make_room(connections: list[LimitedProtocol]) -> None:
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
