"""A folder in memory, for the servers that all tests of a session share.

Each test's database is a copy of 800 files: on a disk that is written back meanwhile it takes up to half a
second of processor time, in memory 20 ms.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # tmpfs(5): a folder of this process's user alone is made in it
ENOUGH = 6 << 30  # bytes free; a worker's servers take some hundred megabytes


@contextmanager
def memory_folder() -> Iterator[Path]:
    """It is removed at the end; on a disk where there is too little room in memory.
    Its path is short, as sockets need it."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    folder = Path(tempfile.mkdtemp(prefix="cihu-tests-", dir=MEMORY if in_memory else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
