"""Defines the document of a competition: what its organiser states before anybody registers.

The JSON schema (policies/competition.schema.json) is made of these models. Times are local times of the
competition's zone, written as `2026-03-01 09:00`.
"""

from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from sandbox.plain_text import PlainText

NAME = r"^[a-z][a-z0-9-]{1,39}$"
IDENTIFIER = r"^[a-z][a-z0-9_]{0,39}$"
COLUMN = r"^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{Nd}_]{0,62}$"
"""A column, as a policy may name it (policies/dataset.schema.json): 年龄 is one."""
DATASET = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
LOCAL_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}$"
LOCAL = "%Y-%m-%d %H:%M"
SIGNED = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"
DECIMAL = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"

Id = Annotated[str, Field(pattern=IDENTIFIER)]
ColumnName = Annotated[str, Field(pattern=COLUMN)]
LocalTime = Annotated[str, Field(pattern=LOCAL_TIME, description="local time of the zone: 2026-03-01 09:00")]
Number = Annotated[str, Field(pattern=DECIMAL, description='a decimal number in quotes, such as "0.1"')]
Text = Annotated[PlainText, Field(min_length=1, max_length=8000)]
Title = Annotated[PlainText, Field(min_length=1, max_length=200)]

PhaseKind = Literal["registration", "board", "jury", "final"]
EntryKind = Literal["model", "program", "questions", "document"]
JUDGED = frozenset({"document", "questions"})
"""Kinds of entries that a jury judges; the others are scored on a board."""
Metric = Literal["accuracy", "brier", "log_loss", "mae", "rmse", "balanced_accuracy", "f1", "auc", "function"]
Predicted = Literal["number", "probability", "integer", "boolean", "text"]
People = Annotated[int, Field(ge=1, le=100_000_000)]
TaskKind = Literal["classification", "regression", "document"]


class Part(BaseModel):
    """A part of the document: nothing but its fields, and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Titles(Part):
    """A title in both languages."""

    zh: Title
    en: Title


class Texts(Part):
    """A text in both languages."""

    zh: Text
    en: Text


class Organiser(Part):
    """Who holds the competition."""

    department: Annotated[str, Field(pattern=NAME, description="the organisation of the officers who run it")]
    contact: Annotated[PlainText, Field(min_length=3, max_length=200)]


class Phase(Part):
    """A span of time. `opens` belongs to it, `closes` does not. `grace_minutes`: how long after its close
    entries that were queued before are still scored."""

    id: Id
    kind: PhaseKind
    title: Titles
    opens: LocalTime
    closes: LocalTime
    grace_minutes: Annotated[int, Field(ge=0, le=10080)] = 0


class TrackDataset(Part):
    """A dataset of a track, in one version. `features` are what an entry may read, `target` is predicted."""

    dataset: Annotated[str, Field(pattern=DATASET)]
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    features: Annotated[list[ColumnName], Field(min_length=1, max_length=200)]
    target: ColumnName | None = None

    @property
    def askable(self) -> set[str]:
        """The columns that a named private question may use, beside the unit's."""
        return {*self.features, *([self.target] if self.target else ())}


class EntryLimits(Part):
    """How many entries a team may hand in. `seconds`: the limit of one entry, of `compute_seconds` in all."""

    kinds: Annotated[list[EntryKind], Field(min_length=1, max_length=4)]
    per_day: Annotated[int, Field(ge=1, le=100)]
    in_total: Annotated[int, Field(ge=1, le=1000)]
    seconds: Annotated[int, Field(ge=1, le=14400)] = 60
    compute_seconds: Annotated[int, Field(ge=1, le=10_000_000)]


class StratumOfTarget(Part):
    """People whose target is one of `values`, or lies in [`at_least`, `below`), or, with neither, all others.
    `people`: about how many there are, as the department knows it; `live` and `final`: exactly how many of
    them each split has. `positive`: they are the positive class, for metrics of two classes."""

    name: Id
    people: People
    live: Annotated[int, Field(ge=0, le=100_000_000)]
    final: Annotated[int, Field(ge=0, le=100_000_000)]
    values: Annotated[list[bool | int | PlainText], Field(max_length=1000)] = []
    at_least: float | None = None
    below: float | None = None
    positive: bool = False


class Board(Part):
    """How a board is scored. The strata give the public numbers of people in the live and the final split.
    `rho` is what the scores of all teams may lose of the live split together, `final_rho` of the final one.
    No more than `expected_teams` are taken, since they share it. `clip`: the largest loss of one person, for
    log loss, MAE and RMSE. `function`: the organiser's own metric, an expression over `target` and
    `prediction` that gives 0 (worst) to 1 for a row; `predicts`: what an entry predicts for it. Both stand
    with the metric `function`, and with no other. `baseline`: of numbers, what the organiser's own entry
    predicts for everybody; without it the middle of the strata, if all have both bounds."""

    metric: Metric
    function: Annotated[PlainText, Field(min_length=1, max_length=500)] | None = None
    predicts: Predicted | None = None
    strata: Annotated[list[StratumOfTarget], Field(min_length=1, max_length=100)]
    clip: Number | None = None
    rho: Number
    final_rho: Number
    smallest_difference: Number
    baseline: Annotated[str, Field(pattern=SIGNED)] | None = None
    expected_teams: Annotated[int, Field(ge=1, le=10_000)]

    @property
    def live(self) -> int:
        return sum(stratum.live for stratum in self.strata)

    @property
    def final(self) -> int:
        return sum(stratum.final for stratum in self.strata)

    @property
    def live_positives(self) -> int | None:
        """None where no stratum is of the positive class."""
        return sum(stratum.live for stratum in self.strata if stratum.positive) or None

    @property
    def final_positives(self) -> int | None:
        return sum(stratum.final for stratum in self.strata if stratum.positive) or None


class Criterion(Part):
    """One line of a rubric. Jurors give 0 to `points`."""

    id: Id
    title: Titles
    points: Annotated[int, Field(ge=1, le=1000)]


class JuryRound(Part):
    """A round of judging (a defence, 答辩, is one). `admits`: how many of the best documents of the rounds
    before take part; without it, all."""

    id: Id
    title: Titles
    weight: Annotated[int, Field(ge=1, le=100)]
    admits: Annotated[int, Field(ge=1, le=1000)] | None = None
    rubric: Annotated[list[Criterion], Field(min_length=1, max_length=30)]


class Jury(Part):
    """How documents are judged. `board_weight`: the percent of the final score that comes from the track's
    board, where it has both."""

    per_document: Annotated[int, Field(ge=3, le=20)] = 3
    per_juror: Annotated[int, Field(ge=1, le=1000)] = 5
    board_weight: Annotated[int, Field(ge=0, le=100)] = 0
    rounds: Annotated[list[JuryRound], Field(min_length=1, max_length=5)]


class Prize(Part):
    """What the teams on some places get."""

    title: Titles
    first_place: Annotated[int, Field(ge=1, le=1000)]
    last_place: Annotated[int, Field(ge=1, le=1000)]
    amount_fen: Annotated[int, Field(ge=0, le=10**13)]


class Track(Part):
    """A task (赛道) with its data, entries, board or jury, and prizes."""

    id: Id
    title: Titles
    task: TaskKind
    description: Texts
    datasets: Annotated[list[TrackDataset], Field(max_length=8)] = []
    entries: EntryLimits
    board: Board | None = None
    jury: Jury | None = None
    prizes: Annotated[list[Prize], Field(max_length=50)] = []


class Teams(Part):
    """Rules of teams. Nobody joins, leaves, merges or dissolves after `fixed_from`.
    `dissolution`: a team may dissolve before its first entry, or never."""

    smallest: Annotated[int, Field(ge=1, le=100)] = 1
    largest: Annotated[int, Field(ge=1, le=100)]
    one_organisation: bool = False
    merging: bool = True
    dissolution: Literal["before_first_entry", "never"] = "before_first_entry"
    fixed_from: LocalTime


class Eligibility(Part):
    """Who may register. One person is in one team, always."""

    organisations: Annotated[list[Annotated[str, Field(pattern=NAME)]], Field(max_length=1000)] = []
    account_days: Annotated[int, Field(ge=0, le=3650)] = 0
    certificate: Annotated[str, Field(pattern=NAME)] | None = None


class OutsideData(Part):
    """Whether entries may use data from outside; then each is declared with the entry."""

    rule: Literal["forbidden", "declared"]
    note: Texts | None = None


class Ownership(Part):
    """Who owns what, stated before anybody enters."""

    entries: Texts
    models: Texts


class Notice(Part):
    """公示: days of the public notice, and days from its begin in which teams may appeal."""

    days: Annotated[int, Field(ge=1, le=365)]
    appeal_days: Annotated[int, Field(ge=1, le=365)]


class Competition(Part):
    """The whole document. `ties`: equal scores share a place, or the earlier entry has the better one."""

    competition: Annotated[str, Field(pattern=NAME)]
    title: Titles
    summary: Texts
    organiser: Organiser
    time_zone: Annotated[str, Field(min_length=1, max_length=60)] = "Asia/Shanghai"
    phases: Annotated[list[Phase], Field(min_length=1, max_length=20)]
    tracks: Annotated[list[Track], Field(min_length=1, max_length=20)]
    teams: Teams
    eligibility: Eligibility = Eligibility()
    outside_data: OutsideData
    ownership: Ownership
    rules: Texts
    terms: Texts
    ties: Literal["share", "earlier"] = "earlier"
    notice: Notice

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def moment(self, local: str) -> datetime:
        """A local time of the document, with its zone."""
        return datetime.strptime(local, LOCAL).replace(tzinfo=self.zone)

    def track(self, id: str) -> Track | None:
        return next((track for track in self.tracks if track.id == id), None)

    def phases_of(self, kind: PhaseKind) -> list[Phase]:
        """In the order of time."""
        return [phase for phase in self.phases if phase.kind == kind]

    @property
    def opens_at(self) -> datetime:
        return min(self.moment(phase.opens) for phase in self.phases)

    @property
    def closes_at(self) -> datetime:
        """The end of the last phase in which teams enter or documents are judged."""
        return max(self.moment(phase.closes) for phase in self.phases if phase.kind != "final")

    @property
    def terms_sha256(self) -> str:
        """Of what a person accepts: terms, rules, ownership and what is said of outside data."""
        accepted = (self.terms, self.rules, self.ownership.entries, self.ownership.models)
        text = "\0".join(f"{part.zh}\0{part.en}" for part in accepted) + f"\0{self.outside_data.rule}"
        return sha256(text.encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON schema of the document. What may be left out is not also written as null, so that a fault
    inside it is told at its place."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cihu:schema:competition:1",
        "title": "A competition, 大赛",
    }
    simplified: dict[str, Any] = _simplified(Competition.model_json_schema())
    return head | simplified


def _simplified(node: Any) -> Any:
    """Without the titles that pydantic makes up, and without null as an alternative."""
    if isinstance(node, list):
        return [_simplified(value) for value in node]
    if not isinstance(node, dict):
        return node
    kept = {
        name: _simplified(value)
        for name, value in node.items()
        if not (name == "title" and isinstance(value, str)) and not (name == "default" and value is None)
    }
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept |= choices[0]
    return kept
