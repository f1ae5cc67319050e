"""Files that are packed: a gzip file, or a zip archive with one table in it.

The unpacked bytes are never written anywhere. They are read as a stream, and counted against the limits.
"""

import gzip
import io
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast

from sandbox.errors import InvalidInput
from sandbox.ingest.file_format import GZIP, ZIP
from sandbox.ingest.limits import Limits
from sandbox.ingest.source import InMemory, Source, first_bytes, read_up_to

DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)
SHEETS = ("[Content_Types].xml", "content.xml", "mimetype")
"""A member of each workbook: of Office Open XML (ECMA-376-2) and of OpenDocument."""

DOCUMENTS = (
    ".md",
    ".pdf",
    ".doc",
    ".docx",
    ".rtf",
    ".htm",
    ".html",
    ".png",
    ".jpg",
    ".jpeg",
    ".xml",
    ".yaml",
)
EXPLAINING = ("readme", "licen", "metadata", "说明", "数据字典", "元数据", "使用须知")
"""No tables: files with these endings, and files with these words in their names."""


@dataclass(frozen=True)
class Unpacked:
    """The one file in a packed one. `size` is what was counted, not what the archive says."""

    packed: Source
    member: str  # "" in a gzip file
    size: int

    def open(self) -> BinaryIO:
        return _open(self.packed, self.member)


def unpacked(source: Source, limits: Limits) -> Source:
    """`source` itself, or the file that is packed in it. Raises `InvalidInput`."""
    head = first_bytes(source, 4)
    if head.startswith(GZIP):
        return _counted(source, "", limits)
    if not head.startswith(ZIP):
        return source
    try:
        with source.open() as stream, zipfile.ZipFile(stream) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
            locked = any(member.flag_bits & 1 for member in archive.infolist())
    except DAMAGED as error:
        raise _damaged(error) from None
    if any(name in SHEETS for name in names):
        return source
    names = [name for name in names if not name.startswith("__MACOSX/") and not name.endswith(".DS_Store")]
    if locked:
        raise InvalidInput(
            "The archive is locked with a password.",
            remedy="Unpack it and send the file in it.",
            zh="压缩包设有密码。",
            remedy_zh="请解压后提供其中的文件。",
        )
    if len(names) > 1:
        # archives of portals have a table, and beside it what explains it
        names = [name for name in names if not _explains(name)] or names
    if len(names) > 1:
        names = [name for name in names if not name.lower().endswith(".txt")] or names
    if len(names) != 1:
        raise InvalidInput(
            f"The archive holds {len(names)} files; one is needed.",
            remedy="Send one file, or an archive with one table in it.",
            zh=f"压缩包中有 {len(names)} 个文件，只能有一个。",
            remedy_zh="请提供一个文件，或只含一个表格的压缩包。",
        )
    return _counted(source, names[0], limits)


def _explains(name: str) -> bool:
    name = name.rpartition("/")[2].lower()
    with suppress(
        UnicodeError
    ):  # Windows writes Chinese names in GBK, and zipfile takes them for code page 437
        name = name.encode("cp437").decode("gbk")
    return name.endswith(DOCUMENTS) or any(word in name for word in EXPLAINING)


def _open(source: Source, member: str) -> BinaryIO:
    if not member:
        return cast("BinaryIO", gzip.GzipFile(fileobj=source.open()))
    return cast("BinaryIO", zipfile.ZipFile(source.open()).open(member))


def _counted(source: Source, member: str, limits: Limits) -> Source:
    """The file, read through once: what an archive declares of itself proves nothing."""
    size, kept = 0, io.BytesIO()
    try:
        with _open(source, member) as stream:
            while part := read_up_to(stream, 1 << 20):
                size += len(part)
                if size > limits.file_bytes:
                    raise InvalidInput(
                        f"The packed file unpacks to more than {limits.file_bytes // 1024**2} MiB.",
                        remedy="Publish it as several datasets.",
                        zh=f"压缩文件解压后超过 {limits.file_bytes // 1024**2} MiB。",
                        remedy_zh="请分成几个数据集发布。",
                    )
                if size <= KEPT_BYTES:
                    kept.write(part)
    except DAMAGED as error:
        raise _damaged(error) from None
    inner = InMemory(kept.getvalue()) if size <= KEPT_BYTES else Unpacked(source, member, size)
    if first_bytes(inner, 4).startswith(GZIP):
        raise InvalidInput(
            "The file is packed twice.",
            remedy="Unpack it once, and send that.",
            zh="文件被压缩了两次。",
            remedy_zh="请先解压一次再提供。",
        )
    return inner


KEPT_BYTES = 32 * 1024**2
"""So much is kept in memory, and is not unpacked again for each reading."""


def _damaged(error: Exception) -> InvalidInput:
    return InvalidInput(
        "The packed file is damaged.",
        remedy="Pack it again, or send the file itself.",
        zh="压缩文件已损坏。",
        remedy_zh="请重新压缩，或直接提供原文件。",
        internal=type(error).__name__,
    )
