"""The process from which those of questions are forked (process.py):
it has one thread, and has opened nothing.

All that a child needs is imported here, once, so that a child begins in a few milliseconds.
"""

import ctypes
import gc
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

import sandbox.engines.tasks  # noqa: F401  # so that no child has to import the engine
from sandbox.engines.process import send_message, take_message
from sandbox.engines.without_pandas import leave_pandas_out

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
MOST_FILES = 64


def serve(connection: socket.socket) -> None:
    """Fork a child for each task, until the vault ends. Only for a process with one thread."""
    threads = list(Path("/proc/self/task").iterdir())
    if len(threads) != 1:
        raise RuntimeError(f"the fork server has {len(threads)} threads, and forking is safe with one only")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the children
    # a terminal's Ctrl-C is for the vault, which ends us by hanging up
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    parent = os.getpid()
    while True:
        try:
            _, descriptors = take_message(connection, 1, MOST_FILES + 2)
        except (ValueError, ConnectionError):
            return
        task, child, *files = descriptors
        pid = os.fork()
        if pid == 0:
            connection.close()
            _child(parent, task, socket.socket(fileno=child), files)
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended: any pidfd that signals nobody will do
            pidfd = os.open("/dev/null", os.O_RDONLY)
        with suppress(OSError):
            send_message(connection, b"c", [pidfd])
        for descriptor in (*descriptors, pidfd):
            os.close(descriptor)


def _child(parent: int, task: int, answer: socket.socket, files: Sequence[int]) -> None:
    """Never returns, and never says why it failed."""
    try:
        _confine(parent)
        with os.fdopen(task, "rb") as file:
            file.seek(0)
            what, computing_seconds, length = pickle.load(file)  # noqa: S301  # from the vault, which started us
        if length:
            files = [_in_memory(answer, length), *files]
        signal.setitimer(signal.ITIMER_PROF, max(computing_seconds, 0.001))
        content, made = what.perform(files)
        signal.setitimer(signal.ITIMER_PROF, 0)
        send_message(answer, b"+", [] if made is None else [made])
        answer.sendall(struct.pack("!Q", len(content)) + content)
        status = 0
    except BaseException:  # noqa: BLE001  # what it was could quote a row
        with suppress(OSError):
            answer.sendall(b"-")
        status = 1
    os._exit(status)


def _in_memory(connection: socket.socket, length: int) -> int:
    """So many bytes that the vault sends, as a file in memory."""
    descriptor = os.memfd_create("content")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        while file.tell() < length:
            part = connection.recv(min(1 << 20, length - file.tell()))
            if not part:
                raise EOFError
            file.write(part)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _confine(parent: int) -> None:
    """It ends with its server, leaves no core, and shows its memory to nobody."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
    libc.prctl(PR_SET_DUMPABLE, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nowhere = os.open(os.devnull, os.O_RDWR)  # what a library prints when it gives up could quote a row
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def main() -> None:
    """`python -m sandbox.engines.fork_server DESCRIPTOR`."""
    leave_pandas_out()
    duckdb.default_connection().close()  # importing it opens one, with threads
    serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # it has nothing to write, and what libraries do at an end could wait for ever


if __name__ == "__main__":
    main()
