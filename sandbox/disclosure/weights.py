"""Rounds the numbers of models to a stated number of significant bits, and counts what they can carry then.

A float of 32 bits has 24 significant ones, and the last of them say nothing that a sample of people could
justify: they are where an author would hide raw values. Rounding is to even at ties, so it can be repeated.
There is one zero and one NaN, and no number so small that it has fewer bits than the others.
"""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.capacity import bits_of_whole

Array = NDArray[Any]
EXPONENT_BITS = {2: 5, 4: 8, 8: 11}
"""Of a float by its bytes (IEEE 754)."""


def rounded_weights(array: Array, bits: int) -> Array:
    """Floats with so many significant bits, of the same type and shape. Truths are 0 or 1; other numbers stay
    as they are."""
    if array.dtype.kind == "b":  # a truth is a byte, which could hold any number
        return np.asarray(np.ascontiguousarray(array).view(np.uint8).reshape(array.shape) != 0)
    if array.dtype.kind != "f":
        return array
    held = np.finfo(array.dtype)
    bits = min(bits, held.nmant + 1)
    wide = np.atleast_1d(array).astype(np.float64)  # a scalar is an array without a size
    finite = np.isfinite(wide)
    part, exponent = np.frexp(np.where(finite, wide, 0.0))
    with np.errstate(over="ignore"):
        made = np.ldexp(np.rint(part * 2.0**bits), exponent - bits)
    # a number that would be rounded up to infinity
    largest = float(held.max) if bits > held.nmant else (2 - 2.0 ** (1 - bits)) * 2.0 ** (held.maxexp - 1)
    made = np.clip(made, -largest, largest)
    made[np.abs(made) < float(held.tiny)] = 0.0
    made = np.where(finite, made, np.where(np.isnan(wide), np.nan, wide)) + 0.0
    return made.astype(array.dtype).reshape(array.shape)


def is_plain(array: Array) -> bool:
    """Whether all that it holds is counted by `bits_of_weights`, and nothing lies in its type or its shape:
    floats of at most 64 bits, whole numbers, truths or texts; if it is empty, along one dimension."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    typed = (kind == "f" and size in EXPONENT_BITS) or (kind in "iubU" and size > 0)
    return typed and (array.size > 0 or array.shape == (0,))


def rounded_weight(number: float, bits: int) -> float:
    return float(rounded_weights(np.array([number]), bits)[0])


def bits_of_weights(array: Array, bits: int) -> float:
    """What rounded numbers can carry: of a float its sign, its exponent and its significant bits; of a whole
    number as in a table; of a truth one bit; of anything else all of its bits."""
    size, kind = array.dtype.itemsize, array.dtype.kind
    if kind == "f":
        kept = min(bits, np.finfo(array.dtype).nmant + 1)
        return float(array.size * (1 + EXPONENT_BITS.get(size, 15) + kept - 1))
    if kind == "b":
        return float(array.size)
    if kind in "iu":
        values, counts = np.unique(array, return_counts=True)
        each = [1 + bits_of_whole(abs(int(value))) for value in values]
        return min(float(array.size * size * 8), float(np.dot(each, counts))) + 1
    return float(array.nbytes * 8)


def bits_of_structure(written: bytes) -> float:
    """What the rest of a model can carry: names, types, settings and their order. Of all texts that a fixed
    program compresses to so many bytes there are no more than so many bytes can tell apart."""
    short = len(zlib.compress(written, 9))
    return bits_of_whole(short) + 8.0 * short
