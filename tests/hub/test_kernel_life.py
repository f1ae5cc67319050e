"""A kernel starts sealed or not at all, can be interrupted and restarted, and leaves nothing behind."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.hub import run_folder
from workspace import Kernel, VaultProcess, WorkspaceProcess, workspace_process


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)  # another process does it; there is no event to wait on


def folders(workspace: WorkspaceProcess) -> set[str]:
    return {path.name for path in (workspace.home / "run" / "k").iterdir()}


def test_a_kernel_can_be_interrupted(kernel: Kernel, workspace: WorkspaceProcess) -> None:
    import threading

    said: list[str] = []
    running = threading.Thread(
        target=lambda: said.append(kernel.text("print('on', flush=True)\nimport time; time.sleep(60)"))
    )
    running.start()
    until(lambda: workspace.request("GET", f"/api/kernels/{kernel.id}").json()["execution_state"] == "busy")
    workspace.request("POST", f"/api/kernels/{kernel.id}/interrupt")
    running.join(120)
    assert "KeyboardInterrupt" in said[0]
    assert kernel.text("print(1)") == "1\n"


def test_a_restart_forgets_everything_and_keeps_the_browsers_connection(kernel: Kernel) -> None:
    kernel.text("x = 1; open('/tmp/x', 'w').write('x')")
    kernel.client.restart()
    said = kernel.text("import os\nprint('x' in globals(), os.path.exists('/tmp/x'))")
    assert said == "False False\n"
    assert "clinic.visits" in kernel.text("import cihu\ncihu.datasets()")


def test_a_kernel_that_is_shut_down_leaves_no_folder_and_no_process(workspace: WorkspaceProcess) -> None:
    before = folders(workspace)
    with workspace.kernel() as kernel:
        [mine] = folders(workspace) - before
        kernel.text("import subprocess; subprocess.Popen(['/bin/sleep', '77.25'])")
        assert sleeping("77.25")
    until(lambda: not sleeping("77.25"))
    until(lambda: mine not in folders(workspace))


def sleeping(seconds: str) -> bool:
    def line(pid: Path) -> bytes:
        try:
            return (pid / "cmdline").read_bytes()
        except OSError:
            return b""

    return any(
        line(pid) == f"/bin/sleep\0{seconds}\0".encode()
        for pid in Path("/proc").iterdir()
        if pid.name.isdigit()
    )


def test_a_kernel_that_dies_is_started_again_in_a_seal(kernel: Kernel, workspace: WorkspaceProcess) -> None:
    before = folders(workspace)
    with pytest.raises(TimeoutError):
        kernel.run("x = 1; import os; os._exit(7)", timeout=4)
    said = ""

    def answers() -> bool:
        nonlocal said
        try:
            # PR_GET_SECCOMP
            code = "import ctypes\nprint('x' in globals(), ctypes.CDLL(None).prctl(21, 0, 0, 0, 0))"
            said = kernel.text(code, 5)
        except TimeoutError:
            return False
        return True

    until(answers)
    assert said == "False 2\n"  # a filter
    assert folders(workspace) == before


def test_a_killed_server_takes_its_kernels_and_their_folders_along(vault: VaultProcess) -> None:
    """A token and a connection key are in them; nobody has to come by again."""
    others = {path.name for path in (vault.home / "run" / "k").glob("*")}
    with workspace_process(vault, "li") as server, server.kernel() as kernel:
        kernel.text("import subprocess; subprocess.Popen(['/bin/sleep', '78.5'])")
        assert sleeping("78.5")
        left = folders(server) - others
        assert left
        server.process.kill()
        until(lambda: not sleeping("78.5"))
        until(lambda: not any((server.home / "run" / "k" / name).exists() for name in left))


def test_a_folder_that_somebody_holds_is_not_swept(tmp_path: Path) -> None:
    held = run_folder.make(tmp_path)
    left = run_folder.make(tmp_path)
    fcntl.flock(left._lock, fcntl.LOCK_UN)
    assert run_folder.sweep(tmp_path) == 1
    assert held.path.exists() and not left.path.exists()
    held.remove()
    left.remove()


def test_a_folder_without_a_lock_is_swept_when_it_is_old(tmp_path: Path) -> None:
    """Its server was killed between making it and locking it."""
    left = run_folder.make(tmp_path)
    (left.path / "lock").unlink()
    assert run_folder.sweep(tmp_path) == 0
    os.utime(left.path, (0, 0))
    assert run_folder.sweep(tmp_path) == 1 and not left.path.exists()
    left.remove()


def test_with_nothing_to_guard_there_is_no_guard(tmp_path: Path) -> None:
    first, second = run_folder.make(tmp_path), run_folder.make(tmp_path)
    first.remove()
    assert run_folder.guard._process is not None and run_folder.guard._process.poll() is None
    second.remove()
    assert run_folder.guard._process is None
    run_folder.make(tmp_path).remove()


def test_a_guard_that_was_killed_is_replaced_by_one_that_knows_all_folders(tmp_path: Path) -> None:
    root = run_folder.short_root(tmp_path)
    code = """
import os, signal, sys
from pathlib import Path
from sandbox.hub import run_folder
first = run_folder.make(Path(sys.argv[1]))
run_folder.guard._process.kill()
run_folder.guard._process.wait()
second = run_folder.make(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    until(lambda: not list(root.iterdir()))


def test_a_long_home_gets_a_short_folder_for_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    root = run_folder.short_root(deep)
    assert len(os.fsencode(root / run_folder.LONGEST_NAME)) <= run_folder.SUN_PATH_BYTES
    assert root.stat().st_mode & 0o777 == 0o700
    root.rmdir()


def refusal(server: WorkspaceProcess) -> tuple[int, str]:
    answer = server.request("POST", "/api/kernels", json={"name": "cihu"})
    return answer.status_code, answer.json().get("message", "")


def test_without_a_vault_no_kernel_starts_and_the_person_reads_why(vault: VaultProcess) -> None:
    with workspace_process(vault, "wang", CIHU_VAULT_URL="http://127.0.0.1:1") as server:
        status, said = refusal(server)
        assert status == httpx.codes.SERVICE_UNAVAILABLE
        assert "The vault does not answer" in said and "Try again" in said


def test_without_a_kernel_environment_no_kernel_starts_and_the_person_reads_why(
    vault: VaultProcess, tmp_path: Path
) -> None:
    with workspace_process(vault, "wang", CIHU_KERNEL_PYTHON=str(tmp_path / "bin" / "python")) as server:
        status, said = refusal(server)
        assert status == httpx.codes.SERVICE_UNAVAILABLE
        assert "make setup" in said


def test_a_seal_that_cannot_be_made_starts_no_kernel_and_the_person_reads_why(
    vault: VaultProcess, tmp_path: Path
) -> None:
    """A machine whose bubblewrap fails: here, an interpreter that is none."""
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to("/bin/false")
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
    with workspace_process(vault, "wang", CIHU_KERNEL_PYTHON=str(environment / "bin" / "python")) as server:
        status, said = refusal(server)
        assert status == httpx.codes.SERVICE_UNAVAILABLE
        assert "cannot be sealed" in said
        assert server.request("GET", "/api/kernels").json() == []


def test_a_workspace_whose_session_is_over_starts_no_kernel(vault: VaultProcess) -> None:
    with workspace_process(vault, "li") as server:
        (vault.home / "hub" / "servers" / "li" / "token").write_text("no.token.atall")
        status, said = refusal(server)
        assert status == httpx.codes.FORBIDDEN
        assert "og in" in said


def test_a_person_may_run_so_many_kernels_and_no_more(vault: VaultProcess) -> None:
    with workspace_process(vault, "wang", CIHU_KERNELS_PER_PERSON="1") as server, server.kernel():
        status, said = refusal(server)
        assert status == httpx.codes.TOO_MANY_REQUESTS
        assert "no more than 1 may run at once" in said


def test_the_kernels_token_is_kept_fresh_while_it_sleeps(vault: VaultProcess) -> None:
    """A session of less than a minute: its token is renewed at half of its life, by the server,
    into the kernel's read-only inbox. Not wang's, whose workspace the other tests share."""
    with workspace_process(vault, "li") as server:
        (vault.home / "hub" / "servers" / "li" / "token").write_text(vault.workspace_token("li", seconds=40))
        with server.kernel() as kernel:
            [file] = (vault.home / "run" / "k").glob("*/in/token")
            first = file.read_text()
            until(lambda: file.read_text() != first)
            assert kernel.text("print(1)") == "1\n"


OTHERS = """
import os
def group(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
print({group(pid) for pid in range(1, 2000)} - {0, os.getpgid(0), os.getpgid(1)})
"""


def test_several_kernels_of_one_person_work_at_once_and_share_nothing(workspace: WorkspaceProcess) -> None:
    with workspace.kernel() as one, workspace.kernel() as two, workspace.kernel() as three:
        for number, each in enumerate((one, two, three)):
            each.text(f"x = {number}\nopen('/tmp/x', 'w').write('{number}')")
        assert [each.text("print(x, open('/tmp/x').read())") for each in (one, two, three)] == [
            "0 0\n",
            "1 1\n",
            "2 2\n",
        ]
        assert one.text(OTHERS) == "set()\n"


def test_a_kernel_that_nobody_looks_at_and_does_nothing_is_ended_and_one_that_is_looked_at_is_not(
    vault: VaultProcess,
) -> None:
    with (
        workspace_process(vault, "wang", CIHU_KERNEL_IDLE_SECONDS="4") as server,
        server.kernel() as looked_at,
    ):
        left = server.request("POST", "/api/kernels", json={"name": "cihu"}).json()["id"]
        until(lambda: server.request("GET", f"/api/kernels/{left}").status_code == httpx.codes.NOT_FOUND)
        assert looked_at.text("print('still')") == "still\n"


def test_what_is_saved_outlives_its_server_and_what_a_kernel_had_does_not(vault: VaultProcess) -> None:
    """A hub that is restarted ends the servers, and they their kernels:
    the workspace's files are what stays."""
    cell = {
        "cell_type": "code",
        "source": "x = 41",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "id": "a",
    }
    saved = {
        "type": "notebook",
        "format": "json",
        "content": {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    }
    with workspace_process(vault, "song") as server, server.kernel() as kernel:
        kernel.text("x = 41\nopen('kept.txt', 'w').write('41')")
        assert (
            server.request("PUT", "/api/contents/mine.ipynb", json=saved).status_code == httpx.codes.CREATED
        )
    with workspace_process(vault, "song") as server:
        again = server.request("GET", "/api/contents/mine.ipynb").json()["content"]["cells"][0]["source"]
        assert again == "x = 41" and server.request("GET", "/api/kernels").json() == []
        assert server.request("GET", "/api/contents/kept.txt").status_code == httpx.codes.NOT_FOUND
        with server.kernel() as kernel:
            assert (
                kernel.text("import os\nprint('x' in globals(), os.path.exists('kept.txt'))")
                == "False False\n"
            )
