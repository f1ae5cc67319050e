"""Decisions for those who may have them explained: of an entry of the log, the refused ones as a list, and
what the rules would say of a deed that nobody did.

An asked decision changes nothing and is no decision: it is not in the log.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, Table, select, text

from sandbox.audit.model import parse_content, parse_entry
from sandbox.audit.search import Found
from sandbox.audit.tables import decisions, entries, openings
from sandbox.catalog.resource import dataset_resource
from sandbox.catalog.tables import datasets
from sandbox.competitions.tables import competitions
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, InvalidInput, NotAuthenticated, NotFound
from sandbox.grants.request_access import certificate_of
from sandbox.grants.tables import grants, requests
from sandbox.identity import Principal, load_principal
from sandbox.identity.model import PUBLIC
from sandbox.identity.tables import accounts
from sandbox.models.library import find_model, resource_of
from sandbox.oversight.explain_decision import (
    action_words,
    department_of_facts,
    explain_decision,
    reader_of,
)
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.schemas import (
    EntryDecisionsDocument,
    RefusedAttempt,
    RefusedAttemptsDocument,
    WhatIfDocument,
)
from sandbox.policy import Decision, Gate, Resource, hidden_from_strangers
from sandbox.policy.decision_words import ASKED_OF
from sandbox.policy.facts import StoredDecision, read_stored
from sandbox.training.certificates import is_trained

REFUSED = "decision.refused"
MOST_LISTED = 50
MOST_LOOKED_AT = 1000
"""Refused deeds looked at for one page: of others' nothing is shown, and the page goes on below."""

DEPARTMENTS = ("Risks", "Scoreboard", "Watermarks")
"""Kinds whose name is a department."""


def entry_decisions(context: OversightContext, reader: Principal, index: int) -> EntryDecisionsDocument:
    """The decisions on the deed of an entry, each explained. Raises `NotFound`, in the same words where there
    is none, it was erased, or the reader may not have it explained."""
    missing = NotFound(
        f"There is no decision to explain at entry {index}.",
        code="no_decision",
        remedy="The log keeps refused deeds, and the decisions that allowed what it tells. Yours are listed "
        "by `cihu refused`.",
        zh=f"第 {index} 条记录没有可说明的决定。",
        remedy_zh="日志保存被拒绝的操作，以及允许所记操作的决定。可用 cihu refused 列出与你有关的决定。",
    )
    with context.database.transaction() as tx:
        row = tx.execute(_kept().where(decisions.c.index == index)).first()
    if row is None:
        raise missing
    with hidden_from_strangers(missing, seen=False):
        found = [each for each in _stored(row) if _may(context.gate, reader, each)]
        if not found:
            first = next(_stored(row))
            context.gate.require(reader, "explain_decision", _about(first))
    entry = parse_entry(row.entry)
    return EntryDecisionsDocument(
        entry=index,
        time=entry.time,
        entry_kind=entry.kind,
        decisions=[explain_decision(context.gate, each, reader_of(reader, each.facts)) for each in found],
    )


def explainable(database: Database, gate: Gate, reader: Principal, found: Found) -> frozenset[int]:
    """The entries that were found of which the reader may have a decision explained."""
    indexes = [entry.index for entry in found.entries]
    with database.transaction() as tx:
        rows = tx.execute(_kept().where(decisions.c.index.in_(indexes))).all()
    return frozenset(_index(row) for row in rows if any(_may(gate, reader, each) for each in _stored(row)))


def refused_attempts(
    context: OversightContext, reader: Principal, *, before: int | None, limit: int
) -> RefusedAttemptsDocument:
    """The newest refused deeds of which the reader may have an explanation: their own; for officers those on
    what their department answers for; for auditors all."""
    kept = _kept().where(text("(entry::jsonb ->> 'kind') = :kind").bindparams(kind=REFUSED))
    if before is not None:
        kept = kept.where(entries.c.index < before)
    with context.database.transaction() as tx:
        rows = tx.execute(kept.order_by(entries.c.index.desc()).limit(MOST_LOOKED_AT)).all()
    attempts: list[RefusedAttempt] = []
    may: dict[tuple[str, str, bool], bool] = {}
    for row in rows:
        if len(attempts) == limit:
            return RefusedAttemptsDocument(attempts=attempts, older=attempts[-1]["entry"])
        made = next(_stored(row))
        seen = _seen_of(made)
        if seen not in may:
            may[seen] = _may(context.gate, reader, made)
        if may[seen]:
            attempts.append(_attempt(row, made))
    looked = len(rows) == MOST_LOOKED_AT
    return RefusedAttemptsDocument(attempts=attempts, older=_index(rows[-1]) if looked else None)


def what_if(
    context: OversightContext,
    reader: Principal,
    *,
    person: str,
    action: str,
    kind: str,
    id: str,
    team: str = "",
    separated: bool = False,
) -> WhatIfDocument:
    """What the rules say now of a deed of a person on an object. Raises `Refused` for who may not ask,
    `NotFound`, `InvalidInput` for an action that is none, or is not one on such objects."""
    gate, now = context.gate, datetime.now(UTC)
    _require_action(gate, action, kind)
    with context.database.transaction() as tx:
        about = _resource(context, tx, kind, id)
        department = str(about.attributes.get("department", "")) if about else ""
        gate.require(reader, "ask_what_if", Resource("WhatIf", f"{kind}:{id}", {"department": department}))
        if about is None:
            raise _no_object(kind, id)
        asked = _principal(tx, person)
        circumstances = _circumstances(
            context, tx, asked, action, about, team=team, separated=separated, now=now
        )
    decision = gate.decide(asked, action, about, circumstances)
    made = _made(decision)
    return WhatIfDocument(
        hypothetical=True,
        as_of=now,
        decision=explain_decision(gate, made, reader_of(reader, made.facts), hypothetical=True),
    )


def _kept() -> Select[int, str, str, str]:
    return (
        select(entries.c.index, entries.c.entry, openings.c.content, decisions.c.facts)
        .join(openings, openings.c.index == entries.c.index)
        .join(decisions, decisions.c.index == entries.c.index)
    )


def _index(row: Row[int, str, str, str]) -> int:
    return int(row._mapping["index"])  # a row is a tuple, which has an index of its own


def _stored(row: Row[int, str, str, str]) -> Iterator[StoredDecision]:
    return (read_stored(each) for each in json.loads(row.facts))


def _about(made: StoredDecision) -> Resource:
    actor, department, hidden = _seen_of(made)
    about: dict[str, str | bool] = {"actor": actor, "department": department, "hidden": hidden}
    return Resource("Decision", f"{made.facts.kind}:{made.facts.id}", about)


def _seen_of(made: StoredDecision) -> tuple[str, str, bool]:
    """What the rules see of a decision; none names one (a test holds them to it)."""
    return made.facts.person, department_of_facts(made.facts), made.hidden


def _may(gate: Gate, reader: Principal, made: StoredDecision) -> bool:
    return gate.decide(reader, "explain_decision", _about(made)).allowed


def _attempt(row: Row[int, str, str, str], made: StoredDecision) -> RefusedAttempt:
    words = action_words(made.facts.action)
    return RefusedAttempt(
        entry=_index(row),
        time=parse_entry(row.entry).time,
        person=parse_content(row.content).actor,
        action=made.facts.action,
        deed_en=words.en,
        deed_zh=words.zh,
        kind=made.facts.kind,
        id=made.facts.id,
        code=made.code,
    )


def _made(decision: Decision) -> StoredDecision:
    assert decision.facts is not None
    return StoredDecision(decision.facts, decision.allowed, decision.code, decision.policies, hidden=False)


def _require_action(gate: Gate, action: str, kind: str) -> None:
    kinds = gate.rules.kinds_of(action)
    if not kinds:
        raise InvalidInput(
            f"There is no action {action!r}.",
            code="no_such_action",
            remedy=f"Name one of {', '.join(sorted(gate.rules.actions))}.",
            zh=f"没有“{action}”这一操作。",
            remedy_zh=f"请从下列操作中选择：{'、'.join(sorted(gate.rules.actions))}。",
        )
    if kind not in kinds:
        raise InvalidInput(
            f"{action} is nothing that is done to a {kind}.",
            code="action_of_another_kind",
            remedy=f"Name an object of the kind {' or '.join(kinds)}.",
            zh=f"“{action}”不是对 {kind} 的操作。",
            remedy_zh=f"请填写 {'或'.join(kinds)} 类的对象。",
        )
    if kind not in ASKED_OF:
        raise InvalidInput(
            f"What the rules say of a {kind} cannot be asked here.",
            code="not_asked_of",
            remedy=f"It can be asked of {', '.join(ASKED_OF)}. What was decided on others is explained by "
            "its entry of the log.",
            zh=f"不能在此询问规则对 {kind} 的决定。",
            remedy_zh=f"可询问的对象类别：{'、'.join(ASKED_OF)}。其他对象的已有决定可通过日志记录查看说明。",
        )


def _resource(context: OversightContext, tx: Transaction, kind: str, id: str) -> Resource | None:
    """The object as it is now; None if it is not there."""
    if kind in ("Request", "Grant", "Competition", "Model"):
        return _OF_WORK[kind](context, tx, id) if id.isprintable() else None
    if kind == "Dataset":
        known = id.isprintable() and tx.scalar(select(datasets.c.name).where(datasets.c.name == id))
        return dataset_resource(context.repository.last(tx, id)) if known else None
    if kind == "Account":
        known = id.isprintable() and tx.scalar(select(accounts.c.id).where(accounts.c.id == id))
        return Resource("Account", id) if known else None
    return Resource(kind, id, {"department": id} if kind in DEPARTMENTS else {})


def _request(_context: OversightContext, tx: Transaction, id: str) -> Resource | None:
    row = _numbered(tx, requests, id)
    return Resource("Request", id, {"department": row.department, "team": row.team}) if row else None


def _grant(context: OversightContext, tx: Transaction, id: str) -> Resource | None:
    row = _numbered(tx, grants, id)
    if row is None:
        return None
    about = {
        "team": row.team,
        "status": row.status,
        "department": row.department,
        "dataset": row.dataset,
        "expires_at": int(row.until.timestamp()),
        "purpose": row.purpose,
        "grade": context.repository.last(tx, row.dataset).policy.grade,
    }
    return Resource("Grant", id, about)


def _numbered(tx: Transaction, table: Table, id: str) -> Row[Any] | None:
    if not (id.isascii() and id.isdigit() and len(id) < 10):
        return None
    return tx.execute(select(table).where(table.c.id == int(id))).first()


def _competition(_context: OversightContext, tx: Transaction, id: str) -> Resource | None:
    department = tx.scalar(select(competitions.c.department).where(competitions.c.name == id))
    return Resource("Competition", id, {"department": department}) if department else None


def _model(_context: OversightContext, tx: Transaction, id: str) -> Resource | None:
    name, _slash, version = id.partition("/")
    try:
        return resource_of(find_model(tx, name, int(version) if version.isdigit() else 0))
    except NotFound:
        return None


_OF_WORK: Mapping[str, Callable[[OversightContext, Transaction, str], Resource | None]] = {
    "Request": _request,
    "Grant": _grant,
    "Competition": _competition,
    "Model": _model,
}
OF_THEMSELVES = ("open_workspace", "read_notices", "manage_notices")
"""Deeds on an account for which it does not matter who looks after accounts."""


def _circumstances(
    context: OversightContext,
    tx: Transaction,
    person: Principal,
    action: str,
    about: Resource,
    *,
    team: str,
    separated: bool,
    now: datetime,
) -> Mapping[str, str | int | bool]:
    """What the deed itself would tell the rules."""
    if action in ("ask", "run"):
        grant = tx.execute(select(grants).where(grants.c.id == int(about.id))).one()
        trained = is_trained(tx, person, grant.certificate, grant.approved_at)
        return {
            "now": int(now.timestamp()),
            "way": "dp" if action == "ask" else "reviewed",
            "trained": trained,
        }
    if action == "request_access":
        team = team or min(person.teams, default="")
        course = certificate_of(context.repository.last(tx, about.id), team)
        return {"team": team, "trained": is_trained(tx, person, course, now)}
    if action == "report_problem":
        live = select(grants.c.id).where(
            grants.c.dataset == about.id, grants.c.status == "live", grants.c.team.in_(person.teams)
        )
        return {"granted": tx.execute(live.limit(1)).first() is not None}
    if about.kind in ("Account", "People") and action not in OF_THEMSELVES:
        return {"separated": separated}
    return {}


def _principal(tx: Transaction, person: str) -> Principal:
    """Raises `NotFound`."""
    if person == PUBLIC.id:
        return PUBLIC
    try:
        return load_principal(tx, person)
    except NotAuthenticated:
        raise NotFound(
            f"There is no account {person[:70]!r}, or it is disabled.",
            code="no_account",
            remedy="Give a login name, or `public` for anybody without an account.",
            zh=f"没有账号“{person[:70]}”，或其已停用。",
            remedy_zh="请填写登录名；未登录的任何人请写 public。",
        ) from None


def _no_object(kind: str, id: str) -> CihuError:
    return NotFound(
        f"There is no {kind} {id[:100]!r}.",
        code="no_object",
        remedy="Look at how it is written on its page, such as Dataset health.visits or Grant 12.",
        zh=f"没有 {kind}“{id[:100]}”。",
        remedy_zh="请核对其页面上的写法，如 Dataset health.visits 或 Grant 12。",
    )
