"""Tells the steps of competitions: to all who take part, one team, the organiser, or a juror.

A step is committed with one row that says whom it is for. Their notices are written afterwards, in a
transaction of their own: to look thousands of people up, and to write to each, while the log is held would
let every other entry of the log wait.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select

from sandbox import notices
from sandbox.chores import Chore
from sandbox.competitions.document import Competition
from sandbox.competitions.tables import (
    competition_members,
    competition_steps_to_tell,
    competition_teams,
    competitions,
)
from sandbox.database import Database, Transaction

LOGGER = logging.getLogger("cihu.competitions")
ALL, ORGANISER = "all", "organiser"
AT_ONCE = 100
TOLD_EVERY = 2.0
TO_ALL = frozenset(
    {
        "competition.opened",
        "competition.judging",
        "competition.final_opened",
        "competition.result_published",
        "competition.closed",
        "competition.cancelled",
        "competition.announcement_posted",
    }
)
TO_TEAM = frozenset(
    {
        "competition.entry_scored",
        "competition.entry_failed",
        "competition.entry_not_run",
        "competition.team_disqualified",
        "competition.team_reinstated",
        "competition.teams_merged",
        "competition.appeal_decided",
    }
)
TO_JUROR = frozenset({"competition.juror_appointed", "competition.juror_removed"})
TO_AUTHOR = {"competition.answer_posted": "asked_by"} | dict.fromkeys(
    ("competition.post_hidden", "competition.post_restored"), "author"
)
"""Of a post, and where the payload names them."""
PHASE_TOLD_FOR = timedelta(days=1)
"""So long after a phase began or ended is it told: who joins later is not told of the past."""


def whom(kind: str, team: int | None, payload: Mapping[str, Any]) -> str:
    """Who is told of a step: `all`, `organiser`, `team:NUMBER` or `person:ACCOUNT`; "" for nobody. Pure."""
    if kind in TO_ALL:
        return ALL
    if kind in TO_TEAM and team is not None:
        return f"team:{team}"
    if kind == "competition.merger_proposed":
        return f"team:{payload['into']}"
    if kind in TO_JUROR:
        return notices.person(payload["juror"])
    if kind in TO_AUTHOR:
        return notices.person(payload[TO_AUTHOR[kind]])
    return ORGANISER if kind in {"competition.appealed", "competition.question_posted"} else ""


def note_step(
    tx: Transaction,
    kind: str,
    *,
    index: int,
    competition: str,
    actor: str,
    team: int | None,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    """Let a step be told once it is committed. One row, whoever many they are: the caller holds the log."""
    if to := whom(kind, team, payload):
        tx.execute(
            insert(competition_steps_to_tell).values(
                log_index=index, competition=competition, kind=kind, actor=actor, whom=to, at=now
            )
        )


def tell_steps(database: Database) -> None:
    """Write the notices of all steps that were committed, each to those who took part when it happened. Safe
    to repeat, and to do in several processes at once: what one holds, another passes over."""
    waiting = select(competition_steps_to_tell).order_by(competition_steps_to_tell.c.log_index)
    batch = waiting.limit(AT_ONCE).with_for_update(skip_locked=True)
    found = AT_ONCE
    while found == AT_ONCE:
        with database.transaction() as tx:
            rows = tx.execute(batch).all()
            for row in rows:
                notices.tell(
                    tx,
                    id=f"log:{row.log_index}",
                    event=row.kind,
                    about=f"competition:{row.competition}",
                    actor=row.actor,
                    to=_audiences(tx, row),
                )
            indexes = [row.log_index for row in rows]
            tx.execute(
                delete(competition_steps_to_tell).where(competition_steps_to_tell.c.log_index.in_(indexes))
            )
            found = len(rows)


class Teller(Chore):
    """Tells the steps of competitions soon after they happened, apart from whatever holds the log."""

    def __init__(self, database: Database) -> None:
        super().__init__(seconds=TOLD_EVERY, name="notices of competitions", log=LOGGER)
        self.database = database

    def run(self) -> None:
        tell_steps(self.database)


def _audiences(tx: Transaction, row: Row[Any]) -> list[str]:
    noun, _, name = row.whom.partition(":")
    match noun:
        case "all":
            return participants(tx, row.competition, row.at)
        case "team":
            return participants(tx, row.competition, row.at, _team_now(tx, int(name)))
        case "organiser":
            return [organiser(tx, row.competition)]
    return [str(row.whom)]


def _team_now(tx: Transaction, team: int) -> int:
    """The team, or the one into which it was merged since: its people went there, and its entries."""
    merged = select(competition_teams.c.merged_into).where(competition_teams.c.id == team)
    while (into := tx.scalar(merged)) is not None:
        team = into
        merged = select(competition_teams.c.merged_into).where(competition_teams.c.id == team)
    return team


def participants(tx: Transaction, competition: str, at: datetime, team: int | None = None) -> list[str]:
    """The people who took part at a moment, in one team or in any, with the organiser's officers of the
    latter."""
    members = select(competition_members.c.person).where(
        competition_members.c.competition == competition,
        competition_members.c.joined_at <= at,
        or_(competition_members.c.left_at.is_(None), competition_members.c.left_at > at),
    )
    if team is not None:
        members = members.where(competition_members.c.team == team)
    people = [notices.person(each) for each in tx.scalars(members.order_by(competition_members.c.person))]
    return people if team is not None else [*people, organiser(tx, competition)]


def organiser(tx: Transaction, competition: str) -> str:
    department: str = tx.scalars(
        select(competitions.c.department).where(competitions.c.name == competition)
    ).one()
    return notices.officers(department)


def tell_phases(tx: Transaction, name: str, document: Competition, now: datetime) -> None:
    """Tell that a phase began or ended, once. The begin of the first is told as the competition's."""
    for number, phase in enumerate(document.phases):
        moments = {"closed": document.moment(phase.closes)}
        if number:
            moments["opened"] = document.moment(phase.opens)
        for what, at in moments.items():
            if at <= now < at + PHASE_TOLD_FOR:
                notices.tell(
                    tx,
                    id=f"competition.phase_{what}:{name}:{phase.id}",
                    event=f"competition.phase_{what}",
                    about=f"competition:{name}",
                    actor="vault",
                    to=participants(tx, name, now),
                )
