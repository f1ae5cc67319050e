"""A connection to a server through a socket of ours: passed on, cut in the middle, or stalled."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class Relay:
    """Listens on a port of the loopback and passes on to `target` (a Unix socket, or host and port).

    `cut_after`: bytes of the server's answers after which every connection is closed. `stall_after`: bytes
    after which no more comes, though the connection stays.
    """

    def __init__(
        self,
        target: Path | tuple[str, int],
        *,
        cut_after: int | None = None,
        stall_after: int | None = None,
    ) -> None:
        self._target, self.cut_after, self.stall_after = target, cut_after, stall_after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._open: list[socket.socket] = []
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if isinstance(self._target, Path):
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._target))
            else:
                server = socket.create_connection(self._target)
            self._open += [client, server]
            for give, take, count in ((client, server, lambda _: True), (server, client, self._counted())):
                threading.Thread(target=self._pass, args=(give, take, count), daemon=True).start()

    def _counted(self) -> Callable[[int], bool]:
        passed = 0

        def count(length: int) -> bool:
            nonlocal passed
            passed += length
            if self.stall_after is not None and passed > self.stall_after:
                self._ended.wait(60)
                return False
            return self.cut_after is None or passed <= self.cut_after

        return count

    @staticmethod
    def _pass(give: socket.socket, take: socket.socket, count: Callable[[int], bool]) -> None:
        with suppress(OSError):
            while part := give.recv(4096):
                if not count(len(part)):
                    break
                take.sendall(part)
        for one in (give, take):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
