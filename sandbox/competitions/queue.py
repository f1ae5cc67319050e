"""The queue of entries: claim the next, note how it ended, and leave none in a state for ever.

The table of entries is the queue. An entry that was cut off is queued once more; cut off again, or not begun
by the end of its phase's grace, it ends: as failed if it was charged, else it never ran, and costs nothing.
An entry that has its place is never ended so: it is queued to be told it. Where its competition was cancelled
or its team takes part no more, it ends in any case, and what was charged stays counted. A scorer says with
its end which attempt it is of: an attempt that was given up changes nothing, so no entry is scored twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update

from sandbox.competitions.charged_entries import charged
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition
from sandbox.competitions.entries.score import give_up_in
from sandbox.competitions.life_cycle import ENTRY
from sandbox.competitions.queue_times import Running, Turn, Waiting, next_of, turns
from sandbox.competitions.record import VAULT, document_of, held, record
from sandbox.competitions.tables import competition_entries, competition_teams, competitions
from sandbox.database import Transaction, lock_name
from sandbox.errors import InvalidInput
from sandbox.operations.maintenance import maintenance_at

MOST_ATTEMPTS = 2
MARGIN_SECONDS = 180
"""Beyond its limit, until a scorer that has not ended counts as cut off."""

FAILURES = (
    "program_error",
    "import_missing",
    "memory",
    "time",
    "output_refused",
    "invalid_predictions",
    "interrupted",
)
"""Classes of an entry that was charged and has no score: it counts."""

SWEPT = ("id", "state", "attempt", "competition", "phase", "final_of", "due_at")
"""What `sweep` looks at."""

NOT_RUN = ("interrupted", "phase_closed", "not_started")
"""Classes of an entry that never ran: it costs nothing."""

ScoreOf = Callable[[Transaction, Row[Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class ClaimedEntry:
    """An entry that has a slot, and the attempt that its scorer must name."""

    id: int
    attempt: int
    competition: str
    track: str
    phase: str
    team: int
    entered_as: int
    person: str
    kind: str
    content: Mapping[str, Any]
    sha256: str
    seconds: int
    final: bool
    due_at: datetime


def claim(context: CompetitionContext) -> ClaimedEntry | None:
    """The next entry, now running; None when none waits, all slots are taken, or there is maintenance."""
    now = context.clock()
    with context.database.transaction() as tx:
        lock_name(tx, "cihu competition queue")
        running, waiting, served = _queue(tx)
        if len(running) >= context.slots or maintenance_at(tx, now) is not None:
            return None
        chosen = next_of(waiting, Counter(one.team for one in running), served)
        if chosen is None:
            return None
        due = now + timedelta(seconds=chosen.seconds + MARGIN_SECONDS)
        row = tx.execute(
            update(competition_entries)
            .where(competition_entries.c.id == chosen.entry, competition_entries.c.state == "queued")
            .values(state="running", started_at=now, due_at=due, attempt=competition_entries.c.attempt + 1)
            .returning(competition_entries)
        ).first()
        if row is None:  # taken back between
            return None
        record(
            tx,
            "competition.entry_started",
            actor=VAULT,
            competition=row.competition,
            payload={"entry": row.id, "attempt": row.attempt},
            now=now,
            team=row.team,
        )
        return _claimed(row)


def note_score(context: CompetitionContext, claimed: ClaimedEntry, score_of: ScoreOf) -> bool:
    """Write the score of an entry into the public record. `score_of` makes it of the entry's row, while the
    competition is held. Gives whether it was taken: an attempt that was given up is not."""
    now = context.clock()
    with context.database.transaction() as tx:
        held(tx, context, claimed.competition)
        row = tx.execute(select(competition_entries).where(_this_attempt(claimed)).with_for_update()).first()
        if row is None:
            return False
        score = dict(score_of(tx, row))
        tx.execute(
            update(competition_entries)
            .where(competition_entries.c.id == row.id)
            .values(state="scored", score=score, ended_at=now)
        )
        record(
            tx,
            "competition.entry_scored",
            actor=VAULT,
            competition=row.competition,
            payload={
                "entry": row.id,
                "team": row.team,
                "track": row.track,
                "phase": row.phase,
                "sha256": row.sha256,
                "score": score,
            },
            now=now,
            public=True,
            team=row.team,
        )
        return True


def note_failure(context: CompetitionContext, claimed: ClaimedEntry, failure: str) -> bool:
    """An entry ran and has no score: its team is told the class. Raises `InvalidInput` for another class."""
    if failure not in FAILURES:
        raise InvalidInput(f"There is no class of failure {failure!r}.", remedy=f"Use {', '.join(FAILURES)}.")
    payload = {"entry": claimed.id, "failure": failure}
    return _end(context, claimed, "failed", payload, failure)


def note_not_run(context: CompetitionContext, claimed: ClaimedEntry, why: str = "not_started") -> bool:
    """An entry could not begin: it costs its team nothing, unless it was charged. Gives whether it ended."""
    if why not in NOT_RUN:
        raise InvalidInput(f"There is no reason {why!r}.", remedy=f"Use {', '.join(NOT_RUN)}.")
    with context.database.transaction() as tx:
        row = tx.execute(select(competition_entries).where(_this_attempt(claimed))).first()
    return row is not None and _change(context, row, "not_run", why, context.clock())


def cut_off(context: CompetitionContext, claimed: ClaimedEntry) -> bool:
    """The scorer failed, through no fault of the entry: whether it is queued again. Else it ended."""
    if claimed.attempt >= MOST_ATTEMPTS:
        note_not_run(context, claimed, "interrupted")
        return False
    with context.database.transaction() as tx:
        row = tx.execute(select(competition_entries).where(_this_attempt(claimed))).first()
    return row is not None and _change(context, row, "queued", None, context.clock())


def sweep(context: CompetitionContext, *, all_running: bool = False) -> int:
    """Queue again what was cut off, and end what can never run. `all_running`: at the vault's start nothing
    runs any more. Returns how many entries it changed."""
    now = context.clock()
    # without what was entered, which is long
    swept: list[ColumnElement[Any]] = [*(competition_entries.c[name] for name in SWEPT)]
    swept.append(_takes_part().label("takes_part"))
    with context.database.transaction() as tx:
        rows = tx.execute(
            select(*swept)
            .join(competitions, competitions.c.name == competition_entries.c.competition)
            .join(competition_teams, competition_teams.c.id == competition_entries.c.team)
            .where(competition_entries.c.state.in_(("queued", "running")))
            .order_by(competition_entries.c.id)
        ).all()
        texts = select(competitions.c.name, competitions.c.text).where(
            competitions.c.name.in_({row.competition for row in rows})
        )
        documents = {row.name: document_of(row.text) for row in tx.execute(texts)}
    changed = 0
    for row in rows:
        late = not row.takes_part or _grace_over(row, documents[row.competition], now)
        cut_off = row.state == "running" and (all_running or now >= row.due_at)
        if row.state == "queued" and late:
            changed += _change(context, row, "not_run", "phase_closed", now, over=not row.takes_part)
        elif cut_off and (late or row.attempt >= MOST_ATTEMPTS):
            changed += _change(context, row, "not_run", "interrupted", now, over=not row.takes_part)
        elif cut_off:
            changed += _change(context, row, "queued", None, now)
    return changed


def end_queued(tx: Transaction, entries: ColumnElement[bool], now: datetime) -> None:
    """End those of these entries that wait, for their competition or their team is over: as failed where they
    were charged, which counts, else as cancelled. Call it before anything is logged."""
    waiting = tx.execute(
        select(competition_entries)
        .where(entries, competition_entries.c.state == "queued")
        .order_by(competition_entries.c.id)
        .with_for_update()
    ).all()
    paid = charged(tx, [row.id for row in waiting], lock=True)
    ends = {
        row.id: _end_of_charged(paid[row.id]) if row.id in paid else ("cancelled", None) for row in waiting
    }
    for row in waiting:
        state, failure = ends[row.id]
        tx.execute(
            update(competition_entries)
            .where(competition_entries.c.id == row.id)
            .values(state=state, failure=failure, due_at=None, ended_at=now)
        )
    for scored in paid.values():
        give_up_in(tx, scored.id, VAULT)
    for row in waiting:
        state, failure = ends[row.id]
        record(
            tx,
            ENTRY[state].event,
            actor=VAULT,
            competition=row.competition,
            payload={"entry": row.id, "team": row.team, **({"failure": failure} if failure else {})},
            now=now,
            public=failure is not None,
            team=row.team,
        )


def planned_turns(tx: Transaction, context: CompetitionContext) -> list[Turn]:
    """Position and expected time of every entry that waits."""
    running, waiting, served = _queue(tx)
    return turns(context.clock(), slots=context.slots, running=running, waiting=waiting, served=served)


def waits(tx: Transaction, competition: str, *, final: bool) -> int:
    """How many entries of a competition wait or run, in the final or before it."""
    of_final = competition_entries.c.final_of.is_not(None)
    return (
        tx.scalar(
            select(func.count())
            .select_from(competition_entries)
            .where(
                competition_entries.c.competition == competition,
                competition_entries.c.state.in_(("queued", "running")),
                of_final if final else ~of_final,
            )
        )
        or 0
    )


def _queue(tx: Transaction) -> tuple[list[Running], list[Waiting], dict[int, datetime]]:
    waits = competition_entries.c
    rows = tx.execute(
        select(waits.id, waits.team, waits.state, waits.seconds, waits.submitted_at, waits.due_at)
        .join(competition_teams, competition_teams.c.id == waits.team)
        .join(competitions, competitions.c.name == waits.competition)
        .where(or_(waits.state == "running", and_(waits.state == "queued", _takes_part())))
    ).all()
    served = tx.execute(
        select(waits.team, func.max(waits.started_at).label("served"))
        .where(waits.started_at.is_not(None), waits.team.in_({row.team for row in rows}))
        .group_by(waits.team)
    )
    return (
        [Running(row.team, row.due_at) for row in rows if row.state == "running"],
        [Waiting(row.id, row.team, row.seconds, row.submitted_at) for row in rows if row.state == "queued"],
        {row.team: row.served for row in served},
    )


def _takes_part() -> ColumnElement[bool]:
    return and_(competitions.c.state != "cancelled", competition_teams.c.state == "active")


def _claimed(row: Row[Any]) -> ClaimedEntry:
    return ClaimedEntry(
        row.id,
        row.attempt,
        row.competition,
        row.track,
        row.phase,
        row.team,
        row.entered_as,
        row.person,
        row.kind,
        row.content,
        row.sha256,
        row.seconds,
        row.final_of is not None,
        row.due_at,
    )


def _this_attempt(claimed: ClaimedEntry) -> ColumnElement[bool]:
    return and_(
        competition_entries.c.id == claimed.id,
        competition_entries.c.state == "running",
        competition_entries.c.attempt == claimed.attempt,
    )


def _end(
    context: CompetitionContext, claimed: ClaimedEntry, state: str, payload: Mapping[str, Any], failure: str
) -> bool:
    now = context.clock()
    with context.database.transaction() as tx:
        row = tx.execute(
            update(competition_entries)
            .where(_this_attempt(claimed))
            .values(state=state, ended_at=now, failure=failure)
            .returning(competition_entries)
        ).first()
        if row is None:
            return False
        record(
            tx,
            ENTRY[state].event,
            actor=VAULT,
            competition=row.competition,
            payload={**payload, "team": row.team},
            now=now,
            public=True,
            team=row.team,
        )
        return True


def _grace_over(row: Row[Any], document: Competition, now: datetime) -> bool:
    """Whether its phase has closed and the grace after it is over. A final has no end of its own."""
    if row.final_of is not None:
        return False
    phase = next(phase for phase in document.phases if phase.id == row.phase)
    return now >= document.moment(phase.closes) + timedelta(minutes=phase.grace_minutes)


def _end_of(tx: Transaction, entry: int, why: str | None, *, over: bool) -> tuple[str, str | None]:
    """In which state an entry ends that has no score, and why. `over`: nobody is told its place."""
    row = charged(tx, [entry]).get(entry)
    if row is None:
        return "not_run", why
    if row.state == "scored" and not over:
        return "queued", None
    give_up_in(tx, row.id, VAULT)
    return _end_of_charged(row)


def _end_of_charged(row: Row[Any]) -> tuple[str, str]:
    """Of an entry that was charged, by its row of `scored_entries`."""
    return "failed", "program_error" if row.state == "failed" else "interrupted"


def _change(
    context: CompetitionContext,
    row: Row[Any],
    state: str,
    why: str | None,
    now: datetime,
    *,
    over: bool = False,
) -> bool:
    """In a transaction of its own, and only if the entry is still as it was read."""
    with context.database.transaction() as tx:
        as_read = and_(
            competition_entries.c.id == row.id,
            competition_entries.c.state == row.state,
            competition_entries.c.attempt == row.attempt,
        )
        if tx.execute(select(competition_entries.c.id).where(as_read).with_for_update()).first() is None:
            return False
        if state == "not_run":
            state, why = _end_of(tx, row.id, why, over=over)
        if state == row.state:
            return False
        ended = {"failure": why, "ended_at": now} if why else {}
        changed = tx.execute(
            update(competition_entries)
            .where(as_read)
            .values(state=state, due_at=None, **ended)
            .returning(competition_entries.c.team)
        ).one()
        record(
            tx,
            ENTRY[state].event if why else "competition.entry_requeued",
            actor=VAULT,
            competition=row.competition,
            payload={"entry": row.id, "team": changed.team, **({"failure": why} if why else {})},
            now=now,
            public=why is not None,
            team=changed.team,
        )
        return True
