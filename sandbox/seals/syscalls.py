"""Which system calls may a sealed process make?

Two filters are loaded; a call must pass both. `ALLOWED` lists what ordinary programs need: a call that is not in it, or
that a later kernel invents, does not exist (ENOSYS). `WALLS` then refuses some arguments of allowed calls, and answers
with the error that programs know how to live with.

Why some ordinary calls are missing:
- links and nodes (symlink, link, mknod): trusted processes follow paths in folders that a kernel may write to (its
  sockets); without links nothing there can point elsewhere (Judge0, CVE-2024-28185 and CVE-2024-28189);
- memfd_create, shmget, msgget, mq_open: memory that no limit of ours would count;
- clone3: its flags stand in memory, where a filter cannot read them; libc falls back to clone;
- io_uring: it does by itself what the filter would refuse; unshare, mount and their newer forms, ptrace, bpf, keyctl,
  perf_event_open, userfaultfd: doors to the host's kernel which nobody needs here.
"""

import errno
import os
import socket
from dataclasses import dataclass
from functools import lru_cache

from sandbox.errors import Unavailable

FILES = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat close
close_range lseek _llseek stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx access faccessat faccessat2
getdents getdents64 dup dup2 dup3 fcntl fcntl64 flock ftruncate ftruncate64 truncate truncate64 fsync fdatasync
sync_file_range fallocate fadvise64 readahead sendfile sendfile64 splice tee copy_file_range ioctl rename renameat
renameat2 mkdir mkdirat rmdir unlink unlinkat readlink readlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown
fchownat utime utimes utimensat futimesat umask getcwd chdir fchdir statfs statfs64 fstatfs fstatfs64 getxattr lgetxattr
fgetxattr listxattr llistxattr flistxattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch"""
MEMORY = """mmap mmap2 munmap mprotect pkey_mprotect pkey_alloc pkey_free mremap madvise mincore brk msync mlock mlock2
munlock membarrier get_mempolicy"""
PROCESSES = """clone fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp
setpgid getsid setsid kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait
rt_sigsuspend rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack sigreturn pidfd_open pidfd_send_signal set_tid_address
set_robust_list get_robust_list rseq arch_prctl prctl futex futex_wait futex_wake futex_requeue futex_waitv
sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler
sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_getattr sched_setattr getpriority setpriority
ioprio_get ioprio_set getrusage times getrlimit ugetrlimit setrlimit prlimit64 getcpu restart_syscall pause
alarm getitimer setitimer landlock_create_ruleset landlock_add_rule landlock_restrict_self riscv_flush_icache
riscv_hwprobe"""
# what setpriv needs to give up the last rights; harmless to a process that has none
IDENTITY = """getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid
setresgid setgroups setfsuid setfsgid capget capset"""
TIME = """clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time timer_create timer_settime timer_gettime
timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime"""
WAITING = """poll ppoll select _newselect pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
eventfd eventfd2 signalfd signalfd4 pipe pipe2"""
SOCKETS = """socket socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt sendto
recvfrom sendmsg recvmsg sendmmsg recvmmsg send recv shutdown"""
MACHINE = "uname sysinfo getrandom"

ALLOWED = tuple(f"{FILES} {MEMORY} {PROCESSES} {IDENTITY} {TIME} {WAITING} {SOCKETS} {MACHINE}".split())

# EPERM is what programs expect where a file system or a policy refuses; ENOSYS would look like a broken machine
REFUSED = ("symlink", "symlinkat", "link", "linkat", "mknod", "mknodat", "mount", "umount2", "unshare", "setns", "ptrace",
           "chroot", "pivot_root", "process_vm_readv", "process_vm_writev", "setxattr", "lsetxattr", "fsetxattr",
           "perf_event_open", "bpf", "keyctl", "add_key", "request_key", "name_to_handle_at", "open_by_handle_at",
           "memfd_create", "shmget", "io_uring_setup")

LOW_32_BITS = 0xFFFFFFFF  # the kernel reads these arguments as 32 bits: higher bits must not hide a value (CVE-2019-10063)
NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
FAMILIES = range(64)
OPEN_FAMILIES = frozenset({socket.AF_UNIX, socket.AF_INET})


@dataclass(frozen=True)
class Wall:
    """`call` fails with `error` when (its argument number `argument` & `mask`) equals `value`."""

    call: str
    argument: int
    mask: int
    value: int
    error: int


def walls() -> tuple[Wall, ...]:
    rules = [Wall("clone", 0, flag, flag, errno.EPERM) for flag in NEW_NAMESPACES]
    rules += [Wall("ioctl", 1, LOW_32_BITS, request, errno.EPERM) for request in (TIOCSTI, TIOCLINUX)]
    rules += [Wall("socket", 0, LOW_32_BITS, family, family_error(family))
              for family in FAMILIES if family not in OPEN_FAMILIES]
    rules += [Wall("socketpair", 0, LOW_32_BITS, family, family_error(family))
              for family in FAMILIES if family != socket.AF_UNIX]
    return tuple(rules)


def family_error(family: int) -> int:
    # libzmq aborts the process when AF_NETLINK answers EAFNOSUPPORT
    return errno.EOPNOTSUPP if family == socket.AF_NETLINK else errno.EAFNOSUPPORT


@lru_cache(maxsize=1)
def programs() -> tuple[bytes, ...]:
    """The filters as BPF programs, in the order in which they must be loaded. Raises Unavailable without libseccomp."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as missing:
        raise Unavailable("Programs cannot be sealed: libseccomp is not on this machine.",
                          mend="Install it (Debian: apt-get install libseccomp2) and start again.",
                          internal=str(missing)) from missing
    allow = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.ENOSYS))
    for call in ALLOWED:
        add(allow, pyseccomp.ALLOW, call)
    for call in REFUSED:
        add(allow, pyseccomp.ERRNO(errno.EPERM), call)
    refuse = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for wall in walls():
        condition = pyseccomp.Arg(wall.argument, pyseccomp.MASKED_EQ, wall.mask, wall.value)
        add(refuse, pyseccomp.ERRNO(wall.error), wall.call, condition)
    return exported(allow), exported(refuse)


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
    """A file descriptor that holds `program`, for bubblewrap to read once; the caller closes it."""
    descriptor = os.memfd_create("seccomp", 0)
    os.write(descriptor, program)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
