"""Opens a locked DuckDB: in memory only, with no files, no network and no extensions, and nothing is ever
spilled to a disk."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

MEMORY = "4GB"
SHUT: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "2",
    "memory_limit": MEMORY,
    # rows of raw data must not be written anywhere in the clear
    "temp_directory": "",
    "max_temp_directory_size": "0B",
}


@contextmanager
def shut_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own in memory, gone when the block ends."""
    with duckdb.connect(":memory:", config=SHUT) as connection:
        yield connection
