"""Examines the arrays of a model: texts written as numbers, and values to look for among the raw values."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.files.opened import Grid, Opened, Piece
from sandbox.disclosure.finding import Finding, blocks

Arrays = Mapping[str, NDArray[Any]]
MOST_VALUES = 50_000
WIDEST = 64
ENOUGH_SIGNS, ENOUGH_KINDS = 24, 6


NUMBER_BITS = 16


def numbers_in(array: NDArray[Any]) -> int:
    """How many numbers it holds: a whole number of more than 16 bits counts as so many of 16, as it can hold
    several."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize * 8 <= NUMBER_BITS or not array.size:
        return int(array.size)
    sizes = np.abs(array.astype(np.float64)) + 1
    return int(np.ceil(np.maximum(np.log2(sizes), 1) / NUMBER_BITS - 1e-9).sum())


def modelled(
    kind: Kind, parameters: int, texts: tuple[Piece, ...], findings: tuple[Finding, ...], arrays: Arrays
) -> Opened:
    """A model that could be read, with its numbers as tables: rows as they lie in the array."""
    grids, left = [], MOST_VALUES
    for name, array in _plain(arrays):
        if left > 0 and array.size and array.dtype.kind in "fiu":
            grids.append(_grid(name, array.ravel()[:left] if array.size > left or array.ndim != 2 else array))
            left -= array.size
    return Opened(
        kind,
        texts=texts,
        parameters=parameters,
        arrays=tuple(grids),
        findings=(*findings, *_texts_in(arrays)),
    )


def _plain(arrays: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays of numbers; each field of records is one."""
    for name, array in arrays.items():
        if array.dtype.names is None:
            yield name, array
        else:
            yield from (
                (f"{name}.{field}", np.ascontiguousarray(array[field])) for field in array.dtype.names
            )


def _grid(name: str, array: NDArray[Any]) -> Grid:
    table = array if array.ndim == 2 and array.shape[1] <= WIDEST else array.reshape(-1, 1)
    return Grid(
        name, tuple("" for _ in range(table.shape[1])), tuple(tuple(map(_shown, row)) for row in table)
    )


def _shown(value: Any) -> str:
    """As short as it reads back: of 32 bits no more digits than they hold."""
    return str(value.item() if value.dtype.itemsize == 8 else value)


def _texts_in(arrays: Arrays) -> Iterator[Finding]:
    """Numbers that are signs, one by one or in the bytes that hold them."""
    for name, array in _plain(arrays):
        if _reads(array.tobytes()) or (array.dtype.kind in "fiu" and array.size and _are_signs(array)):
            yield blocks(
                "model_text",
                "hidden_content",
                f"The numbers of {name[:60]!r} read as text.",
                "Save the model as it was trained; a model needs no text in its numbers.",
                f"{name[:60]!r} 的数值可读作文字。",
                "请按训练结果保存模型，数值中不应写入文字。",
                where=name[:60],
            )


def _are_signs(array: NDArray[Any]) -> bool:
    flat = array.ravel()[:MOST_VALUES]
    if not np.isfinite(flat).all() or (flat != np.round(flat)).any() or flat.min() < 9 or flat.max() > 255:
        return False
    return _reads(bytes(flat.astype(np.uint8).tolist()))


def _reads(content: bytes) -> bool:
    held = content.strip(b"\0")
    if len(held) < ENOUGH_SIGNS or len(set(held)) < ENOUGH_KINDS:
        return False
    signs = Counter(held.decode("utf-8", "replace"))  # of megabytes: each distinct sign is looked at once
    readable = sum(
        number
        for sign, number in signs.items()
        if (sign.isprintable() and sign != "\ufffd") or sign in "\n\r\t"
    )
    return readable >= signs.total() * 0.98
