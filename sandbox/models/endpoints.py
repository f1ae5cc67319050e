"""The model library over HTTP."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from sandbox.api_schema import answers
from sandbox.competitions.context import CompetitionContext
from sandbox.identity import Principal
from sandbox.models.context import ModelContext
from sandbox.models.library import find_model, list_models, model_document
from sandbox.models.predict import predict
from sandbox.models.register import register_model
from sandbox.models.retire import retire_model
from sandbox.models.schemas import (
    ModelDocument,
    ModelList,
    ModelPredictions,
    NewModel,
    PredictRows,
    RetireModel,
)
from sandbox.models.sealed_use import SealedLibrary
from sandbox.plain_text import PlainText

BYTES = "application/octet-stream"
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Name = Annotated[PlainText, Path(max_length=100)]
Word = Annotated[PlainText, Query(max_length=100)]


def reading(library: SealedLibrary, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """A version with its card, and its file for a trial of a run: over the kernels' socket too."""
    api = APIRouter(prefix="/v1/models", tags=["models"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/{name}/{version}",
        operation_id="get_model",
        summary="A version of a model",
        responses=answers(ModelDocument, 404),
    )
    def one(asker: Asker, name: Name, version: Number) -> ModelDocument:
        with library.database.transaction() as tx:
            return model_document(find_model(tx, name, version))

    @api.get(
        "/{name}/{version}/file",
        response_class=Response,
        operation_id="get_model_file",
        summary="The file of a model, for a trial",
        responses=answers(None, 403, 404, 409, media_type=BYTES),
    )
    def file(asker: Asker, name: Name, version: Number) -> Response:
        """For members of its team, as a sealed run is given it."""
        return Response(library.file_for(asker, name, version), media_type=BYTES)

    return api


def router(
    context: ModelContext, competitions: CompetitionContext, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    api = APIRouter(prefix="/v1/models", tags=["models"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "",
        operation_id="list_models",
        summary="The model library",
        responses=answers(ModelList),
    )
    def listed(
        asker: Asker, search: Word = "", dataset: Word = "", team: Word = "", name: Word = ""
    ) -> ModelList:
        """Registered models with their cards, the newest first. `search`: words of name, dataset, title and
        summary, in either language."""
        with context.database.transaction() as tx:
            return {"models": list_models(tx, search=search, dataset=dataset, team=team, name=name)}

    @api.post(
        "",
        status_code=201,
        operation_id="register_model",
        summary="Register a released model, or the model of an entry",
        responses=answers(ModelDocument, 402, 403, 404, 409, 429, status=201),
    )
    def register(asker: Asker, new: NewModel) -> ModelDocument:
        """For members of its team. It is evaluated on stand-in rows first. The card shows what its review
        measured; membership numbers count against what reviews may tell the team."""
        return register_model(context, competitions, asker, new)

    @api.post(
        "/{name}/{version}/predict",
        operation_id="predict_model",
        summary="Predict by a model, in a seal",
        responses=answers(ModelPredictions, 403, 404, 409, 429),
    )
    def predicted(asker: Asker, name: Name, version: Number, given: PredictRows) -> ModelPredictions:
        """For its team, officers of its data's department, and the marketplace's service. Nothing of the rows
        is kept."""
        return predict(context, asker, name, version, given.rows)

    @api.post(
        "/{name}/{version}/retire",
        operation_id="retire_model",
        summary="Announce the retirement of a model's version",
        responses=answers(ModelDocument, 403, 404, 409),
    )
    def retired(asker: Asker, name: Name, version: Number, wanted: RetireModel) -> ModelDocument:
        """For its team, and officers of its data's department. It predicts until its last day."""
        return retire_model(context, asker, name, version, wanted)

    return api
