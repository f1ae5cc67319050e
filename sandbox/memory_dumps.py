"""Keeps a process's memory off the disk: the vault's holds rows, the others' hold secrets.

A core dump is switched off here, for the process and all that it starts. `hide_memory` also keeps other
processes of the same user from attaching, and from reading `/proc/<pid>/mem` and `environ`; it ends with
`execve`, so a program that is started does it itself. Swap is not ours to switch off: an operator runs the
vault on a machine without swap, or with encrypted swap (and no hibernation); in Kubernetes pods have no swap
unless the cluster's owner gives it to them.
"""

import ctypes
import resource

PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """For this process and its children.
    The hard limit, too: no program that they start can raise it again."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_memory() -> None:
    """prctl(2), PR_SET_DUMPABLE: no core even through a pipe handler, no ptrace but root's."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)
