"""Checks a predictor's output against its declaration: a prediction of the declared type for every row, no
more, no fewer, none empty.

The file is as hostile as everything that a program leaves: the program itself wrote it, whatever the
call around it checked.
"""

import math

import pyarrow as pa
import pyarrow.parquet

from sandbox.jobs.model import Interface

ARROW = {
    "number": pa.float64(),
    "probability": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
}
LONGEST_TEXT = 100
MOST_UNPACKED = 256 * 1024 * 1024
WIDEST = 4 * LONGEST_TEXT + 8
"""Bytes of a value at most, unpacked."""


def fault_of(content: bytes | None, interface: Interface, rows: int, *, may_be_missing: bool = False) -> str:
    """Why these are no predictions for this number of rows. "" if they are. `may_be_missing`: a row may be
    empty, of a person for whom there is none; then what is unpacked may be as
    large as so many values can be. Its words are about raw rows, as all that a run says."""
    if content is None:
        return "it left no predictions"
    try:
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
        about = file.metadata
        if about.num_rows != rows:
            return f"it left {about.num_rows} predictions for {rows} rows"
        if sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups)) > max(
            MOST_UNPACKED, rows * WIDEST * len(interface.predicts) if may_be_missing else 0
        ):
            return "its predictions unpack to far more than they are"
        if (wrong := _wrong_columns(file.schema_arrow, interface)) is not None:
            return wrong
        table = file.read()
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        return f"its predictions cannot be read ({type(error).__name__})"
    return next(
        (
            fault
            for name, kind in interface.predicts.items()
            if (fault := _fault(name, kind, _there(table.column(name), may_be_missing=may_be_missing)))
        ),
        "",
    )


def _there(column: pa.ChunkedArray, *, may_be_missing: bool) -> pa.ChunkedArray:
    return column.drop_null() if may_be_missing else column


def _wrong_columns(schema: pa.Schema, interface: Interface) -> str | None:
    if schema.names != sorted(interface.predicts):
        return f"it predicts {', '.join(schema.names)[:200]}, not {', '.join(interface.predicts)}"
    return next(
        (
            f"{name} is {schema.field(name).type}, not {wanted}"
            for name, kind in interface.predicts.items()
            if schema.field(name).type != (wanted := arrow_type(kind))
        ),
        None,
    )


def arrow_type(kind: str | tuple[str | int, ...]) -> pa.DataType:
    if isinstance(kind, tuple):
        return pa.string() if isinstance(kind[0], str) else pa.int64()
    return ARROW[kind]


def _fault(name: str, kind: str | tuple[str | int, ...], column: pa.ChunkedArray) -> str:
    if column.null_count:
        return f"{name} is empty in {column.null_count} rows"
    values = column.to_pylist()
    if isinstance(kind, tuple):
        allowed = set(kind)
        return next(
            (f"{name} has a value that is not declared" for value in values if value not in allowed), ""
        )
    if kind in ("number", "probability") and not all(map(math.isfinite, values)):
        return f"{name} is not finite in some rows"
    if kind == "probability" and not all(0 <= value <= 1 for value in values):
        return f"{name} is below 0 or above 1 in some rows"
    if kind == "text" and any(len(value) > LONGEST_TEXT for value in values):
        return f"{name} is longer than {LONGEST_TEXT} characters in some rows"
    return ""
