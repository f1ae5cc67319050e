"""Masks columns of a table. What was masked keeps its name and its nulls."""

import hashlib
import hmac
from collections.abc import Iterable

import pyarrow
import pyarrow.compute as pc

from marketplace.offers.column_masks import ColumnMask
from sandbox.errors import InvalidInput


def mask_table(table: pyarrow.Table, masks: Iterable[ColumnMask], key: bytes) -> pyarrow.Table:
    """The table with these masks on those of its columns that it has. `key`: of the buyer and the product,
    for pseudonyms. Raises `InvalidInput` where a mask does not fit the column's type."""
    for mask in masks:
        if mask.column not in table.column_names:
            continue
        if mask.do == "drop":
            table = table.drop_columns([mask.column])
            continue
        at = table.schema.get_field_index(mask.column)
        table = table.set_column(at, mask.column, masked(table[mask.column], mask, key))
    return table


def masked(column: pyarrow.ChunkedArray, mask: ColumnMask, key: bytes) -> pyarrow.ChunkedArray:
    if mask.do == "pseudonym":
        return pseudonyms(column, key)
    if mask.do == "truncate" and is_text(column.type):
        return pc.utf8_slice_codeunits(column, 0, mask.characters)
    if mask.step is not None and pyarrow.types.is_integer(column.type):
        return in_steps(column, mask.step)
    if mask.to is not None and pyarrow.types.is_date(column.type):
        return pc.floor_temporal(column, unit=mask.to).cast(column.type)
    raise InvalidInput(
        f"{mask.column} is of type {column.type}, which cannot be masked by {mask.do} in this way.",
        code="mask_does_not_fit",
        remedy="Generalise whole numbers by step, days by month or year; truncate text; or use a pseudonym.",
        zh=f"{mask.column} 的类型为 {column.type}，不能这样脱敏。",
        remedy_zh="整数按步长概化，日期按月或年概化，文本可截断，或改用假名。",
    )


def is_text(type: pyarrow.DataType) -> bool:
    return bool(pyarrow.types.is_string(type) or pyarrow.types.is_large_string(type))


def in_steps(column: pyarrow.ChunkedArray, step: int) -> pyarrow.ChunkedArray:
    """The lowest whole number of the step that each value is in. As Python's integers: an unsigned column has
    no negative ones, and the lowest step of a signed one may lie below its type."""
    kept = column.combine_chunks().dictionary_encode()
    low = [None if value is None else value // step * step for value in kept.dictionary.to_pylist()]
    least = -(2**63)
    type = pyarrow.uint64() if column.type == pyarrow.uint64() else pyarrow.int64()
    wide = pyarrow.array([None if each is None else max(each, least) for each in low], type)
    return pyarrow.chunked_array([wide.take(kept.indices)])


def pseudonyms(column: pyarrow.ChunkedArray, key: bytes) -> pyarrow.ChunkedArray:
    """The first 128 bits of HMAC-SHA256 over each value's text."""
    kept = column.combine_chunks().dictionary_encode()
    names = [
        None if value is None else hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:32]
        for value in kept.dictionary.to_pylist()
    ]
    return pyarrow.chunked_array([pyarrow.array(names, pyarrow.string()).take(kept.indices)])


def buyers_key(secret: bytes, *, organisation: str, product: str) -> bytes:
    """The key of a buyer's pseudonyms: nobody joins them with another buyer's, or another product's."""
    text = f"pseudonym\0{organisation}\0{product}"
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()
