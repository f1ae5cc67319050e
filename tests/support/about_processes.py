"""What /proc says of other processes (proc(5)). One may end between any two looks: it says nothing then."""

import os
from collections.abc import Iterator
from pathlib import Path


def about(pid: int, name: str) -> bytes:
    """The file `name` of /proc/PID, as `cmdline` or `environ`; nothing when the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def command_line(pid: int) -> bytes:
    """Its words with spaces between; nothing when it has ended."""
    return about(pid, "cmdline").replace(b"\0", b" ")


def below(pid: int) -> list[int]:
    """All processes below `pid`, as the kernel lists its children: it is a matter of microseconds, so that
    also those are seen that end soon."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        tasks = Path(f"/proc/{waiting.pop()}/task")
        for task in listed(tasks):
            try:
                children = [int(child) for child in (task / "children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += children
            waiting += children
    return found


def listed(folder: Path) -> list[Path]:
    """What a folder of /proc holds; nothing when its process has ended."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def program(pid: int) -> str:
    """The path of what it runs; nothing when it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def open_files(pid: int) -> Iterator[tuple[Path, str]]:
    """What it has open: the handle below /proc, and what that leads to; nothing when it has ended."""
    for handle in listed(Path(f"/proc/{pid}/fd")):
        try:
            yield handle, os.readlink(handle)
        except (FileNotFoundError, ProcessLookupError):
            continue
