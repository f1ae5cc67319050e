"""The filters name what is allowed; what nobody named is refused."""

import errno
import socket

import pytest

from sandbox.seals.syscalls import (
    ALLOWED,
    ANSWERED,
    ANSWERED_BY_DESCRIPTOR,
    FCNTL_COMMANDS,
    REFUSED,
    programs,
    walls,
)
from sandbox.seals.watch import NUMBERS

DOORS = (
    "mount",
    "unshare",
    "setns",
    "ptrace",
    "bpf",
    "keyctl",
    "io_uring_setup",
    "io_uring_enter",
    "clone3",
    "symlinkat",
    "mknodat",
    "memfd_create",
    "shmget",
    "mq_open",
    "userfaultfd",
    "perf_event_open",
    "fsopen",
    "move_mount",
    "open_tree",
    "open_by_handle_at",
    "process_vm_readv",
    "pidfd_getfd",
    "kexec_load",
    "init_module",
    "fanotify_init",
    "personality",
    "userfaultfd",
    "memfd_secret",
    "pidfd_open",
    "mincore",
    "inotify_init1",
    "sched_rr_get_interval",
    "quotactl_fd",
    "mount_setattr",
    "seccomp",
    "syslog",
    "acct",
    "swapon",
)


@pytest.mark.parametrize("call", DOORS)
def test_doors_to_the_host_are_not_allowed(call: str) -> None:
    assert call not in ALLOWED


def test_links_are_made_by_the_seals_parent_or_not_at_all() -> None:
    assert {"link", "linkat"} <= set(ANSWERED)


def test_every_call_that_tells_of_a_descriptor_is_answered_by_the_seals_parent() -> None:
    """A pipe's inode number counts the machine's pipes."""
    stats = {call for call in ALLOWED if "stat" in call and "statfs" not in call} - {
        "stat",
        "lstat",
        "stat64",
        "lstat64",
    }
    on_64_bits = stats - {"fstat64", "fstatat64"}
    assert on_64_bits == {"fstat"} | set(ANSWERED_BY_DESCRIPTOR)


@pytest.mark.parametrize("machine", NUMBERS)
def test_every_answered_call_has_its_number(machine: str) -> None:
    import pyseccomp

    architecture = {"x86_64": pyseccomp.Arch.X86_64, "aarch64": pyseccomp.Arch.AARCH64}[machine]
    for call in (*ANSWERED, *ANSWERED_BY_DESCRIPTOR, "seccomp"):
        assert NUMBERS[machine].get(call, -1) == max(-1, pyseccomp.resolve_syscall(architecture, call)), call


@pytest.mark.parametrize("command", [1024, 1025, 1026, 1029, *range(1035, 1060)])
def test_nothing_of_an_inode_is_set_by_fcntl(command: int) -> None:
    assert "fcntl" not in ALLOWED and command not in FCNTL_COMMANDS


@pytest.mark.parametrize("option", [56, 57, 71, 77])
def test_no_number_of_a_socket_is_told(option: int) -> None:
    assert option in {wall.value for wall in walls() if (wall.call, wall.argument) == ("getsockopt", 2)}


def test_the_kernel_names_no_socket() -> None:
    assert 2 in {wall.value for wall in walls() if (wall.call, wall.argument) == ("bind", 2)}
    assert {16, 76} <= {wall.value for wall in walls() if (wall.call, wall.argument) == ("setsockopt", 2)}


def test_no_call_is_both_allowed_and_refused() -> None:
    assert not set(ALLOWED) & set(REFUSED)
    assert len(ALLOWED) == len(set(ALLOWED))


@pytest.mark.parametrize(
    ("network", "families"), [(True, {socket.AF_UNIX, socket.AF_INET}), (False, {socket.AF_UNIX})]
)
def test_few_socket_families_are_open_and_pairs_are_local(network: bool, families: set[int]) -> None:
    closed = {wall.value for wall in walls(network=network) if (wall.call, wall.argument) == ("socket", 0)}
    assert set(range(64)) - closed == families
    pairs = {wall.value for wall in walls() if wall.call == "socketpair"}
    assert set(range(64)) - pairs == {socket.AF_UNIX}


def test_netlink_answers_with_the_error_that_libzmq_survives() -> None:
    [netlink] = [
        wall for wall in walls() if (wall.call, wall.argument, wall.value) == ("socket", 0, socket.AF_NETLINK)
    ]
    assert netlink.error == errno.EOPNOTSUPP


def test_arguments_are_compared_as_the_kernel_reads_them() -> None:
    flags = {"clone", "preadv2", "pwritev2", "mmap"}  # one bit of many
    assert all(wall.mask == 0xFFFFFFFF for wall in walls() if wall.call not in flags and not wall.unequal)


def test_the_filters_are_made_once_and_are_whole_programs() -> None:
    assert programs() is programs()
    made = [*programs().filters, programs().answered, *programs(network=False).filters]
    assert all(len(program) % 8 == 0 and len(program) > 60 for program in made)
    assert programs(network=False).filters != programs().filters
