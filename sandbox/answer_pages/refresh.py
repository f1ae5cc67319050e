"""Asks the questions of a page again, of the newest versions, at the price that was shown before.

The price is that of asking them in the page's order. What was answered for the newest version already is
free, by the rule of stored answers. A refresh begins only at the price that was shown; each question is then
asked by the gate as any other, so one that is refused or fails leaves its older answer, and says why.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from sandbox.answer_pages.pages import (
    PageQuestion,
    add_state,
    newest_state,
    page_to_change,
    read_page,
    seen_page,
)
from sandbox.answer_pages.schemas import (
    AnswerPageDocument,
    AnswerPageLevel,
    AnswerPagePrice,
    AnswerPageQuestionPrice,
)
from sandbox.audit import Log
from sandbox.budgets import Account, Level, refusal_of_all, statement
from sandbox.database import Transaction
from sandbox.errors import BudgetExhausted, CihuError, Conflict
from sandbox.grants import list_grants, load_grant, newest
from sandbox.identity import Principal
from sandbox.privacy import ZERO, PrivacyLoss, epsilon_told, percent_told
from sandbox.releases import AskContext, ask
from sandbox.releases.explain import takes_seconds
from sandbox.releases.past_answers import seen_answer
from sandbox.releases.prepare import Prepared, already_released, charge_first, prepare
from sandbox.releases.schemas import BudgetRefusal


@dataclass(frozen=True)
class Priced:
    """A question of a page, and what asking it again would cost; `prepared` is None where it is refused."""

    question: PageQuestion
    answered: str | None
    prepared: Prepared | None = None
    loss: PrivacyLoss = ZERO
    refused: CihuError | None = None


def price_page(context: AskContext, member: Principal, id: UUID) -> AnswerPagePrice:
    """What a refresh would cost. Touches no data, spends nothing. Raises `NotFound`."""
    return _price(context, member, id)[0]


def refresh_page(
    context: AskContext, log: Log, member: Principal, id: UUID, *, priced: str
) -> AnswerPageDocument:
    """Ask the page's questions again at the price that was shown, and save the answers as its next state.

    Raises `NotFound`, `Refused`, `BudgetExhausted`, and `Conflict` where price or page are not what was
    shown, or no question can be asked.
    """
    with context.database.lock(f"answer_page:{id}"):
        with context.database.transaction() as tx:
            page_to_change(tx, context.gate, member, id)
        price, questions, exhausted = _price(context, member, id)
        if price["priced"] != priced:
            raise Conflict(
                "The page or the price of its refresh is not what was shown. Nothing was asked.",
                code="price_changed",
                remedy="Look at the price again, then refresh.",
                zh="回答页或刷新的价格与刚才显示的不同，尚未提问。",
                remedy_zh="请重新核对价格后再刷新。",
            )
        if exhausted is not None:
            raise exhausted
        if not price["refreshable"]:
            raise Conflict(
                "No question of the page can be asked now.",
                code="nothing_to_refresh",
                remedy="See what the price says of each question.",
                zh="该回答页目前没有可以再问的问题。",
                remedy_zh="请查看价格中每个问题的说明。",
            )
        asked = [_ask(context, member, each) for each in questions]
        with context.database.transaction() as tx:
            state = newest_state(tx, id)
            add_state(
                tx,
                member,
                id,
                state.number + 1,
                change="refreshed",
                title=state.title,
                text=state.text,
                questions=[question for question, _ in asked],
                picorho=sum(paid for _, paid in asked),
            )
    return read_page(context, log, member, id)


def _ask(context: AskContext, member: Principal, priced: Priced) -> tuple[PageQuestion, int]:
    """The question with its new answer, or with why it has none; and what was paid, at most."""
    question = priced.question
    if priced.prepared is None:
        assert priced.refused is not None
        return {**question, "not_refreshed": _told(priced.refused)}, 0
    account, before = priced.prepared.grant.account, _spent(context, priced.prepared.grant.account)
    try:
        answer = ask(
            context,
            principal=member,
            sql=question["sql"],
            epsilon=_epsilon(question),
            error=question["error"],
            grant_id=priced.prepared.grant.id,
            of=priced.prepared.versions,
        )
    except CihuError as refused:
        # its keys may have been bought before, or its grant have ended while it ran; the team's other
        # questions of this moment are in the difference, too
        spent = min(priced.loss.picorho, _spent(context, account) - before)
        return {**question, "not_refreshed": _told(refused)}, spent
    return {**question, "answer_id": answer["answer_id"], "not_refreshed": None}, answer["price"]["picorho"]


def _spent(context: AskContext, account: Account) -> int:
    with context.database.transaction() as tx:
        return statement(tx, account).spent.picorho


def _price(
    context: AskContext, member: Principal, id: UUID
) -> tuple[AnswerPagePrice, list[Priced], BudgetExhausted | None]:
    with context.database.transaction() as tx:
        page, state = seen_page(tx, context.gate, member, id), newest_state(tx, id)
    bought: dict[tuple[str, str], int] = {}
    questions = [_priced(context, member, page.team, each, bought) for each in state.questions]
    with context.database.transaction() as tx:
        exhausted = _exhausted(tx, questions)
        levels = _levels(tx, questions)
    told = [_question_price(each) for each in questions]
    shown = [
        [each["version"], each["grant"], each["picorho"], str(one.loss.delta_units)]
        for each, one in zip(told, questions, strict=True)
    ]
    said = json.dumps([str(id), state.number, shown])
    price: AnswerPagePrice = {
        "page": id,
        "number": state.number,
        "picorho": sum(each.loss.picorho for each in questions),
        "seconds": round(sum(each["seconds"] for each in told), 3),
        "questions": told,
        "levels": levels,
        "refreshable": exhausted is None and any(each.prepared is not None for each in questions),
        "refusal": None if exhausted is None else _told(exhausted),
        "priced": hashlib.sha256(said.encode()).hexdigest(),
    }
    return price, questions, exhausted


def _priced(
    context: AskContext,
    member: Principal,
    team: str,
    question: PageQuestion,
    bought: dict[tuple[str, str], int],
) -> Priced:
    """`bought`: what the questions before it on the page will have released, in picorho by total."""
    answered = None
    try:
        with context.database.transaction() as tx:
            row = seen_answer(tx, member, UUID(question["answer_id"]))
            answered = row.version
            dataset = load_grant(tx, row.grant).dataset
            grant = newest(list_grants(tx, member), team=team, dataset=dataset)
        prepared = prepare(
            context,
            principal=member,
            sql=question["sql"],
            epsilon=_epsilon(question),
            error=question["error"],
            grant_id=None if grant is None else grant.id,
        )
    except CihuError as refused:
        return Priced(question, answered, refused=refused)
    with context.database.transaction() as tx:
        released = already_released(tx, prepared)
    loss = charge_first(prepared)
    for share in prepared.price.shares:
        total = (prepared.digest, share.total.name)
        if share.total.name not in released and bought.get(total, -1) < share.loss.picorho:
            loss += PrivacyLoss(share.loss.picorho)
            bought[total] = share.loss.picorho
    return Priced(question, answered, prepared, loss)


def _question_price(priced: Priced) -> AnswerPageQuestionPrice:
    question, prepared = priced.question, priced.prepared
    number = None if priced.answered is None else int(priced.answered.rpartition("@")[2])
    if prepared is None:
        assert priced.refused is not None
        return {
            "sql": question["sql"],
            "answered_version": number,
            "version": None,
            "grant": None,
            "picorho": 0,
            "epsilon": None,
            "delta": None,
            "seconds": 0.0,
            "refusal": _told(priced.refused),
        }
    budget = prepared.version.policy.budget
    assert budget is not None
    return {
        "sql": question["sql"],
        "answered_version": number,
        "version": prepared.version.name,
        "grant": prepared.grant.id,
        "picorho": priced.loss.picorho,
        "epsilon": epsilon_told(priced.loss, budget.delta) if priced.loss.picorho else 0.0,
        "delta": float(budget.delta),
        "seconds": takes_seconds(prepared),
        "refusal": None,
    }


def _exhausted(tx: Transaction, questions: list[Priced]) -> BudgetExhausted | None:
    """Why the budgets do not suffice for all questions together; None where they do."""
    return refusal_of_all(
        tx,
        [
            (each.prepared.charged, each.loss)
            for each in questions
            if each.prepared is not None and each.loss != ZERO
        ],
    )


def _levels(tx: Transaction, questions: list[Priced]) -> list[AnswerPageLevel]:
    """What is spent of each account. Of the wider ones only what the page's own grants spend is shown:
    what others have spent is not this team's to see."""
    losses: dict[Account, PrivacyLoss] = defaultdict(lambda: ZERO)
    own: dict[Account, set[Account]] = defaultdict(set)
    for each in questions:
        if each.prepared is None:
            continue
        for grant in each.prepared.grants:
            for account in (grant.account, Account(Level.DATASET, grant.dataset)):
                losses[account] += each.loss
                own[account].add(grant.account)
        population = Account(Level.POPULATION, each.prepared.version.policy.population)
        losses[population] += each.loss
        own[population].add(each.prepared.grant.account)
    levels: list[AnswerPageLevel] = []
    order = list(Level)
    for account in sorted(losses, key=lambda each: (order.index(each.level), each.key)):
        limit = statement(tx, account).limit.picorho
        spent = sum(statement(tx, one).spent.picorho for one in own[account])
        after = spent + losses[account].picorho
        levels.append(
            {
                "level": account.level,
                "key": account.key,
                "picorho": losses[account].picorho,
                "percent_used_now": percent_told(spent, limit),
                "percent_used_after": percent_told(after, limit),
            }
        )
    return levels


def _epsilon(question: PageQuestion) -> Fraction | None:
    return None if question["epsilon"] is None else Fraction(question["epsilon"])


def _told(refused: CihuError) -> BudgetRefusal:
    shown = refused.shown_as or refused
    message_zh, remedy_zh = shown.words("zh")
    return {
        "code": shown.code,
        "message": shown.message,
        "message_zh": message_zh,
        "remedy": shown.remedy,
        "remedy_zh": remedy_zh,
    }
