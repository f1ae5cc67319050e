"""What would somebody try from inside a kernel?
Each attempt is a function that returns whether it got what it wanted.

Run as a program: `python attempts.py NAME TARGETS`, in a seal and without one. Needs the standard library
alone, because its text is carried into the seal. `source` names where the attempt is from; `harmless` says
that it may also be run on the bare machine (and must succeed there, or the suite could not see); `root` that
without a seal only root succeeds; `ends` that it is not refused but ends the whole seal.
"""

import contextlib
import ctypes
import glob
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Targets = dict[str, Any]
LIBC = ctypes.CDLL(None, use_errno=True)
MIB = 1024 * 1024
NUMBERS = {  # x86_64, aarch64
    "name_to_handle_at": (303, 264),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282),
    "fsopen": (430, 430),
    "keyctl": (250, 219),
    "clone3": (435, 435),
    "memfd_secret": (447, 447),
    "process_vm_readv": (310, 270),
    "open_tree": (428, 428),
    "pidfd_getfd": (438, 438),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "add_key": (248, 217),
    "clone": (56, 220),
    "personality": (135, 92),
    "seccomp": (317, 277),
    "exit": (60, 93),
    "mount_setattr": (442, 442),
    "kcmp": (312, 272),
    "fanotify_init": (300, 262),
}


@dataclass(frozen=True)
class Attempt:
    name: str
    source: str
    deed: Callable[[Targets], bool]
    harmless: bool
    root: bool
    ends: bool


ATTEMPTS: dict[str, Attempt] = {}


def attempt(
    source: str, *, harmless: bool = True, root: bool = False, ends: bool = False
) -> Callable[[Callable[[Targets], bool]], None]:
    def keep(deed: Callable[[Targets], bool]) -> None:
        ATTEMPTS[deed.__name__] = Attempt(deed.__name__, source, deed, harmless, root, ends)

    return keep


def call(name: str, *arguments: object) -> int:
    """A system call by number. Raises OSError."""
    number = NUMBERS[name][os.uname().machine == "aarch64"]
    LIBC.syscall.restype = ctypes.c_long
    # as long as a register: the seventh of a C function lies on the stack, where a short one
    # leaves the rest as it was
    whole = [ctypes.c_long(said) if isinstance(said, int) else said for said in arguments]
    result = int(LIBC.syscall(number, *whole))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def asks(family: int, address: Any) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.settimeout(3)
        made.connect(address)
        return made.recv(64) == b"reached"


# --- network ------------------------------------------------------------------------------------------------


@attempt("sandbox escape by the host's loopback services: CVE-2020-8558")
def tcp_to_the_hosts_loopback(targets: Targets) -> bool:
    return asks(socket.AF_INET, ("127.0.0.1", targets["tcp"]))


@attempt("CVE-2020-8558, by datagrams, as a resolver would be asked")
def udp_to_the_hosts_loopback(targets: Targets) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(1)
        made.sendto(b"?", ("127.0.0.1", targets["udp"]))
        return made.recv(64) == b"reached"


@attempt("IPv6 left open beside a closed IPv4: CVE-2020-13401")
def tcp_by_ipv6(targets: Targets) -> bool:
    socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    return True


@attempt("containerd-shim's abstract socket: CVE-2020-15257")
def abstract_socket_of_the_host(targets: Targets) -> bool:
    return asks(socket.AF_UNIX, "\0" + targets["abstract"])


@attempt("nf_tables by netlink: CVE-2022-25636, CVE-2024-1086")
def netlink_socket(targets: Targets) -> bool:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12).close()
    return True


@attempt("packet sockets: CVE-2016-8655, CVE-2020-14386", root=True)
def packet_socket(targets: Targets) -> bool:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    return True


@attempt("raw IP", root=True)
def raw_ip_socket(targets: Targets) -> bool:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return True


@attempt("vsock is outside of network namespaces: CVE-2021-26708", harmless=False)
def vsock_to_the_hypervisor(targets: Targets) -> bool:
    socket.socket(40, socket.SOCK_STREAM).close()
    return True


@attempt(
    "rare families are a way into the kernel: CVE-2019-8912 (AF_ALG), CVE-2017-6074 "
    "(DCCP), CVE-2010-3904 (RDS)"
)
def any_rare_socket_family(targets: Targets) -> bool:
    for family in (*range(3, 10), *range(11, 46)):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW):
            with contextlib.suppress(OSError):
                socket.socket(family, kind).close()
                return True
    return False


@attempt("the database's socket, by its path in the host: sandbox-peers.md, sockets")
def a_unix_socket_of_the_host(targets: Targets) -> bool:
    return asks(socket.AF_UNIX, targets["unix"])


@attempt("which sockets the host has, by their names: unix(7), /proc/net/unix")
def see_the_hosts_unix_sockets(targets: Targets) -> bool:
    return reads("/proc/net/unix", targets["abstract"])


@attempt("which ports the host serves and whom it speaks with: proc(5), /proc/net/tcp")
def see_the_hosts_connections(targets: Targets) -> bool:
    return reads("/proc/net/tcp", f":{targets['tcp']:04X} ")


@attempt(
    "the vault's socket, by its path in the host, past the one that is bound in: sandbox-peers.md, sockets"
)
def reach_the_vault_by_its_path_in_the_host(targets: Targets) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.connect(f"{targets['home']}/run/vault/vault.sock")
        return True


@attempt(
    "the channels of another person's kernel: jupyter_client, ipc transport; issue 4, kernel protocol abuse"
)
def reach_another_kernels_channels(targets: Targets) -> bool:
    for path in glob.glob(f"{targets['run']}/**/*", recursive=True):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
            made.connect(path)
            return True
    return False


@attempt("a name without a file that a process of the host would find: CVE-2020-15257's way round")
def bind_a_name_that_the_host_sees(targets: Targets) -> bool:
    """Whether a process of the host, which asks for this name, comes to us."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind("\0" + targets["wanted"])
        made.listen()
        made.settimeout(3)
        return made.accept()[0].recv(16) == b"asked"


# --- files --------------------------------------------------------------------------------------------------


def reads(path: str, wanted: str) -> bool:
    with open(path, errors="replace") as file:
        return wanted in file.read()


@attempt("the password file: Judge0, CVE-2024-29021", root=True)
def read_the_hosts_passwords(targets: Targets) -> bool:
    return reads("/etc/shadow", "root:")


@attempt("a world-readable file of the host: sandbox-peers.md, /proc and symlinks")
def read_a_file_of_the_host(targets: Targets) -> bool:
    return reads(targets["file"], targets["canary"])


@attempt("the same by /proc/1/root: CVE-2024-21626's way in", root=True)
def read_by_the_root_of_another_process(targets: Targets) -> bool:
    for folder in glob.glob("/proc/[0-9]*/root"):
        with contextlib.suppress(OSError):
            if reads(folder + targets["file"], targets["canary"]):
                return True
    return False


@attempt("another kernel's token and connection key: jupyter_client connection files, CVE-2022-39286's class")
def read_another_kernels_run_folder(targets: Targets) -> bool:
    return any(reads(path, "") for path in glob.glob(f"{targets['run']}/*/in/*"))


@attempt("the vault's and the portal's signing keys: sandbox-peers.md, environment")
def read_the_signing_keys(targets: Targets) -> bool:
    return bool(glob.glob(f"{targets['home']}/keys/*/*"))


@attempt("the workspaces of others: sandbox-peers.md, other users' folders")
def list_the_workspaces(targets: Targets) -> bool:
    return bool(os.listdir(f"{targets['home']}/workspaces"))


@attempt("overwriting the program that runs us: CVE-2019-5736", root=True)
def write_into_the_interpreters_environment(targets: Targets) -> bool:
    path = os.path.join(os.path.dirname(os.__file__), "attacked.pth")
    with open(path, "w"):
        os.remove(path)
    return True


@attempt("overwriting the packages that every kernel imports: CVE-2019-5736's class")
def write_into_the_packages(targets: Targets) -> bool:
    path = os.path.join(targets["packages"], "attacked.pth")
    with open(path, "w"):
        os.remove(path)
    return True


@attempt("writing to the system", root=True)
def write_into_usr(targets: Targets) -> bool:
    with open("/usr/attacked", "w"):
        os.remove("/usr/attacked")
    return True


@attempt("a core pattern runs a program as the host's root", root=True)
def open_the_core_pattern_for_writing(targets: Targets) -> bool:
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


@attempt("release_agent of a cgroup: CVE-2022-0492", root=True)
def write_a_cgroup(targets: Targets) -> bool:
    return os.path.isdir("/sys/fs/cgroup") and os.access("/sys/fs/cgroup", os.W_OK)


@attempt("the host's devices and firmware in /sys: CVE-2024-0567's class of information leaks")
def look_at_sys(targets: Targets) -> bool:
    return bool(os.listdir("/sys"))


@attempt("file handles reach past the mounts: Shocker (Docker 0.11, 2014)")
def make_a_file_handle(targets: Targets) -> bool:
    handle = ctypes.create_string_buffer(136)
    ctypes.memmove(handle, (128).to_bytes(4, sys.byteorder), 4)
    call("name_to_handle_at", -100, b"/usr", handle, ctypes.byref(ctypes.c_int()), 0)
    return True


@attempt("a link in a folder that a trusted process follows: Judge0, CVE-2024-28185")
def plant_a_symbolic_link(targets: Targets) -> bool:
    os.symlink(targets["file"], os.path.join(targets["writable"], "link"))
    return True


@attempt("a hard link in such a folder: Judge0, CVE-2024-28189")
def plant_a_hard_link(targets: Targets) -> bool:
    path = os.path.join(targets["writable"], "plain")
    with open(path, "w"):
        os.link(path, path + "2")
    return True


@attempt("a pipe in such a folder hangs who opens it: mkfifo(3)")
def plant_a_named_pipe(targets: Targets) -> bool:
    os.mkfifo(os.path.join(targets["writable"], "pipe"))
    return True


@attempt("the disk itself, by a node of one's own: mknod(2)", root=True)
def make_a_device_node(targets: Targets) -> bool:
    os.mknod(os.path.join(targets["writable"], "disk"), 0o060666, os.makedev(254, 0))
    return True


@attempt("a descriptor that the starter left open: CVE-2024-21626")
def use_an_inherited_descriptor(targets: Targets) -> bool:
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.path.isdir(f"/proc/self/fd/{name}") and reads(
                f"/proc/self/fd/{name}{targets['file']}", targets["canary"]
            ):
                return True
    return False


@attempt("a file without a name is given one by its descriptor, past a filter of link(2): open(2), O_TMPFILE")
def plant_a_hard_link_by_a_descriptor(targets: Targets) -> bool:
    made = os.open(targets["writable"], os.O_TMPFILE | os.O_RDWR)
    path = os.path.join(targets["writable"], "named")
    # AT_SYMLINK_FOLLOW
    if LIBC.linkat(-100, f"/proc/self/fd/{made}".encode(), -100, path.encode(), 0x400) != 0:
        raise OSError(ctypes.get_errno(), "linkat")
    os.remove(path)
    return True


@attempt("a link in place of a file between look and open: CVE-2018-15664", harmless=True)
def swap_a_file_for_a_link(targets: Targets) -> bool:
    plain = os.path.join(targets["writable"], "swapped")
    with open(plain, "w"):
        pass
    os.symlink(targets["file"], plain + ".new")
    os.replace(plain + ".new", plain)
    return os.path.islink(plain)


@attempt("a socket in a folder that a trusted process reads: unix(7)", harmless=False)
def put_a_socket_for_others_into_the_sockets_folder(targets: Targets) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(os.path.join(targets["sockets"], "bound"))
        return True


@attempt("what the host's processes share in memory: shm_overview(7)")
def read_the_hosts_shared_memory(targets: Targets) -> bool:
    return reads(f"/dev/shm/{targets['shm']}", targets["canary"])


@attempt(
    "the disks of the host, as a file of their own: mount(8); Docker without a device cgroup", harmless=False
)
def open_a_disk_of_the_host(targets: Targets) -> bool:
    disks = ("sd*", "vd*", "nvme*", "dm-*", "loop*", "mem", "kmsg", "kvm")
    for path in (path for pattern in disks for path in glob.glob(f"/dev/{pattern}")):
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDONLY))
            return True
    return False


# --- processes ----------------------------------------------------------------------------------------------


@attempt("command lines and environments of others: sandbox-peers.md, /proc")
def see_another_process(targets: Targets) -> bool:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        if str(os.getpid()) not in path and str(os.getppid()) not in path:
            with contextlib.suppress(OSError):  # it has ended
                if reads(path, targets["canary"]):
                    return True
    return False


@attempt("secrets in the environment: sandbox-peers.md, env")
def find_a_secret_in_the_environment(targets: Targets) -> bool:
    secrets = (
        "CIHU_WORKSPACE_TOKEN_FILE",
        "CIHU_DATABASE_URL",
        "JUPYTERHUB_API_TOKEN",
        "CIHU_S3_SECRET_KEY",
        "CIHU_HOME",
    )
    return any(name in os.environ for name in secrets)


@attempt("the environment of another process: proc(5); sandbox-peers.md, env", root=True)
def find_a_secret_in_another_environment(targets: Targets) -> bool:
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if reads(path, targets["canary"]):
                return True
    return False


@attempt("the memory of another process, as a file: CVE-2012-0056", root=True)
def open_the_memory_of_another_process(targets: Targets) -> bool:
    os.close(os.open(f"/proc/{targets['victim']}/mem", os.O_RDONLY))
    return True


@attempt("a descriptor of another process: pidfd_getfd(2)", root=True)
def take_a_descriptor_of_another_process(targets: Targets) -> bool:
    os.close(call("pidfd_getfd", os.pidfd_open(targets["victim"]), 0, 0))
    return True


@attempt("the limits of another process: prlimit(2), CVE-2022-49058's neighbourhood")
def change_the_limits_of_another_process(targets: Targets) -> bool:
    return bool(resource.prlimit(targets["victim"], resource.RLIMIT_CORE))


@attempt("the namespaces of another process: setns(2)", root=True)
def enter_another_namespace(targets: Targets) -> bool:
    with open(f"/proc/{os.getppid()}/ns/uts") as file:
        if LIBC.setns(file.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    return True


@attempt("a signal to a process of the host: sandbox-peers.md, signals")
def signal_another_process(targets: Targets) -> bool:
    os.kill(targets["victim"], 0)
    return True


@attempt("ptrace: CVE-2019-13272")
def trace_a_process(targets: Targets) -> bool:
    child = subprocess.Popen(["/bin/sleep", "5"])
    try:
        if LIBC.ptrace(16, child.pid, 0, 0) < 0:  # PTRACE_ATTACH
            raise OSError(ctypes.get_errno(), "ptrace")
        return True
    finally:
        child.kill()


@attempt("reading memory across processes: process_vm_readv(2)")
def read_the_memory_of_a_process(targets: Targets) -> bool:
    source, copy = ctypes.create_string_buffer(b"secret"), ctypes.create_string_buffer(6)
    vectors = [(ctypes.c_void_p * 2)(ctypes.addressof(place), 6) for place in (copy, source)]
    return call("process_vm_readv", os.getpid(), vectors[0], 1, vectors[1], 1, 0) == 6


@attempt("a setuid program gives rights: CVE-2021-4034")
def gain_rights_by_exec(targets: Targets) -> bool:
    with open("/proc/self/status") as file:
        return "NoNewPrivs:\t0" in file.read()


@attempt("being the host's root, or a right of root's", root=True)
def hold_any_right(targets: Targets) -> bool:
    with open("/proc/self/status") as file:
        rights = [int(line.split()[1], 16) for line in file if line.startswith("Cap")]
    return any(rights) or 0 in os.getresuid() + os.getresgid()


@attempt(
    "typing into the terminal of who started us: CVE-2017-5226; with high bits, CVE-2019-10063", root=True
)
def type_into_the_terminal(targets: Targets) -> bool:
    terminal = os.openpty()[1]
    letter = ctypes.create_string_buffer(b"x")
    for request in (0x5412, 0x100005412):
        if LIBC.ioctl(terminal, ctypes.c_ulong(request), letter) == 0:
            return True
    raise OSError(ctypes.get_errno(), "TIOCSTI")


@attempt("starving the others by real-time priority: sched_setscheduler(2)", root=True)
def take_the_processor(targets: Targets) -> bool:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


# --- the kernel ---------------------------------------------------------------------------------------------


@attempt("a user namespace of one's own opens the kernel: CVE-2022-0185, CVE-2023-32233")
def make_a_user_namespace(targets: Targets) -> bool:
    if LIBC.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return True


@attempt("the same by clone(2): CVE-2021-41133 (flatpak)")
def make_a_user_namespace_by_clone(targets: Targets) -> bool:
    made = call("clone", 0x10000000 | int(signal.SIGCHLD), 0, 0, 0, 0)
    if made == 0:
        os._exit(0)
    os.waitpid(made, 0)
    return True


@attempt("the same by clone3(2), which a filter cannot read: CVE-2021-41133 (flatpak)")
def make_a_user_namespace_by_clone3(targets: Targets) -> bool:
    arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, int(signal.SIGCHLD))
    made = call("clone3", arguments, ctypes.sizeof(arguments))
    if made == 0:
        os._exit(0)
    os.waitpid(made, 0)
    return True


@attempt("mounting: CVE-2022-0492", root=True)
def mount_something(targets: Targets) -> bool:
    if LIBC.unshare(0x00020000) != 0 or LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return True


@attempt("mounting by the new calls, which old filters do not know: CVE-2021-41133, CVE-2022-0185", root=True)
def mount_by_the_new_calls(targets: Targets) -> bool:
    os.close(call("fsopen", b"tmpfs", 0))
    return True


@attempt("opening a tree of mounts: CVE-2021-41133", root=True)
def open_a_tree_of_mounts(targets: Targets) -> bool:
    os.close(call("open_tree", -100, b"/", 1))
    return True


@attempt("leaving by chroot(2)", root=True)
def change_the_root(targets: Targets) -> bool:
    os.chroot("/usr")
    return True


@attempt("io_uring does by itself what a filter refuses: CVE-2022-29582, CVE-2023-2598")
def set_up_io_uring(targets: Targets) -> bool:
    os.close(call("io_uring_setup", 4, ctypes.create_string_buffer(120)))
    return True


@attempt("eBPF: CVE-2020-8835, CVE-2021-3490", root=True)
def load_a_bpf_map(targets: Targets) -> bool:
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # an array of one entry
    os.close(call("bpf", 0, attributes, ctypes.sizeof(attributes)))
    return True


@attempt("the kernel's keys: CVE-2016-0728")
def use_a_keyring(targets: Targets) -> bool:
    return call("add_key", b"user", b"attack", b"x", 1, -3) > 0


@attempt("perf_event_open: CVE-2013-2094", root=True)
def open_a_performance_event(targets: Targets) -> bool:
    attributes = ctypes.create_string_buffer(128)
    ctypes.memmove(attributes, (1).to_bytes(4, "little") + (128).to_bytes(4, "little"), 8)
    os.close(call("perf_event_open", attributes, 0, -1, -1, 0))
    return True


@attempt(
    "changing a mount's attributes, such as read-only: mount_setattr(2), CVE-2023-2640's neighbourhood",
    root=True,
)
def change_a_mounts_attributes(targets: Targets) -> bool:
    wanted = (ctypes.c_uint64 * 4)(0, 0, 0, 0)
    return call("mount_setattr", -100, b"/", 0, wanted, ctypes.sizeof(wanted)) == 0


@attempt("the kernel's log, with addresses in it: syslog(2), dmesg_restrict", root=True)
def read_the_kernels_log(targets: Targets) -> bool:
    if LIBC.klogctl(10, None, 0) < 0:  # its size
        raise OSError(ctypes.get_errno(), "klogctl")
    return True


@attempt("who has which page: kcmp(2), CVE-2019-11190's neighbourhood")
def compare_with_another_process(targets: Targets) -> bool:
    return call("kcmp", os.getpid(), os.getpid(), 0, 0, 0) >= 0


@attempt("watching the whole file system: fanotify(7)", root=True)
def watch_every_file(targets: Targets) -> bool:
    os.close(call("fanotify_init", 0, 0))
    return True


@attempt("userfaultfd makes races winnable: used for CVE-2021-22555", root=True)
def open_userfaultfd(targets: Targets) -> bool:
    os.close(call("userfaultfd", 0))
    return True


@attempt("loading a module of the kernel", harmless=False, root=True)
def load_a_kernel_module(targets: Targets) -> bool:
    try:
        call("init_module", b"", 0, b"")
    except OSError as refused:
        return refused.errno not in (1, 38)
    return True


@attempt("personality(2): a process without address randomisation")
def turn_off_randomisation(targets: Targets) -> bool:
    call("personality", 0x0040000)
    return True


@attempt("another architecture's call numbers pass a careless filter: seccomp(2), caveats", harmless=False)
def call_by_the_32_bit_door(targets: Targets) -> bool:
    if os.uname().machine != "x86_64":
        return False
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # getpid by int 0x80
    run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return run() == os.getpid()


@attempt("memory that nobody counts: memfd_create(2)")
def hide_memory_in_a_nameless_file(targets: Targets) -> bool:
    os.close(os.memfd_create("hidden"))
    return True


@attempt("a queue that outlives its process and that others find by its name: mq_overview(7)")
def make_a_message_queue(targets: Targets) -> bool:
    queue = LIBC.mq_open(b"/cihu-attack", os.O_CREAT | os.O_RDWR, 0o600, None)
    if queue < 0:
        raise OSError(ctypes.get_errno(), "mq_open")
    LIBC.mq_unlink(b"/cihu-attack")
    return True


@attempt("semaphores that outlive their process: semget(2)")
def make_a_semaphore_of_the_system(targets: Targets) -> bool:
    made = LIBC.semget(0, 1, 0o600 | 0o1000)
    if made < 0:
        raise OSError(ctypes.get_errno(), "semget")
    LIBC.semctl(made, 0, 0)
    return True


@attempt("memory that outlives its process: shmget(2)")
def hide_memory_in_a_shared_segment(targets: Targets) -> bool:
    segment = LIBC.shmget(0, 4096, 0o600 | 0o1000)
    if segment < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    LIBC.shmctl(segment, 0, None)
    return True


# --- using up the machine -----------------------------------------------------------------------------------


def fills(folder: str, megabytes: int) -> bool:
    """Whether so much can be written in files of 32 MiB."""
    made = []
    try:
        for number in range(megabytes // 32):
            made.append(os.path.join(folder, f"fill{number}"))
            with open(made[-1], "wb") as file:
                file.write(b"x" * 32 * MIB)
        return True
    finally:
        for path in made:
            os.remove(path)


@attempt("filling /dev/shm: sandbox-peers.md, shared memory size")
def fill_the_shared_memory(targets: Targets) -> bool:
    return fills("/dev/shm", 128)


@attempt("filling the disk: sandbox-peers.md, disk filling")
def fill_the_temporary_folder(targets: Targets) -> bool:
    return fills(tempfile.gettempdir(), 320)


@attempt(
    "filling the host's disk by the one folder that is on it; its inodes, by empty files: "
    "sandbox-peers.md, disk filling"
)
def fill_the_sockets_folder(targets: Targets) -> bool:
    return fills(targets["sockets"], 64)


@attempt("using up its inodes: sandbox-peers.md, disk filling; the review of this repository, finding 3")
def make_many_names_in_the_sockets_folder(targets: Targets) -> bool:
    made = []
    try:
        for number in range(2000):
            made.append(os.path.join(targets["sockets"], f"name{number}"))
            with open(made[-1], "w"):
                pass
        return True
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                os.remove(path)


@attempt(
    "filling the disk by the file that takes what a program says: Kubernetes, logs and ephemeral storage",
    harmless=False,
)
def write_to_the_hosts_disk_by_an_open_file(targets: Targets) -> bool:
    """Any regular file of a file system that is not in memory, which the kernel or the seal's
    first process has open."""
    in_memory = {os.stat(folder).st_dev for folder in ("/tmp", "/dev/shm", os.path.expanduser("~"))}
    for path in (*glob.glob(f"/proc/{os.getppid()}/fd/*"), *glob.glob("/proc/1/fd/*")):
        with contextlib.suppress(OSError):
            if os.path.isfile(path) and os.stat(path).st_dev not in in_memory:
                with open(path, "ab") as file:
                    return file.write(b"x") == 1
    return False


@attempt("filling the home", harmless=False)
def fill_the_home(targets: Targets) -> bool:
    return fills(os.path.expanduser("~"), 320)


@attempt("a writable /dev in memory: facts/infrastructure.md, plain --dev", root=True)
def fill_dev(targets: Targets) -> bool:
    return fills("/dev", 32)


@attempt("one huge file: RLIMIT_FSIZE, setrlimit(2)")
def make_a_huge_file(targets: Targets) -> bool:
    with tempfile.TemporaryFile() as file:
        file.truncate(300 * MIB)
    return True


@attempt("the fork bomb: sandbox-peers.md, fork bombs")
def make_400_processes(targets: Targets) -> bool:
    children: list[int] = []
    try:
        for _ in range(400):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            children.append(child)
        return True
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


@attempt("the memory bomb: sandbox-peers.md, limits on memory")
def take_five_gigabytes(targets: Targets) -> bool:
    mmap.mmap(-1, 5 * 1024 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    return True


def stay() -> None:
    time.sleep(60)


def in_children(deed: Callable[[], object], then: Callable[[], object] = stay, children: int = 8) -> bool:
    """Whether so many processes could do `deed` and all be there at the end."""
    made: list[int] = []
    try:
        for _ in range(children):
            said, saying = os.pipe()
            made.append(os.fork())
            if made[-1] == 0:
                try:
                    kept = deed()
                    os.write(saying, b"done")
                    then()
                finally:
                    os._exit(kept is None)
            os.close(saying)
            if os.read(said, 4) != b"done":
                return False
        time.sleep(1)  # long enough for who watches
        return True
    finally:
        for child in made:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@attempt(
    "a limit of each process, taken by many: RLIMIT_AS, setrlimit(2); the review of "
    "this repository, finding 14",
    ends=True,
)
def take_memory_in_many_processes(targets: Targets) -> bool:
    return in_children(lambda: b"x" * 64 * MIB)


@attempt("shared memory stays when no process has it resident: madvise(2), MADV_DONTNEED", ends=True)
def hide_shared_memory_from_who_counts(targets: Targets) -> bool:
    def hide() -> mmap.mmap:
        shared = mmap.mmap(-1, 64 * MIB)
        for at in range(0, 64 * MIB, MIB):
            shared[at : at + MIB] = b"x" * MIB
            shared.madvise(mmap.MADV_DONTNEED)
        return shared

    return in_children(hide)


@attempt("a process whose first thread has ended shows no memory: proc(5), status of a zombie", ends=True)
def hide_memory_behind_an_ended_thread(targets: Targets) -> bool:
    def hide() -> bool:
        held, kept = threading.Event(), []

        def hold() -> None:
            kept.append(b"x" * 64 * MIB)
            held.set()
            stay()

        threading.Thread(target=hold).start()
        return held.wait()

    return in_children(hide, lambda: call("exit", 0))


@attempt("raising one's own limits: setrlimit(2)", harmless=False)
def raise_the_limits(targets: Targets) -> bool:
    for limit in (resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


def main(name: str, targets: str) -> None:
    try:
        reached = ATTEMPTS[name].deed(json.loads(targets))
        print("REACHED" if reached else "STOPPED")
    except (OSError, MemoryError, ValueError) as stopped:
        print(f"STOPPED {type(stopped).__name__}: {stopped}")


if __name__ == "__main__":
    main(*sys.argv[1:])
