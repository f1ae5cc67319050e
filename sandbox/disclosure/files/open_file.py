"""Recognises a file by its content; its name may only agree."""

import re
from collections.abc import Iterator
from dataclasses import replace
from math import log2
from pathlib import PurePosixPath

from sandbox.disclosure.files.csv_table import looks_like_csv, read_csv
from sandbox.disclosure.files.drawing import coordinates_of, read_svg, render_svg
from sandbox.disclosure.files.json_text import (
    empty_marks,
    grids_of,
    list_lengths,
    load_json,
    long_lists,
    pieces_of,
)
from sandbox.disclosure.files.kind import CODE, SUFFIXES, Kind
from sandbox.disclosure.files.model_arrays import modelled
from sandbox.disclosure.files.notebook import check_notebook, is_notebook, notebook_pieces
from sandbox.disclosure.files.opened import Opened, Piece
from sandbox.disclosure.files.picture import SIGNATURE, check_png
from sandbox.disclosure.files.refused_kinds import EXECUTABLE, UNKNOWN, refuse_by_magic
from sandbox.disclosure.files.safetensors_model import is_safetensors, read_safetensors
from sandbox.disclosure.files.skops_model import read_zip
from sandbox.disclosure.files.text_tables import read_text_tables
from sandbox.disclosure.files.too_many import MOST_CELLS, too_many_cells, too_many_rows
from sandbox.disclosure.finding import Finding, Unfit, asks, blocks, notes

GOOD_NAME = re.compile(
    r"(?!/)(?:[\w()\uff08\uff09 +,.-]{1,80}/){0,8}[\w()\uff08\uff09 +,-][\w()\uff08\uff09 +,.-]{0,99}"
)
MARK = "\ufeff"
LONGEST_TEXT = 10_000
MANY_MARKS = 40
MANY_LENGTHS, KINDS_OF_LENGTHS = 12, 3
"""Lists in JSON, and how many different lengths they have, from which on these are asked about."""
MOST_TEXT = 2_000_000


def open_file(
    name: str, content: bytes, *, most_bytes: int, most_rows: int, skops_types: tuple[str, ...]
) -> Opened:
    """Raises `Unfit` with the one finding that ends it."""
    if not content:
        raise Unfit(
            blocks(
                "empty_file",
                "hidden_content",
                "The file is empty.",
                "Leave it out.",
                "文件为空。",
                "请去掉该文件。",
            )
        )
    if len(content) > most_bytes:
        raise Unfit(
            blocks(
                "too_large",
                "microdata",
                f"The file has {len(content):,} bytes; at most {most_bytes:,} may leave.",
                "Release aggregates, or a smaller picture or model.",
                f"文件有 {len(content):,} 字节，最多允许 {most_bytes:,} 字节。",
                "请输出汇总结果，或缩小图片或模型。",
            )
        )
    opened = _readable(_binary(name, content, most_rows, skops_types) or _text(name, content, most_rows))
    return replace(opened, findings=(*_name(name, opened.kind), *opened.findings))


def _readable(opened: Opened) -> Opened:
    """Raises `Unfit` for a text that nobody reads to its end;
    it also bounds what searching in a text costs."""
    cells = sum(len(grid.header) * len(grid.rows) for grid in opened.grids)
    if cells > MOST_CELLS:
        raise Unfit(too_many_cells(cells))
    long = next((piece.where for piece in opened.distinct_pieces() if len(piece.text) > LONGEST_TEXT), None)
    if long is not None:
        raise Unfit(
            blocks(
                "long_text",
                "hidden_content",
                f"A line or cell has more than {LONGEST_TEXT:,} characters.",
                "Break it into lines.",
                f"某行或单元格超过 {LONGEST_TEXT:,} 个字符。",
                "请换行。",
                where=long,
            )
        )
    return opened


def _binary(name: str, content: bytes, most_rows: int, skops_types: tuple[str, ...]) -> Opened | None:
    if content.startswith(SIGNATURE):
        return Opened(Kind.PNG, findings=check_png(content))
    if content.startswith(b"PAR1"):
        # pyarrow is a third of a second of every decoder's start
        from sandbox.disclosure.files.parquet_table import read_parquet

        grid, found = read_parquet(content, most_rows)
        return Opened(Kind.PARQUET, (grid,), findings=found)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_zip(content, name, skops_types)
    try:
        content.decode("utf-8")
        is_text = b"\x00" not in content
    except UnicodeDecodeError:
        is_text = False
    if is_safetensors(content):
        return modelled(Kind.SAFETENSORS, *read_safetensors(content))
    refuse_by_magic(content, is_text=is_text)
    if name.lower().endswith(".onnx"):
        from sandbox.disclosure.files.onnx_model import read_onnx  # a tenth of a second of every start

        return modelled(Kind.ONNX, *read_onnx(content))
    return None


def _text(name: str, content: bytes, most_rows: int) -> Opened:
    if len(content) > MOST_TEXT:
        raise Unfit(
            blocks(
                "too_large",
                "microdata",
                f"The text has {len(content):,} bytes; nobody reads more than {MOST_TEXT:,}.",
                "Release aggregates, and texts that a reviewer can read.",
                f"文本有 {len(content):,} 字节，审核者最多阅读 {MOST_TEXT:,} 字节。",
                "请输出汇总结果和可供审核者阅读的文字。",
            )
        )
    text = decode(content)
    found: list[Finding] = []
    if text.startswith(MARK):
        text = text[1:]
        found.append(
            notes(
                "byte_order_mark",
                "hidden_content",
                "The byte order mark is removed before release.",
                "Nothing to do.",
                "发布前会去除字节顺序标记。",
                "无需处理。",
            )
        )
    head = text.lstrip()[:512].lower()
    if head.startswith("<") and "<svg" in text[:4096].lower():
        pieces, svg = read_svg(text)
        seen = () if svg else check_png(render_svg(text))  # what a program could load is not drawn
        return Opened(
            Kind.SVG,
            texts=pieces,
            findings=(*found, *svg, *_svg_picture(), *seen),
            coordinates=coordinates_of(text),
        )
    if head.startswith(("{", "[")):
        try:
            return _json(text, most_rows, found)
        except ValueError:
            if name.lower().endswith((".json", ".ipynb")):
                raise Unfit(
                    blocks(
                        "unreadable",
                        "hidden_content",
                        "The JSON cannot be read.",
                        "Write it again with a JSON library.",
                        "无法读取 JSON。",
                        "请用 JSON 库重新写出。",
                    )
                ) from None
    if name.lower().endswith((".csv", ".tsv")) or looks_like_csv(text):
        grid = read_csv(text)
        if len(grid.rows) > most_rows:
            raise Unfit(too_many_rows(len(grid.rows), most_rows))
        return Opened(Kind.CSV, (grid,), findings=tuple(found))
    lines = text.count("\n")
    if lines > most_rows:
        raise Unfit(too_many_rows(lines, most_rows))
    return Opened(
        Kind.TEXT,
        tuple(read_text_tables(text)),
        tuple(Piece(f"line {number}", line) for number, line in enumerate(text.split("\n"), 1)),
        findings=tuple(found),
    )


def _json(text: str, most_rows: int, found: list[Finding]) -> Opened:
    node = load_json(text)
    if is_notebook(node):
        return Opened(
            Kind.NOTEBOOK, texts=tuple(notebook_pieces(node)), findings=(*found, *check_notebook(node))
        )
    grids = tuple(grids_of(node))
    lists = tuple(long_lists(node))
    longest = max([len(grid.rows) for grid in grids] + [length for _where, length in lists], default=0)
    if longest > most_rows:
        raise Unfit(too_many_rows(longest, most_rows))
    if (marks := empty_marks(node)) >= MANY_MARKS:
        found.append(_marks(marks))
    lengths = list_lengths(node)
    if len(lengths) >= MANY_LENGTHS and len(set(lengths)) >= KINDS_OF_LENGTHS:
        found.append(_lengths(lengths))
    return Opened(Kind.JSON, grids, tuple(pieces_of(node)), lists, findings=tuple(found))


def _marks(many: int) -> Finding:
    return asks(
        "few_values",
        "hidden_content",
        f"{many:,} truths, nulls, empty or nested lists and objects stand here: each could spell a bit.",
        "Write results as tables of numbers, and leave out what is empty.",
        f"此处有 {many:,} 个真假值、空值或空的（嵌套的）列表与对象：每个可编码 1 比特。",
        "请把结果写成数值表格，并去掉空的内容。",
    )


def _lengths(lengths: list[int]) -> Finding:
    kinds = len(set(lengths))
    bits = len(lengths) * log2(kinds)
    return asks(
        "list_lengths",
        "hidden_content",
        f"{len(lengths)} lists have {kinds} different lengths: how long each is can be a count, or spell "
        f"{bits:,.0f} bits.",
        "Write results as a table, with a row for each group and a column for each measure.",
        f"{len(lengths)} 个列表有 {kinds} 种长度：长度本身可能是计数，或编码 {bits:,.0f} 比特。",
        "请把结果写成表格：每组一行，每项一列。",
    )


def decode(content: bytes) -> str:
    """UTF-8 and nothing else. Raises `Unfit`."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unfit(_encoding("UTF-16"))
    if b"\x00" in content:
        raise Unfit(
            blocks(
                "nul_bytes",
                "hidden_content",
                "The text holds NUL bytes.",
                "Write plain UTF-8 text.",
                "文本含有 NUL 字节。",
                "请写成普通 UTF-8 文本。",
            )
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        controls = sum(byte < 32 and byte not in b"\t\n\r" for byte in content[:4096])
        if controls > len(content[:4096]) // 50:
            raise Unfit(UNKNOWN.finding()) from None
        raise Unfit(_encoding("not UTF-8")) from None


def _encoding(which: str) -> Finding:
    return blocks(
        "not_utf8",
        "hidden_content",
        f"The text's encoding is {which}.",
        "Save it as UTF-8.",
        "文本编码不是 UTF-8。",
        "请存为 UTF-8。",
    )


def _svg_picture() -> Iterator[Finding]:
    yield notes(
        "svg_drawn",
        "hidden_content",
        "The drawing leaves as PNG.",
        "Nothing to do.",
        "该绘图将以 PNG 形式发布。",
        "无需处理。",
    )


def _name(name: str, kind: Kind) -> Iterator[Finding]:
    if not GOOD_NAME.fullmatch(name) or ".." in name:
        yield blocks(
            "file_name",
            "hidden_content",
            "The file's name holds more than letters, digits and plain signs, or is too long.",
            "Give it a short plain name.",
            "文件名含有特殊字符或过长。",
            "请使用简短的普通文件名。",
        )
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in SUFFIXES:
        refused = EXECUTABLE if suffix in (".sh", ".exe", ".js", ".bat", ".ps1", ".jar", ".so") else None
        yield (
            refused.finding()
            if refused
            else blocks(
                "name_and_content",
                "hidden_content",
                f"The name ends in {suffix[:12]!r}, and the content is {kind}.",
                f"Use one of {', '.join(SUFFIXES)}.",
                f"文件名后缀为 {suffix[:12]!r}，内容为 {kind}。",
                f"请使用后缀 {'、'.join(SUFFIXES)}。",
            )
        )
    elif SUFFIXES[suffix] is not kind and not (
        kind is Kind.CSV and SUFFIXES[suffix] is Kind.TEXT and suffix not in CODE
    ):
        yield blocks(
            "name_and_content",
            "hidden_content",
            f"The name ends in {suffix!r}, but the content is {kind}.",
            "Name the file for what it is.",
            f"文件名后缀为 {suffix!r}，内容却是 {kind}。",
            "请按内容命名文件。",
        )
