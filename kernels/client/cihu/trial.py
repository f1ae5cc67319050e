"""Tries a sealed run: the same program on stand-in rows, here, with all its output and files to be seen.

It runs in a process of its own, as it will at the vault: it finds its inputs and its outbox, and no variable
of the notebook, no vault, no network. What the vault would not collect of its outbox is named here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from cihu.computed import COLUMNS, NOTED, compute_trial
from cihu.library_model import fetch_model
from cihu.messages import say
from cihu.problem import CihuError
from cihu.program import INPUTS, INTERFACE, MODELS, OUTBOX, RECIPES, notebook_folder
from cihu.show import foot, number, page, table, text_table
from cihu.stand_in import fetch_stand_in

# as the vault collects (sandbox/jobs/outbox.py)
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_FILE_BYTES, MOST_FILES, MOST_ALL_BYTES, DEEPEST = 16 * 1024**2, 100, 128 * 1024**2, 4
OURS = ("log.txt", "exit.json")
SLICE_SECONDS = 0.25
KEPT = (
    "PATH",
    "LANG",
    "TZ",
    "HOME",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "MPLCONFIGDIR",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


@dataclass(frozen=True)
class Left:
    """A file in the outbox; `fault` says why the vault would leave it there."""

    path: str
    size: int
    fault: str


class Trial:
    """How a program did on stand-in rows: its exit status and what it left in its outbox."""

    def __init__(
        self, status: int, left: Sequence[Left], *, in_time: bool, recipes: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.left, self.in_time = status, list(left), in_time
        self.recipes = dict(recipes or {})  # of each: "", or why it left nothing

    @property
    def ok(self) -> bool:
        return self.status == 0 and self.in_time

    @property
    def wrongly_named(self) -> list[str]:
        """The files that the vault would never collect, whatever their size, because of what they are called
        or are."""
        wrong = {say("no_file"), say("own_name"), say("odd_name")}
        return [one.path for one in self.left if one.fault in wrong]

    def _rows(self) -> list[list[str]]:
        return [[one.path, number(one.size), one.fault] for one in self.left]

    def _heads(self) -> list[str]:
        return [say("file"), say("bytes"), say("stays_behind")]

    def _withheld(self) -> list[str]:
        return [say("recipe_withheld", name=name, why=why) for name, why in self.recipes.items() if why]

    def _repr_html_(self) -> str:
        withheld = [foot(line) for line in self._withheld()]
        if not self.left:
            return page(foot(say("nothing_left")), *withheld)
        rows = [[escape(cell) for cell in row] for row in self._rows()]
        return page(foot(say("trial_left")), table(self._heads(), rows, [False, True, False]), *withheld)

    def __repr__(self) -> str:
        if not self.left:
            return "\n".join([say("nothing_left"), *self._withheld()])
        listed = text_table(self._heads(), self._rows(), [False, True, False])
        return "\n".join([say("trial_left"), listed, *self._withheld()])


def try_out(
    files: Mapping[str, str],
    entry: str,
    inputs: Sequence[str],
    seconds: float,
    interface: Mapping[str, Any] | None = None,
    caller: str = "cihu.predicting",
    models: Sequence[str] = (),
) -> Trial:
    """Run the program on stand-in rows, and show what it says as it says it;
    call it by the module `caller`, if it is a predictor (`interface`)."""
    folder = notebook_folder()
    for inner in ("program", "inputs", "models", "outbox"):
        shutil.rmtree(folder / inner, ignore_errors=True)
        (folder / inner).mkdir(parents=True)
    for path, text in files.items():
        target = folder / "program" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
        if path.endswith(".b64"):  # a model, as the vault decodes it
            target.with_suffix("").write_bytes(b64decode(text))
    for name in inputs:
        fetch_stand_in(name, folder / "inputs")
    for name in models:
        fetch_model(name, folder / "models")
    (folder / NOTED).unlink(missing_ok=True)
    status, in_time = _run(folder, entry, seconds, interface, caller)
    recipes = compute_trial(inputs) if status == 0 and in_time else None
    return Trial(status, _left(folder / "outbox"), in_time=in_time, recipes=recipes)


def _run(
    folder: Path, entry: str, seconds: float, interface: Mapping[str, Any] | None, caller: str
) -> tuple[int, bool]:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "MPLBACKEND": "agg",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        INPUTS: str(folder / "inputs"),
        MODELS: str(folder / "models"),
        OUTBOX: str(folder / "outbox"),
        RECIPES: str(folder / NOTED),
    }
    late = threading.Event()
    called = [] if interface is None else ["-m", caller]
    if interface is not None:
        environment[INTERFACE] = json.dumps(interface, ensure_ascii=False)
    with subprocess.Popen(
        [sys.executable, *called, str(folder / "program" / entry)],
        cwd=Path.home(),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        over = threading.Event()

        def end() -> None:
            """Count in small slices: while the kernel is paused no time passes for the program either."""
            for _ in range(round(seconds / SLICE_SECONDS)):
                if over.wait(SLICE_SECONDS):
                    return
            late.set()
            process.kill()

        threading.Thread(target=end, daemon=True).start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
            return process.wait(), not late.is_set()
        except KeyboardInterrupt:
            process.kill()
            raise CihuError(say("trial_interrupted"), code="interrupted", remedy=say("trial_mend")) from None
        finally:
            over.set()


def _left(outbox: Path) -> list[Left]:
    found: list[Left] = []
    taken = 0
    for path in sorted(outbox.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name, size = str(path.relative_to(outbox)), path.lstat().st_size
        fault = _fault(
            name, size, path.is_symlink() or not path.is_file(), taken, sum(not one.fault for one in found)
        )
        taken += 0 if fault else size
        found.append(Left(name, size, fault))
    return found


def _fault(name: str, size: int, odd: bool, taken: int, files: int) -> str:
    if odd:
        return say("no_file")
    if name.startswith(f"{COLUMNS}/"):
        return say("column_given")
    if name in OURS:
        return say("own_name")
    if not all(PLAIN.fullmatch(part) for part in name.split("/")) or name.count("/") >= DEEPEST:
        return say("odd_name")
    if size > MOST_FILE_BYTES or taken + size > MOST_ALL_BYTES:
        return say("too_large")
    return say("too_many_files") if files >= MOST_FILES else ""
