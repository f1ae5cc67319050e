"""Takes entries, shows them to their team, takes them back while they wait, notes which goes to the final.

An entry of a model or a program goes to the queue; a document or a question is received for the jury.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.competitions.charged_entries import charged
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import JUDGED, Competition, Phase, Track
from sandbox.competitions.entries.model_entry import model_interface
from sandbox.competitions.life_cycle import ENTRY, check_step
from sandbox.competitions.questions import checked_question
from sandbox.competitions.queue import planned_turns
from sandbox.competitions.queue_times import Turn
from sandbox.competitions.quotas import counted_of, quotas_of, require_room
from sandbox.competitions.record import document_of, held_public, record, require_state
from sandbox.competitions.schemas import (
    CheckedQuestion,
    CompetitionEntryDocument,
    EntryScore,
    QuestionPrice,
)
from sandbox.competitions.tables import competition_choices, competition_entries
from sandbox.competitions.teams import members_of, own_team
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal

MOST_DOCUMENT = 50_000
SCORED = ("model", "program")


def enter(
    context: CompetitionContext,
    person: Principal,
    name: str,
    *,
    track: str,
    kind: str,
    content: Mapping[str, Any],
    note: str,
    outside_data: str,
) -> tuple[CompetitionEntryDocument, int]:
    """Hand in an entry: it and its place in the log. Raises `InvalidInput`, `Conflict`, `TooMany`,
    `NotFound`; then nothing is kept."""
    now = context.clock()
    question = None
    if kind == "questions":
        question = _question(context, person, name, track=track, content=content, now=now)
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        context.require_entrant(person, name, row.department)
        require_state(row, "open")
        document = document_of(row.text)
        team = own_team(tx, person.id, name)
        wanted = _track(document, track)
        phase = _phase(document, wanted, kind, now)
        _require_size(tx, document, team)
        given = checked_content(wanted, kind, content) if question is None else question
        _require_declared(document, outside_data)
        quota = next(one for one in quotas_of(tx, document, team.id, now) if one["track"] == track)
        seconds = 0 if kind in JUDGED else wanted.entries.seconds
        if kind in SCORED and context.admit is not None:
            seconds = context.admit(tx, row, wanted, team.id, given)
        require_room(document, wanted, quota, seconds, now)
        digest = content_sha256(given)
        index = record(
            tx,
            "competition.entered",
            actor=person.id,
            competition=name,
            payload={"team": team.id, "track": track, "phase": phase.id, "kind": kind, "sha256": digest},
            now=now,
            team=team.id,
        )
        made = tx.execute(
            insert(competition_entries)
            .values(
                competition=name,
                track=track,
                phase=phase.id,
                team=team.id,
                entered_as=team.id,
                person=person.id,
                kind=kind,
                note=note,
                content=given,
                sha256=digest,
                outside_data=outside_data,
                seconds=seconds,
                state="received" if kind in JUDGED else "queued",
                submitted_at=now,
                log_index=index,
            )
            .returning(competition_entries)
        ).one()
        entered = entry_document(made, _turns(tx, context), set(), {made.id})
    context.entered()
    return entered, index


def check_question(
    context: CompetitionContext, person: Principal, name: str, *, track: str, content: Mapping[str, Any]
) -> CheckedQuestion:
    """A question as `enter` would take it; nothing is kept, and it costs no entry. Raises what `enter` raises
    for one."""
    now = context.clock()
    question = _question(context, person, name, track=track, content=content, now=now)
    return CheckedQuestion(dataset=question["dataset"], price=question["price"])


def _question(
    context: CompetitionContext,
    person: Principal,
    name: str,
    *,
    track: str,
    content: Mapping[str, Any],
    now: datetime,
) -> Mapping[str, Any]:
    """A question, planned and tried on stand-in rows: by a team that has room for it, and while nobody waits
    for the competition."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        context.require_entrant(person, name, row.department)
        require_state(row, "open")
        document = document_of(row.text)
        wanted = _track(document, track)
        team = own_team(tx, person.id, name)
        quota = next(one for one in quotas_of(tx, document, team.id, now) if one["track"] == track)
        require_room(document, wanted, quota, 0, now)
    return checked_question(context.repository, wanted, checked_content(wanted, "questions", content))


def list_entries(context: CompetitionContext, person: Principal, name: str) -> list[CompetitionEntryDocument]:
    """Those of the caller's team, the newest first."""
    with context.database.transaction() as tx:
        held_public(tx, context, name)
        team = own_team(tx, person.id, name, whatever_state=True)
        rows = tx.execute(
            select(competition_entries)
            .where(competition_entries.c.team == team.id)
            .order_by(competition_entries.c.id.desc())
        ).all()
        turns, chosen, counted = _turns(tx, context), _chosen(tx, team.id), counted_of(tx, rows)
        return [entry_document(row, turns, chosen, counted) for row in rows]


def read_entry(
    context: CompetitionContext, person: Principal, name: str, id: int
) -> CompetitionEntryDocument:
    """One of the caller's team. Raises `NotFound`, also for another team's."""
    with context.database.transaction() as tx:
        held_public(tx, context, name)
        team = own_team(tx, person.id, name, whatever_state=True)
        entry = _own_entry(tx, team, id)
        turns, chosen = _turns(tx, context), _chosen(tx, team.id)
        return entry_document(entry, turns, chosen, counted_of(tx, [entry]))


def cancel_entry(
    context: CompetitionContext, person: Principal, name: str, id: int
) -> CompetitionEntryDocument:
    """Take back an entry that waits: it costs nothing. Raises `Conflict` once it is being scored, also where
    its scoring was cut off and begins again."""
    now = context.clock()
    with context.database.transaction() as tx:
        held_public(tx, context, name)
        team = own_team(tx, person.id, name)
        entry = _own_entry(tx, team, id, lock=True)
        state = check_step(ENTRY, entry.state, "cancelled", thing=f"entry {id}", thing_zh="提交")
        if charged(tx, [id]):
            raise Conflict(
                f"The scoring of entry {id} had begun, and goes on.",
                code="entry_begun",
                remedy="Wait for its score: it counts.",
                zh=f"提交 {id} 已开始评分，并将继续。",
                remedy_zh="请等待评分；该提交已计入次数。",
            )
        entry = tx.execute(
            update(competition_entries)
            .where(competition_entries.c.id == id)
            .values(state="cancelled", ended_at=now)
            .returning(competition_entries)
        ).one()
        record(
            tx,
            state.event,
            actor=person.id,
            competition=name,
            payload={"team": team.id, "entry": id},
            now=now,
            team=team.id,
        )
        return entry_document(entry, {}, set(), set())


def choose_entry(
    context: CompetitionContext, person: Principal, name: str, id: int
) -> CompetitionEntryDocument:
    """Choose a scored entry for the final of its track, until the last board closes. Without a choice, the
    best on the last board goes there."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        require_state(row, "open")
        team = own_team(tx, person.id, name)
        entry = _own_entry(tx, team, id)
        if entry.state != "scored" or entry.final_of is not None:
            raise Conflict(
                "Only an entry that has a score can go to the final.",
                code="entry_without_score",
                remedy="Choose one that is scored: cihu competition entries.",
                zh="只有已评分的提交才能进入决赛。",
                remedy_zh="请选择已评分的提交。",
            )
        values = {"entry": id, "chosen_by": person.id, "chosen_at": now}
        tx.execute(
            upsert(competition_choices)
            .values(team=team.id, track=entry.track, **values)
            .on_conflict_do_update(index_elements=["team", "track"], set_=values)
        )
        record(
            tx,
            "competition.entry_chosen",
            actor=person.id,
            competition=name,
            payload={"team": team.id, "track": entry.track, "entry": id},
            now=now,
            team=team.id,
        )
        return entry_document(entry, {}, {id}, {id})


def withdraw_choice(context: CompetitionContext, person: Principal, name: str, track: str) -> None:
    """Go back to the default: the best on the last board."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        require_state(row, "open")
        team = own_team(tx, person.id, name)
        tx.execute(
            delete(competition_choices).where(
                competition_choices.c.team == team.id, competition_choices.c.track == track
            )
        )


def content_sha256(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def entry_document(
    entry: Row[Any], turns: Mapping[int, Turn], chosen: set[int], counted: set[int]
) -> CompetitionEntryDocument:
    """An entry as its team sees it. Nothing in it depends on how long it ran."""
    shown = CompetitionEntryDocument(
        id=entry.id,
        track=entry.track,
        phase=entry.phase,
        kind=entry.kind,
        person=entry.person,
        note=entry.note,
        sha256=entry.sha256,
        outside_data=entry.outside_data,
        state=entry.state,
        counts=entry.id in counted,
        submitted_at=entry.submitted_at,
        chosen=entry.id in chosen,
    )
    if entry.started_at is not None:
        shown["started_at"] = entry.started_at
    if entry.ended_at is not None:
        shown["ended_at"] = entry.ended_at
    if entry.failure is not None:
        shown["failure"] = entry.failure
    if entry.score is not None:
        shown["score"] = EntryScore(
            score=entry.score["score"],
            low=entry.score["low"],
            high=entry.score["high"],
            shown=entry.score["shown"],
        )
    if entry.kind == "questions":
        shown["price"] = QuestionPrice(**entry.content["price"])  # type: ignore[typeddict-item]
    if entry.final_of is not None:
        shown["final_of"] = entry.final_of
    if entry.state == "running":
        shown["expected_at"] = entry.due_at
    elif (turn := turns.get(entry.id)) is not None:
        shown["place"], shown["expected_at"] = turn.position, turn.expected_at
    return shown


def checked_content(track: Track, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of this kind holds. Raises `InvalidInput`."""
    if kind not in track.entries.kinds:
        raise InvalidInput(
            f"The track {track.id} takes no entries of kind {kind}.",
            code="entry_kind_not_taken",
            remedy=f"It takes {', '.join(track.entries.kinds)}.",
            zh=f"赛道 {track.id} 不接受 {kind} 类提交。",
            remedy_zh=f"接受：{'、'.join(track.entries.kinds)}。",
        )
    if kind == "questions":  # the planner looks into it
        return {**content}
    if kind == "model" and "model" in content:
        return _model_content(content)
    field = "text" if kind == "document" else "run"
    text = content.get(field)
    if set(content) != {field} or not isinstance(text, str) or not text.strip() or len(text) > MOST_DOCUMENT:
        raise _wrong_content(kind, field)
    return {field: text}


def _model_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """A linear model that comes with the entry itself; the scorer looks into it."""
    if content.keys() != {"model", "columns", "predicts"} or len(str(content["model"])) > MOST_DOCUMENT:
        raise _wrong_content("model", "model")
    model_interface(content)
    return {**content}


def _wrong_content(kind: str, field: str) -> InvalidInput:
    meaning = {
        "model": "`model` (a .safetensors file as base64), `columns` and `predicts`; or `run` alone",
        "text": f"`text`: the document (Markdown), at most {MOST_DOCUMENT} characters",
        "run": "`run`: the id of a predictor that your team submitted",
    }
    meaning_zh = {
        "model": "model（.safetensors 文件的 base64）、columns 和 predicts，或仅 run",
        "text": f"text：文档（Markdown），至多 {MOST_DOCUMENT} 个字符",
        "run": "run：您的团队所提交的预测程序的编号",
    }
    return InvalidInput(
        f"An entry of kind {kind} has other fields.",
        code="entry_content",
        remedy=f"Send {meaning[field]}.",
        zh=f"{kind} 类提交的字段不符。",
        remedy_zh=f"请填写 {meaning_zh[field]}。",
    )


def _track(document: Competition, id: str) -> Track:
    track = document.track(id)
    if track is None:
        raise NotFound(
            f"This competition has no track {id!r}.",
            code="track_not_found",
            remedy=f"It has {', '.join(one.id for one in document.tracks)}.",
            zh=f"该大赛没有赛道“{id}”。",
            remedy_zh=f"赛道：{'、'.join(one.id for one in document.tracks)}。",
        )
    return track


def _phase(document: Competition, track: Track, kind: str, now: datetime) -> Phase:
    """The phase that an entry of now belongs to. What a jury judges is taken until it begins."""
    if kind in JUDGED:
        first, until = document.opens_at, document.moment(document.phases_of("jury")[0].opens)
        if now < until:
            return document.phases_of("registration")[0]
        spans = f"{first.isoformat()} - {until.isoformat()}"
    else:
        boards = document.phases_of("board")
        for phase in boards:
            if document.moment(phase.opens) <= now < document.moment(phase.closes):
                return phase
        spans = ", ".join(f"{phase.id}: {phase.opens} - {phase.closes}" for phase in boards)
    raise Conflict(
        f"The track {track.id} takes no such entry now.",
        code="no_phase_open",
        remedy=f"It does in {spans} ({document.time_zone}).",
        zh=f"赛道 {track.id} 当前不接受此类提交。",
        remedy_zh=f"可提交时间：{spans}（{document.time_zone}）。",
    )


def _require_size(tx: Transaction, document: Competition, team: Row[Any]) -> None:
    people, smallest = len(members_of(tx, team.id)), document.teams.smallest
    if people < smallest:
        raise Conflict(
            f"A team needs {smallest} people to enter, and yours has {people}.",
            code="team_too_small",
            remedy="Let others join it, or merge with another team.",
            zh=f"团队至少 {smallest} 人方可提交，当前 {people} 人。",
            remedy_zh="请邀请他人加入，或与其他团队合并。",
        )


def _require_declared(document: Competition, outside_data: str) -> None:
    if outside_data and document.outside_data.rule == "forbidden":
        raise Conflict(
            "This competition allows no data from outside.",
            code="outside_data_forbidden",
            remedy="Hand in an entry that was made without it, and declare nothing.",
            zh="该大赛不允许使用外部数据。",
            remedy_zh="请提交未使用外部数据的内容，且不作申报。",
        )


def _own_entry(tx: Transaction, team: Row[Any], id: int, *, lock: bool = False) -> Row[Any]:
    wanted = select(competition_entries).where(
        competition_entries.c.id == id, competition_entries.c.team == team.id
    )
    row = tx.execute(wanted.with_for_update() if lock else wanted).first()
    if row is None:
        raise NotFound(
            f"Your team has no entry {id}.",
            code="entry_not_found",
            remedy="List those that it has: cihu competition entries.",
            zh=f"您的团队没有提交 {id}。",
            remedy_zh="可查看本队的提交列表。",
        )
    return row


def _chosen(tx: Transaction, team: int) -> set[int]:
    return set(tx.scalars(select(competition_choices.c.entry).where(competition_choices.c.team == team)))


def _turns(tx: Transaction, context: CompetitionContext) -> dict[int, Turn]:
    return {turn.entry: turn for turn in planned_turns(tx, context)}
