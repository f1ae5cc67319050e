"""The folder where a kernel and its server meet: a short one per kernel, closed to everybody else.

<run>/k/<id>/lock    held by the server while it lives; a folder that nobody holds is swept
<run>/k/<id>/in/     written by the server, read-only in the seal: connection.json, token, begin
<run>/k/<id>/s/      written by the kernel while it starts: its sockets; read-only for it from then on
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.errors import Unavailable

GUARD = Path(__file__).with_name("folder_guard.py")
UNLOCKED_SECONDS = 60  # a folder without a lock is being made, or was when its server was killed
SUN_PATH_BYTES = 107  # the longest address of a Unix socket
LONGEST_NAME = "12345678/s/i-65535"

INSIDE = "/run/kernel"  # `in` as the kernel sees it
INSIDE_SOCKETS = "/run/channels"


class FolderGuard:
    """The one process beside this server that removes its kernels' folders when it is gone
    (`folder_guard.py`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._guarded: set[Path] = set()

    def add(self, path: Path) -> None:
        with self._lock:
            self._guarded.add(path)
            self._tell(f"+{path}")

    def forget(self, path: Path) -> None:
        with self._lock:
            self._guarded.discard(path)
            self._tell(f"-{path}")
            if not self._guarded:
                self._end()

    def _end(self) -> None:
        """With nothing to guard there is no guard: none outlives the last kernel,
        and the next kernel starts one."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _tell(self, *lines: str) -> None:
        for _ in range(2):
            if self._process is None or self._process.poll() is not None:
                lines = tuple(f"+{path}" for path in self._guarded)  # a new one knows nothing
                # what ends our group does not end it
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(GUARD)],
                    stdin=subprocess.PIPE,
                    text=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={},
                    start_new_session=True,
                )
            assert self._process.stdin is not None
            try:
                self._process.stdin.write("".join(f"{line}\n" for line in lines))
                self._process.stdin.flush()
            except BrokenPipeError:  # it was killed just now
                self._process.wait()
                continue
            return


guard = FolderGuard()


class RunFolder:
    """A kernel's folder. `remove()` ends it.
    When its server is killed its guard removes it, and should that be killed too, `sweep`, by
    the next server or hub."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        self.inbox = path / "in"
        self.sockets = path / "s"

    @property
    def connection_file(self) -> Path:
        return self.path / "connection.json"

    @property
    def socket_prefix(self) -> str:
        return str(self.sockets / "i")

    def write_connection(self, connection: Mapping[str, Any]) -> None:
        """The connection file that the kernel reads: the same key and numbers, the address as seen inside."""
        key = connection["key"]
        inside = {
            **connection,
            "ip": f"{INSIDE_SOCKETS}/i",
            "key": key.decode() if isinstance(key, bytes) else key,
        }
        self.write("connection.json", json.dumps(inside))

    def write_token(self, token: str) -> None:
        self.write("token", token)

    def write(self, name: str, text: str) -> None:
        """Replace at once: the kernel reads the old text or the new one, never half of it."""
        draft = self.path / f"{name}.draft"
        draft.write_text(text)
        draft.chmod(0o644)  # the folder above is closed; inside, the seal's own user must read it
        draft.replace(self.inbox / name)

    def let_begin(self, notice: str) -> None:
        """The kernel takes messages from now on; the person reads `notice`, if there is one,
        with the first cell."""
        self.write("begin", notice)

    def clear_sockets(self, owner: int | None) -> None:
        """An empty folder of the kernel's own, for a start or a restart; only while no kernel runs."""
        (self.inbox / "begin").unlink(missing_ok=True)
        (self.inbox / "paused").unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        self.sockets.mkdir(mode=0o700)
        if owner is not None:
            os.chown(self.sockets, owner, owner)

    def has_socket(self, port: int) -> bool:
        try:
            return stat.S_ISSOCK(Path(f"{self.socket_prefix}-{port}").lstat().st_mode)
        except OSError:
            return False

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        guard.forget(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def short_root(run: Path) -> Path:
    """`run`/k, or a folder of this user in the system's /tmp when that is too long for a socket's address."""
    root = run / "k"
    if len(os.fsencode(root / LONGEST_NAME)) > SUN_PATH_BYTES:
        name = hashlib.sha256(os.fsencode(run.resolve())).hexdigest()[:12]
        root = Path(tempfile.gettempdir()) / f"cihu-{os.geteuid()}-{name}"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    if root.lstat().st_uid != os.geteuid() or root.is_symlink():
        raise Unavailable(
            f"Kernels cannot be started: {root} belongs to somebody else.", remedy="Remove it, or set TMPDIR."
        )
    root.chmod(0o700)
    return root


def make(run: Path) -> RunFolder:
    path = Path(tempfile.mkdtemp(prefix="", dir=short_root(run)))
    guard.add(path)
    lock = os.open(path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder = RunFolder(path, lock)
    folder.inbox.mkdir(mode=0o755)
    folder.inbox.chmod(0o755)
    return folder


def sweep(run: Path) -> int:
    """Remove the folders whose server is gone; how many there were."""
    swept = 0
    for path in short_root(run).iterdir():
        try:
            lock = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            swept += _remove_unlocked(path)
            continue
        except OSError:
            continue  # no folder of ours
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            swept += 1
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
    return swept


def _remove_unlocked(path: Path) -> int:
    try:
        if time.time() - path.stat().st_mtime < UNLOCKED_SECONDS:
            return 0
    except OSError:
        return 0
    shutil.rmtree(path, ignore_errors=True)
    return 1
