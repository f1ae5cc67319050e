"""Keeps a process small that reads large files now and then and runs for months: allocators give back what
they do not use.

By default glibc learns from large blocks that it should keep them, each thread gets an arena of its own, and
Arrow's allocator keeps pages for each thread. Reading two million rows left 230 MB unused in the process that
way; so it is 100 MB, for a tenth more computing (`make bench-publish`).
"""

import ctypes
from contextlib import suppress

import pyarrow as pa

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # of mallopt(3)
LARGE_BYTES = 2 * 1024**2
"""A block of so many bytes is the kernel's again when it is freed."""
ARENAS = 2


def keep_little_memory() -> None:
    """For this process, before it has threads."""
    with suppress(OSError, AttributeError):  # musl has no such thing, and keeps little
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(M_ARENA_MAX, ARENAS)
        pa.set_memory_pool(pa.system_memory_pool())


def release_memory() -> None:
    """What the C library keeps for later, after a large file. It costs some milliseconds."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
