"""A request's body as a stream that a worker thread reads."""

import io
from collections.abc import AsyncIterator

import anyio.from_thread


class BodyStream(io.RawIOBase):
    """A request's body as a stream for a worker thread: a chunk is asked for when it is needed."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks, self._waiting, self._ended = chunks, b"", False

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        parts, missing = [], count if count >= 0 else 1 << 62
        while missing:
            if not self._waiting:
                if self._ended:
                    break
                self._waiting = anyio.from_thread.run(self._next)
                continue
            part, self._waiting = self._waiting[:missing], self._waiting[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    async def _next(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                return chunk
        self._ended = True
        return b""
