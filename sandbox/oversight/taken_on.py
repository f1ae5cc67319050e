"""Keeps a named person for each thing that waits: who takes it on, hands it over, gives it back.

To take something on is no lock: whoever may decide still may. A person counts while they may do the thing
themself; of somebody who left, the deputy of the responsibility list does. It ends when the thing is done.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, Table, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from sandbox.identity import Principal, load_principal
from sandbox.oversight.schemas import (
    ColleagueDocument,
    TakenOnDocument,
    WaitingDocument,
    WaitingThingDocument,
)
from sandbox.policy import Gate, Resource

COLLEAGUES_AFTER = timedelta(days=1)
"""The named person is told that something is late, and whoever may do it after one more day."""


class WaitingThing(NamedTuple):
    """`department`: for which it waits; each has a named person of its own. `object`: how the log names it;
    `about`: how notices do. `due`: a deadline of its own. `everybody`: whom notices reach who may do it."""

    kind: str
    id: str
    department: str
    name: str
    since: datetime
    object: str
    about: str
    everybody: str
    due: datetime | None = None
    done: bool = False
    """The person did their part: what waits is for others. They count as who has taken it on."""


Things = Callable[[Transaction, Principal, str, Collection[str] | None], Iterable[WaitingThing]]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class TakenOnContext:
    """What the operations work with. `things`: those of a kind, and of these ids (None: all), that wait for
    somebody who may do them. `office`: who does things of a kind, of a department. `deputies`: of an account.
    `due`: until when something is to be done. `service`: who keeps it. `of_operators`: kinds that operators
    may do, too."""

    database: Database
    gate: Gate
    table: Table
    kinds: Sequence[str]
    things: Things
    office: Callable[[Transaction, str, str], list[str]]
    deputies: Callable[[str], list[str]]
    due: Callable[[str, datetime | None], datetime | None]
    service: str
    of_operators: frozenset[str] = frozenset()


def waiting_list(context: TakenOnContext, asker: Principal) -> list[WaitingDocument]:
    """All that waits for the asker themself, and who has taken it on; the oldest first."""
    documents = list[WaitingDocument]()
    with context.database.transaction() as tx:
        things = [
            each for kind in context.kinds for each in context.things(tx, asker, kind, None) if not each.done
        ]
        keys = {(each.kind, each.id, each.department) for each in things}
        rows = {_key(row): row for row in tx.execute(select(context.table)).all() if _key(row) in keys}
        found = _responsible(context, tx, list(rows.values()))
        for thing in sorted(things, key=lambda each: each.since):
            document = _waiting_document(context, thing)
            if (key := (thing.kind, thing.id, thing.department)) in found:
                document["taken_on"] = _for_reader(asker, rows[key], _document(rows[key], found[key][0]))
            documents.append(document)
    return documents


def taken_on_by(context: TakenOnContext, asker: Principal) -> list[TakenOnDocument]:
    """What has a named person, of all that the asker could take on themself by department and role."""
    with context.database.transaction() as tx:
        rows = [
            row
            for row in tx.execute(select(context.table)).all()
            if _may_take_on(context, asker, row.kind, row.id, row.department)
        ]
        found = _responsible(context, tx, rows)
        return [
            _for_reader(asker, row, _document(row, found[_key(row)][0])) for row in rows if _key(row) in found
        ]


def _for_reader(asker: Principal, row: Row[Any], document: TakenOnDocument) -> TakenOnDocument:
    """Without the note where it can be about a colleague."""
    return document if asker.id in {row.account, row.handed_by} else {**document, "note": ""}


def waiting_thing(context: TakenOnContext, asker: Principal, kind: str, id: str) -> WaitingThingDocument:
    """Something that waits for the asker, who has taken it on, and who else may do it. Raises `NotFound`."""
    with context.database.transaction() as tx:
        thing = _thing(context, tx, asker, kind, id)
        return _thing_document(context, tx, asker, thing)


def take_on(
    context: TakenOnContext, asker: Principal, kind: str, id: str, *, instead_of: str | None
) -> WaitingThingDocument:
    """Become the named person. `instead_of`: whom the asker saw there. Raises `NotFound`, `Conflict`."""
    with context.database.transaction() as tx:
        thing = _held(context, tx, asker, kind, id)
        about = _resource(context, kind, id, thing.department)
        context.gate.require(asker, "take_on", about)
        holder = _holder(context, tx, thing)
        if holder is not None and holder.id not in {asker.id, instead_of}:
            raise Conflict(
                f"{holder.display_name} ({holder.id}) has taken this on.",
                code="taken_on_by_another",
                remedy="Take it over from them, if you agreed on it.",
                zh=f"{holder.display_name}（{holder.id}）已接办此事项。",
                remedy_zh="如已商定，可从其接手。",
            )
        if holder is None or holder.id != asker.id:
            _name(context, tx, thing, asker.id)
            document = _thing_document(context, tx, asker, thing)
            payload = {"kind": kind, "id": id, "instead_of": holder.id if holder else None}
            told = [notices.person(holder.id)] if holder else []
            append(tx, Event("waiting.taken_on", asker.id, thing.object, payload), to=told, about=thing.about)
            return document
        return _thing_document(context, tx, asker, thing)


def pass_on(
    context: TakenOnContext, asker: Principal, kind: str, id: str, *, to: str, note: str
) -> WaitingThingDocument:
    """Make a colleague the named person, who may do it and is told. Raises `NotFound`, `InvalidInput`,
    `Refused` where the asker has not taken it on."""
    with context.database.transaction() as tx:
        thing = _held(context, tx, asker, kind, id)
        holder = _holder(context, tx, thing)
        about = _resource(context, kind, id, thing.department, holder.id if holder else "")
        context.gate.require(asker, "hand_over", about)
        able = {each.id for each in _colleagues(context, tx, asker, thing)}
        if to not in able or _live(tx, to, hold=True) is None:
            raise InvalidInput(
                f"{to} is not a colleague who may do this.",
                code="may_not_do_this",
                remedy=f"Name one of: {', '.join(sorted(able)) or 'none; give it back'}.",
                zh=f"{to} 不是可以办理此事项的同事。",
                remedy_zh=f"可选：{'、'.join(sorted(able)) or '无，请退回'}。",
            )
        _name(context, tx, thing, to, by=asker.id, note=note.strip())
        document = _thing_document(context, tx, asker, thing)
        payload = {"kind": kind, "id": id, "account": to, "note": note.strip()}
        append(
            tx,
            Event("waiting.handed_over", asker.id, thing.object, payload),
            to=[notices.person(to)],
            about=thing.about,
        )
        return document


def give_back(context: TakenOnContext, asker: Principal, kind: str, id: str) -> None:
    """It is nobody's again. Raises `NotFound` where the asker has not taken it on."""
    table = context.table.c
    with context.database.transaction() as tx:
        _lock(tx, kind, id)
        rows = tx.execute(select(context.table).where(table.kind == kind, table.id == id)).all()
        found = _responsible(context, tx, rows)
        mine = [
            row
            for row in rows
            if asker.id in {row.account, *([found[_key(row)][0].id] if _key(row) in found else [])}
        ]
        if not mine:
            raise nothing_waits()
        for row in mine:  # more than one where somebody has changed the department
            context.gate.require(asker, "give_back", _resource(context, kind, id, row.department, asker.id))
            _forget(context, tx, row)
        append(tx, Event("waiting.given_back", asker.id, mine[0].object, {"kind": kind, "id": id}))


def look_after(context: TakenOnContext, *, now: datetime | None = None) -> int:
    """End what is done, pass on what somebody left, and tell who is late. Returns how many were changed or
    told."""
    now = now or datetime.now(UTC)
    events: list[tuple[Event, list[str], str]] = []
    late = 0
    with context.database.transaction() as tx:
        rows = tx.execute(select(context.table).with_for_update(skip_locked=True)).all()
        found = _responsible(context, tx, rows)
        for row in rows:
            payload = {"kind": row.kind, "id": row.id, "account": row.account}
            if _key(row) not in found:
                _forget(context, tx, row)
                events.append((Event("waiting.ended", context.service, row.object, payload), [], ""))
                continue
            holder, thing = found[_key(row)]
            if holder.id != row.account:
                _name(context, tx, thing, holder.id)
                passed = payload | {"account": holder.id, "from": {"account": row.account}}
                event = Event("waiting.passed_on", context.service, thing.object, passed)
                events.append((event, [notices.person(holder.id)], thing.about))
            else:
                late += _tell_late(context, tx, row, thing, now)
        for event, to, about in events:
            append(tx, event, to=to, about=about)
    return len(events) + late


def _tell_late(
    context: TakenOnContext, tx: Transaction, row: Row[Any], thing: WaitingThing, now: datetime
) -> int:
    """The named person once; a day later, their colleagues."""
    due = thing.due or context.due(thing.kind, thing.since)
    if due is None or due >= now:
        return 0
    if row.late_told_at is None:
        column, to = "late_told_at", [notices.person(row.account)]
    elif row.all_told_at is None and row.late_told_at + COLLEAGUES_AFTER < now:
        column, to = "all_told_at", [thing.everybody]
    else:
        return 0
    tx.execute(update(context.table).where(*_same(context, row)).values({column: now}))
    id = ":".join(("late", *_key(row), row.account, column, due.isoformat()))
    notices.tell(tx, id=id, event="waiting.late", about=thing.about, actor=context.service, to=to)
    return 1


def _responsible(
    context: TakenOnContext, tx: Transaction, rows: Sequence[Row[Any]]
) -> dict[Key, tuple[Principal, WaitingThing]]:
    """Who counts, of those rows whose thing still waits for somebody."""
    people: dict[str, Principal | None] = {}
    candidates: dict[tuple[str, str], set[str]] = {}
    of_row: dict[Key, list[str]] = {}
    for row in rows:
        if row.kind not in context.kinds:  # of another release
            continue
        office = context.office(tx, row.kind, row.department)
        named = [row.account] if row.account in office else context.deputies(row.account)
        of_row[_key(row)] = [each for each in named if each in office]
        for each in of_row[_key(row)]:
            candidates.setdefault((each, row.kind), set()).add(row.id)
            if each not in people:
                people[each] = _live(tx, each)
    able = {
        (account, (thing.kind, thing.id, thing.department)): thing
        for (account, kind), ids in candidates.items()
        if (person := people[account]) is not None
        for thing in context.things(tx, person, kind, ids)
    }
    counted: dict[Key, tuple[Principal, WaitingThing]] = {}
    for key, named in of_row.items():
        for each in named:
            person = people[each]
            if person is not None and (each, key) in able:
                counted.setdefault(key, (person, able[each, key]))
    return counted


def _live(tx: Transaction, account: str, *, hold: bool = False) -> Principal | None:
    try:
        return load_principal(tx, account, hold=hold)
    except NotAuthenticated:
        return None


def _holder(context: TakenOnContext, tx: Transaction, thing: WaitingThing) -> Principal | None:
    key = (thing.kind, thing.id, thing.department)
    row = tx.execute(select(context.table).where(*_where(context, key))).first()
    found = _responsible(context, tx, [row] if row is not None else [])
    return found[key][0] if key in found else None


def _colleagues(
    context: TakenOnContext, tx: Transaction, asker: Principal, thing: WaitingThing
) -> Iterator[Principal]:
    """Who beside the asker may do it, by id."""
    for account in sorted(context.office(tx, thing.kind, thing.department)):
        person = _live(tx, account) if account != asker.id else None
        if person is None or not _may_take_on(context, person, thing.kind, thing.id, thing.department):
            continue
        if any(
            (each.id, each.department) == (thing.id, thing.department)
            for each in context.things(tx, person, thing.kind, {thing.id})
        ):
            yield person


def _held(context: TakenOnContext, tx: Transaction, asker: Principal, kind: str, id: str) -> WaitingThing:
    """The thing, that nobody else takes on until the transaction ends."""
    _lock(tx, kind, id)
    return _thing(context, tx, asker, kind, id)


def _lock(tx: Transaction, kind: str, id: str) -> None:
    lock_name(tx, f"taken on {kind} {id}")


def _thing(context: TakenOnContext, tx: Transaction, asker: Principal, kind: str, id: str) -> WaitingThing:
    if kind in context.kinds:
        for each in context.things(tx, asker, kind, {id}):
            if each.id == id:
                return each
    raise nothing_waits()


def nothing_waits() -> NotFound:
    """Also where it waits for others."""
    return NotFound(
        "Nothing of this kind and number waits for you.",
        code="nothing_waits",
        remedy="Look at your start page: it may be done, or it is not yours to do.",
        zh="没有这样等您处理的事项。",
        remedy_zh="请查看首页：可能已办结，或不由您办理。",
    )


def _name(
    context: TakenOnContext,
    tx: Transaction,
    thing: WaitingThing,
    account: str,
    *,
    by: str | None = None,
    note: str = "",
) -> None:
    key = {"kind": thing.kind, "id": thing.id, "department": thing.department}
    named = {"account": account, "handed_by": by, "note": note, "object": thing.object}
    anew = {"taken_at": func.now(), "late_told_at": None, "all_told_at": None}
    tx.execute(
        upsert(context.table)
        .values(**key, **named)
        .on_conflict_do_update(index_elements=list(key), set_=named | anew)
    )


def _forget(context: TakenOnContext, tx: Transaction, row: Row[Any]) -> None:
    tx.execute(delete(context.table).where(*_same(context, row)))


def _same(context: TakenOnContext, row: Row[Any]) -> list[Any]:
    return _where(context, _key(row))


def _where(context: TakenOnContext, key: Key) -> list[Any]:
    names = ("kind", "id", "department")
    return [context.table.c[name] == value for name, value in zip(names, key, strict=True)]


def _key(row: Row[Any]) -> Key:
    return row.kind, row.id, row.department


def _resource(
    context: TakenOnContext, kind: str, id: str, department: str, responsible: str = ""
) -> Resource:
    operators = kind in context.of_operators
    return Resource(
        "Waiting",
        f"{kind}:{id}",
        {"department": department, "responsible": responsible, "operators": operators},
    )


def _may_take_on(context: TakenOnContext, person: Principal, kind: str, id: str, department: str) -> bool:
    return context.gate.decide(person, "take_on", _resource(context, kind, id, department)).allowed


def _document(row: Row[Any], holder: Principal) -> TakenOnDocument:
    document = TakenOnDocument(
        kind=row.kind,
        id=row.id,
        account=holder.id,
        name=holder.display_name,
        taken_at=row.taken_at,
        note=row.note if holder.id == row.account else "",
    )
    if holder.id != row.account:
        document["deputy_of"] = row.account
    elif row.handed_by is not None:
        document["handed_by"] = row.handed_by
    return document


def _waiting_document(context: TakenOnContext, thing: WaitingThing) -> WaitingDocument:
    document = WaitingDocument(
        kind=thing.kind,
        id=thing.id,
        department=thing.department,
        name=thing.name,
        since=thing.since,
    )
    if (due := thing.due or context.due(thing.kind, thing.since)) is not None:
        document["due_at"] = due
    return document


def _thing_document(
    context: TakenOnContext, tx: Transaction, asker: Principal, thing: WaitingThing
) -> WaitingThingDocument:
    colleagues = [
        ColleagueDocument(account=each.id, name=each.display_name)
        for each in _colleagues(context, tx, asker, thing)
    ]
    document = WaitingThingDocument(**_waiting_document(context, thing), colleagues=colleagues)
    key = (thing.kind, thing.id, thing.department)
    row = tx.execute(select(context.table).where(*_where(context, key))).first()
    found = _responsible(context, tx, [row] if row is not None else [])
    if row is not None and key in found:
        document["taken_on"] = _document(row, found[key][0])
    return document
