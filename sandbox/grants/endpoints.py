"""Requests and grants over HTTP."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from sandbox.api_schema import ExactInt, Limit, Offset, answers
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.city_time import end_of
from sandbox.database import Database
from sandbox.errors import InvalidInput
from sandbox.grants.decide import approve, refuse, revoke
from sandbox.grants.model import Grant, Request
from sandbox.grants.read import Part, list_grants, list_requests, load_request, may_see, no_request
from sandbox.grants.request_access import request_access
from sandbox.grants.schemas import GrantDocument, RequestDocument
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate
from sandbox.privacy import MOST_EPSILON

Epsilon = Annotated[Decimal, Field(max_digits=12, decimal_places=6, le=MOST_EPSILON)]


Department = Annotated[PlainText | None, Query(max_length=100)]


class NewRequest(BaseModel):
    dataset: PlainText
    team: PlainText
    purpose: PlainText
    epsilon: Epsilon
    until: PlainText = Field(
        description="a date, such as 2026-12-31: good until the end of that day, by the city's clock"
    )


class Approval(BaseModel):
    epsilon: Epsilon | None = None
    until: PlainText | None = None
    note: PlainText = Field(default="", max_length=2000)


class Reason(BaseModel):
    reason: PlainText = Field(max_length=2000)


def router(
    database: Database, repository: DatasetRepository, gate: Gate, *, authenticate: Callable[..., Principal]
) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["requests and grants"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/requests",
        status_code=201,
        operation_id="request_access",
        summary="Ask for a dataset",
        responses=answers(RequestDocument, 402, 403, 404, 409, status=201),
    )
    def make_request(asker: Asker, new: NewRequest) -> dict[str, Any]:
        """Ask for a dataset."""
        return shown(
            request_access(
                database,
                gate=gate,
                principal=asker,
                version=repository.usable(new.dataset),
                team=new.team,
                purpose=new.purpose,
                epsilon=new.epsilon,
                until=end_of(day_of(new.until)),
            )
        )

    @api.get(
        "/requests",
        operation_id="list_requests",
        summary="Requests that you may see",
        responses=answers(list[RequestDocument]),
    )
    def requests(
        asker: Asker,
        status: Literal["asked", "approved", "refused"] | None = None,
        department: Department = None,
        offset: Offset = 0,
        limit: Limit = None,
    ) -> list[dict[str, Any]]:
        """One's team's requests, the newest first, or with `status=asked` what has waited longest; for
        officers also their department's. At most `limit`, after the first `offset`."""
        with database.transaction() as tx:
            listed = list_requests(tx, asker, status=status, department=department, part=Part(offset, limit))
            return [shown(request) for request in listed]

    @api.get(
        "/requests/{number}",
        operation_id="get_request",
        summary="One request",
        responses=answers(RequestDocument, 404),
    )
    def one_request(asker: Asker, number: ExactInt) -> dict[str, Any]:
        """One request, with what became of it."""
        with database.transaction() as tx:
            request = load_request(tx, number)
            if not may_see(asker, request):
                raise no_request(number)
        return shown(request)

    @api.post(
        "/requests/{number}/approve",
        operation_id="approve_request",
        summary="Approve a request",
        responses=answers(GrantDocument, 402, 403, 404, 409),
    )
    def approve_request(asker: Asker, number: ExactInt, approval: Approval) -> dict[str, Any]:
        """Approve as asked, or with a smaller budget or another end. Gives the grant."""
        with database.transaction() as tx:
            dataset = load_request(tx, number).dataset
        return shown(
            approve(
                database,
                gate=gate,
                officer=asker,
                request_id=number,
                version=repository.usable(dataset),
                epsilon=approval.epsilon,
                until=end_of(day_of(approval.until)) if approval.until else None,
                note=approval.note,
            )
        )

    @api.post(
        "/requests/{number}/refuse",
        operation_id="refuse_request",
        summary="Refuse a request",
        responses=answers(RequestDocument, 403, 404, 409),
    )
    def refuse_request(asker: Asker, number: ExactInt, why: Reason) -> dict[str, Any]:
        """Refuse, with a reason that the team sees."""
        return shown(refuse(database, gate=gate, officer=asker, request_id=number, reason=why.reason))

    @api.get(
        "/grants",
        operation_id="list_grants",
        summary="Grants that you may see",
        responses=answers(list[GrantDocument]),
    )
    def grants(
        asker: Asker,
        status: Literal["live", "expired", "revoked"] | None = None,
        department: Department = None,
        offset: Offset = 0,
        limit: Limit = None,
    ) -> list[dict[str, Any]]:
        """One's team's grants, the newest first; for officers also their department's. At most
        `limit`, after the first `offset`."""
        with database.transaction() as tx:
            listed = list_grants(tx, asker, status=status, department=department, part=Part(offset, limit))
            return [shown(grant) for grant in listed]

    @api.post(
        "/grants/{number}/revoke",
        operation_id="revoke_grant",
        summary="End a grant",
        responses=answers(GrantDocument, 403, 404, 409),
    )
    def revoke_grant(asker: Asker, number: ExactInt, why: Reason) -> dict[str, Any]:
        """End a grant now."""
        return shown(revoke(database, gate=gate, officer=asker, grant_id=number, reason=why.reason))

    return api


def shown(thing: Request | Grant) -> dict[str, Any]:
    """As JSON: decimals as text, times in ISO 8601; `certificate` where one is needed."""
    return {
        name: f"{value.normalize():f}"
        if isinstance(value, Decimal)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in vars(thing).items()
        if name != "certificate" or value
    }


def day_of(text: str) -> date:
    """The day that was written. Raises `InvalidInput`."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is not a date.",
            remedy="Write it as 2026-12-31.",
            zh=f"{text[:40]!r} 不是日期。",
            remedy_zh="请写成 2026-12-31。",
        ) from None
