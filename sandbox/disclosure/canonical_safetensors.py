"""Writes a safetensors file in its canonical form: tensors by name, their numbers at a stated number of bits,
no metadata but the kind of library."""

import json
import struct
from collections.abc import Mapping
from typing import Any

from sandbox.disclosure.files.safetensors_model import KINDS, array_of, header_of
from sandbox.disclosure.weights import bits_of_structure, bits_of_weights, rounded_weights

FORMATS = frozenset({"pt", "np", "tf", "flax", "mlx"})
"""Names of libraries, which some loaders ask for."""
ALIGNED = 8


def canonical_safetensors(content: bytes, bits: int) -> tuple[bytes, float]:
    """The file, and what it can carry at most, in bits."""
    header, body = header_of(content)
    made: dict[str, Any] = {}
    if header.get("__metadata__", {}).get("format") in FORMATS:
        made["__metadata__"] = {"format": header["__metadata__"]["format"]}
    tensors, carried, end = [], 0.0, 0
    for name in sorted(header.keys() - {"__metadata__"}):
        said = header[name]
        written, own = _tensor(body, said, bits)
        made[name] = {
            "dtype": said["dtype"],
            "shape": said["shape"],
            "data_offsets": [end, end + len(written)],
        }
        tensors.append(written)
        carried, end = carried + own, end + len(written)
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNED)
    whole = struct.pack("<Q", len(text)) + text + b"".join(tensors)
    return whole, carried + bits_of_structure(text)


def _tensor(body: bytes, said: Mapping[str, Any], bits: int) -> tuple[bytes, float]:
    """Its bytes and bits. Types that numpy does not have are of 16 bits or fewer, and stay as they are."""
    begin, stop = said["data_offsets"]
    if said["dtype"] not in KINDS:
        return body[begin:stop], 8.0 * (stop - begin)
    array = rounded_weights(array_of(body, said), bits)
    return array.tobytes(), bits_of_weights(array, bits)
