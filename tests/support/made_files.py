"""Makes files of each kind for the tests of the checks, with the libraries that people use, where there is
one."""

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image, ImageDraw

from sandbox.disclosure.files.skops_tree import NODE

PNG = b"\x89PNG\r\n\x1a\n"


def png_chart() -> bytes:
    picture = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(picture)
    for place, height in enumerate((120, 180, 150, 90)):
        draw.rectangle((40 + place * 80, 280 - height, 90 + place * 80, 280), fill="steelblue")
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()


def png_with_chunk(name: bytes, said: bytes) -> bytes:
    """A chart with one more chunk before its end."""
    made = png_chart()
    end = made.rindex(b"IEND") - 4
    chunk = struct.pack(">I", len(said)) + name + said + struct.pack(">I", zlib.crc32(name + said))
    return made[:end] + chunk + made[end:]


def png_noise(side: int = 200) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (side, side, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def png_bits(side: int = 256) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.random.default_rng(4).integers(0, 2, (side, side), dtype=np.uint8) * 255).save(
        sink, "PNG"
    )
    return sink.getvalue()


def png_frames() -> bytes:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    sink = io.BytesIO()
    frames[0].save(sink, "PNG", save_all=True, append_images=frames[1:])
    return sink.getvalue()


def notebook(
    source: str,
    *,
    outputs: bool = False,
    attachments: bool = False,
    metadata: dict[str, object] | None = None,
) -> bytes:
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a1",
        "metadata": {},
        "source": source,
        "outputs": [],
    }
    if outputs:
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "P123 3"}]
    cells = [cell]
    if attachments:
        cells.append(
            {
                "cell_type": "markdown",
                "id": "a2",
                "metadata": {},
                "source": "x",
                "attachments": {"a.png": {"image/png": "aGVsbG8="}},
            }
        )
    return json.dumps(
        {
            "cells": cells,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}} | (metadata or {}),
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    ).encode()


def safetensors_file(
    tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None, tail: bytes = b""
) -> bytes:
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, values in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(body), len(body) + values.nbytes],
        }
        body += values.astype("<f4").tobytes()
    said = json.dumps(header).encode()
    return struct.pack("<Q", len(said)) + said + body + tail


def onnx_linear(width: int, *, doc: str = "", domain: str = "") -> bytes:
    weight = numpy_helper.from_array(np.ones((width, 1), np.float32), "weight")
    node = helper.make_node("MatMul" if not domain else "Leak", ["x", "weight"], ["y"], domain=domain)
    graph = helper.make_graph(
        [node],
        "linear",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 1])],
        [weight],
    )
    return helper.make_model(graph, doc_string=doc).SerializeToString()


def npy(values: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, values, allow_pickle=values.dtype == object)
    return sink.getvalue()


def skops_file(
    kind: tuple[str, str] = ("sklearn.linear_model._base", "LinearRegression"),
    extra: tuple[str, bytes] | None = None,
    array: bytes | None = None,
) -> bytes:
    """In the layout that skops.io.dump writes: a tree of nodes in schema.json, arrays beside it."""
    module, name = kind
    tree = {
        "__class__": name,
        "__module__": module,
        "__loader__": "ObjectNode",
        "protocol": 2,
        "content": {
            "__class__": "dict",
            "__module__": "builtins",
            "__loader__": "DictNode",
            "content": {
                "coef_": {
                    "__class__": "ndarray",
                    "__module__": "numpy",
                    "__loader__": "NdArrayNode",
                    "type": "numpy",
                    "file": "1.npy",
                }
            },
        },
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("schema.json", json.dumps(tree))
        archive.writestr("1.npy", array or npy(np.ones(8)))
        if extra:
            archive.writestr(*extra)
    return sink.getvalue()


def tree_nodes(samples: list[int]) -> bytes:
    """Nodes of scikit-learn's tree, of which nothing is set but how many rows came to each."""
    nodes = np.zeros(len(samples), NODE)
    nodes["n_node_samples"] = samples
    return npy(nodes)


def zipped(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return sink.getvalue()
