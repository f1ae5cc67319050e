"""Which program text is taken? A few text files with plain names, of which one is started; kept and hashed as it is."""

import hashlib
import json
import re
from collections.abc import Mapping

from sandbox.errors import InvalidInput
from sandbox.jobs.model import Program

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}){0,4}")
MOST_FILES, MOST_BYTES = 40, 56_000
NAME_LENGTH = 80


def checked_program(entry: str, files: Mapping[str, str]) -> Program:
    """The program, if it can be kept exactly and started. Raises `InvalidInput`."""
    if not 1 <= len(files) <= MOST_FILES:
        raise InvalidInput(f"A program has 1 to {MOST_FILES} files, not {len(files)}.", mend="Leave out what it does not need.")
    for path in files:
        if not PLAIN.fullmatch(path):
            raise InvalidInput(f"A file of a program cannot be called {path[:80]!r}.",
                               mend="Use letters, digits and . _ - in parts joined by /.")
    if entry not in files or not entry.endswith(".py"):
        raise InvalidInput(f"The file to start, {entry[:80]!r}, is not a .py file of the program.",
                           mend=f"Name one of: {', '.join(sorted(files))[:200]}.")
    check_texts(files)
    if sum(len(text.encode()) for text in files.values()) > MOST_BYTES:
        raise InvalidInput(f"The program is larger than {MOST_BYTES} bytes.",
                           mend="A program is text; what it computes on are its inputs.")
    return Program(entry, dict(files), program_sha256(entry, files))


def check_texts(files: Mapping[str, str]) -> None:
    for path, text in files.items():
        try:
            whole = "\0" not in text and bool(text.encode())
        except UnicodeEncodeError:
            whole = False
        if not whole and text:
            raise InvalidInput(f"{path} is not text that can be kept exactly.", mend="Save it as UTF-8, without NUL.")
    if not any(text.strip() for text in files.values()):
        raise InvalidInput("The program is empty.", mend="Write what is to run.")


def program_sha256(entry: str, files: Mapping[str, str]) -> str:
    """SHA-256 of the JSON of [entry, files] with sorted names, no spaces and no escapes but those JSON requires."""
    text = json.dumps([entry, dict(files)], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def checked_name(name: str) -> str:
    """A run's name: a line of text for people."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= NAME_LENGTH or not shown.isprintable():
        raise InvalidInput(f"A run's name has 1 to {NAME_LENGTH} characters.", mend="Say in a few words what it does.",
                           zh=f"运行名称应为 1 至 {NAME_LENGTH} 个字符。", mend_zh="请用几个字说明它做什么。")
    return shown
