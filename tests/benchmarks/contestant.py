"""Who takes part, and how is one asked?
Each in a process of its own, a peer in an environment of its own that is made once."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.questions import Question

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent


@dataclass(frozen=True)
class Contestant:
    """`peer`: the name of its pinned requirements in `peers/`; one of the house has none."""

    name: str
    module: str
    peer: str = ""
    private: bool = True


DUCKDB = Contestant("duckdb", "plain_duckdb", private=False)
DUCKDB_IN_MEMORY = Contestant("duckdb_in_memory", "duckdb_in_memory", private=False)
CIHU = Contestant("cihu", "cihu")
SMARTNOISE = Contestant("smartnoise", "smartnoise", peer="smartnoise")
OPENDP = Contestant("opendp", "opendp_polars", peer="opendp")
HOUSE, PEERS = (DUCKDB, DUCKDB_IN_MEMORY, CIHU), (SMARTNOISE, OPENDP)


@dataclass
class Seat:
    """A contestant that is ready to be asked, or why it cannot take part (`absent`)."""

    contestant: Contestant
    process: "subprocess.Popen[str] | None"
    absent: str = ""
    peak_memory_mb: int = 0
    steps: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By question and step: the seconds of each of its turns."""

    def ask(self, question: Question) -> dict[str, Any]:
        """`seconds` and `rows`, or `no` with the reason."""
        if self.absent:
            return {"no": self.absent}
        try:
            told = self._line({"question": question.name, "sql": question.sql})
        except (OSError, ValueError) as failure:  # it died: out of memory, or by a fault of its own
            self.absent = f"its process ended: {failure}"
            return {"no": self.absent}
        self.peak_memory_mb = told.get("peak_memory_mb", self.peak_memory_mb)
        for step, seconds in told.get("steps", {}).items():
            self.steps.setdefault(question.name, {}).setdefault(step, []).append(seconds)
        return told

    def _line(self, said: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(said), file=self.process.stdin, flush=True)
        return dict(json.loads(self.process.stdout.readline()))


@contextmanager
def seated(contestant: Contestant, settings: Mapping[str, Any], folder: Path) -> Iterator[Seat]:
    """Start it with its settings, wait until it is ready, end it with the block.
    Its own words go to `folder`."""
    python, absent = environment(contestant, folder)
    if absent:
        yield Seat(contestant, None, absent)
        return
    paths = {"PYTHONPATH": str(HERE.parent), "PATH": "/usr/bin:/bin"}
    with (
        (folder / f"{contestant.name}.log").open("w") as log,
        subprocess.Popen(
            [python, "-m", f"benchmarks.contestants.{contestant.module}"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=paths,
        ) as process,
    ):
        seat = Seat(contestant, process)
        try:
            seat._line(settings)
        except (OSError, ValueError):
            seat.absent = f"it did not start; see {log.name}"
        try:
            yield seat
        finally:
            assert process.stdin is not None
            process.stdin.close()  # the end of its questions is its end


def environment(contestant: Contestant, folder: Path) -> tuple[str, str]:
    """Its Python, or why there is none: a peer's pinned packages,
    installed once for each state of its requirements."""
    if not contestant.peer:
        return sys.executable, ""
    pins, home = HERE / "peers" / f"{contestant.peer}.txt", folder / f"venv-{contestant.peer}"
    done = home / "done"
    if not done.exists() or done.read_text() != pins.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", home], check=True)
        made = subprocess.run(
            [CHECKOUT / "scripts" / "install.sh", home, "-r", pins],
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            return "", f"not installable on Python {version}: {made.stderr.strip()[-200:]}"
        done.write_text(pins.read_text())
    return str(home / "bin" / "python"), ""
