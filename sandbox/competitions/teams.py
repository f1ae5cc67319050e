"""Forms, joins, leaves, merges, dissolves, withdraws and disqualifies teams.

Every change holds the competition: rules of teams are decided and written in one transaction. A person who
left a team that had entered joins no other, so nobody has more entries than one team may have.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from sandbox.competitions.competitions import organised
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition
from sandbox.competitions.life_cycle import TEAM, check_step
from sandbox.competitions.queue import end_queued
from sandbox.competitions.quotas import days_so_far, quotas_of
from sandbox.competitions.record import document_of, held_public, record, require_state
from sandbox.competitions.schemas import (
    CompetitionTeamDocument,
    MemberDocument,
    MergerDocument,
    PublicTeam,
)
from sandbox.competitions.tables import (
    competition_choices,
    competition_entries,
    competition_jurors,
    competition_members,
    competition_mergers,
    competition_teams,
)
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict, Forbidden, NotFound
from sandbox.identity import Principal
from sandbox.identity.tables import accounts
from sandbox.training.certificates import find_valid

INVITATION_BYTES = 24


def form(
    context: CompetitionContext, person: Principal, name: str, *, team: str, terms_sha256: str, hidden: bool
) -> tuple[CompetitionTeamDocument, str, int]:
    """Form a team with oneself as captain: the team, the invitation for others, and the place in the log of
    the terms' acceptance. Raises `Forbidden`, `Conflict`, `InvalidInput`."""
    now, invitation = context.clock(), secrets.token_urlsafe(INVITATION_BYTES)
    with context.database.transaction() as tx:
        row, document = _entering(tx, context, person, name)
        _require_registration(document, now)
        _require_eligible(tx, person, row, document, terms_sha256, now)
        _require_place(tx, document)
        made = tx.execute(
            upsert(competition_teams)
            .values(
                competition=name,
                name=team,
                hidden=hidden,
                captain=person.id,
                state="active",
                invitation_sha256=_digest(invitation),
                formed_at=now,
            )
            .on_conflict_do_nothing()
            .returning(competition_teams)
        ).first()
        if made is None:
            raise Conflict(
                "There is already a team of this name.",
                code="team_name_taken",
                remedy="Choose another name.",
                zh="已有同名团队。",
                remedy_zh="请另选名称。",
            )
        record(
            tx,
            "competition.team_formed",
            actor=person.id,
            competition=name,
            payload={"team": made.id},
            now=now,
            team=made.id,
        )
        index = _add_member(tx, person, made, terms_sha256, now)
        return team_document(tx, context, document, made), invitation, index


def _require_place(tx: Transaction, document: Competition) -> None:
    """A board's loss is shared out to so many teams: those that entered and ended have had their part."""
    most = min((track.board.expected_teams for track in document.tracks if track.board), default=None)
    taken = select(func.count()).where(
        competition_teams.c.competition == document.competition,
        competition_teams.c.state.in_(("active", "withdrawn", "disqualified")),
    )
    if most is not None and (tx.scalar(taken) or 0) >= most:
        raise Conflict(
            f"This competition has all its {most} teams.",
            code="competition_full",
            remedy="Join a team by its invitation; or ask the organiser.",
            zh=f"该大赛的 {most} 支团队名额已满。",
            remedy_zh="请凭邀请码加入已有团队，或联系主办方。",
        )


def join(
    context: CompetitionContext, person: Principal, name: str, *, invitation: str, terms_sha256: str
) -> tuple[CompetitionTeamDocument, int]:
    """Join the team that gave the invitation. Raises `NotFound`, `Forbidden`, `Conflict`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row, document = _entering(tx, context, person, name)
        team = tx.execute(
            select(competition_teams).where(
                competition_teams.c.competition == name,
                competition_teams.c.invitation_sha256 == _digest(invitation),
                competition_teams.c.state == "active",
            )
        ).first()
        if team is None:
            raise NotFound(
                "No team of this competition gave this invitation.",
                code="invitation_not_found",
                remedy="Ask the team's captain for it again.",
                zh="该邀请码无效。",
                remedy_zh="请向队长重新索取邀请码。",
            )
        _require_changeable(document, now)
        _require_eligible(tx, person, row, document, terms_sha256, now)
        members = members_of(tx, team.id)
        _require_fits(document, [*(member.organisation for member in members), person.organisation])
        index = _add_member(tx, person, team, terms_sha256, now)
        return team_document(tx, context, document, team), index


def leave(context: CompetitionContext, person: Principal, name: str) -> None:
    """Leave one's team, until teams are fixed. The captaincy goes to who joined next. The last member
    dissolves the team, or withdraws it once it has entered."""
    now = context.clock()
    with context.database.transaction() as tx:
        row, document, team = _own(tx, context, person, name)
        require_state(row, "announced", "open")
        _require_changeable(document, now)
        entered = has_entered(tx, team.id)
        tx.execute(
            update(competition_members)
            .where(
                competition_members.c.team == team.id,
                competition_members.c.person == person.id,
                competition_members.c.left_at.is_(None),
            )
            .values(left_at=now, bound=entered)
        )
        rest = members_of(tx, team.id)
        if rest and team.captain == person.id:
            _changed(tx, team, captain=rest[0].person)
        elif not rest:
            _end(tx, team, "withdrawn" if entered else "dissolved", actor=person.id, reason="", now=now)
        record(
            tx,
            "competition.left",
            actor=person.id,
            competition=name,
            payload={"team": team.id, "bound": entered},
            now=now,
            team=team.id,
        )


def dissolve(context: CompetitionContext, person: Principal, name: str) -> None:
    """End a team that has not entered; its members are free to join others. Its captain alone may."""
    now = context.clock()
    with context.database.transaction() as tx:
        row, document, team = _own(tx, context, person, name)
        require_state(row, "announced", "open")
        _require_captain(team, person)
        _require_changeable(document, now)
        if document.teams.dissolution == "never" or has_entered(tx, team.id):
            raise Conflict(
                "This team cannot dissolve any more.",
                code="team_cannot_dissolve",
                remedy="It can withdraw: its entries stay in the history. cihu competition withdraw",
                zh="该团队已不能解散。",
                remedy_zh="可以退赛，提交记录予以保留。",
            )
        tx.execute(
            update(competition_members)
            .where(competition_members.c.team == team.id, competition_members.c.left_at.is_(None))
            .values(left_at=now)
        )
        _end(tx, team, "dissolved", actor=person.id, reason="", now=now)


def withdraw(context: CompetitionContext, person: Principal, name: str, reason: str) -> None:
    """Take one's team out of the competition, until its result is published. What it did stays."""
    now = context.clock()
    with context.database.transaction() as tx:
        row, _, team = _own(tx, context, person, name)
        require_state(row, "announced", "open", "judging")
        _require_captain(team, person)
        _end(tx, team, "withdrawn", actor=person.id, reason=reason, now=now)


def disqualify(
    context: CompetitionContext, officer: Principal, name: str, team_id: int, reason: str
) -> PublicTeam:
    """Take a team out for a reason, which is public. A published result changes with its next revision."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "announced", "open", "judging", "notice")
        team = load_team(tx, name, team_id)
        team = _end(tx, team, "disqualified", actor=officer.id, reason=reason, now=now)
        return public_team(tx, row, team)


def reinstate(
    context: CompetitionContext, officer: Principal, name: str, team_id: int, reason: str
) -> PublicTeam:
    """Take a disqualification back."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "announced", "open", "judging", "notice")
        team = load_team(tx, name, team_id)
        check_step(TEAM, team.state, "active", thing=f"team {team.id}", thing_zh="团队")
        team = _changed(tx, team, state="active", reason=reason)
        record(
            tx,
            "competition.team_reinstated",
            actor=officer.id,
            competition=name,
            payload={"team": team.id, "reason": reason},
            now=now,
            public=True,
            team=team.id,
        )
        return public_team(tx, row, team)


def propose_merger(context: CompetitionContext, person: Principal, name: str, into: int) -> None:
    """Propose that one's team ends in another. Its captain accepts. Raises `Conflict`, `NotFound`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row, document, team = _own(tx, context, person, name)
        require_state(row, "announced", "open")
        _require_captain(team, person)
        other = load_team(tx, name, into)
        _require_may_merge(tx, document, team, other, now)
        tx.execute(
            upsert(competition_mergers)
            .values(team=team.id, into_team=other.id, proposed_by=person.id, proposed_at=now)
            .on_conflict_do_nothing()
        )
        record(
            tx,
            "competition.merger_proposed",
            actor=person.id,
            competition=name,
            payload={"team": team.id, "into": other.id},
            now=now,
            team=team.id,
        )


def accept_merger(
    context: CompetitionContext, person: Principal, name: str, team_id: int
) -> CompetitionTeamDocument:
    """Take in a team that proposed it: its people and its entries. Raises `Conflict`, `NotFound`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row, document, own = _own(tx, context, person, name)
        require_state(row, "announced", "open")
        _require_captain(own, person)
        ending = load_team(tx, name, team_id)
        proposed = and_(competition_mergers.c.team == ending.id, competition_mergers.c.into_team == own.id)
        if tx.execute(select(competition_mergers.c.team).where(proposed)).first() is None:
            raise NotFound(
                "This team has not proposed to merge into yours.",
                code="merger_not_found",
                remedy="Its captain proposes it: cihu competition merge.",
                zh="该团队未提出并入您的团队。",
                remedy_zh="请该队队长先提出合并。",
            )
        _require_may_merge(tx, document, ending, own, now)
        tx.execute(
            update(competition_members)
            .where(competition_members.c.team == ending.id, competition_members.c.left_at.is_(None))
            .values(team=own.id)
        )
        tx.execute(
            update(competition_entries).where(competition_entries.c.team == ending.id).values(team=own.id)
        )
        tx.execute(delete(competition_choices).where(competition_choices.c.team == ending.id))
        _forget_mergers(tx, ending.id)
        _changed(tx, ending, state="merged", merged_into=own.id)
        record(
            tx,
            "competition.teams_merged",
            actor=person.id,
            competition=name,
            payload={"team": ending.id, "into": own.id},
            now=now,
            team=own.id,
        )
        return team_document(tx, context, document, own)


def read_own_team(context: CompetitionContext, person: Principal, name: str) -> CompetitionTeamDocument:
    """The caller's team. Raises `NotFound`."""
    with context.database.transaction() as tx:
        _, document, team = _own(tx, context, person, name, whatever_state=True)
        return team_document(tx, context, document, team)


def list_teams(context: CompetitionContext, name: str) -> list[PublicTeam]:
    """Anybody's view of the teams."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        teams = tx.execute(
            select(competition_teams)
            .where(competition_teams.c.competition == name)
            .order_by(competition_teams.c.id)
        )
        return [public_team(tx, row, team) for team in teams.all()]


def load_team(tx: Transaction, name: str, id: int) -> Row[Any]:
    """Raises `NotFound`."""
    row = tx.execute(
        select(competition_teams).where(competition_teams.c.id == id, competition_teams.c.competition == name)
    ).first()
    if row is None:
        raise NotFound(
            f"There is no team {id} in this competition.",
            code="competition_team_not_found",
            remedy="List its teams: cihu competition teams.",
            zh=f"该大赛没有团队 {id}。",
            remedy_zh="可查看团队列表。",
        )
    return row


def own_team(tx: Transaction, person: str, name: str, *, whatever_state: bool = False) -> Row[Any]:
    """The team of a person, which still takes part unless `whatever_state`. Raises `NotFound`, `Conflict`."""
    row = tx.execute(
        select(competition_teams)
        .join(competition_members, competition_members.c.team == competition_teams.c.id)
        .where(
            competition_members.c.person == person,
            competition_members.c.competition == name,
            competition_members.c.left_at.is_(None),
        )
    ).first()
    if row is None:
        raise NotFound(
            "You are in no team of this competition.",
            code="no_competition_team",
            remedy="Form a team or join one: cihu competition join.",
            zh="您未加入该大赛的任何团队。",
            remedy_zh="请组建或加入团队。",
        )
    if row.state != "active" and not whatever_state:
        raise Conflict(
            f"Your team is {row.state}.",
            code="team_not_active",
            remedy=f"The reason: {row.reason or 'none is stated'}. What it did stays in the history.",
            zh=f"您的团队状态为“{TEAM[row.state].zh}”。",
            remedy_zh=f"原因：{row.reason or '未说明'}。其记录予以保留。",
        )
    return row


def members_of(tx: Transaction, team: int) -> Sequence[Row[Any]]:
    """Those who are in it now; who joined first comes first."""
    return tx.execute(
        select(competition_members)
        .where(competition_members.c.team == team, competition_members.c.left_at.is_(None))
        .order_by(competition_members.c.joined_at, competition_members.c.id)
    ).all()


def has_entered(tx: Transaction, team: int) -> bool:
    found = select(competition_entries.c.id).where(competition_entries.c.team == team).limit(1)
    return tx.execute(found).first() is not None


def team_document(
    tx: Transaction, context: CompetitionContext, document: Competition, team: Row[Any]
) -> CompetitionTeamDocument:
    """A team as its members see it."""
    proposals = tx.execute(
        select(competition_teams.c.id, competition_teams.c.name)
        .join(competition_mergers, competition_mergers.c.team == competition_teams.c.id)
        .where(competition_mergers.c.into_team == team.id)
    )
    shown = CompetitionTeamDocument(
        id=team.id,
        competition=team.competition,
        name=team.name,
        hidden=team.hidden,
        captain=team.captain,
        state=team.state,
        members=[
            MemberDocument(person=one.person, organisation=one.organisation, joined_at=one.joined_at)
            for one in members_of(tx, team.id)
        ],
        quotas=quotas_of(tx, document, team.id, context.clock()),
        mergers=[MergerDocument(team=one.id, name=one.name) for one in proposals],
    )
    if team.reason:
        shown["reason"] = team.reason
    return shown


def public_team(tx: Transaction, row: Row[Any], team: Row[Any]) -> PublicTeam:
    """A team as anybody sees it: no person is named."""
    shown = PublicTeam(id=team.id, state=team.state, members=len(members_of(tx, team.id)))
    if names_shown(row) or not team.hidden:
        shown["name"] = team.name
    if team.reason and team.state == "disqualified":
        shown["reason"] = team.reason
    return shown


def names_shown(row: Row[Any]) -> bool:
    """Whether hidden names of teams are shown: from the public notice on."""
    return row.notice_began_at is not None


def _digest(invitation: str) -> str:
    return sha256(invitation.encode()).hexdigest()


def _entering(
    tx: Transaction, context: CompetitionContext, person: Principal, name: str
) -> tuple[Row[Any], Competition]:
    row = held_public(tx, context, name)
    context.require_entrant(person, name, row.department)
    require_state(row, "open")
    return row, document_of(row.text)


def _own(
    tx: Transaction,
    context: CompetitionContext,
    person: Principal,
    name: str,
    *,
    whatever_state: bool = False,
) -> tuple[Row[Any], Competition, Row[Any]]:
    row = held_public(tx, context, name)
    return row, document_of(row.text), own_team(tx, person.id, name, whatever_state=whatever_state)


def _require_captain(team: Row[Any], person: Principal) -> None:
    if team.captain != person.id:
        raise Forbidden(
            "Only the captain of a team may do this.",
            code="not_captain",
            remedy=f"Ask {team.captain}.",
            zh="此操作只能由队长进行。",
            remedy_zh=f"请联系 {team.captain}。",
        )


def _require_registration(document: Competition, now: datetime) -> None:
    [phase] = document.phases_of("registration")
    if not document.moment(phase.opens) <= now < document.moment(phase.closes):
        raise Conflict(
            "Registration is not open.",
            code="registration_closed",
            remedy=f"It is open from {phase.opens} to {phase.closes} ({document.time_zone}).",
            zh="当前不在报名期内。",
            remedy_zh=f"报名时间：{phase.opens} 至 {phase.closes}（{document.time_zone}）。",
        )


def _require_changeable(document: Competition, now: datetime) -> None:
    if now >= document.moment(document.teams.fixed_from):
        raise Conflict(
            "Teams do not change any more.",
            code="teams_fixed",
            remedy=f"They were fixed at {document.teams.fixed_from} ({document.time_zone}).",
            zh="团队已锁定，不再变更。",
            remedy_zh=f"锁定时间：{document.teams.fixed_from}（{document.time_zone}）。",
        )


def _require_eligible(
    tx: Transaction, person: Principal, row: Row[Any], document: Competition, terms: str, now: datetime
) -> None:
    """Raises `Forbidden`, `Conflict`, naming all that is missing."""
    if terms != document.terms_sha256:
        raise Conflict(
            "These are not the terms of this competition.",
            code="terms_not_accepted",
            remedy="Read its terms, and accept those: terms_sha256 stands in the competition.",
            zh="所接受的条款与该大赛的条款不符。",
            remedy_zh="请阅读并接受该大赛的条款（terms_sha256）。",
        )
    of_person = (competition_members.c.competition == row.name) & (competition_members.c.person == person.id)
    stays: ColumnElement[bool] = or_(competition_members.c.left_at.is_(None), competition_members.c.bound)
    if tx.execute(select(competition_members.c.id).where(of_person & stays)).first() is not None:
        raise Conflict(
            "You are or were in a team that has entered: one person is in one team.",
            code="one_person_one_team",
            remedy="Stay in it, or leave it before it has entered and join another.",
            zh="每人只能参加一个团队，您已在团队中，或曾在已提交的团队中。",
            remedy_zh="请留在原团队，或在其首次提交前退出后再加入其他团队。",
        )
    juror = (competition_jurors.c.competition == row.name) & (competition_jurors.c.juror == person.id)
    if tx.execute(select(competition_jurors.c.juror).where(juror)).first() is not None:
        raise Conflict(
            "A juror of a competition takes no part in it.",
            code="juror_does_not_compete",
            remedy="Ask the organiser to release you from the jury first.",
            zh="评委不得参赛。",
            remedy_zh="请先请主办方解除评委聘任。",
        )
    missing = list(_missing(tx, person, document, now))
    if missing:
        raise Forbidden(
            "You cannot take part: " + "; ".join(en for en, _ in missing) + ".",
            code="not_eligible",
            remedy="The competition's document says who may register (eligibility). "
            "You get a certificate by the course's test: cihu course.",
            zh="不符合参赛条件：" + "；".join(zh for _, zh in missing) + "。",
            remedy_zh="参赛条件见大赛文件（eligibility）。培训证书可通过课程测试取得：cihu course。",
        )


def _missing(
    tx: Transaction, person: Principal, document: Competition, now: datetime
) -> Sequence[tuple[str, str]]:
    rules, missing = document.eligibility, []
    if rules.organisations and person.organisation not in rules.organisations:
        missing.append(("your organisation is not admitted", "您所在单位不在准入范围内"))
    created = tx.execute(select(accounts.c.created_at).where(accounts.c.id == person.id)).scalar_one()
    if now - created < timedelta(days=rules.account_days):
        missing.append(
            (
                f"your account is younger than {rules.account_days} days",
                f"账号注册未满 {rules.account_days} 天",
            )
        )
    if rules.certificate is not None and find_valid(tx, person.id, rules.certificate, now) is None:
        missing.append(
            (
                f"you have no valid certificate of {rules.certificate}",
                f"没有有效的培训证书 {rules.certificate}",
            )
        )
    return missing


def _require_fits(document: Competition, organisations: Sequence[str]) -> None:
    if len(organisations) > document.teams.largest:
        raise Conflict(
            f"A team has at most {document.teams.largest} people.",
            code="team_full",
            remedy="Form another team.",
            zh=f"团队至多 {document.teams.largest} 人。",
            remedy_zh="请另组团队。",
        )
    if document.teams.one_organisation and len(set(organisations)) > 1:
        raise Conflict(
            "All people of a team are of one organisation.",
            code="team_of_one_organisation",
            remedy="Join a team of your organisation.",
            zh="团队成员须来自同一单位。",
            remedy_zh="请加入本单位的团队。",
        )


def _require_may_merge(
    tx: Transaction, document: Competition, ending: Row[Any], other: Row[Any], now: datetime
) -> None:
    """Raises `Conflict`: a merged team has no more people and no more entries than one team could have."""
    if not document.teams.merging or ending.id == other.id or {ending.state, other.state} != {"active"}:
        raise Conflict(
            "These teams cannot merge.",
            code="teams_cannot_merge",
            remedy="Two active teams can, where the competition allows it (teams.merging).",
            zh="这两个团队不能合并。",
            remedy_zh="在允许合并的大赛中，两个有效团队才能合并（teams.merging）。",
        )
    _require_changeable(document, now)
    people = [*members_of(tx, ending.id), *members_of(tx, other.id)]
    _require_fits(document, [person.organisation for person in people])
    days = days_so_far(document, now)
    for track, first, second in zip(
        document.tracks,
        quotas_of(tx, document, ending.id, now),
        quotas_of(tx, document, other.id, now),
        strict=True,
    ):
        limits = track.entries
        entries = first["in_total"] + second["in_total"]
        seconds = first["compute_seconds"] + second["compute_seconds"]
        if entries > min(limits.in_total, limits.per_day * days) or seconds > limits.compute_seconds:
            raise _beyond_cap(track.id, entries, min(limits.in_total, limits.per_day * days))


def _beyond_cap(track: str, entries: int, most: int) -> CihuError:
    return Conflict(
        f"In the track {track} both teams have used {entries} entries; one team could have used {most}.",
        code="merger_beyond_cap",
        remedy="Merge earlier, or on a later day, or stay two teams. The compute quota counts as well.",
        zh=f"赛道 {track} 中两队共已提交 {entries} 次，单个团队至多 {most} 次。",
        remedy_zh="请在更早或更晚的日期合并，或保持为两个团队；算力额度同样计算在内。",
    )


def _add_member(tx: Transaction, person: Principal, team: Row[Any], terms: str, now: datetime) -> int:
    index = record(
        tx,
        "competition.joined",
        actor=person.id,
        competition=team.competition,
        payload={"team": team.id, "terms_sha256": terms},
        now=now,
        team=team.id,
    )
    tx.execute(
        insert(competition_members).values(
            competition=team.competition,
            team=team.id,
            person=person.id,
            organisation=person.organisation,
            terms_sha256=terms,
            joined_at=now,
            log_index=index,
        )
    )
    return index


def _end(tx: Transaction, team: Row[Any], state: str, *, actor: str, reason: str, now: datetime) -> Row[Any]:
    """Enter a state in which it takes part no more; what waits of it is not scored."""
    entered = check_step(TEAM, team.state, state, thing=f"team {team.id}", thing_zh="团队")
    team = _changed(tx, team, state=state, reason=reason)
    _forget_mergers(tx, team.id)
    end_queued(tx, competition_entries.c.team == team.id, now)
    record(
        tx,
        entered.event,
        actor=actor,
        competition=team.competition,
        payload={"team": team.id, **({"reason": reason} if reason else {})},
        now=now,
        public=state == "disqualified",
        team=team.id,
    )
    return team


def _changed(tx: Transaction, team: Row[Any], **values: Any) -> Row[Any]:
    return tx.execute(
        update(competition_teams)
        .where(competition_teams.c.id == team.id)
        .values(**values)
        .returning(competition_teams)
    ).one()


def _forget_mergers(tx: Transaction, team: int) -> None:
    either = or_(competition_mergers.c.team == team, competition_mergers.c.into_team == team)
    tx.execute(delete(competition_mergers).where(either))
