"""Defines what a file may be at most."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileLimits:
    """Of every file, whatever its grade."""

    most_bytes: int
    most_rows: int
    skops_types: tuple[str, ...]
