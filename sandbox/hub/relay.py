"""How does a socket in one pod lead to the socket in another? By this, once at each end; in Kubernetes only.

    hub's pod: kernel -> vault.sock -> relay ==TCP==> relay -> vault.sock :vault's pod

`python -m sandbox.hub.relay FROM TO`, each `unix:PATH` or `tcp:HOST:PORT`. It carries bytes and reads none: who may come
through is said by the NetworkPolicy and by the token that the vault checks.
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
    raise InvalidInput(f"{text!r} is no place to relay.", mend="Write unix:PATH or tcp:HOST:PORT.")


async def connect(to: Place) -> tuple[StreamReader, StreamWriter]:
    if to.path:
        return await asyncio.open_unix_connection(to.path)
    return await asyncio.open_connection(to.host, to.port)


async def carry(source: StreamReader, sink: StreamWriter) -> None:
    """All bytes until the source ends; then say so to the sink. The other direction may go on."""
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def listen(at: Place, to: Place) -> asyncio.Server:
    """Relay every connection that comes in at `at`, until the server is closed."""
    open_ones: set[asyncio.Task[None]] = set()  # held here: the loop alone does not hold one whose caller has said all

    async def carry_both(asked: StreamReader, answer: StreamWriter) -> None:
        with contextlib.closing(answer):
            try:
                reader, writer = await connect(to)
            except OSError:
                return  # nobody is there: the caller sees its connection end
            with contextlib.closing(writer):
                await asyncio.gather(carry(asked, writer), carry(reader, answer))

    def relay(asked: StreamReader, answer: StreamWriter) -> None:
        task = asyncio.create_task(carry_both(asked, answer))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

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
