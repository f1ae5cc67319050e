"""Lists the kinds of file that are never released, recognised by their first bytes, with the reason and what
to write instead."""

import pickletools
from dataclasses import dataclass

from sandbox.disclosure.finding import Finding, Unfit, blocks


@dataclass(frozen=True)
class Refused:
    code: str
    name: str
    zh: str
    why: str
    why_zh: str
    remedy: str
    remedy_zh: str

    def finding(self) -> Finding:
        return blocks(
            self.code,
            "hidden_content",
            f"This is {self.name}: {self.why}.",
            self.remedy,
            f"这是{self.zh}：{self.why_zh}。",
            self.remedy_zh,
        )


RUNS = ("it can run a program where it is opened", "打开时可能运行程序")
HIDES = ("what is in it cannot be seen and checked", "其中内容无法查看和检查")
TABLE = (
    "Write tables as CSV or Parquet and numbers as JSON.",
    "表格请存为 CSV 或 Parquet，数值请存为 JSON。",
)
PLAIN = ("Send each file by itself, not packed.", "请逐个提交文件，不要打包或压缩。")
PICTURE = ("Save the picture as PNG.", "请把图片存为 PNG。")
TEXT = ("Write plain text or Markdown.", "请写成纯文本或 Markdown。")
MODEL = (
    "Save a model as safetensors, ONNX or skops; tables as CSV.",
    "模型请存为 safetensors、ONNX 或 skops，表格请存为 CSV。",
)


def _kind(code: str, name: str, zh: str, why: tuple[str, str], remedy: tuple[str, str]) -> Refused:
    return Refused(code, name, zh, *why, *remedy)


PICKLE = _kind("pickle", "a pickle", "pickle 文件", RUNS, MODEL)
ARCHIVE = _kind("archive", "a packed or compressed file", "打包或压缩文件", HIDES, PLAIN)
OFFICE = _kind(
    "office_document",
    "an Office document",
    "Office 文档",
    ("it can hold macros and hidden sheets", "可能含有宏和隐藏工作表"),
    TABLE,
)
PDF = _kind(
    "pdf",
    "a PDF",
    "PDF 文件",
    HIDES,
    ("Write text as Markdown and charts as PNG.", "文字请写成 Markdown，图表请存为 PNG。"),
)
EXECUTABLE = _kind("executable", "a program", "可执行文件", RUNS, TEXT)
HTML = _kind("html", "HTML or a script", "HTML 或脚本", RUNS, TEXT)
OTHER_PICTURE = _kind(
    "picture_format", "a picture in a format that is not re-rendered", "不支持重绘的图片格式", HIDES, PICTURE
)
ARRAYS = _kind("array_file", "a file of arrays or a database", "数组文件或数据库文件", HIDES, TABLE)
UNKNOWN = _kind(
    "unknown_binary", "a binary file of no kind that may leave", "不属于允许类型的二进制文件", HIDES, TABLE
)

MAGICS: tuple[tuple[bytes, Refused], ...] = (
    (b"\x1f\x8b", ARCHIVE),
    (b"\xfd7zXZ\x00", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", ARCHIVE),
    (b"Rar!\x1a\x07", ARCHIVE),
    (b"x\x9c", ARCHIVE),
    (b"x\x01", ARCHIVE),
    (b"x\xda", ARCHIVE),
    (b"\x04\x22\x4d\x18", ARCHIVE),
    (b"PK\x03\x04", ARCHIVE),
    (b"PK\x05\x06", ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE),
    (b"%PDF", PDF),
    (b"{\\rtf", OFFICE),
    (b"\x7fELF", EXECUTABLE),
    (b"MZ", EXECUTABLE),
    (b"\xca\xfe\xba\xbe", EXECUTABLE),
    (b"\xcf\xfa\xed\xfe", EXECUTABLE),
    (b"\x00asm", EXECUTABLE),
    (b"#!", EXECUTABLE),
    (b"\xff\xd8\xff", OTHER_PICTURE),
    (b"GIF8", OTHER_PICTURE),
    (b"BM", OTHER_PICTURE),
    (b"II*\x00", OTHER_PICTURE),
    (b"MM\x00*", OTHER_PICTURE),
    (b"RIFF", OTHER_PICTURE),
    (b"\x93NUMPY", ARRAYS),
    (b"\x89HDF", ARRAYS),
    (b"ARROW1", ARRAYS),
    (b"SQLite format 3\x00", ARRAYS),
    (b"FEA1", ARRAYS),
    (b"RDX", ARRAYS),
    (b"\x00\x01\x00\x00Stan", ARRAYS),
)
TEXT_MAGICS = frozenset({b"BM", b"MZ", b"RIFF", b"x\x01", b"RDX", b"BZh", b"GIF8", b"FEA1"})
"""Short or wordlike: only content that is not UTF-8 text is recognised by these."""

OFFICE_MEMBERS = ("[Content_Types].xml", "xl/", "word/", "ppt/", "mimetype")
HTML_SIGNS = (b"<!doctype html", b"<html", b"<script", b"<?php", b"<body", b"<iframe", b"javascript:")


def refuse_by_magic(content: bytes, *, is_text: bool) -> None:
    """Raises `Unfit` for a kind that is never released. ZIPs are told apart by `zip_members` first."""
    if content[257:262] == b"ustar":
        raise Unfit(ARCHIVE.finding())
    if _is_pickle(content):
        raise Unfit(PICKLE.finding())
    for magic, refused in MAGICS:
        if content.startswith(magic) and not (is_text and magic in TEXT_MAGICS):
            raise Unfit(refused.finding())
    if (
        is_text
        and any(sign in content.lower() for sign in HTML_SIGNS)
        and b"<svg" not in content[:4096].lower()
    ):
        raise Unfit(HTML.finding())


def _is_pickle(content: bytes) -> bool:
    """Every protocol: 2 and later by their first byte, 0 and 1 by reading them to the end as instructions."""
    if content[:1] == b"\x80" and content[1:2] and content[1] <= 5:
        return True
    if not content.rstrip().endswith(b"."):
        return False
    try:
        last = None
        for operation, _argument, place in pickletools.genops(content):
            last = (operation.name, place)
    except Exception:  # noqa: BLE001 (pickletools raises whatever its readers raise on what is no pickle)
        return False
    return (
        last is not None
        and last[0] == "STOP"
        and last[1] is not None
        and last[1] >= len(content.rstrip()) - 1
        and last[1] > 1
    )
