"""Nothing that is tried from inside a kernel's seal gets what it wants;
without the seal the same attempts do."""

import contextlib
import json
import os
import secrets
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from attempts import ATTEMPTS

from sandbox.jobs import run_folder
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import SealedRun
from sandbox.seals import TOO_MUCH_MEMORY, Bubblewrap, Limits, Seal, interpreter
from sandbox.seals.model import MIB
from workspace import KERNEL_PYTHON, Kernel, VaultProcess, WorkspaceProcess, workspace_process

TEXT = (Path(__file__).parent / "attempts.py").read_text()
RUN = """
import subprocess, sys
done = subprocess.run([sys.executable, "/tmp/attempts.py", {name!r}, {targets!r}], capture_output=True, text=True, timeout=60)
print(done.stdout or f"STOPPED by {{done.returncode}}: {{done.stderr[-300:]}}")
"""  # noqa: E501


class Reached(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        if isinstance(self.request, tuple):
            self.request[1].sendto(b"reached", self.client_address)
        else:
            self.request.sendall(b"reached")


def ask_for_ever(name: str, enough: threading.Event) -> None:
    """A process of the host that asks whoever has the name, again and again: a name has no other event."""
    while not enough.wait(0.1):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
            made.connect(f"\0{name}")
            made.sendall(b"asked")


class AbstractServer(socketserver.ThreadingUnixStreamServer):
    """Bound to a name without a file."""

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)


@pytest.fixture(scope="module")
def targets(workspace: WorkspaceProcess, open_folder: Path) -> Iterator[dict[str, Any]]:
    """What an attacker wants, all real and all within reach of an unsealed process of this machine."""
    canary, name = f"canary-{secrets.token_hex(8)}", f"cihu-attacked-{secrets.token_hex(4)}"
    secret = open_folder / "secret"
    secret.write_text(canary)
    secret.chmod(0o644)
    (open_folder / "writable").mkdir()
    with ExitStack() as stack:
        servers = [
            socketserver.ThreadingTCPServer(("127.0.0.1", 0), Reached),
            socketserver.ThreadingUDPServer(("127.0.0.1", 0), Reached),
            AbstractServer(f"\0{name}", Reached),
            socketserver.ThreadingUnixStreamServer(str(open_folder / "socket"), Reached),
        ]
        for server in servers:
            stack.enter_context(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        shared = Path("/dev/shm") / name  # the host's
        shared.write_text(canary)
        stack.callback(shared.unlink)
        asking = threading.Event()
        stack.callback(asking.set)
        threading.Thread(target=ask_for_ever, args=(f"{name}-wanted", asking), daemon=True).start()
        victim = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)", canary],
            env={"PATH": os.environ["PATH"], "SECRET": canary},
        )
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        packages = next((KERNEL_PYTHON.parent.parent / "lib").glob("python*/site-packages"))
        yield {
            "tcp": servers[0].server_address[1],
            "udp": servers[1].server_address[1],
            "abstract": name,
            "wanted": f"{name}-wanted",
            "shm": name,
            "unix": str(open_folder / "socket"),
            "file": str(secret),
            "canary": canary,
            "victim": victim.pid,
            "home": str(workspace.home),
            "run": str(workspace.home / "run" / "k"),
            "packages": str(packages),
            "writable": str(open_folder / "writable"),
            "sockets": str(open_folder / "writable"),
        }


@pytest.fixture(scope="module")
def armed(one_kernel: Kernel) -> Kernel:
    """A kernel of a person who brought the attempts along."""
    assert one_kernel.text(f"open('/tmp/attempts.py', 'w').write({TEXT!r}); print('armed')") == "armed\n"
    return one_kernel


@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if not attempt.ends])
def test_in_the_seal_the_attempt_is_stopped(name: str, armed: Kernel, targets: dict[str, Any]) -> None:
    inside = json.dumps(targets | {"writable": "/home/analyst", "sockets": "/run/channels"})
    said = armed.text(RUN.format(name=name, targets=inside))
    assert said.startswith("STOPPED"), f"{ATTEMPTS[name].source}: {said}"


IN_A_RUN = """
import json, subprocess, sys
from pathlib import Path
here = Path(__file__).parent
def tried(name):
    done = subprocess.run([sys.executable, here / "attempts.py", name, {targets!r}], capture_output=True, text=True, timeout=60)
    return done.stdout or f"STOPPED by {{done.returncode}}: {{done.stderr[-300:]}}"
# one after another: what each is told stands in its command line, which another one would find
Path("/outbox/said.json").write_text(json.dumps({{name: tried(name) for name in {names!r}}}))
"""  # noqa: E501


@pytest.fixture(scope="module")
def said_in_a_run(targets: dict[str, Any], short_home: Path) -> dict[str, str]:
    """What each attempt says in the seal of a run, which has no socket of the vault's to begin with."""
    names = [name for name, attempt in ATTEMPTS.items() if not attempt.ends]
    # no folder of the host's is writable in a run; the one by which it is let begin is the nearest to it
    inside = json.dumps(targets | {"writable": "/outbox", "sockets": "/run/beginning"})
    (short_home / "runs-tried").mkdir(mode=0o700)
    place = run_folder.make(short_home / "runs-tried", "attempts")
    place.write_program({"main.py": IN_A_RUN.format(targets=inside, names=names), "attempts.py": TEXT})
    seal = run_seal(
        run="attempts",
        entry="main.py",
        python=KERNEL_PYTHON,
        interpreter=interpreter(KERNEL_PYTHON),
        folder=place,
        memory_bytes=1024 * MIB,
        limit_seconds=200,
    )
    ending = SealedRun(Bubblewrap(), seal, place).run(200, Cancellation())
    assert ending.status == 0, ending.said.decode()
    said = json.loads(ending.outbox.files["said.json"])
    assert isinstance(said, dict)
    return said


@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if not attempt.ends])
def test_in_the_seal_of_a_run_the_attempt_is_stopped(name: str, said_in_a_run: dict[str, str]) -> None:
    assert said_in_a_run[name].startswith("STOPPED"), f"{ATTEMPTS[name].source}: {said_in_a_run[name]}"


@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if attempt.harmless])
def test_without_the_seal_the_same_attempt_gets_what_it_wants(
    name: str, targets: dict[str, Any], workspace: WorkspaceProcess
) -> None:
    """Or the test above would prove nothing."""
    if ATTEMPTS[name].root and os.geteuid() != 0:
        pytest.skip("only root succeeds without a seal")
    environment = {"PATH": os.environ["PATH"], "CIHU_HOME": str(workspace.home)}
    folder = os.open("/", os.O_RDONLY)
    try:
        done = subprocess.run(
            [KERNEL_PYTHON, Path(__file__).parent / "attempts.py", name, json.dumps(targets)],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            pass_fds=[folder],
        )
    finally:
        os.close(folder)
    assert done.stdout.startswith("REACHED"), done.stdout + done.stderr


SMALL = Limits(tree_bytes=256 * MIB)


@pytest.mark.parametrize("name", [name for name, attempt in ATTEMPTS.items() if attempt.ends])
@pytest.mark.parametrize("limits", [SMALL, Limits()], ids=["small", "usual"])
def test_a_seal_that_takes_too_much_together_is_ended(name: str, limits: Limits) -> None:
    """The same attempt, of half a gigabyte, succeeds within the usual limits: it is these that stop it."""
    seal = Seal(
        command=(str(KERNEL_PYTHON), "-c", TEXT, name, "{}"),
        readable=interpreter(KERNEL_PYTHON),
        limits=limits,
        environment=(("LANG", "C.UTF-8"),),
        name="attempt",
    )
    said, output = os.pipe()
    process = Bubblewrap().start(seal, output=output)
    os.close(output)
    with os.fdopen(said) as file:
        heard = file.read()
    assert (process.wait(60), heard) == ((TOO_MUCH_MEMORY, "") if limits == SMALL else (0, "REACHED\n"))


def test_a_kernel_that_takes_too_much_is_ended_and_the_person_reads_why(vault: VaultProcess) -> None:
    bomb = """
import os, time
for _ in range(30):
    if os.fork() == 0:
        kept = b"x" * 2**26
        time.sleep(60)
time.sleep(60)
"""
    with workspace_process(vault, "wang", CIHU_KERNEL_MEMORY_MIB="1024") as server, server.kernel() as kernel:
        with pytest.raises(TimeoutError):
            kernel.run(bomb, timeout=8)
        said = ""
        for _ in range(6):  # what is sent to a kernel that is being ended is lost with it
            with suppress(TimeoutError):
                said = said or kernel.text("print('again')", 30)
        assert "more than 1024 MiB" in said and "again" in said
        assert kernel.text("print('again')") == "again\n"


def test_the_kernel_still_works_after_all_that(armed: Kernel) -> None:
    assert "clinic.visits" in armed.text("import cihu\ncihu.datasets()")


def test_a_kernel_holds_no_descriptor_of_the_host(armed: Kernel) -> None:
    """CVE-2024-21626: a descriptor that is open before the seal is made leads out of it."""
    code = """
import os, stat
known = {os.stat(path).st_dev for path in ("/tmp", "/home/analyst")}
for number in range(256):
    try:
        about = os.fstat(number)
    except OSError:
        continue
    kind = about.st_mode
    if stat.S_ISDIR(kind) or stat.S_ISBLK(kind) or stat.S_ISREG(kind) and about.st_dev not in known:
        print("a file or folder", number)
    if stat.S_ISCHR(kind) and not os.path.samestat(about, os.stat("/dev/null")):
        print("a device", number)
print("looked")
"""
    assert armed.text(code) == "looked\n"


def test_every_attempt_names_its_source() -> None:
    assert all(attempt.source for attempt in ATTEMPTS.values())
    assert len(ATTEMPTS) >= 85
    harmless = [attempt for attempt in ATTEMPTS.values() if attempt.harmless]
    assert len(harmless) >= 75, "what may not be run without a seal proves less"
