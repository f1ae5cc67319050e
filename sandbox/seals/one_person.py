"""The system calls of a child that predicts for one person: it reads what lies there, computes, and writes
to one pipe. Nothing that it does can be met by the child of the next person.

Loaded by the child itself within the seal, beside the seal's own filters (kernels/client/cihu/people.py). Not
among them are, for this reason: all that writes or makes a file, or changes one's times; locks, leases and
flags of descriptions; new processes and threads (they would also move the number of the next one); signals;
sockets, message queues and common memory; and filters, so that this one stays the last.
"""

import errno
import os
from functools import lru_cache

from sandbox.errors import Unavailable
from sandbox.seals.syscalls import LOW_32_BITS, add, exported

CALLS = [
    "read",
    "readv",
    "pread64",
    "preadv",
    "write",
    "writev",
    "close",
    "close_range",
    "fstat",
    "stat",
    "lstat",
    "newfstatat",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getcwd",
    "lseek",
    "getdents",
    "getdents64",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "brk",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "futex",
    "exit",
    "exit_group",
    "getrandom",
    "gettimeofday",
    "time",
    "nanosleep",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "uname",
    "sysinfo",
    "sched_getaffinity",
    "sched_yield",
    "getcpu",
    "set_robust_list",
    "rseq",
    "arch_prctl",
    "membarrier",
    "dup",
    "dup2",
    "dup3",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "getrusage",
    "times",
    "getrlimit",
    "restart_syscall",
    "get_mempolicy",
    "statfs",
    "fstatfs",
]
# flags of open(2) that write, make or only name a file
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_TMPFILE
# flags of mmap(2): memory that no limit of the child's counts, or that others would meet
MAP_SHARED, MAP_GROWSDOWN = 0x01, 0x100
# ids of clocks beyond these are of other processes and of descriptions: how long the others computed
CLOCKS = 16
F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC = 1, 2, 3, 0, 1030
TCGETS, FIOCLEX = 0x5401, 0x5451


@lru_cache(maxsize=1)
def person_filter() -> bytes:
    """As BPF, for PR_SET_SECCOMP. Raises `Unavailable` without libseccomp."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as missing:
        raise Unavailable(
            "Programs cannot be sealed: libseccomp is not on this machine.",
            remedy="Install it (Debian: apt-get install libseccomp2) and start again.",
            zh="程序无法密封：这台机器上没有 libseccomp。",
            remedy_zh="请安装它（Debian：apt-get install libseccomp2），然后重新启动。",
            internal=str(missing),
        ) from missing
    made = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for call in CALLS:
        add(made, pyseccomp.ALLOW, call)
    equal = pyseccomp.MASKED_EQ
    # the flag of O_TMPFILE holds that of a folder: folders may be opened
    changing = CHANGING & ~os.O_DIRECTORY
    add(made, pyseccomp.ALLOW, "open", pyseccomp.Arg(1, equal, changing, 0))
    add(made, pyseccomp.ALLOW, "openat", pyseccomp.Arg(2, equal, changing, 0))
    add(made, pyseccomp.ALLOW, "mmap", pyseccomp.Arg(3, equal, MAP_SHARED | MAP_GROWSDOWN, 0))
    for call in ("clock_gettime", "clock_getres", "clock_nanosleep"):
        add(made, pyseccomp.ALLOW, call, pyseccomp.Arg(0, equal, LOW_32_BITS & ~(CLOCKS - 1), 0))
    for command in (F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC):
        add(made, pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, equal, LOW_32_BITS, command))
    for request in (TCGETS, FIOCLEX):
        add(made, pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, equal, LOW_32_BITS, request))
    # one's own limits, to be read
    add(
        made,
        pyseccomp.ALLOW,
        "prlimit64",
        pyseccomp.Arg(0, equal, LOW_32_BITS, 0),
        pyseccomp.Arg(2, pyseccomp.EQ, 0),
    )
    return exported(made)
