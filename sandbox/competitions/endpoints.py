"""Competitions over HTTP: what anybody may see without an account, what organisers do, and what teams do."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.audit import Log
from sandbox.audit.schemas import Receipt
from sandbox.competitions import (
    appeals,
    board_forms,
    board_view,
    certificates,
    competitions,
    discussion,
    finals,
    incubation,
    jury,
    public_record,
    set_up,
    teams,
)
from sandbox.competitions import team_entries as entries
from sandbox.competitions.certificates import ShownAs
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.entries.model_entry import MOST_COLUMNS
from sandbox.competitions.questions import QuestionParameter
from sandbox.competitions.schemas import (
    AppealDocument,
    AssignedDocument,
    BoardDocument,
    CheckedCompetition,
    CheckedQuestion,
    CompetitionAnnouncement,
    CompetitionDocument,
    CompetitionEntryDocument,
    CompetitionRecord,
    CompetitionSplitDocument,
    CompetitionSummary,
    CompetitionTeamDocument,
    DiscussionPost,
    EnteredDocument,
    EntryKindName,
    FiledAppeal,
    FormedTeam,
    JoinedTeam,
    JurorDocument,
    LeftEarlierDocument,
    OpportunityDocument,
    ParticipationCertificate,
    PublicTeam,
    RankedEntry,
    ResultDocument,
    TrackResult,
)
from sandbox.identity import Principal
from sandbox.plain_text import PlainText

LONGEST_DOCUMENT = 60_000
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Name = Annotated[PlainText, Field(max_length=40)]
InQuery = Annotated[PlainText, Query(max_length=40)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Reason = Annotated[PlainText, Field(min_length=5, max_length=2000)]
Person = Annotated[PlainText, Field(min_length=1, max_length=40)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CompetitionText(Body):
    """A competition's document, YAML as policies/competition.schema.json describes it."""

    text: Annotated[PlainText, Field(min_length=1, max_length=LONGEST_DOCUMENT)]


class AgreedCompetition(Body):
    sha256: Annotated[Digest, Field(description="of the text that you read")]


class WithReason(Body):
    reason: Reason


class NewSplit(Body):
    """`accepted`: names of what left earlier; `read_whole`: datasets without a target, by name."""

    track: Name
    accepted: Annotated[list[Annotated[PlainText, Field(max_length=200)]], Field(max_length=10_000)] = []
    read_whole: Annotated[list[Annotated[PlainText, Field(max_length=100)]], Field(max_length=1000)] = []


class NewJuror(Body):
    track: Name
    juror: Person


class NewRound(Body):
    """`instead_of`: a juror whose unmarked documents of an assigned round go to others."""

    track: Name
    round: Name
    instead_of: Person | None = None


class NewResult(Body):
    """A result that replaces another needs a reason."""

    reason: Annotated[PlainText, Field(max_length=2000)] = ""


class NewLook(Body):
    upheld: bool
    reason: Reason


class NewOpportunity(Body):
    """The ranked entry of kind document or questions, and what the list says of it."""

    entry: Annotated[int, Field(ge=1, le=2**31 - 1)]
    title_en: Annotated[PlainText, Field(min_length=1, max_length=200)]
    title_zh: Annotated[PlainText, Field(min_length=1, max_length=200)]
    summary_en: Annotated[PlainText, Field(min_length=1, max_length=4000)]
    summary_zh: Annotated[PlainText, Field(min_length=1, max_length=4000)]


Post = Annotated[PlainText, Field(max_length=discussion.LONGEST_POST)]


class NewAnnouncement(Body):
    """In one language or in both; the other is empty."""

    text_zh: Post = ""
    text_en: Post = ""


class NewPost(Body):
    """`answers`: the question that it answers; without it, a question."""

    text: Annotated[PlainText, Field(min_length=1, max_length=discussion.LONGEST_POST)]
    answers: Number | None = None


class NewParticipation(Body):
    """`shown_as`: by your account's name, by its id, or as a member of the team without a name."""

    shown_as: ShownAs = "display_name"


class NewTeam(Body):
    """`terms_sha256`: of the terms that you accept. `hidden`: others see a number until the public notice."""

    name: Annotated[PlainText, Field(min_length=1, max_length=60)]
    terms_sha256: Digest
    hidden: bool = False


class NewMember(Body):
    invitation: Annotated[PlainText, Field(min_length=1, max_length=100)]
    terms_sha256: Digest


class NewMerger(Body):
    into: Number


EntryContent = dict[
    Annotated[PlainText, Field(max_length=20)],
    PlainText
    | Annotated[list[PlainText], Field(max_length=MOST_COLUMNS)]
    | Annotated[list[QuestionParameter], Field(max_length=10)],
]


class QuestionToCheck(Body):
    """`content`: {"title", "purpose", "sql", "epsilon", "parameters"} of a named private question."""

    track: Name
    content: EntryContent


class NewEntry(Body):
    """`content`: {"model": base64 of a .safetensors file, "columns": [...], "predicts": kind} of a linear
    model, {"run": id} of a predictor that your team submitted, {"text": ...} of a document, or {"title",
    "purpose", "sql", "epsilon", "parameters"} of a named private question, whose SQL has :name for each.
    `outside_data`: what you used from outside, where it must be declared."""

    track: Name
    kind: EntryKindName
    content: EntryContent
    note: Annotated[PlainText, Field(max_length=200)] = ""
    outside_data: Annotated[PlainText, Field(max_length=4000)] = ""


class GivenMarks(Body):
    """Points of each criterion of the rubric."""

    round: Name
    marks: Annotated[
        dict[Annotated[PlainText, Field(max_length=40)], Annotated[int, Field(ge=0, le=1000)]],
        Field(max_length=30),
    ]
    comment: Annotated[PlainText, Field(max_length=4000)] = ""


class NewAppeal(Body):
    track: Name
    text: Annotated[PlainText, Field(min_length=5, max_length=8000)]


def opportunities_router(context: CompetitionContext) -> APIRouter:
    """The list of opportunities, 城市机会清单."""
    api = APIRouter(prefix="/v1/opportunities", tags=["competitions"])

    @api.get(
        "",
        operation_id="list_opportunities",
        summary="Ideas of competitions that departments look for somebody to realise",
        responses=answers(list[OpportunityDocument]),
    )
    def listed() -> list[OpportunityDocument]:
        """The newest first. Needs no account."""
        return incubation.list_opportunities(context)

    return api


def public_router(context: CompetitionContext, log: Log) -> APIRouter:
    """What anybody sees, without an account: nothing in it names a person who takes part."""
    api = APIRouter(prefix="/v1/competitions", tags=["competitions"])

    @api.get(
        "",
        operation_id="list_competitions",
        summary="Competitions that were announced",
        responses=answers(list[CompetitionSummary]),
    )
    def listed() -> list[CompetitionSummary]:
        """The newest first. Needs no account."""
        return competitions.list_public(context)

    @api.get(
        "/{name}",
        operation_id="get_competition",
        summary="A competition",
        responses=answers(CompetitionDocument, 404),
    )
    def one(name: str) -> CompetitionDocument:
        """Its document, phases and state. Needs no account."""
        return competitions.read_public(context, name)

    @api.get(
        "/{name}/teams",
        operation_id="list_competition_teams",
        summary="The teams of a competition",
        responses=answers(list[PublicTeam], 404),
    )
    def list_teams(name: str) -> list[PublicTeam]:
        """Without people; without names where teams hide them until the public notice."""
        return teams.list_teams(context, name)

    @api.get(
        "/{name}/board",
        operation_id="get_board",
        summary="The board of a track",
        responses=answers(BoardDocument, 404),
    )
    def board(name: str, track: InQuery, phase: InQuery | None = None) -> BoardDocument:
        """One line a team, with intervals and ranges of ranks, and how small a difference it shows."""
        return board_view.read_board(context, name, track, phase)

    @api.get(
        "/{name}/result",
        operation_id="get_competition_result",
        summary="The result of a competition",
        responses=answers(ResultDocument, 404),
    )
    def result(name: str, revision: Annotated[int | None, Query(ge=1, le=10_000)] = None) -> ResultDocument:
        """The newest revision, or the one asked for: every one stays."""
        tracks, row = finals.read_result(context, name, revision)
        return _result(context, log, name, tracks, row.revision, row.reason, row.published_at, row.log_index)

    @api.get(
        "/{name}/record",
        operation_id="get_competition_record",
        summary="The public record of a competition",
        responses=answers(CompetitionRecord, 404),
    )
    def record(name: str) -> CompetitionRecord:
        """Its public steps with receipts: scores and results can be computed again from it."""
        return public_record.read_record(context, log, name)

    @api.get(
        "/{name}/announcements",
        operation_id="list_competition_announcements",
        summary="What the organiser of a competition announced",
        responses=answers(list[CompetitionAnnouncement], 404),
    )
    def announcements(name: str) -> list[CompetitionAnnouncement]:
        """The newest first. Needs no account."""
        return discussion.list_announcements(context, name)

    @api.get(
        "/{name}/splits",
        operation_id="list_competition_splits",
        summary="How the people of a competition's tracks are split",
        responses=answers(list[CompetitionSplitDocument], 404),
    )
    def splits(name: str) -> list[CompetitionSplitDocument]:
        """Commitments and public numbers; the seeds once the competition has ended."""
        competitions.read_public(context, name)
        return set_up.list_splits(context, name)

    return api


def organisers_router(
    context: CompetitionContext, log: Log, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    """What officers of the organiser, and of departments whose data it uses, do."""
    api = APIRouter(prefix="/v1", tags=["competitions"])
    Officer = Annotated[Principal, Depends(authenticate)]
    one = "/competitions/{name}"

    @api.get(
        "/competition-drafts",
        operation_id="list_own_competitions",
        summary="Competitions of your department, drafts too",
        responses=answers(list[CompetitionSummary], 403),
    )
    def listed(officer: Officer) -> list[CompetitionSummary]:
        """And drafts that would use its data."""
        return competitions.list_own(context, officer)

    @api.post(
        "/competition-drafts",
        operation_id="write_competition_draft",
        summary="Draft a competition, or change its draft",
        responses=answers(CompetitionDocument, 403, 404, 409),
    )
    def write(officer: Officer, draft: CompetitionText) -> CompetitionDocument:
        """Agreements to the text before do not count for the new one."""
        return competitions.write_draft(context, officer, draft.text)

    @api.post(
        "/competition-drafts/check",
        operation_id="check_competition_draft",
        summary="All faults of a competition's document",
        responses=answers(CheckedCompetition, 403),
    )
    def check(officer: Officer, draft: CompetitionText) -> CheckedCompetition:
        """Each with its line. Nothing is kept."""
        faults = competitions.check(context, officer, draft.text)
        return CheckedCompetition(faults=faults, boards=board_forms.plans_of_text(context, draft.text))

    @api.get(
        "/competition-drafts/{name}",
        operation_id="get_competition_draft",
        summary="A competition's draft",
        responses=answers(CompetitionDocument, 403, 404),
    )
    def draft(officer: Officer, name: str) -> CompetitionDocument:
        """With the departments that have still to agree."""
        return competitions.read_draft(context, officer, name)

    @api.post(
        one + "/agree",
        operation_id="agree_to_competition",
        summary="Agree to a competition's draft",
        responses=answers(CompetitionDocument, 403, 404, 409),
    )
    def agree(officer: Officer, name: str, agreed: AgreedCompetition) -> CompetitionDocument:
        """For your department's data; of the organiser's own department as its second officer."""
        return competitions.agree(context, officer, name, agreed.sha256)

    @api.post(
        one + "/announce",
        operation_id="announce_competition",
        summary="Announce a competition",
        responses=answers(CompetitionDocument, 403, 404, 409),
    )
    def announce(officer: Officer, name: str) -> CompetitionDocument:
        """From now on it is public, and does not change."""
        return competitions.announce(context, officer, name)

    @api.post(
        one + "/cancel",
        operation_id="cancel_competition",
        summary="Cancel a competition",
        responses=answers(CompetitionDocument, 403, 404, 409),
    )
    def cancel(officer: Officer, name: str, why: WithReason) -> CompetitionDocument:
        """It ends without a result; its history stays."""
        return competitions.cancel(context, officer, name, why.reason)

    @api.get(
        one + "/left-earlier",
        operation_id="list_left_earlier",
        summary="What left of a track's data before its people are split",
        responses=answers(list[LeftEarlierDocument], 403, 404),
    )
    def left(officer: Officer, name: str, track: InQuery) -> list[LeftEarlierDocument]:
        """Each is accepted by its name, or no split is made."""
        return set_up.list_left(context, officer, name, track)

    @api.post(
        one + "/splits",
        operation_id="split_competition_track",
        summary="Split the people of a track",
        responses=answers(list[CompetitionSplitDocument], 402, 403, 404, 409),
    )
    def split(officer: Officer, name: str, new: NewSplit) -> list[CompetitionSplitDocument]:
        """From now until its seed is told everybody reads train people alone."""
        return set_up.make_split(
            context, officer, name, new.track, accepted=new.accepted, read_whole=new.read_whole
        )

    @api.post(
        one + "/splits/open",
        operation_id="open_competition_splits",
        summary="Tell the seeds of a competition's splits",
        responses=answers(list[CompetitionSplitDocument], 403, 404, 409),
    )
    def open_splits(officer: Officer, name: str) -> list[CompetitionSplitDocument]:
        """Once it has ended."""
        return set_up.open_splits(context, officer, name)

    @api.post(
        one + "/teams/{team}/disqualify",
        operation_id="disqualify_team",
        summary="Disqualify a team",
        responses=answers(PublicTeam, 403, 404, 409),
    )
    def disqualify(officer: Officer, name: str, team: Number, why: WithReason) -> PublicTeam:
        """The reason is public. A published result changes with its next revision."""
        return teams.disqualify(context, officer, name, team, why.reason)

    @api.post(
        one + "/teams/{team}/reinstate",
        operation_id="reinstate_team",
        summary="Take a disqualification back",
        responses=answers(PublicTeam, 403, 404, 409),
    )
    def reinstate(officer: Officer, name: str, team: Number, why: WithReason) -> PublicTeam:
        """The reason is in the log."""
        return teams.reinstate(context, officer, name, team, why.reason)

    _add_judging(api, context, log, authenticate)
    return api


def _add_judging(
    api: APIRouter, context: CompetitionContext, log: Log, authenticate: Callable[..., Principal]
) -> None:
    """Jurors, the final, the result, appeals and certificates."""
    Officer = Annotated[Principal, Depends(authenticate)]
    one = "/competitions/{name}"

    @api.get(
        one + "/jurors",
        operation_id="list_jurors",
        summary="The jurors of a competition",
        responses=answers(list[JurorDocument], 403, 404),
    )
    def jurors(officer: Officer, name: str) -> list[JurorDocument]:
        """And how far they are."""
        return jury.list_jurors(context, officer, name)

    @api.post(
        one + "/jurors",
        operation_id="appoint_juror",
        summary="Appoint a juror of a track",
        responses=answers(list[JurorDocument], 403, 404, 409),
    )
    def appoint(officer: Officer, name: str, new: NewJuror) -> list[JurorDocument]:
        """Nobody who takes part; documents of their own organisation they never get."""
        return jury.appoint(context, officer, name, track=new.track, juror=new.juror)

    @api.delete(
        one + "/jurors/{juror}",
        operation_id="remove_juror",
        summary="Release a juror",
        responses=answers(list[JurorDocument], 403, 404, 409),
    )
    def remove(officer: Officer, name: str, juror: str, track: InQuery) -> list[JurorDocument]:
        """Before documents are assigned."""
        return jury.remove(context, officer, name, track=track, juror=juror)

    @api.post(
        one + "/rounds",
        operation_id="assign_documents",
        summary="Assign the documents of a round to jurors",
        responses=answers(list[JurorDocument], 403, 404, 409),
    )
    def assign(officer: Officer, name: str, new: NewRound) -> list[JurorDocument]:
        """Evenly, without conflicts of interest, once. With `instead_of`, what this juror has not marked goes
        to others."""
        if new.instead_of is not None:
            return jury.reassign(
                context, officer, name, track=new.track, round=new.round, instead_of=new.instead_of
            )
        return jury.assign_round(context, officer, name, track=new.track, round=new.round)

    @api.post(
        one + "/final",
        operation_id="open_final",
        summary="Open the final, once",
        responses=answers(CompetitionDocument, 403, 404, 409),
    )
    def open_final(officer: Officer, name: str) -> CompetitionDocument:
        """Each team's chosen entry is scored on the final split."""
        return finals.open_final(context, officer, name)

    @api.post(
        one + "/result",
        operation_id="publish_competition_result",
        summary="Publish the result for public notice",
        responses=answers(ResultDocument, 403, 404, 409),
    )
    def publish(officer: Officer, name: str, new: NewResult) -> ResultDocument:
        """Computed from the log. A later revision needs a reason; earlier ones stay."""
        tracks, revision, at, index = finals.publish_result(context, officer, name, new.reason)
        return _result(context, log, name, tracks, revision, new.reason.strip(), at, index)

    @api.post(
        one + "/appeals/{id}/looks",
        operation_id="look_at_appeal",
        summary="Give your view of an appeal",
        responses=answers(AppealDocument, 403, 404, 409),
    )
    def look(officer: Officer, name: str, id: Number, new: NewLook) -> AppealDocument:
        """Blind to other reviewers. Two that agree decide it."""
        return appeals.look(context, officer, name, id, upheld=new.upheld, reason=new.reason)

    @api.get(
        one + "/ranked-entries",
        operation_id="list_ranked_entries",
        summary="The entries of the result, for those who make products of them",
        responses=answers(list[RankedEntry], 403, 404, 409),
    )
    def ranked(officer: Officer, name: str) -> list[RankedEntry]:
        """Of the newest result: documents and questions with what they say."""
        return incubation.list_ranked(context, officer, name)

    @api.post(
        one + "/opportunities",
        status_code=201,
        operation_id="publish_opportunity",
        summary="Put the idea of a ranked entry on the list of opportunities",
        responses=answers(OpportunityDocument, 403, 404, 409, status=201),
    )
    def opportunity(officer: Officer, name: str, new: NewOpportunity) -> OpportunityDocument:
        """In words of your own, once the public notice has ended; everybody reads it."""
        return incubation.publish_opportunity(
            context,
            officer,
            name,
            new.entry,
            title={"en": new.title_en, "zh": new.title_zh},
            summary={"en": new.summary_en, "zh": new.summary_zh},
        )


def teams_router(
    context: CompetitionContext, log: Log, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    """What people who take part do, and jurors."""
    api = APIRouter(prefix="/v1/competitions/{name}", tags=["competitions"])
    Someone = Annotated[Principal, Depends(authenticate)]

    def receipt(index: int) -> Receipt:
        return log.receipt(index, opening=True)  # type: ignore[return-value]

    _add_joining(api, context, receipt, authenticate)

    @api.post(
        "/leave",
        status_code=204,
        operation_id="leave_competition_team",
        summary="Leave your team",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def leave(person: Someone, name: str) -> Response:
        """Until teams are fixed. Who leaves a team that has entered joins no other."""
        teams.leave(context, person, name)
        return Response(status_code=204)

    @api.post(
        "/dissolve",
        status_code=204,
        operation_id="dissolve_team",
        summary="Dissolve your team",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def dissolve(person: Someone, name: str) -> Response:
        """Before it has entered; by its captain."""
        teams.dissolve(context, person, name)
        return Response(status_code=204)

    @api.post(
        "/withdraw",
        status_code=204,
        operation_id="withdraw_team",
        summary="Withdraw your team from a competition",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def withdraw(person: Someone, name: str, why: WithReason) -> Response:
        """What it did stays in the history; by its captain."""
        teams.withdraw(context, person, name, why.reason)
        return Response(status_code=204)

    @api.post(
        "/mergers",
        status_code=204,
        operation_id="propose_team_merger",
        summary="Propose to merge your team into another",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def propose(person: Someone, name: str, new: NewMerger) -> Response:
        """Its captain accepts it."""
        teams.propose_merger(context, person, name, new.into)
        return Response(status_code=204)

    @api.post(
        "/mergers/{team}/accept",
        operation_id="accept_team_merger",
        summary="Take in a team that proposed to merge",
        responses=answers(CompetitionTeamDocument, 403, 404, 409),
    )
    def accept(person: Someone, name: str, team: Number) -> CompetitionTeamDocument:
        """Its people and its entries become your team's, within the cap of one team."""
        return teams.accept_merger(context, person, name, team)

    _add_entries(api, context, receipt, authenticate)
    _add_jury_and_appeals(api, context, receipt, authenticate)
    _add_certificates(api, context, log, authenticate)
    return api


def _add_certificates(
    api: APIRouter, context: CompetitionContext, log: Log, authenticate: Callable[..., Principal]
) -> None:
    """Certificates of members of a team, after the public notice."""
    Someone = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/certificate",
        operation_id="take_participation_certificate",
        summary="Take your certificate of a competition",
        responses=answers(ParticipationCertificate, 403, 404, 409),
    )
    def take(person: Someone, name: str, wish: NewParticipation) -> ParticipationCertificate:
        """For members of a team with a scored entry, once the public notice has ended. You choose how you are
        called. Its receipt proves what it says to anybody."""
        return certificates.issue(context, log, person, name, wish.shown_as)

    @api.get(
        "/certificate",
        operation_id="get_participation_certificate",
        summary="Your certificate of a competition",
        responses=answers(ParticipationCertificate, 403, 404),
    )
    def show(person: Someone, name: str) -> ParticipationCertificate:
        """As it was taken last."""
        return certificates.read(context, log, person, name)


def discussion_router(context: CompetitionContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """Announcements and the discussion: for people, at the vault's address alone. Kernels have none of it."""
    api = APIRouter(prefix="/v1/competitions/{name}", tags=["competitions"])
    Someone = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/announcements",
        status_code=201,
        operation_id="announce_in_competition",
        summary="Announce something to everybody",
        responses=answers(CompetitionAnnouncement, 403, 404, 409, 429, status=201),
    )
    def announce(officer: Someone, name: str, new: NewAnnouncement) -> CompetitionAnnouncement:
        """It stands on the public page and in the feed, and all teams are told."""
        return discussion.announce(context, officer, name, text_zh=new.text_zh, text_en=new.text_en)

    @api.get(
        "/discussion",
        operation_id="list_discussion",
        summary="Questions and answers of a competition",
        responses=answers(list[DiscussionPost], 403, 404),
    )
    def listed(person: Someone, name: str) -> list[DiscussionPost]:
        """The newest question first, each followed by its answers. Teams are named as they show themselves,
        people only to the organiser, who sees announcements here too, also hidden ones."""
        return discussion.list_discussion(context, person, name)

    @api.post(
        "/discussion",
        status_code=201,
        operation_id="post_in_discussion",
        summary="Ask or answer in a competition's discussion",
        responses=answers(DiscussionPost, 403, 404, 409, 429, status=201),
    )
    def post(person: Someone, name: str, new: NewPost) -> DiscussionPost:
        """For people who take part, and the organiser, until the competition has ended."""
        return discussion.post(context, person, name, text=new.text, answers=new.answers)

    @api.post(
        "/discussion/{id}/hide",
        operation_id="hide_post",
        summary="Hide a post or an announcement",
        responses=answers(DiscussionPost, 403, 404, 409),
    )
    def hide(officer: Someone, name: str, id: Number, why: WithReason) -> DiscussionPost:
        """Its author is told, and reads the reason. It can be shown again."""
        return discussion.moderate(context, officer, name, id, then="hidden", reason=why.reason)

    @api.post(
        "/discussion/{id}/restore",
        operation_id="restore_post",
        summary="Show a hidden post again",
        responses=answers(DiscussionPost, 403, 404, 409),
    )
    def restore(officer: Someone, name: str, id: Number, why: WithReason) -> DiscussionPost:
        """Its author is told."""
        return discussion.moderate(context, officer, name, id, then="shown", reason=why.reason)

    @api.post(
        "/discussion/{id}/withdraw",
        operation_id="withdraw_post",
        summary="Take your post back",
        responses=answers(DiscussionPost, 403, 404, 409),
    )
    def withdraw(author: Someone, name: str, id: Number) -> DiscussionPost:
        """For good. What it was stays with the organiser."""
        return discussion.withdraw(context, author, name, id)

    return api


def kernels_router(
    context: CompetitionContext, log: Log, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    """What a team does from a sealed kernel: form or join, and enter. Marks, appeals, and what ends or merges
    a team are for the portal and the command line."""
    api = APIRouter(prefix="/v1/competitions/{name}", tags=["competitions"])

    def receipt(index: int) -> Receipt:
        return log.receipt(index, opening=True)  # type: ignore[return-value]

    _add_joining(api, context, receipt, authenticate)
    _add_entries(api, context, receipt, authenticate)
    return api


def _add_joining(
    api: APIRouter,
    context: CompetitionContext,
    receipt: Callable[[int], Receipt],
    authenticate: Callable[..., Principal],
) -> None:
    """The caller's team: to see it, form it, or join it."""
    Someone = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/my-team",
        operation_id="get_own_competition_team",
        summary="Your team in a competition",
        responses=answers(CompetitionTeamDocument, 403, 404),
    )
    def own(person: Someone, name: str) -> CompetitionTeamDocument:
        """Its people, what it used of its limits, and proposals to merge."""
        return teams.read_own_team(context, person, name)

    @api.post(
        "/teams",
        status_code=201,
        operation_id="form_team",
        summary="Form a team in a competition",
        responses=answers(FormedTeam, 403, 404, 409, status=201),
    )
    def form(person: Someone, name: str, new: NewTeam) -> FormedTeam:
        """You accept the terms, and get a receipt of it. The invitation is shown once."""
        team, invitation, index = teams.form(
            context, person, name, team=new.name, terms_sha256=new.terms_sha256, hidden=new.hidden
        )
        return FormedTeam(team=team, invitation=invitation, receipt=receipt(index))

    @api.post(
        "/members",
        status_code=201,
        operation_id="join_competition_team",
        summary="Join a team by its invitation",
        responses=answers(JoinedTeam, 403, 404, 409, status=201),
    )
    def join(person: Someone, name: str, new: NewMember) -> JoinedTeam:
        """You accept the terms, and get a receipt of it."""
        team, index = teams.join(
            context, person, name, invitation=new.invitation, terms_sha256=new.terms_sha256
        )
        return JoinedTeam(team=team, receipt=receipt(index))


def _add_entries(
    api: APIRouter,
    context: CompetitionContext,
    receipt: Callable[[int], Receipt],
    authenticate: Callable[..., Principal],
) -> None:
    """Entries of the caller's team."""
    Someone = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/entries",
        operation_id="list_own_entries",
        summary="Your team's entries",
        responses=answers(list[CompetitionEntryDocument], 403, 404),
    )
    def listed(person: Someone, name: str) -> list[CompetitionEntryDocument]:
        """The newest first; of those that wait, their place and when their score is expected."""
        return entries.list_entries(context, person, name)

    @api.post(
        "/entries",
        status_code=201,
        operation_id="enter_competition",
        summary="Hand in an entry",
        responses=answers(EnteredDocument, 403, 404, 409, 429, status=201),
    )
    def enter(person: Someone, name: str, new: NewEntry) -> EnteredDocument:
        """It waits in the queue, or for the jury. You get a receipt."""
        entry, index = entries.enter(
            context,
            person,
            name,
            track=new.track,
            kind=new.kind,
            content=new.content,
            note=new.note,
            outside_data=new.outside_data,
        )
        return EnteredDocument(entry=entry, receipt=receipt(index))

    @api.post(
        "/question-checks",
        operation_id="check_question_entry",
        summary="Check a named private question without handing it in",
        responses=answers(CheckedQuestion, 403, 404, 409, 429),
    )
    def check(person: Someone, name: str, question: QuestionToCheck) -> CheckedQuestion:
        """Planned and tried on stand-in rows, as when it is handed in. It costs no entry."""
        return entries.check_question(context, person, name, track=question.track, content=question.content)

    @api.get(
        "/entries/{id}",
        operation_id="get_own_entry",
        summary="An entry of your team",
        responses=answers(CompetitionEntryDocument, 403, 404),
    )
    def read(person: Someone, name: str, id: Number) -> CompetitionEntryDocument:
        """Its state, place and score."""
        return entries.read_entry(context, person, name, id)

    @api.post(
        "/entries/{id}/cancel",
        operation_id="cancel_entry",
        summary="Take back an entry that waits",
        responses=answers(CompetitionEntryDocument, 403, 404, 409),
    )
    def cancel(person: Someone, name: str, id: Number) -> CompetitionEntryDocument:
        """It costs nothing."""
        return entries.cancel_entry(context, person, name, id)

    @api.post(
        "/entries/{id}/choose",
        operation_id="choose_final_entry",
        summary="Choose your entry for the final",
        responses=answers(CompetitionEntryDocument, 403, 404, 409),
    )
    def choose(person: Someone, name: str, id: Number) -> CompetitionEntryDocument:
        """Without a choice, your best on the last board goes there."""
        return entries.choose_entry(context, person, name, id)


def _add_jury_and_appeals(
    api: APIRouter,
    context: CompetitionContext,
    receipt: Callable[[int], Receipt],
    authenticate: Callable[..., Principal],
) -> None:
    """Documents that jurors judge, and appeals."""
    Someone = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/documents",
        operation_id="list_assigned_documents",
        summary="Documents that you judge",
        responses=answers(list[AssignedDocument], 403, 404),
    )
    def documents(juror: Someone, name: str) -> list[AssignedDocument]:
        """Without their teams, and without what other jurors said."""
        return jury.own_documents(context, juror, name)

    @api.put(
        "/documents/{entry}/marks",
        operation_id="mark_document",
        summary="Mark a document",
        responses=answers(AssignedDocument, 403, 404, 409),
    )
    def mark(juror: Someone, name: str, entry: Number, given: GivenMarks) -> AssignedDocument:
        """Every criterion of the rubric; it can be changed until a result is published."""
        return jury.give_marks(
            context, juror, name, entry, round=given.round, marks=given.marks, comment=given.comment
        )

    @api.get(
        "/appeals",
        operation_id="list_appeals",
        summary="Appeals against a result",
        responses=answers(list[AppealDocument], 403, 404),
    )
    def list_appeals(who: Someone, name: str) -> list[AppealDocument]:
        """Your team's; for officers of the organiser, all."""
        return appeals.list_appeals(context, who, name)

    @api.post(
        "/appeals",
        status_code=201,
        operation_id="appeal_against_result",
        summary="Appeal against a result",
        responses=answers(FiledAppeal, 403, 404, 409, status=201),
    )
    def appeal(person: Someone, name: str, new: NewAppeal) -> FiledAppeal:
        """Until the deadline; two reviewers look at it, blind to each other."""
        filed, index = appeals.appeal(context, person, name, track=new.track, text=new.text)
        return FiledAppeal(appeal=filed, receipt=receipt(index))


def _result(
    context: CompetitionContext,
    log: Log,
    name: str,
    tracks: list[TrackResult],
    revision: int,
    reason: str,
    at: datetime,
    index: int,
) -> ResultDocument:
    return ResultDocument(
        competition=name,
        revision=revision,
        tracks=tracks,
        reason=reason,
        published_at=at,
        appeals_until=finals.appeals_until(context, name, at),
        receipt=log.receipt(index, opening=True),  # type: ignore[typeddict-item]
    )
