"""What the public operations answer with: types of their own, so that nothing is told by a field that another
view gets later."""

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.catalog.schemas import (
    CatalogueDocument,
    CompletenessClassDocument,
    CompletenessDocument,
    EffectName,
    NoteDocument,
)

Delivery = Literal["questions", "sealed_runs", "rows"]


class ListedDataset(TypedDict):
    """A line of the public catalogue. `theme`: the widest class; empty where there is none."""

    name: str
    version: int
    title: Words
    summary: Words
    department: str
    grade: str
    theme: str
    updates: str
    delivery: list[str]
    columns: int
    about_rows: int | None
    published_at: datetime


class FacetDocument(TypedDict):
    """A value, and how many of the found datasets have it. `name`: of a department."""

    value: str
    number: int
    name: NotRequired[str]


class FacetsDocument(TypedDict):
    """By what the found datasets can be narrowed."""

    department: list[FacetDocument]
    grade: list[FacetDocument]
    theme: list[FacetDocument]
    updates: list[FacetDocument]
    delivery: list[FacetDocument]


class PublicPage(TypedDict):
    """A page of `size` datasets of `total`."""

    total: int
    page: int
    size: int
    datasets: list[ListedDataset]
    facets: FacetsDocument


class PublicName(TypedDict):
    """A listed dataset, and when its version was published."""

    name: str
    published_at: datetime


class PublisherDocument(TypedDict):
    """A department with listed datasets."""

    id: str
    name: str
    datasets: int
    newest: datetime


class PublicFigures(TypedDict):
    """How much of the catalogue is public."""

    datasets: int
    departments: int


class PublicColumn(TypedDict):
    """A column, with its public values or bounds."""

    name: str
    role: str
    type: str
    title: Words
    grade: str
    values: NotRequired[list[str | int | bool]]
    bounds: NotRequired[list[float]]
    step: NotRequired[str]
    measured_in: NotRequired[str]


class PublicQuality(TypedDict):
    """The public half of a version's quality. `bought`: classes of completeness, wrong with a chance of at
    most `wrong_at_most`."""

    has_rules: bool
    notes: list[NoteDocument]
    completeness: NotRequired[list[CompletenessDocument]]
    bought: NotRequired[list[CompletenessClassDocument]]
    wrong_at_most: NotRequired[float]


class PublicRows(TypedDict):
    """Where the portal finds the rows that anybody may have, in the product bucket."""

    object: str
    version_id: str
    columns: list[str]
    rows: int


class PublicWay(TypedDict):
    """A way in which data of the grade can be used."""

    id: str
    text: Words
    possible: bool


class PublicInput(TypedDict):
    """A listed version that a derived one was made of."""

    dataset: str
    version: int


class PublicVersion(TypedDict):
    """A version that was listed itself, and what changed with it."""

    number: int
    published_at: datetime
    notes: str
    effect: EffectName | None
    changes: list[Words]
    in_use: bool


class PublicDataset(TypedDict):
    """A listed dataset. `unit`: whom each row is about; null for open data. `rows`: of open data whose copy a
    review opened."""

    name: str
    version: int
    published_at: datetime
    title: Words
    summary: Words
    department: str
    department_name: str
    grade: str
    grade_name: Words
    ways: list[PublicWay]
    delivery: list[str]
    source: str
    licence: str
    citation: str
    update_cycle: str
    about_rows: int | None
    unit: str | None
    columns: list[PublicColumn]
    catalogue: CatalogueDocument
    quality: PublicQuality
    versions: list[PublicVersion]
    made_of: list[PublicInput]
    rows: NotRequired[PublicRows]
    retires_at: NotRequired[datetime]


class PublicDemand(TypedDict):
    """What a department was asked for, without who asked."""

    id: int
    title: str
    department: str
    department_name: str
    state: str
    asked_on: str
    dataset: NotRequired[str]


class PublicEntry(TypedDict):
    """An entry of the log, as everybody may read it."""

    index: int
    kind: str
    time: str
    commitment: str


class PublicEntries(TypedDict):
    """Entries, the newest first. `older`: give it as `before` for the next page; null at the end."""

    size: int
    entries: list[PublicEntry]
    older: int | None


class PublicCheckpoint(TypedDict):
    """At how many entries the log was signed, and when. `note`: the signed checkpoint itself."""

    size: int
    signed_at: datetime
    note: str


class PublicWitness(TypedDict):
    """A witness that the log knows, and what it co-signed last: at how many entries and when; null for what
    it never did. `key`: a vkey of type 0x04. `behind`: how many entries came since."""

    name: str
    key: str
    size: int | None
    time: datetime | None
    behind: int | None


class PublicWitnessGroup(TypedDict):
    """A group of witnesses or groups: it witnesses a checkpoint when `needed` of them do."""

    name: str
    needed: int
    members: list[str]


class PublicWitnesses(TypedDict):
    """The witnesses of the log. `quorum`: the witness or group that must co-sign a checkpoint before it is
    witnessed, or "none". `witnessed`: the size of the newest checkpoint of which that is so; null if there is
    none, and where the quorum is "none" of the newest that any co-signed."""

    size: int
    quorum: str
    groups: list[PublicWitnessGroup]
    witnesses: list[PublicWitness]
    witnessed: int | None


class CosignedCheckpoint(TypedDict):
    """A checkpoint of this log as it was signed, with the line of a cosignature/v1
    (c2sp.org/tlog-cosignature) below the log's own."""

    checkpoint: Annotated[str, Field(max_length=32_000)]


class AcceptedCosignature(TypedDict):
    """A cosignature that is kept. `time`: when the witness co-signed."""

    key: str
    time: datetime


class AcceptedCosignatures(TypedDict):
    """The cosignatures that were kept, of a checkpoint of `size` entries."""

    size: int
    accepted: list[AcceptedCosignature]
