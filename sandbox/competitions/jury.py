"""Jurors: appointed, given documents without conflicts of interest, blind to teams and to each other.

A round is assigned once. Marks can be given and changed until a result is published, and each change is in
the log. What a juror does not mark can be given to another one, so nobody holds up the result.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.competitions.competitions import organised, words
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition, Jury, JuryRound, Track
from sandbox.competitions.jury_assignment import assign
from sandbox.competitions.questions import question_text
from sandbox.competitions.record import document_of, held_public, record, require_state
from sandbox.competitions.results import JudgedDocument, TrackInputs, admitted
from sandbox.competitions.schemas import AssignedDocument, CriterionDocument, JurorDocument
from sandbox.competitions.tables import (
    competition_assignments,
    competition_entries,
    competition_history,
    competition_jurors,
    competition_members,
    competition_teams,
)
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.identity.principals import live_person

SEED_BITS = 53
ASSIGNED = "competition.documents_assigned"


def appoint(
    context: CompetitionContext, officer: Principal, name: str, *, track: str, juror: str
) -> list[JurorDocument]:
    """Appoint somebody who takes no part. Raises `Conflict`, `NotFound`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "announced", "open", "judging")
        _judged_track(document_of(row.text), track)
        account = live_person(tx, juror)
        member = select(competition_members.c.id).where(
            competition_members.c.competition == name, competition_members.c.person == juror
        )
        if tx.execute(member).first() is not None:
            raise Conflict(
                f"{juror} takes part, or took part, in this competition.",
                code="juror_competes",
                remedy="Appoint somebody else.",
                zh=f"{juror} 参加或曾参加该大赛。",
                remedy_zh="请另聘评委。",
            )
        tx.execute(
            upsert(competition_jurors)
            .values(
                competition=name,
                track=track,
                juror=juror,
                organisation=account.organisation,
                appointed_by=officer.id,
                appointed_at=now,
            )
            .on_conflict_do_nothing()
        )
        _log(tx, "competition.juror_appointed", officer, name, {"track": track, "juror": juror}, now)
        return _jurors(tx, name)


def remove(
    context: CompetitionContext, officer: Principal, name: str, *, track: str, juror: str
) -> list[JurorDocument]:
    """Release a juror who has no documents. Raises `Conflict`, `NotFound`."""
    now = context.clock()
    with context.database.transaction() as tx:
        organised(tx, context, officer, name)
        of_juror = (
            (competition_assignments.c.competition == name)
            & (competition_assignments.c.track == track)
            & (competition_assignments.c.juror == juror)
        )
        if tx.execute(select(competition_assignments.c.entry).where(of_juror).limit(1)).first() is not None:
            raise Conflict(
                f"{juror} has documents to judge.",
                code="juror_has_documents",
                remedy="Jurors are released before documents are assigned.",
                zh=f"{juror} 已分配文档。",
                remedy_zh="请在分配文档前解除聘任。",
            )
        gone = tx.execute(
            delete(competition_jurors)
            .where(
                competition_jurors.c.competition == name,
                competition_jurors.c.track == track,
                competition_jurors.c.juror == juror,
            )
            .returning(competition_jurors.c.juror)
        ).first()
        if gone is None:
            raise _not_a_juror()
        _log(tx, "competition.juror_removed", officer, name, {"track": track, "juror": juror}, now)
        return _jurors(tx, name)


def list_jurors(context: CompetitionContext, officer: Principal, name: str) -> list[JurorDocument]:
    with context.database.transaction() as tx:
        organised(tx, context, officer, name)
        return _jurors(tx, name)


def assign_round(
    context: CompetitionContext, officer: Principal, name: str, *, track: str, round: str
) -> list[JurorDocument]:
    """Give the documents of a round to the jurors of its track, in the jury's phase. Raises `Conflict`."""
    now, seed = context.clock(), secrets.randbits(SEED_BITS)
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        document = document_of(row.text)
        judged, jury = _judged_track(document, track)
        wanted = _round(jury, round)
        _require_judging(row, document, now)
        if round in _assigned_rounds(tx, name, judged):
            raise Conflict(
                "This round is assigned already.",
                code="round_assigned",
                remedy="Each juror sees their documents: cihu competition documents.",
                zh="该轮已分配。",
                remedy_zh="评委可查看各自的文档。",
            )
        _require_before_complete(tx, row, judged, jury, wanted)
        documents, marks = jury_inputs(tx, row, judged)
        teams = [one.team for one in documents]
        entries = admitted(judged, wanted, TrackInputs(documents=documents, marks=marks), teams)
        jurors = {
            one.juror: one.organisation
            for one in tx.execute(
                select(competition_jurors).where(
                    competition_jurors.c.competition == name, competition_jurors.c.track == track
                )
            )
        }
        found = assign(
            {one.entry: _organisations(tx, one.team) for one in documents if one.entry in entries},
            jurors,
            per_document=jury.per_document,
            per_juror=jury.per_juror,
            seed=seed,
        )
        rows = [
            {
                "competition": name,
                "track": track,
                "round": round,
                "entry": entry,
                "juror": juror,
                "assigned_at": now,
            }
            for entry, chosen in found.items()
            for juror in chosen
        ]
        if rows:
            tx.execute(insert(competition_assignments), rows)
        payload = {"track": track, "round": round, "entries": sorted(found), "seed": seed}
        _log(tx, ASSIGNED, officer, name, payload, now)
        return _jurors(tx, name)


def reassign(
    context: CompetitionContext, officer: Principal, name: str, *, track: str, round: str, instead_of: str
) -> list[JurorDocument]:
    """Give what a juror has not marked in a round to others of its track: to those with the fewest documents,
    without conflicts of interest. Raises `NotFound` where nothing waits for this juror, `Conflict`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        document = document_of(row.text)
        judged, jury = _judged_track(document, track)
        _round(jury, round)
        _require_judging(row, document, now)
        of_track = tx.execute(
            select(competition_assignments, competition_entries.c.team, competition_teams.c.state)
            .join(competition_entries, competition_entries.c.id == competition_assignments.c.entry)
            .join(competition_teams, competition_teams.c.id == competition_entries.c.team)
            .where(
                competition_assignments.c.competition == name, competition_assignments.c.track == judged.id
            )
        ).all()
        unmarked = [
            one
            for one in of_track
            if (one.round, one.juror) == (round, instead_of)
            and one.scored_at is None
            and one.state == "active"
        ]
        if not unmarked:
            raise NotFound(
                f"No document of this round waits for marks of {instead_of[:40]}.",
                code="document_not_assigned",
                remedy="See who has documents to mark: cihu competition jurors.",
                zh=f"本轮没有等待 {instead_of[:40]} 评分的文档。",
                remedy_zh="可查看各评委尚未评分的文档数。",
            )
        loads = Counter(one.juror for one in of_track)
        jurors = tx.execute(
            select(competition_jurors).where(
                competition_jurors.c.competition == name, competition_jurors.c.track == track
            )
        ).all()
        for given in unmarked:
            own = _organisations(tx, given.team)
            taken = {one.juror for one in of_track if (one.round, one.entry) == (round, given.entry)}
            free = [one.juror for one in jurors if one.juror not in taken and one.organisation not in own]
            if not free:
                raise Conflict(
                    f"No other juror of the track {track} may judge document {given.entry}.",
                    code="too_few_jurors",
                    remedy="Appoint one of another organisation: cihu competition jurors --appoint.",
                    zh=f"赛道 {track} 没有其他评委可评审文档 {given.entry}。",
                    remedy_zh="请另聘其他机构的评委。",
                )
            other = min(free, key=lambda juror: (loads[juror], juror))
            loads[other] += 1
            tx.execute(
                update(competition_assignments)
                .where(
                    competition_assignments.c.round == round,
                    competition_assignments.c.entry == given.entry,
                    competition_assignments.c.juror == instead_of,
                )
                .values(juror=other, assigned_at=now)
            )
        payload = {
            "track": track,
            "round": round,
            "entries": sorted(one.entry for one in unmarked),
            "instead_of": instead_of,
        }
        _log(tx, ASSIGNED, officer, name, payload, now)
        return _jurors(tx, name)


def own_documents(context: CompetitionContext, juror: Principal, name: str) -> list[AssignedDocument]:
    """What the caller judges; of nobody else's marks anything. Empty for whoever judges nothing."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        document = document_of(row.text)
        rows = tx.execute(
            select(competition_assignments, competition_entries.c.content, competition_entries.c.outside_data)
            .join(competition_entries, competition_entries.c.id == competition_assignments.c.entry)
            .where(competition_assignments.c.competition == name, competition_assignments.c.juror == juror.id)
            .order_by(competition_assignments.c.round, competition_assignments.c.entry)
        ).all()
        return [_assigned(document, one) for one in rows]


def give_marks(
    context: CompetitionContext,
    juror: Principal,
    name: str,
    entry: int,
    *,
    round: str,
    marks: Mapping[str, int],
    comment: str,
) -> AssignedDocument:
    """Mark a document by its rubric, every criterion of it. Raises `InvalidInput`, `NotFound`, `Conflict`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        document = document_of(row.text)
        this = (
            (competition_assignments.c.competition == name)
            & (competition_assignments.c.round == round)
            & (competition_assignments.c.entry == entry)
            & (competition_assignments.c.juror == juror.id)
        )
        given = tx.execute(select(competition_assignments).where(this)).first()
        if given is None:
            raise NotFound(
                "You do not judge this document in this round.",
                code="document_not_assigned",
                remedy="List yours: cihu competition documents.",
                zh="该文档在本轮未分配给您。",
                remedy_zh="可查看分配给您的文档。",
            )
        _require_judging(row, document, now)
        _, jury = _judged_track(document, given.track)
        _check_marks(_round(jury, round), marks)
        tx.execute(
            update(competition_assignments)
            .where(this)
            .values(marks=dict(marks), comment=comment, scored_at=now)
        )
        payload = {"entry": entry, "round": round, "marks": dict(marks)}
        _log(tx, "competition.document_scored", juror, name, payload, now)
        found = tx.execute(
            select(competition_assignments, competition_entries.c.content, competition_entries.c.outside_data)
            .join(competition_entries, competition_entries.c.id == competition_assignments.c.entry)
            .where(this)
        ).one()
        return _assigned(document, found)


def jury_inputs(
    tx: Transaction, row: Row[Any], track: Track
) -> tuple[list[JudgedDocument], dict[str, dict[int, dict[str, int]]]]:
    """The last document of each active team, and the marks that were given, with jurors as numbers."""
    if track.jury is None:
        return [], {}
    last: dict[int, JudgedDocument] = {}
    entries = tx.execute(
        select(competition_entries)
        .join(competition_teams, competition_teams.c.id == competition_entries.c.team)
        .where(
            competition_entries.c.competition == row.name,
            competition_entries.c.track == track.id,
            competition_entries.c.state == "received",
            competition_teams.c.state == "active",
        )
        .order_by(competition_entries.c.id)
    )
    for entry in entries:
        last[entry.team] = JudgedDocument(entry.team, entry.id, entry.submitted_at)
    given = tx.execute(
        select(competition_assignments)
        .where(competition_assignments.c.competition == row.name, competition_assignments.c.track == track.id)
        .order_by(competition_assignments.c.assigned_at, competition_assignments.c.juror)
    ).all()
    numbers = {juror: str(number) for number, juror in enumerate(_shuffled(given), 1)}
    marks: dict[str, dict[int, dict[str, int]]] = {}
    for one in given:
        if one.marks is not None:
            of_entry = marks.setdefault(one.round, {}).setdefault(one.entry, {})
            of_entry[numbers[one.juror]] = sum(one.marks.values())
    return sorted(last.values(), key=lambda one: one.entry), marks


def incomplete_rounds(tx: Transaction, row: Row[Any], document: Competition) -> list[tuple[str, str]]:
    """Track and round of each that is not assigned, or not fully marked; of tracks with documents."""
    missing = []
    for track in document.tracks:
        if track.jury is None or not jury_inputs(tx, row, track)[0]:
            continue
        complete = _complete_rounds(tx, row.name, track)
        missing += [(track.id, round.id) for round in track.jury.rounds if round.id not in complete]
    return missing


def _shuffled(given: Sequence[Row[Any]]) -> list[str]:
    """In an order by chance, anew each time: a number tells nothing of a juror."""
    jurors = sorted({one.juror for one in given})
    secrets.SystemRandom().shuffle(jurors)
    return jurors


def _complete_rounds(tx: Transaction, name: str, track: Track) -> set[str]:
    """Rounds that were assigned, also if no document was left for them, and in which nothing waits for marks.
    A document of a team that takes part no more needs none."""
    waiting = tx.scalars(
        select(competition_assignments.c.round)
        .join(competition_entries, competition_entries.c.id == competition_assignments.c.entry)
        .join(competition_teams, competition_teams.c.id == competition_entries.c.team)
        .where(
            competition_assignments.c.competition == name,
            competition_assignments.c.track == track.id,
            competition_assignments.c.scored_at.is_(None),
            competition_teams.c.state == "active",
        )
    )
    return _assigned_rounds(tx, name, track) - set(waiting)


def _assigned_rounds(tx: Transaction, name: str, track: Track) -> set[str]:
    """By the history: a round for which no document is left has no assignment."""
    steps = tx.scalars(
        select(competition_history.c.payload).where(
            competition_history.c.competition == name, competition_history.c.kind == ASSIGNED
        )
    )
    return {step["round"] for step in steps if step["track"] == track.id}


def _require_before_complete(
    tx: Transaction, row: Row[Any], track: Track, jury: Jury, round: JuryRound
) -> None:
    before = jury.rounds[: jury.rounds.index(round)]
    complete = _complete_rounds(tx, row.name, track)
    if missing := [one.id for one in before if one.id not in complete]:
        raise Conflict(
            f"The round {missing[0]} is not complete.",
            code="round_not_complete",
            remedy="Wait until all its documents are marked.",
            zh=f"{missing[0]} 轮尚未完成。",
            remedy_zh="请等待该轮全部评分。",
        )


def _require_judging(row: Row[Any], document: Competition, now: datetime) -> None:
    """In the jury's phase; and after it, until a result is published, so that a late juror can still mark."""
    if row.state == "judging":
        return
    for phase in document.phases_of("jury"):
        if document.moment(phase.opens) <= now < document.moment(phase.closes):
            return
    spans = ", ".join(f"{phase.opens} - {phase.closes}" for phase in document.phases_of("jury"))
    raise Conflict(
        "Documents are not judged now.",
        code="jury_not_open",
        remedy=f"They are in {spans} ({document.time_zone}), and after it until a result is published.",
        zh="当前不在评审期内。",
        remedy_zh=f"评审时间：{spans}（{document.time_zone}），以及其后至结果公布前。",
    )


def _judged_track(document: Competition, id: str) -> tuple[Track, Jury]:
    track = document.track(id)
    if track is None or track.jury is None:
        raise NotFound(
            "This competition has no such track with a jury.",
            code="jury_track_not_found",
            remedy=f"It has {', '.join(one.id for one in document.tracks if one.jury) or 'none'}.",
            zh="该大赛没有此评审赛道。",
            remedy_zh=f"评审赛道：{'、'.join(one.id for one in document.tracks if one.jury) or '无'}。",
        )
    return track, track.jury


def _round(jury: Jury, id: str) -> JuryRound:
    for round in jury.rounds:
        if round.id == id:
            return round
    raise NotFound(
        f"There is no round {id!r}.",
        code="round_not_found",
        remedy=f"It has {', '.join(round.id for round in jury.rounds)}.",
        zh=f"没有评审轮次“{id}”。",
        remedy_zh=f"轮次：{'、'.join(round.id for round in jury.rounds)}。",
    )


def _check_marks(round: JuryRound, marks: Mapping[str, int]) -> None:
    most = {criterion.id: criterion.points for criterion in round.rubric}
    if set(marks) != set(most) or any(not 0 <= marks[id] <= points for id, points in most.items()):
        wanted = ", ".join(f"{id} 0-{points}" for id, points in most.items())
        raise InvalidInput(
            "The marks do not fit the rubric.",
            code="marks_not_of_rubric",
            remedy=f"Give each criterion its points: {wanted}.",
            zh="评分与评分表不符。",
            remedy_zh=f"请为每项评分：{wanted}。",
        )


def _organisations(tx: Transaction, team: int) -> frozenset[str]:
    """Of everybody who is or was in the team."""
    return frozenset(
        tx.scalars(select(competition_members.c.organisation).where(competition_members.c.team == team))
    )


def _jurors(tx: Transaction, name: str) -> list[JurorDocument]:
    given = tx.execute(
        select(competition_assignments).where(competition_assignments.c.competition == name)
    ).all()
    jurors = tx.execute(
        select(competition_jurors)
        .where(competition_jurors.c.competition == name)
        .order_by(competition_jurors.c.track, competition_jurors.c.juror)
    )
    return [
        JurorDocument(
            track=one.track,
            juror=one.juror,
            organisation=one.organisation,
            assigned=sum((each.track, each.juror) == (one.track, one.juror) for each in given),
            scored=sum(
                (each.track, each.juror) == (one.track, one.juror) and each.scored_at is not None
                for each in given
            ),
        )
        for one in jurors.all()
    ]


def _assigned(document: Competition, row: Row[Any]) -> AssignedDocument:
    _, jury = _judged_track(document, row.track)
    shown = AssignedDocument(
        entry=row.entry,
        track=row.track,
        round=row.round,
        text=row.content["text"] if "text" in row.content else question_text(row.content),
        outside_data=row.outside_data,
        rubric=[
            CriterionDocument(id=one.id, title=words(one.title), points=one.points)
            for one in _round(jury, row.round).rubric
        ],
    )
    if row.marks is not None:
        shown["marks"], shown["comment"] = row.marks, row.comment
    return shown


def _not_a_juror() -> NotFound:
    return NotFound(
        "This person is no juror of this track.",
        code="juror_not_found",
        remedy="List the jurors: cihu competition jurors.",
        zh="该人员不是此赛道的评委。",
        remedy_zh="可查看评委列表。",
    )


def _log(
    tx: Transaction, kind: str, who: Principal, name: str, payload: Mapping[str, Any], now: datetime
) -> None:
    record(tx, kind, actor=who.id, competition=name, payload=payload, now=now)
