"""The limits of a company over HTTP: see, set as an operator, lower as an owner."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from marketplace.company_limits.find import company_use
from marketplace.company_limits.schemas import CompanyUseDocument, WantedLimits
from marketplace.company_limits.set_limits import set_limits
from marketplace.customers.limits import SetBy
from sandbox.api_schema import answers
from sandbox.database import Database
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["customers"])
    Caller = Annotated[Principal, Depends(caller)]

    def shown(principal: Principal, organisation: str) -> dict[str, object]:
        with database.transaction() as tx:
            return asdict(company_use(tx, gate=gate, principal=principal, organisation=organisation))

    def changed(
        principal: Principal, organisation: str, wanted: WantedLimits, by: SetBy
    ) -> dict[str, object]:
        set_limits(
            database,
            gate=gate,
            principal=principal,
            organisation=organisation,
            by=by,
            limits=wanted.limits,
            reason=wanted.reason,
        )
        return shown(principal, organisation)

    @routes.get(
        "/company/limits",
        operation_id="get_my_company_limits",
        summary="The limits of my company over all its licences, and what it used this month",
        responses=answers(CompanyUseDocument, 404),
    )
    def mine(principal: Caller) -> dict[str, object]:
        return shown(principal, principal.organisation)

    @routes.put(
        "/company/limits",
        operation_id="lower_company_limits",
        summary="Set limits of my own company, at most as high as the operator's (owners)",
        responses=answers(CompanyUseDocument, 403, 404),
    )
    def lower(principal: Caller, wanted: WantedLimits) -> dict[str, object]:
        """They count from the next call on, over all portals."""
        return changed(principal, principal.organisation, wanted, "owner")

    @routes.get(
        "/companies/{organisation}/limits",
        operation_id="get_company_limits",
        summary="The limits of a company over all its licences (operators, auditors)",
        responses=answers(CompanyUseDocument, 403, 404),
    )
    def see(principal: Caller, organisation: PlainText) -> dict[str, object]:
        return shown(principal, organisation)

    @routes.put(
        "/companies/{organisation}/limits",
        operation_id="set_company_limits",
        summary="Set the limits of a company over all its licences (operators)",
        responses=answers(CompanyUseDocument, 403, 404),
    )
    def set_all(principal: Caller, organisation: PlainText, wanted: WantedLimits) -> dict[str, object]:
        """They count from the next call on, over all portals. Calls that are refused cost nothing."""
        return changed(principal, organisation, wanted, "operator")

    return routes
