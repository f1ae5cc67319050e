"""Lists the types that a skops file names, and counts its numbers.
It is read as data: nothing in it is ever constructed."""

import io
import json
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.files.model_arrays import MOST_VALUES, modelled, numbers_in
from sandbox.disclosure.files.opened import Opened, Piece, Size
from sandbox.disclosure.files.refused_kinds import ARCHIVE, OFFICE, OFFICE_MEMBERS, PICKLE
from sandbox.disclosure.files.skops_tree import own_numbers
from sandbox.disclosure.finding import Finding, Unfit, blocks

MOST_UNPACKED = 64 * 2**20
MOST_RATIO = 200
PARTS_TOLD = 3
DIGITS_HELD = 5  # of a number of 16 bits
NAME = re.compile(r"[A-Za-z_]\w{0,59}", re.ASCII)

Arrays = dict[str, NDArray[Any]]


def read_zip(content: bytes, name: str, types: tuple[str, ...]) -> Opened:
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
                "请逐个提交文件，不要打包。",
            )
        )
    if any(known.startswith(OFFICE_MEMBERS) for known in names):
        raise Unfit(OFFICE.finding())
    if any(known.endswith((".pkl", "/data.pkl", ".pickle")) for known in names):
        raise Unfit(PICKLE.finding())
    if "schema.json" not in names or not name.lower().endswith(".skops"):
        raise Unfit(ARCHIVE.finding())
    return _read(archive, members, types)


def _read(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], types: tuple[str, ...]) -> Opened:
    findings: list[Finding] = []
    arrays: Arrays = {}
    try:
        schema = json.loads(archive.read("schema.json"))
        named = set(_files(schema))
        for member in members:
            if member.filename == "schema.json":
                continue
            if member.filename not in named or not member.filename.endswith(".npy") or member.comment:
                findings.append(_strange(f"a part that it does not use ({member.filename[:60]})"))
                continue
            arrays[member.filename] = array_of(archive.read(member))
        if archive.comment:
            findings.append(_strange("a comment"))
        called = _called(schema)
        size, parameters = _weighed(schema, arrays, called)
        labels = [text for array in arrays.values() if array.dtype.kind == "U" for text in _labels(array)]
    except (
        ValueError,
        KeyError,
        zipfile.BadZipFile,
        RecursionError,
        SyntaxError,
        struct.error,
        UnicodeDecodeError,
    ) as error:
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
            "Use a linear model, a tree or a forest, naive Bayes or PCA, alone or in a pipeline "
            "with scalers and encoders; README.md of sandbox/disclosure has the table.",
            f"模型含有未列入允许清单的类型 {kind}。",
            "请使用线性模型、决策树或随机森林、朴素贝叶斯或主成分分析，可与缩放、编码步骤组成管道；"
            "清单见 sandbox/disclosure 的 README.md。",
        )
        for kind in sorted(set(_types(schema)))
        if not _listed(kind, types)
    ]
    texts = [Piece("model", said) for said in (*_texts(schema), *labels)]
    calls = {called.get(file, file): array for file, array in arrays.items()}
    return replace(modelled(Kind.SKOPS, parameters, tuple(texts), tuple(findings), calls), size=size)


def _listed(kind: str, types: tuple[str, ...]) -> bool:
    """A type by its whole name, or any of a module that the list names with a point at its end."""
    return any(kind == known or (known.endswith(".") and kind.startswith(known)) for known in types)


def _weighed(schema: Any, arrays: Arrays, called: Mapping[str, str]) -> tuple[Size, int]:
    """How many numbers of its own the model holds, and where most of them are.
    A tree counts what does not follow from the rest of it; numbers that stand one by one in a list count
    as those of an array."""
    numbers = {
        file: array.size * len(array.dtype.names) if array.dtype.names else numbers_in(array)
        for file, array in arrays.items()
    }
    trees = leaves = in_trees = 0
    for nodes, values in trees_of(schema):
        if numbers.get(nodes) and numbers.get(values) and nodes != values:
            own, ends = own_numbers(arrays[nodes], arrays[values])
            trees, leaves, in_trees = trees + 1, leaves + ends, in_trees + own
            numbers[nodes] = numbers[values] = 0
    largest = sorted(
        ((called.get(file, file), many) for file, many in numbers.items() if many > 1),
        key=lambda one: -one[1],
    )
    listed = sum(
        _is_number(one)
        for node in _nodes(schema)
        if isinstance(node.get("content"), list)
        for one in node["content"]
    )
    whole = sum(numbers.values()) + in_trees + listed + _settings(schema)
    return Size(tuple(largest[:PARTS_TOLD]), trees, leaves, in_trees), whole


def _settings(schema: Any) -> int:
    """Long whole numbers that stand alone, as a setting does: each holds as many as it has places for. The
    states that random numbers begin from do not leave (`canonical_skops.py`)."""
    found = 0
    for node in _nodes(schema):
        for name, value in node.items():
            if name != "random_state" and isinstance(value, dict) and _is_number(value):
                digits = len(value["content"].lstrip("+-"))
                found += digits // DIGITS_HELD if value["content"].lstrip("+-").isdecimal() else 0
    return found


def _is_number(node: Any) -> bool:
    if (
        not isinstance(node, dict)
        or node.get("__loader__") != "JsonNode"
        or not isinstance(node.get("content"), str)
    ):
        return False
    try:
        float(node["content"])
    except ValueError:
        return False
    return True


def trees_of(schema: Any) -> Iterator[tuple[str, str]]:
    """The files of each tree's nodes and of what they predict; each node of the schema once."""
    for node in _nodes(schema):
        held = node.get("content") if node.get("__class__") == "Tree" else None
        held = held.get("content") if isinstance(held, dict) else None
        if isinstance(held, dict):
            nodes, values = held.get("nodes"), held.get("values")
            files = [part.get("file") for part in (nodes, values) if isinstance(part, dict)]
            if len(files) == 2 and isinstance(files[0], str) and isinstance(files[1], str):
                yield files[0], files[1]


def _called(schema: Any) -> dict[str, str]:
    """What the model calls the array of a file: `coef_`, with the file when several are called so."""
    names: dict[str, str] = {}

    def walk(node: Any, name: str) -> None:
        if isinstance(node, list):
            for one in node:
                walk(one, name)
        elif isinstance(node, dict):
            if isinstance(node.get("file"), str) and NAME.fullmatch(name):
                names.setdefault(node["file"], name)
            for key, value in node.items():
                walk(value, name if key.startswith("__") or key == "content" else key)

    walk(schema, "")
    met: dict[str, str] = {}
    taken: set[str] = set()
    for file, name in names.items():
        met[file] = f"{name} ({file})" if name in taken else name
        taken.add(name)
    return met


def array_of(content: bytes) -> NDArray[Any]:
    """What an array file holds; it must be exactly as long as its header says, and hold no objects."""
    sink = io.BytesIO(content)
    version = np.lib.format.read_magic(sink)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _fortran, kind = read(sink)
    if kind.hasobject:
        raise Unfit(PICKLE.finding())
    if len(content) != sink.tell() + prod(shape) * kind.itemsize:
        raise ValueError("bytes that belong to no value")
    return np.asarray(np.lib.format.read_array(io.BytesIO(content), allow_pickle=False))


def _labels(array: NDArray[Any]) -> list[str]:
    """Its different texts, such as the names of classes."""
    return [str(text) for text in np.unique(array.ravel()[:MOST_VALUES])]


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
            value
            for name, value in node.items()
            if isinstance(value, str) and not name.startswith("__") and name != "file"
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
