"""Spawns a person's server: as the service's own user, in the person's folder, with few variables.

People are no users of the operating system. What keeps them apart is that no server runs what a person
writes: only sealed kernels do, and each server serves one folder.
"""

import ctypes
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Unicode

from sandbox.free_ports import free_port
from sandbox.hub.language import language_of
from sandbox.hub.pages import page_words
from sandbox.hub.settings import CHECKOUT
from sandbox.hub.workspace import give_notebooks, prepare_workspace, server_folder, token_file

PR_SET_PDEATHSIG = 1


class WorkspaceSpawner(LocalProcessSpawner):  # type: ignore[misc]
    """One server a person; it ends with the hub, and its kernels with it."""

    home = Unicode(help="CIHU_HOME").tag(config=True)
    vault_url = Unicode().tag(config=True)
    portal_url = Unicode().tag(config=True)
    kernel_python = Unicode().tag(config=True)

    at_once = False  # the login has ended: nothing of the server may go on while it shuts down

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002  # JupyterHub's signature
        if self.at_once:
            self.kill_now()
        await super().stop(now=now or self.at_once)

    def kill_now(self) -> None:
        """The server's kernels end with it: their seals are tied to it."""
        if self.proc is not None and self.proc.poll() is None:
            self.proc.kill()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the person reads while they wait, in their language."""
        words = page_words(self.language())
        yield {"progress": 50, "message": words["starting"]}

    async def poll(self) -> int | None:
        """A server ends with the hub that started it: one that another hub has left in the database is gone,
        at once.

        Its number says nothing: it may be another process's, or a dead one's that nobody has collected.
        """
        if self.proc is None:
            self.clear_state()
            return 0
        status: int | None = await super().poll()
        return status

    async def start(self) -> tuple[str, int]:
        home, person = Path(self.home), self.user.name
        self.notebook_dir = str(prepare_workspace(home, person))
        opened = give_notebooks(home, person, CHECKOUT / "notebooks", self.language())
        self.default_url = f"/lab/tree/{opened}"
        self.port = free_port()
        address: tuple[str, int] = await super().start()
        return address

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        state = server_folder(Path(self.home), self.user.name)
        return env | {
            "HOME": str(state),
            "USER": self.user.name,
            "SHELL": "/bin/false",
            "JUPYTER_CONFIG_DIR": str(state / "config"),
            "JUPYTER_DATA_DIR": str(state / "data"),
            "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
            "JUPYTER_NO_CONFIG": "1",
            "CIHU_HOME": self.home,
            "CIHU_VAULT_URL": self.vault_url,
            "CIHU_PORTAL_URL": self.portal_url,
            "CIHU_KERNEL_PYTHON": self.kernel_python,
            "CIHU_WORKSPACE_TOKEN_FILE": str(token_file(Path(self.home), self.user.name)),
            "CIHU_LANGUAGE": self.language(),
        }

    def language(self) -> str:
        """The person's, "zh" or "en"; "" when nothing says."""
        return language_of(self.handler.request) if self.handler else ""

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        hub = os.getpid()
        libc = ctypes.CDLL(None)

        def tie_to_hub() -> None:
            libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
            if os.getppid() != hub:  # it ended before we could ask
                os._exit(1)
            os.umask(0o077)

        return tie_to_hub

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        return paths
