"""Finds a password or key where policies/sources.yaml says: in a variable or in a file."""

import os
from pathlib import Path

from sandbox.sources.failures import SourceFailure


def read_secret(reference: str) -> str:
    """The secret; "" where the source has none. Raises `SourceFailure`."""
    if not reference:
        return ""
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        found = os.environ.get(place, "")
    else:
        try:
            found = Path(place).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            found = ""
    if not found:
        raise SourceFailure("source_secret_missing")
    return found


def named_variables(references: list[str]) -> list[str]:
    """The environment variables among the references."""
    return [reference.removeprefix("env:") for reference in references if reference.startswith("env:")]
