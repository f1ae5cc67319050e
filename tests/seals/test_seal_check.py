"""A machine proves that it can seal, or says why not and what to do."""

import ast
import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox.seals
from about_processes import below, program
from ordinary_user import PYTHON, USER, OrdinaryUser
from sandbox.errors import Unavailable
from sandbox.seals import Bind, Bubblewrap, Seal, check_seal
from sandbox.seals.bubblewrap import WATCH
from sandbox.seals.check import judge
from sandbox.seals.host import interpreter, refuse_wide, tool
from sandbox.seals.watch import NOT_SEALED


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own is shut."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_this_machine_seals(kernel_python: Path) -> None:
    check_seal(kernel_python)


@pytest.mark.skipif(os.geteuid() != 0, reason="the ordinary user's mode is what the other tests run here")
def test_an_ordinary_user_can_seal_too(open_folder: Path) -> None:
    """The same walls hold when an ordinary user makes the seal."""
    check_seal(Path(PYTHON), OrdinaryUser(open_folder), readable=())


@pytest.mark.skipif(os.geteuid() != 0, reason="root's mode")
def test_started_by_root_the_program_is_another_user_of_the_host(kernel_python: Path) -> None:
    waiting = "import time; print(1, flush=True); time.sleep(60)"
    seal = Seal(
        command=(str(kernel_python), "-c", waiting), readable=interpreter(kernel_python), name="somebody"
    )
    bubblewrap = Bubblewrap()
    reader, writer = os.pipe()
    process = bubblewrap.start(seal, output=writer)
    os.close(writer)
    os.read(reader, 1)
    users = {
        os.stat(f"/proc/{pid}").st_uid for pid in below(process.pid) if not program(pid).endswith("/bwrap")
    }
    process.kill()
    process.wait()
    os.close(reader)
    assert users == {bubblewrap.host.user("somebody")}


def test_one_open_wall_is_as_good_as_none() -> None:
    with pytest.raises(Unavailable, match="opens vsock"):
        judge(0, '{"opens_vsock": true, "rights": false}')


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("bwrap: No permissions to create new namespace", "user namespaces"),
        ("bwrap: Creating new namespace failed: Operation not permitted", "container"),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths"),
        ("", "README"),
    ],
)
def test_a_seal_that_fails_says_why_and_what_to_do(said: str, remedy: str) -> None:
    with pytest.raises(Unavailable) as refused:
        judge(1, said)
    assert remedy in refused.value.remedy
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in words) for words in refused.value.words("zh"))


def errors_without_chinese() -> list[str]:
    """Where the seals' code raises Unavailable, by file and line:
    both languages stand beside each other there."""
    found = []
    for path in Path(sandbox.seals.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Unavailable"
            ):
                given = {keyword.arg for keyword in node.keywords}
                if not {"remedy", "zh", "remedy_zh"} <= given:
                    found.append(f"{path.name}:{node.lineno}")
    return found


def test_every_reason_why_there_is_no_seal_is_given_in_both_languages() -> None:
    assert errors_without_chinese() == []


def test_a_missing_tool_is_named_with_the_remedy() -> None:
    with pytest.raises(Unavailable, match="no-such-tool.*util-linux"):
        tool("no-such-tool")


def test_a_missing_environment_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="make setup"):
        interpreter(tmp_path / "bin" / "python")


@pytest.mark.parametrize("folder", [Path.home(), Path("/home"), Path("/var")])
def test_an_interpreter_never_opens_a_home(folder: Path) -> None:
    with pytest.raises(Unavailable, match="more than an interpreter"):
        refuse_wide(folder)


WRITER = """
import sys, time
open("/out/before", "w").close()
print("ready", flush=True)
while True:
    try:
        open("/out/after", "a").close()
        time.sleep(0.01)
    except OSError as refused:
        sys.exit(refused.errno)
"""


def shut_while_it_writes(process: subprocess.Popen[bytes], bubblewrap: Bubblewrap, said: int) -> int:
    assert os.read(said, 5) == b"ready"
    bubblewrap.shut(process, "/out")
    return process.wait(120)


def test_a_folder_is_shut_while_the_program_runs(kernel_python: Path, open_folder: Path) -> None:
    bubblewrap = Bubblewrap()
    if bubblewrap.host.root:
        os.chown(open_folder, bubblewrap.host.user("writer"), -1)
    seal = Seal(
        command=(str(kernel_python), "-c", WRITER),
        readable=interpreter(kernel_python),
        writable=(Bind(str(open_folder), "/out"),),
        name="writer",
    )
    said, output = os.pipe()
    process = bubblewrap.start(seal, output=output)
    os.close(output)
    assert shut_while_it_writes(process, bubblewrap, said) == errno.EROFS
    os.close(said)


def test_a_program_that_ended_cannot_be_shut(kernel_python: Path) -> None:
    bubblewrap = Bubblewrap()
    process = bubblewrap.start(
        Seal(command=(str(kernel_python), "-c", "pass"), readable=interpreter(kernel_python))
    )
    process.wait()
    with pytest.raises(Unavailable, match="ended"):
        bubblewrap.shut(process, "/tmp")


@pytest.mark.skipif(os.geteuid() != 0, reason="the ordinary user's mode is what the other tests run here")
def test_an_ordinary_user_can_shut_a_folder_too(open_folder: Path) -> None:
    (open_folder / "out").mkdir()
    os.chown(open_folder / "out", USER, -1)
    bubblewrap = OrdinaryUser(open_folder)
    seal = Seal(command=(PYTHON, "-c", WRITER), writable=(Bind(str(open_folder / "out"), "/out"),))
    said, output = os.pipe()
    process = bubblewrap.start(seal, output=output)
    os.close(output)
    assert shut_while_it_writes(process, bubblewrap, said) == errno.EROFS
    os.close(said)


def test_a_seal_whose_devices_cannot_be_made_read_only_does_not_start(kernel_python: Path) -> None:
    bubblewrap = Bubblewrap()
    broken = WATCH.read_text().replace("MS_BIND | MS_RDONLY | kept", "MS_BIND | kept")
    assert broken != WATCH.read_text()
    bubblewrap.watch = (*bubblewrap.watch[:-1], "-c", broken)
    said, output = os.pipe()
    process = bubblewrap.start(
        Seal(command=(str(kernel_python), "-c", "print('ran')"), readable=interpreter(kernel_python)),
        output=output,
    )
    os.close(output)
    with os.fdopen(said) as file:
        heard = file.read()
    assert process.wait(120) == NOT_SEALED
    assert "the seal could not be made" in heard and "ran" not in heard
