"""What the operations on competitions answer with. Scores are decimal numbers as text."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.audit.schemas import Receipt

CompetitionState = Literal["draft", "announced", "open", "judging", "notice", "closed", "cancelled"]
TeamState = Literal["active", "merged", "dissolved", "withdrawn", "disqualified"]
EntryState = Literal["queued", "running", "scored", "failed", "not_run", "cancelled", "received"]
AppealState = Literal["filed", "upheld", "dismissed"]
PhaseKindName = Literal["registration", "board", "jury", "final"]
MetricName = Literal[
    "accuracy", "brier", "log_loss", "mae", "rmse", "balanced_accuracy", "f1", "auc", "function"
]
PredictedName = Literal["number", "probability", "integer", "boolean", "text"]
EntryKindName = Literal["model", "program", "questions", "document"]


class CompetitionFault(TypedDict):
    """What is wrong at one place of a document; the message begins with its line. `path`: that place, such as
    `tracks.0.board.rho`; of something that is missing, where it should be."""

    message: Words
    remedy: Words
    path: str


class FunctionExample(TypedDict):
    """What an organiser's function gives for one row. `value`: what counts. `given`: what the function gave,
    before it was brought into [0, 1]; without it, it gave no value, which counts as 0."""

    target: bool | int | float | str
    prediction: bool | int | float | str
    value: str
    given: NotRequired[str]


class BoardPlanDocument(TypedDict):
    """What follows from a board's numbers. `people` and `final_people` are scored live and in the final.
    `entries`: of all teams. `sd`: of the noise of one score. `step`: of the Ladder. `visible`: the least
    difference of two teams that shows. `epsilon`: what all scores of the live board lose, at `delta`.
    `seconds_a_person`: of a prediction. `programs_an_hour` and `linear_models_an_hour`: how many entries are
    scored in one, while no other competition waits. `examples`: of a function of the organiser."""

    track: str
    people: int
    final_people: int
    entries: int
    entries_of_team: int
    sd: str
    step: str
    visible: str
    epsilon: str
    delta: str
    seconds_a_person: str
    programs_an_hour: int
    linear_models_an_hour: int
    examples: NotRequired[list[FunctionExample]]


class CheckedCompetition(TypedDict):
    """All faults of a document, and the plans of its boards whose numbers go together. Without any fault, it
    could be taken."""

    faults: list[CompetitionFault]
    boards: list[BoardPlanDocument]


class CompetitionFormSummary(TypedDict):
    """A competition that is being written. `revision` goes up by one with each change."""

    number: int
    revision: int
    changed_by: str
    changed_at: datetime


class CompetitionForm(CompetitionFormSummary):
    """With its text (YAML), as it was kept last: it may have faults."""

    text: str


class DayOfEntries(TypedDict):
    """How many entries came on a day of the competition's zone."""

    day: str
    entries: int


class TrackStatistics(TypedDict):
    """Entries of a track, without those of the final; by state, and by the day on which they came."""

    track: str
    entries: int
    states: dict[str, int]
    days: list[DayOfEntries]


class CompetitionStatistics(TypedDict):
    """What an organiser counts. `people`: in teams now, of so many `organisations`."""

    competition: str
    teams: dict[str, int]
    people: int
    organisations: int
    tracks: list[TrackStatistics]
    appeals: dict[str, int]


class AgreementDocument(TypedDict):
    """A department that must agree to a draft, and the officer who did, to the text as it is now."""

    department: str
    officer: NotRequired[str]
    agreed_at: NotRequired[datetime]


class PhaseDocument(TypedDict):
    """A span of time of a competition. Entries that wait when it closes are scored for `grace_minutes`."""

    id: str
    kind: PhaseKindName
    title: Words
    opens_at: datetime
    closes_at: datetime
    grace_minutes: int


class CompetitionSummary(TypedDict):
    """A competition in a list."""

    name: str
    title: Words
    department: str
    state: CompetitionState
    opens_at: datetime
    closes_at: datetime
    time_zone: str


class PositiveDocument(TypedDict):
    """People of the positive class: their target is one of `values`, or lies in [`at_least`, `below`)."""

    values: list[bool | int | str]
    at_least: NotRequired[float]
    below: NotRequired[float]


class BoardTrackDocument(TypedDict):
    """A track that has a board, as an entrant needs it: from these columns the `target` is predicted, and
    scored by `metric`; `clip` is the largest loss of one person. `function`: the organiser's own metric, and
    `predicts` what an entry predicts for it. `seconds`: the limit of a program that is called for each
    person; `model_seconds`: of a linear model."""

    id: str
    title: Words
    kinds: list[EntryKindName]
    dataset: str
    version: int
    features: list[str]
    target: str
    metric: MetricName
    clip: str
    function: NotRequired[str]
    predicts: NotRequired[PredictedName]
    positives: list[PositiveDocument]
    seconds: int
    model_seconds: int
    per_day: int
    in_total: int


class AskedDatasetDocument(TypedDict):
    """A dataset that a question of a track may ask, of these columns."""

    dataset: str
    version: int
    columns: list[str]


class JuryTrackDocument(TypedDict):
    """A track that a jury judges, as an entrant needs it. `datasets`: what a named private question may
    ask."""

    id: str
    title: Words
    kinds: list[EntryKindName]
    datasets: list[AskedDatasetDocument]
    per_day: int
    in_total: int


class CompetitionDocument(CompetitionSummary):
    """A competition. `text` is its document (YAML); `terms_sha256` is of the terms that a person accepts.
    `board_tracks` and `jury_tracks`: what an entrant needs of those tracks that have a board, or a jury."""

    sha256: str
    text: str
    terms_sha256: str
    phases: list[PhaseDocument]
    tracks: list[str]
    board_tracks: list[BoardTrackDocument]
    jury_tracks: list[JuryTrackDocument]
    agreements: list[AgreementDocument]
    teams: int
    entries: int
    notice_ends_at: NotRequired[datetime]
    reason: NotRequired[str]


class LeftEarlierDocument(TypedDict):
    """Something that left of a track's data before its people were split. It is accepted by its name."""

    name: str
    of: str
    at: datetime


class CompetitionSplitDocument(TypedDict):
    """How the people of a track are split: `commitment` is a hash that the `seed` opens at the end. `live`
    and `final` are numbers of people, which are public."""

    track: str
    split: str
    dataset: str
    version: int
    commitment: str
    live: int
    final: int
    state: Literal["committed", "opened"]
    seed: NotRequired[str]


class MemberDocument(TypedDict):
    """A person of a team, shown to the team and to the organiser."""

    person: str
    organisation: str
    joined_at: datetime


class QuotaDocument(TypedDict):
    """What a team has used of a track's limits. `today` is the day of the competition's zone."""

    track: str
    today: int
    per_day: int
    in_total: int
    of_total: int
    compute_seconds: int
    of_compute_seconds: int
    failed: dict[str, int]


class MergerDocument(TypedDict):
    """A team that proposed to merge into yours."""

    team: int
    name: str


class CompetitionTeamDocument(TypedDict):
    """A team, as its members and the organiser see it. `mergers`: proposals that wait for its captain."""

    id: int
    competition: str
    name: str
    hidden: bool
    captain: str
    state: TeamState
    members: list[MemberDocument]
    quotas: list[QuotaDocument]
    mergers: list[MergerDocument]
    reason: NotRequired[str]


class FormedTeam(TypedDict):
    """A new team, with the secret by which others join it, shown once, and the receipt of the terms that its
    first member accepted."""

    team: CompetitionTeamDocument
    invitation: str
    receipt: Receipt


class JoinedTeam(TypedDict):
    """A team that was joined, with the receipt of the terms that were accepted."""

    team: CompetitionTeamDocument
    receipt: Receipt


class PublicTeam(TypedDict):
    """A team, as anybody sees it. A hidden name is shown from the public notice on."""

    id: int
    name: NotRequired[str]
    state: TeamState
    members: int
    reason: NotRequired[str]


class EntryScore(TypedDict):
    """`score` in [0, 1], the larger the better, with its simultaneous interval; `shown`: whether the board
    moved by it."""

    score: str
    low: str
    high: str
    shown: bool


class QuestionPrice(TypedDict):
    """What the planner says of a question: the loss of one answer, how many groups it has, its outputs."""

    picorho: int
    cells: int
    outputs: list[str]


class CheckedQuestion(TypedDict):
    """A named private question that could be handed in: which dataset it asks, and at which price."""

    dataset: str
    price: QuestionPrice


class QuestionParameterDocument(TypedDict):
    """What a buyer of a question's answers chooses: one of `values`, or a value of `range`."""

    name: str
    type: Literal["integer", "text", "boolean", "date", "number"]
    values: NotRequired[list[bool | int | float | str]]
    range: NotRequired[list[bool | int | float | str]]


class CompetitionEntryDocument(TypedDict):
    """An entry, as its team sees it. `counts`: against the team's limits. While it waits: its place in the
    queue, from 1, and when its score is expected. `failure`: the class of a failure, one of a fixed list."""

    id: int
    track: str
    phase: str
    kind: EntryKindName
    person: str
    note: str
    sha256: str
    outside_data: str
    state: EntryState
    counts: bool
    submitted_at: datetime
    started_at: NotRequired[datetime]
    ended_at: NotRequired[datetime]
    place: NotRequired[int]
    expected_at: NotRequired[datetime]
    failure: NotRequired[str]
    score: NotRequired[EntryScore]
    final_of: NotRequired[int]
    price: NotRequired[QuestionPrice]
    chosen: bool


class ProposedQuestion(TypedDict):
    """A named private question, as an officer offers it as a product. `epsilon`: what one answer may lose."""

    dataset: str
    title: str
    purpose: str
    sql: str
    parameters: list[QuestionParameterDocument]
    epsilon: str


class RankedEntry(TypedDict):
    """An entry of a published result, for officers of the organiser: `text` of a document, `question` of a
    question. `teams`: of a question, once the public notice has ended, the teams that can have a share of its
    product: those that hold everybody who entered it. `opportunity`: its number on the list of
    opportunities."""

    track: str
    place: int
    entry: int
    kind: EntryKindName
    team: int
    team_name: str
    prize: NotRequired[Words]
    text: NotRequired[str]
    question: NotRequired[ProposedQuestion]
    teams: NotRequired[list[str]]
    opportunity: NotRequired[int]


class OpportunityDocument(TypedDict):
    """An idea from a competition that a department looks for somebody to realise, 城市机会."""

    id: int
    competition: str
    entry: int
    department: str
    team_name: str
    title: Words
    summary: Words
    published_at: datetime
    log_index: int


class EnteredDocument(TypedDict):
    """A new entry, with its receipt."""

    entry: CompetitionEntryDocument
    receipt: Receipt


class BoardLine(TypedDict):
    """A line of a board. `ranks`: the first and the last place that the interval allows."""

    place: int
    ranks: list[int]
    team: int
    name: NotRequired[str]
    entry: int
    score: str
    low: str
    high: str
    entries: int
    entered_at: datetime


class BaselineLine(TypedDict):
    """The organiser's own entry, without a rank: everybody is predicted to be `value`."""

    value: str
    score: str
    low: str
    high: str


class BoardDocument(TypedDict):
    """A board of a track in a phase, public. It says its own precision: the scored `people`, the `sd` of the
    noise of one score, the Ladder's `step`, and `visible`, the least difference of two teams that shows. And
    its price: the `rho` that `entries_in_all` share, which is about `epsilon` of `dataset_epsilon`."""

    competition: str
    track: str
    phase: str
    people: int
    step: str
    visible: str
    sd: str
    entries_in_all: int
    rho: str
    epsilon: str
    dataset_epsilon: str
    lines: list[BoardLine]
    baseline: NotRequired[BaselineLine]
    waiting: int


class ResultLine(TypedDict):
    """The place of a team in a track. `jury` and `board` are the parts of `score`, where there are both."""

    place: int
    ranks: list[int]
    team: int
    name: NotRequired[str]
    entry: NotRequired[int]
    score: str
    low: str
    high: str
    board: NotRequired[str]
    jury: NotRequired[str]
    spread: NotRequired[str]
    prize: NotRequired[Words]
    amount_fen: NotRequired[int]


class TrackResult(TypedDict):
    """The ranks of a track. `method`: how the jury's scores were aggregated."""

    track: str
    lines: list[ResultLine]
    method: NotRequired[str]


class ResultDocument(TypedDict):
    """A result. Each revision has a reason and stays. `appeals_until`: until when teams may appeal."""

    competition: str
    revision: int
    tracks: list[TrackResult]
    reason: str
    published_at: datetime
    appeals_until: datetime
    receipt: Receipt


class JurorDocument(TypedDict):
    """A juror of a track: how many documents wait, and how many are scored."""

    track: str
    juror: str
    organisation: str
    assigned: int
    scored: int


class CriterionDocument(TypedDict):
    """A line of a rubric; 0 to `points`."""

    id: str
    title: Words
    points: int


class AssignedDocument(TypedDict):
    """A document that a juror judges. Its team is not named. `marks` are the juror's own."""

    entry: int
    track: str
    round: str
    text: str
    outside_data: str
    rubric: list[CriterionDocument]
    marks: NotRequired[dict[str, int]]
    comment: NotRequired[str]


class AppealDocument(TypedDict):
    """An appeal. `outcome` gives the reasons once it is decided; `looks`: how many reviewers have looked."""

    id: int
    competition: str
    track: str
    team: int
    text: str
    revision: int
    state: AppealState
    filed_at: datetime
    looks: int
    yours: bool
    decided_at: NotRequired[datetime]
    outcome: NotRequired[str]


class FiledAppeal(TypedDict):
    """A new appeal, with its receipt."""

    appeal: AppealDocument
    receipt: Receipt


class CompetitionStep(TypedDict):
    """A public step of a competition, with the receipt that opens its log entry."""

    kind: str
    at: datetime
    receipt: Receipt


class CompetitionRecord(TypedDict):
    """All public steps of a competition, in their order: `cihu competition verify` recomputes from them."""

    competition: str
    text: str
    log_key: str
    steps: list[CompetitionStep]


class CertifiedTrack(TypedDict):
    """What the result shows of a team in a track. Without a place: its entry has a score, and the team stands
    in no result of the track."""

    track: str
    title: Words
    place: NotRequired[int]
    ranks: NotRequired[list[int]]
    prize: NotRequired[Words]


class ReplacedCertificate(TypedDict):
    """A certificate at the entry `log_index` of the log, which another name replaced. Its receipt stays good;
    the public entry `replaced_index` says that it was replaced, and names nobody."""

    participant: str
    shown_as: Literal["display_name", "account", "member"]
    issued_at: datetime
    log_index: int
    replaced_at: datetime
    replaced_index: int


class ParticipationCertificate(TypedDict):
    """That somebody took part in a competition, by its result of `revision`, after the public notice.
    `participant` is empty for whoever is called a member of the team. The receipt's opening says the same,
    and anybody can verify it. `changes_left`: how often another name can replace it; `replaced`: those that
    it replaced, the first first."""

    competition: str
    title: Words
    organiser: str
    team: int
    team_name: str
    participant: str
    shown_as: Literal["display_name", "account", "member"]
    revision: int
    tracks: list[CertifiedTrack]
    issued_at: datetime
    receipt: Receipt
    changes_left: int
    replaced: list[ReplacedCertificate]


class CompetitionAnnouncement(TypedDict):
    """What the organiser tells everybody, in one language or in both."""

    id: int
    posted_at: datetime
    zh: NotRequired[str]
    en: NotRequired[str]


class DiscussionPost(TypedDict):
    """A question, an answer to one, or an announcement. `team`: whose member wrote it, as anybody sees a
    team; `author`: told to officers of the organiser alone. Of what is hidden only they and its author see
    the text, and why."""

    id: int
    kind: Literal["announcement", "question", "answer"]
    state: Literal["shown", "hidden", "withdrawn"]
    posted_at: datetime
    yours: bool
    by_organiser: bool
    answers: NotRequired[int]
    team: NotRequired[PublicTeam]
    author: NotRequired[str]
    text: NotRequired[str]
    reason: NotRequired[str]
