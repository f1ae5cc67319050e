"""Canaries: raw values that exist nowhere else, and a search for them wherever they may have got to.

A canary is searched for in every form in which a program would keep it: a text as it was given and in upper
case (as ids are kept), in UTF-8, in UTF-16, in hexadecimal (as Postgres shows bytes) and in base64; a number
as text, as eight bytes of a double, as eight bytes of an integer.
"""

import base64
import os
import secrets
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from about_processes import command_line, open_files
from sandbox.database import Database

CHUNK = 64 * 1024 * 1024
OVERLAP = 256  # longer than any form of a canary
EMPTY = bytes(1024 * 1024)  # most memory that a process may use holds nothing: it is not searched
BIRD = "canarybird"


def word(kind: str) -> str:
    """A text that nobody else has: a unit, an attribute, a hidden value. `kind` is one letter."""
    return f"{BIRD}{kind}{secrets.token_hex(8)}"


def encodings(value: str) -> list[bytes]:
    """A text as a program may keep it.
    In base64 it depends on what stands before, and the ends on the neighbours."""
    found = []
    for spelled in (value, value.upper()):
        plain = spelled.encode()
        found += [plain, spelled.encode("utf-16-le"), plain.hex().encode()]
        for shift in range(3):
            whole = (shift + len(plain)) // 3 * 4
            found.append(base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : whole])
    return found


def number_forms(value: float) -> set[bytes]:
    forms = {
        repr(value).encode(),
        repr(value).encode("utf-16-le"),
        struct.pack("<d", value),
        struct.pack(">d", value),
    }
    return forms | ({struct.pack("<q", value), struct.pack(">q", value)} if isinstance(value, int) else set())


MARKS = encodings(BIRD)
"""What every text of ours has in common: looked for first, because most of what is
searched holds none at all."""


@dataclass(frozen=True)
class Canaries:
    """The raw values, by what they are."""

    values: dict[str, str | float]

    def within(self, data: bytes) -> set[str]:
        """The names of those that are in `data`."""
        found = {
            name
            for name, value in self.values.items()
            if not isinstance(value, str) and any(form in data for form in number_forms(value))
        }
        if any(mark in data for mark in MARKS):
            found |= {
                name
                for name, value in self.values.items()
                if isinstance(value, str) and any(form in data for form in encodings(value))
            }
        return found


@dataclass(frozen=True)
class Found:
    where: str
    what: tuple[str, ...]


def in_files(canaries: Canaries, folder: Path) -> tuple[list[Found], int]:
    """Every regular file below a folder, whatever its name; and how many were read."""
    found, read = [], 0
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                if not stat.S_ISREG(path.lstat().st_mode):
                    continue
                seen = {one for part in parts(path) for one in canaries.within(part)} | canaries.within(
                    os.fsencode(path)
                )
            except FileNotFoundError:
                continue  # it went while we looked
            read += 1
            if seen:
                found.append(Found(str(path.relative_to(folder)), tuple(sorted(seen))))
    return found, read


def parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        before = b""
        while chunk := file.read(CHUNK):
            yield before + chunk
            before = chunk[-OVERLAP:]


def in_tables(canaries: Canaries, database: Database) -> tuple[list[Found], int]:
    """Every row of every table of every schema, and Postgres' own statistics (they hold samples);
    how many rows."""
    found, read = [], 0
    with database.transaction() as tx:
        tables = [
            tuple(row)
            for row in tx.execute(
                text(
                    "SELECT schemaname, tablename FROM pg_tables "
                    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
                )
            )
        ]
        for schema, table in [*tables, ("pg_catalog", "pg_stats"), ("pg_catalog", "pg_stat_activity")]:
            for (row,) in tx.execute(text(f'SELECT CAST(one AS text) FROM "{schema}"."{table}" AS one')):
                read += 1
                if row and (seen := canaries.within(row.encode())):
                    found.append(Found(f"{schema}.{table}", tuple(sorted(seen))))
    return found, read


def in_memory(canaries: Canaries, pids: Iterable[int]) -> tuple[list[Found], int]:
    """All that these processes hold, and the deleted files that they have open; how many bytes.
    For who may look."""
    found, read = [], 0
    for pid in pids:
        seen: set[str] = set()
        for part in memory(pid):
            read += len(part)
            seen |= canaries.within(part)
        for handle, target in open_files(pid):
            with suppress(FileNotFoundError):  # it was closed, or its process has ended
                if target.endswith("(deleted)") and stat.S_ISREG(handle.stat().st_mode):
                    seen |= {one for part in parts(handle) for one in canaries.within(part)}
        if seen:
            found.append(Found(command_line(pid).decode(errors="replace")[:120], tuple(sorted(seen))))
    return found, read


def memory(pid: int) -> Iterator[bytes]:
    """What it can write, in pieces; nothing when it has ended."""
    with ExitStack() as opened:
        try:
            maps = opened.enter_context(Path(f"/proc/{pid}/maps").open())
            contents = opened.enter_context(Path(f"/proc/{pid}/mem").open("rb", 0))
            lines = maps.readlines()
        except (FileNotFoundError, ProcessLookupError):
            return
        for line in lines:
            place, rights, _, _, inode, *name = line.split()
            if not rights.startswith("rw") or (
                inode != "0" and not rights.endswith("s") and name and ".so" in name[0]
            ):
                continue  # what cannot be written holds programs and their words
            start, end = (int(part, 16) for part in place.split("-"))
            for at in range(start, end, len(EMPTY)):
                try:
                    contents.seek(at)
                    part = contents.read(min(len(EMPTY) + OVERLAP, end - at))
                except OSError:
                    break  # a guard page, or a device
                if not EMPTY.startswith(part[: len(EMPTY)]) or any(part[len(EMPTY) :]):
                    yield part
