"""An author puts random bytes anywhere into a model file. They are refused, or do not leave, or are counted.

Random bytes cannot be written shorter. So a file that leaves longer than the honest one by so many bytes must
be said to carry about as many bits more; else the bound on what a model can carry is false.
"""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from made_files import npy, onnx_linear, safetensors_file, skops_file
from sandbox.disclosure.clean_file import clean_and_count
from sandbox.disclosure.files.skops_tree import NODE
from sandbox.disclosure.finding import Unfit
from sandbox.disclosure.form import Form

FORM = Form(weight_bits=16)
DRAW = np.random.default_rng(4711)
LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
MANY = 400
HEADER = 128
"""The header of an array, and what is beside a text that was put in, say no more bytes than these."""


def letters() -> str:
    """Random ones, of six bits each."""
    return "".join(DRAW.choice(LETTERS, MANY))


def require_told(name: str, honest: bytes, hiding: bytes, where: str) -> bool:
    """Whether what was hidden leaves, counted. Fails where it leaves and is not."""
    (_, plain), few = clean_and_count(name, honest, FORM)
    try:
        (_, leaves), many = clean_and_count(name, hiding, FORM)
    except Unfit:
        return False
    assert few is not None and many is not None
    longer = len(leaves) - len(plain)
    assert many - few >= 8 * 0.6 * (longer - HEADER), f"{where}: {longer} bytes for {many - few:.0f} bits"
    return longer > HEADER


# --- ONNX


def honest_onnx() -> Any:
    model = onnx.load_from_string(onnx_linear(8))
    weight = DRAW.normal(size=(8, 1)).astype(np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "weight"))
    model.graph.node[0].attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, f=0.5)
    return model


def parts(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from parts(inner)


def random_values(field: Any) -> list[Any]:
    if field.type == field.TYPE_STRING:
        return [letters() for _ in range(3)]
    if field.type == field.TYPE_BYTES:
        return [DRAW.bytes(MANY) for _ in range(3)]
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return [float(number) for number in DRAW.normal(size=MANY).astype(np.float32)]
    bits = 31 if field.type in (field.TYPE_INT32, field.TYPE_ENUM) else 62
    return [int(number) for number in DRAW.integers(2 ** (bits - 1), 2**bits, MANY)]


def fill(message: Any, depth: int = 2) -> Iterator[str]:
    """Puts random values into one field after another; gives each one's name while it is there. What holds
    parts gets a new one, whose fields are filled."""
    for field in message.DESCRIPTOR.fields:
        before = type(message)()
        before.CopyFrom(message)
        several = hasattr(getattr(message, field.name), "append") or hasattr(
            getattr(message, field.name), "add"
        )
        if field.type == field.TYPE_MESSAGE:
            if depth:
                held = getattr(message, field.name)
                inner = held.add() if several else held
                for name in fill(inner, depth - 1):
                    yield f"{field.name}.{name}"
        else:
            values = random_values(field)
            try:
                if several:
                    getattr(message, field.name).extend(values)
                else:
                    setattr(message, field.name, values[0])
            except ValueError:  # an enumeration of few values
                message.CopyFrom(before)
                continue
            yield field.name
        message.CopyFrom(before)


def test_onnx_carries_no_random_value_of_any_field_uncounted() -> None:
    honest = honest_onnx()
    plain, counted, tried = honest.SerializeToString(), 0, 0
    for place in range(len([*parts(honest)])):
        model = onnx.load_from_string(plain)
        part = [*parts(model)][place]
        for where in fill(part):
            tried += 1
            counted += require_told(
                "m.onnx", plain, model.SerializeToString(), f"{part.DESCRIPTOR.name}.{where}"
            )
    assert tried > 400 and counted > 20, "what may leave is a part of what was tried"


@pytest.mark.parametrize("kind", onnx.TensorProto.DataType.keys())
@pytest.mark.parametrize("dims", [(), (1,), (MANY,), (MANY // 2,)])
def test_onnx_tensors_of_any_type_carry_no_random_value_uncounted(kind: str, dims: tuple[int, ...]) -> None:
    """A reader takes the numbers of one field; in the other five there may be any."""
    honest = honest_onnx()
    tensor = honest.graph.initializer.add(name="w", dims=dims)
    tensor.data_type = onnx.TensorProto.DataType.Value(kind)
    if kind == "STRING":
        tensor.string_data.extend([b"a"] * int(np.prod(dims)))
    else:
        tensor.raw_data = b"\1" * _bytes(kind, int(np.prod(dims)))
    plain = honest.SerializeToString()
    try:
        clean_and_count("m.onnx", plain, FORM)
    except Unfit:  # the type is not written anew: then nothing of it may leave
        plain = honest_onnx().SerializeToString()
    for where in fill(tensor, 0):
        require_told("m.onnx", plain, honest.SerializeToString(), f"{kind}.{where}")


def _bytes(kind: str, many: int) -> int:
    """Of so many numbers of a type."""
    try:
        size = numpy_type(kind).itemsize
    except (KeyError, TypeError):
        size = 1
    return many * size


def numpy_type(kind: str) -> Any:
    return onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.DataType.Value(kind))


def test_onnx_reads_no_file_that_a_tensor_of_an_attribute_names() -> None:
    model = honest_onnx()
    tensor = model.graph.node[0].attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t
    tensor.data_type, tensor.data_location = onnx.TensorProto.UINT8, onnx.TensorProto.EXTERNAL
    tensor.dims.append(10)
    tensor.external_data.add(key="location", value="pyproject.toml")
    with pytest.raises(Unfit):
        clean_and_count("m.onnx", model.SerializeToString(), FORM)


@pytest.mark.parametrize("raw", [b"\1\0\1\1", b"\1\0\x41\x7f"])
def test_a_truth_is_one_bit_in_every_format(raw: bytes) -> None:
    model = honest_onnx()
    tensor = model.graph.initializer.add(name="w", data_type=onnx.TensorProto.BOOL, dims=[4])
    tensor.raw_data = raw
    (_, leaves), _ = clean_and_count("m.onnx", model.SerializeToString(), FORM)
    assert onnx.load_from_string(leaves).graph.initializer[1].raw_data == b"\1\0\1\1"
    truths = np.frombuffer(raw, np.uint8).view(np.bool_)
    (_, leaves), _ = clean_and_count("m.skops", skops_file(array=npy(truths)), FORM)
    assert b"\1\0\1\1" in leaves and b"\x41\x7f" not in leaves


# --- skops


def tree_skops(nodes: np.ndarray) -> bytes:
    """The records of a tree, as an array that nothing says is one."""
    return skops_file(array=npy(nodes))


def test_records_are_nodes_of_trees_alone() -> None:
    names = [letters()[:30] for _ in range(30)]
    kinds: list[Any] = [
        np.dtype([(name, "<f8") for name in names]),
        np.dtype([((letters(), name), NODE[name]) for name in NODE.names or ()]),
        np.dtype([*[(name, NODE[name]) for name in NODE.names or ()], (letters(), "<f8")]),
        np.dtype([(name, "<f8") for name in NODE.names or ()]),
    ]
    honest = tree_skops(np.ones(8, NODE))
    for kind in kinds:
        for many in (0, 1, 8):
            assert not require_told("m.skops", honest, tree_skops(np.ones(many, kind)), str(kind))
    with pytest.raises(Unfit):
        clean_and_count("m.skops", tree_skops(np.ones(3, kinds[0])), FORM)


def test_the_order_and_the_places_of_fields_say_nothing() -> None:
    names = list(NODE.names or ())
    values = {name: DRAW.integers(0, 2, 8) for name in names}
    left = set()
    for order in (names, names[::-1]):
        for gap in (0, 3, 77):
            offsets = [place * (8 + gap) for place in range(len(order))]
            kind = np.dtype(
                {
                    "names": order,
                    "formats": [NODE[name].newbyteorder(">") for name in order],
                    "offsets": offsets,
                    "itemsize": offsets[-1] + 8 + gap,
                }
            )
            nodes = np.frombuffer(DRAW.bytes(8 * kind.itemsize), kind).copy()
            for name in names:
                nodes[name] = values[name]
            left.add(clean_and_count("m.skops", tree_skops(nodes), FORM)[0][1])
    assert len(left) == 1


@pytest.mark.parametrize("shape", [(0, 110105199001), (110105199001, 0), (0, 0), (1, 0, 7)])
def test_an_empty_array_has_no_other_dimension(shape: tuple[int, ...]) -> None:
    empty = b"\x93NUMPY\x01\x00"
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    array = empty + struct.pack("<H", len(header)) + header.encode()
    model = honest_onnx()
    model.graph.initializer.add(name="w", data_type=onnx.TensorProto.FLOAT, dims=shape)
    told = {"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}
    text = json.dumps(told).encode()
    for name, content in (
        ("m.skops", skops_file(array=array)),
        ("m.onnx", model.SerializeToString()),
        ("m.safetensors", struct.pack("<Q", len(text)) + text),
    ):
        with pytest.raises(Unfit):
            clean_and_count(name, content, FORM)


def test_shapes_and_types_of_arrays_are_counted() -> None:
    few = clean_and_count("m.skops", skops_file(array=npy(np.ones(8))), FORM)[1]
    many = clean_and_count("m.skops", skops_file(array=npy(np.ones((1, 2, 1, 4, 1)))), FORM)[1]
    assert few is not None and many is not None and many > few


def archive_with(change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(skops_file(array=npy(np.ones(8))))) as held:
        members = {name: held.read(name) for name in held.namelist()}
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        change(archive, members)
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def in_comments(archive: zipfile.ZipFile, members: dict[str, bytes]) -> None:
    archive.comment = letters().encode()
    member = zipfile.ZipInfo("1.npy", (2001, 2, 3, 4, 5, 6))
    member.comment, member.extra = letters().encode(), struct.pack("<HH", 0x4711, MANY) + letters().encode()
    member.create_system, member.external_attr, member.compress_type = 7, 0xABCDEF, zipfile.ZIP_DEFLATED
    archive.writestr(member, members.pop("1.npy"))


def in_another_member(archive: zipfile.ZipFile, _members: dict[str, bytes]) -> None:
    archive.writestr(letters()[:200] + ".txt", letters())


def in_spaces(_archive: zipfile.ZipFile, members: dict[str, bytes]) -> None:
    spaces = "".join(DRAW.choice(np.array([" ", "\t", "\n"]), MANY))
    members["schema.json"] = members["schema.json"].replace(b": {", b": " + spaces.encode() + b"{")


@pytest.mark.parametrize("change", [in_comments, in_another_member, in_spaces])
def test_of_the_archive_itself_nothing_leaves(
    change: Callable[[zipfile.ZipFile, dict[str, bytes]], None],
) -> None:
    honest = skops_file(array=npy(np.ones(8)))
    assert clean_and_count("m.skops", archive_with(change), FORM) == clean_and_count("m.skops", honest, FORM)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from objects(value)


def test_skops_carries_no_random_text_of_its_schema_uncounted() -> None:
    honest = skops_file(array=npy(np.ones(8)))
    with zipfile.ZipFile(io.BytesIO(honest)) as held:
        schema = held.read("schema.json")
    counted = 0
    for place in range(len([*objects(json.loads(schema))])):
        for name, value in (
            (letters(), 1),
            ("__metadata__", letters()),
            ("__id__", int(DRAW.integers(2**62))),
            ("numbers", int("".join(map(str, DRAW.integers(0, 10, MANY))))),
        ):
            node = json.loads(schema)
            [*objects(node)][place][name] = value

            def put(_archive: zipfile.ZipFile, members: dict[str, bytes], node: Any = node) -> None:
                members["schema.json"] = json.dumps(node).encode()

            counted += require_told("m.skops", honest, archive_with(put), name)
    assert counted >= 4


# --- safetensors


def test_safetensors_carries_no_random_text_of_its_header_uncounted() -> None:
    weights = {"a": DRAW.normal(size=(4, 3)).astype("<f4")}
    honest = safetensors_file(weights)
    header = json.loads(honest[8 : 8 + struct.unpack("<Q", honest[:8])[0]])
    body = honest[8 + struct.unpack("<Q", honest[:8])[0] :]
    tensor = header["a"]
    tries: list[tuple[Any, bytes]] = [
        ({"a": tensor | {letters(): 1}}, body),
        ({"a": tensor | {"shape": [4.0, 3]}}, body),
        ({"a": tensor | {"shape": [True, 12]}}, body),
        ({"a": tensor | {"shape": [-4, -3]}}, body),
        ({letters(): tensor}, body),
        ({"a": tensor, "__metadata__": {letters(): letters()}}, body),
        ({"a": tensor, "__metadata__": {"format": letters()}}, body),
        ({"a": tensor, "__metadata__": [letters()]}, body),
        ({"a": tensor}, body + DRAW.bytes(MANY)),
        ({"a": tensor, "b": {"dtype": "U8", "shape": [MANY], "data_offsets": [48, 48 + MANY]}},
         body + DRAW.bytes(MANY)),
        ({"a": tensor, "b": {"dtype": "BF16", "shape": [MANY], "data_offsets": [48, 48 + 2 * MANY]}},
         body + DRAW.bytes(2 * MANY)),
        ({"a": tensor, "b": {"dtype": "BOOL", "shape": [MANY], "data_offsets": [48, 48 + MANY]}},
         body + DRAW.bytes(MANY)),
    ]  # fmt: skip
    counted = 0
    for made, tensors in tries:
        text = json.dumps(made).encode()
        counted += require_told(
            "m.safetensors", honest, struct.pack("<Q", len(text)) + text + tensors, str(made)[:80]
        )
    assert counted == 4  # a long name and three tensors
