"""Saves, lists, reads and removes a team's pages of answers. Each state is kept, and none is ever changed."""

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID, uuid4

from sqlalchemy import Row, func, insert, select, update

from sandbox.answer_pages.schemas import (
    AnswerPageDocument,
    AnswerPageEntry,
    AnswerPageQuestion,
    AnswerPageState,
)
from sandbox.answer_pages.tables import answer_page_states, answer_pages
from sandbox.audit import Event, Log, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput, NotFound, TooMany
from sandbox.grants import load_grant
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource
from sandbox.releases import AskContext
from sandbox.releases.past_answers import seen_answer
from sandbox.releases.schemas import BudgetRefusal

MOST_PAGES = 200  # of a team
MOST_STATES = 1000  # of a page
MOST_QUESTIONS = 12
"""Of a page: each may take a minute and a half to ask again, and a refresh is one request."""


COUNTED = (
    answer_page_states.c.number,
    answer_page_states.c.title,
    answer_page_states.c.change,
    answer_page_states.c.picorho,
    answer_page_states.c.saved_by,
    answer_page_states.c.saved_at,
    func.jsonb_array_length(answer_page_states.c.questions).label("questions"),
)
"""Of a state, without its text and its questions, which may be long."""


class PageQuestion(TypedDict):
    """As a state keeps it: how the question is asked again, and which answer is shown."""

    caption: str
    sql: str
    epsilon: str | None
    error: float | None
    answer_id: str
    not_refreshed: BudgetRefusal | None


def save_page(
    context: AskContext, log: Log, member: Principal, *, team: str, **content: Any
) -> AnswerPageDocument:
    """Save a new page of the team's answers. `content`: title, text, answers (each an id and a caption).

    Raises `Refused`, `NotFound`, `InvalidInput`, `TooMany`.
    """
    context.gate.require(member, "change_answer_page", _resource("new", team))
    id, (title, text) = uuid4(), _words(content)
    with context.database.transaction() as tx:
        of_team = (answer_pages.c.team == team, answer_pages.c.removed_at.is_(None))
        if tx.execute(select(func.count()).where(*of_team)).scalar_one() >= MOST_PAGES:
            raise TooMany(
                f"The team has {MOST_PAGES} pages already.",
                code="too_many_answer_pages",
                remedy="Remove one.",
                zh=f"团队已有 {MOST_PAGES} 个回答页。",
                remedy_zh="请先删除一个。",
            )
        questions = _questions(tx, member, team, (), content["answers"])
        tx.execute(insert(answer_pages).values(id=id, team=team, made_by=member.id))
        add_state(tx, member, id, 1, change="saved", title=title, text=text, questions=questions)
    return read_page(context, log, member, id)


def change_page(
    context: AskContext, log: Log, member: Principal, id: UUID, *, number: int, **content: Any
) -> AnswerPageDocument:
    """Save the page anew, as its next state. `number`: of the newest state, which is changed.

    Raises as `save_page`, and `Conflict` where somebody saved or refreshed it meanwhile.
    """
    title, text = _words(content)
    with context.database.lock(f"answer_page:{id}"), context.database.transaction() as tx:
        page = page_to_change(tx, context.gate, member, id)
        state = newest_state(tx, id)
        if state.number != number:
            raise Conflict(
                f"The page was changed meanwhile: its newest state is {state.number}.",
                code="answer_page_changed",
                remedy="Open the page again, then change it.",
                zh=f"回答页已被他人修改：最新状态为第 {state.number} 版。",
                remedy_zh="请重新打开页面后再修改。",
            )
        questions = _questions(tx, member, page.team, state.questions, content["answers"])
        add_state(tx, member, id, number + 1, change="saved", title=title, text=text, questions=questions)
    return read_page(context, log, member, id)


def remove_page(context: AskContext, member: Principal, id: UUID) -> None:
    """Nobody sees the page from here on; its answers stay in the team's history. Raises as `change_page`."""
    with context.database.lock(f"answer_page:{id}"), context.database.transaction() as tx:
        page = seen_page(tx, context.gate, member, id)
        context.gate.require(member, "change_answer_page", _resource(str(id), page.team))
        removed = {"removed_by": member.id, "removed_at": func.now()}
        tx.execute(update(answer_pages).where(answer_pages.c.id == id).values(**removed))
        append(tx, Event("answer_page.removed", member.id, f"answer_page:{id}", {}))


def list_pages(context: AskContext, member: Principal) -> list[AnswerPageEntry]:
    """The pages of the person's teams that they may see, the newest changed first."""
    teams = [
        team
        for team in sorted(member.teams)
        if context.gate.decide(member, "see_answer_page", _resource("any", team)).allowed
    ]
    state = answer_page_states.c
    newest = (
        select(func.max(state.number)).where(state.page == answer_pages.c.id).correlate(answer_pages)
    ).scalar_subquery()
    query = (
        select(answer_pages.c.id, answer_pages.c.team, *COUNTED)
        .join(answer_page_states, state.page == answer_pages.c.id)
        .where(answer_pages.c.team.in_(teams), answer_pages.c.removed_at.is_(None), state.number == newest)
        .order_by(state.saved_at.desc(), answer_pages.c.id)
    )
    with context.database.transaction() as tx:
        return [
            {
                "id": row.id,
                "team": row.team,
                "title": row.title,
                "number": row.number,
                "questions": row.questions,
                "saved_by": row.saved_by,
                "saved_at": row.saved_at,
            }
            for row in tx.execute(query)
        ]


def read_page(
    context: AskContext, log: Log, member: Principal, id: UUID, number: int | None = None
) -> AnswerPageDocument:
    """A state of the page, the newest by default, with the answers that the person may see.
    Raises `NotFound`."""
    with context.database.transaction() as tx:
        page = seen_page(tx, context.gate, member, id)
        newest = newest_state(tx, id)
        state = newest if number is None else _state(tx, id, number)
        answers = [_answer(tx, member, question) for question in state.questions]
    indexes = [answer["log_index"] for answer in answers if answer is not None]
    receipts = iter(log.receipts(indexes, may_open=lambda _: True)) if indexes else iter(())
    shown = [None if answer is None else {**answer, "receipt": next(receipts)} for answer in answers]
    questions: list[Any] = [
        {**question, "answer": answer} for question, answer in zip(state.questions, shown, strict=True)
    ]
    return _document(page, state, newest.number, questions)


def page_history(context: AskContext, member: Principal, id: UUID) -> list[AnswerPageState]:
    """Every state of the page, the newest first. Raises `NotFound`."""
    with context.database.transaction() as tx:
        seen_page(tx, context.gate, member, id)
        query = select(*COUNTED).where(answer_page_states.c.page == id)
        return [
            {
                "number": row.number,
                "title": row.title,
                "change": row.change,
                "picorho": int(row.picorho),
                "questions": row.questions,
                "saved_by": row.saved_by,
                "saved_at": row.saved_at,
            }
            for row in tx.execute(query.order_by(answer_page_states.c.number.desc()))
        ]


def seen_page(tx: Transaction, gate: Gate, member: Principal, id: UUID) -> Row[Any]:
    """Raises `NotFound`, also for whoever may not see it: that it is there is the team's alone."""
    row = tx.execute(
        select(answer_pages).where(answer_pages.c.id == id, answer_pages.c.removed_at.is_(None))
    ).first()
    if row is None or not gate.decide(member, "see_answer_page", _resource(str(id), row.team)).allowed:
        raise NotFound(
            "There is no such page of answers that you may see.", zh="没有您可以查看的这个回答页。"
        )
    return row


def page_to_change(tx: Transaction, gate: Gate, member: Principal, id: UUID) -> Row[Any]:
    """Raises `NotFound`, `Refused`, `TooMany` where it has all the states that a page may have."""
    page = seen_page(tx, gate, member, id)
    gate.require(member, "change_answer_page", _resource(str(id), page.team))
    if newest_state(tx, id).number >= MOST_STATES:
        raise TooMany(
            f"The page has {MOST_STATES} states.",
            code="too_many_answer_page_states",
            remedy="Save its answers on a new page.",
            zh=f"该回答页已有 {MOST_STATES} 版。",
            remedy_zh="请把其中的回答另存为新的回答页。",
        )
    return page


def newest_state(tx: Transaction, id: UUID) -> Row[Any]:
    states = select(answer_page_states).where(answer_page_states.c.page == id)
    return tx.execute(states.order_by(answer_page_states.c.number.desc()).limit(1)).one()


def add_state(
    tx: Transaction,
    member: Principal,
    id: UUID,
    number: int,
    *,
    change: str,
    title: str,
    text: str,
    questions: Sequence[PageQuestion],
    picorho: int = 0,
) -> None:
    """Add a state and log it: the log names the answers, and commits to neither title nor text."""
    tx.execute(
        insert(answer_page_states).values(
            page=id,
            number=number,
            title=title,
            text=text,
            questions=list(questions),
            change=change,
            picorho=picorho,
            saved_by=member.id,
        )
    )
    answers = [question["answer_id"] for question in questions]
    said = {"number": number, "answers": answers, "picorho": picorho}
    kind = "answer_page.saved" if change == "saved" else "answer_page.refreshed"
    append(tx, Event(kind, member.id, f"answer_page:{id}", said))


def _state(tx: Transaction, id: UUID, number: int) -> Row[Any]:
    row = tx.execute(
        select(answer_page_states).where(
            answer_page_states.c.page == id, answer_page_states.c.number == number
        )
    ).first()
    if row is None:
        raise NotFound(f"The page has no state {number}.", zh=f"回答页没有第 {number} 版。")
    return row


def _words(content: dict[str, Any]) -> tuple[str, str]:
    title = content["title"].strip()
    if not title:
        raise InvalidInput(
            "The title is empty.",
            remedy="Give the page a title.",
            zh="标题为空。",
            remedy_zh="请填写标题。",
        )
    return title, content["text"].strip()


def _questions(
    tx: Transaction,
    member: Principal,
    team: str,
    before: Sequence[PageQuestion],
    answers: Sequence[tuple[UUID, str]],
) -> list[PageQuestion]:
    """The questions whose answers are named. Raises `NotFound`, `InvalidInput`."""
    if not 1 <= len(answers) <= MOST_QUESTIONS or len({id for id, _ in answers}) < len(answers):
        raise InvalidInput(
            f"A page has 1 to {MOST_QUESTIONS} answers, each once.",
            remedy="Leave some out, or save a second page.",
            zh=f"一个回答页有 1 至 {MOST_QUESTIONS} 个互不相同的回答。",
            remedy_zh="请去掉一些，或另存一页。",
        )
    known = {question["answer_id"]: question for question in before}
    chosen: list[PageQuestion] = []
    for id, caption in answers:
        if str(id) in known:
            chosen.append({**known[str(id)], "caption": caption.strip()})
            continue
        row = seen_answer(tx, member, id)
        if load_grant(tx, row.grant).team != team:
            raise InvalidInput(
                f"The answer {id} belongs to another team.",
                code="answer_of_another_team",
                remedy="Save it on a page of that team.",
                zh=f"回答 {id} 属于其他团队。",
                remedy_zh="请保存到该团队的回答页。",
            )
        chosen.append(
            {
                "caption": caption.strip(),
                "sql": row.sql,
                "epsilon": row.epsilon,
                "error": row.error,
                "answer_id": str(id),
                "not_refreshed": None,
            }
        )
    return chosen


def _answer(tx: Transaction, member: Principal, question: PageQuestion) -> dict[str, Any] | None:
    try:
        row = seen_answer(tx, member, UUID(question["answer_id"]))
    except NotFound:
        return None
    return dict(row.answer) | {"log_index": row.log_index}


def _document(
    page: Row[Any], state: Row[Any], newest: int, questions: list[AnswerPageQuestion]
) -> AnswerPageDocument:
    return {
        "id": page.id,
        "team": page.team,
        "number": state.number,
        "newest": newest,
        "title": state.title,
        "text": state.text,
        "change": state.change,
        "picorho": int(state.picorho),
        "saved_by": state.saved_by,
        "saved_at": state.saved_at,
        "questions": questions,
    }


def _resource(id: str, team: str) -> Resource:
    return Resource("AnswerPage", id, {"team": team})
