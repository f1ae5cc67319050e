"""The board of a track, as anybody sees it: one line a team, with intervals and ranges of ranks."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, select

from sandbox.competitions.baselines import read_baseline
from sandbox.competitions.board_plans import plan_of
from sandbox.competitions.boards.intervals import Interval
from sandbox.competitions.boards.ranks import rank_ranges
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition, Phase, Track
from sandbox.competitions.record import document_of, held_public
from sandbox.competitions.schemas import BoardDocument, BoardLine
from sandbox.competitions.tables import competition_entries, competition_teams
from sandbox.competitions.teams import names_shown
from sandbox.database import Transaction
from sandbox.errors import NotFound
from sandbox.privacy import PrivacyLoss, epsilon_told


def read_board(
    context: CompetitionContext, name: str, track_id: str, phase_id: str | None = None
) -> BoardDocument:
    """The live board of a track; without a phase, of the newest that has opened. Raises `NotFound`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        document = document_of(row.text)
        track = document.track(track_id)
        boards = document.phases_of("board")
        opened = [phase for phase in boards if document.moment(phase.opens) <= now] or boards[:1]
        wanted = [phase for phase in boards if phase.id == phase_id] if phase_id else opened
        phase = wanted[-1] if wanted else None
        if track is None or track.board is None or phase is None:
            raise NotFound(
                "There is no such board.",
                code="board_not_found",
                remedy="Boards: "
                + ", ".join(f"{one.id} in {each.id}" for one in _with_board(document) for each in boards),
                zh="没有该榜单。",
                remedy_zh="榜单："
                + "、".join(f"{one.id}（{each.id}）" for one in _with_board(document) for each in boards),
            )
        return _board(tx, context, row, document, track, phase)


def _with_board(document: Competition) -> list[Track]:
    return [track for track in document.tracks if track.board is not None]


def _board(
    tx: Transaction,
    context: CompetitionContext,
    row: Row[Any],
    document: Competition,
    track: Track,
    phase: Phase,
) -> BoardDocument:
    plan, board = plan_of(document, track), track.board
    assert board is not None
    entries = tx.execute(
        select(competition_entries, competition_teams.c.name, competition_teams.c.hidden)
        .join(competition_teams, competition_teams.c.id == competition_entries.c.team)
        .where(
            competition_entries.c.competition == row.name,
            competition_entries.c.track == track.id,
            competition_entries.c.phase == phase.id,
            competition_entries.c.final_of.is_(None),
            competition_teams.c.state == "active",
        )
        .order_by(competition_entries.c.id)
    ).all()
    lines = _lines([entry for entry in entries if entry.state == "scored"], names=names_shown(row))
    target = next(one for one in track.datasets if one.target)
    budget = context.repository.version(tx, target.dataset, target.version).policy.budget
    spent = PrivacyLoss.at_most(Fraction(board.rho))
    shown = BoardDocument(
        competition=row.name,
        track=track.id,
        phase=phase.id,
        people=board.live,
        step=f"{float(plan.step):g}",
        visible=f"{plan.visible:.4f}",
        sd=f"{plan.sd:.6f}",
        entries_in_all=plan.entries,
        rho=board.rho,
        epsilon=f"{epsilon_told(spent, budget.delta, 2):.2f}" if budget else "",
        dataset_epsilon=f"{float(budget.dataset_epsilon):g}" if budget else "",
        lines=lines,
        waiting=sum(entry.state in ("queued", "running") for entry in entries),
    )
    if (baseline := read_baseline(tx, document, track)) is not None:
        shown["baseline"] = baseline
    return shown


def _lines(scored: Sequence[Row[Any]], *, names: bool) -> list[BoardLine]:
    best: dict[int, Row[Any]] = {}
    for entry in scored:
        if entry.team not in best or entry.score["level"] > best[entry.team].score["level"]:
            best[entry.team] = entry
    ranges = rank_ranges(
        {str(team): Interval(float(one.score["low"]), float(one.score["high"])) for team, one in best.items()}
    )
    ordered = sorted(best.values(), key=lambda one: (-one.score["level"], one.submitted_at, one.team))
    lines = []
    for place, one in enumerate(ordered, 1):
        own = ranges[str(one.team)]
        line = BoardLine(
            place=place,
            ranks=[own.best, own.worst],
            team=one.team,
            entry=one.id,
            score=one.score["score"],
            low=one.score["low"],
            high=one.score["high"],
            entries=sum(entry.team == one.team for entry in scored),
            entered_at=one.submitted_at,
        )
        if names or not one.hidden:
            line["name"] = one.name
        lines.append(line)
    return lines
