"""Checks that a notebook is free of outputs, attachments and metadata."""

from collections.abc import Iterator
from typing import Any

from sandbox.disclosure.files.json_text import Numeral, scalar
from sandbox.disclosure.files.opened import Piece
from sandbox.disclosure.finding import Finding, blocks

NOTEBOOK_METADATA = frozenset({"kernelspec", "language_info"})
CELL_METADATA = frozenset({"tags", "collapsed", "scrolled", "editable", "slideshow", "jupyter", "trusted"})
CLEAR = (
    "Clear all outputs and save it again (`jupyter nbconvert --clear-output --inplace`).",
    "请清除全部输出后重新保存。",
)


def is_notebook(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("cells"), list) and "nbformat" in node


def check_notebook(node: dict[str, Any]) -> Iterator[Finding]:
    if strange := sorted(set(node) - {"cells", "metadata", "nbformat", "nbformat_minor"}):
        yield _extra("the notebook", strange[0])
    metadata = node.get("metadata", {})
    if strange := sorted(set(metadata) - NOTEBOOK_METADATA):
        yield _extra("the notebook's metadata", strange[0])
    if any(
        not scalar(part) and not isinstance(part, Numeral) and len(str(part)) > 500
        for part in metadata.values()
    ):
        yield _extra("the notebook's metadata", "more than the kernel's name")
    for number, cell in enumerate(node["cells"], start=1):
        if not isinstance(cell, dict):
            yield _extra(f"cell {number}", "something that is no cell")
            continue
        if cell.get("outputs"):
            yield blocks(
                "notebook_outputs",
                "hidden_content",
                f"Cell {number} of the notebook has outputs.",
                CLEAR[0],
                f"笔记本第 {number} 个单元含有输出。",
                CLEAR[1],
                where=f"cell {number}",
            )
        if cell.get("attachments"):
            yield blocks(
                "notebook_attachments",
                "hidden_content",
                f"Cell {number} of the notebook has attachments.",
                "Remove them.",
                f"笔记本第 {number} 个单元含有附件。",
                "请删除附件。",
                where=f"cell {number}",
            )
        known = {"cell_type", "source", "metadata", "id", "outputs", "execution_count", "attachments"}
        if strange := sorted((set(cell) - known) | (set(cell.get("metadata", {})) - CELL_METADATA)):
            yield _extra(f"cell {number}", strange[0])


def notebook_pieces(node: dict[str, Any]) -> Iterator[Piece]:
    for number, cell in enumerate(node["cells"], start=1):
        if isinstance(cell, dict):
            source = cell.get("source", "")
            text = source if isinstance(source, str) else "".join(map(str, source))
            kind = "markdown cell" if cell.get("cell_type") == "markdown" else "cell"
            yield from (Piece(f"{kind} {number}", line) for line in text.split("\n"))
            yield from (
                Piece(f"cell {number}", said)
                for name in ("id", "metadata")
                for said in _texts(cell.get(name))
            )
    yield from (Piece("the notebook's metadata", said) for said in _texts(node.get("metadata")))


def _texts(node: Any) -> Iterator[str]:
    """Whatever can be read in metadata, names included."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield str(name)
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif node is not None and not isinstance(node, bool):
        yield str(node)


def _extra(place: str, name: str) -> Finding:
    return blocks(
        "notebook_metadata",
        "hidden_content",
        f"In {place} stands {name[:60]!r}, which a notebook does not need.",
        CLEAR[0],
        f"笔记本中有多余的元数据 {name[:60]!r}。",
        CLEAR[1],
        where=place,
    )
