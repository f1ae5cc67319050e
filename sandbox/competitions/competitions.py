"""Drafts, checks, agrees to, announces, cancels and shows competitions."""

from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from sandbox.api_schema import Words
from sandbox.competitions.board_plans import DEFAULT_CLIP
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import JUDGED, Competition, StratumOfTarget, Titles, Track
from sandbox.competitions.entries.linear import MODEL_SECONDS
from sandbox.competitions.life_cycle import COMPETITION, check_step
from sandbox.competitions.queue import end_queued
from sandbox.competitions.record import (
    document_of,
    held,
    held_public,
    move,
    not_found,
    record,
    require_state,
)
from sandbox.competitions.schemas import (
    AgreementDocument,
    AskedDatasetDocument,
    BoardTrackDocument,
    CompetitionDocument,
    CompetitionFault,
    CompetitionSummary,
    JuryTrackDocument,
    PhaseDocument,
    PositiveDocument,
)
from sandbox.competitions.tables import (
    competition_agreements,
    competition_entries,
    competition_teams,
    competitions,
)
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.policy import PolicyFaults

LISTED = 500

MINUTE = timedelta(minutes=1)


def check(context: CompetitionContext, officer: Principal, text: str) -> list[CompetitionFault]:
    """All faults of a document; none if it could be taken."""
    context.require_organiser(officer, "any", officer.organisation)
    try:
        document = context.read(text)
    except InvalidInput as refused:
        faults = refused.faults if isinstance(refused, PolicyFaults) else (refused,)
        paths = (refused.paths if isinstance(refused, PolicyFaults) else ()) or ((),) * len(faults)
        return [
            CompetitionFault(
                message={"en": fault.message, "zh": fault.zh or fault.message},
                remedy={"en": fault.remedy, "zh": fault.remedy_zh or fault.remedy},
                path=".".join(map(str, path)),
            )
            for fault, path in zip(faults, paths, strict=True)
        ]
    context.require_organiser(officer, document.competition, document.organiser.department)
    return []


def write_draft(context: CompetitionContext, officer: Principal, text: str) -> CompetitionDocument:
    """Take a document as the draft of a competition, or change the draft. Agreements to the text before do
    not count for the new one. Raises `PolicyFaults`, `Forbidden`, `Conflict` once it was announced."""
    context.require_organiser(officer, "any", officer.organisation)
    document = context.read(text)
    name, department = document.competition, document.organiser.department
    context.require_organiser(officer, name, department)
    digest, now = sha256(text.encode()).hexdigest(), context.clock()
    departments = departments_of(context, document)
    values = {
        "text": text,
        "departments": departments,
        "sha256": digest,
        "changed_by": officer.id,
        "changed_at": now,
    }
    with context.database.transaction() as tx:
        known = tx.execute(
            insert(competitions)
            .values(
                name=name,
                department=department,
                state="draft",
                **values,
            )
            .on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "text": text,
                    "departments": departments,
                    "sha256": digest,
                    "changed_by": officer.id,
                    "changed_at": now,
                },
                where=(competitions.c.state == "draft") & (competitions.c.department == department),
            )
            .returning(competitions)
        ).first()
        if known is None:
            raise Conflict(
                f"There is already a competition {name}, and it is no draft of your department.",
                code="competition_exists",
                remedy="Choose another name; what was announced is not changed any more.",
                zh=f"已有大赛“{name}”，且不是本部门的草稿。",
                remedy_zh="请另选名称；已公布的大赛不再更改。",
            )
        record(
            tx,
            "competition.created",
            actor=officer.id,
            competition=name,
            payload={"sha256": digest, "department": department},
            now=now,
        )
        return shown(tx, known)


def agree(context: CompetitionContext, officer: Principal, name: str, digest: str) -> CompetitionDocument:
    """Agree, for one's department's data, to the text with this digest. Of the organiser's own department, an
    officer other than the last one who changed the draft. Raises `NotFound`, `Conflict`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = _own_or_asked(tx, context, officer, name)
        require_state(row, "draft")
        if row.sha256 != digest:
            raise Conflict(
                "The draft was changed since you read it.",
                code="competition_changed",
                remedy="Read it again, and agree to what it says now.",
                zh="草稿在您阅读后已更改。",
                remedy_zh="请重新阅读后再同意。",
            )
        if row.changed_by == officer.id:
            raise Conflict(
                "You wrote this draft, so you cannot be the officer who agrees to it.",
                code="own_competition",
                remedy="Ask another officer of your department.",
                zh="草稿由您编写，不能由您本人同意。",
                remedy_zh="请本部门另一位数据专员同意。",
            )
        tx.execute(
            insert(competition_agreements)
            .values(
                competition=name,
                sha256=digest,
                department=officer.organisation,
                officer=officer.id,
                agreed_at=now,
            )
            .on_conflict_do_nothing()
        )
        record(
            tx,
            "competition.agreed",
            actor=officer.id,
            competition=name,
            payload={"sha256": digest, "department": officer.organisation},
            now=now,
        )
        return shown(tx, row)


def announce(context: CompetitionContext, officer: Principal, name: str) -> CompetitionDocument:
    """Make it public; from now on it is not changed. Raises `Conflict` while a department has not agreed, or
    once its first phase should have opened."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "draft")
        missing = [each["department"] for each in _agreements(tx, row) if "officer" not in each]
        if missing:
            raise Conflict(
                f"Not every department has agreed: {', '.join(missing)}.",
                code="competition_not_agreed",
                remedy="Ask an officer of each; of your own department a second one: cihu competition agree.",
                zh=f"尚有部门未同意：{'、'.join(missing)}。",
                remedy_zh="请各部门数据专员同意；本部门须由另一位专员同意。",
            )
        document = context.read(row.text)  # versions may have been withdrawn since
        if now >= document.opens_at + MINUTE:  # its times are whole minutes: in the first one it may
            raise Conflict(
                "The first phase should have opened already.",
                code="competition_too_late",
                remedy="Change the draft to later moments.",
                zh="首个阶段的开始时间已过。",
                remedy_zh="请修改草稿中的时间。",
            )
        row = move(
            tx,
            row,
            "announced",
            actor=officer.id,
            now=now,
            payload={"sha256": row.sha256, "terms_sha256": document.terms_sha256},
            announced_at=now,
        )
        return shown(tx, row)


def cancel(context: CompetitionContext, officer: Principal, name: str, reason: str) -> CompetitionDocument:
    """End it without a result, and what waits in its queue. Its history stays."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        check_step(COMPETITION, row.state, "cancelled", thing=f"competition {name}", thing_zh="大赛")
        tx.execute(delete(competition_agreements).where(competition_agreements.c.competition == name))
        end_queued(tx, competition_entries.c.competition == name, now)
        row = move(
            tx,
            row,
            "cancelled",
            actor=officer.id,
            now=now,
            payload={"reason": reason},
            ended_at=now,
            reason=reason,
        )
        return shown(tx, row)


def list_public(context: CompetitionContext) -> list[CompetitionSummary]:
    """Those that were announced, the newest first."""
    with context.database.transaction() as tx:
        rows = tx.execute(
            select(competitions)
            .where(competitions.c.announced_at.is_not(None))
            .order_by(competitions.c.announced_at.desc())
            .limit(LISTED)
        )
        return [summary(row) for row in rows.all()]


def list_own(context: CompetitionContext, officer: Principal) -> list[CompetitionSummary]:
    """Those of the officer's department, drafts too, and drafts that use its data."""
    context.require_organiser(officer, "any", officer.organisation)
    with context.database.transaction() as tx:
        rows = tx.execute(select(competitions).order_by(competitions.c.changed_at.desc()).limit(LISTED)).all()
        return [
            summary(row)
            for row in rows
            if row.department == officer.organisation
            or (row.state == "draft" and officer.organisation in row.departments)
        ]


def read_public(context: CompetitionContext, name: str) -> CompetitionDocument:
    """Anybody's view. Raises `NotFound` for a draft."""
    with context.database.transaction() as tx:
        return shown(tx, held_public(tx, context, name))


def read_draft(context: CompetitionContext, officer: Principal, name: str) -> CompetitionDocument:
    """For officers of the organiser, and of departments whose data it would use."""
    with context.database.transaction() as tx:
        return shown(tx, _own_or_asked(tx, context, officer, name))


def organised(tx: Transaction, context: CompetitionContext, officer: Principal, name: str) -> Row[Any]:
    """Held, for officers of its organiser. Raises `NotFound` for a draft of others, else `Refused`."""
    row = held(tx, context, name)
    if row.announced_at is None and row.department != officer.organisation:
        raise not_found(name)
    context.require_organiser(officer, name, row.department)
    return row


def _own_or_asked(tx: Transaction, context: CompetitionContext, officer: Principal, name: str) -> Row[Any]:
    row = held(tx, context, name)
    concerned = {row.department, *row.departments}
    if "officer" not in officer.roles or officer.organisation not in concerned:
        raise not_found(name)
    return row


def _agreements(tx: Transaction, row: Row[Any]) -> list[AgreementDocument]:
    """Of each department whether it agreed to the text as it is."""
    given = {
        each.department: each
        for each in tx.execute(
            select(competition_agreements).where(
                competition_agreements.c.competition == row.name,
                competition_agreements.c.sha256 == row.sha256,
            )
        )
    }
    wanted = []
    for department in row.departments:
        agreement = AgreementDocument(department=department)
        if department in given:
            agreement["officer"] = given[department].officer
            agreement["agreed_at"] = given[department].agreed_at
        wanted.append(agreement)
    return wanted


def departments_of(context: CompetitionContext, document: Competition) -> list[str]:
    """That answer for the data of a checked document; the organiser's own first."""
    own = document.organiser.department
    others = {
        context.policy_of(dataset.dataset, dataset.version).department
        for track in document.tracks
        for dataset in track.datasets
    }
    return [own, *sorted(others - {own})]


def words(titles: Titles) -> Words:
    return Words(en=titles.en, zh=titles.zh)


def summary(row: Row[Any]) -> CompetitionSummary:
    document = document_of(row.text)
    return CompetitionSummary(
        name=row.name,
        title=words(document.title),
        department=row.department,
        state=row.state,
        opens_at=document.opens_at,
        closes_at=document.closes_at,
        time_zone=document.time_zone,
    )


def _board_track(track: Track) -> BoardTrackDocument:
    board = track.board
    assert board is not None
    target = next(one for one in track.datasets if one.target)
    assert target.target is not None
    shown = BoardTrackDocument(
        id=track.id,
        title=words(track.title),
        kinds=[kind for kind in track.entries.kinds if kind not in JUDGED],
        dataset=target.dataset,
        version=target.version,
        features=list(target.features),
        target=target.target,
        metric=board.metric,
        clip=board.clip or str(DEFAULT_CLIP),
        positives=[_positive(stratum) for stratum in board.strata if stratum.positive],
        seconds=track.entries.seconds,
        model_seconds=MODEL_SECONDS,
        per_day=track.entries.per_day,
        in_total=track.entries.in_total,
    )
    if board.function is not None and board.predicts is not None:
        shown["function"] = board.function
        shown["predicts"] = board.predicts
    return shown


def _jury_track(track: Track) -> JuryTrackDocument:
    return JuryTrackDocument(
        id=track.id,
        title=words(track.title),
        kinds=[kind for kind in track.entries.kinds if kind in JUDGED],
        datasets=[
            AskedDatasetDocument(dataset=one.dataset, version=one.version, columns=sorted(one.askable))
            for one in track.datasets
        ],
        per_day=track.entries.per_day,
        in_total=track.entries.in_total,
    )


def _positive(stratum: StratumOfTarget) -> PositiveDocument:
    shown = PositiveDocument(values=list(stratum.values))
    if stratum.at_least is not None:
        shown["at_least"] = stratum.at_least
    if stratum.below is not None:
        shown["below"] = stratum.below
    return shown


def shown(tx: Transaction, row: Row[Any]) -> CompetitionDocument:
    """The whole of it: nothing in it names a person who takes part."""
    document = document_of(row.text)
    teams = select(func.count()).where(
        competition_teams.c.competition == row.name, competition_teams.c.state == "active"
    )
    entries = select(func.count()).where(competition_entries.c.competition == row.name)
    answer = CompetitionDocument(
        **summary(row),  # type: ignore[typeddict-item]  # mypy takes optional fields of the result for its own
        sha256=row.sha256,
        text=row.text,
        terms_sha256=document.terms_sha256,
        phases=[
            PhaseDocument(
                id=phase.id,
                kind=phase.kind,
                title=words(phase.title),
                opens_at=document.moment(phase.opens),
                closes_at=document.moment(phase.closes),
                grace_minutes=phase.grace_minutes,
            )
            for phase in document.phases
        ],
        tracks=[track.id for track in document.tracks],
        board_tracks=[_board_track(track) for track in document.tracks if track.board is not None],
        jury_tracks=[_jury_track(track) for track in document.tracks if track.jury is not None],
        agreements=_agreements(tx, row),
        teams=tx.scalar(teams) or 0,
        entries=tx.scalar(entries) or 0,
    )
    if row.notice_ends_at is not None:
        answer["notice_ends_at"] = row.notice_ends_at
    if row.reason:
        answer["reason"] = row.reason
    return answer
