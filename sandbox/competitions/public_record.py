"""The public record of a competition: each step that names nobody, with the receipt that opens its log entry.

Scores stand in it from the public notice on, with the places of entries that did not move the board.
"""

from typing import Any

from sqlalchemy import Row, select

from sandbox.audit import Log
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.record import held_public
from sandbox.competitions.schemas import CompetitionRecord, CompetitionStep
from sandbox.competitions.tables import competition_history

AFTER_NOTICE = frozenset({"competition.entry_scored"})


def read_record(context: CompetitionContext, log: Log, name: str) -> CompetitionRecord:
    """Raises `NotFound` for a draft."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        rows = tx.execute(
            select(competition_history)
            .where(competition_history.c.competition == name, competition_history.c.public)
            .order_by(competition_history.c.log_index)
        ).all()
    shown: list[Row[Any]] = [
        one for one in rows if row.notice_began_at is not None or one.kind not in AFTER_NOTICE
    ]
    return CompetitionRecord(
        competition=name,
        text=row.text,
        log_key=log.public_key,
        steps=[
            CompetitionStep(kind=one.kind, at=one.at, receipt=log.receipt(one.log_index, opening=True))  # type: ignore[typeddict-item]
            for one in shown
        ],
    )
