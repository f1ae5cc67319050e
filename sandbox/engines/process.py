"""Runs the processes that compute with raw rows: one for each question, forked for it and thrown away after
it.

The vault starts one *fork server* (fork_server.py): a process with a single thread that has imported the
engine and opened nothing. For each task it forks a child, which gets the descriptors of the files that it
needs and nothing else, does its task, and sends back bytes. A child is ended by the kernel when its computing
time is over (ITIMER_PROF counts all its threads, also within one call of the engine), and by the vault,
through its pidfd, when its time on the clock is.

A child reports that it failed, and never why: the reason could disclose a row.

Protocol. Vault to server, one SOCK_SEQPACKET message a task: one byte; descriptors: the pickled task in a
memfd, the child's socket, the files. Server to vault: one byte, with the child's pidfd. Child to vault, on
its own socket: one byte, "+" or "-", with a descriptor where the task makes a file, then eight bytes for the
length, then that number of bytes. Pickles go from the vault to its children alone, never back.
"""

import array
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Protocol

CHUNK = 1 << 20
PASSED_ON = (
    "PATH",
    "HOME",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "TZ",
    "CIHU_ENGINE_MEMORY",
)


class Task(Protocol):
    """What a child is to do, with the files whose descriptors it gets.
    It may make a file, and returns its descriptor then."""

    def perform(self, files: Sequence[int]) -> tuple[bytes, int | None]: ...


class TaskFailed(Exception):
    """A child failed, or was ended. The reason is not reported."""


@dataclass(frozen=True)
class Done:
    """What a child sent, and the descriptor of the file that it made."""

    answer: bytes
    file: int | None


# --- the vault's side


class EngineProcesses:
    """Runs tasks, each in a process of its own.
    Starts its fork server when it is needed, and again if that should end, until it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def run(
        self,
        task: Task,
        files: Sequence[int],
        *,
        seconds: float,
        computing_seconds: float,
        content: bytes = b"",
    ) -> Done:
        """Carry out a task in at most `seconds` on the clock, and `computing_seconds` of all
        its processors' time.

        `content`, where there is any, becomes the task's first file: a file in the child's
        memory, never one of ours.

        Raises `TaskFailed`, whatever the cause, as soon as it is known.
        """
        until = time.monotonic() + seconds
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with closing(ours):
            with closing(theirs):
                pidfd = self._fork(pickle.dumps((task, computing_seconds, len(content))), theirs, files)
            try:
                with suppress(OSError):  # it has ended: this is reported below
                    ours.sendall(content)
                return _receive(ours, until)
            finally:
                with suppress(OSError):  # it has ended by itself
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)  # it has sent its answer, or is late
                os.close(pidfd)

    def close(self) -> None:
        """End the fork server and, with it, every child. What a late thread asks then fails."""
        with self._lock:
            self._closed = True
            self._hang_up()

    def _hang_up(self) -> None:
        """The fork server ends when nobody is at the other end any more."""
        if self._server is not None and self._process is not None:
            self._server.close()
            self._process.wait()
        self._server = self._process = None

    def _fork(self, task: bytes, child: socket.socket, files: Sequence[int]) -> int:
        memory = os.memfd_create("task")
        try:
            with os.fdopen(os.dup(memory), "wb") as file:
                file.write(task)
            with self._lock:
                if self._closed:
                    raise TaskFailed("the engine is closed")
                for attempt in (1, 2):
                    server = self._started()
                    try:
                        send_message(server, b"t", [memory, child.fileno(), *files])
                        _, [pidfd] = take_message(server, 1, 1)
                    except (OSError, ValueError):  # the server ended: once more with a new one
                        self._hang_up()
                        if attempt == 2:
                            raise TaskFailed("the fork server does not answer") from None
                    else:
                        return pidfd
        finally:
            os.close(memory)
        raise AssertionError("returned or raised above")

    def _started(self) -> socket.socket:
        if self._server is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            # threads of libraries must not live where we fork
            environment |= {
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "JE_ARROW_MALLOC_CONF": "background_thread:false",
                "DUCKDB_JE_MALLOC_CONF": "background_thread:false",
            }
            with closing(theirs):
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "sandbox.engines.fork_server", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._server = ours
        return self._server


def _receive(connection: socket.socket, until: float) -> Done:
    status, files = _take_in_time(connection, until)
    if status != b"+":
        raise TaskFailed("failed")
    try:
        [length] = struct.unpack("!Q", _exactly(connection, 8, until))
        return Done(bytes(_exactly(connection, length, until)), files[0] if files else None)
    except BaseException:
        for file in files:
            os.close(file)
        raise


def _take_in_time(connection: socket.socket, until: float) -> tuple[bytes, list[int]]:
    _wait(connection, until)
    try:
        return take_message(connection, 1, 1)
    except (ConnectionError, ValueError):
        raise TaskFailed("ended") from None


def _exactly(connection: socket.socket, length: int, until: float) -> bytearray:
    answer = bytearray()
    while len(answer) < length:
        _wait(connection, until)
        try:
            part = connection.recv(min(CHUNK, length - len(answer)))
        except ConnectionError:
            part = b""
        if not part:
            raise TaskFailed("ended")
        answer += part
    return answer


def _wait(connection: socket.socket, until: float) -> None:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TaskFailed("late")


def send_message(connection: socket.socket, message: bytes, descriptors: Sequence[int]) -> None:
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    connection.sendmsg([message], ancillary)


def take_message(connection: socket.socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """A message and the descriptors that come with it. Raises `ValueError` where the other side has ended."""
    message, ancillary, _, _ = connection.recvmsg(size, socket.CMSG_SPACE(4 * most))
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    if not message:
        raise ValueError("ended")
    return message, list(descriptors)
