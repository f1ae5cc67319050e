"""Opens the final once, publishes results for notice, and revises them with a reason."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.competitions.competitions import organised, shown
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition, Track
from sandbox.competitions.jury import incomplete_rounds, jury_inputs
from sandbox.competitions.queue import waits
from sandbox.competitions.record import document_of, held_public, move, record, require_state
from sandbox.competitions.results import FinalScore, TrackInputs, compute_result
from sandbox.competitions.schemas import CompetitionDocument, ResultLine, TrackResult
from sandbox.competitions.tables import (
    competition_choices,
    competition_entries,
    competition_finals,
    competition_history,
    competition_results,
    competition_teams,
    competitions,
)
from sandbox.competitions.teams import names_shown
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal

SHORTEST_REASON = 5


def open_final(context: CompetitionContext, officer: Principal, name: str) -> CompetitionDocument:
    """Queue each team's chosen entry for the final split, once. Raises `Conflict` the second time, while
    entries still wait, or before the final's phase opens."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "judging")
        document = document_of(row.text)
        phases = document.phases_of("final")
        if not phases or now < document.moment(phases[0].opens):
            raise Conflict(
                "The final has not opened yet.",
                code="final_not_open",
                remedy=f"It opens at {phases[0].opens} ({document.time_zone})." if phases else "It has none.",
                zh="决赛尚未开始。",
                remedy_zh=f"开始时间：{phases[0].opens}（{document.time_zone}）。"
                if phases
                else "该大赛没有决赛。",
            )
        if waiting := waits(tx, name, final=False):
            raise Conflict(
                f"{waiting} entries still wait for their scores.",
                code="entries_waiting",
                remedy="Wait until they are scored.",
                zh=f"尚有 {waiting} 个提交等待评分。",
                remedy_zh="请等待评分完成。",
            )
        made = tx.execute(
            upsert(competition_finals)
            .values(competition=name, opened_by=officer.id, opened_at=now)
            .on_conflict_do_nothing()
            .returning(competition_finals.c.competition)
        ).first()
        if made is None:
            raise Conflict(
                "The final was opened before. It is opened once.",
                code="final_opened",
                remedy="Wait for its scores, and publish the result.",
                zh="决赛已开启，仅可开启一次。",
                remedy_zh="请等待评分后公布结果。",
            )
        chosen = {track.id: _finalists(tx, row, document, track) for track in document.tracks if track.board}
        for track_id, entries in chosen.items():
            for entry in entries.values():
                _queue_for_final(tx, row, phases[0].id, track_id, entry, now)
        record(
            tx,
            "competition.final_opened",
            actor=officer.id,
            competition=name,
            payload={
                "phase": phases[0].id,
                "entries": {
                    track: {
                        str(team): {"entry": one.id, "entered_at": one.submitted_at.isoformat()}
                        for team, one in entries.items()
                    }
                    for track, entries in chosen.items()
                },
            },
            now=now,
            public=True,
        )
        opened = shown(tx, row)
    context.entered()
    return opened


def publish_result(
    context: CompetitionContext, officer: Principal, name: str, reason: str = ""
) -> tuple[list[TrackResult], int, datetime, int]:
    """Compute and publish the result: its tracks, revision, moment and place in the log. The first begins the
    public notice (公示); a later one needs a reason. Raises `Conflict` while something is missing."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "judging", "notice")
        document = document_of(row.text)
        revision = _newest(tx, name) + 1
        if revision > 1 and len(reason.strip()) < SHORTEST_REASON:
            raise InvalidInput(
                "A changed result needs a reason.",
                code="reason_needed",
                remedy=f"Say why it changes, in at least {SHORTEST_REASON} characters.",
                zh="更改结果须说明原因。",
                remedy_zh=f"请说明更改原因，至少 {SHORTEST_REASON} 个字符。",
            )
        _require_complete(tx, row, document)
        teams = sorted(
            tx.scalars(
                select(competition_teams.c.id).where(
                    competition_teams.c.competition == name, competition_teams.c.state == "active"
                )
            )
        )
        inputs = _inputs(tx, row, document)
        tracks = compute_result(document, teams, inputs)
        if row.state == "judging":
            row = move(
                tx,
                row,
                "notice",
                actor=officer.id,
                now=now,
                payload=_payload(inputs, tracks, teams, revision, reason),
                notice_began_at=now,
                notice_ends_at=_end_of_days(document, now, document.notice.days),
            )
            index = _last_index(tx, name)
        else:
            # so that it can be appealed against, too, before the notice ends
            tx.execute(
                update(competitions)
                .where(competitions.c.name == name)
                .values(notice_ends_at=max(row.notice_ends_at, appeal_deadline(document, now)))
            )
            index = record(
                tx,
                "competition.result_published",
                actor=officer.id,
                competition=name,
                payload=_payload(inputs, tracks, teams, revision, reason),
                now=now,
                public=True,
            )
        tx.execute(
            insert(competition_results).values(
                competition=name,
                revision=revision,
                result=tracks,
                reason=reason.strip(),
                published_by=officer.id,
                published_at=now,
                log_index=index,
            )
        )
        return _named(tx, row, tracks), revision, now, index


def read_result(
    context: CompetitionContext, name: str, revision: int | None = None
) -> tuple[list[TrackResult], Row[Any]]:
    """A result with the teams' names, and its row; the newest without a revision. Raises `NotFound`."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        found = tx.execute(
            select(competition_results).where(
                competition_results.c.competition == name,
                competition_results.c.revision == (revision or _newest(tx, name)),
            )
        ).first()
        if found is None:
            raise NotFound(
                "No such result was published.",
                code="result_not_found",
                remedy="It is published when all entries and documents have their scores.",
                zh="尚未公布该结果。",
                remedy_zh="全部评分完成后公布。",
            )
        return _named(tx, row, found.result), found


def appeals_until(context: CompetitionContext, name: str, published_at: datetime) -> datetime:
    """Until when teams may appeal against a result. Raises `NotFound`."""
    with context.database.transaction() as tx:
        return appeal_deadline(document_of(held_public(tx, context, name).text), published_at)


def appeal_deadline(document: Competition, began: datetime) -> datetime:
    return _end_of_days(document, began, document.notice.appeal_days)


def _end_of_days(document: Competition, began: datetime, days: int) -> datetime:
    """The midnight that ends the last of so many days of the zone after the day of the begin."""
    last: date = began.astimezone(document.zone).date() + timedelta(days=days + 1)
    return datetime.combine(last, time(), document.zone)


def _finalists(tx: Transaction, row: Row[Any], document: Competition, track: Track) -> dict[int, Row[Any]]:
    """Each active team's chosen entry, or its best on the last board on which it has a score."""
    order = {phase.id: number for number, phase in enumerate(document.phases_of("board"))}
    entries = tx.execute(
        select(competition_entries)
        .join(competition_teams, competition_teams.c.id == competition_entries.c.team)
        .where(
            competition_entries.c.competition == row.name,
            competition_entries.c.track == track.id,
            competition_entries.c.state == "scored",
            competition_entries.c.final_of.is_(None),
            competition_teams.c.state == "active",
        )
        .order_by(competition_entries.c.id)
    ).all()
    chosen = set(
        tx.scalars(select(competition_choices.c.entry).where(competition_choices.c.track == track.id))
    )
    best: dict[int, Row[Any]] = {}

    def merit(one: Row[Any]) -> tuple[bool, int, int]:
        return one.id in chosen, order.get(one.phase, -1), int(one.score["level"]) * 2 + one.score["shown"]

    for entry in entries:
        if entry.team not in best or merit(entry) > merit(best[entry.team]):
            best[entry.team] = entry
    return best


def _queue_for_final(
    tx: Transaction, row: Row[Any], phase: str, track: str, entry: Row[Any], now: datetime
) -> None:
    tx.execute(
        insert(competition_entries).values(
            competition=row.name,
            track=track,
            phase=phase,
            team=entry.team,
            entered_as=entry.entered_as,
            person=entry.person,
            kind=entry.kind,
            note=entry.note,
            content=entry.content,
            sha256=entry.sha256,
            outside_data=entry.outside_data,
            seconds=entry.seconds,
            final_of=entry.id,
            state="queued",
            submitted_at=now,
            log_index=entry.log_index,
        )
    )


def _require_complete(tx: Transaction, row: Row[Any], document: Competition) -> None:
    missing = []
    has_board = any(track.board for track in document.tracks)
    opened = select(competition_finals.c.competition).where(competition_finals.c.competition == row.name)
    if has_board and tx.execute(opened).first() is None:
        missing.append(("the final was not opened", "决赛尚未开启"))
    if waiting := waits(tx, row.name, final=True):
        missing.append((f"{waiting} entries of the final wait", f"{waiting} 个决赛提交等待评分"))
    for track, round in incomplete_rounds(tx, row, document):
        missing.append(
            (f"the round {round} of {track} is not complete", f"赛道 {track} 的 {round} 轮评审未完成")
        )
    if missing:
        raise Conflict(
            "The result cannot be published: " + "; ".join(en for en, _ in missing) + ".",
            code="result_not_complete",
            remedy="Complete what is missing, and publish it then.",
            zh="尚不能公布结果：" + "；".join(zh for _, zh in missing) + "。",
            remedy_zh="请完成上述事项后再公布。",
        )


def _inputs(tx: Transaction, row: Row[Any], document: Competition) -> dict[str, TrackInputs]:
    inputs = {}
    for track in document.tracks:
        documents, marks = jury_inputs(tx, row, track)
        inputs[track.id] = TrackInputs(_final_scores(tx, row, track), documents, marks)
    return inputs


def _final_scores(tx: Transaction, row: Row[Any], track: Track) -> dict[int, FinalScore]:
    first = competition_entries.alias("first")
    rows = tx.execute(
        select(competition_entries, first.c.submitted_at.label("entered_at"))
        .join(first, first.c.id == competition_entries.c.final_of)
        .where(
            competition_entries.c.competition == row.name,
            competition_entries.c.track == track.id,
            competition_entries.c.state == "scored",
        )
    )
    return {
        one.team: FinalScore(
            one.final_of,
            float(one.score["score"]),
            float(one.score["low"]),
            float(one.score["high"]),
            one.entered_at,
        )
        for one in rows
    }


def _payload(
    inputs: Mapping[str, TrackInputs],
    tracks: list[dict[str, Any]],
    teams: list[int],
    revision: int,
    reason: str,
) -> dict[str, Any]:
    """With the marks of the jury, without names: the result can be computed again from the log alone."""
    return {
        "revision": revision,
        "reason": reason.strip(),
        "teams": teams,
        "documents": {
            track: [
                {"team": one.team, "entry": one.entry, "entered_at": one.entered_at.isoformat()}
                for one in each.documents
            ]
            for track, each in inputs.items()
        },
        "marks": {
            track: {
                round: {str(entry): dict(given) for entry, given in of_round.items()}
                for round, of_round in each.marks.items()
            }
            for track, each in inputs.items()
        },
        "tracks": tracks,
    }


def _named(tx: Transaction, row: Row[Any], tracks: list[dict[str, Any]]) -> list[TrackResult]:
    names = {
        team.id: team.name
        for team in tx.execute(select(competition_teams).where(competition_teams.c.competition == row.name))
        if names_shown(row) or not team.hidden
    }
    shown_tracks = []
    for track in tracks:
        lines = [
            ResultLine(**line, **({"name": names[line["team"]]} if line["team"] in names else {}))  # type: ignore[typeddict-item]
            for line in track["lines"]
        ]
        result = TrackResult(track=track["track"], lines=lines)
        if "method" in track:
            result["method"] = track["method"]
        shown_tracks.append(result)
    return shown_tracks


def _newest(tx: Transaction, name: str) -> int:
    newest = select(func.max(competition_results.c.revision)).where(competition_results.c.competition == name)
    return tx.scalar(newest) or 0


def _last_index(tx: Transaction, name: str) -> int:
    last = select(func.max(competition_history.c.log_index)).where(competition_history.c.competition == name)
    return tx.scalar(last) or 0
