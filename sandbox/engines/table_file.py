"""Rows as a database file without a name, in memory:
made once by a process of its own, read by those of many questions."""

import os
import weakref
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class TableFile:
    """An open descriptor of a DuckDB file, and what the vault knows of its rows.
    Closed when nobody holds it any more."""

    descriptor: int
    count: int  # rows
    units: int
    _closed: object = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_closed", weakref.finalize(self, os.close, self.descriptor))
