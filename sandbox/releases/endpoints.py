"""Asking over HTTP: explain, ask, past answers, budgets."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from sandbox.audit import Log
from sandbox.budgets import Account, Level, Statement, statement
from sandbox.errors import InvalidInput, NotFound
from sandbox.grants import list_grants
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.privacy import epsilon_of
from sandbox.releases.ask import ask
from sandbox.releases.desk import Desk
from sandbox.releases.explain import explain
from sandbox.releases.spending import spending
from sandbox.releases.tables import questions


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")  # a misspelt epsilon would be asked at the usual price

    sql: PlainText = Field(max_length=20_000)
    epsilon: Decimal | None = Field(default=None, max_digits=12, decimal_places=6, ge=0,
                                    description="the loss offered, as epsilon at the dataset's delta")
    error: float | None = Field(default=None, description="instead of an epsilon: the relative error that every output may "
                                                          "have in a group of typical size, such as 0.05")
    grant: int | None = Field(default=None, description="under which grant; needed only if there are several")


def router(desk: Desk, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["questions"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.post("/explain")
    def explain_question(asker: Asker, question: Question) -> dict[str, Any]:
        """Price and predicted error. Touches no data, spends nothing."""
        return explain(desk, principal=asker, sql=question.sql, epsilon=_exact(question.epsilon),
                       error=question.error, grant_id=question.grant)

    @api.post("/ask")
    def ask_question(asker: Asker, question: Question) -> dict[str, Any]:
        """The private answer, its errors and its receipt. Spends the price, unless it was answered before."""
        answer = ask(desk, principal=asker, sql=question.sql, epsilon=_exact(question.epsilon), error=question.error,
                     grant_id=question.grant)
        return answer | {"receipt": log.receipt(answer["log_index"], opening=True)}

    @api.get("/answers/{number}")
    def past_answer(asker: Asker, number: UUID) -> dict[str, Any]:
        """An answer again, for whoever's team has the grant under which it was given."""
        with desk.database.transaction() as tx:
            row = tx.execute(select(questions).where(questions.c.id == number)).first()
            seen = row is not None and row.grant in {grant.id for grant in list_grants(tx, asker)}
        if row is None or not seen or row.answer is None:
            raise NotFound("There is no such answer that you may see.", zh="没有你可以查看的这个回答。")
        return dict(row.answer) | {"log_index": row.log_index, "receipt": log.receipt(row.log_index, opening=True)}

    @api.get("/budgets")
    def budgets(asker: Asker, grant: int | None = None) -> list[dict[str, Any]]:
        """What is left of each grant that one may see, and of its dataset and population; for members of its team also
        who spent it on which question."""
        with desk.database.transaction() as tx:
            seen = [one for one in list_grants(tx, asker) if grant is None or one.id == grant]
            if grant is not None and not seen:
                raise NotFound(f"There is no grant {grant} that you may see.", zh=f"没有你可以查看的授权 {grant}。")
            shown = []
            for one in seen:
                policy = desk.shelf.current(one.dataset).policy
                assert policy.budget is not None
                accounts = (one.account, Account(Level.DATASET, one.dataset),
                            Account(Level.POPULATION, policy.population))
                shown.append({
                    "grant": one.id, "dataset": one.dataset, "team": one.team, "status": one.status.value,
                    "until": one.until.isoformat(), "delta": float(policy.budget.delta),
                    "levels": [_statement(statement(tx, account), policy.budget.delta) for account in accounts],
                    "spent": spending(tx, one) if one.team in asker.teams else None})
        return shown

    return api


def _statement(standing: Statement, delta: Fraction) -> dict[str, Any]:
    return {"level": standing.account.level.value, "key": standing.account.key,
            "picorho_limit": standing.limit.picorho, "picorho_spent": standing.spent.picorho,
            "epsilon_limit": round(epsilon_of(standing.limit, delta), 4),
            "epsilon_spent": round(epsilon_of(standing.spent, delta), 4),
            "percent_used": round(standing.percent_used, 4)}


def _exact(epsilon: Decimal | None) -> Fraction | None:
    if epsilon is not None and not epsilon.is_finite():
        raise InvalidInput("epsilon must be a number.", mend="Common values are 0.05 to 1.",
                           zh="epsilon 应是数字。", mend_zh="常用 0.05 至 1。")
    return None if epsilon is None else Fraction(epsilon)
