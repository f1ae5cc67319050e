"""Writes what is released instead of a file: its content in canonical form, and nothing beside it."""

from sandbox.disclosure.canonical_form import (
    canonical_csv,
    canonical_json,
    canonical_parquet,
    canonical_text,
)
from sandbox.disclosure.files.csv_table import looks_like_csv
from sandbox.disclosure.files.drawing import render_svg
from sandbox.disclosure.files.open_file import MARK, decode
from sandbox.disclosure.files.picture import SIGNATURE, render_png

MODELS = (".safetensors", ".onnx", ".skops")
CODE = (".py", ".r", ".sql", ".do")


def clean_file(name: str, content: bytes, *, counting: bool = False) -> tuple[str, bytes]:
    """Name and bytes of what is released of a file that `check_file` does not block. PNG: pixels alone.
    SVG: a PNG of it. Tables, JSON and texts: their canonical form (canonical_form.py). Models: as they are,
    since their checks leave no room beside the numbers.

    `counting`: declared as counts of units (`Taxonomy.is_counting`), which keep their digits. Raises `Unfit`
    for what could not be drawn or read.
    """
    if content.startswith(SIGNATURE):
        return name, render_png(content)
    if content.startswith(b"PAR1"):
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
    if text.lstrip().startswith(("{", "[")):
        try:
            return canonical_json(text, counting=counting)
        except ValueError:
            return canonical_text(text)
    if name.endswith((".csv", ".tsv")) or looks_like_csv(text):
        return canonical_csv(text, counting=counting, delimiter="\t" if name.endswith(".tsv") else ",")
    return canonical_text(text)
