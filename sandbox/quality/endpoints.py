"""The quality of versions and drafts, and reported problems, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import ExactInt, answers
from sandbox.catalog.model import Version
from sandbox.catalog.schemas import ProblemOutcome
from sandbox.catalog.version_quality import report_of
from sandbox.drafts.context import DraftContext
from sandbox.drafts.drafts import typed_rows
from sandbox.drafts.endpoints import DraftNumber
from sandbox.errors import Forbidden, NotFound
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.privacy import MOST_EPSILON
from sandbox.quality.assess import Assessor
from sandbox.quality.buy_classes import buy_classes
from sandbox.quality.permit import require_reading
from sandbox.quality.problem_reports import ProblemContext, answer_problem, list_problems, report_problem
from sandbox.quality.schemas import (
    BoughtQualityDocument,
    ProblemReportDocument,
    ProblemStatus,
    QualityReportDocument,
)
from sandbox.releases import AskContext

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


class ClassPurchase(BaseModel):
    model_config = ConfigDict(extra="forbid")

    epsilon: Decimal = Field(
        max_digits=12,
        decimal_places=6,
        gt=0,
        json_schema_extra={"maximum": MOST_EPSILON},  # whoever offers more is told so in our words
        allow_inf_nan=False,
        description="the loss, as epsilon at the dataset's delta",
    )


class NewProblem(BaseModel):
    """What is wrong, in words. Write no value of a row: an officer reads it."""

    column: Annotated[PlainText, Field(max_length=100)] | None = None
    words: Annotated[PlainText, Field(min_length=5, max_length=2000)]


class ProblemAnswer(BaseModel):
    """`words` are shown to everybody once the next version is published."""

    outcome: ProblemOutcome
    words: Annotated[PlainText, Field(min_length=1, max_length=2000)]


def quality_router(
    context: AskContext,
    drafting: DraftContext,
    assessor: Assessor,
    *,
    authenticate: Callable[..., Principal],
) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["quality"])
    Officer = Annotated[Principal, Depends(authenticate)]

    def officer_only(officer: Officer) -> Principal:
        drafting.require_officer(officer)
        return officer

    @api.get(
        "/datasets/{name}/versions/{number}/quality",
        operation_id="get_quality",
        summary="The quality of a version",
        responses=answers(QualityReportDocument, 403, 404),
    )
    def quality(officer: Officer, name: str, number: VersionNumber) -> dict[str, Any]:
        """Exact figures of the rows, what the policy's rules found, and the scores by GB/T 36344-2018; for
        the officer who published the version from a file, and of open data for all officers of the
        department."""
        current = context.repository.current(name)
        require_reading(context.gate, officer, current)
        with context.database.transaction() as tx:
            report = report_of(tx, current.dataset, number)
            if report is None:
                raise _not_measured(current, number)
            version = context.repository.version(tx, current.dataset, number)
        if version.policy.unit is not None and not version.figures_known_to(officer.id):
            raise _of_another(version) if version.published_by != officer.id else _never_held(version)
        return {"dataset": current.dataset, "version": number, **report}

    @api.post(
        "/datasets/{name}/quality",
        status_code=201,
        operation_id="buy_quality_classes",
        summary="Buy the completeness of columns for everybody",
        responses=answers(BoughtQualityDocument, 402, 403, 404, 409, status=201),
    )
    def buy(officer: Officer, name: str, purchase: ClassPurchase) -> dict[str, Any]:
        """Tell everybody the completeness of the newest version's columns as classes with differential
        privacy, once, from the dataset's budget."""
        return buy_classes(context, officer=officer, dataset=name, epsilon=Fraction(purchase.epsilon))

    @api.get(
        "/drafts/{id}/quality",
        operation_id="get_draft_quality",
        summary="The quality of a draft's file",
        responses=answers(QualityReportDocument, 403, 404, 409),
    )
    def draft_quality(
        officer: Annotated[Principal, Depends(officer_only)], id: DraftNumber
    ) -> dict[str, Any]:
        """The same for the file of a draft, by its policy as it stands; for the officer whose file it is."""
        policy, rows, before = typed_rows(drafting, officer, id)
        report = assessor.report(rows, policy, before=before, now=datetime.now(UTC))
        return {"dataset": policy.dataset, "version": None, **report}

    return api


def problems_router(context: ProblemContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["quality"])
    Person = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/datasets/{name}/reports",
        status_code=201,
        operation_id="report_problem",
        summary="Report a problem on a dataset",
        responses=answers(ProblemReportDocument, 403, 404, 429, status=201),
    )
    def report(person: Person, name: str, new: NewProblem) -> dict[str, Any]:
        """For those whose team has a grant, and of open data for everybody. The department answers within a
        number of working days."""
        return report_problem(context, reporter=person, dataset=name, column=new.column, words=new.words)

    @api.get(
        "/reports",
        operation_id="list_problems",
        summary="Reported problems that you may see",
        responses=answers(list[ProblemReportDocument]),
    )
    def reports(person: Person, status: ProblemStatus | None = None) -> list[dict[str, Any]]:
        """Your own; for officers also those of their department. What is due first comes first."""
        return list_problems(context, person, status=status)

    @api.post(
        "/reports/{id}/answer",
        operation_id="answer_problem",
        summary="Answer a reported problem",
        responses=answers(ProblemReportDocument, 404, 409),
    )
    def answer(officer: Person, id: ExactInt, given: ProblemAnswer) -> dict[str, Any]:
        """For officers of the dataset's department. The outcome stands in the notes of the next version."""
        return answer_problem(context, officer=officer, id=id, outcome=given.outcome, words=given.words)

    return api


def _of_another(version: Version) -> Forbidden:
    """A colleague can write a rule into a draft: what it counts would be an answer without a price."""
    return Forbidden(
        f"{version.published_by} published this version; only they read its exact figures.",
        code="report_of_another",
        remedy=f"Ask {version.published_by}; or let classes be bought, which everybody sees.",
        zh=f"该版本由 {version.published_by} 发布，只有其本人可查看精确数字。",
        remedy_zh=f"请联系 {version.published_by}；也可购置人人可见的等级。",
    )


def _never_held(version: Version) -> Forbidden:
    """By rows of their choice, pushed or pulled beside others', an officer would find those out."""
    return Forbidden(
        f"The rows of {version.name} came by themselves, or beside others: nobody reads their exact figures.",
        code="report_of_another",
        remedy="Let classes be bought, which everybody sees.",
        zh=f"{version.name} 的数据由采集、推送或派生而来，无人可查看其精确数字。",
        remedy_zh="可购置人人可见的等级。",
    )


def _not_measured(current: Version, number: int) -> NotFound:
    return NotFound(
        f"{current.dataset} has no version {number} with a report of its quality.",
        code="quality_not_measured",
        remedy=f"The newest version is {current.number}. Those of earlier releases have none: publish again.",
        zh=f"{current.dataset} 第 {number} 版没有质量报告。",
        remedy_zh=f"最新为第 {current.number} 版；早期软件发布的版本没有报告，请重新发布。",
    )
