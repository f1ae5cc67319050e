"""Connects a socket in one pod to the socket in another. It runs once at each end, in Kubernetes only.

    hub's pod: kernel -> vault.sock -> relay ==TCP==> relay -> vault.sock :vault's pod

`python -m sandbox.hub.relay FROM TO`, each `unix:PATH` or `tcp:HOST:PORT`. It carries bytes and reads none.
The NetworkPolicy and the token that the vault checks decide who may come through. The vault decides how long
a request may take: when it closes a connection, both ends of it are closed. A connection that neither end
uses any more is closed too, and the oldest where there are too many.
"""

import asyncio
import contextlib
import signal
import sys
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import CihuError, InvalidInput

CHUNK = 64 * 1024
IDLE_SECONDS = 900.0  # longer than any answer of the vault's takes
MOST_CONNECTIONS = 400


@dataclass(frozen=True)
class Place:
    """One end: a Unix socket's path, or a host and port."""

    path: Path | None = None
    host: str = ""
    port: int = 0


def place(text: str) -> Place:
    kind, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    if kind == "unix" and rest:
        return Place(path=Path(rest))
    if kind == "tcp" and host and port.isdigit():
        return Place(host=host.strip("[]"), port=int(port))
    raise InvalidInput(f"{text!r} is no place to relay.", remedy="Write unix:PATH or tcp:HOST:PORT.")


async def connect(to: Place) -> tuple[StreamReader, StreamWriter]:
    if to.path:
        return await asyncio.open_unix_connection(to.path)
    return await asyncio.open_connection(to.host, to.port)


class Carried:
    """One connection that is relayed. `used_at`: when a byte last went through, in either direction."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.used_at = self.loop.time()

    async def carry(self, source: StreamReader, sink: StreamWriter) -> None:
        """All bytes until the source ends; then say so to the sink. The other direction may go on."""
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                self.used_at = self.loop.time()
                sink.write(chunk)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()

    async def unused(self, seconds: float) -> None:
        """Until nothing has gone through for so long."""
        while (left := self.used_at + seconds - self.loop.time()) > 0:  # noqa: ASYNC110  # a limit, not an event
            await asyncio.sleep(left)  # until then at least; a byte makes it later, and need not wake anybody

    async def carry_both(
        self, asked: StreamReader, answer: StreamWriter, to: Place, idle_seconds: float
    ) -> None:
        """Until the server's side has sent all, whatever the caller still would send:
        its answer is all there is to carry."""
        with contextlib.closing(answer):
            try:
                reader, writer = await connect(to)
            except OSError:
                return  # nobody is there: the caller sees its connection end
            with contextlib.closing(writer):
                forth = asyncio.create_task(self.carry(asked, writer))
                ends = [
                    asyncio.create_task(self.carry(reader, answer)),
                    asyncio.create_task(self.unused(idle_seconds)),
                ]
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (forth, *ends):
                        task.cancel()


async def listen(
    at: Place, to: Place, *, idle_seconds: float = IDLE_SECONDS, most_connections: int = MOST_CONNECTIONS
) -> asyncio.Server:
    """Relay every connection that comes in at `at`, until the server is closed."""
    open_ones: dict[
        asyncio.Task[None], Carried
    ] = {}  # held here: the loop alone does not hold a task whose caller has sent all

    def relay(asked: StreamReader, answer: StreamWriter) -> None:
        if len(open_ones) >= most_connections:
            oldest = min(open_ones, key=lambda task: open_ones[task].used_at)
            oldest.cancel()
            del open_ones[oldest]
        carried = Carried()
        task = asyncio.create_task(carried.carry_both(asked, answer, to, idle_seconds))
        open_ones[task] = carried

        def done(_: asyncio.Task[None]) -> None:
            open_ones.pop(task, None)
            answer.close()  # a task that was cancelled before it began has not

        task.add_done_callback(done)

    if at.path:
        at.path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(relay, at.path)
        at.path.chmod(0o666)  # who may reach it is decided by who has its folder
        return server
    return await asyncio.start_server(relay, at.host, at.port)


async def serve(at: Place, to: Place) -> None:
    """Relay until a signal comes."""
    server = await listen(at, to)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()
    server.close()


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(place(sys.argv[1]), place(sys.argv[2])))
    except (CihuError, OSError) as error:
        print(f"The relay cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
