"""Where do a run's program and rows lie while it runs? In one private folder, removed as soon as it has ended.

    <runs>/<id>/program/     the exact text
    <runs>/<id>/inputs/      <dataset>.parquet: raw rows, in clear, on the vault's own disk
    <runs>/<id>/beginning/   begin: a pipe by which the run is let begin
"""

import os
import shutil
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import Unavailable
from sandbox.jobs.program import model_name


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @property
    def program(self) -> Path:
        return self.path / "program"

    @property
    def inputs(self) -> Path:
        return self.path / "inputs"

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

    def write_input(self, dataset: str, parquet: bytes) -> None:
        target = self.inputs / f"{dataset}.parquet"
        target.write_bytes(parquet)
        target.chmod(0o444)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _open_below(folder: Path) -> None:
    """Readable for the seal's own user, whatever our umask is; the folder above it is shut to everybody."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)


def make(runs: Path, name: str) -> RunFolder:
    folder = RunFolder(runs / name)
    folder.path.mkdir(mode=0o700)
    for inner in (folder.program, folder.inputs, folder.beginning):
        inner.mkdir()
        inner.chmod(0o755)
    os.mkfifo(folder.begin)
    folder.begin.chmod(0o644)
    return folder


def empty(runs: Path) -> None:
    """A private folder with nothing in it: what another life of the vault left there is removed. Raises `Unavailable`."""
    try:
        shutil.rmtree(runs, ignore_errors=True)
        runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        runs.chmod(0o700)
        if list(runs.iterdir()):
            raise Unavailable("The rows of former runs could not be removed.", mend=f"Empty {runs}.")
    except OSError as error:
        raise Unavailable("The folder of sealed runs cannot be used.", mend=f"Make {runs} writable for the vault.",
                          internal=type(error).__name__) from error
