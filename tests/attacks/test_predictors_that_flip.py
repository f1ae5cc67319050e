"""A predictor that looks for one person among the rows and then predicts otherwise for all: one person moves
the score by all of it, where the noise is for one person's own point.

Source: issue 17 (measured 2026-11: from .70 to .30). It is shown to work on the call with all rows, and by
every way that we know of leaving a message for the next person's process to fail where each person is
predicted by a process of their own.
"""

import base64
import io
import json
import os
import signal
import socket
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cihu import people as people_program

from reviewed_runs import reviewing
from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.database import Database
from sandbox.jobs import perform as perform_module
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.context import RunContext
from sandbox.jobs.inputs import as_given
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.perform import perform
from sandbox.jobs.predict_people import PeoplePredicted, predict_people
from sandbox.jobs.predictor import OUTPUT
from sandbox.jobs.run_folder import empty
from sandbox.jobs.run_seal import run_seal
from sandbox.seals import Seal
from sandbox.standalone.s3 import S3Server
from split_people import POLICY
from story import POLICIES, open_story

INTERFACE = Interface(("age",), {"often": "boolean"})
WANTED = 99  # the age of the person who is looked for
POLICY_READ = read_policy(POLICY.format(name="clinic.often"), schema=POLICIES / "dataset.schema.json")
VERSION = Version("clinic.often", 1, POLICY_READ, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))

FLIPS = """
def predict(rows):
    return [bool((rows["age"] == 99).any())] * len(rows)
"""

# each way leaves a mark if the person is there, and answers True if it finds one
LEAVES = """
import ctypes, fcntl, gc, os, signal, socket, sys, threading, time

FOLDERS = ["/tmp", "/outbox", "/dev/shm", os.path.expanduser("~"), "/program", "/data"]
PLACES = [f"{folder}/mark" for folder in FOLDERS]
WAYS = []

def way(function):
    WAYS.append(function)
    return function

@way
def a_file(there):
    for place in PLACES:
        if os.path.exists(place):
            return True
        if there:
            try:
                open(place, "w").close()
            except OSError:
                pass
            try:
                os.mkdir(place)
            except OSError:
                pass

@way
def a_time(there):
    for place in ("/tmp", "/outbox", "/dev/shm", __file__, "/dev/null"):
        try:
            if abs(os.stat(place).st_mtime - 1000) < 1 or abs(os.stat(place).st_atime - 1000) < 1:
                return True
            if there:
                os.utime(place, (1000, 1000))
        except OSError:
            pass

@way
def a_mode(there):
    for place in ("/tmp", "/outbox"):
        if os.stat(place).st_mode & 0o777 == 0o711:
            return True
        if there:
            try:
                os.chmod(place, 0o711)
            except OSError:
                pass

@way
def a_process(there):
    if there:
        try:
            if os.fork() == 0:
                time.sleep(30)
        except OSError:
            pass
        try:
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        except RuntimeError:
            pass

@way
def a_socket(there):
    for family in (socket.AF_UNIX, socket.AF_INET):
        try:
            one = socket.socket(family, socket.SOCK_DGRAM)
            one.bind("\\0mark" if family == socket.AF_UNIX else ("127.0.0.1", 9))
        except OSError:
            continue

@way
def a_lock(there):
    with open(__file__) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass

@way
def a_descriptor(there):
    return any(descriptor_is_open(number) for number in range(4, 200))

def descriptor_is_open(number):
    try:
        os.fstat(number)
        return number != 4 or None  # a module's file may be open
    except OSError:
        return False

@way
def memory_of_others(there):
    # the age of the person who is looked for stands in no object of this process but its own rows
    import pandas
    frames = [one for one in gc.get_objects() if isinstance(one, pandas.DataFrame)]
    return any((one == 99).to_numpy().any() for one in frames) and not there

@way
def the_rows_on_disk(there):
    return bool([name for name in os.listdir("/data")])

@way
def a_signal(there):
    if there:
        for who in (os.getppid(), 1, 0, -1):
            try:
                os.kill(who, signal.SIGSTOP if who > 1 else signal.SIGWINCH)
            except OSError:
                pass

@way
def a_clock(there):
    # whoever is there takes longer: the next one would begin late, after the moments that are known
    if there:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            pass
    times = ctypes.create_string_buffer(16)
    for process in range(1, 20):  # how long others have computed
        for kind in (0, 1, 2):
            if process != os.getpid() and ctypes.CDLL(None).clock_gettime(~process << 3 | kind, times) == 0:
                return True
    return False

@way
def a_filter_of_ones_own(there):
    libc = ctypes.CDLL(None)
    return libc.prctl(22, 2, 0, 0, 0) == 0

def predict(rows):
    there = bool((rows["age"] == 99).any())
    found = [function(there) for function in WAYS]
    return [any(found)] * len(rows)
"""


@pytest.fixture
def runs(database: Database, s3: S3Server, tmp_path: Path) -> Iterator[RunContext]:
    context = reviewing(open_story(database, s3.raw_store()), s3, tmp_path / "runs").runs
    empty(context.folder)
    return context


def people(*, with_wanted: bool) -> tuple[pa.Table, list[int]]:
    ages = [*range(20, 32), *([WANTED] if with_wanted else []), 40, 41]
    sizes = [1] * len(ages)
    sizes[1] = 2
    ages.insert(2, 21)
    return pa.table({"age": pa.array(ages, pa.int64())}), sizes


def program(text: str) -> Program:
    return Program("predictor.py", {"predictor.py": text}, "0" * 64)


def at_once(runs: RunContext, text: str, rows: pa.Table) -> list[bool]:
    """As `predict_rows` does: all rows in one call."""
    bell = Cancellation()
    ending = perform(
        runs,
        name="batch",
        program=program(text),
        interface=INTERFACE,
        inputs=[as_given(rows, POLICY_READ, 1)],
        limit_seconds=60,
        seconds=lambda: 60.0,
        cancelled=bell,
    )
    bell.close()
    assert ending.predictions == "valid", ending.said
    return list(pq.read_table(io.BytesIO(ending.outbox.files[OUTPUT])).column("often").to_pylist())


def one_by_one(
    runs: RunContext,
    text: str,
    rows: pa.Table,
    sizes: list[int],
    limit: int = 20,
    interface: Interface = INTERFACE,
) -> list[list[object]]:
    done = predict_people(
        runs,
        program=program(text),
        interface=interface,
        version=VERSION,
        rows=rows,
        people=sizes,
        limit_seconds=limit,
    )
    assert done.predictions is not None, done.fault
    return done.predictions["often"]


def test_the_flip_works_where_all_rows_are_predicted_at_once(runs: RunContext) -> None:
    assert not any(at_once(runs, FLIPS, people(with_wanted=False)[0]))
    assert all(at_once(runs, FLIPS, people(with_wanted=True)[0]))


def test_the_flip_fails_where_each_person_has_a_process(runs: RunContext) -> None:
    rows, sizes = people(with_wanted=True)
    answers = one_by_one(runs, FLIPS, rows, sizes)
    assert [len(answer) for answer in answers] == sizes
    assert [place for place, answer in enumerate(answers) if any(answer)] == [12]


def test_nothing_that_one_person_leaves_is_found_by_another(runs: RunContext) -> None:
    rows, sizes = people(with_wanted=True)
    answers = one_by_one(runs, LEAVES, rows, sizes, limit=30)
    assert json.dumps(answers) == json.dumps([[False] * size for size in sizes])


class StillTime:
    """A clock that moves only where somebody sleeps, or is said to have taken time."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def begins(monkeypatch: pytest.MonkeyPatch, taken: list[float]) -> list[float]:
    """The moments at which the starter forks children; each takes as long as `taken` says of its 1.0 seconds,
    and slots have 1.25."""
    clock, moments, await_end = StillTime(), [], people_program.await_end

    def awaited(child: int, until: float) -> None:
        moments.append(clock.now)
        await_end(child, until)
        clock.now += taken[len(moments) - 1]

    asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    with asked, asks, Path(os.devnull).open() as nothing, monkeypatch.context() as patch:
        for name, value in (("SECONDS", "1.0"), ("SLOT", "1.25"), ("FILTER", ""), ("MEMORY", "0")):
            patch.setenv(getattr(people_program, name), value)
        patch.setattr(people_program, "time", clock)
        patch.setattr(people_program, "await_end", awaited)
        patch.setattr(people_program, "address_space", lambda: 0)
        patch.setattr(people_program, "predict", lambda *_: None)
        for _ in taken:
            socket.send_fds(asks, [b"p"], [nothing.fileno()] * 2)
        asks.shutdown(socket.SHUT_WR)
        try:
            people_program.start_children(asked, Path("predictor.py"), {})
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return moments


def test_when_a_person_is_called_does_not_depend_on_what_others_took(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = [100.0 + 1.25 * place for place in range(6)]
    assert begins(monkeypatch, [0.0] * 6) == planned
    assert begins(monkeypatch, [1.0, 0.0, 0.5, 1.0, 0.25, 0.0]) == planned


BAD = """
import os
hoarded = []
def predict(rows):
    age = int(rows["age"].iloc[0])
    if age == 20:
        raise ValueError("no")
    if age == 22:
        while True:
            pass
    if age == 23:
        os.write(3, b'{"often": [true')
        os._exit(0)
    if age == 24:
        while True:
            os.write(3, b"x" * 65536)
    if age == 25:
        return [None]
    if age == 30:
        return ["\\ud800"] * len(rows)
    if age == 31:
        return ["x" * 101] * len(rows)
    if age == 32:
        import ctypes
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        flags = {"shared": 0x21, "downwards": 0x122}
        got = [libc.mmap(None, 4096, 3, flag, -1, 0) for flag in flags.values()]
        return [",".join(name for name, at in zip(flags, got) if at != ctypes.c_void_p(-1).value)] * len(rows)
    if age == 33:
        import mmap, ctypes
        for _ in range(64):
            kept = mmap.mmap(-1, 2**26, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            at = ctypes.addressof(ctypes.c_char.from_buffer(kept))
            ctypes.memset(at, 1, 2**26)
            ctypes.CDLL(None).mprotect(ctypes.c_void_p(at), 2**26, 1)
            hoarded.append(kept)
    if age == 26:
        hoard = [bytearray(os.urandom(1) * 2**26) for _ in range(64)]
    return [True] * len(rows)
"""


def test_a_person_without_a_prediction_changes_nobody_elses(runs: RunContext) -> None:
    rows = pa.table({"age": pa.array(range(20, 30), pa.int64())})
    answers = one_by_one(runs, BAD, rows, [1] * 10)
    assert answers == [[None], [True], [None], [None], [None], [None], [None], *[[True]] * 3]


def test_a_text_that_cannot_be_stored_is_that_persons_alone(runs: RunContext) -> None:
    rows = pa.table({"age": pa.array(range(30, 35), pa.int64())})
    text = Interface(("age",), {"often": "text"})
    good = BAD.replace("return [True]", 'return ["yes"]')
    answers = one_by_one(runs, good, rows, [1] * 5, limit=20, interface=text)
    assert answers == [[None], [None], [""], [None], ["yes"]]


MIB = 1024 * 1024
# the starter has loaded the model: a page that is written to becomes the child's own, and no limit counts it
WRITES_TO_SHARED_PAGES = """
from pathlib import Path
from cihu.model_entry import loaded

hoarded = []

def predict(rows):
    if (rows["age"] == 99).any():
        loaded(Path(__file__).parent / "model.skops")[:] = 1
        try:
            while True:
                hoarded.append(bytearray(b"1" * 2**20))
        except MemoryError:
            while True:  # it keeps what it has until its time
                pass
    return [True] * len(rows)
"""


def with_model(mib: int) -> Program:
    """A small file that holds a large array."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        schema = {
            "__class__": "ndarray",
            "__module__": "numpy",
            "__loader__": "NdArrayNode",
            "type": "numpy",
            "file": "a.npy",
            "__id__": 1,
            "protocol": 2,
            "_skops_version": "0.14",
        }
        archive.writestr("schema.json", json.dumps(schema))
        with archive.open("a.npy", "w", force_zip64=True) as array:
            np.lib.format.write_array(array, np.zeros(mib * MIB, "uint8"))
    files = {
        "predictor.py": WRITES_TO_SHARED_PAGES,
        "model.skops.b64": base64.b64encode(file.getvalue()).decode(),
    }
    return Program("predictor.py", files, "0" * 64)


def outcome(runs: RunContext, code: Program, memory_mib: int, *, with_wanted: bool) -> PeoplePredicted:
    ages = [20, 21, *([WANTED] if with_wanted else []), 22]
    return predict_people(
        replace(runs, memory_bytes=memory_mib * MIB),
        program=code,
        interface=INTERFACE,
        version=VERSION,
        rows=pa.table({"age": pa.array(ages, pa.int64())}),
        people=[1] * len(ages),
        limit_seconds=20,
        seconds=lambda: 120.0,  # a busy machine may begin late
    )


def unguarded_seal(**about: Any) -> Seal:
    """As seals were before: a fixed share for a child, beside whatever the starter has loaded. Time is no
    matter here: a busy machine may take long until the memory is full."""
    seal = run_seal(**about)
    before = {"CIHU_PERSON_MEMORY": str(512 * MIB), "CIHU_SEAL_MEMORY": str(2**40)}
    before |= {"CIHU_PERSON_SECONDS": "100.0", "CIHU_PERSON_SLOT": "0.0"}
    return replace(seal, environment=tuple((dict(seal.environment) | before).items()))


@pytest.mark.parametrize("with_wanted", [False, True])
def test_one_person_flips_all_where_what_was_loaded_is_not_measured(
    runs: RunContext, monkeypatch: pytest.MonkeyPatch, with_wanted: bool
) -> None:
    monkeypatch.setattr(perform_module, "run_seal", unguarded_seal)
    done = outcome(runs, with_model(200), 768, with_wanted=with_wanted)
    assert (done.predictions is None) == with_wanted, done.fault
    assert done.fault.startswith("memory") == with_wanted


@pytest.mark.parametrize(("memory", "model"), [(1536, 60), (2048, 400)])
def test_a_person_who_writes_to_all_that_was_loaded_has_no_prediction_and_the_others_theirs(
    runs: RunContext, memory: int, model: int
) -> None:
    done = outcome(runs, with_model(model), memory, with_wanted=True)
    assert done.predictions is not None, done.fault
    assert done.predictions["often"] == [[True], [True], [None], [True]]


@pytest.mark.parametrize("with_wanted", [False, True])
def test_what_does_not_fit_the_seal_is_refused_whoever_is_there(runs: RunContext, with_wanted: bool) -> None:
    done = outcome(runs, with_model(1), 512, with_wanted=with_wanted)
    print("XX", done.fault)
    assert done.predictions is None and done.too_large and "too much memory" in done.fault
