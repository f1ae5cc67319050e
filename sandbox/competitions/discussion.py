"""Announcements of a competition's organiser, and the discussion in which those who take part ask and answer.

It is for people alone: no kernel reaches it, and nothing of a sealed run does, so what a review would not let
out has no new way. What somebody wrote stays in the table whatever happens to it; the log has its SHA-256.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from sandbox.competitions.competitions import organised
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.life_cycle import POST, check_step
from sandbox.competitions.record import held_public, record, require_state
from sandbox.competitions.schemas import CompetitionAnnouncement, DiscussionPost
from sandbox.competitions.tables import competition_members, competition_posts, competition_teams
from sandbox.competitions.teams import public_team
from sandbox.database import Transaction
from sandbox.errors import InvalidInput, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.policy import Resource

ANNOUNCEMENT = "announcement"
LONGEST_POST = 4000
MOST_A_DAY = 20
"""Posts of one person in one competition, within 24 hours."""
MOST_SHOWN = 500
OPEN = ("announced", "open", "judging", "notice")
"""States in which people write."""


def announce(
    context: CompetitionContext, officer: Principal, name: str, *, text_zh: str, text_en: str
) -> CompetitionAnnouncement:
    """Tell everybody something, in one language or both. Raises `Refused`, `NotFound`, `InvalidInput`,
    `Conflict`, `TooMany`."""
    words = {language: text.strip() for language, text in (("zh", text_zh), ("en", text_en))}
    _require_text("".join(words.values()))
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, *OPEN)
        made = _write(tx, context, row, officer, kind=ANNOUNCEMENT, words=words)
    return _announcement(made)


def list_announcements(context: CompetitionContext, name: str) -> list[CompetitionAnnouncement]:
    """Those that are shown, the newest first. Raises `NotFound`."""
    with context.database.transaction() as tx:
        held_public(tx, context, name)
        return [_announcement(row) for row in _posts(tx, name, announcements=True) if row.state == "shown"]


def post(
    context: CompetitionContext, person: Principal, name: str, *, text: str, answers: int | None
) -> DiscussionPost:
    """Ask, or answer a question. Raises `Refused` for whoever takes no part, `NotFound`, `InvalidInput`,
    `Conflict` once the competition has ended, `TooMany`."""
    _require_text(text)
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        team = _own_team(tx, person, name)
        about = {"department": row.department, "registered": team is not None}
        context.gate.require(person, "post_in_discussion", Resource("Competition", name, about))
        require_state(row, *OPEN)
        more: dict[str, Any] = {}
        if answers is not None:
            question = _load(tx, name, answers)
            if question.kind != "question" or question.state != "shown":
                raise _no_post(answers)
            more = {"answers": answers, "asked_by": question.author}
        kind = "question" if answers is None else "answer"
        made = _write(
            tx,
            context,
            row,
            person,
            kind=kind,
            words={"text": text.strip()},
            answers=answers,
            team=None if _organises(person, row) else team,
            more=more,
        )
        return _document(tx, row, person, made)


def list_discussion(context: CompetitionContext, person: Principal, name: str) -> list[DiscussionPost]:
    """Questions, the newest first, each followed by its answers; for the organiser announcements too, which
    they can hide and show again. Raises `Refused`, `NotFound`."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        about = Resource("Competition", name, {"department": row.department})
        context.gate.require(person, "read_discussion", about)
        posts = [*_posts(tx, name, announcements=False)]
        if _organises(person, row):
            posts += _posts(tx, name, announcements=True)
        ordered = sorted(posts, key=lambda one: (-(one.answers or one.id), one.id))
        return [_document(tx, row, person, one) for one in ordered]


def moderate(
    context: CompetitionContext, officer: Principal, name: str, id: int, *, then: str, reason: str
) -> DiscussionPost:
    """Hide a post or an announcement for a reason, or show it again; its author is told. Raises `Refused`,
    `NotFound`, `Conflict`."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        found = _load(tx, name, id)
        _require(context, officer, "moderate_post", row, found)
        return _move(tx, context, row, officer, found, then=then, reason=reason)


def withdraw(context: CompetitionContext, author: Principal, name: str, id: int) -> DiscussionPost:
    """Take one's own post back, for good. Raises `Refused`, `NotFound`, `Conflict`."""
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        found = _load(tx, name, id)
        _require(context, author, "withdraw_post", row, found)
        return _move(tx, context, row, author, found, then="withdrawn", reason="")


def _require(
    context: CompetitionContext, person: Principal, action: str, row: Row[Any], found: Row[Any]
) -> None:
    about = {"department": row.department, "author": found.author}
    context.gate.require(person, action, Resource("CompetitionPost", str(found.id), about))


def _write(
    tx: Transaction,
    context: CompetitionContext,
    row: Row[Any],
    author: Principal,
    *,
    kind: str,
    words: dict[str, str],
    answers: int | None = None,
    team: int | None = None,
    more: dict[str, Any] | None = None,
) -> Row[Any]:
    now = context.clock()
    _require_rate(tx, row.name, author, now)
    made = tx.execute(
        insert(competition_posts)
        .values(
            competition=row.name,
            kind=kind,
            answers=answers,
            author=author.id,
            team=team,
            words=words,
            state="shown",
            posted_at=now,
            changed_by=author.id,
            changed_at=now,
        )
        .returning(competition_posts)
    ).one()
    digest = sha256("\0".join(words.values()).encode()).hexdigest()
    record(
        tx,
        f"competition.{kind}_posted",
        actor=author.id,
        competition=row.name,
        payload={
            "post": made.id,
            "sha256": digest,
            **(more or {}),
        },
        now=now,
        public=kind == ANNOUNCEMENT,
    )
    return made


def _move(
    tx: Transaction,
    context: CompetitionContext,
    row: Row[Any],
    by: Principal,
    found: Row[Any],
    *,
    then: str,
    reason: str,
) -> DiscussionPost:
    check_step(POST, found.state, then, thing=f"post {found.id}", thing_zh="帖子")
    now = context.clock()
    moved = tx.execute(
        update(competition_posts)
        .where(competition_posts.c.id == found.id)
        .values(state=then, reason=reason.strip(), changed_by=by.id, changed_at=now)
        .returning(competition_posts)
    ).one()
    event = "competition.post_restored" if then == "shown" else POST[then].event
    payload = {"post": found.id, "author": found.author, "reason": reason.strip()}
    record(tx, event, actor=by.id, competition=row.name, payload=payload, now=now)
    return _document(tx, row, by, moved)


def _require_text(text: str) -> None:
    if not text.strip():
        raise InvalidInput(
            "There is no text.",
            code="empty_post",
            remedy="Write what you want to say.",
            zh="没有内容。",
            remedy_zh="请写下要说的内容。",
        )


def _require_rate(tx: Transaction, name: str, author: Principal, now: datetime) -> None:
    """The competition is held, so nobody writes two at once."""
    wanted = select(func.count()).where(
        competition_posts.c.competition == name,
        competition_posts.c.author == author.id,
        competition_posts.c.posted_at > now - timedelta(days=1),
    )
    if (tx.scalar(wanted) or 0) >= MOST_A_DAY:
        raise TooMany(
            f"You have written {MOST_A_DAY} times within a day.",
            code="too_many_posts",
            remedy="Come back tomorrow.",
            zh=f"您在一天内已发言 {MOST_A_DAY} 次。",
            remedy_zh="请明天再来。",
        )


def _own_team(tx: Transaction, person: Principal, name: str) -> int | None:
    """The team that takes part, of somebody who is in one."""
    return tx.scalar(
        select(competition_teams.c.id)
        .join(competition_members, competition_members.c.team == competition_teams.c.id)
        .where(
            competition_members.c.competition == name,
            competition_members.c.person == person.id,
            competition_members.c.left_at.is_(None),
            competition_teams.c.state == "active",
        )
    )


def _posts(tx: Transaction, name: str, *, announcements: bool) -> Sequence[Row[Any]]:
    of_kind = competition_posts.c.kind == ANNOUNCEMENT
    wanted = select(competition_posts).where(
        competition_posts.c.competition == name, of_kind if announcements else ~of_kind
    )
    return tx.execute(wanted.order_by(competition_posts.c.id.desc()).limit(MOST_SHOWN)).all()


def _load(tx: Transaction, name: str, id: int) -> Row[Any]:
    found = tx.execute(
        select(competition_posts).where(competition_posts.c.competition == name, competition_posts.c.id == id)
    ).first()
    if found is None:
        raise _no_post(id)
    return found


def _no_post(id: int) -> NotFound:
    return NotFound(
        f"There is no post {id} here.",
        code="post_not_found",
        remedy="Load the discussion again.",
        zh=f"没有编号为 {id} 的帖子。",
        remedy_zh="请重新打开讨论页。",
    )


def _announcement(row: Row[Any]) -> CompetitionAnnouncement:
    shown = CompetitionAnnouncement(id=row.id, posted_at=row.posted_at)
    if row.words["zh"]:
        shown["zh"] = row.words["zh"]
    if row.words["en"]:
        shown["en"] = row.words["en"]
    return shown


def _organises(person: Principal, row: Row[Any]) -> bool:
    return "officer" in person.roles and person.organisation == row.department


def _document(tx: Transaction, row: Row[Any], reader: Principal, found: Row[Any]) -> DiscussionPost:
    """A post as somebody sees it: its people are named to nobody but the organiser. Of what is hidden the
    organiser and the author see text and reason; of what was withdrawn the organiser sees the text."""
    organiser = _organises(reader, row)
    shown = DiscussionPost(
        id=found.id,
        kind=found.kind,
        state=found.state,
        posted_at=found.posted_at,
        yours=found.author == reader.id,
        by_organiser=found.team is None,
    )
    if found.answers is not None:
        shown["answers"] = found.answers
    if found.team is not None:
        team = tx.execute(select(competition_teams).where(competition_teams.c.id == found.team)).one()
        shown["team"] = public_team(tx, row, team)
    if organiser:
        shown["author"] = found.author
    whole = found.state == "shown" or organiser or (found.state == "hidden" and found.author == reader.id)
    if whole:
        shown["text"] = "\n\n".join(text for text in found.words.values() if text)
        if found.reason and found.state == "hidden":
            shown["reason"] = found.reason
    return shown
