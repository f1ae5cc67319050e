"""The facts of a request, what is out of the ordinary, how departments work, and the log for those who look
into it, and explained decisions, over HTTP."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sandbox.api_schema import LARGEST_EXACT, ExactInt, answers
from sandbox.audit import Log
from sandbox.audit.export import MOST_EXPORTED, Format
from sandbox.audit.listing import require_zone
from sandbox.audit.search import MOST_FOUND, LogFilter
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.oversight import decisions, log_trail, taken_on
from sandbox.oversight.held_about import held_about
from sandbox.oversight.request_facts import OversightContext, request_facts
from sandbox.oversight.risks import RiskContext, risks
from sandbox.oversight.schemas import (
    EntryDecisionsDocument,
    HeldByVault,
    LogSearchDocument,
    LogTrailDocument,
    RefusedAttemptsDocument,
    RequestFactsDocument,
    RisksDocument,
    ScoreboardDocument,
    TakenOnDocument,
    VaultHealthDocument,
    WaitingDocument,
    WaitingThingDocument,
    WhatIfDocument,
)
from sandbox.oversight.scoreboard import MONTHS, scoreboard
from sandbox.oversight.taken_on import TakenOnContext
from sandbox.oversight.vault_health import Needs, vault_health
from sandbox.plain_text import PlainText
from sandbox.policy import Gate

NDJSON, CSV = "application/x-ndjson", "text/csv; charset=utf-8"
FILE = answers(None, 403, media_type=NDJSON)
FILE[200]["content"]["text/csv"] = {"schema": {"type": "string"}}

Text = Annotated[PlainText, Query(max_length=300)]
Before = Annotated[int | None, Query(ge=0, le=LARGEST_EXACT)]
Limit = Annotated[int, Query(ge=1, le=MOST_FOUND)]
ListLimit = Annotated[int, Query(ge=1, le=decisions.MOST_LISTED)]
Name = Annotated[PlainText, Query(min_length=1, max_length=70)]
DAYS = {str(days): days for days in MONTHS}
Days = Annotated[Literal[31, 92, 183, 366], BeforeValidator(lambda given: DAYS.get(given, given))]
"""Few windows, so that no two of them differ by a single day."""


def risks_router(context: RiskContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["oversight"])

    @api.get(
        "/risks",
        operation_id="list_risks",
        summary="What is out of the ordinary",
        responses=answers(RisksDocument, 403),
    )
    def listed(asker: Annotated[Principal, Depends(authenticate)]) -> RisksDocument:
        """Budgets that end early, refused attempts, many questions, what is overdue, and teams near a limit.
        For officers of their department, for auditors of all. Nothing of rows or answers is in it."""
        return risks(context, asker)

    return api


class TakingOn(BaseModel):
    """`instead_of`: the colleague who has it until now, where the asker takes it over from them."""

    model_config = ConfigDict(extra="forbid")

    instead_of: Annotated[PlainText, Field(max_length=100)] | None = None


class HandingOver(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: Annotated[PlainText, Field(max_length=100)]
    note: Annotated[PlainText, Field(max_length=1000)] = ""


def taken_on_router(
    context: TakenOnContext, *, authenticate: Callable[..., Principal], prefix: str, of: str
) -> APIRouter:
    """The same operations in the vault and in the portal, each of what waits there. `of`: a word for the ids
    of the operations that tells the two apart."""
    api = APIRouter(prefix=prefix, tags=["oversight"])
    Asker = Annotated[Principal, Depends(authenticate)]
    Kind = Annotated[Literal[*context.kinds], Path()]  # type: ignore[valid-type]
    Id = Annotated[PlainText, Path(max_length=400)]

    @api.get(
        "/taken-on",
        operation_id=f"list_taken_on{of}",
        summary="Who has taken on what waits",
        responses=answers(list[TakenOnDocument]),
    )
    def listed(asker: Asker) -> list[TakenOnDocument]:
        """Of the asker's department or role. What is absent is nobody's. It locks nothing: whoever may
        decide still may."""
        return taken_on.taken_on_by(context, asker)

    @api.get(
        "/waiting",
        operation_id=f"list_waiting{of}",
        summary="All that waits for you",
        responses=answers(list[WaitingDocument]),
    )
    def waits(asker: Asker) -> list[WaitingDocument]:
        """What the asker could do themself, by department and role, and who has taken it on; the oldest
        first. Each kind has a list or a page of its own that says more."""
        return taken_on.waiting_list(context, asker)

    @api.get(
        "/waiting/{kind}/{id}",
        operation_id=f"get_waiting{of}",
        summary="Something that waits for you, and who may do it",
        responses=answers(WaitingThingDocument, 404),
    )
    def one(asker: Asker, kind: Kind, id: Id) -> WaitingThingDocument:
        """Who has taken it on, and the colleagues to whom it can be handed over: those who may do it."""
        return taken_on.waiting_thing(context, asker, kind, id)

    @api.post(
        "/waiting/{kind}/{id}/take-on",
        operation_id=f"take_on{of}",
        summary="Take something on",
        responses=answers(WaitingThingDocument, 403, 404, 409),
    )
    def take(asker: Asker, kind: Kind, id: Id, taking: TakingOn) -> WaitingThingDocument:
        """The asker becomes the person who is responsible, until it is done. From a colleague who has it, by
        naming them; they are told."""
        return taken_on.take_on(context, asker, kind, id, instead_of=taking.instead_of)

    @api.post(
        "/waiting/{kind}/{id}/hand-over",
        operation_id=f"hand_over_waiting{of}",
        summary="Hand over what you have taken on",
        responses=answers(WaitingThingDocument, 403, 404),
    )
    def handed(asker: Asker, kind: Kind, id: Id, handing: HandingOver) -> WaitingThingDocument:
        """To a colleague who may do it; they are told, and find the note with it."""
        return taken_on.pass_on(context, asker, kind, id, to=handing.to, note=handing.note)

    @api.post(
        "/waiting/{kind}/{id}/give-back",
        status_code=204,
        operation_id=f"give_back{of}",
        summary="Give back what you have taken on",
        responses=answers(None, 403, 404, status=204),
    )
    def given_back(asker: Asker, kind: Kind, id: Id) -> None:
        """It is nobody's again."""
        taken_on.give_back(context, asker, kind, id)

    return api


def held_router(database: Database, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["me"])

    @api.get(
        "/me/held",
        operation_id="get_held_about_me",
        summary="What the vault holds about you",
        responses=answers(HeldByVault),
    )
    def held(person: Annotated[Principal, Depends(authenticate)]) -> HeldByVault:
        """What you wrote and asked, and how often you decided or made something. The portal's export has it
        beside what the portal holds."""
        return held_about(database, person)

    return api


def router(context: OversightContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["requests and grants"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/requests/{number}/facts",
        operation_id="get_request_facts",
        summary="All that a decision on a request needs",
        responses=answers(RequestFactsDocument, 403, 404),
    )
    def facts(asker: Asker, number: ExactInt) -> RequestFactsDocument:
        """Who asks, what their team holds and did before, the grade of all that it would hold, and what the
        decision would promise of each budget. For officers of the dataset's department, and auditors."""
        return request_facts(context, asker, number)

    return api


def scoreboard_router(context: OversightContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["oversight"])

    @api.get(
        "/scoreboard",
        operation_id="get_scoreboard",
        summary="How the departments work",
        responses=answers(ScoreboardDocument, 403),
    )
    def of_departments(
        asker: Annotated[Principal, Depends(authenticate)],
        days: Annotated[Days, Query()] = 92,
    ) -> ScoreboardDocument:
        """What was decided in time, in how many days, what is overdue and what was opened, in the last `days`
        days. For officers, with counts of their own department; for auditors, with all counts. Of a
        department without counts the figures are of the last 1, 3, 6 or 12 whole months."""
        return scoreboard(context, asker, days=days)

    return api


def health_router(
    database: Database, gate: Gate, *, needs: Needs, home: FilePath, authenticate: Callable[..., Principal]
) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["oversight"])

    @api.get(
        "/health",
        operation_id="get_vault_health",
        summary="The health of the vault",
        responses=answers(VaultHealthDocument, 403),
    )
    def health(asker: Annotated[Principal, Depends(authenticate)]) -> VaultHealthDocument:
        """What the vault needs, what waits, and what failed in the last seven days. For operators; nothing of
        data is in it. The portal's operation of the same kind puts all parts together."""
        return vault_health(database, gate, asker, needs=needs, home=home)

    return api


def log_router(log: Log, gate: Gate, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """The log for auditors, and trails for officers."""
    api = APIRouter(prefix="/v1/log", tags=["log"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/search",
        operation_id="search_log",
        summary="Search the log by person, object, kind and time",
        responses=answers(LogSearchDocument, 403),
    )
    def found(
        asker: Asker,
        wanted: Annotated[LogFilter, Depends(log_filter)],
        before: Before = None,
        limit: Limit = 50,
    ) -> LogSearchDocument:
        """The newest first, with what the entries say. For auditors. `object` is written like the subject of
        an entry: `dataset:health.visits`, `grant:12`. `person`: an account that did it or that it names."""
        return log_trail.search(log, gate, asker, wanted, before=before, limit=limit)

    @api.get(
        "/objects/{kind}/{id:path}",
        operation_id="get_log_trail",
        summary="The audit trail of an object",
        responses=answers(LogTrailDocument, 403),
    )
    def trail(
        asker: Asker,
        kind: Annotated[PlainText, Path(max_length=60)],
        id: Annotated[PlainText, Path(max_length=200)],
        before: Before = None,
        limit: Limit = 50,
    ) -> LogTrailDocument:
        """Every entry that names the object, the newest first: a dataset, request, grant, run, model,
        product, order, licence, key, invoice, competition, competition_team, competition_entry, account or
        whatever entries name. For auditors; for officers, of what is their department's; for a company, of
        its orders, licences, keys and invoices; for anybody, of their account. Without what entries say, but
        for auditors."""
        return log_trail.trail(log, gate, asker, kind, id, before=before, limit=limit)

    @api.post(
        "/exports",
        response_class=StreamingResponse,
        operation_id="export_log",
        summary="Take entries of the log as a file that proves itself",
        responses=FILE,
    )
    def taken(
        asker: Asker,
        wanted: Annotated[LogFilter, Depends(log_filter)],
        format: Format = "ndjson",
        most: Annotated[int, Query(ge=1, le=MOST_EXPORTED)] = MOST_EXPORTED,
    ) -> StreamingResponse:
        """The newest entries that fit the search, each as a receipt with its proof and the same signed
        checkpoint: `cihu audit verify` takes an NDJSON file whole. For auditors. An entry of the log says
        that it was taken, and by whom."""
        pieces = log_trail.export(log, gate, asker, wanted, format=format, most=most)
        return StreamingResponse(
            pieces,
            media_type=NDJSON if format == "ndjson" else CSV,
            headers={"Content-Disposition": f'attachment; filename="log-export.{format}"'},
        )

    return api


def decisions_router(
    context: OversightContext, *, separated: bool, authenticate: Callable[..., Principal]
) -> APIRouter:
    """`separated`: accounts and roles are the three administrators' alone."""
    api = APIRouter(prefix="/v1", tags=["decisions"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/decisions",
        operation_id="list_refused_attempts",
        summary="Deeds that the rules refused",
        responses=answers(RefusedAttemptsDocument),
    )
    def listed(asker: Asker, before: Before = None, limit: ListLimit = 20) -> RefusedAttemptsDocument:
        """The newest first: one's own; for officers those on what their department answers for; for auditors
        all. Go on below `older`."""
        return decisions.refused_attempts(context, asker, before=before, limit=limit)

    @api.get(
        "/decisions/{index}",
        operation_id="explain_decision",
        summary="Why something was allowed or refused",
        responses=answers(EntryDecisionsDocument, 404),
    )
    def explained(
        asker: Asker, index: Annotated[int, Path(ge=0, le=LARGEST_EXACT)]
    ) -> EntryDecisionsDocument:
        """The decisions on the deed of an entry of the log: what was asked, which rules decided, on which
        attributes, and what would have to be different. For whoever asked, officers of the object's
        department, and auditors. Nothing is told that the reader may not see."""
        return decisions.entry_decisions(context, asker, index)

    @api.get(
        "/what-if",
        operation_id="ask_what_if",
        summary="What the rules would decide now",
        responses=answers(WhatIfDocument, 403, 404),
    )
    def asked(
        asker: Asker, person: Name, action: Name, kind: Name, id: Text, team: Text = ""
    ) -> WhatIfDocument:
        """Whether a person may do something with an object now, and why. For officers, of objects of their
        department; for those who look after accounts, of what is no department's; for auditors. It is no
        decision, and the log has no entry of it. `person`: a login name, or `public`. `team`: for which team
        somebody would ask for a dataset."""
        return decisions.what_if(
            context, asker, person=person, action=action, kind=kind, id=id, team=team, separated=separated
        )

    return api


def log_filter(
    person: Text = "",
    object: Text = "",
    kind: Text = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> LogFilter:
    """`since` counts, `until` does not; both with their time zone."""
    return LogFilter(person, object, kind, require_zone(since), require_zone(until))
