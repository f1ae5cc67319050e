"""The catalogue over HTTP: list, describe, stand-in rows, publish, open."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, Field

from sandbox.api_schema import answers
from sandbox.catalog.bought_stand_in import Bought, bought_stand_in
from sandbox.catalog.dataset_index import PAGE, DatasetSearch, search_datasets
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.describe import describe
from sandbox.catalog.element_uses import element_document, element_with_uses
from sandbox.catalog.model import Version
from sandbox.catalog.notice import LONGEST_NOTES, NoticeRule, PublishersWord
from sandbox.catalog.open_copy import open_copy
from sandbox.catalog.opening import OpeningAnswers
from sandbox.catalog.populations import Population
from sandbox.catalog.publish import publish
from sandbox.catalog.published_document import published_document
from sandbox.catalog.resource import department_resource, require_seen, seen_of
from sandbox.catalog.schemas import (
    ChangesDocument,
    DatasetDocument,
    DatasetPageDocument,
    DescribedDatasetDocument,
    ElementDocument,
    ElementWithUsesDocument,
    OpenCopyDocument,
    PublishedDocument,
    SetAsideDocument,
    StandInDocument,
    VersionsDocument,
)
from sandbox.catalog.stand_in import mark, marked_parquet, stand_in, typical_columns
from sandbox.catalog.version_quality import Assess, public_quality
from sandbox.catalog.versions import changed_since, compare_versions, current_for, list_versions
from sandbox.database import Database
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate
from sandbox.storage import ProductStore, RawStore

VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
SearchText = Annotated[PlainText, Query(max_length=200)]
Names = Annotated[tuple[PlainText, ...], Query(max_length=500)]
MOST_PAGES, MOST_ON_PAGE = 10_000, 1000
Notes = Annotated[PlainText, Form(max_length=LONGEST_NOTES)]
Confirmed = Annotated[tuple[PlainText, ...], Form(max_length=50)]
PARQUET = "application/vnd.apache.parquet"


class Opening(BaseModel):
    columns: list[PlainText] | None = None
    confirmed: Annotated[frozenset[PlainText], Field(max_length=50)] = frozenset()


def reading(
    repository: DatasetRepository, gate: Gate, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    """What anybody who is logged in may read; also served to kernels."""
    api = APIRouter(prefix="/v1/datasets", tags=["datasets"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "",
        operation_id="list_datasets",
        summary="The datasets that you may see",
        responses=answers(list[DatasetDocument]),
    )
    def datasets(asker: Asker, name: Names = ()) -> list[dict[str, Any]]:
        """Every dataset that the asker may see, or those of them with these names, in its newest version."""
        successor = repository.successors()
        return [
            describe(version, repository.lists.responsible_for(version.dataset, successor))
            for version in seen_of(gate, asker, repository.some(name) if name else repository.all())
        ]

    @api.get(
        "/search",
        operation_id="search_datasets",
        summary="Search the datasets that you may see",
        responses=answers(DatasetPageDocument),
    )
    def search(
        asker: Asker,
        q: SearchText = "",
        department: SearchText = "",
        page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
        size: Annotated[int, Query(ge=1, le=MOST_ON_PAGE)] = PAGE,
    ) -> DatasetPageDocument:
        """A page of the datasets, by name: those in whose name, titles, summary, source, licence or columns
        every word of `q` stands, the one with this name first. `GET /v1/datasets/{name}` says all of one."""
        return search_datasets(repository, gate, asker, DatasetSearch(q, department, page, size))

    @api.get(
        "/set-aside",
        operation_id="list_set_aside_datasets",
        summary="Broken versions that are not offered",
        responses=answers(list[SetAsideDocument]),
    )
    def set_aside(asker: Asker) -> list[dict[str, Any]]:
        """Newest versions that are broken and are not offered until a corrected one is published;
        for those who may publish them."""
        return [
            asdict(aside)
            for aside in repository.aside()
            if gate.decide(
                asker,
                "publish",
                department_resource(aside.dataset, aside.department),
            ).allowed
        ]

    @api.get(
        "/{name}",
        operation_id="describe_dataset",
        summary="One dataset",
        responses=answers(DescribedDatasetDocument, 403, 404),
    )
    def dataset(asker: Asker, name: str) -> dict[str, Any]:
        """One dataset: its columns, roles, bounds and public keys, source and licence; and what is public of
        its quality."""
        version = current_for(repository, gate, asker, name)
        require_seen(gate, asker, version)
        with repository.database.transaction() as tx:
            changed = changed_since(tx, repository, gate.grades, version)
            quality = public_quality(tx, version)
        return (
            describe(version, repository.lists.responsible_for(version.dataset, repository.successors()))
            | {"quality": quality}
            | ({"changed": changed} if changed else {})
        )

    @api.get(
        "/{name}/versions",
        operation_id="list_versions",
        summary="The versions of a dataset",
        responses=answers(VersionsDocument, 403, 404),
    )
    def versions(asker: Asker, name: str) -> VersionsDocument:
        """Every version, the newest first: when, by whom, its notes, and what the step to it means for a
        question that worked. Of a dataset that is retired or erased, too."""
        return list_versions(repository, gate, asker, name)

    @api.get(
        "/{name}/changes",
        operation_id="compare_versions",
        summary="What changed between two versions",
        responses=answers(ChangesDocument, 403, 404),
    )
    def changes(
        asker: Asker,
        name: str,
        first: Annotated[VersionNumber, Query(alias="from")],
        second: Annotated[VersionNumber, Query(alias="to")],
    ) -> ChangesDocument:
        """Columns, roles, types, grades, values, bounds and units that changed, the worst first, each with a
        sentence. `breaking`: a question that worked is refused, or means something else."""
        return compare_versions(repository, gate, asker, name, first, second)

    @api.get(
        "/{name}/stand-in",
        response_class=Response,
        operation_id="get_stand_in_rows",
        summary="Stand-in rows, as Parquet",
        responses=answers(None, 403, 404, media_type=PARQUET),
    )
    def stand_in_rows(asker: Asker, name: str, kind: Literal["best", "schema", "dp"] = "best") -> Response:
        """Invented rows of the dataset's shape, as Parquet, to write programs on.

        `schema`: made from the policy alone. `dp`: made from noisy counts that an officer bought.
        `best`: `dp`, if there is.
        """
        version, bought = seen(asker, name)
        if kind == "dp" and bought is None:
            raise NotFound(
                f"No stand-in rows were bought for {version.name}.",
                code="no_stand_in",
                remedy="Those made from the policy alone are there: kind=schema.",
                zh=f"{version.name} 没有购置过替代数据。",
                remedy_zh="可用仅由策略生成的替代数据：kind=schema。",
            )
        rows = (
            marked_parquet(stand_in(version), mark(version))
            if bought is None or kind == "schema"
            else bought.rows
        )
        return Response(
            rows,
            media_type=PARQUET,
            headers={"Content-Disposition": f'attachment; filename="{version.name}.stand-in.parquet"'},
        )

    @api.get(
        "/{name}/stand-in/about",
        operation_id="describe_stand_in",
        summary="Of which kind the stand-in rows are",
        responses=answers(StandInDocument, 403, 404),
    )
    def stand_in_about(asker: Asker, name: str) -> dict[str, Any]:
        """Of which kind the best stand-in rows are; what was paid for them,
        and how near they are to what was bought."""
        version, bought = seen(asker, name)
        about: dict[str, Any] = {"kind": "schema"} if bought is None else bought.about
        if bought is None and (names := typical_columns(version.policy)):
            about["typical"] = names
        return {"dataset": version.dataset, "version": version.number, **about}

    def seen(asker: Principal, name: str) -> tuple[Version, Bought | None]:
        version = repository.current(name)
        require_seen(gate, asker, version)
        with repository.database.transaction() as tx:
            return version, bought_stand_in(tx, version)

    return api


def elements_router(
    repository: DatasetRepository, gate: Gate, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    """The data elements that columns refer to."""
    api = APIRouter(prefix="/v1/elements", tags=["datasets"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "",
        operation_id="list_elements",
        summary="The data elements",
        responses=answers(list[ElementDocument]),
    )
    def elements(_: Asker) -> list[ElementDocument]:
        """What columns of a kind are: type, title, code list, bounds, and the standard that says so."""
        return [element_document(element) for element in repository.elements.values()]

    @api.get(
        "/{id}",
        operation_id="describe_element",
        summary="One data element",
        responses=answers(ElementWithUsesDocument, 404),
    )
    def element(asker: Asker, id: str) -> ElementWithUsesDocument:
        """With the datasets that refer to it. A change of an element changes no version that is published:
        `agrees` says whether the version in use has what the element says today."""
        return element_with_uses(repository, gate, asker, id)

    return api


def writing(
    database: Database,
    repository: DatasetRepository,
    gate: Gate,
    *,
    raw: RawStore,
    products: ProductStore,
    populations: dict[str, Population],
    authenticate: Callable[..., Principal],
    published: Callable[[Principal, Version], None],
    assess: Assess | None = None,
    notice: NoticeRule | None = None,
) -> APIRouter:
    """What officers do. `published` is called with each new version once it stands, `assess` with its
    rows before."""
    api = APIRouter(prefix="/v1/datasets", tags=["datasets"])
    Officer = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "",
        status_code=201,
        operation_id="publish_dataset",
        summary="Publish a version of a dataset",
        responses=answers(PublishedDocument, 403, 409, status=201),
    )
    def publish_dataset(
        officer: Officer,
        policy: Annotated[str, Form(max_length=500_000)],
        file: Annotated[UploadFile, File()],
        notes: Notes = "",
        urgent: Notes = "",
        confirmed: Confirmed = (),
    ) -> PublishedDocument:
        """Publish a version: the policy (YAML), the rows (CSV or Parquet), and `notes` on what is new, which
        everybody reads. Says how well the bounds fit. `urgent`: why a change that breaks questions cannot be
        announced first; the reason is logged. `confirmed`: what you answer with yes of the review before it
        opens. `held` says that it is not usable until its review is decided."""
        body = file.file.read()
        file.file.close()  # the form's own copy
        done = publish(
            database,
            repository=repository,
            store=raw,
            gate=gate,
            populations=populations,
            officer=officer,
            policy_text=policy,
            body=body,
            assess=assess,
            word=PublishersWord(notes, urgent),
            notice=notice,
            opening=OpeningAnswers(frozenset(confirmed)),
        )
        del body
        if not done.held:
            published(officer, done.version)
        return published_document(done)

    @api.post(
        "/{name}/open-copy",
        status_code=201,
        operation_id="open_dataset",
        summary="Copy an open dataset for sale",
        responses=answers(OpenCopyDocument, 403, 404, 409, status=201),
    )
    def open_dataset(officer: Officer, name: str, opening: Opening) -> dict[str, Any]:
        """Copy an openly graded dataset into the product bucket, once its review allows it. `confirmed`:
        items of the review that you answer with yes."""
        copy = open_copy(
            database,
            raw=raw,
            products=products,
            gate=gate,
            officer=officer,
            version=repository.usable(name),
            columns=opening.columns,
            repository=repository,
            confirmed=opening.confirmed,
        )
        return {
            "object": copy.object,
            "version_id": copy.version_id,
            "columns": list(copy.columns),
            "rows": copy.rows,
            "grade": copy.grade,
            "column_grades": copy.column_grades,
        }

    return api
