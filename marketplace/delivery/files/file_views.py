"""Says which file a buyer gets, and writes it: the rows of a release with the masks of release and
licence, in a format, arranged for the buyer where the terms ask for a watermark.

Buyers for whom the same file comes out share it: only pseudonyms and watermarks are a buyer's own.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import IO

import pyarrow
import pyarrow.csv
import pyarrow.parquet

from marketplace.delivery.files.watermark import arrange, slices
from marketplace.delivery.rows import SAMPLE_ROWS
from marketplace.offers.column_masks import ColumnMask
from marketplace.products.masking import mask_table
from marketplace.products.model import FileFormat, FilesDefinition

MEDIA_TYPES: dict[FileFormat, str] = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}


@dataclass(frozen=True)
class FileView:
    """`key` is of the buyer's pseudonyms and `mark` of its watermark; empty where there are none, and then
    buyers share the file."""

    definition: FilesDefinition
    masks: tuple[ColumnMask, ...]
    format: FileFormat
    key: bytes
    mark: bytes
    sampled: bool

    @property
    def name(self) -> str:
        """Where it is stored: a digest of all that it is made of."""
        made_of = [
            self.format,
            self.definition.object,
            self.definition.version_id,
            self.definition.columns,
            [mask.model_dump() for mask in self.masks],
            *(hashlib.sha256(key).hexdigest() if key else "" for key in (self.key, self.mark)),
            self.sampled,
            pyarrow.__version__,
        ]
        return f"{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()}.{self.format}"

    def write(self, table: pyarrow.Table, file: IO[bytes]) -> int:
        """Write the copy's rows, a slice at a time; gives their number."""
        rows = table.select(list(self.definition.columns))
        rows = rows.slice(0, SAMPLE_ROWS) if self.sampled else rows
        with self.writer(file, mask_table(rows.slice(0, 0), self.masks, self.key).schema) as writer:
            for number, part in slices(rows):
                shown = mask_table(part, self.masks, self.key)
                writer.write_table(arrange(shown, self.mark, number) if self.mark else shown)
        return int(rows.num_rows)

    def writer(
        self, file: IO[bytes], schema: pyarrow.Schema
    ) -> pyarrow.parquet.ParquetWriter | pyarrow.csv.CSVWriter:
        if self.format == "csv":
            return pyarrow.csv.CSVWriter(
                file, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed")
            )
        plain = schema.remove_metadata()  # what a copy's own writer left in it is not delivered
        return pyarrow.parquet.ParquetWriter(file, plain, compression="zstd")
