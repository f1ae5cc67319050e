"""A sealed run on gVisor's kernel, with a real runsc:
it sees the same, has the same limits, and leaves the same."""

import shutil

import pytest

from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import Ending, SealedRun
from sandbox.seals import chosen_sealer, interpreter
from workspace import KERNEL_PYTHON

pytestmark = pytest.mark.skipif(shutil.which("runsc") is None, reason="Debian: apt-get install runsc")
MIB = 1024 * 1024


def ran(place: RunFolder, program: str, *, seconds: float = 300) -> Ending:
    place.write_program({"main.py": program})
    place.write_input("health.visits", b"PAR1 rows")
    seal = run_seal(
        run="in gvisor",
        entry="main.py",
        python=KERNEL_PYTHON,
        interpreter=interpreter(KERNEL_PYTHON),
        folder=place,
        memory_bytes=512 * MIB,
        limit_seconds=30,
    )
    return SealedRun(chosen_sealer("gvisor"), seal, place).run(seconds, Cancellation())


def test_it_finds_its_rows_and_leaves_files_and_a_status_and_meets_another_kernel(place: RunFolder) -> None:
    ended = ran(
        place,
        """
import os, platform, socket, sys
import pandas
print(platform.release(), sorted(os.listdir("/data")), os.listdir("/program"), os.listdir("/outbox"))
for path in ("/data/health.visits.parquet", "/program/main.py", "/data/more", "/etc/more", "/usr/more"):
    try:
        open(path, "a").close()
        print("WRITTEN", path)
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", 1), timeout=1)
except OSError as error:
    print(type(error).__name__)
pandas.DataFrame({"n": [10, 20]}).to_csv("/outbox/table.csv", index=False)
sys.exit(3)
""",
    )
    said = ended.said.decode()
    assert (ended.how, ended.status) == ("itself", 3), said
    assert said.startswith("4.4.0 ['health.visits.parquet'] ['main.py'] []") and "WRITTEN" not in said
    assert ended.outbox.files == {"table.csv": b"n\n10\n20\n"}


def test_memory_and_time_end_it_and_links_that_it_makes_are_left_out(place: RunFolder) -> None:
    ended = ran(place, "kept = []\nwhile True:\n    kept.append(b'x' * 2**22)\n")
    assert ended.how == "memory" or b"MemoryError" in ended.said
    ended = ran(
        place,
        "import os\nopen('/outbox/before', 'w').write('b')\nos.symlink('/data/health.visits.parquet', "
        "'/outbox/rows')\nimport time\ntime.sleep(600)\n",
        seconds=30,
    )
    assert (ended.how, ended.status) == ("time", None)
    assert ended.outbox.files == {"before": b"b"} and [left.path for left in ended.outbox.left_out] == [
        "rows"
    ]
