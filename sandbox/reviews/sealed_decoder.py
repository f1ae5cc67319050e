"""Decodes the files of a request in a sealed process, which sees them, an interpreter and nothing else.

What a program left is hostile, and libraries that read pictures, tables and models have had flaws. Here such
a flaw is worth a process without rows, keys, network or rights, that ends with the request. A decoder that
crashes, hangs or takes too much gives a finding on the file that it was reading; the files after it get
another process.
"""

import json
import os
import select
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from sandbox.disclosure.decode import Decoded, Undecoded
from sandbox.disclosure.files.file_limits import FileLimits
from sandbox.disclosure.finding import blocks
from sandbox.disclosure.plain_values import plain, read_plain
from sandbox.disclosure.sealed_decode import READY
from sandbox.errors import TooMany, Unavailable
from sandbox.seals import Bind, Bubblewrap, Limits, Seal, interpreter

PACKAGE = Path(__file__).resolve().parents[1]
GIVEN = "/run/given"
MIB = 1024 * 1024
AT_ONCE = threading.BoundedSemaphore(2)
PATIENCE_SECONDS = 60.0
START_SECONDS = 30.0
MOST_GIVEN_BYTES = 48 * MIB
"""Of one process: what it gets lies in memory twice."""
PIECE = MIB
FAILED = blocks(
    "decoder_failed",
    "hidden_content",
    "The process that reads the file crashed, took too long or too much memory.",
    "Write it again with a common library, and smaller.",
    "读取该文件的进程崩溃、超时或占用内存过多。",
    "请用常见的库重新写出，并缩小文件。",
)
numbers = count()


@dataclass(frozen=True)
class SealedDecoder:
    """`seconds` for all files of a request together, `limits` of the process."""

    command: tuple[str, ...] = ("-I", "-B", "-m", "sandbox.disclosure.sealed_decode", GIVEN)
    seconds: float = 60.0
    limits: Limits = field(
        default_factory=lambda: Limits(
            memory_bytes=4096 * MIB,
            tree_bytes=1024 * MIB,
            processes=32,
            cpu_seconds=120,
            file_bytes=MIB,
            home_bytes=MIB,
            tmp_bytes=MIB,
            shm_bytes=MIB,
        )
    )
    most_answer_bytes: int = 256 * MIB

    def __call__(self, files: Sequence[Undecoded], limits: FileLimits) -> list[Decoded]:
        """Raises `Unavailable` where nothing can be sealed, `TooMany` while others decode."""
        if not files:
            return []
        if not AT_ONCE.acquire(timeout=PATIENCE_SECONDS):
            raise TooMany(
                "The vault has no time to read files now.",
                remedy="Try again in a minute.",
                zh="保险库现在无法读取文件。",
                remedy_zh="请过一分钟再试。",
            )
        try:
            return self._decode(files, limits, time.monotonic() + self.seconds)
        finally:
            AT_ONCE.release()

    def _decode(self, files: Sequence[Undecoded], limits: FileLimits, deadline: float) -> list[Decoded]:
        done: list[Decoded] = []
        while len(done) < len(files):
            batch = _first_of(files[len(done) :])
            answers = self._process(batch, limits, deadline)
            done += answers
            if len(answers) < len(batch):
                done.append(Decoded(unfit=FAILED))
            if time.monotonic() >= deadline:
                done += [Decoded(unfit=FAILED)] * (len(files) - len(done))
        return done

    def _process(self, files: Sequence[Undecoded], limits: FileLimits, deadline: float) -> list[Decoded]:
        """One process's answers: as many as it gave before it ended, its time was over, or it said
        something that is none."""
        lines = [json.dumps(plain(limits)), *(json.dumps(plain(file)) for file in files)]
        reader, writer = os.pipe()
        try:
            process = _sealer().start(self._seal("\n".join(lines)), output=writer)
        except Unavailable:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        try:
            answers = _Lines(reader, self.most_answer_bytes)
            if (first := answers.next(time.monotonic() + START_SECONDS)) != READY.rstrip():
                raise Unavailable(
                    "The process that reads files could not be sealed.",
                    remedy="See sandbox/seals/README.md for what a seal needs.",
                    zh="读取文件的进程无法密封。",
                    remedy_zh="密封所需的条件见 sandbox/seals/README.md。",
                    internal=(first or b"").decode(errors="replace")[:2000],
                )
            found: list[Decoded] = []
            while len(found) < len(files) and (line := answers.next(deadline)) is not None:
                try:
                    found.append(read_plain(Decoded, json.loads(line)))
                except (ValueError, RecursionError):
                    break
            return found
        finally:
            os.close(reader)
            process.kill()
            process.wait()

    def _seal(self, given: str) -> Seal:
        python = Path(sys.executable)
        return Seal(
            command=(str(python), *self.command),
            readable=(*interpreter(python), *_package(python)),
            texts=((GIVEN, given),),
            environment=(("LANG", "C.UTF-8"), ("HOME", "/home/analyst"), ("OMP_NUM_THREADS", "1")),
            limits=self.limits,
            network=False,
            name=f"decoder {os.getpid()} {next(numbers)}",
        )


class _Lines:
    """The lines that a process writes, each waited for until a moment."""

    def __init__(self, reader: int, most_bytes: int) -> None:
        self._reader, self._left = reader, most_bytes
        self._buffer = bytearray()
        os.set_blocking(reader, False)

    def next(self, deadline: float) -> bytes | None:
        """None at the end, when the time is over, or beyond the most bytes."""
        ready = select.poll()
        ready.register(self._reader, select.POLLIN)
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            seconds = deadline - time.monotonic()
            if seconds <= 0 or self._left <= 0 or not ready.poll(seconds * 1000):
                return None
            piece = os.read(self._reader, PIECE)
            if not piece:
                return None
            self._left -= len(piece)
            self._buffer += piece
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


def _first_of(files: Sequence[Undecoded]) -> Sequence[Undecoded]:
    """As many as one process is given: at least one."""
    size = 0
    for place, file in enumerate(files):
        size += len(file.content)
        if place and size > MOST_GIVEN_BYTES:
            return files[:place]
    return files


def _package(python: Path) -> tuple[Bind, ...]:
    """The folder of this package, where it is not part of the interpreter's environment."""
    inside = PACKAGE.is_relative_to(python.parent.parent)
    return () if inside else (Bind(str(PACKAGE), str(PACKAGE)),)


@cache
def _sealer() -> Bubblewrap:
    return Bubblewrap()
