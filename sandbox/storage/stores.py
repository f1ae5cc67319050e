"""The four buckets.
Raw rows, quarantine and released files are the vault's alone; the portal may read products."""

from threading import Lock
from typing import BinaryIO, Protocol

from sandbox.storage import protection
from sandbox.storage.bucket import Bucket, ObjectVersion
from sandbox.storage.failures import translated
from sandbox.storage.names import checked_name
from sandbox.storage.object_writer import ObjectWriter


class StoredVersion(Protocol):
    """Where the rows of a dataset's version lie."""

    @property
    def object_name(self) -> str: ...

    @property
    def object_version(self) -> str: ...

    @property
    def sha256(self) -> str: ...


class WrittenBucket(Bucket):
    """A bucket that this process writes. It proves once, before the first write, that the bucket is fit."""

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool = False,  # noqa: FBT001, FBT002  # S3 clients call it so
    ) -> None:
        super().__init__(endpoint, access_key, secret_key, bucket, secure)
        self._proving = Lock()
        self._proved = False

    def ensure(self) -> None:
        """Create the bucket if it is not there; raise `Unavailable`, with the remedy,
        if it is not fit for use."""
        with translated(self.endpoint, self.bucket):
            protection.make(self.client, self.bucket)
        self.prove()

    def prove(self) -> None:
        """Raise `Unavailable` if the bucket is public, unversioned or unencrypted.
        Writes and removes a probe object."""
        address = f"{'https' if self.secure else 'http'}://{self.endpoint}"
        with self._proving, translated(self.endpoint, self.bucket):
            protection.prove(self.client, self.http, address, self.bucket)
            self._proved = True

    def put(self, name: str, body: bytes) -> ObjectVersion:
        if not self._proved:
            self.prove()
        return super().put(name, body)


class RawStore(WrittenBucket):
    """The raw bucket: the only place where raw bytes rest.
    Only the vault holds its keys, and it is not even read if unfit."""

    def get(self, name: str, version_id: str, sha256: str = "") -> bytes:
        if not self._proved:
            self.prove()
        return super().get(name, version_id, sha256)

    def rows(self, version: StoredVersion) -> bytes:
        """The rows of a version as they may be read now: all who read rows read them here
        (sandbox/splits/split_store.py)."""
        return self.get(version.object_name, version.object_version, version.sha256)

    def whole(self, version: StoredVersion) -> bytes:
        """All rows of a version: for the vault's own writing, never for an answer."""
        return self.get(version.object_name, version.object_version, version.sha256)

    def writer(self, name: str) -> ObjectWriter:
        if not self._proved:
            self.prove()
        return super().writer(name)

    def put_stream(self, name: str, stream: BinaryIO) -> ObjectVersion:
        if not self._proved:
            self.prove()
        return super().put_stream(name, stream)

    def versions(self, prefix: str) -> list[ObjectVersion]:
        """Every version of every object whose name begins with `prefix`; their digests are not asked for."""
        with translated(self.endpoint, self.bucket):
            listed = self.client.list_objects(
                self.bucket, prefix=prefix or None, recursive=True, include_version=True
            )
            return [
                ObjectVersion(str(found.object_name), str(found.version_id), found.size or 0, "")
                for found in listed
                if not found.is_delete_marker and not str(found.object_name).startswith(protection.PROBES)
            ]

    def remove(self, stored: ObjectVersion) -> None:
        """Remove one version for good. Raises `Unavailable` where the bucket keeps it (an object lock)."""
        with translated(self.endpoint, self.bucket):
            self.client.remove_object(self.bucket, checked_name(stored.name), version_id=stored.version_id)


class QuarantineStore(WrittenBucket):
    """What sealed runs left, until reviewers have decided:
    only the vault holds its keys, and it is not even read if unfit."""

    def get(self, name: str, version_id: str, sha256: str = "") -> bytes:
        if not self._proved:
            self.prove()
        return super().get(name, version_id, sha256)

    def clear(self, folder: str) -> None:
        """Remove every version of every object below `folder`, such as `runs/<id>`."""
        with translated(self.endpoint, self.bucket):
            for found in self.client.list_objects(
                self.bucket, prefix=f"{checked_name(folder)}/", recursive=True, include_version=True
            ):
                self.client.remove_object(self.bucket, str(found.object_name), version_id=found.version_id)


class ReleasedStore(WrittenBucket):
    """Files of sealed runs that reviewers released.
    Only the vault holds its keys, and gives the files to their team."""


class ProductStore(WrittenBucket):
    """The product bucket: what may be sold as files.
    The vault writes it; the portal's keys can only `get`."""
