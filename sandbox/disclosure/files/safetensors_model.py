"""Counts the numbers in a safetensors file, and checks that it holds nothing else.

The format: eight bytes with the header's length, a JSON header that gives each tensor's type, shape and
place, then the tensors, without gaps.
"""

import json
import struct
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.files.model_arrays import numbers_in
from sandbox.disclosure.files.opened import Piece
from sandbox.disclosure.finding import Finding, Unfit, blocks

BITS = {
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
}
MOST_HEADER = 2**20
KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
}


def is_safetensors(content: bytes) -> bool:
    if len(content) < 10:
        return False
    (length,) = struct.unpack("<Q", content[:8])
    return 2 <= length <= len(content) - 8 and content[8:9] == b"{"


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header, and the bytes of the tensors.
    Raises `Unfit` for gaps, overlaps, bytes that no tensor has, and shapes that say more than a size."""
    try:
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        tensors = [held for name, held in header.items() if name != "__metadata__"]
        end = 0
        for held in sorted(tensors, key=lambda tensor: tensor["data_offsets"]):
            end = _end_of(held, end)
        if (
            end != len(content) - 8 - length
            or length > MOST_HEADER
            or len(content[8 : 8 + length].rstrip(b" ")) < length - 8
            or not isinstance(header.get("__metadata__", {}), dict)
        ):
            raise ValueError(end)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise Unfit(_unreadable()) from error
    return header, content[8 + length :]


def _end_of(held: Mapping[str, Any], begin: int) -> int:
    """Where a tensor ends that must begin there."""
    start, stop = held["data_offsets"]
    shape = held["shape"]
    if (
        start != begin
        or any(type(size) is not int or size < 0 for size in (*shape, start, stop))
        or (0 in shape and shape != [0])  # an empty one, whose other dimensions could be any number
        or (stop - start) * 8 != prod(shape) * BITS[held["dtype"]]
        or set(held) != {"dtype", "shape", "data_offsets"}
    ):
        raise ValueError(begin)
    return int(stop)


def read_safetensors(
    content: bytes,
) -> tuple[int, tuple[Piece, ...], tuple[Finding, ...], dict[str, NDArray[Any]]]:
    """Parameters, the tensors' names, findings, arrays.
    Raises `Unfit` as `header_of` does."""
    header, body = header_of(content)
    metadata = header.pop("__metadata__", {})
    arrays = {name: array_of(body, held) for name, held in header.items()}
    parameters = sum(numbers_in(array) for array in arrays.values())
    findings: tuple[Finding, ...] = ()
    if set(metadata) - {"format"} or len(str(metadata.get("format", ""))) > 8:
        findings = (
            blocks(
                "model_metadata",
                "hidden_content",
                "The model carries metadata.",
                "Save it without metadata.",
                "模型带有元数据。",
                "保存时不要写入元数据。",
            ),
        )
    return parameters, tuple(Piece("tensor name", name) for name in header), findings, arrays


def array_of(tensors: bytes, said: Mapping[str, Any]) -> NDArray[Any]:
    """A tensor's numbers; those of types that numpy does not have as their bytes."""
    begin, stop = said["data_offsets"]
    kind = KINDS.get(said["dtype"])
    if said["dtype"] == "BF16":  # the upper half of a float of 32 bits
        wide = np.frombuffer(tensors[begin:stop], "<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(said["shape"])
    held = np.frombuffer(tensors[begin:stop], kind or "<u1")
    return held.reshape(said["shape"]) if kind else held


def _unreadable() -> Finding:
    return blocks(
        "unreadable",
        "hidden_content",
        "The safetensors file has parts that belong to no tensor.",
        "Save it again with the safetensors library.",
        "safetensors 文件含有不属于任何张量的部分。",
        "请用 safetensors 库重新保存。",
    )
