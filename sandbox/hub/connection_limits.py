"""Limits how long a connection to a tornado server of ours (hub, proxy, a person's server) may take, and how
many there may be.

tornado has the time-outs and uses none of them by itself. An upgraded connection (a kernel's channels) and a
request that is whole are not concerned.
"""

from typing import Any

from tornado.httpserver import HTTPServer

HEAD_SECONDS = 30.0  # also between two requests of one connection
BODY_SECONDS = 300.0  # a notebook of many megabytes over a slow line
MOST_CONNECTIONS = 2000


def limit_connections() -> None:
    """For every server that this process makes from now on."""
    initialize, handle_stream = HTTPServer.initialize, HTTPServer.handle_stream

    def initialize_limited(self: HTTPServer, *given: Any, **named: Any) -> None:
        initialize(
            self, *given, **{"idle_connection_timeout": HEAD_SECONDS, "body_timeout": BODY_SECONDS, **named}
        )

    def handle_limited(self: HTTPServer, stream: Any, address: Any) -> None:
        if len(self._connections) >= MOST_CONNECTIONS:
            stream.close()
            return
        handle_stream(self, stream, address)

    HTTPServer.initialize, HTTPServer.handle_stream = initialize_limited, handle_limited  # type: ignore[method-assign]
