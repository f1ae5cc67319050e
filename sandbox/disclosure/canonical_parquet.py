"""Writes a Parquet table in its canonical form. Apart from the others, because pyarrow takes long to load."""

import datetime
import io
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from sandbox.disclosure.canonical_form import canonical_grid
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.files.parquet_table import decoded
from sandbox.disclosure.form import Form


def canonical_parquet(content: bytes, form: Form) -> bytes:
    """The table alone, as text's canonical form has it, in plain types: no metadata, no pages that no reader
    shows, no entries of a dictionary that no row has."""
    table = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read()
    columns = [decoded(column.combine_chunks()) for column in table.columns]
    cells = [["" if value is None else str(value) for value in column.to_pylist()] for column in columns]
    rows = tuple(zip(*cells, strict=True))
    grid = canonical_grid(Grid("", tuple(map(str, table.column_names)), rows), form)
    made = [_typed(grid.column(place), column.type) for place, column in enumerate(columns)]
    sink = io.BytesIO()
    written = pa.Table.from_arrays(made, schema=pa.schema(list(map(_field, grid.header, made))))
    pyarrow.parquet.write_table(written, sink, store_schema=False)
    return sink.getvalue()


def _field(name: str, column: pa.Array) -> pa.Field:
    return pa.field(name, column.type, nullable=True)


def _typed(cells: list[str], was: pa.DataType) -> pa.Array:
    """Canonical cells as one of six types, which hold every rounded value; an empty cell is null."""
    if pa.types.is_boolean(was):
        return _array(cells, lambda cell: cell == "True", pa.bool_())
    if pa.types.is_date(was):
        return _array(cells, datetime.date.fromisoformat, pa.date32())
    if pa.types.is_timestamp(was):
        return _array(cells, _moment, pa.timestamp("us"))
    if pa.types.is_integer(was) and all(-(2**63) <= int(Decimal(cell)) < 2**63 for cell in cells if cell):
        return _array(cells, lambda cell: int(Decimal(cell)), pa.int64())
    if pa.types.is_integer(was) or pa.types.is_floating(was) or pa.types.is_decimal(was):
        return _array(cells, _finite, pa.float64())
    return _array(cells, str, pa.string())


def _array(cells: list[str], read: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    return pa.array([read(cell) if cell else None for cell in cells], kind)


def _moment(cell: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(cell)
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _finite(cell: str) -> float | None:
    number = float(cell)
    return number if isfinite(number) else None
