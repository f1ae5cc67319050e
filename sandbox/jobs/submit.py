"""Submits a program: checked, decided, recorded with its exact text, logged and queued at once, or not at
all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select, update

from sandbox.audit import Event, append
from sandbox.catalog import Version
from sandbox.database import Transaction
from sandbox.disclosure.taxonomy import ORGANISATION_WINDOWS
from sandbox.errors import InvalidInput, TooMany
from sandbox.identity import Principal
from sandbox.jobs.context import RunContext
from sandbox.jobs.disclosure_time import checked_limit
from sandbox.jobs.hints import take_bits
from sandbox.jobs.library import checked_names, models_for
from sandbox.jobs.model import Input, Interface, Program, Run, RunKind, RunState
from sandbox.jobs.permit import inputs_of, require_leave
from sandbox.jobs.predictor import as_document, checked_interface
from sandbox.jobs.program import checked_name, checked_program
from sandbox.jobs.read import load_run
from sandbox.jobs.recipes import FILE as RECIPES
from sandbox.jobs.recipes import check_recipes
from sandbox.jobs.tables import runs
from sandbox.policy import Refused, log_refusal

MOST_INPUTS = 8
MOST_WAITING = 50  # of a team


def submit(
    context: RunContext,
    *,
    principal: Principal,
    name: str,
    entry: str,
    files: Mapping[str, str],
    inputs: Sequence[str],
    limit_seconds: int,
    team: str | None = None,
    interface: Mapping[str, Any] | None = None,
    hint: bool = False,
    models: Sequence[str] = (),
) -> Run:
    """Queue a run; with an `interface`, a predictor. `hint`: its end comes with its class. `models`: of the
    library, as name@version.

    Raises `InvalidInput`, `Forbidden`, `NotFound` (a dataset), `TooMany`, `BudgetExhausted` (hints);
    then nothing is queued."""
    name, program, limit = checked_name(name), checked_program(entry, files), checked_limit(limit_seconds)
    if not 1 <= len(inputs) <= MOST_INPUTS or len(set(inputs)) < len(inputs):
        raise InvalidInput(
            f"A run reads 1 to {MOST_INPUTS} datasets, each named once.", remedy="inputs=[health.visits]"
        )
    versions = [context.repository.usable(one) for one in inputs]
    predictor = checked_interface(interface, versions) if interface is not None else None
    return queue(
        context,
        principal=principal,
        kind=RunKind.PROGRAM,
        name=name,
        program=program,
        limit_seconds=limit,
        team=team,
        versions=versions,
        environment_sha256=context.environment_sha256(),
        hint=hint,
        predictor=predictor,
        models=checked_names(models),
    )


def _hint_bits(
    tx: Transaction,
    context: RunContext,
    principal: Principal,
    team: str,
    read: Sequence[Input],
    versions: Sequence[Version],
) -> int:
    rules = context.taxonomy
    windows = rules.organisation_windows if rules is not None else ORGANISATION_WINDOWS
    return take_bits(tx, context.gate, principal, team, read, versions, windows)


def queue(
    context: RunContext,
    *,
    principal: Principal,
    kind: RunKind,
    name: str,
    program: Program,
    versions: Sequence[Version],
    environment_sha256: str,
    limit_seconds: int,
    team: str | None,
    hint: bool = False,
    predictor: Interface | None = None,
    models: Sequence[tuple[str, int]] = (),
) -> Run:
    """Decide, record, log and queue what is checked already."""
    declared = as_document(predictor) if predictor is not None else None
    id = uuid4()
    try:
        with context.database.transaction() as tx:
            team, read = inputs_of(tx, principal, versions, team)
            require_leave(tx, context.gate, principal, read, versions)
            used = [asdict(one) for one in models_for(tx, context.library, principal, team, models)]
            if RECIPES in program.files:  # once it is decided: what is wrong with one tells of the columns
                _check_recipes(context, program, versions, predictor)
            _require_room(tx, team)
            bits = _hint_bits(tx, context, principal, team, read, versions) if hint else 0
            tx.execute(
                insert(runs).values(
                    id=id,
                    kind=kind.value,
                    name=name,
                    team=team,
                    submitted_by=principal.id,
                    entry=program.entry,
                    files=program.files,
                    program_sha256=program.sha256,
                    environment_sha256=environment_sha256,
                    inputs=[asdict(one) for one in read],
                    models=used,
                    limit_seconds=limit_seconds,
                    state=RunState.QUEUED.value,
                    interface=declared,
                    hint_bits=bits,
                )
            )
            index = append(
                tx,
                Event(
                    "run.submitted",
                    principal.id,
                    f"run:{id}",
                    {
                        "team": team,
                        "kind": kind.value,
                        "program_sha256": program.sha256,
                        "environment_sha256": environment_sha256,
                        "inputs": [asdict(one) for one in read],
                        "limit_seconds": limit_seconds,
                        **({"models": used} if used else {}),
                        **({"interface": declared} if declared else {}),
                        **({"hint_bits": bits} if bits else {}),
                    },
                ),
            )
            tx.execute(update(runs).where(runs.c.id == id).values(log_index=index))
            return load_run(tx, id)
    except Refused as refusal:
        log_refusal(context.database, refusal)
        raise


def _check_recipes(
    context: RunContext, program: Program, versions: Sequence[Version], predictor: Interface | None
) -> None:
    if predictor is not None:
        raise InvalidInput(
            "A predictor has no recipes.",
            remedy=f"Leave {RECIPES} out, or submit a program.",
            zh="预测器不能带配方。",
            remedy_zh=f"请去掉 {RECIPES}，或改为提交程序。",
        )
    check_recipes(context, program.files[RECIPES], versions)


def _require_room(tx: Transaction, team: str) -> None:
    waiting = tx.execute(
        select(func.count()).where(runs.c.team == team, runs.c.state == RunState.QUEUED.value)
    ).scalar_one()
    if waiting >= MOST_WAITING:
        raise TooMany(
            f"{waiting} runs of your team are waiting already.",
            remedy="Wait for some, or cancel some.",
            zh=f"你的团队已有 {waiting} 个运行在排队。",
            remedy_zh="请等待，或取消一些。",
        )
