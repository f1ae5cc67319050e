"""The catalogue over HTTP: list, describe, stand-in rows, publish, open."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, Field

from sandbox.api_schema import answers
from sandbox.catalog.bought_stand_in import Bought, bought_stand_in
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.describe import describe
from sandbox.catalog.model import Version
from sandbox.catalog.notice import LONGEST_NOTES, NoticeRule, PublishersWord
from sandbox.catalog.open_copy import open_copy
from sandbox.catalog.populations import Population
from sandbox.catalog.publish import publish
from sandbox.catalog.resource import dataset_resource, require_seen
from sandbox.catalog.schemas import (
    ChangesDocument,
    DatasetDocument,
    DescribedDatasetDocument,
    OpenCopyDocument,
    PublishedDocument,
    SetAsideDocument,
    StandInDocument,
    VersionsDocument,
)
from sandbox.catalog.stand_in import mark, marked_parquet, stand_in
from sandbox.catalog.version_quality import Assess, public_quality
from sandbox.catalog.versions import changed_since, compare_versions, list_versions
from sandbox.database import Database
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource
from sandbox.storage import ProductStore, RawStore

VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
Notes = Annotated[PlainText, Form(max_length=LONGEST_NOTES)]
PARQUET = "application/vnd.apache.parquet"


class Opening(BaseModel):
    columns: list[PlainText] | None = None


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
    def datasets(asker: Asker) -> list[dict[str, Any]]:
        """Every dataset that the asker may see, in its newest version."""
        return [
            describe(version, repository.lists.responsible_for(version.dataset))
            for version in repository.all()
            if gate.decide(
                asker,
                "see",
                dataset_resource(version),
            ).allowed
        ]

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
                Resource("Dataset", aside.dataset, {"department": aside.department, "grade": "1"}),
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
        version = repository.current(name)
        require_seen(gate, asker, version)
        with repository.database.transaction() as tx:
            changed = changed_since(tx, repository, gate.grades, version)
            quality = public_quality(tx, version)
        return (
            describe(version, repository.lists.responsible_for(version.dataset))
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
        about = {"kind": "schema"} if bought is None else bought.about
        return {"dataset": version.dataset, "version": version.number, **about}

    def seen(asker: Principal, name: str) -> tuple[Version, Bought | None]:
        version = repository.current(name)
        require_seen(gate, asker, version)
        with repository.database.transaction() as tx:
            return version, bought_stand_in(tx, version)

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
    ) -> dict[str, Any]:
        """Publish a version: the policy (YAML), the rows (CSV or Parquet), and `notes` on what is new, which
        everybody reads. Says how well the bounds fit. `urgent`: why a change that breaks questions cannot be
        announced first; the reason is logged."""
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
        )
        del body
        published(officer, done.version)
        return {
            "dataset": done.version.dataset,
            "version": done.version.number,
            "rows": done.profile.rows,
            "advice": done.advice(),
            "sha256": done.version.sha256,
        }

    @api.post(
        "/{name}/open-copy",
        status_code=201,
        operation_id="open_dataset",
        summary="Copy an open dataset for sale",
        responses=answers(OpenCopyDocument, 403, 404, 409, status=201),
    )
    def open_dataset(officer: Officer, name: str, opening: Opening) -> dict[str, Any]:
        """Copy an openly graded dataset into the product bucket."""
        copy = open_copy(
            database,
            raw=raw,
            products=products,
            gate=gate,
            officer=officer,
            version=repository.usable(name),
            columns=opening.columns,
        )
        return {
            "object": copy.object,
            "version_id": copy.version_id,
            "columns": list(copy.columns),
            "rows": copy.rows,
            "grade": copy.grade,
        }

    return api
