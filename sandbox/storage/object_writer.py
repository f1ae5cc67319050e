"""Writes an object that is made piece by piece: encrypted, a part at a time, and there only when it is
whole."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from minio.datatypes import Part
from minio.sse import SseS3

from sandbox.errors import CihuError
from sandbox.storage.failures import translated

if TYPE_CHECKING:
    from types import TracebackType

    from sandbox.storage.bucket import Bucket, ObjectVersion

PART_BYTES = 8 * 1024**2
SENT_AT_ONCE = 2


class ObjectWriter(io.RawIOBase):
    """A file to write on. `finish` makes the object; whatever else ends the `with` block leaves none.

    In memory are a part that fills and at most two that are sent. What fits into one part is stored by one
    request.
    """

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket, self._name = bucket, name
        self._filling, self._parts = bytearray(), 0
        self._upload = ""
        self._digest, self._size = hashlib.sha256(), 0
        self._sender = ThreadPoolExecutor(SENT_AT_ONCE)
        self._sending: deque[Future[Part]] = deque()
        self._sent: list[Part] = []

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._digest.update(view)
        self._size += len(view)
        self._filling += view
        while len(self._filling) > PART_BYTES:
            part = bytes(self._filling[:PART_BYTES])
            del self._filling[:PART_BYTES]
            self._send(part)
        return len(view)

    def finish(self) -> ObjectVersion:
        """Store what was written. Raises `Unavailable`."""
        if not self._upload:
            return self._bucket.put(self._name, bytes(self._filling))
        self._send(bytes(self._filling))
        self._filling.clear()
        while self._sending:
            self._sent.append(self._sending.popleft().result())
        with translated(self._bucket.endpoint, self._bucket.bucket):
            written = self._bucket.client._complete_multipart_upload(
                self._bucket.bucket, self._name, self._upload, self._sent
            )
        self._upload = ""
        return self._bucket.stored(
            self._name, written.version_id, self._size, sha256=self._digest.hexdigest()
        )

    def _send(self, part: bytes) -> None:
        bucket = self._bucket
        if not self._upload:
            with translated(bucket.endpoint, bucket.bucket):
                self._upload = bucket.client._create_multipart_upload(
                    bucket.bucket,
                    self._name,
                    {**SseS3().headers(), "Content-Type": "application/octet-stream"},
                )
        if len(self._sending) == SENT_AT_ONCE:
            self._sent.append(self._sending.popleft().result())
        self._parts += 1
        self._sending.append(self._sender.submit(self._sent_part, part, self._upload, self._parts))

    def _sent_part(self, part: bytes, upload: str, number: int) -> Part:
        bucket = self._bucket
        with translated(bucket.endpoint, bucket.bucket):
            tag = bucket.client._upload_part(bucket.bucket, self._name, part, None, upload, number)
        return Part(number, tag)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sender.shutdown(cancel_futures=True)
        if self._upload:
            # where this fails, too, the next sweep removes the parts
            with suppress(CihuError), translated(self._bucket.endpoint, self._bucket.bucket):
                self._bucket.client._abort_multipart_upload(self._bucket.bucket, self._name, self._upload)
        self.close()
