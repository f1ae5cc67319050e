"""Splits of a population into train, live and final people, within the vault."""

from sandbox.splits.assignment import Held, assign
from sandbox.splits.form import SplitForm, Stratum
from sandbox.splits.split_store import SplitRawStore
from sandbox.splits.splits import (
    Split,
    about_population,
    commit_split,
    load_split,
    open_split,
    part_rows,
    verify_split,
)

__all__ = [
    "Held",
    "Split",
    "SplitForm",
    "SplitRawStore",
    "Stratum",
    "about_population",
    "assign",
    "commit_split",
    "load_split",
    "open_split",
    "part_rows",
    "verify_split",
]
