"""Makes a process that we start end with us, even if we are killed: the kernel signals it when its parent
goes.

The "parent" is the *thread* that started it (prctl(2), PR_SET_PDEATHSIG): start parts from
a thread that lives.
"""

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True)


def leash(ending: signal.Signals = signal.SIGKILL, *, parent: int | None = None) -> Callable[[], None]:
    """For `Popen(preexec_fn=…)`: the new process gets `ending` when the thread that starts it ends.
    `parent` is the process of that thread, this one if none is named."""
    parent = os.getpid() if parent is None else parent

    def hold() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, int(ending))
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(1)

    return hold


def adopt_orphans() -> None:
    """From now on, the orphans of our children become our children, so that we can find and end them."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
