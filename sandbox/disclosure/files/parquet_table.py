"""Reads a Parquet file: cells as text, and whatever else is stored beside the table."""

import io
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet

from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.files.too_many import MOST_CELLS, too_many_cells, too_many_rows
from sandbox.disclosure.finding import Finding, Unfit, blocks, notes

MOST_BYTES = 128 * 2**20
MOST_COLUMNS = 500
WRITERS = frozenset({b"pandas", b"ARROW:schema"})


def read_parquet(content: bytes, most_rows: int) -> tuple[Grid, tuple[Finding, ...]]:
    """Raises `Unfit`. What it says of its size is checked before it is unpacked."""
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        said = file.metadata
        size = sum(said.row_group(number).total_byte_size for number in range(said.num_row_groups))
        if size > MOST_BYTES or said.num_columns > MOST_COLUMNS:
            raise Unfit(
                blocks(
                    "too_large",
                    "microdata",
                    "The table unpacks to more than may leave.",
                    "Write a smaller table.",
                    "表格解压后过大。",
                    "请缩小表格。",
                )
            )
        if said.num_rows > most_rows:
            raise Unfit(too_many_rows(said.num_rows, most_rows))
        if said.num_rows * said.num_columns > MOST_CELLS:
            raise Unfit(too_many_cells(said.num_rows * said.num_columns))
        table = file.read()
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        raise Unfit(
            blocks(
                "unreadable",
                "hidden_content",
                "The Parquet file cannot be read.",
                "Write it again.",
                "无法读取 Parquet 文件。",
                "请重新写出。",
            )
        ) from error
    findings = [*_types(table.schema), *_metadata(table.schema)]
    names = tuple(str(name) for name in table.column_names)
    columns = [[_shown(value) for value in column.to_pylist()] for column in table.columns]
    rows = tuple(zip(*columns, strict=True)) if columns else ()
    return Grid("", names, rows), tuple(findings)


def decoded(column: pa.Array) -> pa.Array:
    """Without a dictionary, which may hold what no row has."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _types(schema: pa.Schema) -> Iterator[Finding]:
    plain = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_date,
        pa.types.is_timestamp,
        pa.types.is_decimal,
        pa.types.is_null,
    )
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not any(told(kind) for told in plain):
            yield blocks(
                "parquet_type",
                "hidden_content",
                f"Column {field.name!r} has the type {field.type}.",
                "Use numbers, texts, booleans and dates only.",
                f"列 {field.name!r} 的类型为 {field.type}。",
                "只使用数值、文本、布尔和日期类型。",
                where=field.name,
            )


def _metadata(schema: pa.Schema) -> Iterator[Finding]:
    strange = sorted(
        {name for held in [schema.metadata, *(field.metadata for field in schema)] for name in held or {}}
        - WRITERS
    )
    strange = [name for name in strange if not name.startswith(b"PARQUET:field_id")]
    attributes = _attributes((schema.metadata or {}).get(b"pandas", b"{}"))
    if strange or attributes:
        name = strange[0].decode("utf-8", "replace")[:60] if strange else "pandas attributes"
        yield blocks(
            "parquet_metadata",
            "hidden_content",
            f"The file carries metadata: {name!r}.",
            "Write it without: `table.replace_schema_metadata(None)`, and empty `frame.attrs`.",
            f"文件带有元数据 {name!r}。",
            "请去掉元数据后重新写出。",
        )
    elif schema.metadata:
        yield notes(
            "metadata_removed",
            "hidden_content",
            "The writer's metadata is removed before release.",
            "Nothing to do.",
            "发布前会去除写入程序的元数据。",
            "无需处理。",
        )


def _attributes(said: bytes) -> bool:
    """Whether pandas' metadata holds more than names and types."""
    try:
        known = json.loads(said)
    except ValueError:
        return True
    if not isinstance(known, dict) or set(known) - {
        "index_columns",
        "column_indexes",
        "columns",
        "attributes",
        "creator",
        "pandas_version",
        "partition_columns",
    }:
        return True
    return bool(known.get("attributes")) or len(said) > 200 + 400 * (len(known.get("columns", [])) + 2)
