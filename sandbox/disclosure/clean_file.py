"""Writes what is released instead of a file: its content in canonical form, and nothing beside it."""

import json
import sys
from math import log2

from sandbox.disclosure.canonical_form import canonical_csv, canonical_json, canonical_text
from sandbox.disclosure.canonical_safetensors import canonical_safetensors
from sandbox.disclosure.canonical_skops import canonical_skops
from sandbox.disclosure.capacity import bits_of_grid, bits_of_json
from sandbox.disclosure.files.csv_table import looks_like_csv, read_csv
from sandbox.disclosure.files.drawing import render_svg
from sandbox.disclosure.files.kind import CODE
from sandbox.disclosure.files.notebook import is_notebook
from sandbox.disclosure.files.open_file import MARK, decode
from sandbox.disclosure.files.picture import SIGNATURE, render_png
from sandbox.disclosure.finding import Unfit, blocks
from sandbox.disclosure.form import PLAIN, Form

PARQUET_TYPES = 6
"""That a column may leave in (`canonical_parquet.py`): also one without a value has one."""
KIND_BITS = 2
"""Which of four kinds a file is (picture, Parquet, JSON, other text) its bytes tell, and not its name."""
MODELS = (".safetensors", ".onnx", ".skops")


def clean_file(name: str, content: bytes, form: Form = PLAIN) -> tuple[str, bytes]:
    """Name and bytes of what is released of a file that `check_file` does not block. PNG: pixels alone.
    SVG: a PNG of it. Tables, JSON, notebooks, texts and models: their canonical form.

    Raises `Unfit` for what could not be read or drawn, whatever it is.
    """
    return clean_and_count(name, content, form)[0]


def clean_and_count(name: str, content: bytes, form: Form = PLAIN) -> tuple[tuple[str, bytes], float | None]:
    """As `clean_file`, and how many bits what leaves can carry at most; None of what has no bound: pictures
    and texts."""
    try:
        if name.lower().endswith(MODELS):
            leaves, carried = _model(name.lower(), content, form.weight_bits)
            return (name, leaves), carried
        made = _cleaned(name, content, form)
        bits = bits_of_file(*made, form)
        return made, None if bits is None else KIND_BITS + bits
    except Unfit:
        raise
    except Exception:  # noqa: BLE001  # libraries raise whatever hostile bytes make them raise
        raise Unfit(
            blocks(
                "not_canonical",
                "hidden_content",
                "The file cannot be written anew.",
                "Write it again as a plain table, text or picture.",
                "无法重新写出该文件。",
                "请重新写成普通的表格、文字或图片。",
            )
        ) from None


def _model(name: str, content: bytes, bits: int) -> tuple[bytes, float]:
    if name.endswith(".skops"):
        return canonical_skops(content, bits)
    if name.endswith(".safetensors"):
        return canonical_safetensors(content, bits)
    from sandbox.disclosure.canonical_onnx import canonical_onnx  # loads onnx

    return canonical_onnx(content, bits)


def _cleaned(name: str, content: bytes, form: Form) -> tuple[str, bytes]:
    if content.startswith(SIGNATURE):
        return name, render_png(content)
    if content.startswith(b"PAR1"):
        from sandbox.disclosure.canonical_parquet import canonical_parquet  # loads pyarrow

        return name, canonical_parquet(content, form)
    text = decode(content).removeprefix(MARK)
    if name.lower().endswith(".svg"):
        return name[:-4] + ".png", render_png(render_svg(text))
    return name, _canonical(name.lower(), text, form).encode()


def _canonical(name: str, text: str, form: Form) -> str:
    """As `open_file` tells the kinds of text apart."""
    if name.endswith(CODE):
        return canonical_text(text)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return canonical_json(text, form)
        except ValueError:
            if name.endswith((".json", ".ipynb")):
                raise
    if name.endswith((".csv", ".tsv")) or looks_like_csv(text):
        return canonical_csv(text, form, delimiter="\t" if name.endswith(".tsv") else ",")
    return canonical_text(text)


def bits_of_file(name: str, leaves: bytes, form: Form) -> float | None:
    """Of what is no model."""
    if leaves.startswith(b"PAR1"):
        from sandbox.disclosure.files.parquet_table import read_parquet  # loads pyarrow

        grid, _ = read_parquet(leaves, sys.maxsize)
        types = len(grid.header) * log2(PARQUET_TYPES)
        return types + bits_of_grid([grid.header, *grid.rows], form)
    lowered = name.lower()
    if leaves.startswith(SIGNATURE) or lowered.endswith(CODE):
        return None
    text = leaves.decode()
    if text.lstrip()[:1] in ("{", "["):
        try:
            node = json.loads(text)
        except ValueError:
            node = None
        if node is not None:
            return None if is_notebook(node) else bits_of_json(node, form)
    if lowered.endswith((".csv", ".tsv")) or looks_like_csv(text):
        grid = read_csv(text)
        return bits_of_grid([grid.header, *grid.rows], form)
    return None
