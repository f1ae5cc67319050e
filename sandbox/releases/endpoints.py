"""Asking over HTTP: explain, ask, past answers, budgets."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sandbox.api_schema import ExactInt, Limit, Offset, answers
from sandbox.audit import Log
from sandbox.budgets import Account, Level, Statement, statements
from sandbox.catalog.dataset_index import budgets_of, refresh_index
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetBudget
from sandbox.database import Transaction
from sandbox.errors import InvalidInput, NotFound
from sandbox.grants import Grant, list_grants
from sandbox.grants.read import Part
from sandbox.identity import Principal
from sandbox.plain_text import ExactText, PlainText
from sandbox.privacy import MOST_EPSILON, PrivacyLoss, epsilon_told, epsilon_within
from sandbox.releases.ask import ask
from sandbox.releases.context import AskContext
from sandbox.releases.explain import explain
from sandbox.releases.past_answers import seen_answer
from sandbox.releases.schemas import (
    AnswerDocument,
    ExplanationDocument,
    GrantBudgetDocument,
    PastAnswerDocument,
)
from sandbox.releases.spending import spending

DatasetName = Annotated[PlainText | None, Query(max_length=100)]
PLAIN_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")


def _plain_number(value: object) -> object:
    """A number, or one written with the digits 0 to 9: TRUE is none, nor are digits of another script."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and PLAIN_NUMBER.fullmatch(value):
        return value
    raise ValueError("write a number with the digits 0 to 9, such as 0.05 (请用数字 0 至 9 书写，例如 0.05)")


Plain = BeforeValidator(_plain_number)


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")  # a misspelt epsilon would be asked at the usual price

    sql: ExactText = Field(max_length=20_000)
    epsilon: Annotated[Decimal | None, Plain] = Field(
        default=None,
        max_digits=12,
        decimal_places=6,
        ge=0,
        json_schema_extra={"maximum": MOST_EPSILON},  # whoever offers more is told so in our words
        description="the loss offered, as epsilon at the dataset's delta",
    )
    error: Annotated[float | None, Plain] = Field(
        default=None,
        description=(
            "instead of an epsilon: the relative error that every output may have in a group of typical "
            "size, such as 0.05"
        ),
    )
    grant: Annotated[ExactInt | None, Plain] = Field(
        default=None, description="under which grant; needed only if there are several"
    )


def router(context: AskContext, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["questions"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/explain",
        operation_id="explain_question",
        summary="The price and the predicted error of a question",
        responses=answers(ExplanationDocument, 402, 403, 404, 409, 429),
    )
    def explain_question(asker: Asker, question: Question) -> dict[str, Any]:
        """Price and predicted error. Touches no data, spends nothing."""
        return explain(
            context,
            principal=asker,
            sql=question.sql,
            epsilon=_exact(question.epsilon),
            error=question.error,
            grant_id=question.grant,
        )

    @api.post(
        "/ask",
        operation_id="ask_question",
        summary="Ask a question",
        responses=answers(AnswerDocument, 402, 403, 404, 409, 429),
    )
    def ask_question(asker: Asker, question: Question) -> dict[str, Any]:
        """The private answer, its errors and its receipt. Spends the price, unless it was answered before."""
        answer = ask(
            context,
            principal=asker,
            sql=question.sql,
            epsilon=_exact(question.epsilon),
            error=question.error,
            grant_id=question.grant,
        )
        return answer | {"receipt": log.receipt(answer["log_index"], opening=True)}

    @api.get(
        "/answers/{number}",
        operation_id="get_answer",
        summary="A past answer",
        responses=answers(PastAnswerDocument, 404),
    )
    def past_answer(asker: Asker, number: UUID) -> dict[str, Any]:
        """An answer again, for whoever's team has the grant under which it was given."""
        with context.database.transaction() as tx:
            row = seen_answer(tx, asker, number)
        return dict(row.answer) | {
            "log_index": row.log_index,
            "receipt": log.receipt(row.log_index, opening=True),
        }

    @api.get(
        "/budgets",
        operation_id="list_budgets",
        summary="What is left of each grant",
        responses=answers(list[GrantBudgetDocument], 404),
    )
    def budgets(
        asker: Asker,
        grant: ExactInt | None = None,
        dataset: DatasetName = None,
        offset: Offset = 0,
        limit: Limit = None,
    ) -> list[dict[str, Any]]:
        """What is left of each grant that the caller may see (or of those on a dataset), in rho and in delta,
        and what it is of its dataset and population; the newest grant first. At most
        `limit`, after the first `offset`.

        Members of its team see who spent it on which question, and of the wider budgets what is
        theirs; officers, auditors and operators see all that was spent and is promised of these,
        and not what was asked.
        """
        refresh_index(context.repository)
        with context.database.transaction() as tx:
            seen = list_grants(tx, asker, grant=grant, dataset=dataset, part=Part(offset, limit))
            if grant is not None and not seen:
                raise NotFound(
                    f"There is no grant {grant} that you may see.", zh=f"没有你可以查看的授权 {grant}。"
                )
            return grant_budgets(tx, context.repository, asker, seen)

    return api


def grant_budgets(
    tx: Transaction, repository: DatasetRepository, asker: Principal, seen: Sequence[Grant]
) -> list[dict[str, Any]]:
    """What is left of each of these grants: so many reads for all of them, not for each."""
    policies = budgets_of(tx, repository, {one.dataset for one in seen})
    wider = {
        one.id: (Account(Level.DATASET, one.dataset), Account(Level.POPULATION, policies[one.dataset][0]))
        for one in seen
    }
    accounts = {one.account for one in seen}.union(*wider.values())
    known = statements(tx, accounts)
    spent = spending(tx, [one for one in seen if one.team in asker.teams])
    shown = []
    for one in seen:
        budget = policies[one.dataset][1]
        own, member = known[one.account], one.team in asker.teams
        levels = [known[account] for account in wider[one.id]]
        if member:
            levels = [Statement(level.account, level.limit, own.spent, own.left) for level in levels]
        shown.append(
            {
                "grant": one.id,
                "dataset": one.dataset,
                "team": one.team,
                "status": one.status.value,
                "until": one.until.isoformat(),
                "delta": float(budget.delta),
                "keys_left": own.left.delta_units
                // PrivacyLoss.at_least(Fraction(0), budget.key_delta).delta_units,
                "levels": [
                    _statement(level, budget, of="team" if member or level is own else "all")
                    for level in (own, *levels)
                ],
                "spent": spent[one.id] if member else None,
            }
        )
    return shown


def _statement(standing: Statement, budget: DatasetBudget, *, of: str) -> dict[str, Any]:
    """An account for people. `of` says whose spending and promises these are:
    the grant's team's, or everybody's.

    `promised` may still be spent by the grants that hold it; `left` is neither spent nor promised.
    """
    told = epsilon_told(standing.spent, budget.delta, 4)
    left = standing.held if of == "team" and standing.account.level is not Level.GRANT else standing.left
    return {
        "level": standing.account.level.value,
        "key": standing.account.key,
        "of": of,
        "picorho_limit": standing.limit.picorho,
        "picorho_spent": standing.spent.picorho,
        "picorho_promised": standing.held.picorho,
        "picorho_left": left.picorho,
        "epsilon_limit": float(epsilon_within(standing.limit, budget.delta)),
        "epsilon_spent": told if told < inf else None,
        "delta_limit": float(standing.limit.delta),
        "delta_spent": float(standing.spent.delta),
        "delta_promised": float(standing.held.delta),
        "delta_left": float(left.delta),
        "percent_used": standing.percent_used,
        "delta_percent_used": standing.delta_percent_used,
    }


def _exact(epsilon: Decimal | None) -> Fraction | None:
    if epsilon is not None and not epsilon.is_finite():
        raise InvalidInput(
            "epsilon must be a number.",
            remedy="Common values are 0.05 to 1.",
            zh="epsilon 应是数字。",
            remedy_zh="常用 0.05 至 1。",
        )
    return None if epsilon is None else Fraction(epsilon)
