"""Sealed runs over HTTP: submit, show, cancel.
They are for kernels and for people's tools; nothing here leads to quarantine."""

import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import ExactInt, answers
from sandbox.audit import Log
from sandbox.catalog.versions import withdrawn_of
from sandbox.database import Transaction
from sandbox.identity import Claims, Principal
from sandbox.jobs.cancel import cancel
from sandbox.jobs.context import RunContext
from sandbox.jobs.declare import declare
from sandbox.jobs.hints import hints_told
from sandbox.jobs.kernel_pauses import KernelPauses
from sandbox.jobs.model import Run
from sandbox.jobs.predictor import as_document
from sandbox.jobs.read import list_runs, load_own_run
from sandbox.jobs.recipes import outputs_of_run, prepare_recipes
from sandbox.jobs.recipes.recipe import MOST_RECIPES, AnyRecipe
from sandbox.jobs.schemas import PreparedRecipes, RunDocument, WholeRunDocument
from sandbox.jobs.submit import submit
from sandbox.jobs.worker import Worker
from sandbox.plain_text import ExactText, PlainText


class Interface(BaseModel):
    model_config = ConfigDict(extra="forbid")

    columns: list[PlainText] = Field(description="the columns of its one input that it is given")
    predicts: dict[PlainText, PlainText | list[PlainText | ExactInt]] = Field(
        description=(
            "what it returns a row: name -> number, probability, integer, boolean, text, "
            "or the list of its values"
        )
    )


class NewRun(BaseModel):
    model_config = ConfigDict(extra="forbid")  # a misspelt limit would be the usual one

    name: PlainText = Field(max_length=400)
    entry: PlainText = Field(default="main.py", max_length=400, description="which of the files is started")
    files: dict[ExactText, ExactText] = Field(description="the program: path -> exact text")
    inputs: list[PlainText] = Field(description="the datasets that it reads, in their newest versions")
    limit_seconds: ExactInt = Field(
        default=60, description="when it is ended at the latest, and its end told: never before"
    )
    hint: bool = Field(
        default=False,
        description="whether its end is told with its class, where the datasets' officers let it",
    )
    interface: Interface | None = Field(default=None, description="of a predictor")
    models: list[PlainText] = Field(
        default=[], max_length=100, description="of the library, which it reads: name@version, of its team"
    )
    team: PlainText | None = Field(
        default=None, description="for which team; needed only if several of yours could"
    )


class NewTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: PlainText = Field(max_length=400)
    sql: PlainText = Field(
        max_length=20_000,
        description="counts: COUNT(*), COUNT(x), COUNT(DISTINCT unit), with WHERE and GROUP BY",
    )
    limit_seconds: ExactInt = Field(default=10, description="when its end is told: never before")
    team: PlainText | None = Field(
        default=None, description="for which team; needed only if several of yours could"
    )


def router(worker: Worker, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1/runs", tags=["sealed runs"])
    Asker = Annotated[Principal, Depends(authenticate)]
    context = worker.context

    def with_hints(run: Run) -> dict[str, Any]:
        """The run, with the bits that hints have disclosed to its team for each input, and the cap."""
        with context.database.transaction() as tx:
            told = [
                hints_told(tx, run.team, context.repository.last(tx, one.dataset))
                for one in run.inputs
                if one.grant is not None
            ]
            document = shown(tx, run)
        return document | {"hints": [asdict(one) for one in told]}

    @api.post(
        "",
        status_code=201,
        operation_id="submit_run",
        summary="Submit a program as a sealed run",
        responses=answers(RunDocument, 402, 403, 404, 409, 429, status=201),
    )
    def submit_run(asker: Asker, new: NewRun) -> dict[str, Any]:
        """Queue a program to run on raw data in a seal. What it leaves waits for reviewers."""
        worker.require_seal()
        run = submit(
            context,
            principal=asker,
            name=new.name,
            entry=new.entry,
            files=new.files,
            inputs=new.inputs,
            limit_seconds=new.limit_seconds,
            team=new.team,
            hint=new.hint,
            interface=new.interface.model_dump() if new.interface else None,
            models=new.models,
        )
        worker.wake()
        return with_hints(run)

    @api.post(
        "/table",
        status_code=201,
        operation_id="declare_table",
        summary="Submit a declared query",
        responses=answers(RunDocument, 402, 403, 404, 409, 429, status=201),
    )
    def declare_table(asker: Asker, new: NewTable) -> dict[str, Any]:
        """Queue a declared query: a table of exact counts, which the vault computes itself.
        It waits for reviewers."""
        run = declare(
            context,
            principal=asker,
            name=new.name,
            sql=new.sql,
            limit_seconds=new.limit_seconds,
            team=new.team,
        )
        worker.wake()
        with context.database.transaction() as tx:
            return shown(tx, run)

    @api.get(
        "",
        operation_id="list_runs",
        summary="The runs of your teams",
        responses=answers(list[RunDocument]),
    )
    def own_runs(asker: Asker) -> list[dict[str, Any]]:
        """The runs of the caller's teams, newest first."""
        with context.database.transaction() as tx:
            listed = list_runs(tx, asker)
            withdrawn = withdrawn_of(tx, ((one.dataset, one.version) for run in listed for one in run.inputs))
        return [document_of(run, withdrawn) for run in listed]

    @api.get(
        "/{number}",
        operation_id="get_run",
        summary="One run, with its program",
        responses=answers(WholeRunDocument, 404),
    )
    def one_run(asker: Asker, number: UUID) -> dict[str, Any]:
        """One run, with its exact program and the receipt of its submission."""
        with context.database.transaction() as tx:
            run = load_own_run(tx, asker, number)
        assert run.log_index is not None, "it was written with the log's entry"
        return with_hints(run) | {
            "program": {"entry": run.program.entry, "files": run.program.files},
            "receipt": log.receipt(run.log_index, opening=run.submitted_by == asker.id),
        }

    @api.post(
        "/{number}/cancel",
        operation_id="cancel_run",
        summary="Cancel a run",
        responses=answers(RunDocument, 403, 404, 409),
    )
    def cancel_run(asker: Asker, number: UUID) -> dict[str, Any]:
        """Call a run off that waits or runs; what it made is thrown away."""
        run = cancel(context.database, principal=asker, id=number)
        worker.cancelled(run.id)
        return with_hints(run)

    return api


def shown(tx: Transaction, run: Run) -> dict[str, Any]:
    """What a team sees of a run: what it submitted, the state,
    and moments that do not depend on the data."""
    return document_of(run, withdrawn_of(tx, ((one.dataset, one.version) for one in run.inputs)))


def document_of(run: Run, withdrawn: AbstractSet[tuple[str, int]]) -> dict[str, Any]:
    """`withdrawn`: those of the versions that it read, and perhaps others."""
    return {
        "id": str(run.id),
        "kind": run.kind.value,
        "name": run.name,
        "team": run.team,
        "state": run.state.value,
        "submitted_by": run.submitted_by,
        "submitted_at": run.submitted_at.isoformat(),
        "limit_seconds": run.limit_seconds,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "told_at": run.told_at.isoformat() if run.told_at else None,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "inputs": [
            {
                "dataset": one.dataset,
                "version": one.version,
                "grant": one.grant,
                **({"withdrawn": True} if (one.dataset, one.version) in withdrawn else {}),
            }
            for one in run.inputs
        ],
        "models": [{"name": one.name, "version": one.version} for one in run.models],
        "interface": as_document(run.interface) if run.interface else None,
        "hint_bits": run.hint_bits,
        "hint": run.hint.value if run.hint else None,
        "interruptions": run.interruptions,
        "program_sha256": run.program.sha256,
        "environment_sha256": run.environment_sha256,
        "log_index": run.log_index,
        "outputs": [asdict(one) for one in outputs_of_run(run)],
    }


class NewRecipes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inputs: list[PlainText] = Field(
        min_length=1, max_length=8, description="the datasets that the run reads: their grade decides"
    )
    recipes: list[AnyRecipe] = Field(max_length=MOST_RECIPES, description="as recipes.json of the program")


def recipes_router(context: RunContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """POST /v1/recipes."""
    api = APIRouter(prefix="/v1/recipes", tags=["sealed runs"])

    @api.post(
        "",
        operation_id="prepare_recipes",
        summary="Prepare recipes: outputs that the vault computes",
        responses=answers(PreparedRecipes, 403, 404),
    )
    def prepare(asker: Annotated[Principal, Depends(authenticate)], new: NewRecipes) -> dict[str, Any]:
        """Check recipes before they are submitted, and plan them by the rules of the inputs' grade.
        No row is touched."""
        text = json.dumps([recipe.model_dump() for recipe in new.recipes], ensure_ascii=False)
        plan, outputs = prepare_recipes(context, principal=asker, inputs=new.inputs, text=text)
        return {"plan": plan, "outputs": [asdict(one) for one in outputs]}

    return api


class Server(BaseModel):
    """What a person's server says of its kernels."""

    server: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$")
    running: int = Field(ge=0, le=10_000, description="kernels that are not paused")


class Pause(BaseModel):
    until: datetime | None = Field(description="kernels are paused until then; null: they run")


def pause_router(pauses: KernelPauses, *, workspace: Callable[..., Claims]) -> APIRouter:
    """POST /v1/kernels/pause, for workspaces (over the vault's own address)."""
    api = APIRouter(prefix="/v1/kernels", tags=["kernels"])

    @api.post(
        "/pause",
        operation_id="report_kernels",
        summary="Report running kernels, and learn whether they are to pause",
        responses=answers(Pause),
    )
    def ask_pause(claims: Annotated[Claims, Depends(workspace)], said: Server) -> Pause:
        """Whether the kernels of the person whose workspace this is must be paused."""
        return Pause(until=pauses.hear(claims.subject, said.server, said.running))

    return api
