"""The seal that gVisor makes: as with bubblewrap, and inside it runsc,
whose own kernel takes the program's system calls.

Bubblewrap still makes what the seal shows, its folders in memory and its limits, and an empty network;
`runsc do` then runs the program on that as its root, on a kernel in user space. Our system call filter is
left out, because runsc itself must make namespaces; the program never calls this machine's kernel. runsc
mounts a /proc for itself, which a kernel allows only where one is there uncovered (mount_namespaces(7)): so
what bubblewrap puts over parts of the seal's is taken off before any program runs, with a right that is given
up with all others. Whether it all holds is proved by `check_seal` before any program runs, as with
bubblewrap: where runsc cannot start in here, or a restriction is missing, runs are refused.
Source: gVisor's user guide (rootless, `runsc do`).
"""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import IO

from sandbox.errors import Unavailable
from sandbox.seals import syscalls
from sandbox.seals.bubblewrap import Bubblewrap, arguments, limits_of
from sandbox.seals.host import Host, below_system
from sandbox.seals.model import Bind, Seal

RUNSC, PLACES = "runsc", "/usr/local/bin:/usr/bin:/opt/gvisor/bin"
STATE = "/tmp/runsc"  # noqa: S108  # the seal's own, in memory
# no network, no cgroups of its own, no host sockets; a host pipe only to be let begin
FLAGS = (
    "--rootless",
    "--network=none",
    "--ignore-cgroups",
    "--host-uds=none",
    "--host-fifo=open",
    f"--root={STATE}",
)
WIDE = 2**46  # its kernel reserves address space for the program's: memory itself stays limited
NO_RIGHTS = ("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", "--")
OWN_THREADS = 192  # of its kernel and of who reads files for it
OWN_FILES = 4096
UNKNOWN = ("--msgqueue=", "--sigpending=", "--rtprio=", "--nice=")  # limits that its kernel does not have
UNCOVER = (
    "/bin/sh",
    "-c",
    'covers=$(while read -r _ _ _ _ at _; do case $at in /proc/*) echo "$at";; esac; done '
    '< /proc/self/mountinfo); for at in $covers; do umount -n "$at" || exit 1; done; exec "$@"',
    "uncover",
)
RIGHT_TO_UNCOVER = ("--cap-add", "CAP_SYS_ADMIN")
# of a user namespace (the same host user): for umount(8); and that which is asked of who maps that
# root into runsc's own
AS_ROOT_OF_THE_SEAL = ("--uid", "0", "--gid", "0", "--cap-add", "CAP_SETPCAP", "--cap-add", "CAP_SETFCAP")
ALL_BUT_MAPPING = (
    "--inh-caps=-all",
    "--ambient-caps=-all",
    "--bounding-set=-all,+setfcap",
    "--no-new-privs",
    "--",
)


class Gvisor(Bubblewrap):
    """The seals of this machine, with runsc inside. Unavailable says that it is not there."""

    waived = frozenset(
        {
            "unfiltered",
            "makes_links",
            "runs_as_root",
            "opens_netlink",
            "touches_devices",
            "sees_the_hosts_counters",
        }
    )
    """What is harmless on a kernel of its own: no filter of ours, links that nobody follows (outbox.py),
    root without rights, asking that kernel which networks there are, touching its devices and
    reading its counters."""
    own_kernel = True

    def __init__(self, host: Host | None = None, runsc: str = "") -> None:
        super().__init__(host)
        self.runsc = runsc or find_runsc()

    def programs(self, seal: Seal) -> syscalls.Programs:
        return syscalls.Programs()

    def start(self, seal: Seal, *, output: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        return super().start(in_gvisor(seal, self.runsc, self.host), output=output)

    def line(self, seal: Seal, filters: list[int], texts: Mapping[str, int]) -> list[str]:
        """As root, `arguments` gives up all rights after `first`;
        in a user namespace `first` leads to what does."""
        if self.host.root:
            return arguments(
                seal, self.host, filters, texts, rights=RIGHT_TO_UNCOVER, first=UNCOVER, proc=True
            )
        return arguments(
            seal,
            self.host,
            filters,
            texts,
            proc=True,
            rights=(*AS_ROOT_OF_THE_SEAL, *RIGHT_TO_UNCOVER),
            first=(*UNCOVER, self.host.setpriv, *ALL_BUT_MAPPING),
        )


def find_runsc() -> str:
    found = shutil.which(RUNSC, path=PLACES)
    if not found:
        raise Unavailable(
            "Sealed runs are to have gVisor (CIHU_RUN_SEAL=gvisor), and runsc is not on this machine.",
            remedy="Install gVisor's runsc (Debian: apt-get install runsc), or set CIHU_RUN_SEAL=bubblewrap.",
            zh="密封运行应当使用 gVisor（CIHU_RUN_SEAL=gvisor），但这台机器上没有 runsc。",
            remedy_zh=(
                "请安装 gVisor 的 runsc（Debian：apt-get install runsc），或设置 CIHU_RUN_SEAL=bubblewrap。"
            ),
        )
    return found


def in_gvisor(seal: Seal, runsc: str, host: Host) -> Seal:
    """The same seal, with its command on gVisor's kernel.
    The program's own limits stand inside, where it could meet them."""
    limits = replace(
        seal.limits,
        memory_bytes=WIDE,
        file_bytes=WIDE,
        open_files=OWN_FILES,
        processes=seal.limits.processes + OWN_THREADS,
    )
    inside = [limit for limit in limits_of(seal) if not limit.startswith(UNKNOWN)]
    command = (
        runsc,
        *FLAGS,
        "do",
        "--quiet",
        "--force-overlay=false",
        f"--cwd={seal.folder}",
        "--",
        host.setpriv,
        *NO_RIGHTS,
        host.prlimit,
        *inside,
        "--",
        *seal.command,
    )
    shown = () if below_system(runsc) else (Bind(runsc, str(PurePosixPath(runsc))),)
    return replace(seal, command=command, limits=limits, own=(*seal.own, *shown))


def chosen_sealer(name: str) -> Bubblewrap:
    """By its name in the settings: "bubblewrap" or "gvisor". Raises Unavailable for one that is not here."""
    return Gvisor() if name == "gvisor" else Bubblewrap()
