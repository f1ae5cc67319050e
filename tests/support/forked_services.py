"""Starts the vault, the portal and the hub from a process that has imported them already.

What `python -m sandbox.vault.app` computes before it serves is, for the most part, imports: two to four
seconds of a processor, some hundred times in the suite. Here one process for each pytest process imports
a module when it is first asked for, and forks: the same `main()` runs, in a process, session and environment
of its own, a child of the pytest process. What FastAPI makes of one type twice in a start is made once
(`kept_schemas.py`), which halves the rest. A service with something changed in it is changed after the fork
(`altered.py`). What a supervisor starts in a process of its own is started as everywhere else.

A process that was forked shows the environment of its server in /proc/PID/environ (proc(5)), and not its own.
"""

import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import duckdb

from altered import alter_loaded, is_altered
from sandbox.standalone.parent_death_signal import adopt_orphans, leash

CHECKOUT = Path(__file__).parents[2]
MODULES = {  # each with what is imported for it
    "sandbox.vault.app": ("sandbox.vault.app",),
    "marketplace.app": ("marketplace.app",),
    "sandbox.hub": (
        "sandbox.hub.without_iri_grammar",
        "jupyterhub.app",
        "sandbox.hub.login",
        "sandbox.hub.spawner",
    ),
}
LONGEST = 1 << 20


def forkable(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether it is one of the modules, as it is in this checkout or with something changed in it."""
    return (
        len(command) >= 3
        and list(command[:2]) == [sys.executable, "-m"]
        and command[2] in MODULES
        and all(folder == CHECKOUT or is_altered(folder) for folder in python_path(environment))
    )


def python_path(environment: Mapping[str, str]) -> list[Path]:
    return [Path(folder) for folder in environment.get("PYTHONPATH", "").split(":") if folder]


@dataclass(frozen=True)
class Start:
    """What is asked of the fork server: `argv` begins with the module, `ending` is the signal that the
    process gets when `parent` ends."""

    argv: Sequence[str]
    environment: dict[str, str]
    folder: str
    parent: int
    ending: int


class ForkedProcess(subprocess.Popen[bytes]):
    """A process that the fork server made; for who started it, as any other that Popen starts."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        output: int,
        ending: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._asked = Start(tuple(command[2:]), dict(environment), str(folder), os.getpid(), int(ending))
        self._output = output
        super().__init__(command)

    def _execute_child(self, *_: Any, **__: Any) -> None:
        self.pid = _server().fork(self._asked, self._output)
        self._child_created = True


class ForkServer:
    """The process that has imported the modules. It ends with the one that started it."""

    def __init__(self) -> None:
        adopt_orphans()  # what it forks becomes a child of ours
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection = ours
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(theirs.fileno())],
            env={
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "PYTHONPATH": f"{CHECKOUT}:{Path(__file__).parent}",
            },
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            preexec_fn=leash(),
        )
        theirs.close()

    def fork(self, start: Start, output: int) -> int:
        """The number of the new process."""
        socket.send_fds(self._connection, [json.dumps(asdict(start)).encode()], [output])
        return int(self._connection.recv(LONGEST))

    def end(self) -> None:
        """It may not see us hang up: a process that a test forked holds our end, too."""
        self._process.kill()
        self._process.wait()
        self._connection.close()


@functools.cache
def _server() -> ForkServer:
    return ForkServer()


def end() -> None:
    """End the fork server of this process, if it has one. What it forked lives on."""
    if _server.cache_info().currsize:
        _server().end()
        _server.cache_clear()


def serve(connection: socket.socket) -> None:
    """Fork for each request, until the other side hangs up."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 1)
        if not asked:
            return
        start = Start(**json.loads(asked))
        _import(start.argv[0])
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            # its child becomes one of the pytest process, which collects orphans (left_processes.py)
            first = os.getpid()
            if (pid := os.fork()) == 0:
                connection.close()
                for descriptor in (reading, writing):
                    os.close(descriptor)
                while os.getppid() == first:
                    os.sched_yield()
                _become(start, descriptors[0])
            os.write(writing, str(pid).encode())
            os._exit(0)
        os.waitpid(between, 0)
        connection.send(os.read(reading, 20))
        for descriptor in (reading, writing, *descriptors):
            os.close(descriptor)


def _import(module: str) -> None:
    """What the module needs, if nobody has asked for it yet."""
    for name in ("kept_schemas", *MODULES[module]):
        importlib.import_module(name)
    duckdb.default_connection().close()  # importing it opens one, with threads that a fork would not have
    gc.freeze()


def _become(start: Start, output: int) -> NoReturn:
    """The module's process, and nothing else of this one."""
    status: Any = 1
    try:
        os.setsid()
        os.chdir(start.folder)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.clear()
        os.environ.update(start.environment)
        sys.argv[:] = start.argv
        signal.signal(signal.SIGINT, signal.default_int_handler)
        leash(signal.Signals(start.ending), parent=start.parent)()
        for folder in python_path(start.environment):
            if is_altered(folder):
                alter_loaded(folder)
        status = _main(start.argv[0])
    except SystemExit as ended:
        status = ended.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except BaseException:  # as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def _main(name: str) -> Any:
    module = importlib.import_module(name)
    if hasattr(module, "main"):
        return module.main()
    importlib.import_module(f"{name}.__main__")  # runs as it is imported
    return 0


def main() -> None:
    """`python forked_services.py DESCRIPTOR`."""
    gc.disable()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal's Ctrl-C is for pytest, which ends us by hanging up
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
