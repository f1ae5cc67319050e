"""The public views over HTTP: no token is asked for, and every operation tells the same to everybody."""

import io
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.csv
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse

from sandbox.api_schema import LARGEST_EXACT, answers
from sandbox.audit import Log
from sandbox.audit.listing import MOST_LISTED, list_checkpoints, list_entries, require_zone
from sandbox.audit.note import Checkpoint
from sandbox.audit.schemas import Receipt
from sandbox.catalog.stand_in import mark, marked_parquet, stand_in
from sandbox.identity.model import PUBLIC
from sandbox.plain_text import PlainText
from sandbox.policy import Resource
from sandbox.public.entries import PublicContext
from sandbox.public.schemas import (
    AcceptedCosignatures,
    CosignedCheckpoint,
    PublicCheckpoint,
    PublicDataset,
    PublicDemand,
    PublicEntries,
    PublicFigures,
    PublicName,
    PublicPage,
    PublicWitnesses,
    PublisherDocument,
)
from sandbox.public.search import MOST_PAGES, Search, Sort, figures, names, publishers, search
from sandbox.public.views import listed_version, public_dataset, public_demands
from sandbox.public.witnesses import witnesses_of

PARQUET, CSV = "application/vnd.apache.parquet", "text/csv; charset=utf-8"
Text = Annotated[PlainText, Query(max_length=200)]
Index = Annotated[int, Path(ge=0, le=LARGEST_EXACT)]
KEPT_FILES = 32
FILE = answers(None, 404, media_type=PARQUET)
FILE[200]["content"]["text/csv"] = {"schema": {"type": "string"}}


def router(context: PublicContext, log: Log) -> APIRouter:
    """What strangers may ask."""
    api = APIRouter(prefix="/v1/public", tags=["public"])

    @lru_cache(maxsize=KEPT_FILES)
    def file_of(dataset: str, number: int, format: str) -> bytes:
        """The same file for everybody: it is made once."""
        with context.database.transaction() as tx:
            version = context.repository.version(tx, dataset, number)
        table = stand_in(version)
        return marked_parquet(table, mark(version)) if format == "parquet" else csv_of(table)

    @api.get(
        "/datasets",
        operation_id="search_public_datasets",
        summary="Search the public catalogue",
        responses=answers(PublicPage),
    )
    def datasets(
        q: Text = "",
        department: Text = "",
        grade: Text = "",
        theme: Text = "",
        updates: Text = "",
        delivery: Text = "",
        sort: Sort = "relevance",
        page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    ) -> PublicPage:
        """The datasets that their departments list publicly: those with all words of `q`, narrowed by facets,
        20 a page."""
        return search(
            context,
            Search(
                q=q,
                department=department,
                grade=grade,
                theme=theme,
                updates=updates,
                delivery=delivery,
                sort=sort,
                page=page,
            ),
        )

    @api.get(
        "/names",
        operation_id="list_public_names",
        summary="The names of all public datasets",
        responses=answers(list[PublicName]),
    )
    def public_names(
        dataset: Annotated[list[PlainText], Query(max_length=500)] = [],  # noqa: B006
    ) -> list[dict[str, Any]]:
        """All, or those among `dataset`, and when each was published; for site maps, and to ask which of some
        datasets are public."""
        return names(context, dataset)

    @api.get(
        "/publishers",
        operation_id="list_publishers",
        summary="The departments with public datasets",
        responses=answers(list[PublisherDocument]),
    )
    def known_publishers() -> list[PublisherDocument]:
        """Each department that lists a dataset publicly, with how many."""
        return publishers(context)

    @api.get(
        "/figures",
        operation_id="count_public_datasets",
        summary="How much is public",
        responses=answers(PublicFigures),
    )
    def public_figures() -> PublicFigures:
        """How many datasets are listed publicly, and of how many departments."""
        return figures(context)

    @api.get(
        "/datasets/{name}",
        operation_id="describe_public_dataset",
        summary="One public dataset",
        responses=answers(PublicDataset, 404),
    )
    def dataset(name: str) -> PublicDataset:
        """What anybody may know of a dataset that is listed publicly. Any other is not found, whether or not
        it is there."""
        return public_dataset(context, listed_version(context, name))

    @api.get(
        "/datasets/{name}/stand-in",
        response_class=Response,
        operation_id="get_public_stand_in_rows",
        summary="Stand-in rows of a public dataset",
        responses=FILE,
    )
    def stand_in_rows(name: str, format: Literal["parquet", "csv"] = "parquet") -> Response:
        """Invented rows, made from the policy alone."""
        version = listed_version(context, name)
        file = f"{version.dataset}.stand-in.{format}"
        return Response(
            file_of(version.dataset, version.number, format),
            media_type=PARQUET if format == "parquet" else CSV,
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )

    @api.get(
        "/demands",
        operation_id="list_public_demands",
        summary="The demand list",
        responses=answers(list[PublicDemand]),
    )
    def demands() -> list[PublicDemand]:
        """Which data departments were asked for, the newest first; never by whom, nor what for."""
        return public_demands(context)

    _add_log(api, context, log)
    return api


def _add_log(api: APIRouter, context: PublicContext, log: Log) -> None:
    """The log is public: entries are commitments, and nobody without an account gets an opening."""

    def require_public() -> None:
        context.gate.require(PUBLIC, "read_log", Resource("Log", "log"))

    @api.get(
        "/log/entries",
        operation_id="list_public_log_entries",
        summary="Entries of the log by kind and time",
        responses=answers(PublicEntries),
    )
    def entries(
        kind: Text = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: Annotated[int | None, Query(ge=0, le=LARGEST_EXACT)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    ) -> PublicEntries:
        """The newest first. `since` counts, `until` does not; both with their time zone."""
        require_public()
        listing = list_entries(
            log.database,
            kind=kind or None,
            since=require_zone(since),
            until=require_zone(until),
            before=before,
            limit=limit,
        )
        return {
            "size": listing.size,
            "entries": [
                {"index": one.index, "kind": one.kind, "time": one.time, "commitment": one.commitment}
                for one in listing.entries
            ],
            "older": listing.older,
        }

    @api.get(
        "/log/checkpoints",
        operation_id="list_log_checkpoints",
        summary="The newest sizes at which the log was signed",
        responses=answers(list[PublicCheckpoint]),
    )
    def checkpoints() -> list[PublicCheckpoint]:
        """The newest first, at most 20."""
        require_public()
        return [
            {"size": size, "signed_at": at, "note": note} for size, at, note in list_checkpoints(log.database)
        ]

    @api.get(
        "/log/receipts/{index}",
        operation_id="get_public_receipt",
        summary="The receipt of an entry, without its opening",
        responses=answers(Receipt, 404),
    )
    def receipt(index: Index) -> dict[str, Any]:
        """A proof that an entry stands in the log; not of whom it tells."""
        require_public()
        return log.receipt(index)

    _add_witnesses(api, context, log)


def _add_witnesses(api: APIRouter, context: PublicContext, log: Log) -> None:
    """Who co-signs the log's checkpoints (docs/adr/0068)."""

    def require_public(action: str = "read_log") -> None:
        context.gate.require(PUBLIC, action, Resource("Log", "log"))

    @api.get(
        "/log/witnesses",
        operation_id="list_witnesses",
        summary="Who co-signs the log, and up to where",
        responses=answers(PublicWitnesses),
    )
    def witnesses() -> PublicWitnesses:
        """Each witness that the log knows, with the newest checkpoint that it co-signed, and how many must
        co-sign one before it is witnessed."""
        require_public()
        return witnesses_of(log)

    @api.get(
        "/log/checkpoint-to-cosign",
        response_class=PlainTextResponse,
        operation_id="get_checkpoint_to_cosign",
        summary="The checkpoint that witnesses co-sign now",
        responses=answers(None, media_type="text/plain"),
    )
    def checkpoint_to_cosign() -> str:
        """A C2SP signed note: for ten minutes the same one, so that all witnesses co-sign one size."""
        require_public()
        return log.checkpoint_to_cosign()

    @api.get(
        "/log/witnessed-checkpoint",
        response_class=PlainTextResponse,
        operation_id="get_witnessed_checkpoint",
        summary="The newest checkpoint that enough witnesses co-signed",
        responses=answers(None, 404, media_type="text/plain"),
    )
    def witnessed_checkpoint() -> str:
        """A C2SP signed note with the signature of the log and the cosignatures of its witnesses."""
        require_public()
        return log.witnessed_checkpoint()

    @api.post(
        "/log/cosignatures",
        operation_id="submit_cosignature",
        summary="Hand in a witness's cosignature",
        responses=answers(AcceptedCosignatures, 403, 409),
    )
    def cosignatures(given: CosignedCheckpoint) -> AcceptedCosignatures:
        """A checkpoint of this log with the cosignature of a witness that the log knows. It is verified
        against the witness's key and this log's history, and served with the checkpoint from then on. Handed
        in again, it is accepted again."""
        require_public("cosign_log")
        accepted = log.accept_cosignatures(given["checkpoint"])
        return {
            "size": Checkpoint.parse(given["checkpoint"].rpartition("\n\n")[0] + "\n").size,
            "accepted": [
                {"key": str(each.key), "time": datetime.fromtimestamp(each.time, UTC)} for each in accepted
            ],
        }


def csv_of(table: pa.Table) -> bytes:
    """As UTF-8 with a byte order mark, which spreadsheets need for Chinese."""
    buffer = io.BytesIO()
    buffer.write(b"\xef\xbb\xbf")
    pyarrow.csv.write_csv(table, buffer)
    return buffer.getvalue()
