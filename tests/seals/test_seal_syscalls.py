"""The filters name what is allowed; what nobody named is refused."""

import errno
import socket

import pytest

from sandbox.seals.syscalls import ALLOWED, REFUSED, programs, walls

DOORS = ("mount", "unshare", "setns", "ptrace", "bpf", "keyctl", "io_uring_setup", "io_uring_enter", "clone3", "symlinkat",
         "linkat", "mknodat", "memfd_create", "shmget", "mq_open", "userfaultfd", "perf_event_open", "fsopen", "move_mount",
         "open_tree", "open_by_handle_at", "process_vm_readv", "pidfd_getfd", "kexec_load", "init_module", "fanotify_init",
         "personality", "userfaultfd", "memfd_secret", "quotactl_fd", "mount_setattr", "seccomp", "syslog", "acct", "swapon")


@pytest.mark.parametrize("call", DOORS)
def test_doors_to_the_host_are_not_allowed(call: str) -> None:
    assert call not in ALLOWED


def test_no_call_is_both_allowed_and_refused() -> None:
    assert not set(ALLOWED) & set(REFUSED)
    assert len(ALLOWED) == len(set(ALLOWED))


def test_only_two_socket_families_are_open_and_pairs_are_local() -> None:
    closed = {wall.value for wall in walls() if wall.call == "socket"}
    assert set(range(64)) - closed == {socket.AF_UNIX, socket.AF_INET}
    pairs = {wall.value for wall in walls() if wall.call == "socketpair"}
    assert set(range(64)) - pairs == {socket.AF_UNIX}


def test_netlink_answers_with_the_error_that_libzmq_survives() -> None:
    [netlink] = [wall for wall in walls() if wall.call == "socket" and wall.value == socket.AF_NETLINK]
    assert netlink.error == errno.EOPNOTSUPP


def test_arguments_are_compared_as_the_kernel_reads_them() -> None:
    assert all(wall.mask == 0xFFFFFFFF for wall in walls() if wall.call != "clone")


def test_the_filters_are_made_once_and_are_whole_programs() -> None:
    assert programs() is programs()
    assert all(len(program) % 8 == 0 and len(program) > 80 for program in programs())
