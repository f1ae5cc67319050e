"""Reads runs, for those who may see them. Rows in, values out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.jobs.library import UsedModel
from sandbox.jobs.model import Hint, Input, Interface, Program, Run, RunKind, RunState
from sandbox.jobs.tables import runs

LISTED = 200


def as_run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        name=row.name,
        team=row.team,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        program=Program(row.entry, dict(row.files), row.program_sha256),
        environment_sha256=row.environment_sha256,
        inputs=tuple(Input(**one) for one in row.inputs),
        limit_seconds=row.limit_seconds,
        models=tuple(UsedModel(**one) for one in row.models),
        state=RunState(row.state),
        started_at=row.started_at,
        told_at=row.told_at,
        ended_at=row.ended_at,
        log_index=row.log_index,
        kind=RunKind(row.kind),
        interface=as_interface(row.interface) if row.interface else None,
        hint_bits=row.hint_bits,
        hint=Hint(row.hint) if row.hint else None,
        interruptions=row.interruptions,
        kernels_frozen=row.kernels_frozen,
    )


def as_interface(said: dict[str, Any]) -> Interface:
    return Interface(
        tuple(said["columns"]),
        {name: tuple(kind) if isinstance(kind, list) else kind for name, kind in said["predicts"].items()},
    )


def list_runs(tx: Transaction, principal: Principal) -> Sequence[Run]:
    """The runs of the principal's teams, newest first."""
    found = tx.execute(
        select(runs)
        .where(runs.c.team.in_(sorted(principal.teams)))
        .order_by(runs.c.submitted_at.desc(), runs.c.id)
        .limit(LISTED)
    )
    return [as_run(row) for row in found]


def load_run(tx: Transaction, id: UUID, *, lock: bool = False) -> Run:
    query = select(runs).where(runs.c.id == id)
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"There is no run {id}.")
    return as_run(row)


def load_own_run(tx: Transaction, principal: Principal, id: UUID, *, lock: bool = False) -> Run:
    """A run of one of the principal's teams. Raises `NotFound`, for others' runs too."""
    run = load_run(tx, id, lock=lock)
    if run.team not in principal.teams:
        raise NotFound(f"There is no run {id}.")
    return run
