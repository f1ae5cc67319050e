"""The course and training certificates over HTTP."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.audit import Log
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.training import attempts, certificates
from sandbox.training.context import TrainingContext
from sandbox.training.schemas import CourseAttempt, CourseDocument, OwnCertificate, TrainingCertificate

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Person = Annotated[PlainText, Field(min_length=1, max_length=40)]
QuestionId = Annotated[PlainText, Field(max_length=40)]


class NewCertificate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    person: Person
    course: Annotated[PlainText, Field(max_length=40)]
    expires_at: AwareDatetime


class CourseAnswers(BaseModel):
    """By the question's id, the number of the option that you choose."""

    model_config = ConfigDict(extra="forbid")

    answers: Annotated[
        dict[QuestionId, Annotated[int, Field(ge=1, le=20)]], Field(min_length=1, max_length=100)
    ]


def router(context: TrainingContext, log: Log, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """The course's test, and one's own certificates: at the vault's address, and for kernels."""
    api = APIRouter(prefix="/v1", tags=["training"])
    Someone = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/course",
        operation_id="get_course",
        summary="The safe-researcher course and its test",
        responses=answers(CourseDocument, 403),
    )
    def course(person: Someone) -> CourseDocument:
        """Its rules, how many attempts you have left today, and from when on you can renew."""
        return attempts.describe(context, person)

    @api.post(
        "/course/attempts",
        status_code=201,
        operation_id="begin_course_attempt",
        summary="Begin an attempt at the course's test",
        responses=answers(CourseAttempt, 403, 409, 429, status=201),
    )
    def begin(person: Someone) -> CourseAttempt:
        """Questions are drawn for you. While an attempt can be answered, it is the same one."""
        return attempts.begin(context, person)

    @api.get(
        "/course/attempts/{id}",
        operation_id="get_course_attempt",
        summary="An attempt of yours",
        responses=answers(CourseAttempt, 404),
    )
    def attempt(person: Someone, id: Number) -> CourseAttempt:
        """Once it is marked, with the right options and why they are right."""
        return attempts.read(context, log, person, id)

    @api.post(
        "/course/attempts/{id}/answers",
        operation_id="answer_course_attempt",
        summary="Answer an attempt's questions",
        responses=answers(CourseAttempt, 403, 404, 409),
    )
    def mark(person: Someone, id: Number, given: CourseAnswers) -> CourseAttempt:
        """It is marked once. Whoever passes has a certificate, with a receipt."""
        return attempts.answer(context, log, person, id, given.answers)

    @api.get(
        "/certificates",
        operation_id="list_own_certificates",
        summary="Your training certificates",
        responses=answers(list[OwnCertificate]),
    )
    def own(person: Someone) -> list[OwnCertificate]:
        """With their ends, those that ran out too. A receipt proves one to anybody."""
        return certificates.list_own(context, log, person)

    return api


def officers_router(context: TrainingContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """Certificates that officers issue, of courses that are held elsewhere."""
    api = APIRouter(prefix="/v1", tags=["training"])

    @api.post(
        "/certificates",
        status_code=201,
        operation_id="issue_certificate",
        summary="Issue a training certificate",
        responses=answers(TrainingCertificate, 403, 404, status=201),
    )
    def certify(
        officer: Annotated[Principal, Depends(authenticate)], new: NewCertificate
    ) -> TrainingCertificate:
        """With a day on which it expires."""
        return certificates.issue_by_officer(
            context, officer, person=new.person, course=new.course, expires_at=new.expires_at
        )

    return api
