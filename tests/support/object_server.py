"""A real HTTPS server with an authority of its own, whose answers a test chooses by the path."""

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.standalone.certificate import write_certificate

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ObjectServer:
    """`objects` by path; `answers` by path where a test wants to answer by itself."""

    port: int
    authority: Path
    objects: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    token: str = ""


@contextmanager
def object_server(folder: Path) -> Iterator[ObjectServer]:
    certificate, key = folder / "ca.pem", folder / "key.pem"
    write_certificate(certificate, key, now=datetime.datetime.now(datetime.UTC))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked.append(self.path)
            if made.token and self.headers.get("Authorization") != f"Bearer {made.token}":
                self.answer(401, b"")
            elif self.path in made.answers:
                made.answers[self.path](self)
            elif self.path in made.objects:
                self.answer(200, made.objects[self.path])
            else:
                self.answer(404, b"")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made = ObjectServer(server.server_address[1], certificate)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
