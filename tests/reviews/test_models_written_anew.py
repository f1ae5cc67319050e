"""A model leaves with a stated number of bits for each of its numbers, and predicts as before.

Written anew twice it is the same; what a tool wrote beside the model, and bits below those stated, do not
change what leaves; and what it can carry is bounded.
"""

import io
import json
import re
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import numpy_helper

from good_outputs import CONTEXT, CONTROLS
from made_files import npy, onnx_linear, safetensors_file
from review_people import POLICIES
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.clean_file import clean_and_count, clean_file
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.finding import Severity
from sandbox.disclosure.form import Form
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.disclosure.weights import bits_of_weights, rounded_weights
from workspace import KERNEL_PYTHON

BITS = 16
FORM = Form(weight_bits=BITS)
RULES = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")

FITTED = """
import sys, numpy, skops.io
from sklearn.ensemble import *; from sklearn.linear_model import *; from sklearn.pipeline import *
from sklearn.preprocessing import *; from sklearn.tree import *
draw = numpy.random.default_rng(3)
x = numpy.column_stack([draw.integers(18, 90, 3000), draw.normal(70, 12, 3000), draw.poisson(2, 3000)])
number = x[:, 0] * 0.03 + x[:, 1] * 0.01 + draw.normal(0, 1, 3000)
yes, three = number > numpy.median(number), numpy.digitize(number, numpy.quantile(number, [0.3, 0.7]))
sound = dict(max_depth=4, min_samples_leaf=50, random_state=0)
for name, model in {
    "linear": LinearRegression().fit(x, number),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()).fit(x, yes),
    "tree": DecisionTreeRegressor(**sound).fit(x, number),
    "best_first": DecisionTreeRegressor(max_leaf_nodes=9, min_samples_leaf=50).fit(x, number),
    "entropy": DecisionTreeClassifier(criterion="entropy", **sound).fit(x, three),
    "absolute": DecisionTreeRegressor(criterion="absolute_error", max_depth=2).fit(x[:500], number[:500]),
    "forest": RandomForestClassifier(4, **sound).fit(x, three),
}.items():
    for again in ("", "-again"):
        skops.io.dump(model, f"{sys.argv[1]}/{name}{again}.skops")
    numpy.save(f"{sys.argv[1]}/{name}.npy", getattr(model, "predict_proba", model.predict)(x))
numpy.save(f"{sys.argv[1]}/x.npy", x)
"""
PREDICT = """
import sys, pathlib, numpy, skops.io
folder = pathlib.Path(sys.argv[1])
x = numpy.load(folder / "x.npy")
for path in sorted(folder.glob("*.leaves.skops")):
    model = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    numpy.save(path.with_suffix(".npy"), getattr(model, "predict_proba", model.predict)(x))
"""
NAMES = ("linear", "logistic", "tree", "best_first", "entropy", "absolute", "forest")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fitted models as skops writes them, as they leave (`.leaves.skops`), and the predictions of both."""
    made = tmp_path_factory.mktemp("models")
    subprocess.run([KERNEL_PYTHON, "-c", FITTED, made], check=True)
    for name in NAMES:
        leaves = clean_file("m.skops", (made / f"{name}.skops").read_bytes(), FORM)[1]
        (made / f"{name}.leaves.skops").write_bytes(leaves)
    subprocess.run([KERNEL_PYTHON, "-c", PREDICT, made], check=True)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_fitted_model_predicts_as_before_and_leaves_as_it_left(folder: Path, name: str) -> None:
    before, after = np.load(folder / f"{name}.npy"), np.load(folder / f"{name}.leaves.npy")
    apart = np.abs(before - after)
    # a row that lay on a threshold may go the other way
    assert np.quantile(apart, 0.999) <= 2.0 ** -(BITS - 4) * max(1.0, float(np.abs(before).max()))
    leaves = (folder / f"{name}.leaves.skops").read_bytes()
    assert clean_file("m.skops", leaves, FORM)[1] == leaves
    declared = Declaration("models", CONTEXT, CONTROLS, b"n\n3000\n")
    both = [
        {
            one
            for one in check_file("m.skops", content, declared, RULES, None)
            if one.severity is Severity.BLOCKS
        }
        for content in ((folder / f"{name}.skops").read_bytes(), leaves)
    ]
    assert both[0] == both[1], "what leaves would be judged as what it is made of"


@pytest.mark.parametrize("name", NAMES)
def test_addresses_in_memory_and_low_bits_leave_no_trace(folder: Path, name: str) -> None:
    content = (folder / f"{name}.skops").read_bytes()
    leaves = (folder / f"{name}.leaves.skops").read_bytes()
    assert clean_file("m.skops", _renumbered(content), FORM)[1] == leaves
    with zipfile.ZipFile(io.BytesIO(leaves)) as archive:
        ids = re.findall(r'"__id__": (\d+)', archive.read("schema.json").decode())
        assert ids and max(map(int, ids)) <= len(ids)
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


def _renumbered(content: bytes) -> bytes:
    """Other addresses, other names of files, another order and date: as another process would write it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = members.pop("schema.json").decode()
    moved = {number: str(int(number) * 3 + 7) for number in set(re.findall(r"\b\d{12,}\b", text))}
    text = re.sub(r"\b\d{12,}\b", lambda found: moved[found.group()], text)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", text)
        for name, member in reversed(members.items()):
            stem = name.removesuffix(".npy")
            archive.writestr(f"{moved.get(stem, stem)}.npy", member)
    return sink.getvalue()


def _with_arrays(content: bytes, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(sink, "w") as made:
        for name in archive.namelist():
            held = archive.read(name)
            array = change(np.load(io.BytesIO(held))) if name.endswith(".npy") else None
            made.writestr(name, held if array is None else npy(array))
    return sink.getvalue()


def test_what_an_author_hides_in_a_tree_does_not_leave(folder: Path) -> None:
    """In the gaps between the fields of records, in what follows from the leaves, in low bits of a leaf."""

    def hide(array: np.ndarray) -> np.ndarray:
        if array.dtype.names:
            raw = array.copy().view(np.uint8).reshape(len(array), -1)
            offsets = [
                range(array.dtype.fields[name][1], array.dtype.fields[name][1] + array.dtype[name].itemsize)
                for name in array.dtype.names
            ]
            gaps = [
                place for place in range(array.dtype.itemsize) if not any(place in one for one in offsets)
            ]
            assert gaps
            raw[:, gaps] = 65
            made = raw.reshape(-1).view(array.dtype)
            inner = made["left_child"] != -1
            made["impurity"][inner] *= 1 + 1e-7
            return made
        return array * (1 + 1e-9) if array.ndim == 3 else array

    content = (folder / "tree.skops").read_bytes()
    leaves = clean_file("m.skops", content, FORM)
    assert clean_file("m.skops", _with_arrays(content, hide), FORM) == leaves


def test_of_safetensors_only_rounded_numbers_leave() -> None:
    draw = np.random.default_rng(1)
    weights = draw.normal(size=(20, 3)).astype("<f4")
    noisy = weights.copy()
    noisy.view("<u4")[...] ^= 1  # the last bit of each
    made = {
        clean_file("m.safetensors", safetensors_file(tensors, metadata), FORM)
        for tensors, metadata in (
            ({"a": weights, "b": weights[:2]}, {"format": "pt"}),
            ({"b": noisy[:2], "a": noisy}, {"format": "pt"}),
        )
    }
    assert len(made) == 1, "the order of tensors and the last bits say nothing"
    (leaves,) = made
    assert clean_file(*leaves, FORM) == leaves
    (length,) = struct.unpack("<Q", leaves[1][:8])
    held = np.frombuffer(leaves[1][8 + length :], "<f4")
    assert not (held.view("<u4") & ((1 << (24 - BITS)) - 1)).any()
    assert np.allclose(held[:60], weights.ravel(), rtol=2.0**-BITS)
    assert json.loads(leaves[1][8 : 8 + length])["a"]["shape"] == [20, 3]


def test_of_onnx_only_the_graph_and_rounded_numbers_leave() -> None:
    model = onnx.load_from_string(onnx_linear(8))
    draw = np.random.default_rng(2).normal(size=(8, 1)).astype(np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(draw, "weight"))
    plain = clean_file("m.onnx", model.SerializeToString(), FORM)
    model.producer_name, model.model_version = "secret", 471104711
    model.graph.node[0].doc_string = "P123456"
    tensor = model.graph.initializer[0]
    noisy = draw.copy()
    noisy.view("<u4")[...] ^= 1
    tensor.ClearField("raw_data")
    tensor.float_data.extend(noisy.ravel().tolist())
    assert clean_file("m.onnx", model.SerializeToString(), FORM) == plain == clean_file(*plain, FORM)
    left = onnx.load_from_string(plain[1])
    onnx.checker.check_model(left)
    assert np.allclose(numpy_helper.to_array(left.graph.initializer[0]), draw, rtol=2.0**-BITS)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda kind: arrays.arrays(kind, st.integers(1, 6))
    ),
    st.integers(4, 53),
)
def test_rounding_again_changes_nothing_and_moves_no_number_far(array: np.ndarray, bits: int) -> None:
    once = rounded_weights(array, bits)
    assert once.dtype == array.dtype and rounded_weights(once, bits).tobytes() == once.tobytes()
    finite = np.isfinite(array) & (np.abs(array) >= np.finfo(array.dtype).tiny)
    wide, left = array[finite].astype(float), once[finite].astype(float)
    assert np.isfinite(left).all()
    top = np.abs(wide) >= float(np.finfo(array.dtype).max) * (1 - 2.0 ** (1 - bits))
    assert (np.abs(wide - left)[~top] <= np.abs(wide[~top]) * 2.0**-bits).all()


def test_all_numbers_that_leave_are_no_more_than_their_bits_say() -> None:
    """Every float of 16 bits, rounded to so many bits: what is left is counted."""
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    for bits in range(4, 12):
        left = {number.tobytes() for number in rounded_weights(every, bits)}
        assert len(left) <= 2 ** bits_of_weights(every[:1], bits)
    assert len({number.tobytes() for number in rounded_weights(every, 4)}) > 2**7


@pytest.mark.parametrize("name", ["linear", "forest"])
def test_who_reviews_is_told_how_many_bits_a_model_has(folder: Path, name: str) -> None:
    content = (folder / f"{name}.skops").read_bytes()
    few, many = (clean_and_count("m.skops", content, Form(weight_bits=bits))[1] for bits in (8, 24))
    assert few is not None and many is not None and few < many < 8 * len(content)
    found = check_file("m.skops", content, Declaration("models", CONTEXT, CONTROLS), RULES, None)
    by_code = {one.code: one for one in found}
    assert "16 significant bits" in by_code["canonical_form"].message and "capacity" in by_code
