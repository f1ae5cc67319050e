"""Scores an entry, once: its loss is charged, its people are predicted one by one, its place is told.

    1  one transaction: the entry is noted, its loss reserved, `entry.scoring` logged
    2  predictions in a seal, per-person values, noise, the Ladder: nothing of it leaves this process
    3  at the moment that the board's limit gives, whatever scoring took, one transaction: the place is
       stored, the loss settled, `entry.scored` logged; then it may be told

What fails after the seal has its rows could follow from one person's: it is noted as failed at the same
moment, stays charged, and is never tried again.

An entry has an id. Who asks again for the same id gets the place that was told. Where the vault ended between
1 and 3, asking again goes on from there and charges nothing; no noisy score of the first try left, so the
one that is told is the only one.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from sandbox.audit import Event, append
from sandbox.budgets import reserve_part, settle
from sandbox.competitions.boards import NoisyScore, Place, Told
from sandbox.competitions.boards.intervals import Interval
from sandbox.competitions.entries.fits import Board, Entry, require_fits
from sandbox.competitions.entries.linear import by_person
from sandbox.competitions.entries.tables import scored_entries
from sandbox.competitions.entries.values import PartPeople, people_of, score_of
from sandbox.database import Database, Transaction, lock_name
from sandbox.errors import Conflict, Unavailable
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.context import RunContext
from sandbox.jobs.disclosure_time import GRACE_SECONDS, next_moment
from sandbox.jobs.predict_people import predict_people
from sandbox.splits import Split, SplitRawStore, load_split, part_rows

LOGGER = logging.getLogger("cihu.competitions")


class EntryTooLarge(Conflict):
    """What an entry loads does not fit the seal, whatever the rows: its team may be told."""

    code = "entry_too_large"


@dataclass(frozen=True)
class ScoringContext:
    """`wait_until` returns at a moment."""

    database: Database
    store: SplitRawStore
    runs: RunContext
    wait_until: Callable[[datetime], None]


@dataclass(frozen=True)
class Scored:
    """What may be told. `score` is as people know the metric; `interval` is of the score in [0, 1] of the
    entry that got the place."""

    entry: UUID
    told: Told
    score: float
    interval: Interval
    log_index: int


def score_entry(context: ScoringContext, board: Board, entry: Entry) -> Scored:
    """Score an entry, or say what was told of it before.

    Raises `InvalidInput` for an entry that does not fit the board, before anything is charged;
    `BudgetExhausted` where the part has not enough left; `Conflict` for an id that was
    used for another board or team, or whose scoring was given up or failed; `EntryTooLarge` where what it
    loads does not fit the seal; `Unavailable` where the seal did not begin: ask again, nothing more is
    charged."""
    split = load_split(context.database, board.split)
    with context.database.transaction() as tx:
        policy = context.runs.repository.version(tx, split.dataset, split.number).policy
    require_fits(board, entry, split, policy)
    with context.database.lock(f"entry:{entry.id}"):
        with context.database.transaction() as tx:
            row = _begun(tx, context, board, entry, split)
        if row.state == "scored":
            return _scored(board, row)
        grace = GRACE_SECONDS if entry.evaluated is None else 0  # no outbox is collected
        told_at = datetime.now(UTC) + timedelta(seconds=board.limit_seconds + grace)
        try:
            noisy = _noisy_score(context, board, entry, split)
        except EntryTooLarge:
            give_up(context.database, entry.id, entry.by)
            raise
        finally:  # also of a failure: when it failed follows from rows
            context.wait_until(next_moment(told_at, datetime.now(UTC)))
        if noisy is None:
            give_up(context.database, entry.id, entry.by)
            raise _conflict("This entry ran, and has no score.", "该提交已运行，但没有得分。")
        with context.database.transaction() as tx:
            return _tell(tx, board, entry, noisy)


def give_up(database: Database, entry: UUID, by: str) -> None:
    """An entry that the seals could not score, however often it was tried: its loss stays spent. An entry
    that was scored stays scored."""
    with database.transaction() as tx:
        give_up_in(tx, entry, by)


def give_up_in(tx: Transaction, entry: UUID, by: str) -> None:
    """The same, in a transaction that waits for no row after it."""
    done = tx.execute(
        update(scored_entries)
        .where(scored_entries.c.id == entry, scored_entries.c.state == "scoring")
        .values(state="failed", ended_at=func.now())
        .returning(scored_entries.c.board)
    ).first()
    if done is not None:
        append(tx, Event("entry.failed", by, f"entry:{entry}", {"board": done.board}))


def _begun(tx: Transaction, context: ScoringContext, board: Board, entry: Entry, split: Split) -> Row[Any]:
    of = select(scored_entries).where(scored_entries.c.id == entry.id)
    row = tx.execute(of).first()
    if row is not None:
        if (row.board, row.team, row.split, row.part) != (board.key, entry.team, split.id, board.part.value):
            raise _conflict("This id was used for another entry.", "该编号已用于其他提交。")
        if row.state == "failed":
            raise _conflict("This entry could not be scored, and was given up.", "该提交无法评分，已放弃。")
        return row
    reserve_part(tx, id=entry.id, split=split.id, part=board.part, loss=board.plan.loss)
    tx.execute(
        insert(scored_entries).values(
            id=entry.id,
            split=split.id,
            part=board.part.value,
            board=board.key,
            team=entry.team,
            picorho=board.plan.loss.picorho,
            state="scoring",
        )
    )
    about = {
        "board": board.key,
        "team": entry.team,
        "split": str(split.id),
        "part": board.part.value,
        "program_sha256": entry.program.sha256,
        "picorho": board.plan.loss.picorho,
    }
    append(tx, Event("entry.scoring", entry.by, f"entry:{entry.id}", about))
    return tx.execute(of).one()


def _noisy_score(context: ScoringContext, board: Board, entry: Entry, split: Split) -> NoisyScore | None:
    """None where it failed after the rows were given."""
    version, rows = part_rows(context.store, context.runs.repository, split.id, board.part)
    assert version.policy.unit is not None
    people = people_of(rows, version.policy.unit.column, split.form.target)
    if entry.evaluated is not None:
        values = entry.evaluated.predict(people.rows, entry.interface.columns)
        return _score(board, entry, split, people, by_person(values, people.sizes))
    done = predict_people(
        context.runs,
        program=entry.program,
        interface=entry.interface,
        version=version,
        rows=people.rows,
        people=people.sizes,
        limit_seconds=board.limit_seconds,
    )
    if done.predictions is None and not done.fed:
        raise Unavailable(
            "The entry could not be scored: its seal did not begin.",
            code="entry_not_scored",
            remedy="It is tried again; nothing more is charged.",
            zh="该提交未能评分：密封运行未能启动。",
            remedy_zh="系统会再次尝试，不另行扣费。",
            internal=done.fault[:200],
        )
    if done.too_large:
        raise EntryTooLarge(
            "What the entry loads takes too much memory.",
            remedy="Use a smaller model, and import what it needs alone.",
            zh="该提交加载的内容占用内存过多。",
            remedy_zh="请使用较小的模型，并只导入所需的软件包。",
        )
    predicted = None
    if done.predictions is not None:
        (predicted,) = done.predictions.values()
    return _score(board, entry, split, people, predicted)


def _score(
    board: Board, entry: Entry, split: Split, people: PartPeople, predicted: list[list[object]] | None
) -> NoisyScore | None:
    """None where the seal left no predictions, or they cannot be scored."""
    try:
        if predicted is None:
            raise ValueError("the seal left no predictions")
        return score_of(board.plan, split.form, people, predicted)
    except Exception as error:  # noqa: BLE001  # of whatever kind: it could follow from one person's rows
        # the operator is told that it happened, and nothing that could hold data
        LOGGER.error("entry %s ran, and has no score: %s", entry.id, type(error).__name__)  # noqa: TRY400
        return None


def _tell(tx: Transaction, board: Board, entry: Entry, noisy: NoisyScore) -> Scored:
    lock_name(tx, f"cihu board {board.key} {entry.team}")
    last = tx.execute(
        select(scored_entries.c.place)
        .where(
            scored_entries.c.board == board.key,
            scored_entries.c.team == entry.team,
            scored_entries.c.state == "scored",
        )
        .order_by(scored_entries.c.log_index.desc())
        .limit(1)
    ).scalar_one_or_none()
    told = board.plan.ladder.tell(None if last is None else Place(last), noisy)
    settle(tx, id=entry.id)
    about = {
        "board": board.key,
        "team": entry.team,
        "place": told.place.level,
        "improved": told.improved,
        "step": str(board.plan.step),
    }
    index = append(tx, Event("entry.scored", entry.by, f"entry:{entry.id}", about))
    row = tx.execute(
        update(scored_entries)
        .where(scored_entries.c.id == entry.id, scored_entries.c.state == "scoring")
        .values(
            state="scored",
            place=told.place.level,
            improved=told.improved,
            ended_at=func.now(),
            log_index=index,
        )
        .returning(scored_entries)
    ).first()
    if row is None:  # given up meanwhile: nothing is told
        raise _conflict("This entry was given up.", "该提交已放弃。")
    return _scored(board, row)


def _scored(board: Board, row: Row[Any]) -> Scored:
    told = Told(Place(row.place), row.improved)
    plan = board.plan
    shown = plan.form.metric.shown(plan.ladder.score(told.place))
    return Scored(row.id, told, shown, plan.interval(told.place), row.log_index)


def wait_until(moment: datetime) -> None:
    """Returns at that moment."""
    never = Cancellation()
    try:
        never.wait((moment - datetime.now(UTC)).total_seconds())
    finally:
        never.close()


def _conflict(message: str, zh: str) -> Conflict:
    return Conflict(
        message,
        code="entry_conflict",
        remedy="Hand it in as a new entry.",
        zh=zh,
        remedy_zh="请作为新的提交上传。",
    )
