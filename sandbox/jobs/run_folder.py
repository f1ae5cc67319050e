"""A run's program and rows while it runs: its program in a private folder on disk, its rows in memory alone.

    <runs>/<id>/program/     the exact text
    <runs>/<id>/beginning/   begin: a pipe that lets the run begin
    <memory>/<id>/           <dataset>.parquet: raw rows, in a private folder of a file system in memory

Rows never lie on a disk in clear. They are removed when the run has ended; when the vault ends, however it
ends, by a process that waits for that; and first thing at the vault's next start.
"""

import errno
import hashlib
import os
import shutil
import stat
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import Unavailable
from sandbox.jobs.program import model_name

MEMORY = Path("/dev/shm")  # noqa: S108  # a private folder in it; a tmpfs on every Linux


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @property
    def program(self) -> Path:
        return self.path / "program"

    @property
    def inputs(self) -> Path:
        return memory_folder(self.path.parent) / str(os.getpid()) / self.path.name

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def beginning(self) -> Path:
        return self.path / "beginning"

    @property
    def begin(self) -> Path:
        return self.beginning / "begin"

    def write_program(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            target = self.program / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())  # not write_text: the exact text, its ends of lines too
            if (model := model_name(path)) is not None:
                (self.program / model).write_bytes(b64decode(text))
        _open_below(self.program)

    def write_models(self, models: Mapping[str, Mapping[str, bytes]]) -> None:
        """Of each its files, in a folder of its name."""
        for name, files in models.items():
            (self.models / name).mkdir()
            for file, content in files.items():
                (self.models / name / file).write_bytes(content)
        _open_below(self.models)

    def write_input(self, dataset: str, parquet: bytes) -> None:
        target = self.inputs / f"{dataset}.parquet"
        try:
            target.write_bytes(parquet)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.ENOMEM):
                raise
            raise Unavailable(
                "The rows of a run do not fit into the file system in memory.",
                internal=f"{MEMORY} is full",
                remedy=f"Make {MEMORY} larger than the rows of all runs at work.",
            ) from error
        target.chmod(0o444)

    def remove(self) -> None:
        shutil.rmtree(self.inputs, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)


def _open_below(folder: Path) -> None:
    """Readable for the seal's own user, whatever our umask is; the folder above it is closed to everybody."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)


def make(runs: Path, name: str) -> RunFolder:
    folder = RunFolder(runs / name)
    folder.path.mkdir(mode=0o700)
    private_memory(runs)
    for inner in (folder.program, folder.inputs, folder.models, folder.beginning):
        inner.mkdir()
        inner.chmod(0o755)
    os.mkfifo(folder.begin)
    folder.begin.chmod(0o644)
    return folder


def memory_folder(runs: Path) -> Path:
    """Where the rows of this vault's runs lie: by the name of its folder of runs,
    so that its next life finds it."""
    name = hashlib.sha256(str(runs.resolve()).encode()).hexdigest()[:16]
    return MEMORY / f"cihu-{os.geteuid()}-{name}"


def private_memory(runs: Path) -> Path:
    """Make the folder, if it is not there.
    Raises `Unavailable` where it is not in memory, or somebody else's."""
    folder = memory_folder(runs)
    folder.mkdir(mode=0o700, exist_ok=True)
    there = folder.lstat()
    if there.st_uid != os.geteuid() or there.st_mode & 0o077 or not stat.S_ISDIR(there.st_mode):
        raise Unavailable(
            "The folder for the rows of runs is not the vault's own.", remedy=f"Remove {folder}."
        )
    if not _in_memory(folder):
        raise Unavailable(
            "The rows of a run would lie on a disk in clear.", remedy=f"Mount a tmpfs at {MEMORY}."
        )
    (folder / str(os.getpid())).mkdir(mode=0o700, exist_ok=True)
    return folder


def _in_memory(folder: Path) -> bool:
    """Whether the file system that holds it is a tmpfs, by the longest mount point above it."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    above = [(point, kind) for _, point, kind, *_ in mounts if folder.is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1] in ("tmpfs", "ramfs")


class RemoverAtDeath:
    """A process that removes this life's rows when this process has ended, even killed:
    it waits for the end of a pipe.

    Only this life's: the next may have begun to write its own.
    """

    def __init__(self, runs: Path) -> None:
        reader, self._writer = os.pipe()
        rows = memory_folder(runs) / str(os.getpid())
        try:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", 'read -r _; exec rm -rf -- "$1"', "rows of runs", str(rows)],
                stdin=reader,
                cwd="/",
                env={"PATH": os.defpath},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reader)

    def close(self) -> None:
        """Let it remove them now."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1
            self.process.wait()


def empty(runs: Path) -> None:
    """A private folder with nothing in it: what another life of the vault left there is removed.
    Raises `Unavailable`."""
    try:
        shutil.rmtree(memory_folder(runs), ignore_errors=True)
        shutil.rmtree(runs, ignore_errors=True)
        runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        runs.chmod(0o700)
        if list(runs.iterdir()) or memory_folder(runs).exists():
            raise Unavailable("The rows of former runs could not be removed.", remedy=f"Empty {runs}.")
    except OSError as error:
        raise Unavailable(
            "The folder of sealed runs cannot be used.",
            remedy=f"Make {runs} writable for the vault.",
            internal=type(error).__name__,
        ) from error
