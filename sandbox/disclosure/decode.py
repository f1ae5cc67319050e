"""Decodes files of a hostile author: what they hold, what would leave instead, and how many bits that has.

Everything that reads hostile bytes by a library happens here and nowhere else, so that it can happen in
another process (`sealed_decode.py` is its program). What comes back is plain: texts, numbers and bytes.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.disclosure.clean_file import clean_and_count
from sandbox.disclosure.files.file_limits import FileLimits
from sandbox.disclosure.files.open_file import open_file
from sandbox.disclosure.files.opened import Opened
from sandbox.disclosure.finding import Finding, Unfit, blocks
from sandbox.disclosure.form import PLAIN, Form

UNREADABLE = blocks(
    "unreadable",
    "hidden_content",
    "The file cannot be read as what it says it is.",
    "Write it again as a plain table, text or picture.",
    "无法按其声明的类型读取该文件。",
    "请重新写成普通的表格、文字或图片。",
)
log = logging.getLogger("cihu.disclosure")


@dataclass(frozen=True)
class Undecoded:
    """`form`: how it is written anew. `opens`: what it holds is wanted; `leaves`: what would be released of
    it is wanted."""

    name: str
    content: bytes
    form: Form = PLAIN
    opens: bool = True
    leaves: bool = True


@dataclass(frozen=True)
class Decoded:
    """`unfit`: why it cannot be opened; `unwritable`: why it cannot be written anew. What was not wanted is
    None, and so are the bits of what has no bound."""

    opened: Opened | None = None
    unfit: Finding | None = None
    leaves: tuple[str, bytes] | None = None
    unwritable: Finding | None = None
    bits: float | None = None

    def require_opened(self) -> Opened:
        """Raises `Unfit`."""
        if self.opened is None:
            raise Unfit(self.unfit or UNREADABLE)
        return self.opened

    def require_leaves(self) -> tuple[str, bytes]:
        """Raises `Unfit`."""
        if self.leaves is None:
            raise Unfit(self.unwritable or self.unfit or UNREADABLE)
        return self.leaves


Decode = Callable[[Sequence[Undecoded], FileLimits], Sequence[Decoded]]


def decode_here(files: Sequence[Undecoded], limits: FileLimits) -> list[Decoded]:
    """In this process."""
    return [decode_file(file, limits) for file in files]


def decode_file(file: Undecoded, limits: FileLimits) -> Decoded:
    """Never raises for what a file holds."""
    opened, unfit = None, None
    if file.opens:
        opened, unfit = _open(file, limits)
        if opened is None:
            return Decoded(unfit=unfit)
    if not file.leaves:
        return Decoded(opened)
    try:
        leaves, bits = clean_and_count(file.name, file.content, file.form)
        return Decoded(opened, leaves=leaves, bits=bits)
    except Unfit as unwritable:
        return Decoded(opened, unwritable=unwritable.finding)
    except Exception as error:  # noqa: BLE001  # as below
        log.warning("a file's bits could not be counted: %s", type(error).__name__)
        return Decoded(opened, unwritable=UNREADABLE)


def _open(file: Undecoded, limits: FileLimits) -> tuple[Opened | None, Finding | None]:
    try:
        return open_file(
            file.name,
            file.content,
            most_bytes=limits.most_bytes,
            most_rows=limits.most_rows,
            skops_types=limits.skops_types,
        ), None
    except Unfit as unfit:
        return None, unfit.finding
    except Exception as error:  # noqa: BLE001  # whatever hostile bytes made a library raise; its words could quote a value
        log.warning("a file could not be read: %s", type(error).__name__)
        return None, UNREADABLE
