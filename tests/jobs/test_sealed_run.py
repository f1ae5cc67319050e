"""A program in the seal of a run: what it may use is bounded, nothing of it is left,
and its outbox is read when it is dead."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.errors import Unavailable
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.output_capture import KEPT_BYTES
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import OUTBOX_BYTES, run_seal
from sandbox.jobs.sealed_run import Ending, SealedRun
from sandbox.seals import Bubblewrap, Seal, interpreter
from workspace import CHECKOUT, KERNEL_PYTHON

MIB = 1024 * 1024
LONG = 300
"""Seconds for what must end by itself, on however busy a machine."""
Runs = Callable[..., Ending]


class OnceWritten(Cancellation):
    """Its time is counted from when a file of this name is written in the outbox."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.outbox = name, -1

    def wait(self, seconds: float, beside: int | None = None) -> bool:
        while not self.written():
            time.sleep(0.01)  # another process writes it: asking is the only event
        return super().wait(seconds, beside)

    def written(self) -> bool:
        try:
            return os.stat(self.name, dir_fd=self.outbox).st_size > 0
        except FileNotFoundError:
            return False


def seal_of(place: RunFolder) -> Seal:
    return run_seal(
        run="tested",
        entry="main.py",
        python=KERNEL_PYTHON,
        interpreter=interpreter(KERNEL_PYTHON),
        folder=place,
        memory_bytes=256 * MIB,
        limit_seconds=30,
    )


@pytest.fixture
def runs(place: RunFolder) -> Runs:
    def run(program: str, *, seconds: float = LONG, cancellation: Cancellation | None = None) -> Ending:
        place.write_program({"main.py": program})
        place.write_input("health.visits", b"PAR1 rows")
        sealed = SealedRun(Bubblewrap(), seal_of(place), place)
        if isinstance(cancellation, OnceWritten):
            cancellation.outbox = sealed._outbox
        return sealed.run(seconds, cancellation or Cancellation())

    return run


def test_it_sees_its_program_its_inputs_and_an_empty_outbox_and_nothing_else(runs: Runs) -> None:
    said = runs("""
import os
print(sorted(os.listdir("/")), os.listdir("/program"), os.listdir("/data"), os.listdir("/outbox"), os.listdir("/run"))
print(sorted(os.environ))
for path in ("/data/health.visits.parquet", "/program/main.py", "/data/more", "/program/more", "/run/beginning/more",
             "/etc/more"):
    try:
        open(path, "a").close()
        print("WRITTEN", path)
    except OSError as error:
        print(type(error).__name__)
""").said.decode()  # noqa: E501
    assert "['main.py'] ['health.visits.parquet'] [] ['beginning']" in said and "WRITTEN" not in said
    assert "TOKEN" not in said and "CIHU_SOCKET" not in said


def test_its_first_byte_and_its_last_are_kept_and_a_flood_between_is_not(runs: Runs) -> None:
    ended = runs("import sys\nsys.stdout.write('first' + 'x' * 5_000_000 + 'last')\nsys.exit(3)")
    assert ended.status == 3 and ended.said.startswith(b"first") and ended.said.endswith(b"last")
    assert len(ended.said) < 2 * KEPT_BYTES + 100_000 and b"bytes are left out here" in ended.said


def test_a_fork_bomb_ends_with_its_run_and_leaves_no_process(runs: Runs, place: RunFolder) -> None:
    ended = runs(
        """
import os, time
print("begun")
while True:
    try:
        if os.fork() == 0:
            time.sleep(60)
    except OSError as error:
        print("stopped by", error.errno)
        break
""",
    )
    assert b"stopped by 11" in ended.said and ended.how == "itself"
    assert processes_of(place) == []


def processes_of(place: RunFolder) -> list[str]:
    """The processes into which a folder of the run is bound, inside of the seal and around it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if place.path.parent.name in (process / "mountinfo").read_text():
                found.append((process / "cmdline").read_bytes().decode())
        except OSError:
            continue  # it ended between
    return found


def test_too_much_memory_ends_it(runs: Runs) -> None:
    ended = runs("kept = []\nwhile True:\n    kept.append(b'x' * 2**22)\n")
    assert ended.how == "memory" or (ended.how == "itself" and b"MemoryError" in ended.said)
    ended = runs(
        "import os\nfor _ in range(20):\n    if os.fork() == 0:\n        kept = b'x' * 2**26\n        break\n"
        "import time\ntime.sleep(600)\n"
    )
    assert ended.how == "memory"


def test_it_is_ended_when_its_time_is_over_and_what_it_wrote_before_is_there(
    runs: Runs, place: RunFolder
) -> None:
    ended = runs(
        """
import os, signal, time
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
open("/outbox/before", "w").write("b")
if os.fork() == 0:
    os.setsid()
while True:
    open("/outbox/counting", "a").write("x")
    time.sleep(0.01)
""",
        seconds=0.5,
        cancellation=OnceWritten("before"),
    )
    assert (ended.how, ended.status) == ("time", None) and ended.outbox.files["before"] == b"b"
    assert processes_of(place) == [], "none was left that could change a file while it was read"


def test_the_outbox_is_full_before_the_machine_is(runs: Runs) -> None:
    ended = runs("""
held = []
try:
    for number in range(40):
        file = open(f"/outbox/{number}", "wb")
        held.append(file)
        file.write(b"x" * 2**23)
        file.flush()
        __import__("os").remove(f"/outbox/{number}")  # a file without a name takes room too
except OSError as error:
    print("stopped by", error.errno, number)
""")
    assert f"stopped by 28 {OUTBOX_BYTES // 2**23}".encode() in ended.said


def test_no_link_and_no_node_can_be_made_in_the_outbox(runs: Runs) -> None:
    ended = runs("""
import os, socket
def attempt(deed):
    try:
        deed()
        print("MADE")
    except OSError as error:
        print("refused", error.errno)
open("/outbox/own", "w").write("own")
attempt(lambda: os.symlink("/etc/passwd", "/outbox/symlink"))
attempt(lambda: os.link("/outbox/own", "/outbox/hard"))
attempt(lambda: os.link("/data/health.visits.parquet", "/outbox/rows"))
attempt(lambda: os.mkfifo("/outbox/pipe"))
attempt(lambda: os.mknod("/outbox/device", 0o20666, os.makedev(1, 3)))
made = socket.socket(socket.AF_UNIX)
made.bind("/outbox/socket")
""")
    assert b"MADE" not in ended.said and ended.said.count(b"refused") == 5
    assert ended.outbox.files == {"own": b"own"} and [one.path for one in ended.outbox.left_out] == ["socket"]


def test_a_run_that_is_called_off_is_dead_at_once_and_nothing_is_collected(
    runs: Runs, place: RunFolder
) -> None:
    cancellation = Cancellation()
    cancellation.ring()
    ended = runs("open('/outbox/a', 'w').write('a')\nimport time\ntime.sleep(60)", cancellation=cancellation)
    assert ended.how == "cancelled" and ended.outbox.files == {}
    assert processes_of(place) == []


def test_nothing_begins_where_it_cannot_be_sealed(place: RunFolder, tmp_path: Path) -> None:
    place.write_program({"main.py": "open('/outbox/a', 'w')"})
    seal = seal_of(place)
    place.inputs.rmdir()  # bubblewrap cannot bind it
    with pytest.raises(Unavailable, match="could not be sealed"):
        SealedRun(Bubblewrap(), seal, place)


def test_no_descriptor_is_left_open_by_a_run(runs: Runs) -> None:
    runs("pass")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        runs("print('x')")
    assert len(os.listdir("/proc/self/fd")) <= before + 3  # the bells of this test, which it does not close


AS_A_USER = """
import sys
from pathlib import Path
from sandbox.jobs import run_folder
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import SealedRun
from sandbox.seals import Bubblewrap
runs = Path(sys.argv[1])
run_folder.empty(runs)
place = run_folder.make(runs, "run")
place.write_program({"main.py": "import os\\nopen('/outbox/a', 'w').write(str(os.listdir('/data')))"})
place.write_input("health.visits", b"PAR1")
seal = run_seal(run="run", entry="main.py", python=Path("/usr/bin/python3"), interpreter=(), folder=place,
                memory_bytes=2**28, limit_seconds=10)
ended = SealedRun(Bubblewrap(), seal, place).run(10, Cancellation())
print(ended.how, ended.status, ended.outbox.files)
"""
DROPPED = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--inh-caps=-all"]


@pytest.mark.skipif(os.geteuid() != 0, reason="the ordinary user's mode is what the other tests run here")
def test_an_ordinary_users_vault_gets_hold_of_an_outbox_too() -> None:
    """In a user namespace, where another right is needed to reach into the seal."""
    import subprocess
    import sysconfig
    import tempfile

    packages = f"{CHECKOUT}:{sysconfig.get_path('purelib')}"
    command = [*DROPPED, "env", f"PYTHONPATH={packages}", "/usr/bin/python3", "-c"]
    if subprocess.run(
        [*command, "import sandbox.jobs"], capture_output=True, check=False, cwd="/"
    ).returncode:
        pytest.skip("the system's Python cannot be used by another user with our packages")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        os.chown(home, 54321, 54321)
        done = subprocess.run(
            [*command, AS_A_USER, f"{home}/runs"], capture_output=True, text=True, check=False, cwd="/"
        )
    assert done.stdout == "itself 0 {'a': b\"['health.visits.parquet']\"}\n", done.stderr[-2000:]
