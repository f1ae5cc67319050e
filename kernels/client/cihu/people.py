"""Calls a predictor once for each person, in a fresh process that knows nothing of the others.

    python -m cihu.people predictor.py

Run by the vault when an entry of a competition is scored. Three kinds of process:

    this one    reads the rows from a pipe, hands each person's to a child, and reads its answer;
                no line of a team's program runs in it
    a starter   forked before the first row is there: it forks the children, and holds no row or answer
    a child     reads one person's rows, gives up every system call by which it could leave something behind,
                and only then loads the predictor; it ends after one answer, or at its time

So a prediction depends on that person's rows alone. A child can make all its addresses memory of its own,
also those that it shares with the starter, and no limit counts such copies. So what the starter has loaded is
measured before any row is read: where one child at its limit would not fit the seal beside the others, nobody
is predicted, whatever the rows.

What a child may take does not depend on the others: each has the same time, and begins at a moment that is
fixed beforehand, so that no clock tells how long the others took. Answers are looked at after the last child
for the same reason. They are called in an order of chance, so that the number of a process tells nothing.
Whoever has no valid prediction has an empty one.
"""

import ast
import ctypes
import importlib
import json
import mmap
import os
import pickle
import random
import resource
import signal
import socket
import sys
import time
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.model_entry import loaded
from cihu.predicting import LONGEST_TEXT, OUTPUT, arrow_type, load, predictions
from cihu.program import INTERFACE, outbox
from cihu.rows import read_rows

FEED, SECONDS, FILTER = "CIHU_FEED", "CIHU_PERSON_SECONDS", "CIHU_PERSON_FILTER"
SLOT = "CIHU_PERSON_SLOT"  # seconds from one child's begin to the next
MEMORY = "CIHU_PERSON_MEMORY"  # bytes that one child may add to what the starter has loaded
ALL_MEMORY = "CIHU_SEAL_MEMORY"  # bytes of all processes together, beyond which the seal is ended
PRELOADED = ("sklearn", "skops", "safetensors", "statsmodels", "scipy", "numpy", "pandas", "pyarrow")
"""Packages that a program may name: they are loaded once, by the starter, which holds no row."""
ESTIMATORS = (
    "compose",
    "ensemble",
    "impute",
    "linear_model",
    "naive_bayes",
    "neighbors",
    "neural_network",
    "pipeline",
    "preprocessing",
    "svm",
    "tree",
)
FOR_MODELS = {
    ".skops": ("skops.io", *(f"sklearn.{part}" for part in ESTIMATORS)),
    ".safetensors": ("safetensors.numpy",),
}
WIDTHS = {"number": 32, "probability": 32, "integer": 24, "boolean": 8, "text": 12 * LONGEST_TEXT + 8}
"""Of each kind, the bytes of one value as JSON at most, with what separates it from the next."""
MIB = 1024 * 1024
MOST_STACK = 8 * MIB
ROWS_SHARE = 8  # an eighth of the seal's memory is for the rows and the answers of all
ANSWER = 3  # the descriptor of a child's answer: the only one that it has beside /dev/null
READY, TOO_LARGE = b"r", b"m"
TOO_LARGE_STATUS = 3  # of this process, which runs no line of a team's: the vault tells the team the reason
PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 22, 2
READ_BEFORE = ("/", "/tmp", "/data", "/outbox", "/dev", "/dev/shm", "/program", str(Path.home()))  # noqa: S108


def main(entry: str) -> None:
    interface = json.loads(os.environ[INTERFACE])
    require_filter()
    libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    starter = Starter(Path(entry), interface)
    sizes, body = read_feed(os.environ[FEED])
    rows = read_rows(body)[interface["columns"]]
    rows.attrs = {}
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    order = list(range(len(sizes)))
    random.SystemRandom().shuffle(order)
    answers: dict[int, bytes] = {}
    predicts = interface["predicts"]
    for place in order:
        own = rows.iloc[ends[place] : ends[place + 1]].reset_index(drop=True)
        answers[place] = starter.ask(pickle.dumps(own), most_bytes(predicts, len(own)))
    starter.close()
    ordered = [checked(answers[place], predicts, size) for place, size in enumerate(sizes)]
    names = sorted(predicts)
    write({name: [value for answer in ordered for value in answer[name]] for name in names}, interface)


def read_feed(path: str) -> tuple[list[int], bytes]:
    """How many rows each person has, and the rows as the vault writes them."""
    with Path(path).open("rb", buffering=0) as pipe:

        def exactly(length: int) -> bytes:
            content = bytearray()
            while len(content) < length:
                if not (some := pipe.read(min(65536, length - len(content)))):
                    raise EOFError("the rows end too soon")
                content += some
            return bytes(content)

        head = json.loads(exactly(int.from_bytes(exactly(8), "big")))
        return head["people"], exactly(head["bytes"])


class Starter:
    """The process that forks children. It is asked by the descriptors that a child gets."""

    def __init__(self, entry: Path, interface: dict[str, Any]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self._socket.close()
            try:
                # here, and never in the process that holds everybody's rows: a team's model is read
                preload(entry.parent)
                if not fits(size := address_space()):
                    theirs.send(TOO_LARGE + str(size // MIB).encode())
                    return
                for folder in READ_BEFORE:  # so that the time of the last reading of it moves no more
                    with suppress(OSError):
                        os.listdir(folder)
                theirs.send(READY)
                start_children(theirs, entry, interface)
            finally:
                os._exit(0)
        theirs.close()
        said = self._socket.recv(32)
        if said.startswith(TOO_LARGE):
            taken = said[1:].decode()
            print(f"the packages and the model of the program take too much memory ({taken} MiB)")
            sys.exit(TOO_LARGE_STATUS)
        if said != READY:
            sys.exit("the packages of the program could not be loaded")

    def ask(self, rows: bytes, most: int) -> bytes:
        """What a fresh child answered to these rows; b"" where it did not, or more than `most` bytes."""
        given, to_child = os.pipe()
        from_child, answer = os.pipe()
        socket.send_fds(self._socket, [b"p"], [given, answer])
        os.close(given)
        os.close(answer)
        with suppress(BrokenPipeError), os.fdopen(to_child, "wb") as pipe:
            pipe.write(rows)
        content = bytearray()
        with os.fdopen(from_child, "rb", buffering=0) as pipe:
            while len(content) <= most and (some := pipe.read(65536)):
                content += some
        self._socket.recv(1)  # it has ended
        return bytes(content) if len(content) <= most else b""

    def close(self) -> None:
        self._socket.close()
        os.wait()


def preload(program: Path) -> None:
    """Load the installed packages that the program names, or that its kind of model needs, and then its
    models, so that no child has to: by texts and names alone."""
    models = sorted(file for file in program.iterdir() if file.suffix in FOR_MODELS)
    for suffix in {file.suffix for file in models}:
        for name in FOR_MODELS[suffix]:
            with suppress(ImportError):
                importlib.import_module(name)
    for file in program.rglob("*.py"):
        with suppress(SyntaxError, ValueError, OSError):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    if name.split(".")[0] in PRELOADED:
                        with suppress(ImportError):
                            importlib.import_module(name)
    before = resource.getrlimit(resource.RLIMIT_AS)
    # a small file can hold a large model: it may become as large as what a child may add
    most = within(address_space() + int(os.environ[MEMORY]), before[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    for file in models:
        # of whatever kind: each child meets it, or does not use the model
        with suppress(Exception):
            loaded(file)
    resource.setrlimit(resource.RLIMIT_AS, before)


def fits(loaded_bytes: int) -> bool:
    """Whether one child, at its worst, fits the seal beside the starter and the first process.

    `loaded_bytes`: the starter's addresses. They are counted twice, for the starter and for a child that has
    written to every page of them. The share of the rows also holds the first process's own pages. No row is
    counted, nor how many there are, so the answer is the same for all data."""
    seal = int(os.environ[ALL_MEMORY])
    child = loaded_bytes + int(os.environ[MEMORY])
    return child + loaded_bytes + seal // ROWS_SHARE <= seal


def start_children(asked: socket.socket, entry: Path, interface: dict[str, Any]) -> None:
    """Until nobody asks any more: a child for each pair of descriptors, waited for until its time."""
    content, most = filter_of(), address_space() + int(os.environ[MEMORY])
    seconds, slot = float(os.environ[SECONDS]), float(os.environ[SLOT])
    begin = 0.0
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        message, descriptors, _, _ = socket.recv_fds(asked, 1, 2)
        if not message:
            return
        begin = begin + slot if begin else time.monotonic()
        time.sleep(max(0.0, begin - time.monotonic()))
        child = os.fork()
        if child == 0:
            try:
                asked.close()
                predict(entry, interface, descriptors[0], descriptors[1], content, most)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        await_end(child, begin + seconds)
        asked.send(b"e")


def await_end(child: int, until: float) -> None:
    """Wait for a child, and end it at that moment."""
    while (left := until - time.monotonic()) > 0:
        signal.sigtimedwait({signal.SIGCHLD}, left)
        if os.waitpid(child, os.WNOHANG)[0]:
            return
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def predict(
    entry: Path,
    interface: dict[str, Any],
    given: int,
    answer: int,
    content: ctypes.Array[ctypes.c_char],
    most_memory: int,
) -> None:
    """In the child: read the rows, shut everything, call the predictor, answer."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    with os.fdopen(given, "rb") as pipe:
        rows: pd.DataFrame = pickle.loads(pipe.read())  # noqa: S301  # of our own first process
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.dup2(answer, ANSWER)
    os.closerange(ANSWER + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    limit_memory(most_memory)
    shut(content)
    frame = predictions(load(entry).predict(rows), interface["predicts"], len(rows))
    said = json.dumps({name: frame[name].tolist() for name in frame.columns}).encode()
    while said:
        said = said[os.write(ANSWER, said) :]


def address_space() -> int:
    """The size of this process in bytes, to a MiB. Without /proc it is found by trying limits: the least one
    under which a page can still be added."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    hard = before[1]
    low, high = 0, (1 << 24 if hard == resource.RLIM_INFINITY else hard >> 20)
    try:
        while low < high:
            middle = (low + high) // 2
            resource.setrlimit(resource.RLIMIT_AS, (middle << 20, hard))
            try:
                mmap.mmap(-1, mmap.PAGESIZE).close()
                high = middle
            except (OSError, MemoryError):
                low = middle + 1
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    return low << 20


def limit_memory(most: int) -> None:
    """So that a child that takes too much fails by itself, and never the seal with all the others. The limit
    is of all addresses: a limit of data would not count what is made unwritable after it was filled."""
    for limit, wanted in ((resource.RLIMIT_AS, most), (resource.RLIMIT_STACK, MOST_STACK)):
        least = within(wanted, resource.getrlimit(limit)[1])
        resource.setrlimit(limit, (least, least))


def within(wanted: int, hard: int) -> int:
    """A limit that is not above the hard one."""
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def require_filter() -> None:
    """Ends this process where no filter can be loaded: then nobody is predicted, rather than all badly."""
    child = os.fork()
    if child == 0:
        try:
            shut(filter_of())
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        sys.exit("this seal lets no process give up system calls")


def filter_of() -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(b64decode(os.environ[FILTER]))


def shut(content: ctypes.Array[ctypes.c_char]) -> None:
    """Give up all system calls but those of the filter. Raises `OSError`: then nothing of a team is run."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    # the buffer ends with a zero byte that is not of the filter; an instruction has 8 bytes
    program = Program((len(content) - 1) // 8, ctypes.cast(content, ctypes.c_void_p))
    if libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was not loaded")


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def most_bytes(predicts: dict[str, Any], rows: int) -> int:
    """How long the answer about so many rows can be, if it is one."""
    total = 64
    for name, kind in predicts.items():
        widest = max(len(json.dumps(value)) for value in kind) + 8 if isinstance(kind, list) else WIDTHS[kind]
        total += len(json.dumps(name)) + 16 + rows * widest
    return total


def checked(content: bytes, predicts: dict[str, Any], rows: int) -> dict[str, list[Any]]:
    """A child's answer, or empty predictions: the child could write anything. Whatever the vault's own check
    would refuse is empty here, so that one person's answer fails for that person alone."""
    try:
        answer = json.loads(content)
        made = {name: list(answer[name]) for name in predicts}
        if len(answer) == len(predicts) and all(len(values) == rows for values in made.values()):
            frame = predictions(pd.DataFrame(made), predicts, rows)
            values = {name: as_stored(frame[name].tolist(), kind) for name, kind in predicts.items()}
            if not any(too_long(values[name], kind) for name, kind in predicts.items()):
                return values
    except Exception:  # noqa: BLE001, S110  # of whatever kind, it is about one person
        pass
    return {name: [None] * rows for name in predicts}


def as_stored(values: list[Any], kind: Any) -> list[Any]:
    """The values after a way through the type in which all are written: what has no place in it fails here,
    such as half of a surrogate pair."""
    import pyarrow as pa

    stored: list[Any] = pa.array(values, arrow_type(kind)).to_pylist()
    return stored


def too_long(values: list[Any], kind: Any) -> bool:
    return bool(kind == "text" and any(len(value) > LONGEST_TEXT for value in values))


def write(values: dict[str, list[Any]], interface: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    predicts = interface["predicts"]
    table = pa.table({name: pa.array(column, arrow_type(predicts[name])) for name, column in values.items()})
    pyarrow.parquet.write_table(table, outbox() / OUTPUT)


if __name__ == "__main__":
    main(*sys.argv[1:])
