"""Writes what is released instead of a file: its content in canonical form, and nothing beside it."""

import json
import sys

from sandbox.disclosure.canonical_form import (
    canonical_csv,
    canonical_json,
    canonical_text,
)
from sandbox.disclosure.capacity import bits_of_grid, bits_of_json
from sandbox.disclosure.files.csv_table import looks_like_csv, read_csv
from sandbox.disclosure.files.drawing import render_svg
from sandbox.disclosure.files.kind import CODE
from sandbox.disclosure.files.notebook import is_notebook
from sandbox.disclosure.files.open_file import MARK, decode
from sandbox.disclosure.files.picture import SIGNATURE, render_png
from sandbox.disclosure.finding import Unfit, blocks

MODELS = (".safetensors", ".onnx", ".skops")


def clean_file(name: str, content: bytes, *, counting: bool = False) -> tuple[str, bytes]:
    """Name and bytes of what is released of a file that `check_file` does not block. PNG: pixels alone.
    SVG: a PNG of it. Tables, JSON, notebooks and texts: their canonical form (canonical_form.py). Models: as
    they are, since their checks leave no room beside the numbers.

    `counting`: declared as counts of units (`Taxonomy.is_counting`), which keep their digits. Raises `Unfit`
    for what could not be read or drawn, whatever it is.
    """
    try:
        return _cleaned(name, content, counting=counting)
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


def _cleaned(name: str, content: bytes, *, counting: bool) -> tuple[str, bytes]:
    if content.startswith(SIGNATURE):
        return name, render_png(content)
    if content.startswith(b"PAR1"):
        from sandbox.disclosure.canonical_parquet import canonical_parquet  # loads pyarrow

        return name, canonical_parquet(content, counting=counting)
    if name.lower().endswith(MODELS):
        return name, content
    text = decode(content).removeprefix(MARK)
    if name.lower().endswith(".svg"):
        return name[:-4] + ".png", render_png(render_svg(text))
    return name, _canonical(name.lower(), text, counting=counting).encode()


def _canonical(name: str, text: str, *, counting: bool) -> str:
    """As `open_file` tells the kinds of text apart."""
    if name.endswith(CODE):
        return canonical_text(text)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return canonical_json(text, counting=counting)
        except ValueError:
            if name.endswith((".json", ".ipynb")):
                raise
    if name.endswith((".csv", ".tsv")) or looks_like_csv(text):
        return canonical_csv(text, counting=counting, delimiter="\t" if name.endswith(".tsv") else ",")
    return canonical_text(text)


def bits_of_file(name: str, leaves: bytes) -> float | None:
    """How many bits what `clean_file` gave can carry at most; None of what has no bound: pictures, texts,
    models."""
    if leaves.startswith(b"PAR1"):
        from sandbox.disclosure.files.parquet_table import read_parquet  # loads pyarrow

        grid, _ = read_parquet(leaves, sys.maxsize)
        return bits_of_grid([grid.header, *grid.rows])
    lowered = name.lower()
    if leaves.startswith(SIGNATURE) or lowered.endswith((*MODELS, *CODE)):
        return None
    text = leaves.decode()
    if text.lstrip()[:1] in ("{", "["):
        try:
            node = json.loads(text)
        except ValueError:
            node = None
        if node is not None:
            return None if is_notebook(node) else bits_of_json(node)
    if lowered.endswith((".csv", ".tsv")) or looks_like_csv(text):
        grid = read_csv(text)
        return bits_of_grid([grid.header, *grid.rows])
    return None
