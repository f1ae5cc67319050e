"""Keeps the logs of a city's parts from filling the disk:
what has grown too large is put aside, and the oldest removed.

A part holds its log open for as long as it lives, and what it writes there is not only ours (Postgres, the S3
server, a library's last words). So the file is copied and emptied, not renamed: all writers append
(O_APPEND), and go on at its new end.
"""

import os
import shutil
from pathlib import Path

MOST_BYTES, KEPT = 10 * 2**20, 5
LAST_WORDS = 400  # characters of a log's last line that a message repeats


def rotate(log: Path, *, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> bool:
    """`log` becomes `log.1`, that `log.2`, and so on to `kept`, if it is larger than `most_bytes`.
    Whether it was."""
    try:
        if log.stat().st_size <= most_bytes:
            return False
    except OSError:
        return False
    try:
        for number in range(kept - 1, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number + 1}"))
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    except OSError:
        pass  # no room for a copy: then rather no old lines than no disk
    os.truncate(log, 0)
    return True


def last_line(log: Path) -> str:
    """The last thing that a log says, shortened; empty if nothing. Only its end is read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:LAST_WORDS] if lines else ""
