"""Holds a competition for a change, moves it on by the clock, and writes each step into log and history."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from sandbox.audit import Event, append
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition
from sandbox.competitions.life_cycle import COMPETITION, check_step
from sandbox.competitions.notify import note_step, tell_phases
from sandbox.competitions.tables import (
    competition_appeals,
    competition_history,
    competition_results,
    competitions,
)
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.policy import YamlText

VAULT = "vault"
"""The actor of what happens by the clock or by the scorer."""


def newest_result(tx: Transaction, name: str) -> Row[Any] | None:
    """The result of a competition that was published last."""
    wanted = select(competition_results).where(competition_results.c.competition == name)
    return tx.execute(wanted.order_by(competition_results.c.revision.desc()).limit(1)).first()


@lru_cache(maxsize=256)
def document_of(text: str) -> Competition:
    """The document of a text that was checked when it was taken."""
    return Competition.model_validate(YamlText(text, None, what="The competition").document)


def record(
    tx: Transaction,
    kind: str,
    *,
    actor: str,
    competition: str,
    payload: Mapping[str, Any],
    now: datetime,
    public: bool = False,
    team: int | None = None,
) -> int:
    """Write a step into the log and the history, and give its index in the log. `public`: anybody may open
    its log entry, so neither its actor nor its payload names a person who takes part. Whoever is concerned is
    told once it is committed."""
    index = append(tx, Event(kind, actor, f"competition:{competition}", payload))
    note_step(
        tx, kind, index=index, competition=competition, actor=actor, team=team, payload=payload, now=now
    )
    tx.execute(
        insert(competition_history).values(
            competition=competition,
            kind=kind,
            public=public,
            team=team,
            payload=dict(payload),
            at=now,
            log_index=index,
        )
    )
    return index


def held(tx: Transaction, context: CompetitionContext, name: str) -> Row[Any]:
    """The competition, held until the transaction ends, in the state that it has by the clock.
    Raises `NotFound`. Call it first in a transaction: what has come to its moment is moved on in one of its
    own, so that nobody waits for a row while holding the log. Steps of others may refer to it meanwhile (no
    lock of its key): they hold the log, for which this transaction may wait."""
    _move_on(context, name)
    row = tx.execute(
        select(competitions).where(competitions.c.name == name).with_for_update(key_share=True)
    ).first()
    if row is None:
        raise not_found(name)
    return row


def held_public(tx: Transaction, context: CompetitionContext, name: str) -> Row[Any]:
    """As `held`, of one that was announced: others are not there for anybody but their organiser."""
    row = held(tx, context, name)
    if row.announced_at is None:
        raise not_found(name)
    return row


def not_found(name: str) -> NotFound:
    return NotFound(
        f"There is no competition {name[:40]!r}.",
        code="competition_not_found",
        remedy="List those that are announced: cihu competition list.",
        zh=f"没有大赛“{name[:40]}”。",
        remedy_zh="可查看已公布的大赛列表。",
    )


def move(
    tx: Transaction,
    row: Row[Any],
    then: str,
    *,
    actor: str,
    now: datetime,
    payload: Mapping[str, Any],
    **columns: Any,
) -> Row[Any]:
    """Enter a state. Raises `Conflict` if it may not follow."""
    state = check_step(COMPETITION, row.state, then, thing=f"competition {row.name}", thing_zh="大赛")
    row = tx.execute(
        update(competitions)
        .where(competitions.c.name == row.name)
        .values(state=then, changed_by=actor, changed_at=now, **columns)
        .returning(competitions)
    ).one()
    record(tx, state.event, actor=actor, competition=row.name, payload=payload, now=now, public=True)
    return row


def advance_all(context: CompetitionContext) -> None:
    """Move on whatever has come to its moment. It is only for the log's sake: each operation does it too."""
    waiting = select(competitions.c.name).where(competitions.c.state.in_(("announced", "open", "notice")))
    with context.database.transaction() as tx:
        names = list(tx.scalars(waiting))
    for name in names:
        _move_on(context, name)
    now, under_way = context.clock(), competitions.c.state.in_(("open", "judging"))
    with context.database.transaction() as tx:
        for row in tx.execute(select(competitions).where(under_way)).all():
            tell_phases(tx, row.name, document_of(row.text), now)


def _move_on(context: CompetitionContext, name: str) -> None:
    now = context.clock()
    with context.database.transaction() as tx:
        row = tx.execute(select(competitions).where(competitions.c.name == name)).first()
    if row is None or not _due(row, now):
        return
    with context.database.transaction() as tx:
        row = tx.execute(
            select(competitions).where(competitions.c.name == name).with_for_update(key_share=True)
        ).one()
        _advanced(tx, row, now)


def _due(row: Row[Any], now: datetime) -> bool:
    """Whether its state may have to change by now."""
    match row.state:
        case "announced":
            return now >= document_of(row.text).opens_at
        case "open":
            return now >= entries_end(document_of(row.text))
        case "notice":
            return bool(now >= row.notice_ends_at)
    return False


def _advanced(tx: Transaction, row: Row[Any], now: datetime) -> Row[Any]:
    document = document_of(row.text)
    if row.state == "announced" and now >= document.opens_at:
        row = move(tx, row, "open", actor=VAULT, now=now, payload={"due": document.opens_at.isoformat()})
    if row.state == "open" and now >= (end := entries_end(document)):
        row = move(tx, row, "judging", actor=VAULT, now=now, payload={"due": end.isoformat()})
    if row.state == "notice" and now >= row.notice_ends_at and not _open_appeals(tx, row.name):
        due = {"due": row.notice_ends_at.isoformat()}
        row = move(tx, row, "closed", actor=VAULT, now=now, payload=due, ended_at=now)
    return row


def entries_end(document: Competition) -> datetime:
    """When the last phase before the final has closed, with its grace."""
    return max(
        document.moment(phase.closes) + timedelta(minutes=phase.grace_minutes)
        for phase in document.phases
        if phase.kind != "final"
    )


def _open_appeals(tx: Transaction, name: str) -> bool:
    """Whether an appeal is undecided, or was upheld and no later result was published."""
    newest = tx.scalar(
        select(func.max(competition_results.c.revision)).where(competition_results.c.competition == name)
    )
    appeals = tx.execute(select(competition_appeals).where(competition_appeals.c.competition == name))
    return any(
        appeal.state == "filed" or (appeal.state == "upheld" and appeal.revision >= (newest or 0))
        for appeal in appeals
    )


def require_state(row: Row[Any], *states: str) -> None:
    """Raises `Conflict`."""
    if row.state not in states:
        raise Conflict(
            f"The competition {row.name} is {row.state}.",
            code="wrong_competition_state",
            remedy=f"This can be done while it is {' or '.join(states)}.",
            zh=f"大赛“{row.name}”当前状态为“{COMPETITION[row.state].zh}”。",
            remedy_zh=f"此操作须在以下状态进行：{'、'.join(COMPETITION[state].zh for state in states)}。",
        )
