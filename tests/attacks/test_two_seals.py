"""No bit goes from a run to a kernel; and without each seal's defences, by the same channel, every bit does.

Both seals are those of `run_seal` and `kernel_seal`, with the kernels' own environment; a socket by which the
test tells both what to do, and a folder of cold files, are all that is added. "Without" is the same seals by
plain binds, on the machine's devices, networks and /proc, and without a filter.
"""

import fcntl
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from channels import CHANNELS, Channel

from ordinary_user import PYTHON, USER, OrdinaryUser
from sandbox.hub.kernel_seal import kernel_seal
from sandbox.jobs import run_folder
from sandbox.jobs.run_seal import run_seal
from sandbox.seals import Bind, Bubblewrap, Seal, interpreter
from sandbox.seals.bubblewrap import DEVICES, EVENTS, HELD, hold
from sandbox.seals.syscalls import Programs
from workspace import KERNEL_PYTHON

TEXT = (Path(__file__).parent / "channels.py").read_text()
BITS = tuple(random.Random(11).choices((0, 1), k=12))
TRIES = 8
CONTROL = "/run/control"
MIB = 1024 * 1024
ROOT = os.geteuid() == 0


class Undefended(Bubblewrap):
    """The same seals as they would be by plain binds."""

    folder: Path
    base: Bubblewrap

    def __init__(self, folder: Path, base: Bubblewrap) -> None:
        self.host, self.watch, self.folder, self.base = base.host, base.watch, folder, base

    def programs(self, seal: Seal) -> Programs:
        return Programs()

    def start(self, seal: Seal, *, output: Any = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        limits = replace(seal.limits, processes=60)
        return super().start(replace(seal, name="everybody", limits=limits), output=output)

    def line(self, seal: Seal, filters: list[int], texts: Mapping[str, int]) -> list[str]:
        made = self.base.line(seal, filters, {})
        while "--overlay-src" in made:
            here = made.index("--overlay-src")
            source, target = made[here + 1], made[here + 3]
            made[here : here + 6] = ["--ro-bind", source, target]
        for shared in ("--unshare-net", "--unshare-ipc"):
            made.remove(shared)
        for path in ("/tmp", "/dev/shm"):
            here = (
                next(
                    number
                    for number, word in enumerate(made)
                    if word == "--tmpfs" and made[number + 1] == path
                )
                - 4
            )
            made[here : here + 6] = ["--bind", path, path]
        device = str(self.folder / "null") if ROOT else "/dev/null"
        last = made.index("--chdir") - 2  # before the root becomes read-only
        made[last:last] = [
            "--proc",
            "/proc",
            "--ro-bind",
            "/etc/ld.so.cache",
            "/etc/ld.so.cache",
            *(["--dev-bind", device, "/dev/null"] if (self.folder / "null").exists() else []),
        ]
        return made


@contextmanager
def without_lock(common: str) -> Iterator[None]:
    """There is one such inode on the machine: where another process that starts seals holds its lock,
    it defends these too."""
    before = set(HELD)
    hold(common)
    assert set(HELD) == before, "Bubblewrap() holds it already"
    about = os.fstat(made := os.eventfd(0))
    os.close(HELD.pop((about.st_dev, about.st_ino)))
    try:
        fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(made, fcntl.LOCK_UN)
        yield
    except BlockingIOError:
        pytest.skip("another process of this machine defends it")
    finally:
        os.close(made)
        hold(common)


@contextmanager
def agent(bubblewrap: Bubblewrap, seal: Seal, python: str, folder: Path) -> Iterator[Any]:
    """Starts the seal with the channels as its program;
    what is yielded does a deed there and returns the answer."""
    name = f"{len(list(folder.iterdir()))}"
    with socket.socket(socket.AF_UNIX) as listening, ExitStack() as stack:
        listening.bind(str(folder / name))
        (folder / name).chmod(0o666)
        listening.listen()
        listening.settimeout(60)
        told = replace(
            seal,
            command=(python, "-c", TEXT, f"{CONTROL}/{name}"),
            doors=(*seal.doors, Bind(str(folder), CONTROL)),
        )
        heard = stack.enter_context(tempfile.TemporaryFile())
        process = bubblewrap.start(told, output=heard)
        stack.callback(process.wait)
        stack.callback(process.kill)
        try:
            connection = stack.enter_context(listening.accept()[0])
        except TimeoutError:
            heard.seek(0)
            raise AssertionError(heard.read().decode()) from None
        connection.settimeout(60)
        lines = stack.enter_context(connection.makefile("rw"))

        def do(channel: str, bit: int | None, at: Mapping[str, str]) -> float | None:
            lines.write(json.dumps([channel, bit, at]) + "\n")
            lines.flush()
            answer = lines.readline()
            heard.seek(0)
            assert answer, heard.read().decode()
            return json.loads(answer)  # type: ignore[no-any-return]

        yield do


def received(channel: Channel, send: Any, read: Any, at: Mapping[str, str], disk: Path) -> list[float | None]:
    """What the receiver takes for the bits; None where it was refused."""
    seen: list[float | None] = []
    before = read(channel.name, None, at) if channel.at_least else 0
    for bit in BITS:
        if channel.at_least:
            send(channel.name, 0, at)
            before = read(channel.name, None, at)
        send(channel.name, bit, at)
        if channel.name == "the_free_space_of_a_disk" and bit:
            (disk / "stored").write_bytes(os.urandom(64 * MIB))
            os.sync()
        now = read(channel.name, None, at)
        (disk / "stored").unlink(missing_ok=True)
        if now is None or before is None:
            seen.append(None)
        else:
            seen.append(float(now - before >= channel.at_least) if channel.at_least else now)
    send(channel.name, 0, at)
    return seen


@pytest.fixture(scope="module")
def control() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def environment(control: Path, pair: str) -> Path:
    """A folder as of the environment, with files that nobody else uses:
    what one pair of seals has open would show in another."""
    folder = control / f"environment-{pair}"
    folder.mkdir()
    for name in ("file", "leased", "page.bin", "cold"):
        (folder / name).write_bytes(os.urandom(2**20))
    if ROOT:
        os.chown(folder / "leased", USER, USER)
        os.chown(folder / "cold", USER, USER)
        if not (control / "null").exists():
            os.mknod(control / "null", 0o020666, os.makedev(1, 3))
            (control / "null").chmod(0o666)
    os.sync()
    return folder


PLACES = {
    "file": "/env/file",
    "folder": "/env",
    "leased": "/env/leased",
    "page": "/env/page.bin",
    "cold": "/env/cold",
    "device": "/dev/null",
    "disk": "/run/kernel",
}


def seals(control: Path, pair: str) -> tuple[Seal, Seal]:
    """Of a run, and of a kernel."""
    (control / "runs").mkdir(mode=0o700, exist_ok=True)
    place = run_folder.make(control / "runs", pair)
    for name in ("in", "sockets", "vault"):
        (control / name).mkdir(exist_ok=True)
    shared = (*interpreter(KERNEL_PYTHON), Bind(str(environment(control, pair)), "/env"))
    run = run_seal(
        run="sender",
        entry="main.py",
        python=KERNEL_PYTHON,
        interpreter=shared,
        folder=place,
        memory_bytes=1024 * MIB,
        limit_seconds=600,
    )
    kernel = kernel_seal(
        person="wang",
        kernel="receiver",
        python=KERNEL_PYTHON,
        interpreter=shared,
        inbox=control / "in",
        sockets=control / "sockets",
        vault_folder=control / "vault",
    )
    return run, kernel


def of_a_user(control: Path, pair: str) -> tuple[Seal, Seal]:
    """The same two, as an ordinary user may have them:
    with the system's interpreter, and no folder of root's."""
    plain = [
        replace(
            seal,
            own=tuple(bind for bind in seal.own if bind.source == str(control / "in")),
            writable=(),
            texts=(),
            readable=tuple(bind for bind in seal.readable if bind.target == "/env"),
        )
        for seal in seals(control, pair)
    ]
    return plain[0], plain[1]


@pytest.fixture(scope="module")
def talk(control: Path) -> Path:
    folder = control / "control"
    folder.mkdir()
    return folder


@contextmanager
def pair(
    bubblewrap: Bubblewrap, seals: tuple[Seal, Seal], python: str, talk: Path
) -> Iterator[tuple[Any, Any]]:
    with agent(bubblewrap, seals[0], python, talk) as send, agent(bubblewrap, seals[1], python, talk) as read:
        yield send, read


@pytest.fixture(scope="module")
def defended(talk: Path, control: Path) -> Iterator[tuple[Any, Any]]:
    with pair(Bubblewrap(), seals(control, "defended"), str(KERNEL_PYTHON), talk) as both:
        yield both


@pytest.fixture(scope="module")
def undefended(talk: Path, control: Path) -> Iterator[tuple[Any, Any]]:
    with pair(
        Undefended(control, Bubblewrap()), seals(control, "undefended"), str(KERNEL_PYTHON), talk
    ) as both:
        yield both


@pytest.fixture(scope="module")
def ordinary(control: Path) -> OrdinaryUser:
    folder = control / "programs"
    folder.mkdir()
    folder.chmod(0o755)
    return OrdinaryUser(folder)


@pytest.fixture(scope="module")
def defended_user(ordinary: OrdinaryUser, talk: Path, control: Path) -> Iterator[tuple[Any, Any]]:
    with pair(ordinary, of_a_user(control, "defended-user"), PYTHON, talk) as both:
        yield both


@pytest.fixture(scope="module")
def undefended_user(ordinary: OrdinaryUser, talk: Path, control: Path) -> Iterator[tuple[Any, Any]]:
    with pair(Undefended(control, ordinary), of_a_user(control, "undefended-user"), PYTHON, talk) as both:
        yield both


ONLY_AS_ROOT = pytest.mark.skipif(
    not ROOT, reason="an ordinary user's seals are what the other tests make here"
)


@pytest.mark.parametrize("name", CHANNELS)
def test_no_bit_goes_from_a_run_to_a_kernel(name: str, defended: tuple[Any, Any], control: Path) -> None:
    seen = received(CHANNELS[name], *defended, PLACES, control)
    assert len(set(seen)) == 1, f"{CHANNELS[name].source}: {seen}"


@pytest.mark.parametrize("name", [name for name, channel in CHANNELS.items() if not channel.user])
def test_without_the_defences_every_bit_does(name: str, undefended: tuple[Any, Any], control: Path) -> None:
    """Or the test above would prove nothing.
    What is counted for the whole machine is moved by others too, and a cached page may be dropped where
    memory is short: so it may be sent again. A receiver that sees nothing guesses all bits in any of these
    with a chance of 2e-3."""
    with without_lock(EVENTS) if name.endswith("_of_an_eventfd") else nullcontext():
        seen = [received(CHANNELS[name], *undefended, PLACES, control)]
        while seen[-1] != list(BITS) and len(seen) < TRIES:
            seen.append(received(CHANNELS[name], *undefended, PLACES, control))
    assert seen[-1] == list(BITS), seen


@ONLY_AS_ROOT
@pytest.mark.parametrize("name", CHANNELS)
def test_no_bit_goes_between_the_seals_of_an_ordinary_user(
    name: str, defended_user: tuple[Any, Any], control: Path
) -> None:
    seen = received(CHANNELS[name], *defended_user, PLACES, control)
    assert len(set(seen)) == 1, f"{CHANNELS[name].source}: {seen}"


@ONLY_AS_ROOT
@pytest.mark.parametrize("name", [name for name, channel in CHANNELS.items() if channel.user])
def test_without_the_defences_every_bit_goes_between_the_seals_of_an_ordinary_user(
    name: str, undefended_user: tuple[Any, Any], control: Path
) -> None:
    seen = [received(CHANNELS[name], *undefended_user, PLACES, control)]
    while seen[-1] != list(BITS) and len(seen) < TRIES:
        seen.append(received(CHANNELS[name], *undefended_user, PLACES, control))
    assert seen[-1] == list(BITS), seen


def test_the_undefended_seals_run_the_same_program_with_the_same_limits(control: Path) -> None:
    true = Bubblewrap()
    for seal in seals(control, "compared"):
        lines = true.line(seal, [], {}), Undefended(control, true).line(seal, [], {})
        assert (
            lines[0].index("--chdir") and lines[0][lines[0].index("--") :] == lines[1][lines[1].index("--") :]
        )
        assert all(device in lines[1] for device in DEVICES)
