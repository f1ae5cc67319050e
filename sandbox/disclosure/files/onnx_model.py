"""Counts the numbers in an ONNX model, and checks that it holds only what standard operators need."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
from google.protobuf.message import DecodeError  # a dependency of onnx
from numpy.typing import NDArray

from sandbox.disclosure.files.model_arrays import numbers_in
from sandbox.disclosure.files.opened import Piece
from sandbox.disclosure.finding import Finding, Unfit, blocks

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
UNREAD = frozenset({"raw_data", "doc_string", "metadata_props", "producer_name", "producer_version"})


def read_onnx(content: bytes) -> tuple[int, tuple[Piece, ...], tuple[Finding, ...], dict[str, NDArray[Any]]]:
    """Parameters, its texts, findings, arrays. Raises `Unfit`."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise Unfit(_unreadable()) from error
    if not model.ir_version or not model.graph.node:
        raise Unfit(_unreadable())
    known = onnx.ModelProto()
    known.CopyFrom(model)
    known.DiscardUnknownFields()
    findings = list(_check(model))
    if known.ByteSize() < model.ByteSize():
        findings.append(_metadata("fields that ONNX does not know"))
    graphs = [*_graphs(model.graph)]
    tensors = [tensor for graph in graphs for tensor in graph.initializer]
    attributes = [attribute for graph in graphs for node in graph.node for attribute in node.attribute]
    pieces = tuple(Piece("model", text) for text in dict.fromkeys(_texts(model)))
    arrays = _arrays(tensors, attributes)
    counted = sum(numbers_in(array) for array in arrays.values())
    others = sum(prod(tensor.dims) for tensor in tensors if tensor.external_data or tensor.data_location)
    held = {name: array for name, array in arrays.items() if array.dtype.kind in "fiu"}
    return counted + others, pieces, tuple(findings), held


def _texts(message: Any) -> Iterator[str]:
    """All texts of it and of what it holds, but those of the tool that wrote it, which do not leave."""
    for field, value in message.ListFields():
        if field.name in UNREAD:
            continue
        several = list(value) if hasattr(value, "__len__") and not isinstance(value, str | bytes) else [value]
        if field.type == field.TYPE_MESSAGE:
            for inner in several:
                yield from _texts(inner)
        elif field.type == field.TYPE_BYTES:
            yield from (text.decode("utf-8", "replace") for text in several)
        elif field.type == field.TYPE_STRING:
            if not all(isinstance(text, str) for text in several):  # bytes: it is not UTF-8
                raise Unfit(_unreadable())
            yield from several


def _arrays(tensors: Sequence[Any], attributes: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Initializers, and the numbers of attributes."""
    found: dict[str, NDArray[Any]] = {}
    for place, tensor in enumerate([*tensors, *(one.t for one in attributes if one.HasField("t"))]):
        if tensor.data_location or tensor.external_data:
            continue  # `_check` blocks it; nothing is looked for on the disk
        try:
            found[f"{tensor.name}#{place}"] = onnx.numpy_helper.to_array(tensor)
        except Exception as error:  # onnx raises whatever numpy does on bytes that are no array
            raise Unfit(_unreadable()) from error
    for place, one in enumerate(attributes):
        if len(one.floats):
            found[f"{one.name}#{place}"] = np.array(one.floats, np.float32)
        if len(one.ints):
            found[f"{one.name} whole#{place}"] = np.array(one.ints, np.int64)
    return found


def _check(model: Any) -> Iterator[Finding]:
    if (
        model.metadata_props
        or model.doc_string
        or model.graph.doc_string
        or model.training_info
        or model.functions
        or model.graph.metadata_props
    ):
        yield _metadata("metadata or documentation")
    if strange := sorted(
        {str(node.domain) for graph in _graphs(model.graph) for node in graph.node} - DOMAINS
    ):
        yield blocks(
            "model_operator",
            "hidden_content",
            f"The model uses operators of {strange[0][:60]!r}, which are not ONNX's own.",
            "Use standard operators.",
            f"模型使用了非标准算子域 {strange[0][:60]!r}。",
            "请使用标准算子。",
        )
    if any(
        tensor.external_data or tensor.data_location
        for graph in _graphs(model.graph)
        for tensor in graph.initializer
    ):
        yield blocks(
            "model_operator",
            "hidden_content",
            "The model's numbers lie in another file.",
            "Save it as one file.",
            "模型参数存放在其他文件中。",
            "请保存为单个文件。",
        )


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)
            for inner in attribute.graphs:
                yield from _graphs(inner)


def _metadata(what: str) -> Finding:
    return blocks(
        "model_metadata",
        "hidden_content",
        f"The model carries {what}.",
        "Save it without.",
        "模型带有元数据、说明或未知字段。",
        "保存时请去掉。",
    )


def _unreadable() -> Finding:
    return blocks(
        "unreadable",
        "hidden_content",
        "The file is not an ONNX model.",
        "Export it again.",
        "该文件不是 ONNX 模型。",
        "请重新导出。",
    )
