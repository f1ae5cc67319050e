"""Bounds the texts with which questions compute: valid UTF-8, and no longer than the policy's public bound.

Publishing refuses a version that has other texts. A version that was published before that rule is loaded as
it is, and its broken or overlong texts must not decide whether, or how fast, a question is answered. Only
such texts are changed, and never a unit's name: two units that became one would share one protection, and
nothing is computed from it.
"""

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.model import DatasetPolicy, Role, Type
from sandbox.queries.functions.columns import text_bytes
from sandbox.queries.functions.construct import BYTES_OF_A_CHARACTER


def bounded_texts(rows: pa.Table, policy: DatasetPolicy) -> pa.Table:
    """The rows with characters that are none replaced (U+FFFD), and overlong texts cut to as many characters
    as always fit.
    """
    for column in policy.columns:
        place = rows.schema.get_field_index(column.name)
        if column.type is not Type.TEXT or column.role is Role.UNIT or place < 0:
            continue
        texts = rows.column(place)
        valid = _valid(texts)
        longest = pc.max(pc.binary_length(valid)).as_py() or 0
        if longest > text_bytes(column):
            cut = pc.utf8_slice_codeunits(valid, 0, text_bytes(column) // BYTES_OF_A_CHARACTER)
            valid = pc.if_else(pc.greater(pc.binary_length(valid), text_bytes(column)), cut, valid)
        if valid is not texts:
            rows = rows.set_column(place, column.name, valid)
    return rows


def _valid(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raw = texts.cast(pa.binary()).to_pylist()
        corrected = [None if text is None else text.decode("utf-8", "replace") for text in raw]
        return pa.chunked_array([pa.array(corrected, texts.type)], texts.type)
    return texts
