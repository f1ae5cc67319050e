"""How is a seal made with gVisor? As with bubblewrap, and inside it runsc, whose own kernel takes the program's system calls.

Bubblewrap still makes what the seal shows, its folders in memory and its limits, and an empty network; `runsc do` then runs the
program on that as its root, on a kernel in user space. Our system call filter is left out, because runsc itself must make
namespaces; the program never calls this machine's kernel. Whether it all holds is proved by `check_seal` before any program
runs, as with bubblewrap: where runsc cannot start in here, or a wall is open, runs are refused.
Source: gVisor's user guide (rootless, `runsc do`, its platforms).
"""

import shutil
import subprocess
from dataclasses import replace
from pathlib import PurePosixPath
from typing import IO

from sandbox.errors import Unavailable
from sandbox.seals.bubblewrap import Bubblewrap, limits_of
from sandbox.seals.host import Host, below_system
from sandbox.seals.model import Bind, Seal

RUNSC = "runsc"
STATE = "/tmp/runsc"  # noqa: S108  # the seal's own, in memory
# no network, no cgroups of its own, no host sockets; a host pipe only to be let begin
FLAGS = ("--rootless", "--network=none", "--ignore-cgroups", "--host-uds=none", "--host-fifo=open", "--platform=systrap",
         f"--root={STATE}")
WIDE = 2**46  # its kernel reserves address space for the program's: memory itself stays limited
NO_RIGHTS = ("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", "--")
OWN_THREADS = 192  # of its kernel and of who reads files for it


class Gvisor(Bubblewrap):
    """The seals of this machine, with runsc inside. Unavailable says that it is not there."""

    waived = frozenset({"unfiltered", "makes_links", "runs_as_root"})
    """What is harmless on a kernel of its own: no filter of ours, links that nobody follows (outbox.py), root without rights."""
    own_kernel = True

    def __init__(self, host: Host | None = None, runsc: str = "") -> None:
        super().__init__(host)
        self.runsc = runsc or find_runsc()
        self.programs = ()

    def start(self, seal: Seal, *, output: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        return super().start(in_gvisor(seal, self.runsc, self.host), output=output)


def find_runsc() -> str:
    found = shutil.which(RUNSC, path="/usr/local/bin:/usr/bin:/opt/gvisor/bin")
    if not found:
        raise Unavailable("Sealed runs are to have gVisor (CIHU_RUN_SEAL=gvisor), and runsc is not on this machine.",
                          mend="Install gVisor's runsc into /usr/local/bin, or set CIHU_RUN_SEAL=bubblewrap.")
    return found


def in_gvisor(seal: Seal, runsc: str, host: Host) -> Seal:
    """The same seal, with its command on gVisor's kernel. The program's own limits stand inside, where it could meet them."""
    limits = replace(seal.limits, memory_bytes=WIDE, tree_address_bytes=WIDE, processes=seal.limits.processes + OWN_THREADS)
    command = (runsc, *FLAGS, "do", "--quiet", "--force-overlay=false", f"--cwd={seal.folder}", "--", host.setpriv, *NO_RIGHTS,
               host.prlimit, *limits_of(seal), "--", *seal.command)
    shown = () if below_system(runsc) else (Bind(runsc, str(PurePosixPath(runsc))),)
    return replace(seal, command=command, limits=limits, readable=(*seal.readable, *shown))


def chosen_sealer(name: str) -> Bubblewrap:
    """By its name in the settings: "bubblewrap" or "gvisor". Raises Unavailable for one that is not here."""
    return Gvisor() if name == "gvisor" else Bubblewrap()
