"""The start of a kernel: sealed, with a session at the vault, or not at all.

A `jupyter_client` kernel provisioner (entry point `cihu-sealed`). It runs in the person's single-user
server, which is trusted; the kernel is not. They talk over Unix sockets in the kernel's run folder, by
signed Jupyter messages.
"""

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from tornado.web import HTTPError

from sandbox.errors import CihuError, Forbidden, NotAuthenticated, TooMany, Unavailable
from sandbox.hub import run_folder
from sandbox.hub.kernel_pause import Pauses, ask_pause, said_until, why_paused
from sandbox.hub.kernel_seal import kernel_seal, seal_name
from sandbox.hub.kernel_session import KernelToken, open_session, renew
from sandbox.hub.run_folder import INSIDE_SOCKETS, RunFolder
from sandbox.hub.settings import MIB, ServerSettings, server_settings
from sandbox.seals import (
    TOO_MUCH_MEMORY,
    TOO_MUCH_PROCESSOR,
    Bubblewrap,
    Limits,
    Seal,
    check_seal,
    freeze,
    interpreter,
    thaw,
)

STATUS: dict[type[CihuError], int] = {NotAuthenticated: 403, Forbidden: 403, TooMany: 429}
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
START_SECONDS = 60.0
log = logging.getLogger("cihu.kernels")


def shown(refused: CihuError) -> HTTPError:
    """The web handler shows this message to the person; any other exception would show "Unhandled error"."""
    told = " / ".join(dict.fromkeys(" ".join(refused.words(language)).strip() for language in ("en", "zh")))
    return HTTPError(
        STATUS.get(type(refused), 503), log_message=told.replace("%", "%%"), reason="The kernel did not start"
    )


def limits(settings: ServerSettings) -> Limits:
    memory = settings.kernel_memory_bytes
    return Limits(memory_bytes=memory, tree_bytes=memory)


def too_much_memory(limits: Limits) -> str:
    return (
        "The kernel before this one was ended: its processes used more than "
        f"{limits.tree_bytes // MIB} MiB of memory together. Its variables are gone. Ask the vault for fewer "
        "groups, or run fewer processes at once. / 上一个内核已被终止：其所有进程合计使用的内存超过 "
        f"{limits.tree_bytes // MIB} MiB，其中的变量已丢失。请向数据保险库查询较少的分组，"
        "或减少同时运行的进程数。"
    )


def out_of_processor_time(limits: Limits) -> str:
    hours = limits.cpu_seconds / 3600
    return (
        f"The kernel before this one was ended: it used more than {hours:g} hours of processor time. "
        f"Its variables are gone. / 上一个内核已被终止：其使用的处理器时间超过 {hours:g} "
        "小时，其中的变量已丢失。"
    )


def last_words(said: int) -> str:
    try:
        return os.read(said, 65536)[-2000:].decode(errors="replace").strip()
    except BlockingIOError:
        return ""


class SealedProvisioner(LocalProvisioner):
    """One sealed kernel. What cannot be sealed, or has no leave from the vault, does not start;
    the person reads why."""

    running: ClassVar[set[str]] = set()  # the kernels of this server, which serves one person
    started: ClassVar[dict[str, "SealedProvisioner"]] = {}
    checked: ClassVar[bool] = False

    folder: RunFolder | None = None
    seal: Seal | None = None
    keeper: asyncio.Task[None] | None = None
    notice = ""  # why the last one ended, for the person to read in the next
    paused_until: datetime | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        try:
            settings = server_settings()
            await self.prepare(settings)
            return await self.sealed(settings, kwargs)
        except CihuError as refused:
            log.warning("kernel %s did not start: %s (%s)", self.kernel_id, refused.code, refused.internal)
            self.abandon()
            raise shown(refused) from refused

    async def prepare(self, settings: ServerSettings) -> None:
        """Everything that may fail: room on the machine, a seal that holds, a session at the vault."""
        others = SealedProvisioner.running - {self.kernel_id}
        if len(others) >= settings.kernels_per_person:
            raise TooMany(
                f"You have {len(others)} kernels, and no more than "
                f"{settings.kernels_per_person} may run at once.",
                remedy="Shut one kernel down: the round icon at the left, “Running Terminals and Kernels”.",
                zh=f"您有 {len(others)} 个内核，同时运行的内核不能超过 {settings.kernels_per_person} 个。",
                remedy_zh="请关闭一个：左侧的圆形图标“正在运行的终端和内核”。",
            )
        if not (settings.vault_folder / "vault.sock").exists():
            raise Unavailable(
                "The vault is not running, so a kernel could not ask it anything.",
                remedy="Try again in a minute; the operator starts it with `cihu up`.",
                zh="数据保险库没有运行，内核无法向它查询。",
                remedy_zh="请一分钟后重试；运维人员可用 `cihu up` 启动它。",
            )
        if not SealedProvisioner.checked:
            await asyncio.to_thread(check_seal, settings.kernel_python)
            SealedProvisioner.checked = True
            run_folder.sweep(settings.run)
        if until := await ask_pause(
            settings, sum(not kernel.paused for kernel in SealedProvisioner.started.values())
        ):
            english, chinese = why_paused(until)
            raise Unavailable(
                f"No kernel starts now: {english}",
                remedy=f"Try again after {said_until(until)}.",
                zh=f"目前不能启动内核：{chinese}",
                remedy_zh=f"请在 {said_until(until)} 之后重试。",
            )
        SealedProvisioner.running.add(self.kernel_id)
        token = await open_session(settings.vault_url, settings.workspace_token(), self.kernel_id)
        if self.folder is None:  # a restart keeps its folder: the browser's connections stay as they are
            self.folder = run_folder.make(settings.run)
        self.folder.write_token(token.text)
        self.keep(token, settings)

    async def sealed(self, settings: ServerSettings, kwargs: dict[str, Any]) -> dict[str, Any]:
        folder, manager = self.folder, self.parent
        assert folder is not None and manager is not None
        bubblewrap = Bubblewrap()
        name = seal_name(settings.person, self.kernel_id)
        folder.clear_sockets(bubblewrap.host.user(name) if bubblewrap.host.root else None)
        manager.transport, manager.cache_ports = "ipc", False
        manager.ip, manager.connection_file = folder.socket_prefix, str(folder.connection_file)
        prepared = await super().pre_launch(**kwargs)
        folder.write_connection(self.connection_info)
        self.seal = kernel_seal(
            person=settings.person,
            kernel=self.kernel_id,
            python=settings.kernel_python,
            interpreter=interpreter(settings.kernel_python),
            inbox=folder.inbox,
            sockets=folder.sockets,
            vault_folder=settings.vault_folder,
            language=settings.language,
            limits=limits(settings),
        )
        return {**prepared, "cmd": list(self.seal.command), "cwd": "/", "env": {}}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Nothing of `kwargs` reaches the kernel: what a notebook's metadata or a request
        could set stays outside."""
        assert self.folder is not None and self.seal is not None
        # on this thread, which lives as long as the server: the seal dies with the thread that made it
        bubblewrap = Bubblewrap()
        said, output = os.pipe()  # not a file: a kernel could fill the disk by it
        os.set_blocking(said, False)
        os.set_blocking(output, False)
        self.process = bubblewrap.start(self.seal, output=output)
        os.close(output)
        try:
            await self.bound(self.folder, said)
            # before a line of the person's runs: or the folder, which is on the disk, could be filled (or
            # its sockets changed)
            await asyncio.to_thread(bubblewrap.shut, self.process, INSIDE_SOCKETS)
            self.folder.let_begin(self.notice)
            self.notice = ""
        except CihuError as failed:
            self.process.kill()
            log.warning("kernel %s did not start: %s (%s)", self.kernel_id, failed.code, failed.internal)
            self.abandon()
            raise shown(failed) from failed
        finally:
            os.close(said)
        SealedProvisioner.started[self.kernel_id] = self
        PAUSES.keep(server_settings())
        self.pid = self.process.pid
        self.pgid = None  # the seal has a session of its own; ending bubblewrap ends all in it
        self.cwd = "/"
        return self.connection_info

    async def bound(self, folder: RunFolder, said: int) -> None:
        """Wait until the kernel listens on its five sockets.
        Raises Unavailable with its last words if it does not."""
        ports = [int(self.connection_info[name]) for name in PORTS]  # type: ignore[literal-required]
        deadline = time.monotonic() + START_SECONDS
        while not all(folder.has_socket(port) for port in ports):
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(
                    "The kernel did not start.",
                    remedy="Try again; if it stays so, tell the operator.",
                    internal=last_words(said),
                )
            await asyncio.sleep(0.02)  # another process makes them

    async def poll(self) -> int | None:
        """Asked every few seconds, by Jupyter: the reason why it ended."""
        status = await super().poll()
        if status == TOO_MUCH_MEMORY and self.seal and not self.notice:
            self.notice = too_much_memory(self.seal.limits)
            log.warning("kernel %s was ended: too much memory", self.kernel_id)
        if status == TOO_MUCH_PROCESSOR and self.seal and not self.notice:
            self.notice = out_of_processor_time(self.seal.limits)
            log.warning("kernel %s was ended: too much processor time", self.kernel_id)
        return status

    @property
    def paused(self) -> bool:
        return self.paused_until is not None

    def pause(self, until: datetime) -> None:
        if self.process is None or self.folder is None:
            return
        freeze(self.process)
        self.paused_until = until
        english, chinese = why_paused(until)
        self.folder.write("paused", f"The kernel was paused: {english}\n内核曾暂停运行：{chinese}")
        log.info("kernel %s is paused until %s", self.kernel_id, said_until(until))

    def go_on(self) -> None:
        if self.process is not None and self.paused_until is not None:
            self.paused_until = None
            thaw(self.process)

    async def send_signal(self, signum: int) -> None:
        """Signals reach bubblewrap, not the kernel: an interrupt goes as a message (kernel.json),
        and only ends pass here."""
        if signum != signal.SIGINT:
            await super().send_signal(signum)

    def keep(self, token: KernelToken, settings: ServerSettings) -> None:
        """Renew the token in the kernel's inbox at half of its life,
        so that a kernel that sleeps can still ask."""
        if self.keeper:
            self.keeper.cancel()
        self.keeper = asyncio.get_running_loop().create_task(self.keep_fresh(token, settings))

    async def keep_fresh(self, token: KernelToken, settings: ServerSettings) -> None:
        while True:
            left = (token.expires_at - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(left / 2, 1))
            try:
                token = await renew(settings.vault_folder, token.text)
            except (NotAuthenticated, Forbidden):
                return  # the session is over; the kernel's next question says so
            except CihuError:
                continue
            if self.folder:
                self.folder.write_token(token.text)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002  # Jupyter's signature
        await super().cleanup(restart=restart)
        if not restart:
            self.abandon()

    def abandon(self) -> None:
        SealedProvisioner.running.discard(self.kernel_id)
        SealedProvisioner.started.pop(self.kernel_id, None)
        self.paused_until = None
        if self.keeper:
            self.keeper.cancel()
            self.keeper = None
        if self.folder:
            self.folder.remove()
            self.folder = None

    def resolve_path(self, path_str: str) -> str | None:
        """The kernel's paths are not this server's: none is shown as a file here."""
        return None

    async def get_provisioner_info(self) -> dict[str, Any]:
        info: dict[str, Any] = await super().get_provisioner_info()
        with suppress(KeyError):
            del info["connection_info"]  # holds the key that signs messages
        return info


PAUSES = Pauses(lambda: list(SealedProvisioner.started.values()))
