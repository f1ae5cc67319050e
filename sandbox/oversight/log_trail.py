"""The log for those who look into it: the search for auditors, the trail of an object for the officers whose
object it is, and the export.

An officer's trail says what happened, when, by whom and to which object. What an entry says beside that (its
payload) is shown to auditors only: it may hold another department's reasons.
"""

from collections.abc import Iterator

from sqlalchemy import select

from sandbox.audit import Event, Log, append
from sandbox.audit.export import Format, export_log
from sandbox.audit.search import Found, FoundEntry, LogFilter, search_log
from sandbox.catalog.tables import datasets
from sandbox.database import Transaction
from sandbox.grants.tables import grants, requests
from sandbox.identity import Principal
from sandbox.oversight.decisions import explainable
from sandbox.oversight.schemas import FoundLogEntry, LogSearchDocument, LogTrailDocument
from sandbox.policy import Gate, Resource

LOG = Resource("Log", "log")


def search(
    log: Log, gate: Gate, asker: Principal, wanted: LogFilter, *, before: int | None, limit: int
) -> LogSearchDocument:
    """A page of what was found, with what the entries say. Raises `Forbidden`."""
    gate.require(asker, "search_log", LOG)
    found = search_log(log.database, wanted, before=before, limit=limit)
    return _page(found, payloads=True, explained=explainable(log.database, gate, asker, found))


def trail(
    log: Log, gate: Gate, asker: Principal, object: str, *, before: int | None, limit: int
) -> LogTrailDocument:
    """Every entry that names the object, such as `dataset:health.visits`, the newest first. Raises
    `Forbidden`, with the same words whether the object is there or not."""
    with log.database.transaction() as tx:
        department = department_of(tx, object)
    gate.require(asker, "read_trail", Resource("LogTrail", object, {"department": department}))
    whole = gate.decide(asker, "search_log", LOG).allowed
    found = search_log(log.database, LogFilter(object=object), before=before, limit=limit)
    page = _page(found, payloads=whole, explained=explainable(log.database, gate, asker, found))
    return {"object": object, "department": department, **page}


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


def department_of(tx: Transaction, object: str) -> str:
    """Whose object it is; empty for what is no department's, or is not there."""
    kind, _, name = object.partition(":")
    name = name.partition("@")[0]
    if kind == "dataset":
        return tx.scalar(select(datasets.c.department).where(datasets.c.name == name)) or ""
    if kind in ("grant", "request") and name.isascii() and name.isdigit() and len(name) < 10:
        table = grants if kind == "grant" else requests
        return tx.scalar(select(table.c.department).where(table.c.id == int(name))) or ""
    return ""


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
