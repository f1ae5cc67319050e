"""The rows of open data: as CSV and Parquet files, and page by page as JSON for programs."""

import io
from collections.abc import Iterator
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from marketplace.portal.language import vault_in_language
from marketplace.portal.pages.public.catalogue import MOST_ROWS, PublicCatalogue, rows_as_json
from marketplace.vault import Vault
from sandbox.api_schema import Scalar, answers
from sandbox.plain_text import PlainText

PARQUET, CSV = "application/vnd.apache.parquet", "text/csv; charset=utf-8"
PIECE_ROWS = 50_000
FROM_ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Public rows may be read by a script of any page; no cookie goes with it."""


def router(*, catalogue: PublicCatalogue, vault: Vault) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]

    @routes.get("/datasets/{name}/rows.csv")
    def rows_csv(vault: Reading, name: str) -> Response:
        about, table = catalogue.open_rows(vault, name)
        return file(csv_pieces(table), CSV, f"{about['name']}.csv")

    @routes.get("/datasets/{name}/rows.parquet")
    def rows_parquet(vault: Reading, name: str) -> Response:
        about, table = catalogue.open_rows(vault, name)
        return file(parquet_pieces(table), PARQUET, f"{about['name']}.parquet")

    @routes.get("/publishers")
    def publishers(request: Request, vault: Reading) -> Response:
        return catalogue.publishers(request, vault)

    return routes


class OpenRows(TypedDict):
    """A page of the rows of open data. `next` is the `offset` of the next page, null at the end; `total` is
    the number of all rows. Decimals, days, and integers beyond ±(2^53 - 1) are text."""

    dataset: str
    version: str | int
    licence: str | None
    columns: list[str]
    rows: list[list[Scalar]]
    total: int
    next: int | None


def open_router(*, catalogue: PublicCatalogue, vault: Vault) -> APIRouter:
    """The operation that programs of strangers read open rows with."""
    routes = APIRouter(prefix="/api/v1", tags=["open"])
    Reading = Annotated[Vault, Depends(vault_in_language(vault))]

    @routes.get(
        "/open/{dataset}",
        operation_id="read_open_rows",
        summary="The rows of open data, page by page, without an account",
        responses=answers(OpenRows, 404, 429),
    )
    def rows_json(
        vault: Reading,
        dataset: PlainText,
        offset: Annotated[int, Query(ge=0, le=10**12)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
    ) -> Response:
        """Only of datasets whose policy opens their rows without a condition. A script of any page may read
        them."""
        about, table = catalogue.open_rows(vault, dataset)
        answer = rows_as_json(about, table, offset, limit)
        answer.headers.update(FROM_ANYWHERE)
        return answer

    return routes


def file(pieces: Iterator[bytes], media_type: str, name: str) -> Response:
    """A whole file, sent as it is made: no file of a stranger stands in memory."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **FROM_ANYWHERE}
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


def csv_pieces(table: pa.Table) -> Iterator[bytes]:
    """As UTF-8 with a byte order mark, which spreadsheets need for Chinese."""
    yield b"\xef\xbb\xbf"
    for start in range(0, max(1, table.num_rows), PIECE_ROWS):
        buffer = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=start == 0)
        pyarrow.csv.write_csv(table.slice(start, PIECE_ROWS), buffer, options)
        yield buffer.getvalue()


def parquet_pieces(table: pa.Table) -> Iterator[bytes]:
    """A row group a piece."""
    sink = Sink()
    with pyarrow.parquet.ParquetWriter(sink, table.schema, compression="zstd") as writer:
        for start in range(0, table.num_rows, PIECE_ROWS):
            writer.write_table(table.slice(start, PIECE_ROWS))
            yield sink.taken()
    yield sink.taken()


class Sink(io.RawIOBase):
    """A file that is only written, and keeps nothing that was taken from it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        written = bytes(piece)
        self.pieces.append(written)
        self.size += len(written)
        return len(written)

    def tell(self) -> int:
        return self.size

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)
