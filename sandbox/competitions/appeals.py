"""Appeals against a result: filed until a deadline, looked at by two reviewers blind to each other, decided.

Reviewers are officers of the organiser who did not publish the result. Where two disagree, a third decides.
An appeal that is upheld keeps the competition open until a later result is published.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.competitions.competitions import organised
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.finals import appeal_deadline
from sandbox.competitions.life_cycle import APPEAL, check_step
from sandbox.competitions.record import VAULT, document_of, held_public, newest_result, record, require_state
from sandbox.competitions.schemas import AppealDocument
from sandbox.competitions.tables import (
    competition_appeal_looks,
    competition_appeals,
    competition_results,
)
from sandbox.competitions.teams import own_team
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.identity import Principal


def appeal(
    context: CompetitionContext, person: Principal, name: str, *, track: str, text: str
) -> tuple[AppealDocument, int]:
    """Appeal for one's team against the newest result, once for each track and revision. Raises `Conflict`
    after the deadline."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        require_state(row, "notice")
        team = own_team(tx, person.id, name, whatever_state=True)
        document = document_of(row.text)
        if document.track(track) is None:
            raise NotFound(
                f"This competition has no track {track!r}.",
                code="track_not_found",
                remedy=f"It has {', '.join(one.id for one in document.tracks)}.",
                zh=f"该大赛没有赛道“{track}”。",
                remedy_zh=f"赛道：{'、'.join(one.id for one in document.tracks)}。",
            )
        result = newest_result(tx, name)
        assert result is not None, "an appeal is against a result"
        deadline = appeal_deadline(document, result.published_at)
        if now >= deadline:
            raise Conflict(
                "The time for appeals is over.",
                code="appeal_too_late",
                remedy=f"It ended at {deadline.isoformat()}.",
                zh="申诉期限已过。",
                remedy_zh=f"截止时间：{deadline.isoformat()}。",
            )
        earlier = select(competition_appeals.c.id).where(
            competition_appeals.c.team == team.id,
            competition_appeals.c.track == track,
            competition_appeals.c.revision == result.revision,
        )
        if tx.execute(earlier).first() is not None:
            raise Conflict(
                "Your team has appealed against this result in this track.",
                code="appealed_already",
                remedy="Wait for its outcome.",
                zh="您的团队已就该赛道的此结果提出申诉。",
                remedy_zh="请等待处理结果。",
            )
        payload = {"team": team.id, "track": track, "revision": result.revision, "text": text}
        index = record(
            tx,
            "competition.appealed",
            actor=person.id,
            competition=name,
            payload=payload,
            now=now,
            team=team.id,
        )
        made = tx.execute(
            insert(competition_appeals)
            .values(
                competition=name,
                team=team.id,
                person=person.id,
                track=track,
                text=text,
                revision=result.revision,
                state="filed",
                filed_at=now,
                log_index=index,
            )
            .returning(competition_appeals)
        ).one()
        return _shown(tx, made, None), index


def list_appeals(context: CompetitionContext, who: Principal, name: str) -> list[AppealDocument]:
    """For officers of the organiser all; for others those of their team. Raises `NotFound` for strangers."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        wanted = select(competition_appeals).where(competition_appeals.c.competition == name)
        reviewer = "officer" in who.roles and who.organisation == row.department
        if not reviewer:
            team = own_team(tx, who.id, name, whatever_state=True)
            wanted = wanted.where(competition_appeals.c.team == team.id)
        rows = tx.execute(wanted.order_by(competition_appeals.c.id)).all()
        return [_shown(tx, one, who if reviewer else None) for one in rows]


def look(
    context: CompetitionContext, officer: Principal, name: str, id: int, *, upheld: bool, reason: str
) -> AppealDocument:
    """Give one's view of an appeal, with its reason. The second one that agrees decides. Raises `Conflict`
    for who published the result or has looked already."""
    now = context.clock()
    with context.database.transaction() as tx:
        organised(tx, context, officer, name)
        found = _load(tx, name, id)
        check_step(APPEAL, found.state, "upheld", thing=f"appeal {id}", thing_zh="申诉")
        _require_impartial(tx, found, officer)
        made = tx.execute(
            upsert(competition_appeal_looks)
            .values(appeal=id, reviewer=officer.id, upheld=upheld, reason=reason, looked_at=now)
            .on_conflict_do_nothing()
            .returning(competition_appeal_looks.c.appeal)
        ).first()
        if made is None:
            raise Conflict(
                "You have looked at this appeal.",
                code="appeal_looked_at",
                remedy="Another reviewer looks at it, blind to what you said.",
                zh="您已审阅该申诉。",
                remedy_zh="将由另一位复核人独立审阅。",
            )
        payload = {"appeal": id, "upheld": upheld, "reason": reason}
        record(
            tx,
            "competition.appeal_reviewed",
            actor=officer.id,
            competition=name,
            payload=payload,
            now=now,
            team=found.team,
        )
        found = _decided(tx, found, now)
        return _shown(tx, found, officer)


def _decided(tx: Transaction, found: Row[Any], now: datetime) -> Row[Any]:
    """With the second view that agrees, the appeal as decided."""
    looks = _looks(tx, found.id)
    for upheld in (True, False):
        agreeing = [one for one in looks if one.upheld is upheld]
        if len(agreeing) < 2:
            continue
        outcome = "\n\n".join(one.reason for one in agreeing)
        state = "upheld" if upheld else "dismissed"
        found = tx.execute(
            update(competition_appeals)
            .where(competition_appeals.c.id == found.id)
            .values(state=state, outcome=outcome, decided_at=now)
            .returning(competition_appeals)
        ).one()
        record(
            tx,
            "competition.appeal_decided",
            actor=VAULT,
            competition=found.competition,
            payload={
                "appeal": found.id,
                "team": found.team,
                "track": found.track,
                "revision": found.revision,
                "state": state,
                "outcome": outcome,
            },
            now=now,
            public=True,
            team=found.team,
        )
    return found


def _require_impartial(tx: Transaction, found: Row[Any], officer: Principal) -> None:
    publisher = tx.execute(
        select(competition_results.c.published_by).where(
            competition_results.c.competition == found.competition,
            competition_results.c.revision == found.revision,
        )
    ).scalar_one()
    if publisher == officer.id:
        raise Conflict(
            "You published the result that this appeal is about.",
            code="own_result",
            remedy="Two other officers of your department look at it.",
            zh="该申诉所涉结果由您公布。",
            remedy_zh="请本部门另外两位数据专员审阅。",
        )


def _load(tx: Transaction, name: str, id: int) -> Row[Any]:
    row = tx.execute(
        select(competition_appeals)
        .where(competition_appeals.c.id == id, competition_appeals.c.competition == name)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound(
            f"There is no appeal {id} in this competition.",
            code="appeal_not_found",
            remedy="List them: cihu competition appeals.",
            zh=f"该大赛没有申诉 {id}。",
            remedy_zh="可查看申诉列表。",
        )
    return row


def _looks(tx: Transaction, id: int) -> list[Row[Any]]:
    return list(
        tx.execute(
            select(competition_appeal_looks)
            .where(competition_appeal_looks.c.appeal == id)
            .order_by(competition_appeal_looks.c.looked_at)
        )
    )


def _shown(tx: Transaction, row: Row[Any], reviewer: Principal | None) -> AppealDocument:
    """Until it is decided nobody sees what a reviewer said."""
    looks = _looks(tx, row.id)
    shown = AppealDocument(
        id=row.id,
        competition=row.competition,
        track=row.track,
        team=row.team,
        text=row.text,
        revision=row.revision,
        state=row.state,
        filed_at=row.filed_at,
        looks=len(looks),
        yours=reviewer is not None
        and row.state == "filed"
        and reviewer.id not in {one.reviewer for one in looks},
    )
    if row.decided_at is not None:
        shown["decided_at"], shown["outcome"] = row.decided_at, row.outcome
    return shown
