"""Pages for strangers: the catalogue with its search, a dataset with its rows, publishers, demands."""

import io
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, Literal
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.parquet
from fastapi import Request
from fastapi.responses import JSONResponse, Response

from marketplace.portal.pages.public.listed_products import public_products
from marketplace.portal.paging import page_of
from marketplace.portal.rendering import Pages
from marketplace.products.copies import Copies
from marketplace.vault import Answer, Vault, segment
from sandbox.api_schema import exact_in_json
from sandbox.database import Database
from sandbox.errors import CihuError, InvalidInput, NotFound, TooMany
from sandbox.policy import Gate

FILTERS = ("department", "grade", "theme", "updates", "delivery")
SORTS = ("relevance", "newest", "title")
LONGEST_QUERY = 200
PREVIEW = 10
MOST_ROWS = 1000
MOST_PAGES = 500
MOST_READING = 4  # that read rows at once: the rest of the portal has its threads


@dataclass(frozen=True)
class PublicCatalogue:
    """What the pages of datasets show to somebody without an account. `copies` are not those of buyers:
    strangers who read one after the other put out none of theirs."""

    database: Database
    gate: Gate
    pages: Pages
    copies: Copies
    reading: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MOST_READING))

    def catalogue(self, request: Request, vault: Vault) -> Response:
        wanted = read_search(request)
        answer = vault.public("/datasets", **wanted).json()
        asked = {name: value for name, value in wanted.items() if value and (name, value) != ("page", "1")}

        def with_(**changes: str) -> str:
            """The address of the same search, changed; another filter begins at the first page."""
            kept = {name: value for name, value in asked.items() if name != "page" or "page" in changes}
            return "/datasets?" + urlencode({**kept, **changes}) if kept | changes else "/datasets"

        def without(name: str) -> str:
            kept = {one: value for one, value in asked.items() if one not in (name, "page")}
            return "/datasets?" + urlencode(kept) if kept else "/datasets"

        return self.pages.show(
            request,
            "public_datasets.html",
            None,
            found=answer,
            wanted=wanted,
            with_=with_,
            without=without,
            filters=FILTERS,
            sorts=SORTS,
            last=max(1, min(MOST_PAGES, -(-answer["total"] // answer["size"]))),
        )

    def dataset(self, request: Request, vault: Vault, name: str) -> Response:
        about = described(vault, name)
        invented = preview_of(self.invented(vault, name))
        rows = self.rows_of(about)
        return self.pages.show(
            request,
            "public_dataset.html",
            None,
            dataset=about,
            invented=invented,
            rows=None if rows is None else preview_of(rows),
            row_count=None if rows is None else rows.num_rows,
            products=public_products(self.database, self.gate, vault, dataset=name),
        )

    def invented(self, vault: Vault, name: str) -> pa.Table:
        body = vault.public(f"/datasets/{segment(name)}/stand-in").content
        return pyarrow.parquet.read_table(io.BytesIO(body))

    def stand_in(self, vault: Vault, name: str, format: Literal["parquet", "csv"]) -> Response:
        try:
            answer = vault.public(f"/datasets/{segment(name)}/stand-in", format=format)
        except InvalidInput:
            raise not_there() from None
        return Response(
            answer.content,
            media_type=answer.headers["content-type"],
            headers={"Content-Disposition": f'attachment; filename="{segment(name)}.stand-in.{format}"'},
        )

    def rows_of(self, about: Answer) -> pa.Table | None:
        """The rows that anybody may have; None where there are none, or the bucket is away."""
        copy = about.get("rows")
        if copy is None:
            return None
        try:
            return self.table(copy)
        except CihuError:
            return None

    def open_rows(self, vault: Vault, name: str) -> tuple[Answer, pa.Table]:
        """Raises `NotFound` where strangers get no rows."""
        about = described(vault, name)
        copy = about.get("rows")
        if copy is None:
            raise NotFound(
                "There are no rows of this dataset to read here.",
                code="no_open_rows",
                remedy="Its page says how it can be used.",
                zh="该数据集没有可供直接读取的数据行。",
                remedy_zh="其页面说明了使用方式。",
            )
        return about, self.table(copy)

    def table(self, copy: Answer) -> pa.Table:
        """Raises `TooMany` at once while too many read, and what the store raises."""
        if not self.reading.acquire(blocking=False):
            raise busy()
        try:
            return self.copies.table(copy["object"], copy["version_id"])
        finally:
            self.reading.release()

    def publishers(self, request: Request, vault: Vault) -> Response:
        return self.pages.show(
            request, "public_publishers.html", None, publishers=vault.public("/publishers").json()
        )

    def demands(self, request: Request, vault: Vault) -> Response:
        return self.pages.show(request, "public_demands.html", None, demands=vault.public("/demands").json())


def described(vault: Vault, name: str) -> Answer:
    """Raises `NotFound`, the same for everything that is not listed."""
    try:
        about: Answer = vault.public(f"/datasets/{segment(name)}").json()
    except (InvalidInput, NotFound):
        raise not_there() from None
    return about


def busy() -> TooMany:
    return TooMany(
        "Too many people read open data at this moment.",
        code="busy",
        remedy="Try again in a few seconds.",
        zh="此刻读取开放数据的人过多。",
        remedy_zh="请几秒后重试。",
    )


def not_there() -> NotFound:
    return NotFound(
        "There is no such dataset in the public catalogue.",
        code="dataset_not_found",
        remedy="Look for it in the catalogue, or log in: some are listed for people with an account.",
        zh="公开目录中没有这个数据集。",
        remedy_zh="可在目录中查找，或登录后查看：部分数据集仅向登录用户展示。",
    )


def read_search(request: Request) -> dict[str, str]:
    """The search of an address. Raises `InvalidInput` for a page that is no number."""
    given = request.query_params
    wanted = {name: "".join(filter(str.isprintable, given.get(name, "")))[:LONGEST_QUERY].strip()
              for name in ("q", *FILTERS)}  # fmt: skip
    sort = given.get("sort", "")
    page = page_of(request, most=MOST_PAGES)
    return wanted | {"sort": sort if sort in SORTS else "relevance", "page": str(page)}


def preview_of(table: pa.Table, most: int = PREVIEW) -> dict[str, Any]:
    """The first rows, as they are shown: names, and cells as text."""
    return {"columns": table.column_names, "rows": rows_as_text(table.slice(0, most))}


def rows_as_text(table: pa.Table) -> list[list[str]]:
    columns = [column.to_pylist() for column in table.columns]
    return [["" if cell is None else str(cell) for cell in row] for row in zip(*columns, strict=True)]


def rows_as_json(about: Answer, table: pa.Table, offset: int, limit: int) -> JSONResponse:
    """A page of the rows; `next` is where the next begins, null at the end."""
    part = table.slice(offset, limit)
    columns = [[json_value(cell) for cell in column.to_pylist()] for column in part.columns]
    end = offset + part.num_rows
    return JSONResponse(
        {
            "dataset": about["name"],
            "version": about["version"],
            "licence": about["licence"],
            "columns": table.column_names,
            "rows": [list(row) for row in zip(*columns, strict=True)],
            "total": table.num_rows,
            "next": end if end < table.num_rows else None,
        }
    )


def json_value(cell: Any) -> Any:
    if cell is None or isinstance(cell, bool | str | float):
        return cell
    return exact_in_json(cell) if isinstance(cell, int) else str(cell)
