"""The baseline of a board: one prediction for everybody, entered by the vault for the organiser when the
people are split.

It is charged and scored as an entry is, and stands on the board beside the teams, without a rank. What it
predicts follows from the document alone: the most frequent class, the share of the positive class, or the
middle of the target.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import insert, select, update

from sandbox.competitions.board_plans import baseline_of
from sandbox.competitions.boards import BoardPlan, Told
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition, Track
from sandbox.competitions.record import VAULT, held, record
from sandbox.competitions.schemas import BaselineLine
from sandbox.competitions.scores import told_score
from sandbox.competitions.tables import competition_baselines, competitions
from sandbox.database import Transaction

TEAM = "baseline"
"""As which it is charged; teams have numbers."""


@dataclass(frozen=True)
class WaitingBaseline:
    """A baseline that has no score yet."""

    competition: str
    track: str

    @property
    def scoring_id(self) -> UUID:
        """The same for each attempt, so that it is charged once."""
        return uuid5(NAMESPACE_URL, f"urn:cihu:competition-baseline:{self.competition}/{self.track}")


def queue_baseline(tx: Transaction, name: str, track: Track, now: datetime) -> None:
    """With the split, or not at all."""
    if track.board is not None and baseline_of(track.board) is not None:
        tx.execute(
            insert(competition_baselines).values(
                competition=name, track=track.id, state="waiting", queued_at=now
            )
        )


def waiting_baselines(tx: Transaction) -> list[WaitingBaseline]:
    """Those of competitions that go on, the one that has waited longest first."""
    rows = tx.execute(
        select(competition_baselines.c.competition, competition_baselines.c.track)
        .join(competitions, competitions.c.name == competition_baselines.c.competition)
        .where(
            competition_baselines.c.state == "waiting",
            competitions.c.state.in_(("announced", "open", "judging")),
        )
        .order_by(competition_baselines.c.queued_at, competition_baselines.c.track)
    )
    return [WaitingBaseline(row.competition, row.track) for row in rows]


def note_baseline(
    context: CompetitionContext, baseline: WaitingBaseline, plan: BoardPlan, told: Told | None
) -> None:
    """Write its score into the public record. `told`: None for one that has no score, and is not tried
    again."""
    now = context.clock()
    of = (
        competition_baselines.c.competition == baseline.competition,
        competition_baselines.c.track == baseline.track,
        competition_baselines.c.state == "waiting",
    )
    with context.database.transaction() as tx:
        held(tx, context, baseline.competition)
        score = told_score(plan, told) if told is not None else None
        state = "failed" if score is None else "scored"
        changed = tx.execute(
            update(competition_baselines).where(*of).values(state=state, score=score, ended_at=now)
        )
        if not changed.rowcount or score is None:
            return
        record(
            tx,
            "competition.baseline_scored",
            actor=VAULT,
            competition=baseline.competition,
            payload={"track": baseline.track, "score": score},
            now=now,
            public=True,
        )


def read_baseline(tx: Transaction, document: Competition, track: Track) -> BaselineLine | None:
    """As it stands on the board; None while it has no score."""
    score = tx.execute(
        select(competition_baselines.c.score).where(
            competition_baselines.c.competition == document.competition,
            competition_baselines.c.track == track.id,
            competition_baselines.c.state == "scored",
        )
    ).scalar_one_or_none()
    constant = baseline_of(track.board) if track.board is not None else None
    if score is None or constant is None:
        return None
    value = str(constant.value).lower() if isinstance(constant.value, bool) else str(constant.value)
    return BaselineLine(value=value, score=score["score"], low=score["low"], high=score["high"])
