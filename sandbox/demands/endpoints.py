"""The demand list (需求清单) over HTTP."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.demands.demands import answer_demand, list_demands, make_demand
from sandbox.demands.schemas import DemandDocument
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Department = Annotated[PlainText, Query(max_length=100)]


class NewDemand(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[PlainText, Field(min_length=1, max_length=200)]
    purpose: Annotated[PlainText, Field(min_length=1, max_length=2000)]
    department: Annotated[PlainText, Field(max_length=100)]


class DemandAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: Literal["planned", "met", "declined"]
    answer: Annotated[PlainText, Field(max_length=2000)] = ""
    dataset: Annotated[PlainText, Field(max_length=100)] | None = None


def router(
    database: Database, repository: DatasetRepository, gate: Gate, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    api = APIRouter(prefix="/v1/demands", tags=["demands"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "",
        operation_id="list_demands",
        summary="The demand list",
        responses=answers(list[DemandDocument]),
    )
    def demands(asker: Asker, department: Department | None = None) -> list[DemandDocument]:
        """Which data were asked for, and what the departments answered; the newest first."""
        return list_demands(database, department=department)

    @api.post(
        "",
        status_code=201,
        operation_id="make_demand",
        summary="Ask for data that the catalogue has not",
        responses=answers(DemandDocument, 403, 404, 429, status=201),
    )
    def make(asker: Asker, new: NewDemand) -> DemandDocument:
        """Say which data you need of which department, and what for. Everybody reads it."""
        return make_demand(
            database, gate, asker, title=new.title, purpose=new.purpose, department=new.department
        )

    @api.post(
        "/{id}/answer",
        operation_id="answer_demand",
        summary="Answer a demand",
        responses=answers(DemandDocument, 403, 404),
    )
    def answer(officer: Asker, id: Number, said: DemandAnswer) -> DemandDocument:
        """For officers of the department that is asked. It may be answered again."""
        return answer_demand(
            database,
            repository,
            gate,
            officer,
            id,
            state=said.state,
            answer=said.answer,
            dataset=said.dataset,
        )

    return api
