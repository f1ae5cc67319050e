"""Splits the people of a track before its board opens, and tells the seed when the competition has ended.

From the commitment on everybody reads train people alone, the organiser too (sandbox/splits). A split is made
once the document is public and cannot change.
"""

from collections.abc import Collection
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from sandbox.competitions.baselines import queue_baseline
from sandbox.competitions.board_plans import plan_of, split_form
from sandbox.competitions.competitions import organised
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Track
from sandbox.competitions.record import document_of, held, not_found, record, require_state
from sandbox.competitions.schemas import CompetitionSplitDocument, LeftEarlierDocument
from sandbox.competitions.tables import competition_splits
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound, Unavailable
from sandbox.identity import Principal
from sandbox.privacy import PrivacyLoss
from sandbox.splits import SplitRawStore, about_population, commit_split, load_split, open_split
from sandbox.splits.left_earlier import left_earlier


def list_left(
    context: CompetitionContext, officer: Principal, name: str, track: str
) -> list[LeftEarlierDocument]:
    """What left of the track's data before: an officer accepts each by its name, or makes no split."""
    with context.database.transaction() as tx:
        row = _of_data(tx, context, officer, name)
        chosen = _with_board(row, track)
        dataset = next(one.dataset for one in chosen.datasets if one.target)
        about = about_population(tx, context.repository, context.repository.last(tx, dataset))
        return [LeftEarlierDocument(name=one.name, of=one.of, at=one.at) for one in left_earlier(tx, about)]


def make_split(
    context: CompetitionContext,
    officer: Principal,
    name: str,
    track: str,
    *,
    accepted: Collection[str] = (),
    read_whole: Collection[str] = (),
) -> list[CompetitionSplitDocument]:
    """Split the people of a track, by an officer of the department that answers for them. Raises `Conflict`
    where it is split already, or not announced yet, and as `commit_split`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = _of_data(tx, context, officer, name)
        require_state(row, "announced", "open")
        chosen = _with_board(row, track)
        _require_no_split(tx, name, track)

    def note(tx: Transaction, split: UUID, commitment: str) -> None:
        """With the split itself, or not at all: no population stays split for a track that has no split."""
        row = held(tx, context, name)
        require_state(row, "announced", "open")
        _require_no_split(tx, name, track)
        tx.execute(
            insert(competition_splits).values(
                competition=name, track=track, split=split, made_by=officer.id, made_at=now
            )
        )
        record(
            tx,
            "competition.split",
            actor=officer.id,
            competition=name,
            payload={"track": track, "split": str(split), "commitment": commitment},
            now=now,
            public=True,
        )
        queue_baseline(tx, name, chosen, now)

    document, board = document_of(row.text), chosen.board
    assert board is not None
    plan = plan_of(document, chosen)
    commit_split(
        context.database,
        repository=context.repository,
        store=_store(context),
        gate=context.gate,
        officer=officer,
        dataset=next(one.dataset for one in chosen.datasets if one.target),
        form=split_form(chosen),
        live=PrivacyLoss(plan.loss.picorho * plan.entries),
        final=PrivacyLoss.at_most(Fraction(board.final_rho)),
        accepted=accepted,
        read_whole=read_whole,
        note=note,
    )
    context.entered()  # the baseline waits
    return list_splits(context, name)


def list_splits(context: CompetitionContext, name: str) -> list[CompetitionSplitDocument]:
    """What is public of the splits of a competition; of an opened one also its seed."""
    with context.database.transaction() as tx:
        rows = tx.execute(
            select(competition_splits)
            .where(competition_splits.c.competition == name)
            .order_by(competition_splits.c.track)
        ).all()
    shown = []
    for row in rows:
        split = load_split(context.database, row.split)
        document = CompetitionSplitDocument(
            track=row.track,
            split=str(split.id),
            dataset=split.dataset,
            version=split.number,
            commitment=split.commitment,
            live=split.form.live,
            final=split.form.final,
            state="opened" if split.state == "opened" else "committed",
        )
        if split.seed is not None:
            document["seed"] = split.seed
        shown.append(document)
    return shown


def open_splits(context: CompetitionContext, officer: Principal, name: str) -> list[CompetitionSplitDocument]:
    """Tell the seeds once the competition has ended: from then on everybody reads everybody's rows again."""
    with context.database.transaction() as tx:
        row = _of_data(tx, context, officer, name)
        require_state(row, "closed", "cancelled")
    for split in list_splits(context, name):
        if split["state"] == "committed":
            open_split(
                context.database,
                repository=context.repository,
                store=_store(context),
                gate=context.gate,
                officer=officer,
                id=UUID(split["split"]),
            )
    return list_splits(context, name)


def split_of(tx: Transaction, name: str, track: str) -> UUID | None:
    """The split of a track; None while there is none."""
    return tx.execute(
        select(competition_splits.c.split).where(
            competition_splits.c.competition == name, competition_splits.c.track == track
        )
    ).scalar_one_or_none()


def _require_no_split(tx: Transaction, name: str, track: str) -> None:
    if split_of(tx, name, track) is not None:
        raise Conflict(
            f"The people of the track {track} are split already.",
            code="track_split",
            remedy="One split serves the live boards and the final.",
            zh=f"赛道 {track} 的人群已划分。",
            remedy_zh="同一划分用于实时榜单和决赛。",
        )


def _of_data(tx: Transaction, context: CompetitionContext, officer: Principal, name: str) -> Row[Any]:
    """Held, for officers of the organiser and of departments whose data it uses."""
    row = held(tx, context, name)
    if officer.organisation in row.departments and "officer" in officer.roles:
        return row
    if row.announced_at is None:
        raise not_found(name)
    return organised(tx, context, officer, name)


def _with_board(row: Row[Any], id: str) -> Track:
    document = document_of(row.text)
    track = document.track(id)
    if track is None or track.board is None:
        raise NotFound(
            f"This competition has no track {id!r} with a board.",
            code="track_not_found",
            remedy=f"It has {', '.join(one.id for one in document.tracks if one.board) or 'none'}.",
            zh=f"该大赛没有设榜的赛道“{id}”。",
            remedy_zh=f"设榜的赛道：{'、'.join(one.id for one in document.tracks if one.board) or '无'}。",
        )
    return track


def _store(context: CompetitionContext) -> SplitRawStore:
    if context.store is None:
        raise Unavailable("No people can be split here: the raw bucket is missing.", internal="no store")
    return context.store
