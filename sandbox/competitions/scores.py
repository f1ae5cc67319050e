"""Makes what a team is told of an entry of its place: a function of the plan and the place alone.

The noisy score itself is written nowhere (sandbox/competitions/entries): a team that saw it could overfit the
board, which the Ladder prevents.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, func, select

from sandbox.competitions.board_plans import final_plan, plan_of
from sandbox.competitions.boards import BoardPlan, Place, Told
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.queue import ClaimedEntry, note_score
from sandbox.competitions.record import document_of
from sandbox.competitions.results import digits
from sandbox.competitions.tables import competition_entries, competitions
from sandbox.database import Transaction


def note_told(context: CompetitionContext, claimed: ClaimedEntry, told: Told) -> bool:
    """Write the score that follows from a place. Gives whether it was taken."""

    def score_of(tx: Transaction, row: Row[Any]) -> Mapping[str, Any]:
        return told_score(plan_for(tx, row.competition, row.track, final=row.final_of is not None), told)

    return note_score(context, claimed, score_of)


def told_score(plan: BoardPlan, told: Told) -> dict[str, Any]:
    """As it stands in the log."""
    bounds = plan.interval(told.place)
    return {
        "level": told.place.level,
        "shown": told.improved,
        "score": digits(plan.ladder.score(told.place)),
        "low": digits(bounds.low),
        "high": digits(bounds.high),
    }


def told_again(plan: BoardPlan, score: Mapping[str, Any]) -> dict[str, Any]:
    """The same from what the log holds of it."""
    return told_score(plan, Told(Place(int(score["level"])), bool(score["shown"])))


def plan_for(tx: Transaction, name: str, track_id: str, *, final: bool) -> BoardPlan:
    """Of the live board or of the final, in which the entries that were sent there share its loss."""
    text = tx.execute(select(competitions.c.text).where(competitions.c.name == name)).scalar_one()
    document = document_of(text)
    track = document.track(track_id)
    assert track is not None
    if not final:
        return plan_of(document, track)
    sent = select(func.count()).where(
        competition_entries.c.competition == name,
        competition_entries.c.track == track_id,
        competition_entries.c.final_of.is_not(None),
    )
    return final_plan(track, tx.execute(sent).scalar_one())
