"""What the operations on the life of datasets answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.catalog.schemas import ChangeDocument, EffectName

StepKind = Literal["withdraw", "retire", "erase"]
StepState = Literal["proposed", "erasing", "done", "dropped"]


class StepDocument(TypedDict):
    """A step that ends a version or a dataset. `proposed`: it waits for a second officer. `open_runs` and
    `open_reviews`: sealed runs and reviews of what it ends that are not over; they are told. `derived`: the
    versions of other datasets that were made of it, whose rows are erased with it."""

    id: int
    dataset: str
    kind: StepKind
    version: NotRequired[int]
    takes_effect: NotRequired[datetime]
    reason: str
    state: StepState
    proposed_by: str
    proposed_at: datetime
    second_person: NotRequired[str]
    derived: NotRequired[list[str]]
    open_runs: int
    open_reviews: int


class AnnouncementDocument(TypedDict):
    """What those who use a dataset are told: a version that is to come, with what it changes of the version
    in use; a version that was withdrawn; the day on which the dataset retires; that it was erased."""

    dataset: str
    kind: Literal["coming_version", "withdrawn", "retires", "erased"]
    told_at: datetime
    takes_effect: datetime
    text: Words
    note: str
    id: NotRequired[int]
    version: NotRequired[int]
    effect: NotRequired[EffectName]
    changes: NotRequired[list[ChangeDocument]]
