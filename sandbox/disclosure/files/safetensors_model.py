"""Counts the numbers in a safetensors file, and checks that it holds nothing else.

The format: eight bytes with the header's length, a JSON header that gives each tensor's type, shape and
place, then the tensors, without gaps.
"""

import json
import struct
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def read_safetensors(
    content: bytes,
) -> tuple[int, tuple[Piece, ...], tuple[Finding, ...], dict[str, NDArray[Any]]]:
    """Parameters, the tensors' names, findings, arrays.
    Raises `Unfit` for gaps, overlaps and bytes that no tensor has."""
    (length,) = struct.unpack("<Q", content[:8])
    try:
        header = json.loads(content[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        end, parameters = 0, 0
        for said in sorted(header.values(), key=lambda tensor: tensor["data_offsets"]):
            begin, stop = said["data_offsets"]
            count = prod(said["shape"])
            if (
                begin != end
                or (stop - begin) * 8 != count * BITS[said["dtype"]]
                or set(said) != {"dtype", "shape", "data_offsets"}
            ):
                raise ValueError(begin)
            end, parameters = stop, parameters + count
        if (
            end != len(content) - 8 - length
            or length > MOST_HEADER
            or len(content[8 : 8 + length].rstrip(b" ")) < length - 8
        ):
            raise ValueError(end)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unfit(
            blocks(
                "unreadable",
                "hidden_content",
                "The safetensors file has parts that belong to no tensor.",
                "Save it again with the safetensors library.",
                "safetensors 文件含有不属于任何张量的部分。",
                "请用 safetensors 库重新保存。",
            )
        ) from error
    arrays = {name: _array(content[8 + length :], said) for name, said in header.items()}
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


def _array(tensors: bytes, said: dict[str, Any]) -> NDArray[Any]:
    """A tensor's numbers; those of types that numpy does not have as their bytes."""
    begin, stop = said["data_offsets"]
    kind = KINDS.get(said["dtype"])
    if said["dtype"] == "BF16":  # the upper half of a float of 32 bits
        wide = np.frombuffer(tensors[begin:stop], "<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(said["shape"])
    held = np.frombuffer(tensors[begin:stop], kind or "<u1")
    return held.reshape(said["shape"]) if kind else held
