"""A question's process is ended at its limit wherever it is, and whatever it does:
no call of the engine is waited for.

Source: an interrupt is looked at between two vectors, and one vector of one function can take minutes
(DuckDB, `Connection.interrupt`); found by asking for a long text's replacement with the source in hand.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import duckdb
import pyarrow as pa
import pytest

from about_processes import about, below
from sandbox.engines.process import EngineProcesses, TaskFailed
from sandbox.engines.tasks import Compute, LoadPublic, Probe
from sandbox.engines.work import TableWork, read_table
from story import DATASET

LONG_CALL = "SELECT levenshtein(repeat('a', 400000), repeat('b', 400000))"
HASH_BUILD = (
    "SELECT count(*) FROM (SELECT a.range * 7919 + b.range AS x FROM range(100000) AS a, range(100000) AS b) "
    "AS l JOIN (SELECT range AS x FROM range(100)) AS r USING (x)"
)
GROUPS = (
    "SELECT count(*) FROM (SELECT hash(a.range, b.range) AS h "
    "FROM range(30000) AS a, range(30000) AS b GROUP BY h)"
)
ENDLESS = {"one long scalar call": LONG_CALL, "building a hash table": HASH_BUILD, "grouping": GROUPS}
BIG, SHORT = 10_000.0, 0.3


@dataclass(frozen=True)
class Dies:
    """What a fault of the engine does: the process is gone, without a word or with one."""

    how: str

    def perform(self, files: Sequence[int]) -> tuple[bytes, None]:
        if self.how == "signal":
            os.kill(os.getpid(), signal.SIGSEGV)
        raise RuntimeError("Conversion Error: the row ('lin', 4711)")


@pytest.fixture
def processes() -> Iterator[EngineProcesses]:
    processes = EngineProcesses()
    yield processes
    processes.close()


def children() -> set[int]:
    """All processes below this one."""
    return set(below(os.getpid()))


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("limit", ["the clock", "its processors' time"])
def test_a_question_is_ended_at_its_limit_also_within(
    what: str, limit: str, processes: EngineProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG)  # the fork server is there
    before = children()
    seconds, computing = (SHORT, BIG) if limit == "the clock" else (BIG, SHORT)
    with pytest.raises(TaskFailed):
        processes.run(
            Compute(TableWork(ENDLESS[what]), 2**30), [], seconds=seconds, computing_seconds=computing
        )
    # a killed process takes a moment to be gone; a living one would be waited for until the timeout
    while children() - before:
        pass


def test_an_interrupt_of_the_engine_does_not_end_a_long_call() -> None:
    """What was done before: shown not to be enough, in a process that is then killed."""
    child = os.fork()
    if child == 0:
        connection = duckdb.connect(":memory:", config={"threads": "1"})
        threading.Timer(0.05, connection.interrupt).start()
        try:
            connection.execute("SELECT levenshtein(repeat('a', 30000), repeat('b', 30000))").fetchall()
        finally:
            os._exit(0 if connection.execute("SELECT 1").fetchall() else 1)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert used.ru_utime > 0.5  # ten times as long as until the interrupt


@pytest.mark.parametrize("how", ["signal", "error"])
def test_a_crash_looks_like_every_other_failure_and_the_next_question_is_answered(
    how: str, processes: EngineProcesses
) -> None:
    with pytest.raises(TaskFailed) as failure:
        processes.run(Dies(how), [], seconds=BIG, computing_seconds=BIG)
    assert "4711" not in repr(failure.value)
    assert processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG).answer == b""


def test_a_fork_server_that_dies_is_started_again(processes: EngineProcesses) -> None:
    before = children()
    processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG)
    for pid in children() - before:
        with suppress(ProcessLookupError):  # the probe's own child, which has ended
            os.kill(pid, signal.SIGKILL)
    assert processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG).answer == b""


def test_a_question_reads_its_files_and_nothing_else(processes: EngineProcesses) -> None:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table({"a": [1, 2, 3]}), sink)
    parquet = os.memfd_create("rows")
    os.write(parquet, bytes(sink.getvalue()))
    load = LoadPublic(replace(DATASET, unit=None, budget=None, columns=()))
    file = processes.run(load, [parquet], seconds=BIG, computing_seconds=BIG).file
    assert file is not None

    def asked(sql: str) -> list[object]:
        answer = processes.run(
            Compute(TableWork(sql), 2**30), [file], seconds=BIG, computing_seconds=BIG
        ).answer
        return read_table(answer).column(0).to_pylist()

    assert asked("SELECT sum(a) FROM rows_to_join") == [6]
    for sql in (
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "CREATE TABLE d0.x AS SELECT 1",
        "ATTACH '/tmp/x.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "COPY (SELECT 1) TO '/tmp/x'",
    ):
        with pytest.raises(TaskFailed):
            asked(sql)


def test_every_process_goes_with_the_one_that_started_it() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        processes = EngineProcesses()
        processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG)
        long_work = partial(
            processes.run, Compute(TableWork(LONG_CALL), 2**30), [], seconds=BIG, computing_seconds=BIG
        )
        for _ in range(3):
            threading.Thread(target=long_work, daemon=True).start()
        while len(children()) < 2:
            pass
        os.write(writing, " ".join(map(str, children())).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    for pid in map(int, os.read(reading, 1000).split()):
        while (said := about(pid, "stat")) and said.rpartition(b")")[2].split()[0] != b"Z":
            pass


def test_a_task_of_a_late_thread_starts_nothing_after_the_end() -> None:
    processes = EngineProcesses()
    processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG)
    before = children()
    processes.close()
    with pytest.raises(TaskFailed, match="closed"):
        processes.run(Probe(0.001), [], seconds=BIG, computing_seconds=BIG)
    assert children() < before
