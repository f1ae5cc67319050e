"""Ordinary programs work in a seal (locks, semaphores, many processes);
what they ask of the machine is answered for it."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ordinary_user import PYTHON, OrdinaryUser
from sandbox.jobs import run_folder
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.quarantine import why_ended
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import Ending, SealedRun
from sandbox.seals import TOO_MUCH_PROCESSOR, Bubblewrap, Limits, Seal, interpreter, without_psutil
from sandbox.seals.model import MIB

LOCKS = """
import fcntl, multiprocessing, os, sqlite3, subprocess, sys
file = open("/home/analyst/lock", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
other = "import fcntl; fcntl.lockf(open('/home/analyst/lock', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
assert b"BlockingIOError" in subprocess.run([sys.executable, "-c", other], capture_output=True).stderr
fcntl.lockf(file, fcntl.LOCK_UN)
assert subprocess.run([sys.executable, "-c", other]).returncode == 0
fcntl.flock(file, fcntl.LOCK_EX)
held = sqlite3.connect("/home/analyst/base", isolation_level=None)
held.execute("PRAGMA journal_mode=WAL")
held.execute("CREATE TABLE t (a)")
held.execute("BEGIN IMMEDIATE")
writer = "import sqlite3; sqlite3.connect('/home/analyst/base', timeout=0).execute('INSERT INTO t VALUES (1)')"
assert b"database is locked" in subprocess.run([sys.executable, "-c", writer], capture_output=True).stderr
held.execute("COMMIT")
assert subprocess.run([sys.executable, "-c", writer]).returncode == 0
with multiprocessing.Pool(2) as pool:
    assert pool.map(abs, [-1, -2, -3]) == [1, 2, 3]
try:
    os.link("/home/analyst/lock", "/home/analyst/link")
except PermissionError:
    print("locks work, links do not")
"""  # noqa: E501

MACHINE = """
import os, resource, shutil
sum(range(10**7))
used = resource.getrusage(resource.RUSAGE_SELF)
print(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), shutil.disk_usage("/usr").free, shutil.disk_usage("/").free)
print(used.ru_utime > 0, used.ru_maxrss > 1000, used.ru_nvcsw, used.ru_nivcsw, used.ru_majflt, used.ru_inblock)
os.posix_fadvise(os.open("/usr/bin/env", os.O_RDONLY), 0, 0, os.POSIX_FADV_DONTNEED)
for deed in (lambda: os.wait4(-1, 0), lambda: os.openpty(), lambda: os.pidfd_open(os.getpid()), lambda: os.listdir("/proc")):
    try:
        deed()
        print("DONE")
    except OSError as refused:
        print(type(refused).__name__)
"""  # noqa: E501


STATS = """
import ctypes, errno, os, socket, struct, sys, tempfile
LIBC = ctypes.CDLL(None, use_errno=True)
FSTAT, FSTATAT, INODE = (5, 262, 8) if os.uname().machine == "x86_64" else (80, 79, 8)
SAME = [name for name in dir(os.stat_result) if name.startswith("st_") and name != "st_atime"]

def ask(call, *arguments):
    about = ctypes.create_string_buffer(256)
    failed = LIBC.syscall(FSTAT, arguments[0], about) if call == "fstat" else (
        LIBC.syscall(FSTATAT, *arguments, about, 0x1000) if call == "fstatat" else LIBC.statx(*arguments, 0x1000, 0xfff, about))
    return errno.errorcode[ctypes.get_errno()] if failed else about.raw

for path in sys.argv[1:]:
    made = os.open(path, os.O_RDONLY)
    by_path, by_descriptor = os.stat(path), os.stat(made)
    assert all(getattr(by_path, name) == getattr(by_descriptor, name) for name in SAME), (path, by_path, by_descriptor)
    statx = ctypes.create_string_buffer(256)
    assert LIBC.statx(-100, path.encode(), 0, 0xfff, statx) == 0 and statx.raw == ask("statx", made, b""), path
    assert ask("fstat", made) == ask("fstatat", made, b"") == ask("fstatat", made, None), path
    os.close(made)
assert ask("statx", -100, b"") != ask("statx", made, b"")
os.chdir("/usr")
assert struct.unpack_from("Q", ask("fstatat", -100, b""), INODE)[0] == os.stat("/usr").st_ino
pair, more = socket.socketpair(), os.pipe()
print({os.fstat(one).st_ino for one in os.pipe()}, {os.fstat(one.fileno()).st_ino for one in pair},
      *{struct.unpack_from("Q", ask("fstat", one), INODE)[0] for one in (*more, pair[0].fileno())},
      *{struct.unpack_from("Q", ask("statx", one, b""), 32)[0] for one in (*more, pair[0].fileno())})
print(ask("fstat", 200), ask("statx", 200, b""), ask("fstatat", more[0], b"/usr"), LIBC.syscall(FSTAT, more[0], 8))
with tempfile.TemporaryFile() as file:
    file.write(b"12345")
    file.flush()
    assert os.fstat(file.fileno()).st_size == 5 and os.fstat(file.fileno()).st_nlink == 0
    assert os.fstat(file.fileno()).st_uid == os.getuid() and os.fstat(file.fileno()).st_gid == os.getgid()
"""  # noqa: E501


def heard(code: str, python: Path, **more: object) -> tuple[int, str]:
    seal = Seal(
        command=(str(python), "-c", code),
        readable=interpreter(python),
        texts=without_psutil(python),
        environment=(("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")),
        name="programs",
    )
    said, output = os.pipe()
    process = Bubblewrap().start(replace(seal, **more), output=output)  # type: ignore[arg-type]
    os.close(output)
    with os.fdopen(said) as file:
        text = file.read()
    return process.wait(120), text


def test_locks_work_among_the_processes_of_a_seal(kernel_python: Path) -> None:
    assert heard(LOCKS, kernel_python) == (0, "locks work, links do not\n")


STAT_PATHS = ("/usr", "/usr/bin/env", "/dev/null", "/tmp", "/home/analyst", "/dev/shm", "/")


def right_numbers(output: str) -> None:
    numbers, errors = output.splitlines()
    assert numbers == "{1} {1} 1 1"
    assert errors == "EBADF EBADF ENOSYS -1"


def test_a_descriptor_is_told_as_its_path_is_and_what_has_no_file_has_no_number(kernel_python: Path) -> None:
    status, output = heard(f"import sys; sys.argv[1:] = {STAT_PATHS}\n{STATS}", kernel_python)
    assert status == 0, output
    right_numbers(output)


def test_so_it_is_for_an_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    read, write = os.pipe()
    try:
        seal = Seal(command=(PYTHON, "-c", STATS, *STAT_PATHS))
        process = OrdinaryUser(folder).start(seal, output=write)
        os.close(write)
        with os.fdopen(read) as file:
            output = file.read()
        assert process.wait(60) == 0, output
        right_numbers(output)
    finally:
        shutil.rmtree(folder)


def test_what_a_program_asks_of_the_machine_is_answered_for_its_seal(kernel_python: Path) -> None:
    limits = Limits(tree_bytes=777 * MIB, home_bytes=33 * MIB)
    status, said = heard(MACHINE, kernel_python, limits=limits)
    assert (status, said.split("\n")[0]) == (0, f"{777 * MIB} {33 * MIB} {33 * MIB}"), said
    assert said.split("\n")[1] == "True True 0 0 0 0"
    assert "DONE" not in said


FIVE = """
import os, sys, pandas
children = []
for _ in range(5):
    if (pid := os.fork()) == 0:
        pandas.DataFrame({"a": range(1000)}).sum()
        os._exit(0)
    children.append(pid)
sys.exit(sum(os.waitpid(pid, 0)[1] for pid in children))
"""

JOBS = """
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
import numpy, os
at = numpy.random.default_rng(1).normal(size=(300, 3))
print(len(cross_val_score(LogisticRegression(), at, at[:, 0] > 0, n_jobs=2, cv=4)))
print(len(set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(8))) - {os.getpid()}) > 0)
"""


def ran(code: str, python: Path, folder: Path, **limits: int) -> Ending:
    place = run_folder.make(folder, "run")
    place.write_program({"main.py": code})
    seal = run_seal(
        run="programs",
        entry="main.py",
        python=python,
        interpreter=interpreter(python),
        folder=place,
        memory_bytes=1024 * MIB,
        limit_seconds=60,
    )
    return SealedRun(Bubblewrap(), replace(seal, limits=replace(seal.limits, **limits)), place).run(
        120, Cancellation()
    )


def test_five_processes_after_an_import_of_pandas_are_no_more_memory_than_they_use(
    kernel_python: Path, tmp_path: Path
) -> None:
    ending = ran(FIVE, kernel_python, tmp_path)
    assert (ending.how, ending.status, why_ended(ending)) == ("itself", 0, ""), ending.said.decode()


@pytest.mark.parametrize("sealed", ["run", "kernel"])
def test_scikit_learn_works_in_two_processes(sealed: str, kernel_python: Path, tmp_path: Path) -> None:
    if sealed == "run":
        ending = ran(JOBS, kernel_python, tmp_path)
        assert (ending.status, ending.said.decode()) == (0, "4\nTrue\n")
    else:
        assert heard(JOBS, kernel_python) == (0, "4\nTrue\n")


SPENDING = "while True: pass"
FORKING = """
import os, time
while True:
    if os.fork() == 0:
        time.sleep(600)
"""


@pytest.mark.parametrize(
    ("code", "limits", "how", "word"),
    [
        (SPENDING, {"cpu_seconds": 1}, "processor", "processor time"),
        (FORKING, {}, "itself", "process or thread"),
        ("kept = [b'x' * 2**20 for _ in range(1500)]", {}, "memory", "memory"),
    ],
)
def test_a_run_is_told_what_ended_it(
    code: str, limits: dict[str, int], how: str, word: str, kernel_python: Path, tmp_path: Path
) -> None:
    ending = ran(code, kernel_python, tmp_path, **limits)
    assert ending.how == how, (ending.status, ending.said[-300:])
    assert word in why_ended(ending)


def test_processor_time_ends_a_program_by_a_signal_of_its_own(kernel_python: Path) -> None:
    assert heard(SPENDING, kernel_python, limits=Limits(cpu_seconds=1))[0] == TOO_MUCH_PROCESSOR


@pytest.mark.skipif(
    os.geteuid() != 0, reason="as an ordinary user each seal has a user namespace, which counts for itself"
)
def test_processes_of_one_seal_do_not_count_in_another(kernel_python: Path) -> None:
    full = """
import os, time
try:
    while os.fork():
        pass
except OSError:
    print("full", flush=True)
time.sleep(60)
"""
    said, output = os.pipe()
    limits = Limits(processes=40)
    first = Bubblewrap().start(
        Seal(
            command=(str(kernel_python), "-c", full),
            readable=interpreter(kernel_python),
            limits=limits,
            name="the first",
        ),
        output=output,
    )
    os.close(output)
    try:
        assert os.read(said, 4) == b"full"
        fork = "import os\nfor _ in range(20):\n  if os.fork() == 0: os._exit(0)\nprint('forked')"
        assert heard(fork, kernel_python, limits=limits, name="the second") == (0, "forked\n")
    finally:
        os.close(said)
        first.kill()
        first.wait()
