"""Keeps files that were made for delivery, on the portal's disk: made once, found by name, and the longest
unused taken away when there is no room.

A file's name says everything that it was made of, so what is there is never stale, and what was taken away
is made again the same. Several processes may share the folder.
"""

import asyncio
import base64
import contextlib
import contextvars
import hashlib
import json
import os
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import IO

from sandbox.errors import Unavailable

Write = Callable[[IO[bytes]], int]
"""Writes a file, and gives the number of its rows."""


@dataclass(frozen=True)
class StoredFile:
    path: Path
    size: int
    sha256: str
    rows: int

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'

    @property
    def base64(self) -> str:
        """The digest as RFC 9530 writes it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


class Hashing:
    """A file that is being written, with its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0
        self.closed = False

    def write(self, piece: bytes) -> int:
        self.digest.update(piece)
        self.size += len(piece)
        return self.file.write(piece)

    def tell(self) -> int:
        return self.size

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True


class FileStore:
    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self.making = Lock()
        # apart from the pool that answers calls: a file that takes long holds up no other call
        self.makers = ThreadPoolExecutor(1, thread_name_prefix="cihu-files")
        self.under_way: dict[str, Future[StoredFile]] = {}

    def find(self, name: str) -> StoredFile | None:
        """The file if it was made; its use is noted."""
        try:
            about = json.loads(self.about(name).read_text("utf-8"))
            os.utime(self.folder / name)
        except FileNotFoundError:
            return None
        return StoredFile(self.folder / name, about["size"], about["sha256"], about["rows"])

    async def made(self, name: str, make: Callable[[], StoredFile]) -> StoredFile:
        """What `make` gives, in the store's own thread; whoever wants the same file meanwhile waits for the
        same one. Raises what `make` raises."""
        future = self.under_way.get(name)
        if future is None:
            context = contextvars.copy_context()
            future = self.makers.submit(lambda: context.run(make))
            self.under_way[name] = future
            future.add_done_callback(lambda _: self.under_way.pop(name, None))
        # one that goes away stops nothing that others wait for
        return await asyncio.shield(asyncio.wrap_future(future))

    def make(self, name: str, write: Write) -> StoredFile:
        """The file, made if it is not there. One is made at a time: a few large ones at once would fill the
        memory. Raises `Unavailable` if there is no room, and what `write` raises."""
        with self.making:
            if (found := self.find(name)) is not None:
                return found
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                made = self.write(name, write)
                self.make_room(name)
            except OSError as error:
                raise Unavailable(
                    "The file cannot be made.", internal=f"{type(error).__name__} in {self.folder}"
                ) from None
            return made

    def write(self, name: str, write: Write) -> StoredFile:
        beside = self.folder / f"{name}.{os.getpid()}.{secrets.token_hex(4)}.new"
        try:
            with beside.open("xb") as file:
                hashing = Hashing(file)
                rows = write(hashing)  # type: ignore[arg-type]  # what writers of Arrow ask of a file
                file.flush()
                os.fsync(file.fileno())
            made = StoredFile(self.folder / name, hashing.size, hashing.digest.hexdigest(), rows)
            beside.replace(made.path)
            about = {key: value for key, value in asdict(made).items() if key != "path"}
            beside.write_text(json.dumps(about), "utf-8")
            beside.replace(self.about(name))  # last: whoever finds it finds the file
            return made
        finally:
            beside.unlink(missing_ok=True)

    def make_room(self, but_not: str) -> None:
        """Take the longest unused away. A download that goes on keeps what it has open."""
        kept = [(path.stat(), path) for path in self.folder.iterdir() if path.suffix in (".parquet", ".csv")]
        total = sum(found.st_size for found, _ in kept)
        for found, path in sorted(kept, key=lambda each: each[0].st_mtime):
            if total <= self.most_bytes:
                return
            if path.name != but_not:
                self.about(path.name).unlink(missing_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                total -= found.st_size

    def about(self, name: str) -> Path:
        return self.folder / f"{name}.json"
