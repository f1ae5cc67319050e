"""Defines a run and its transitions.

What an analyst sees of a run is its state, and each state begins at a moment that does not depend on the data
(disclosure_time.py).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sandbox.jobs.library import UsedModel


class RunKind(StrEnum):
    PROGRAM = "program"  # of an analyst, in a seal
    TABLE = "table"  # a declared query, computed by the vault itself


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"  # however it ended: the reason is reported in quarantine
    INTERRUPTED = "interrupted"  # the vault ended while it ran, more often than it is begun anew
    RETURNED = "returned"
    RELEASED = "released"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Step:
    """From a state to a state: who takes it, and the event that the log gets with it
    (reviews name their own)."""

    before: RunState | None
    after: RunState
    by: str
    event: str


STEPS: tuple[Step, ...] = (
    Step(None, RunState.QUEUED, "a member of the team", "run.submitted"),
    Step(RunState.QUEUED, RunState.RUNNING, "the vault, when a place is free", "run.started"),
    Step(
        RunState.QUEUED,
        RunState.CANCELLED,
        "a member of the team; the vault, when the grant has ended",
        "run.cancelled",
    ),
    Step(RunState.RUNNING, RunState.CANCELLED, "a member of the team", "run.cancelled"),
    Step(RunState.RUNNING, RunState.FINISHED, "the vault, when the declared limit is over", "run.finished"),
    Step(
        RunState.RUNNING,
        RunState.QUEUED,
        "the vault, when it ended meanwhile and nothing was told",
        "run.interrupted",
    ),
    Step(
        RunState.RUNNING,
        RunState.INTERRUPTED,
        "the vault, when it ended meanwhile once too often",
        "run.interrupted",
    ),
    Step(RunState.FINISHED, RunState.RETURNED, "reviewers", ""),
    Step(RunState.FINISHED, RunState.RELEASED, "reviewers", ""),
    Step(RunState.FINISHED, RunState.REFUSED, "reviewers", ""),
    Step(RunState.RETURNED, RunState.RELEASED, "reviewers", ""),
    Step(RunState.RETURNED, RunState.REFUSED, "reviewers", ""),
)


@dataclass(frozen=True)
class Input:
    """One dataset that a run reads: exactly this version. `grant` is None for open data, which needs none."""

    dataset: str
    version: int
    sha256: str  # of the version's stored rows
    grant: int | None


@dataclass(frozen=True)
class Program:
    """The exact text of a program: its files by path, and which of them is started."""

    entry: str
    files: dict[str, str]
    sha256: str


@dataclass(frozen=True)
class Interface:
    """What a predictor declares: which columns of its one input it is given,
    and what it returns for each row.

    `predicts`: name -> "number" (finite), "probability" (0 to 1), "integer", "boolean", "text", or the
    values that there are.
    """

    columns: tuple[str, ...]
    predicts: dict[str, str | tuple[str | int, ...]]


class Hint(StrEnum):
    """The class of a run's end, of eight values at most:
    disclosed only where the policy allows it, and counted (hints.py)."""

    OK = "ok"
    PROGRAM_ERROR = "program_error"
    IMPORT_MISSING = "import_missing"
    MEMORY = "memory"
    TIME = "time"
    OUTBOX_REFUSED = "outbox_refused"
    NOT_RUN = "not_run"  # the vault could not start it, or ended while it ran


@dataclass(frozen=True)
class Run:
    """One run. The program of a declared query is its SQL.
    `told_at` is when its end is disclosed, known from its start on; `environment_sha256` is the lock's.

    `interface` is there if it is a predictor. `hint_bits` are counted against its grants. `hint` is disclosed
    with its end. `interruptions`: how often the vault ended while it ran.
    """

    id: UUID
    name: str
    team: str
    submitted_by: str
    submitted_at: datetime
    program: Program
    environment_sha256: str
    inputs: tuple[Input, ...]
    limit_seconds: int
    state: RunState
    started_at: datetime | None
    told_at: datetime | None
    ended_at: datetime | None
    log_index: int | None
    kind: RunKind = RunKind.PROGRAM
    interface: Interface | None = None
    hint_bits: int = 0
    hint: Hint | None = None
    interruptions: int = 0
    kernels_frozen: bool = False
    models: tuple[UsedModel, ...] = ()
