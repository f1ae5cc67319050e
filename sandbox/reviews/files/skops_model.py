"""Which types does a skops file name, and how many numbers does it hold? Read as data: nothing in it is ever made."""

import ast
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from math import prod
from typing import Any

from sandbox.reviews.files.opened import Piece
from sandbox.reviews.files.refused_kinds import ARCHIVE, OFFICE, OFFICE_MEMBERS, PICKLE
from sandbox.reviews.finding import Finding, Unfit, blocks

MOST_UNPACKED = 64 * 2**20
MOST_RATIO = 200


def read_zip(content: bytes, name: str, types: tuple[str, ...]) -> tuple[int, tuple[Piece, ...], tuple[Finding, ...]]:
    """A skops model; every other ZIP is refused by name. Raises `Unfit`."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise Unfit(ARCHIVE.finding()) from error
    names = [member.filename for member in members]
    if sum(member.file_size for member in members) > min(MOST_UNPACKED, MOST_RATIO * len(content)):
        raise Unfit(
            blocks(
                "zip_bomb",
                "hidden_content",
                "The file unpacks to far more than it is.",
                "Send each file by itself, not packed.",
                "该文件解压后远大于其本身。",
                "请逐个提交文件,不要打包。",
            )
        )
    if any(known.startswith(OFFICE_MEMBERS) for known in names):
        raise Unfit(OFFICE.finding())
    if any(known.endswith((".pkl", "/data.pkl", ".pickle")) for known in names):
        raise Unfit(PICKLE.finding())
    if "schema.json" not in names or not name.lower().endswith(".skops"):
        raise Unfit(ARCHIVE.finding())
    return _read(archive, members, types)


def _read(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], types: tuple[str, ...]
) -> tuple[int, tuple[Piece, ...], tuple[Finding, ...]]:
    findings: list[Finding] = []
    parameters = 0
    try:
        schema = json.loads(archive.read("schema.json"))
        named = set(_files(schema))
        for member in members:
            if member.filename == "schema.json":
                continue
            if member.filename not in named or not member.filename.endswith(".npy") or member.comment:
                findings.append(_strange(f"a part that it does not use ({member.filename[:60]})"))
                continue
            parameters += _npy_values(archive.read(member))
        if archive.comment:
            findings.append(_strange("a comment"))
    except (ValueError, KeyError, zipfile.BadZipFile, RecursionError, SyntaxError, struct.error, UnicodeDecodeError) as error:
        raise Unfit(
            blocks(
                "unreadable",
                "hidden_content",
                "The skops file cannot be read.",
                "Save it again with skops.",
                "无法读取 skops 文件。",
                "请用 skops 重新保存。",
            )
        ) from error
    findings += [
        blocks(
            "model_type",
            "hidden_content",
            f"The model is made of {kind}, which is not on the list of allowed types.",
            "Use a model of scikit-learn that policies/disclosure.yaml lists.",
            f"模型含有未列入允许清单的类型 {kind}。",
            "请使用 policies/disclosure.yaml 列出的 scikit-learn 模型。",
        )
        for kind in sorted(set(_types(schema)))
        if not kind.startswith(types)
    ]
    texts = [Piece("model", said) for said in _texts(schema)]
    return parameters, tuple(texts), tuple(findings)


def _npy_values(content: bytes) -> int:
    """How many values an array file has; it must be exactly as long as its header says, and hold no objects."""
    if content[:6] != b"\x93NUMPY":
        raise ValueError("not an array")
    width = 2 if content[6] == 1 else 4
    length = int.from_bytes(content[8 : 8 + width], "little")
    said = ast.literal_eval(content[8 + width : 8 + width + length].decode("latin-1").strip())
    if isinstance(said["descr"], list):
        raise Unfit(
            blocks(
                "model_of_records",
                "memorising",
                "The model holds a table of records, as decision trees do: how many units ended in every leaf.",
                "Release a linear model, or the tree's rules as text with enough units in every leaf (decision_rules).",
                "模型含记录表(如决策树):其中有每个叶节点的个体数。",
                "请发布线性模型,或以文字给出每个叶节点个体足够多的规则(decision_rules)。",
            )
        )
    kind = str(said["descr"])
    if "O" in kind or not kind.lstrip("<>|=").strip("biufU?").isdigit():
        raise Unfit(PICKLE.finding())
    values = int(prod(said["shape"]))
    size = int(kind.lstrip("<>|=")[1:]) * (4 if "U" in kind else 1)
    if len(content) != 8 + width + length + values * size:
        raise ValueError("bytes that belong to no value")
    return values


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _types(schema: Any) -> Iterator[str]:
    for node in _nodes(schema):
        if "__class__" in node or "__module__" in node:
            yield f"{node.get('__module__')}.{node.get('__class__')}"


def _files(schema: Any) -> Iterator[str]:
    for node in _nodes(schema):
        if isinstance(node.get("file"), str):
            yield node["file"]


def _texts(schema: Any) -> Iterator[str]:
    for node in _nodes(schema):
        yield from (
            value for name, value in node.items() if isinstance(value, str) and not name.startswith("__") and name != "file"
        )
        yield from (name for name in node if not name.startswith("__"))


def _strange(what: str) -> Finding:
    return blocks(
        "model_metadata",
        "hidden_content",
        f"The model carries {what}.",
        "Save it again with skops.",
        "模型中有多余的内容。",
        "请用 skops 重新保存。",
    )
