"""What does Cihu say? The gate's own steps from SQL to the noisy table, without HTTP,
ledger and the wait for the moment.

The rows are read in processes of the engine, so memory is that of the whole tree.
"""

import os
import threading
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil

from benchmarks.contestants.turn import Ask, take_turns
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.engines.duckdb import DuckDBEngine
from sandbox.engines.process import EngineProcesses
from sandbox.identity import load_principal
from sandbox.policy import Gate
from sandbox.releases import AskContext
from sandbox.releases.answer.answer_table import table
from sandbox.releases.noise import add_noise
from sandbox.releases.prepare import prepare
from sandbox.storage import RawStore

STEPS: dict[str, float] = {}
"""Seconds of the last answer, by step."""

LOOK_SECONDS = 0.05


class PeakMemory(threading.Thread):
    """The most memory that this process and all below it had together: each one's share of its pages
    (proc(5), Pss), and files in memory that are mapped by nobody."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.mb = 0

    def run(self) -> None:
        while True:
            self.mb = max(self.mb, memory_of_tree() >> 20)
            time.sleep(LOOK_SECONDS)


def memory_of_tree() -> int:
    """In bytes."""
    me, total, files = psutil.Process(), 0, {}
    for one in (me, *me.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
            for name in os.listdir(f"/proc/{one.pid}/fd"):
                if os.readlink(f"/proc/{one.pid}/fd/{name}").startswith("/memfd:"):
                    seen = os.stat(f"/proc/{one.pid}/fd/{name}")
                    files[seen.st_ino] = seen.st_blocks * 512
        except (psutil.Error, OSError):
            continue
    return total + sum(files.values())


class Step:
    """Adds the seconds of a block to the steps of the answer."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        STEPS[self.name] = time.perf_counter() - self.began


def open_cihu(settings: Mapping[str, Any]) -> Ask:
    """The version that the benchmark's ground published, loaded as the vault loads it when it starts."""
    database, policies = Database(settings["database_url"]), Path(settings["policies"])
    engine = DuckDBEngine(RawStore(**settings["raw_store"]), EngineProcesses())
    context = AskContext(database, DatasetRepository(database, policies), Gate(policies), engine)
    engine.warm(context.repository.current("city.taps"))
    with database.transaction() as tx:
        wang = load_principal(tx, "wang")
    epsilon = Fraction(settings["epsilon"])

    def ask(_: str, sql: str) -> list[list[Any]]:
        STEPS.clear()
        with Step("prepare"):
            prepared = prepare(context, principal=wang, sql=sql, epsilon=epsilon, grant_id=None)
        with Step("engine"):
            exact = engine.totals(prepared.plan, seconds=600, computing_seconds=600)
        with Step("noise"):
            noisy = {
                share.total.name: (share.scale, add_noise(share, exact[share.total]))
                for share in prepared.price.shares
            }
        with Step("table"):
            return list(table(prepared.plan, noisy)["rows"])

    return ask


if __name__ == "__main__":
    peak = PeakMemory()
    peak.start()
    take_turns(open_cihu, lambda: {"peak_memory_mb": peak.mb, "steps": STEPS})
