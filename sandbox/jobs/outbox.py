"""Reads what a run left in its outbox: plain files with plain names, and nothing that leads elsewhere.

The program was hostile for all we know, and it is dead: nothing here changes while it is read. Even so
nothing is opened by a path: each name is opened in its folder's descriptor, never through a link, and looked
at again once it is open. Source of the attack: Judge0, CVE-2024-28185 and CVE-2024-28189.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

MIB = 1024 * 1024
MOST_FILE_BYTES = 16 * MIB
MOST_FILES = 100
MOST_ALL_BYTES = 128 * MIB
MOST_ENTRIES = 2000  # looked at
DEEPEST = 4
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
OURS = frozenset({"log.txt", "exit.json"})
SHOWN = 160
AS_IT_LIES = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class LeftOut:
    """Something that was in the outbox and is not collected: its name, escaped, and why."""

    path: str
    why: str


@dataclass
class Collected:
    """`files`: path -> content, in the order of their paths."""

    files: dict[str, bytes] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


def collect(outbox: int) -> Collected:
    """Everything that may be taken from the folder of the descriptor `outbox`. The run must have ended."""
    found = Collected()
    entries = sorted(islice(_walk(outbox, "", found), MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        return Collected({}, [LeftOut("", f"more than {MOST_ENTRIES} entries: nothing is collected")])
    taken = 0
    for path in entries:
        if len(found.files) >= MOST_FILES:
            found.left_out.append(LeftOut(path, f"more than {MOST_FILES} files"))
            continue
        content = _read(outbox, path, min(MOST_FILE_BYTES, MOST_ALL_BYTES - taken))
        if isinstance(content, bytes):
            found.files[path] = content
            taken += len(content)
        else:
            found.left_out.append(LeftOut(path, content))
    return found


def _walk(folder: int, above: str, found: Collected) -> Iterator[str]:
    """The paths of the plain files with plain names below `folder`;
    what else there is is left out, with its reason."""
    with os.scandir(folder) as listing:
        names = [entry.name for entry in islice(listing, MOST_ENTRIES + 1)]
    for name in sorted(names):
        path = f"{above}{name}"
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not PLAIN.fullmatch(name):
            found.left_out.append(LeftOut(_shown(path), "its name is not letters, digits and . _ -"))
        elif stat.S_ISDIR(about.st_mode):
            yield from _below(folder, name, path, found)
        elif not stat.S_ISREG(about.st_mode):
            found.left_out.append(LeftOut(path, "it is no file, but a link, a pipe, a socket or a device"))
        elif path in OURS:
            found.left_out.append(LeftOut(path, "the name is kept for the run's own log and exit"))
        else:
            yield path
        if len(found.left_out) > MOST_ENTRIES:
            return


def _below(folder: int, name: str, path: str, found: Collected) -> Iterator[str]:
    if path.count("/") >= DEEPEST - 1:
        found.left_out.append(LeftOut(path, f"folders are at most {DEEPEST - 1} deep"))
        return
    inner = os.open(name, AS_IT_LIES | os.O_DIRECTORY, dir_fd=folder)
    try:
        yield from _walk(inner, f"{path}/", found)
    finally:
        os.close(inner)


def _read(outbox: int, path: str, most: int) -> bytes | str:
    """The content of a plain file, or why it is not taken."""
    *above, name = path.split("/")
    opened = [outbox]
    try:
        for part in above:
            opened.append(os.open(part, AS_IT_LIES | os.O_DIRECTORY, dir_fd=opened[-1]))
        opened.append(os.open(name, AS_IT_LIES, dir_fd=opened[-1]))
        about = os.fstat(opened[-1])
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            return "it is no file of its own"
        if about.st_size > most:
            return (
                f"it is larger than {MOST_FILE_BYTES // MIB} MiB, or all files are than "
                f"{MOST_ALL_BYTES // MIB} MiB"
            )
        with open(opened[-1], "rb", closefd=False) as file:  # a descriptor has no path
            return file.read(most)
    except OSError as error:
        return f"it could not be opened ({error.strerror})"
    finally:
        for descriptor in opened[1:]:
            os.close(descriptor)


def _shown(path: str) -> str:
    return (
        os.fsencode(path).decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")[:SHOWN]
    )
