"""What the operations on sealed runs answer with."""

from datetime import datetime
from typing import Any, Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from sandbox.audit.schemas import Receipt
from sandbox.jobs.model import Hint, RunKind, RunState


class InputDocument(TypedDict):
    """A dataset that a run reads, in exactly this version. `grant` is null for open data. `withdrawn`: the
    version was found to be wrong since."""

    dataset: str
    version: int
    grant: int | None
    withdrawn: NotRequired[Literal[True]]


class UsedModelDocument(TypedDict):
    """A version of a model of the library that a run reads."""

    name: str
    version: int


class InterfaceDocument(TypedDict):
    """What a predictor is given, and what it returns for each row."""

    columns: list[str]
    predicts: dict[str, str | list[str | int]]


class HintsDocument(TypedDict):
    """How many bits hints have disclosed to a team about a dataset, and how many they may."""

    dataset: str
    told_bits: int
    limit_bits: int


class ProgramText(TypedDict):
    """The exact text of a program: its files by path, and which of them is started."""

    entry: str
    files: dict[str, str]


class OutputDocument(TypedDict):
    """A file that a recipe leaves, as it is declared in a request.
    `measured`: nothing in it is its author's word, and it has no `expressions` of the author's own."""

    path: str
    statbarn: str
    context: str
    controls: str
    counts: str | None
    measured: bool
    expressions: list[str]
    counted: bool


class PreparedRecipes(TypedDict):
    """What the computing process carries out, on stand-in rows as on raw ones.
    `outputs` are the files that it leaves."""

    plan: dict[str, Any]
    outputs: list[OutputDocument]


class RunDocument(TypedDict):
    """A run, as its team sees it. No time in it depends on the data.

    `told_at` is when its end is disclosed. `outputs` are those of its recipes.
    `hints` are missing in lists and for declared queries.
    """

    id: UUID
    kind: RunKind
    name: str
    team: str
    state: RunState
    submitted_by: str
    submitted_at: datetime
    limit_seconds: int
    started_at: datetime | None
    told_at: datetime | None
    ended_at: datetime | None
    inputs: list[InputDocument]
    models: list[UsedModelDocument]
    interface: InterfaceDocument | None
    hint_bits: int
    hint: Hint | None
    interruptions: int
    program_sha256: str
    environment_sha256: str
    log_index: int | None
    outputs: list[OutputDocument]
    hints: NotRequired[list[HintsDocument]]


class WholeRunDocument(RunDocument):
    """A run with its exact program and the receipt of its submission."""

    program: ProgramText
    receipt: Receipt
