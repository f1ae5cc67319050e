"""The log for those who look into it: the search for auditors, the trail of an object for the officers whose
object it is, and the export.

An officer's trail says what happened, when, by whom and to which object. What an entry says beside that (its
payload) is shown to auditors only: it may hold another department's reasons. A team sees no trail of its runs
and grants: the log is written before the team is told.
"""

from collections.abc import Iterator

from sqlalchemy import select

from sandbox.audit import Event, Log, append
from sandbox.audit.export import Format, export_log
from sandbox.audit.search import Found, FoundEntry, LogFilter, search_log
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.identity.tables import accounts
from sandbox.oversight.decisions import explainable
from sandbox.oversight.object_owner import NOBODY, owner_of
from sandbox.oversight.schemas import FoundLogEntry, LogSearchDocument, LogTrailDocument
from sandbox.policy import Gate, Resource

LOG = Resource("Log", "log")

_COMPANY = ("order.", "licence.", "key.", "invoice.")
OWN_KINDS = {
    "account": ("account.", "session.", "team.", "workspace."),
    "invoice": _COMPANY,
    "key": _COMPANY,
    "licence": _COMPANY,
    "order": _COMPANY,
    "sandbox_key": _COMPANY,
    "service_account": ("service_account.", *_COMPANY),
}
"""What the company, or the person, sees of a trail of their own: how the kinds of its entries begin."""

OFFICER_KINDS = {"run": ("run.", "release.", "output.")}
"""What officers see of a run: reviewers are blind to each other, and may be of one department."""

NAMED_TO_OFFICERS = frozenset({"dataset", "grant", "model", "request", "run"})
"""Of these an officer sees who of other organisations did something: it stands in the request or the review.
Who takes part in a competition may have hidden their name, and who makes a company's keys is its own."""


def search(
    log: Log, gate: Gate, asker: Principal, wanted: LogFilter, *, before: int | None, limit: int
) -> LogSearchDocument:
    """A page of what was found, with what the entries say. Raises `Forbidden`."""
    gate.require(asker, "search_log", LOG)
    found = search_log(log.database, wanted, before=before, limit=limit)
    return _page(found, payloads=True, explained=explainable(log.database, gate, asker, found))


def trail(
    log: Log, gate: Gate, asker: Principal, kind: str, id: str, *, before: int | None, limit: int
) -> LogTrailDocument:
    """Every entry that names the object, such as `dataset:health.visits`, the newest first. A company and a
    person see of their own objects what concerns them (`OWN_KINDS`). Raises `Forbidden`, with the same words
    whether the object is there or not."""
    object = f"{kind}:{id}"
    with log.database.transaction() as tx:
        whose = owner_of(tx, kind, id)
    whole = gate.decide(asker, "search_log", LOG).allowed
    if asker.id in whose.jurors and not whole:
        whose = NOBODY
    mine = asker.organisation in whose.departments
    department = asker.organisation if mine else "".join(whose.departments[:1])
    about = {"department": department, "organisation": whose.organisation, "person": whose.person}
    gate.require(asker, "read_trail", Resource("LogTrail", object, about))
    as_owner = not whole and not ("officer" in asker.roles and mine)
    wanted = LogFilter(
        object=whose.object or object,
        also=whose.also,
        begun=whose.begun,
        kinds=() if whole else OWN_KINDS[kind] if as_owner else OFFICER_KINDS.get(kind, ()),
    )
    found = search_log(log.database, wanted, before=before, limit=limit)
    page = _page(found, payloads=whole, explained=explainable(log.database, gate, asker, found))
    if not whole and (as_owner or kind not in NAMED_TO_OFFICERS):
        _hide_others(log.database, asker, page["entries"])
    return {"object": object, "department": department, **page}


def _hide_others(database: Database, asker: Principal, entries: list[FoundLogEntry]) -> None:
    """Leave out who of another organisation did it: it is not this reader's to know."""
    actors = {each["actor"] for each in entries if "actor" in each}
    colleagues = select(accounts.c.id).where(
        accounts.c.id.in_(actors), accounts.c.organisation == asker.organisation
    )
    with database.transaction() as tx:
        known = {*tx.scalars(colleagues), asker.id}
    for each in entries:
        if each.get("actor") not in known:
            each.pop("actor", None)


def export(
    log: Log, gate: Gate, asker: Principal, wanted: LogFilter, *, format: Format, most: int
) -> Iterator[bytes]:
    """The entries that were found, as a file in pieces; that it was taken is an entry itself, which the file
    does not hold. Raises `Forbidden`, `Unavailable`."""
    gate.require(asker, "export_log", LOG)
    pieces = export_log(log, wanted, format=format, most=most)
    filters = {
        name: value
        for name, value in (("person", wanted.person), ("object", wanted.object), ("kind", wanted.kind))
        if value
    }
    times = {
        name: value.isoformat()
        for name, value in (("since", wanted.since), ("until", wanted.until))
        if value is not None
    }
    payload = {"format": format, "filter": {**filters, **times}}
    with log.database.transaction() as tx:
        append(tx, Event("log.exported", asker.id, "log:export", payload))
    return pieces


def _page(found: Found, *, payloads: bool, explained: frozenset[int]) -> LogSearchDocument:
    return {
        "size": found.size,
        "entries": [
            {**_shown(entry, payload=payloads), "explained": entry.index in explained}
            for entry in found.entries
        ],
        "older": found.older,
    }


def _shown(entry: FoundEntry, *, payload: bool) -> FoundLogEntry:
    shown: FoundLogEntry = {"index": entry.index, "kind": entry.kind, "time": entry.time, "erased": True}
    if entry.content is not None:
        shown |= {"erased": False, "actor": entry.content.actor, "subject": entry.content.subject}
        if payload:
            shown["payload"] = entry.content.payload
    return shown
