"""The system calls that a sealed process may make.

Two filters are loaded; a call must pass both. `ALLOWED` lists what ordinary programs need: a call that is not
in it, or that a later kernel invents, does not exist (ENOSYS). `walls` then refuses some arguments of allowed
calls, and answers with the error that programs know how to live with. A third filter hands the calls of
`ANSWERED` to the seal's parent (`watch.py`), which answers with the seal's own numbers, because the kernel
would answer with the machine's.

Why some ordinary calls are missing:
- links and nodes (symlink, link, mknod): trusted processes follow paths in folders that a kernel may write to
  (its sockets); without links nothing there can point elsewhere (Judge0, CVE-2024-28185 and CVE-2024-28189).
  The one link by which libc makes a semaphore (sem_open(3)) is made by the seal's parent;
- what reveals one seal to another: pidfds (their inode numbers count every process of the machine), mincore,
  inotify (the devices are common), sched_rr_get_interval (whether a processor is busy), cached reads
  (RWF_NOWAIT), leases and all that fcntl sets of an inode, cookies of sockets and names that the kernel gives
  them, memory advice that loads, drops or merges pages of common files, huge pages, filters on sockets and
  all other memory out of one common purse;
- the number of what has no file: the kernel counts pipes, sockets and memfds of the whole machine, so fstat
  and the calls that are another fstat (AT_EMPTY_PATH) are answered by the seal's parent. By a path, nothing
  in a seal leads to one;
- memfd_create, shmget, msgget, mq_open: memory that no limit of ours would count;
- clone3: its flags stand in memory, where a filter cannot read them; libc falls back to clone;
- io_uring: it does by itself what the filter would refuse; unshare, mount and their newer forms, ptrace, bpf,
  keyctl, perf_event_open, userfaultfd: ways into the host's kernel which nobody needs here.
"""

import errno
import os
import socket
from dataclasses import dataclass
from functools import lru_cache

from sandbox.errors import Unavailable

FILES = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat close
close_range lseek _llseek stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx access faccessat faccessat2
getdents getdents64 dup dup2 dup3 flock ftruncate ftruncate64 truncate truncate64 fsync fdatasync
sync_file_range fallocate sendfile sendfile64 splice tee copy_file_range ioctl rename renameat
renameat2 link linkat mkdir mkdirat rmdir unlink unlinkat readlink readlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown
fchownat utime utimes utimensat futimesat umask getcwd chdir fchdir statfs statfs64 fstatfs fstatfs64 getxattr lgetxattr
fgetxattr listxattr llistxattr flistxattr"""  # noqa: E501
MEMORY = """mmap mmap2 munmap mprotect pkey_mprotect pkey_alloc pkey_free mremap madvise brk msync mlock mlock2
munlock membarrier get_mempolicy"""  # noqa: E501
PROCESSES = """clone fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp
setpgid getsid setsid kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait
rt_sigsuspend rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack sigreturn set_tid_address
set_robust_list get_robust_list rseq arch_prctl prctl futex futex_wait futex_wake futex_requeue futex_waitv
sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler
sched_get_priority_max sched_get_priority_min sched_getattr sched_setattr getpriority setpriority
ioprio_get ioprio_set getrusage times getrlimit ugetrlimit setrlimit prlimit64 getcpu restart_syscall pause
alarm getitimer setitimer landlock_create_ruleset landlock_add_rule landlock_restrict_self riscv_flush_icache
riscv_hwprobe"""  # noqa: E501
# what setpriv needs to give up the last rights; harmless to a process that has none
IDENTITY = """getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid
setresgid setgroups setfsuid setfsgid capget capset"""  # noqa: E501
TIME = """clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time timer_create timer_settime timer_gettime
timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime"""  # noqa: E501
WAITING = """poll ppoll select _newselect pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
eventfd eventfd2 signalfd signalfd4 pipe pipe2"""  # noqa: E501
SOCKETS = """socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt sendto
recvfrom sendmsg recvmsg sendmmsg recvmmsg send recv shutdown"""  # noqa: E501
MACHINE = "uname sysinfo getrandom"
# answered by the seal's parent: with the seal's limits, the process's own use, no number of
# a pipe, or a refusal
ANSWERED = ("sysinfo", "statfs", "fstatfs", "getrusage", "link", "linkat", "fstat")
AT_EMPTY_PATH = 0x1000
# answered where this argument has AT_EMPTY_PATH: then they are another fstat
ANSWERED_BY_DESCRIPTOR = {"newfstatat": 3, "statx": 2}
# advice about common files: taken, and not followed
IGNORED = ("fadvise64", "readahead")

ALLOWED = tuple(f"{FILES} {MEMORY} {PROCESSES} {IDENTITY} {TIME} {WAITING} {SOCKETS} {MACHINE}".split())

# EPERM is what programs expect where a file system or a policy refuses; ENOSYS would look
# like a broken machine
REFUSED = (
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "mount",
    "umount2",
    "unshare",
    "setns",
    "ptrace",
    "chroot",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "perf_event_open",
    "bpf",
    "keyctl",
    "add_key",
    "request_key",
    "name_to_handle_at",
    "open_by_handle_at",
    "memfd_create",
    "shmget",
    "io_uring_setup",
)

# the kernel reads these arguments as 32 bits: higher bits must not hide a value (CVE-2019-10063)
LOW_32_BITS = 0xFFFFFFFF
ALL_BITS = 0xFFFFFFFFFFFFFFFF
NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
CLONE_PIDFD = 0x1000
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
FAMILIES = range(64)
IPPROTO_UDPLITE, IPPROTO_MPTCP = 136, 262
PROTOCOLS = (0, socket.IPPROTO_TCP, socket.IPPROTO_UDP)
F_SETLEASE, F_GETLEASE, F_NOTIFY = 1024, 1025, 1026
# F_DUPFD to F_GETOWNER_UIDS, locks of a description, F_DUPFD_QUERY, F_DUPFD_CLOEXEC, F_SETPIPE_SZ to
# F_GET_SEALS. What else there is sets something of the inode, which can be that of two seals: leases,
# delegations, hints of how long a write lives
FCNTL_COMMANDS = (*range(18), *range(36, 39), 1027, *range(1030, 1035))
RNDGETENTCNT = 0x80045200  # before Linux 5.18 it moves with what others draw
RWF_NOWAIT = 8
MAP_HUGETLB = 0x40000
PR_SET_SECCOMP, PR_SCHED_CORE, PR_SET_MEMORY_MERGE = 22, 62, 67
MADV_WILLNEED, MADV_MERGEABLE, MADV_COLD, MADV_PAGEOUT = 3, 12, 20, 21
SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF = 26, 50, 51, 52
SO_PASSPIDFD, SO_PEERPIDFD = 76, 77
SO_INCOMING_NAPI_ID, SO_COOKIE, SO_NETNS_COOKIE = 56, 57, 71  # numbers that are counted for the whole machine
# by these a socket of AF_UNIX gets a name that the kernel chooses (unix(7), autobind): before Linux 6.0 it
# counted them for the whole machine
SO_PASSCRED, NO_NAME = 16, 2  # bytes of an address that is a family alone


@dataclass(frozen=True)
class ArgumentRule:
    """`call` fails with `error` when (its argument number `argument` & `mask`) equals `value`;
    or, `unequal`, when the whole argument does not. Error 0 says to the program that all went well."""

    call: str
    argument: int
    mask: int
    value: int
    error: int
    unequal: bool = False


def families(*, network: bool) -> frozenset[int]:
    """A run holds rows, and every kind of socket memory but that of AF_UNIX is counted
    for the whole machine."""
    return frozenset({socket.AF_UNIX, socket.AF_INET}) if network else frozenset({socket.AF_UNIX})


def walls(*, network: bool = True, narrowing: bool = False) -> tuple[ArgumentRule, ...]:
    open_families = families(network=network)
    rules = [ArgumentRule("clone", 0, flag, flag, errno.EPERM) for flag in (*NEW_NAMESPACES, CLONE_PIDFD)]
    rules += [
        ArgumentRule("ioctl", 1, LOW_32_BITS, request, errno.EPERM)
        for request in (TIOCSTI, TIOCLINUX, RNDGETENTCNT)
    ]
    rules += [
        ArgumentRule("socket", 0, LOW_32_BITS, family, family_error(family))
        for family in FAMILIES
        if family not in open_families
    ]
    rules += [
        ArgumentRule("socket", 2, LOW_32_BITS, protocol, errno.EPROTONOSUPPORT)
        for protocol in (IPPROTO_UDPLITE, IPPROTO_MPTCP)
    ]
    rules += [
        ArgumentRule("socketpair", 0, LOW_32_BITS, family, family_error(family))
        for family in FAMILIES
        if family != socket.AF_UNIX
    ]
    rules += [
        ArgumentRule("fcntl", 1, LOW_32_BITS, command, errno.EINVAL)
        for command in (F_SETLEASE, F_GETLEASE, F_NOTIFY)
    ]
    rules += [
        ArgumentRule(call, 5, RWF_NOWAIT, RWF_NOWAIT, errno.EOPNOTSUPP) for call in ("preadv2", "pwritev2")
    ]
    rules += [
        ArgumentRule("madvise", 2, LOW_32_BITS, advice, 0)
        for advice in (MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT)
    ]
    rules += [
        ArgumentRule("madvise", 2, LOW_32_BITS, MADV_MERGEABLE, errno.EINVAL),
        ArgumentRule("mmap", 3, MAP_HUGETLB, MAP_HUGETLB, errno.ENOMEM),
    ]
    rules += [
        ArgumentRule("prctl", 0, LOW_32_BITS, option, errno.EINVAL)
        for option in (PR_SCHED_CORE, PR_SET_MEMORY_MERGE, *(() if narrowing else (PR_SET_SECCOMP,)))
    ]
    rules += [
        ArgumentRule("setsockopt", 2, LOW_32_BITS, option, errno.ENOPROTOOPT)
        for option in (
            SO_ATTACH_FILTER,
            SO_ATTACH_BPF,
            SO_ATTACH_REUSEPORT_CBPF,
            SO_ATTACH_REUSEPORT_EBPF,
            SO_PASSPIDFD,
            SO_PASSCRED,
        )
    ]
    rules += [
        ArgumentRule("getsockopt", 2, LOW_32_BITS, option, errno.ENOPROTOOPT)
        for option in (SO_PEERPIDFD, SO_INCOMING_NAPI_ID, SO_COOKIE, SO_NETNS_COOKIE)
    ]
    rules += [ArgumentRule("bind", 2, LOW_32_BITS, NO_NAME, errno.EINVAL)]
    # how often a child was put off its processor; nobody needs it of them
    rules += [
        ArgumentRule("wait4", 3, ALL_BITS, 0, errno.EINVAL, unequal=True),
        ArgumentRule("waitid", 4, ALL_BITS, 0, errno.EINVAL, unequal=True),
    ]
    return tuple(rules)


def family_error(family: int) -> int:
    # libzmq aborts the process when AF_NETLINK answers EAFNOSUPPORT
    return errno.EOPNOTSUPP if family == socket.AF_NETLINK else errno.EAFNOSUPPORT


@dataclass(frozen=True)
class Programs:
    """BPF programs: those that bubblewrap loads, in their order,
    and the one by which the seal's parent answers."""

    filters: tuple[bytes, ...] = ()
    answered: bytes = b""


@lru_cache(maxsize=4)
def programs(*, network: bool = True, narrowing: bool = False) -> Programs:
    """`narrowing`: a process may load filters of its own. They are memory of the whole machine, so only a
    seal whose first program is ours may. Raises Unavailable without libseccomp."""
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
    allow = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    for call in ALLOWED:
        add(allow, pyseccomp.ALLOW, call)
    for command in FCNTL_COMMANDS:
        add(allow, pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, LOW_32_BITS, command))
    for family in families(network=network):
        for protocol in PROTOCOLS:
            add(
                allow,
                pyseccomp.ALLOW,
                "socket",
                pyseccomp.Arg(0, pyseccomp.MASKED_EQ, LOW_32_BITS, family),
                pyseccomp.Arg(2, pyseccomp.MASKED_EQ, LOW_32_BITS, protocol),
            )
    for call in REFUSED:
        add(allow, pyseccomp.ERRNO(errno.EPERM), call)
    for call in IGNORED:
        add(allow, pyseccomp.ERRNO(0), call)
    refuse = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for wall in walls(network=network, narrowing=narrowing):
        condition = (
            pyseccomp.Arg(wall.argument, pyseccomp.NE, wall.value)
            if wall.unequal
            else pyseccomp.Arg(wall.argument, pyseccomp.MASKED_EQ, wall.mask, wall.value)
        )
        add(refuse, pyseccomp.ERRNO(wall.error), wall.call, condition)
    answer = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for call in ANSWERED:
        add(answer, pyseccomp.NOTIFY, call)
    for call, flags in ANSWERED_BY_DESCRIPTOR.items():
        add(
            answer,
            pyseccomp.NOTIFY,
            call,
            pyseccomp.Arg(flags, pyseccomp.MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH),
        )
    return Programs((exported(allow), exported(refuse)), exported(answer))


def add(filter_: object, action: int, call: str, *conditions: object) -> None:
    import pyseccomp

    try:
        number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call)
    except (ValueError, OSError):
        return  # libseccomp is older than the call: it stays unknown, so refused
    if number >= 0:
        filter_.add_rule(action, call, *conditions)  # type: ignore[attr-defined]


def exported(filter_: object) -> bytes:
    with os.fdopen(os.memfd_create("seccomp"), "wb+") as file:
        filter_.export_bpf(file)  # type: ignore[attr-defined]
        file.seek(0)
        return file.read()


def as_descriptor(program: bytes) -> int:
    """A file descriptor that holds `program`, or the text of a file, to be read once;
    the caller closes it."""
    descriptor = os.memfd_create("seal", 0)
    os.write(descriptor, program)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
