"""How far the work on an uploaded file is: in memory, for the officer whose file it is.

A file is inspected when a draft is made of it, and read again when the draft is published. Both tell a
`ProgressBoard`, and `events` gives it on as server-sent events (WHATWG HTML, 9.2). Only the last work on each
file is known, and after a restart none.
"""

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from threading import Lock
from typing import Literal
from uuid import UUID

import anyio

Work = Literal["draft", "publish"]
KEPT = 256
"""So many files have their last work known."""
LOOKS_A_SECOND = 5
LONGEST_SILENCE_SECONDS = 15.0
"""Then a comment is sent: what stands between drops a connection that says nothing."""
LONGEST_WAIT_SECONDS = 60.0
"""Nothing is at work for so long: the stream ends."""


@dataclass(frozen=True)
class Standing:
    """`bytes` of `of_bytes` of the file are read in this step (0 where it reads none), and `rows` are through
    it. `number` counts the works of all files."""

    number: int
    work: Work
    step: str = "starting"
    bytes: int = 0
    of_bytes: int = 0
    rows: int = 0
    ended: bool = False


@dataclass
class ProgressBoard:
    """The last work on each file. Threads write, streams look."""

    _lock: Lock = field(default_factory=Lock)
    _known: OrderedDict[UUID, Standing] = field(default_factory=OrderedDict)
    _begun: int = 0

    @contextmanager
    def work(self, file: UUID, work: Work) -> "Iterator[FileProgress]":
        """Work on a file, until the block ends."""
        with self._lock:
            self._begun += 1
            self._known[file] = Standing(self._begun, work)
            self._known.move_to_end(file)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            number = self._begun
        try:
            yield FileProgress(self, file, number)
        finally:
            self.change(file, number, ended=True)

    def standing(self, file: UUID) -> Standing | None:
        with self._lock:
            return self._known.get(file)

    def change(self, file: UUID, number: int, *, bytes: int = 0, **values: object) -> None:
        """Of a work that is still the file's last. `bytes`: so many more."""
        with self._lock:
            known = self._known.get(file)
            if known is None or known.number != number:
                return
            changed = replace(known, **values)  # type: ignore[arg-type]
            # a step may read some bytes twice
            read = min(changed.bytes + bytes, changed.of_bytes)
            self._known[file] = replace(changed, bytes=read)


@dataclass(frozen=True)
class FileProgress:
    """What readers tell (`ingest.progress.Progress`), of one work on one file."""

    board: ProgressBoard
    file: UUID
    number: int

    def step(self, name: str, bytes: int = 0) -> None:
        with self.board._lock:
            known = self.board._known.get(self.file)
            if known is not None and known.number == self.number:
                self.board._known[self.file] = Standing(self.number, known.work, name, of_bytes=bytes)

    def bytes(self, count: int) -> None:
        self.board.change(self.file, self.number, bytes=count)

    def rows(self, count: int) -> None:
        self.board.change(self.file, self.number, rows=count)


async def events(
    board: ProgressBoard, file: UUID, wait_seconds: float = LONGEST_WAIT_SECONDS
) -> AsyncIterator[str]:
    """The work that runs on a file, or else the next one, as events, until it ends. Where nothing is at work
    for `wait_seconds`, the stream ends; 0: how the last work stands, and no more."""
    told = board.standing(file)
    if not wait_seconds:
        if told is not None:
            yield _event(told)
        return
    over = told.number if told is not None and told.ended else 0
    last, silent, idle = None, 0.0, 0.0
    while idle < wait_seconds:
        now = board.standing(file)
        there = now is not None and now.number > over
        if there and now != last:
            assert now is not None
            last, silent = now, 0.0
            yield _event(now)
            if now.ended:
                return
        elif silent >= LONGEST_SILENCE_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        await anyio.sleep(1 / LOOKS_A_SECOND)
        silent += 1 / LOOKS_A_SECOND
        idle = 0.0 if there else idle + 1 / LOOKS_A_SECOND


def _event(standing: Standing) -> str:
    said = {name: value for name, value in asdict(standing).items() if name not in ("number", "ended")}
    return f"event: {'end' if standing.ended else 'progress'}\ndata: {json.dumps(said)}\n\n"
