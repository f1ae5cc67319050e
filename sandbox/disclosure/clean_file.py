"""Writes the clean copy that is released instead of the file: the same content, written anew, where a file
holds more than it shows."""

from sandbox.disclosure.files.drawing import render_svg
from sandbox.disclosure.files.open_file import MARK, decode
from sandbox.disclosure.files.parquet_table import clean_parquet
from sandbox.disclosure.files.picture import SIGNATURE, render_png


def clean_file(name: str, content: bytes) -> tuple[str, bytes]:
    """Name and bytes of what is released of a file that `check_file` does not block. PNG: pixels alone.
    SVG: a PNG of it. Parquet: the table alone.

    Raises `Unfit` for what could not be drawn.
    """
    if content.startswith(SIGNATURE):
        return name, render_png(content)
    if content.startswith(b"PAR1"):
        return name, clean_parquet(content)
    if content.startswith(MARK.encode()):
        content = content.removeprefix(MARK.encode())
    if name.lower().endswith(".svg"):
        return name[:-4] + ".png", render_png(render_svg(decode(content)))
    return name, content
