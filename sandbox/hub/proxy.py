"""The hub's reverse proxy: configurable-http-proxy, in Python, with room for a class of people.

It asks on behalf of each browser by tornado's client, whose defaults (ten requests at a time, twenty seconds
each) would make the eleventh person wait and would cut a slow start off. Of a WebSocket it loses too much for
a browser's kernel to work: see `MessageProxy`. Run as `python -m sandbox.hub.proxy`, by the hub.
"""

import asyncio
import sys
from contextlib import suppress

from configurable_http_proxy import configproxy  # type: ignore[import-untyped]
from configurable_http_proxy.cli import main as serve  # type: ignore[import-untyped]
from configurable_http_proxy.handlers import ProxyHandler  # type: ignore[import-untyped]
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from sandbox.http.redacted_logs import redact_logs
from sandbox.hub.connection_limits import limit_connections

REQUESTS_AT_ONCE = 1000
REQUEST_SECONDS = 120  # longer than a server may take to start: the page that waits is one request


class MessageProxy(ProxyHandler):  # type: ignore[misc]
    """The proxy's handler, which also passes on a WebSocket's protocol
    (without it a browser gives the connection up), the kind of a message, what the server says before the
    browser is answered, and each side's close (RFC 6455)."""

    ws_client: WebSocketClientConnection | None

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The protocol that the server has chosen. It was asked before the browser is answered."""
        chosen = self.ws_client.selected_subprotocol if self.ws_client else None
        return chosen if chosen in subprotocols else None

    async def start_ws_client(self, path: str | None = None) -> None:
        url: str | None = await self.get_target_url(path)
        if url is None:
            return
        asked = self._get_proxy_request("ws" + url.removeprefix("http"))
        try:
            self.ws_client = await websocket_connect(asked)
        except HTTPClientError as refusal:
            self.set_status(refusal.code)
            self.finish(refusal.message)
        except Exception as fault:
            await self.handle_proxy_error(503, fault)
            raise

    def open(self, *path: str) -> None:
        assert self.ws_client is not None
        # kept here, or it could be collected
        self.answering = asyncio.create_task(self.answer(self.ws_client))

    async def answer(self, server: WebSocketClientConnection) -> None:
        """Pass on what the server sends, to its close.
        A browser that has gone is sent nothing; `on_close` notifies the server."""
        with suppress(WebSocketClosedError):
            while (message := await server.read_message()) is not None:
                self.note_activity()
                await self.write_message(message, binary=isinstance(message, bytes))
            self.close(server.close_code, server.close_reason)

    async def on_message(self, message: str | bytes) -> None:
        self.note_activity()
        if self.ws_client:
            with suppress(WebSocketClosedError):  # then `answer` tells the browser
                await self.ws_client.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        if self.ws_client:
            self.ws_client.close(self.close_code, self.close_reason)

    def note_activity(self) -> None:
        if self.target and self.target["prefix"]:
            self.proxy.update_last_activity(self.target["prefix"])


def main() -> None:
    redact_logs()
    limit_connections()
    configproxy.ProxyHandler = MessageProxy
    AsyncHTTPClient.configure(None, max_clients=REQUESTS_AT_ONCE)
    sys.argv.append(f"--proxy-timeout={REQUEST_SECONDS * 1000}")
    serve()


if __name__ == "__main__":
    main()
