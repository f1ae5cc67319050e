"""Writes a skops model in its canonical form: the same estimator with its numbers at a stated number of bits.

skops writes the addresses of objects in memory, dates of files, gaps between the fields of records and the
order of bytes: none of these leaves. Numbers that follow from others in a tree are computed anew. Records are
scikit-learn's nodes, in their one type. The type and the shape of each array, which its header says, count
with the structure.
"""

import io
import json
import zipfile
from typing import Any

import numpy as np

from sandbox.disclosure.canonical_tree import canonical_tree
from sandbox.disclosure.files.skops_model import array_of, trees_of
from sandbox.disclosure.files.skops_tree import Array, as_nodes
from sandbox.disclosure.finding import Finding, Unfit, blocks
from sandbox.disclosure.weights import (
    bits_of_structure,
    bits_of_weights,
    is_plain,
    rounded_weight,
    rounded_weights,
)

OLDEST = (1980, 1, 1, 0, 0, 0)
TIMES = 4  # a rounded number may now follow from others
SCHEMA = "schema.json"
RANDOM = frozenset({"random_state", "_random_state", "random_state_"})
NO_STATE = {
    "__class__": "str",
    "__module__": "builtins",
    "__loader__": "JsonNode",
    "content": "null",
    "is_json": True,
}
"""As skops writes `None`."""


def canonical_skops(content: bytes, bits: int) -> tuple[bytes, float]:
    """The file, and what it can carry at most, in bits. Raises `Unfit`."""
    for _ in range(TIMES):
        made, carried = _written_anew(content, bits)
        if made == content:
            return made, carried
        content = made
    raise Unfit(_not_canonical())


def _written_anew(content: bytes, bits: int) -> tuple[bytes, float]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read(SCHEMA))
        arrays = {name: array_of(archive.read(name)) for name in archive.namelist() if name.endswith(".npy")}
    arrays, carried = _rounded(schema, arrays, bits)
    writer = _Schema(arrays, bits)
    text = json.dumps(writer.node(schema), indent=1).encode()
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, file in (*writer.files.items(), (SCHEMA, None)):
            member = zipfile.ZipInfo(name, OLDEST)
            member.create_system = 3  # as everywhere but on Windows
            archive.writestr(member, text if file is None else _npy(arrays[file]))
    headers = [_npy_header(arrays[file]) for file in writer.files.values()]
    return sink.getvalue(), carried + bits_of_structure(b"\n".join([text, *headers]))


def _rounded(schema: Any, arrays: dict[str, Array], bits: int) -> tuple[dict[str, Array], float]:
    """Arrays as they leave, and what they can carry."""
    made: dict[str, Array] = {}
    carried = 0.0
    for nodes, values in trees_of(schema):
        if nodes not in made and values not in made and nodes != values:
            tree = canonical_tree(arrays[nodes], arrays[values], bits)
            if tree is not None:
                made |= {nodes: tree.nodes, values: tree.values}
                carried += tree.bits
    for name, array in arrays.items():
        if name not in made:
            made[name], own = _plain(array, bits)
            carried += own
    return made, carried


def _plain(array: Array, bits: int) -> tuple[Array, float]:
    if array.dtype.names is None:
        if not is_plain(array):
            raise Unfit(_not_canonical())
        array = rounded_weights(array, bits)
        native = array.astype(array.dtype.newbyteorder("<"))
        return native, bits_of_weights(native, bits)
    made = as_nodes(array)
    if made is None or not array.size:
        raise Unfit(_not_canonical())
    fields = made.dtype.names or ()
    for field in fields:
        made[field] = rounded_weights(made[field], bits)
    return made, sum(bits_of_weights(made[field], bits) for field in fields)


def _npy(array: Array) -> bytes:
    sink = io.BytesIO()
    np.lib.format.write_array(sink, np.ascontiguousarray(array).reshape(array.shape), (1, 0), False)
    return sink.getvalue()


def _npy_header(array: Array) -> bytes:
    """What an array's file says beside its numbers: their type, their order and their shape."""
    whole = _npy(array)
    return whole[: len(whole) - array.nbytes]


class _Schema:
    """Writes the tree of nodes anew: objects and files numbered in their order, numbers rounded.

    Two nodes keep one number if they had one and hold the same: a reader makes one object of both.
    """

    def __init__(self, arrays: dict[str, Array], bits: int) -> None:
        self._arrays, self._bits = arrays, bits
        self._numbers: dict[tuple[str, str], int] = {}
        self._names: dict[str, str] = {}
        self.files: dict[str, str] = {}

    def node(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.node(one) for one in node]
        if not isinstance(node, dict):
            return rounded_weight(node, self._bits) if isinstance(node, float) else node
        if "__loader__" not in node:
            return {name: self._setting(name, value) for name, value in node.items()}
        made = {name: self._value(name, node[name], node) for name in sorted(node) if name != "__id__"}
        if "__id__" in node:
            key = str(node["__id__"]), json.dumps(made, sort_keys=True)
            made["__id__"] = self._numbers.setdefault(key, len(self._numbers) + 1)
        return made

    def _setting(self, name: str, value: Any) -> Any:
        """What random numbers begin from is used in training alone, and could be any number."""
        return self.node(NO_STATE if name in RANDOM and isinstance(value, dict) else value)

    def _value(self, name: str, value: Any, node: dict[str, Any]) -> Any:
        if name == "file" and isinstance(value, str):
            return self._file(value)
        if name == "content" and node["__loader__"] == "JsonNode" and isinstance(value, str):
            return self._json(value)
        return self.node(value)

    def _file(self, name: str) -> str:
        if name not in self._arrays:
            raise Unfit(_not_canonical())
        if name not in self._names:
            self._names[name] = f"{len(self._names) + 1}.npy"
            self.files[self._names[name]] = name
        return self._names[name]

    def _json(self, text: str) -> str:
        """A single value, written as JSON in a text."""
        value = json.loads(text)
        return json.dumps(rounded_weight(value, self._bits) if isinstance(value, float) else value)


def _not_canonical() -> Finding:
    return blocks(
        "not_canonical",
        "hidden_content",
        "The model cannot be written in its canonical form.",
        "Save it again with skops, with arrays of numbers alone.",
        "无法将该模型写成规范形式。",
        "请用 skops 重新保存，数组只含数值。",
    )
