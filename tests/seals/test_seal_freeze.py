"""A seal can be paused and goes on, whatever its processes do meanwhile."""

import os
from pathlib import Path

import pytest

from sandbox.seals import Bubblewrap, Seal, first_of, freeze, interpreter, thaw
from sandbox.seals.freeze import below, still

TEXTS = {
    "forks without end": """
import os
os.write(1, b".")
while True:
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    os.write(1, b".")
""",
    "hands itself on to a child": """
import os, time
while True:
    os.write(1, b".")
    if (pid := os.fork()):
        os.waitpid(pid, 0)
        os._exit(0)
    time.sleep(0.01)
""",
    "has threads": """
import os, threading
for _ in range(4):
    threading.Thread(target=lambda: [os.write(1, b".") for _ in iter(int, 1)]).start()
""",
}


@pytest.mark.parametrize("name", TEXTS)
def test_no_process_of_a_frozen_seal_runs_and_all_go_on(name: str, kernel_python: Path) -> None:
    said, output = os.pipe()
    process = Bubblewrap().start(
        Seal(command=(str(kernel_python), "-c", TEXTS[name]), readable=interpreter(kernel_python)),
        output=output,
    )
    os.close(output)
    try:
        assert os.read(said, 1) == b"."
        for _ in range(5):
            freeze(process)
            first = first_of(process)
            assert all(still(pid) for pid in below(first))
            os.set_blocking(said, False)
            while True:
                try:
                    os.read(said, 65536)
                except BlockingIOError:
                    break  # it has said all that it had
            os.set_blocking(said, True)
            thaw(process)
            assert os.read(said, 1) == b".", "it goes on"
    finally:
        os.close(said)
        process.kill()
        process.wait()


def test_a_seal_that_has_ended_is_still_enough(kernel_python: Path) -> None:
    process = Bubblewrap().start(
        Seal(command=(str(kernel_python), "-c", "pass"), readable=interpreter(kernel_python))
    )
    process.wait()
    freeze(process)
    thaw(process)
