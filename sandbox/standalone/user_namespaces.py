"""Finds why this account can make no user namespace. Each of the kernel's switches has a remedy of its own.

Sources: user_namespaces(7); Debian's and Ubuntu's kernels (kernel.unprivileged_userns_clone,
kernel.apparmor_restrict_unprivileged_userns); LSM and seccomp of containers leave no switch to read.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Switch:
    """A file below /proc/sys, when it forbids, and how that is changed.
    `root_too`: it holds for root as well."""

    file: str
    forbids: Callable[[int], bool]
    what: str
    remedy: str
    root_too: bool = False


SWITCHES = (
    Switch(
        "user/max_user_namespaces",
        lambda value: value == 0,
        "this machine allows no user namespaces at all (user.max_user_namespaces is 0)",
        "As root: sysctl -w user.max_user_namespaces=15000, and the same in /etc/sysctl.d.",
        root_too=True,
    ),
    Switch(
        "kernel/unprivileged_userns_clone",
        lambda value: value == 0,
        "this machine lets only root make user namespaces (kernel.unprivileged_userns_clone is 0)",
        "As root: sysctl -w kernel.unprivileged_userns_clone=1, and the same in "
        "/etc/sysctl.d; or run the city as root.",
    ),
    Switch(
        "kernel/apparmor_restrict_unprivileged_userns",
        lambda value: value == 1,
        "AppArmor lets only known programs make "
        "user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)",
        "As root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, and the same in /etc/sysctl.d; "
        "or run the city as root.",
    ),
)
CONTAINERS = ("/.dockerenv", "/run/.containerenv")
IN_A_CONTAINER = (
    "In a container, allow them (for Docker: --security-opt seccomp=unconfined --cap-add SYS_ADMIN), "
    "or run the city outside of it."
)
ELSEWHERE = "Ask who runs this machine for user namespaces, or run the city as root."


def why_denied(
    *, root: bool | None = None, sysctl: Path = Path("/proc/sys"), system: Path = Path("/")
) -> tuple[str, str]:
    """What forbids user namespaces, and the remedy;
    of several switches the first that holds for this account."""
    root = os.geteuid() == 0 if root is None else root
    for switch in SWITCHES:
        if root and not switch.root_too:
            continue
        try:
            value = int((sysctl / switch.file).read_text().split()[0])
        except (OSError, ValueError, IndexError):
            continue
        if switch.forbids(value):
            return switch.what, switch.remedy
    if any((system / name.lstrip("/")).exists() for name in CONTAINERS):
        return "the container that we are in does not allow them", IN_A_CONTAINER
    return "something on this machine does not allow them", ELSEWHERE
