"""A question sent to a socket in one pod arrives at the socket in the other, whole,
and its answer comes back."""

import asyncio
import contextlib
import gc
import secrets
import tempfile
from asyncio import StreamReader, StreamWriter
from pathlib import Path

import pytest

from sandbox.errors import InvalidInput
from sandbox.hub.relay import Place, connect, listen, place


async def upper(reader: StreamReader, writer: StreamWriter) -> None:
    """A stand-in for a server: answers with all that it was sent, backwards, and hangs up."""
    writer.write((await reader.read())[::-1])
    await writer.drain()
    writer.close()


async def ask(at: Path, question: bytes) -> bytes:
    reader, writer = await connect(Place(path=at))
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def test_two_relays_make_one_socket_of_two() -> None:
    async def story(folder: Path) -> None:
        server = await asyncio.start_unix_server(upper, folder / "vault.sock")
        inner = await listen(Place(host="127.0.0.1"), Place(path=folder / "vault.sock"))
        port = inner.sockets[0].getsockname()[1]
        outer = await listen(Place(path=folder / "here.sock"), Place(host="127.0.0.1", port=port))
        questions = [secrets.token_bytes(1 + 97 * 1024 * n) for n in range(20)]
        answers = await asyncio.gather(*(ask(folder / "here.sock", question) for question in questions))
        assert answers == [question[::-1] for question in questions]
        for one in (outer, inner, server):
            one.close()

    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        asyncio.run(asyncio.wait_for(story(Path(folder)), 60))


def test_a_caller_who_has_said_all_is_still_answered_after_a_garbage_collection() -> None:
    """asyncio keeps only weak references to what waits:
    a relay that nothing else holds would be collected."""

    async def story(folder: Path) -> None:
        heard = asyncio.Event()

        async def late(reader: StreamReader, writer: StreamWriter) -> None:
            question = await reader.read()
            heard.set()
            await collected.wait()
            writer.write(question)
            writer.close()

        collected = asyncio.Event()
        server = await asyncio.start_unix_server(late, folder / "vault.sock")
        outer = await listen(Place(path=folder / "here.sock"), Place(path=folder / "vault.sock"))
        asking = asyncio.create_task(ask(folder / "here.sock", b"?"))
        await heard.wait()
        gc.collect()
        collected.set()
        assert await asking == b"?"
        for one in (outer, server):
            one.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(asyncio.wait_for(story(Path(folder)), 60))


def test_when_nobody_is_there_the_connection_ends() -> None:
    async def story(folder: Path) -> None:
        outer = await listen(Place(path=folder / "here.sock"), Place(path=folder / "nobody.sock"))
        with contextlib.suppress(ConnectionResetError):
            assert await ask(folder / "here.sock", b"?") == b""
        outer.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(asyncio.wait_for(story(Path(folder)), 60))


def test_a_socket_that_was_left_behind_is_replaced() -> None:
    async def story(folder: Path) -> None:
        left = folder / "here.sock"
        left.touch()
        outer = await listen(Place(path=left), Place(path=folder / "nobody.sock"))
        assert left.is_socket()
        outer.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(asyncio.wait_for(story(Path(folder)), 60))


@pytest.mark.parametrize("text", ["", "unix:", "tcp:8604", "tcp:host:", "tcp::80", "http://vault"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        place(text)


def test_places_are_read() -> None:
    assert place("unix:/run/vault.sock") == Place(path=Path("/run/vault.sock"))
    assert place("tcp:[::]:8604") == Place(host="::", port=8604)
