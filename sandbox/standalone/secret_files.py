"""Keeps a secret on disk, in a file that only its owner can read, written once, whole or not at all."""

import os
import secrets
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write `text` so that nobody else can ever read it, and nobody can find half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def secret(path: Path) -> str:
    """The secret in `path`: 64 random hexadecimal digits, made the first time."""
    if not path.exists():
        write_secret(path, secrets.token_hex(32))
    return path.read_text().strip()
