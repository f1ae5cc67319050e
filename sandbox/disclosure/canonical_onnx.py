"""Writes an ONNX model in its canonical form: the graph and its numbers at a stated number of bits, without
names of tools, documentation or metadata. Apart from the others, because onnx takes long to load."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper

from sandbox.disclosure.capacity import bits_of_whole
from sandbox.disclosure.finding import Unfit, blocks
from sandbox.disclosure.weights import (
    bits_of_structure,
    bits_of_weights,
    is_plain,
    rounded_weight,
    rounded_weights,
)

TOLD = ("doc_string", "metadata_props", "quantization_annotation", "producer_name", "producer_version")
"""Fields of any part that say something and compute nothing."""
TYPES = frozenset(
    {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.DOUBLE,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.INT8,
        onnx.TensorProto.INT16,
        onnx.TensorProto.INT32,
        onnx.TensorProto.INT64,
        onnx.TensorProto.UINT8,
        onnx.TensorProto.UINT16,
        onnx.TensorProto.UINT32,
        onnx.TensorProto.UINT64,
        onnx.TensorProto.BOOL,
    }
)
"""Of tensors that are written anew. Each leaves with a name, a type, dimensions and `raw_data` alone."""
PREFIX = "_"
WRITTEN = frozenset({"name", "data_type", "dims", "raw_data"})


def canonical_onnx(content: bytes, bits: int) -> tuple[bytes, float]:
    """The file, and what it can carry at most, in bits. Raises `Unfit` for numbers that cannot be rounded."""
    model = onnx.ModelProto()
    model.ParseFromString(content)
    model.DiscardUnknownFields()
    model.ClearField("model_version")
    model.ClearField("domain")
    _rename(model.graph)
    carried = 0.0
    for part in _parts(model):
        for name in TOLD:
            if name in part.DESCRIPTOR.fields_by_name:
                part.ClearField(name)
        match part:
            case onnx.TensorProto():
                carried += _rebuild_tensor(part, bits)
            case onnx.AttributeProto():
                carried += _round_attribute(part, bits)
            case onnx.SparseTensorProto() | onnx.FunctionProto() | onnx.TrainingInfoProto():
                raise Unfit(_not_written())
    whole = model.SerializeToString(deterministic=True)
    # the numbers that were counted go, and nothing else: names, operators, types and settings are left
    for part in _parts(model):
        if isinstance(part, onnx.TensorProto):
            part.ClearField("raw_data")
        elif isinstance(part, onnx.AttributeProto):
            part.ClearField("floats")
    return whole, carried + bits_of_structure(model.SerializeToString(deterministic=True))


def _rename(graph: Any) -> None:
    """What only the graph itself uses is called by its place, so that no name spells anything; its inputs and
    outputs keep their names, by which people call them. Weights stand in the order of their names."""
    kept = {value.name for value in (*graph.input, *graph.output)}
    prefix = PREFIX
    while any(name.startswith(prefix) for name in kept):
        prefix += PREFIX
    names: dict[str, str] = {}

    def called(name: str) -> str:
        return name if not name or name in kept else names.setdefault(name, f"{prefix}{len(names)}")

    for part in [part for part in _parts(graph) if isinstance(part, onnx.NodeProto | onnx.GraphProto)]:
        if isinstance(part, onnx.GraphProto):
            part.name = "graph"
            del part.value_info[:]
            for value in (*part.input, *part.output) if part is not graph else ():
                value.name = called(value.name)
            continue
        part.ClearField("name")
        for field in (part.input, part.output):
            field[:] = [called(name) for name in field]
    for part in _parts(graph):
        if isinstance(part, onnx.GraphProto):
            for tensor in part.initializer:
                tensor.name = called(tensor.name)
            part.initializer.sort(key=lambda tensor: (len(tensor.name), tensor.name))


def _parts(message: Any) -> Iterator[Any]:
    """It and all that it holds."""
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from _parts(inner)


def _rebuild_tensor(tensor: Any, bits: int) -> float:
    """Numbers can lie in any of six fields, and a reader looks at that of the type alone: so nothing of the
    tensor stays but what that field says."""
    if tensor.data_type not in TYPES or tensor.data_location or tensor.external_data:
        raise Unfit(_not_written())  # and nothing is looked for on the disk
    array = onnx.numpy_helper.to_array(tensor)
    if not is_plain(array):
        raise Unfit(_not_written())
    array = rounded_weights(array, bits)
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name or None))
    if {field.name for field, _ in tensor.ListFields()} - WRITTEN or len(tensor.raw_data) != array.nbytes:
        raise Unfit(_not_written())
    return bits_of_weights(array, bits)


def _round_attribute(attribute: Any, bits: int) -> float:
    """A single number is counted with the structure."""
    if attribute.HasField("f"):
        attribute.f = rounded_weight(attribute.f, bits)
    floats = rounded_weights(np.array(attribute.floats, np.float32), bits)
    del attribute.floats[:]
    attribute.floats.extend(floats.tolist())
    return bits_of_weights(floats, bits) + bits_of_whole(len(floats))


def _not_written() -> Any:
    return blocks(
        "not_canonical",
        "hidden_content",
        "The model has a part that is not written anew: a tensor that is sparse, empty or in another file, a "
        "tensor of texts or of a rare type, a function of its own, or training data.",
        "Export it for inference, with dense tensors of whole numbers, truths, or floats of up to 64 bits.",
        "模型含有无法重新写出的部分：稀疏张量、空张量、存于其他文件的张量、文字或少见类型的张量、自定义函数或训练信息。",
        "请以推理用途导出，使用稠密张量，元素为整数、布尔值或不超过 64 位的浮点数。",
    )
