"""Keeps and fetches the bytes of one bucket.
Every write is a version, encrypted; every read is one version, verified whole."""

import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO, cast

import urllib3
from minio import Minio
from minio.sse import SseS3

from sandbox.errors import Unavailable
from sandbox.storage.failures import translated
from sandbox.storage.names import checked_name
from sandbox.storage.object_writer import PART_BYTES, ObjectWriter

PATIENCE = urllib3.Timeout(connect=5, read=60)
DIGEST = "x-amz-meta-sha256"
PIECE_BYTES = 8 * 1024**2


@dataclass(frozen=True)
class ObjectVersion:
    """One version of one object: what to keep in order to fetch exactly these bytes again.
    `size` in bytes."""

    name: str
    version_id: str
    size: int
    sha256: str


class Bucket:
    """One bucket of an S3 store. `endpoint` is `host:port` (then `secure` says whether TLS) or a URL."""

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool = False,  # noqa: FBT001, FBT002  # S3 clients call it so
    ) -> None:
        scheme, _, host = endpoint.rpartition("://")
        self.secure = scheme == "https" if scheme else secure
        self.endpoint, self.bucket = host.rstrip("/"), bucket
        self.http = urllib3.PoolManager(
            timeout=PATIENCE, maxsize=16, retries=urllib3.Retry(total=2, backoff_factor=0.2)
        )
        self.client = Minio(
            self.endpoint,
            access_key,
            secret_key,
            secure=self.secure,
            region="us-east-1",
            http_client=self.http,
        )

    def require_there(self) -> None:
        """Raise `Unavailable` unless the store answers and the bucket is there;
        what is in it is not asked."""
        with translated(self.endpoint, self.bucket):
            there = self.client.bucket_exists(self.bucket)
        if not there:
            raise Unavailable(
                f"The bucket {self.bucket} is not there.",
                code="storage_bucket_missing",
                remedy=(
                    "Start the vault once (it makes the bucket), or correct the "
                    "bucket's name in the settings."
                ),
            )

    def put(self, name: str, body: bytes) -> ObjectVersion:
        """Store `body` as a new version of `name`, encrypted at rest."""
        digest = hashlib.sha256(body).hexdigest()
        with translated(self.endpoint, self.bucket):
            written = self.client.put_object(
                self.bucket,
                checked_name(name),
                io.BytesIO(body),
                len(body),
                metadata={DIGEST: digest},
                sse=SseS3(),
            )
        return self.stored(name, written.version_id, len(body), sha256=digest)

    def put_stream(self, name: str, stream: BinaryIO) -> ObjectVersion:
        """Store what `stream` gives as a new version of `name`, encrypted at rest, a part at a time.
        No more than one part is in memory, and nothing on a disk. Its digest is for the caller to keep."""
        counted = _Counted(stream)
        with translated(self.endpoint, self.bucket):
            written = self.client.put_object(
                self.bucket,
                checked_name(name),
                cast("BinaryIO", counted),
                -1,
                part_size=PART_BYTES,
                sse=SseS3(),
            )
        return self.stored(name, written.version_id, counted.size, sha256=counted.digest.hexdigest())

    def writer(self, name: str) -> ObjectWriter:
        """A file to write a new version of `name` on, encrypted at rest. Its digest is for the caller to
        keep."""
        return ObjectWriter(self, checked_name(name))

    def stored(self, name: str, version_id: str | None, size: int, *, sha256: str) -> ObjectVersion:
        """What was stored. Raises `Unavailable` where the bucket gave it no version."""
        if not version_id or version_id == "null":
            raise Unavailable(
                f"The bucket {self.bucket} does not keep versions.",
                code="storage_unversioned",
                remedy="Turn versioning on for it.",
            )
        return ObjectVersion(name, version_id, size, sha256)

    def abort_unfinished(self, prefix: str) -> int:
        """Remove the parts of uploads whose process was killed; returns how many uploads there were.
        No version lists them."""
        with translated(self.endpoint, self.bucket):
            listed = self.client._list_multipart_uploads(self.bucket, prefix=prefix)
            for upload in listed.uploads:
                self.client._abort_multipart_upload(self.bucket, upload.object_name, str(upload.upload_id))
        return len(listed.uploads)

    def open(self, stored: ObjectVersion, piece_bytes: int = PIECE_BYTES) -> BinaryIO:
        """A seekable stream over that version, read in pieces as they are needed. Whoever reads here and
        there asks for small pieces: a read that is larger is a request of its own."""
        return cast("BinaryIO", io.BufferedReader(_ObjectStream(self, stored), piece_bytes))

    def piece(self, name: str, version_id: str, start: int, length: int) -> bytes:
        """`length` bytes of exactly that version from `start` on."""
        with translated(self.endpoint, self.bucket):
            response = self.client.get_object(
                self.bucket, checked_name(name), offset=start, length=length, version_id=version_id
            )
            try:
                body: bytes = response.read()
            finally:
                response.close()
                response.release_conn()
        return body

    def get(self, name: str, version_id: str, sha256: str = "") -> bytes:
        """The bytes of exactly that version. `sha256`: their digest, where the caller has kept it; it must be
        given for an object that was written piece by piece.
        Raises `NotFound`; `Unavailable` if they are not what was stored."""
        with translated(self.endpoint, self.bucket):
            response = self.client.get_object(self.bucket, checked_name(name), version_id=version_id)
            try:
                body: bytes = response.read()
                promised = sha256 or response.headers.get(DIGEST)
            finally:
                response.close()
                response.release_conn()
        if promised != hashlib.sha256(body).hexdigest():
            raise Unavailable(
                f"An object in the bucket {self.bucket} is damaged.",
                code="storage_damaged",
                remedy="Restore it from a copy.",
                internal=f"{name} {version_id}",
            )
        return body


class _Counted(io.RawIOBase):
    """A stream that counts and digests what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size, self.digest = 0, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        part = self._stream.read(count)
        self.size += len(part)
        self.digest.update(part)
        return part


class _ObjectStream(io.RawIOBase):
    """One version of an object as a file. Each read is a request for as much as is asked."""

    def __init__(self, bucket: Bucket, stored: ObjectVersion) -> None:
        self._bucket, self._stored, self._place = bucket, stored, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._stored.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, target: object) -> int:
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        length = min(len(view), self._stored.size - self._place)
        if length <= 0:
            return 0
        part = self._bucket.piece(self._stored.name, self._stored.version_id, self._place, length)
        if len(part) != length:
            raise OSError("the object store gave fewer bytes than it has")
        view[: len(part)] = part
        self._place += len(part)
        return len(part)
