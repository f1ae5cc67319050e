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


def fault_of(content: bytes | None, interface: Interface, rows: int) -> str:
    """Why these are no predictions for this number of rows. "" if they are.
    Its words are about raw rows, as all that a run says."""
    if content is None:
        return "it left no predictions"
    try:
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
        about = file.metadata
        if about.num_rows != rows:
            return f"it left {about.num_rows} predictions for {rows} rows"
        if (
            sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
            > MOST_UNPACKED
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
            if (fault := _fault(name, kind, table.column(name)))
        ),
        "",
    )


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
