"""Claims the next run.
The table of runs is the queue; a team with many runs waits as long as a team with one.

During maintenance no run begins.

Order: the team that holds the fewest slots, then the team that was served longest ago, then the team's own
order. No team holds more than its part of the slots. A run that has begun is not claimed again. The exception
is a run that the end of the vault cut off and of which nothing was disclosed: it is queued once more
(finish.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, text, update

from sandbox.audit import Event, append
from sandbox.catalog import Version
from sandbox.catalog.grade import grade_of
from sandbox.catalog.retirement import is_retired
from sandbox.catalog.tables import datasets
from sandbox.catalog.versions import require_rows
from sandbox.database import Transaction, lock_name
from sandbox.errors import CihuError, Conflict, Forbidden, NotAuthenticated
from sandbox.identity import load_principal
from sandbox.jobs.cancel import end_as_cancelled
from sandbox.jobs.context import RunContext
from sandbox.jobs.disclosure_time import told_at
from sandbox.jobs.library import models_for
from sandbox.jobs.model import Run, RunKind, RunState
from sandbox.jobs.permit import require_leave
from sandbox.jobs.read import load_run
from sandbox.jobs.tables import runs
from sandbox.operations.maintenance import maintenance_at

NEXT = text("""
    WITH held AS (SELECT team, count(*) FILTER (WHERE state = 'running') AS places, max(started_at) AS served
                  FROM vault.runs GROUP BY team)
    SELECT waiting.id FROM vault.runs AS waiting JOIN held USING (team)
    WHERE waiting.state = 'queued' AND held.places < :most
    ORDER BY held.places, held.served NULLS FIRST, waiting.submitted_at, waiting.id
    LIMIT 1""")


@dataclass(frozen=True)
class Claimed:
    """A run that has a place, and the versions that it reads."""

    run: Run
    versions: tuple[Version, ...]


def claim(context: RunContext) -> Claimed | None:
    """The next run, now `running`; None when none may run, or there is maintenance.
    One whose grant has ended since is cancelled instead."""
    while True:
        with context.database.transaction() as tx:
            lock_name(tx, "cihu places of runs")
            if maintenance_at(tx, datetime.now(UTC)) is not None:
                return None
            id = tx.execute(NEXT, {"most": context.most_of_a_team}).scalar_one_or_none()
            if id is None:
                return None
            run = load_run(tx, id, lock=True)
            if run.state is not RunState.QUEUED:
                continue  # cancelled between
            versions = tuple(context.repository.version(tx, one.dataset, one.version) for one in run.inputs)
            refused = _refusal(tx, context, run, versions)
            if refused:
                end_as_cancelled(tx, run, by="vault", why=refused.code)
                continue
            freezing = (
                run.kind is RunKind.PROGRAM
                and context.gate.grades[grade_of(context.gate, versions)].freezes_kernels
            )
            return Claimed(_start(tx, run, freezing=freezing), versions)


def _refusal(
    tx: Transaction, context: RunContext, run: Run, versions: tuple[Version, ...]
) -> CihuError | None:
    try:
        person = load_principal(tx, run.submitted_by)
        require_leave(tx, context.gate, person, run.inputs, versions)
        models_for(tx, context.library, person, run.team, [(one.name, one.version) for one in run.models])
        require_rows(tx, ((version.dataset, version.number) for version in versions))
        _require_not_withdrawn(versions)
        _require_not_retired(tx, versions)
    except (Conflict, Forbidden, NotAuthenticated) as refused:
        return refused
    return None


def _require_not_withdrawn(versions: tuple[Version, ...]) -> None:
    """What was found to be wrong is not read any more. Raises `Conflict`."""
    if wrong := [version.name for version in versions if version.withdrawn_at is not None]:
        raise Conflict(
            f"{', '.join(wrong)} was withdrawn.",
            code="version_withdrawn",
            remedy="Submit the program again: it reads the version in use.",
            zh=f"{'、'.join(wrong)} 已撤回。",
            remedy_zh="请重新提交程序：将读取现用版本。",
        )


def _require_not_retired(tx: Transaction, versions: tuple[Version, ...]) -> None:
    """A dataset is not read after its last day. Raises `Conflict`."""
    of = select(datasets.c.name, datasets.c.retires_at).where(
        datasets.c.name.in_({version.dataset for version in versions})
    )
    if retired := sorted(row.name for row in tx.execute(of) if is_retired(row.retires_at)):
        raise Conflict(
            f"{', '.join(retired)} is retired.",
            code="dataset_retired",
            remedy="Look in the catalogue for what replaces it.",
            zh=f"{'、'.join(retired)} 已停用。",
            remedy_zh="可在目录中查找替代的数据集。",
        )


def _start(tx: Transaction, run: Run, *, freezing: bool) -> Run:
    now = datetime.now(UTC)
    tx.execute(
        update(runs)
        .where(runs.c.id == run.id)
        .values(
            state=RunState.RUNNING.value,
            started_at=now,
            kernels_frozen=freezing,
            told_at=told_at(now, run.limit_seconds, freezing=freezing),
        )
    )
    append(tx, Event("run.started", "vault", f"run:{run.id}", {}))
    return load_run(tx, run.id)
