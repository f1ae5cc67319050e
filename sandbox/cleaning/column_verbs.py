"""What each verb makes of the cells of a column: each cell by itself, empty ones as they are."""

import unicodedata
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.cleaning_steps import (
    Bands,
    CellValue,
    ChangeCase,
    Cut,
    CutDate,
    FirstCharacters,
    Limit,
    MapValues,
    Others,
    band_labels,
)

Mask = npt.NDArray[np.bool_]
INVISIBLE = ("Zs", "Zl", "Zp", "Cc", "Cf")
BASIC_PLANE = 0x10000


@cache
def invisible() -> str:
    """Spaces, and characters that show nothing."""
    return "".join(chr(code) for code in range(BASIC_PLANE) if unicodedata.category(chr(code)) in INVISIBLE)


def trimmed(texts: pa.Array) -> pa.Array:
    bare = pc.utf8_trim(texts, characters=invisible())
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def in_case(texts: pa.Array, step: ChangeCase) -> pa.Array:
    """Character by character, so that no text becomes longer."""
    return pc.utf8_upper(texts) if step.upper else pc.utf8_lower(texts)


def first_characters(texts: pa.Array, step: FirstCharacters) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, 0, step.characters)


def limited(numbers: pa.Array, step: Limit) -> pa.Array:
    for end, beyond in ((step.low, pc.less), (step.high, pc.greater)):
        if end is not None:
            limit = pa.scalar(_number(end, numbers.type), numbers.type)
            numbers = pc.if_else(beyond(numbers, limit), limit, numbers)
    return numbers


def filled(values: pa.Array, value: CellValue) -> pa.Array:
    return pc.fill_null(values, pa.scalar(_plain(value, values.type), values.type))


def mapped(values: pa.Array, step: MapValues, into: pa.DataType) -> tuple[pa.Array, Mask]:
    """The values that the step gives; and which cells have a value that it does not list."""
    known = pa.array([_plain(old, values.type) for old, _ in step.values], values.type)
    new = pa.array([None if new is None else _plain(new, into) for _, new in step.values], into)
    places = pc.index_in(values, value_set=known, skip_nulls=True)
    found = new.take(places)
    others = pc.and_(pc.is_valid(values), pc.is_null(places))
    if step.others is Others.KEEP:
        found = pc.if_else(others, values, found)
    mask: Mask = others.to_numpy(zero_copy_only=False)
    return found, mask


def banded(numbers: pa.Array, step: Bands) -> pa.Array:
    labels = pa.array(band_labels(step.edges, whole=pa.types.is_integer(numbers.type)), pa.string())
    edges = np.array([float(edge) for edge in step.edges])
    there = pc.is_valid(numbers)
    # integers beyond 2^53 lie beyond all edges, whatever their DOUBLE is
    values = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False).astype(np.float64)
    places = pa.array(np.searchsorted(edges, values, side="right"))
    return labels.take(pc.if_else(there, places, pa.scalar(None, places.type)))


def cut(moments: pa.Array, step: CutDate, into: pa.DataType) -> pa.Array:
    """Each different day is cut once, by its own calendar."""
    days = pc.cast(moments, pa.date32(), safe=False) if pa.types.is_date32(moments.type) else _days(moments)
    coded = days.dictionary_encode()
    first = [None if day is None else _first_day(day, step.to) for day in coded.dictionary.to_pylist()]
    return pc.cast(pa.array(first, pa.date32()).take(coded.indices), into)


def _days(moments: pa.Array) -> pa.Array:
    ticks = pc.cast(moments, pa.int64())
    numbers = np.floor_divide(ticks.fill_null(0).to_numpy(zero_copy_only=False), 86_400_000_000)
    days = pa.array(numbers.astype(np.int32)).cast(pa.date32())
    return pc.if_else(pc.is_valid(moments), days, pa.scalar(None, pa.date32()))


def _first_day(day: date, to: Cut) -> date:
    match to:
        case Cut.MONTH:
            return day - timedelta(days=day.day - 1)
        case Cut.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Cut.YEAR:
            return day.replace(month=1, day=1)


def changed(before: pa.Array, after: pa.Array) -> int:
    """How many cells are not what they were."""
    same = pc.fill_null(pc.equal(before, after), False)
    both_empty = pc.and_(pc.is_null(before), pc.is_null(after))
    return len(before) - int(pc.sum(pc.or_(same, both_empty)).as_py() or 0)


def _number(value: Fraction, kind: pa.DataType) -> int | float:
    return int(value) if pa.types.is_integer(kind) else float(value)


def _plain(value: CellValue, kind: pa.DataType) -> Any:
    return _number(value, kind) if isinstance(value, Fraction) else value
