"""Parquet bytes become batches of columns.
What the file declares is compared with the limits before a row is decoded."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from sandbox.errors import InvalidInput
from sandbox.ingest.csv_rows import UNREADABLE
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.header import Header, clean, different_names
from sandbox.ingest.limits import Limits
from sandbox.ingest.model import FieldRules
from sandbox.ingest.source import InMemory, Source

ROWS_AT_ONCE = 64 * 1024


class ParquetFile:
    """A Parquet file within the limits, by its footer. Raises `InvalidInput`."""

    def __init__(self, source: Source, limits: Limits, given: FileFormat) -> None:  # as all readers
        try:
            self._footer = pyarrow.parquet.read_metadata(_stream(source))
            physical, schema = self._footer.schema, self._footer.schema.to_arrow_schema()
            names = list(schema.names)
        except UNREADABLE as error:
            raise _unreadable(error) from None
        if not names:
            raise InvalidInput(
                "The file has no columns.",
                remedy="Write it again, or send CSV.",
                zh="文件没有列。",
                remedy_zh="请重新写出，或改用 CSV。",
            )
        self._source = source
        labels = different_names([clean(name) for name in names])
        self.header = Header(0, 0, labels, guessed=False)
        self._paths = dict(zip(labels, names, strict=True))
        self.twice = frozenset(label for label, name in self._paths.items() if names.count(name) > 1)
        self.rows_at_most = int(self._footer.num_rows)
        # of the row groups alone: Arrow ends the process when it looks at a damaged column's footer
        groups = range(self._footer.num_row_groups)
        declared = sum(max(0, self._footer.row_group(group).total_byte_size) for group in groups)
        if len(names) > limits.columns or self._footer.num_columns > limits.columns:
            raise InvalidInput(
                f"The file has more than {limits.columns} columns.",
                zh=f"文件超过 {limits.columns} 列。",
                remedy="Leave out what nobody needs.",
                remedy_zh="请去掉无人需要的列。",
            )
        if declared > limits.unpacked_bytes:
            raise too_much_unpacked(limits)
        self._texts = {field.name for field in schema if _is_text(field.type)}
        # Spark's INT96 has no zone in the file, and is always UTC
        self._utc = {
            physical.column(place).path
            for place in range(len(physical))
            if physical.column(place).physical_type == "INT96"
        }

    @property
    def names(self) -> tuple[str, ...]:
        return self.header.labels

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """The columns of these labels, a piece at a time.
        Texts come as dictionaries: a long one that stands in every row is one text."""
        if twice := [label for label in fields if label in self.twice]:
            raise InvalidInput(
                f"The file has several columns of one name: {', '.join(twice)}.",
                remedy="Write them again with different names.",
                zh=f"文件中有同名的列：{'、'.join(twice)}。",
                remedy_zh="请用不同的列名重新写出。",
            )
        try:
            paths = [self._paths[label] for label in fields]
            file = pyarrow.parquet.ParquetFile(
                _stream(self._source),
                coerce_int96_timestamp_unit="us",
                pre_buffer=False,  # it would hold the bytes of all row groups
                read_dictionary=[path for path in paths if path in self._texts],
            )
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=paths):
                yield pa.RecordBatch.from_arrays(
                    [self._with_zone(path, batch.column(path)) for path in paths], names=list(fields)
                )
        except UNREADABLE as error:
            raise _unreadable(error) from None

    def _with_zone(self, name: str, column: pa.Array) -> pa.Array:
        if name in self._utc and pa.types.is_timestamp(column.type) and column.type.tz is None:
            return pc.assume_timezone(column, "UTC")
        return column


def _stream(source: Source) -> BinaryIO:
    """Bytes that are here are read in place: Arrow asks a stream for each piece, under Python's lock."""
    return cast("BinaryIO", pa.BufferReader(source.body)) if isinstance(source, InMemory) else source.open()


def _is_text(type: pa.DataType) -> bool:
    known = pa.types
    return bool(
        known.is_string(type)
        or known.is_large_string(type)
        or known.is_binary(type)
        or known.is_large_binary(type)
    )


def too_much_unpacked(limits: Limits) -> InvalidInput:
    size = limits.unpacked_bytes // 1024**2
    return InvalidInput(
        f"The file unpacks to more than {size} MiB.",
        zh=f"文件解压后超过 {size} MiB。",
        remedy="Publish it as several datasets, or leave columns out.",
        remedy_zh="请分成几个数据集发布，或去掉一些列。",
    )


def _unreadable(error: Exception) -> InvalidInput:
    return InvalidInput(
        "The file is not readable Parquet.",
        remedy="Write it again, or send CSV.",
        internal=type(error).__name__,
        zh="文件不是可读的 Parquet。",
        remedy_zh="请重新写出，或改用 CSV。",
    )
