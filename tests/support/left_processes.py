"""Fails the suite if it leaves a process behind.

Every pytest process (each xdist worker is one) collects the orphans of all that it started, however deep and
whatever their environment holds (prctl(2), PR_SET_CHILD_SUBREAPER). So what is below it when its tests are
over was left by them.
"""

import os
import time
from typing import Any

import psutil
import pytest

import forked_services
from about_processes import about, command_line
from sandbox.standalone import process_tree
from sandbox.standalone.parent_death_signal import adopt_orphans
from story import PROCESSES

ENDING_SECONDS = 60.0  # for processes that were asked to end, and are ending
LEFT = pytest.StashKey[list[str]]()
OF_PYTHON = b"multiprocessing.resource_tracker"  # ends when it sees that we have


def pytest_configure(config: pytest.Config) -> None:
    adopt_orphans()
    config.stash[LEFT] = []


def pytest_testnodedown(node: Any, error: object) -> None:  # of xdist: what a worker has left
    node.config.stash[LEFT] += getattr(node, "workeroutput", {}).get("left_processes", [])


@pytest.hookimpl(trylast=True)  # when all fixtures are gone, and xdist's workers too
def pytest_sessionfinish(session: pytest.Session) -> None:
    forked_services.end()
    PROCESSES.close()
    left = session.config.stash[LEFT]
    left += left_processes(os.getpid())
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_processes"] = left
    elif left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)  # at the end, where it is seen
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for one in config.stash[LEFT]:
        terminalreporter.write_line(f"LEFT a process behind (it is ended now): {one}", red=True)


def left_processes(ancestor: int) -> list[str]:
    """What is alive below a process and does not end by itself soon; it is killed, last things last."""
    deadline = time.monotonic() + ENDING_SECONDS
    left = []
    for one in process_tree.descendants(ancestor):
        said = command_line(one.pid)
        if (
            process_tree.is_alive(one)
            and OF_PYTHON not in said
            and not process_tree.await_end(one, deadline - time.monotonic())
        ):
            left.append((one, described(one.pid, said)))
    process_tree.end([one for one, _ in left], patience_seconds=1)
    return [words for _, words in left]


def described(pid: int, said: bytes) -> str:
    """Its words, and what tells which test has left it, and what it waits for."""
    words = f"{pid}: {said.decode(errors='replace')[:300]}"
    waits_in = about(pid, "wchan").decode()
    try:
        process = psutil.Process(pid)
        return (
            f"{words} in {process.cwd()}, {process.status()}{f' in {waits_in}' if waits_in else ''}, "
            f"{time.time() - process.create_time():.0f} s old, {process.num_threads()} threads"
        )
    except psutil.Error:  # it has ended now
        return words
