"""What the operations on oversight answer with."""

from datetime import datetime
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.grants.schemas import RequestDocument


class HeldByVault(TypedDict):
    """What the vault holds about whoever asks. `written_and_asked`: rows by table and column; `deeds`: how
    often they stand there as whoever decided, published or made something."""

    written_and_asked: dict[str, list[dict[str, Any]]]
    deeds: dict[str, int]


class AskingPerson(TypedDict):
    """`verified`: an operator checked the organisation, or entered it."""

    account: str
    name: str
    organisation: str
    organisation_name: str
    verified: bool
    disabled: bool


class AskingTeam(TypedDict):
    id: str
    name: str
    members: list[AskingPerson]


class HeldGrant(TypedDict):
    """A live grant of the team, of any department. `epsilon` is an exact decimal, written as text."""

    grant: int
    dataset: str
    department: str
    grade: str
    epsilon: str
    until: datetime


class RefusedRequest(TypedDict):
    """`reason` is empty where another department refused."""

    request: int
    dataset: str
    department: str
    decided_at: datetime
    reason: str


class EarlierWork(TypedDict):
    """What the team did before, in numbers. `waiting`: its other requests without a decision.
    `refused_requests`: the newest twenty."""

    requests: int
    waiting: int
    ended_grants: int
    questions: int
    questions_on_dataset: int
    runs: int
    refused: int
    refused_requests: list[RefusedRequest]


class LevelFacts(TypedDict):
    """A budget and what approving as asked would promise of it. The epsilons are at the dataset's delta, and
    do not add up; the percentages are of the limit in rho, and do. `fits`: so much is neither spent nor
    promised."""

    level: Literal["dataset", "population"]
    key: str
    epsilon_limit: str
    epsilon_left: str
    epsilon_added: float
    percent_spent: float
    percent_promised: float
    percent_added: float
    fits: bool


class GradeWay(TypedDict):
    """A way in which something of the dataset may leave, and whether its grade allows it."""

    way: str
    possible: bool
    text: Words


class NeededCertificate(TypedDict):
    """The course whose training certificate the dataset asks for, and until when whoever asks holds one; null
    where they hold no valid one."""

    course: str
    expires_at: datetime | None


class RequestFactsDocument(TypedDict):
    """What an officer needs to decide on a request. `combined_grade`: of all that the team would hold, by the
    highest. `most_epsilon`: the largest budget that can be approved now; `may_decide`: whether whoever looks
    may. `certificate`: where the dataset asks for one."""

    request: RequestDocument
    title: Words
    asked_by: AskingPerson
    team: AskingTeam
    holds: list[HeldGrant]
    earlier: EarlierWork
    grade: str
    ways: list[GradeWay]
    combined_grade: str
    levels: list[LevelFacts]
    grant_epsilon: str
    most_epsilon: str
    may_decide: bool
    certificate: NotRequired[NeededCertificate]


RiskKind = Literal[
    "budget_burn",
    "budget_promised",
    "refused_attempts",
    "many_questions",
    "near_capacity",
    "overdue_review",
    "overdue_opening",
    "overdue_problem",
    "overdue_update",
]


class RiskFinding(TypedDict):
    """Something out of the ordinary. `subject`: which thing, such as "grant:12"; `object`: its name. `value`
    and `limit`: what was found, and from when on it counts (percentages, or numbers of attempts and
    questions). `since`: from when on it is overdue; of a budget, when it will be used up at this rate.
    `told_at`: when its notice was given."""

    kind: RiskKind
    subject: str
    object: str
    department: str
    value: NotRequired[float]
    limit: NotRequired[float]
    since: NotRequired[datetime]
    told_at: NotRequired[datetime]


class TakenOnDocument(TypedDict):
    """Who has taken on something that waits. `name` is the person's. `handed_by`: the colleague who handed it
    over, with a `note`. `deputy_of`: who took it on and is no officer any more; the deputy counts."""

    kind: str
    id: str
    account: str
    name: str
    taken_at: datetime
    note: str
    handed_by: NotRequired[str]
    deputy_of: NotRequired[str]


class ColleagueDocument(TypedDict):
    account: str
    name: str


class WaitingDocument(TypedDict):
    """Something that waits for the asker. `taken_on` is absent while it is nobody's."""

    kind: str
    id: str
    department: str
    name: str
    since: datetime
    due_at: NotRequired[datetime]
    taken_on: NotRequired[TakenOnDocument]


class WaitingThingDocument(WaitingDocument):
    """`colleagues`: who beside the asker may do it, and whom it can be handed over to."""

    colleagues: list[ColleagueDocument]


class RiskLimitsDocument(TypedDict):
    """policies/risks.yaml."""

    window_days: int
    burn_percent: int
    refused_attempts: int
    questions_factor: int
    questions_least: int
    capacity_percent: int
    promised_percent: int


class RisksDocument(TypedDict):
    """What is out of the ordinary now. `department` is absent for auditors, who see all."""

    as_of: datetime
    department: NotRequired[str]
    limits: RiskLimitsDocument
    findings: list[RiskFinding]


class FoundLogEntry(TypedDict):
    """An entry with what it says. `erased`: its opening is gone, and with it everything but its kind and
    time. `actor` is missing where it is another organisation's and not the reader's to know. `payload` is for
    auditors alone. `explained`: the reader may have a decision on it explained (GET
    /v1/decisions/{index})."""

    index: int
    kind: str
    time: str
    erased: bool
    explained: NotRequired[bool]
    actor: NotRequired[str]
    subject: NotRequired[str]
    payload: NotRequired[dict[str, object]]


class LogSearchDocument(TypedDict):
    """`size` of the log. `older`: `before` of the next page; null at the end."""

    size: int
    entries: list[FoundLogEntry]
    older: int | None


class LogTrailDocument(LogSearchDocument):
    """The entries that name an object. `department`: whose object it is; empty where it is nobody's."""

    object: str
    department: str


class DepartmentCounts(TypedDict):
    """Of the own department, and for auditors. `quality`: the mean score of its datasets, for its officers.
    `dated_decisions`: decisions with a due date; `late_decisions` of them came after it, or did not come."""

    datasets: int
    overdue_updates: int
    requests_decided: int
    requests_waiting: int
    dated_decisions: int
    late_decisions: int
    quality: NotRequired[float]


class DepartmentScore(TypedDict):
    """`on_time_percent`: decisions with a due date that kept it. `median_days`: from a request to its
    decision. Without counts, both are null unless enough decisions stand behind each. `opened`: datasets with
    an open copy. `since`, `until`: of when the figures are; without counts, whole months before this one."""

    department: str
    name: str
    since: datetime
    until: datetime
    on_time_percent: int | None
    median_days: float | None
    opened: int
    counts: NotRequired[DepartmentCounts]


class ScoreboardDocument(TypedDict):
    """How the departments worked in the last `days` days, by their ids. `least_decisions`: behind each figure
    of another department, which is of whole months."""

    as_of: datetime
    days: int
    least_decisions: int
    departments: list[DepartmentScore]


class NeedMet(TypedDict):
    name: str
    met: bool


class QueueLength(TypedDict):
    name: str
    waiting: int


class FailedWork(TypedDict):
    """How often something failed in the last seven days, by its kind in the log."""

    kind: str
    times: int


class PullsStanding(TypedDict):
    active: int
    failing: int


class VaultHealthDocument(TypedDict):
    """What the vault needs, what waits, and what failed. Nothing of data."""

    version: str
    needs: list[NeedMet]
    queues: list[QueueLength]
    failed: list[FailedWork]
    pulls: PullsStanding
    disk_free_bytes: int
    disk_bytes: int


class DecisionRule(TypedDict):
    """A rule of policies/*.cedar: its reason, and its Cedar. `effect`: permit or forbid."""

    id: str
    file: str
    effect: str
    reason_en: str
    reason_zh: str
    text: str


class DecisionAttribute(TypedDict):
    """An attribute that was decided on, of those that the reader may see. `of`: principal, resource or
    context."""

    of: str
    attribute: str
    name_en: str
    name_zh: str
    value_en: str
    value_zh: str


class DecisionChange(TypedDict):
    """What would be different."""

    text_en: str
    text_zh: str


class DecisionWay(TypedDict):
    """Changes that together would have the deed allowed: the rules were asked again with them."""

    changes: list[DecisionChange]


class ExplainedDecision(TypedDict):
    """What was asked, the answer, and why. `rules`: those that decided; `could`: those that would allow it,
    where it was refused. `ways`: what would have to be different, each by itself enough; empty where it is
    not known, or not the reader's to know. `remedy`: of the rule that refused. `same_rules`: whether the
    rules are still those that decided; else their text is the present one."""

    person: str
    action: str
    kind: str
    id: str
    allowed: bool
    code: str
    question_en: str
    question_zh: str
    reason_en: str
    reason_zh: str
    remedy_en: str
    remedy_zh: str
    rules: list[DecisionRule]
    could: list[DecisionRule]
    attributes: list[DecisionAttribute]
    ways: list[DecisionWay]
    same_rules: bool


class EntryDecisionsDocument(TypedDict):
    """The decisions on the deed of an entry of the log; `entry`, `time` (ISO 8601, UTC) and `entry_kind` are
    the entry's."""

    entry: int
    time: str
    entry_kind: str
    decisions: list[ExplainedDecision]


class WhatIfDocument(TypedDict):
    """What the rules say now of a deed that nobody did. It is no decision: nobody may do anything by it, and
    the log has no entry of it."""

    hypothetical: Literal[True]
    as_of: datetime
    decision: ExplainedDecision


class RefusedAttempt(TypedDict):
    """A refused deed, as its entry of the log says. `deed`: the action in words."""

    entry: int
    time: str
    person: str
    action: str
    deed_en: str
    deed_zh: str
    kind: str
    id: str
    code: str


class RefusedAttemptsDocument(TypedDict):
    """The newest refused deeds that the reader may have explained. `older`: `before` of the next page; null
    at the end."""

    attempts: list[RefusedAttempt]
    older: int | None
