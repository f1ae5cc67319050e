"""Companies over HTTP: register, enter, see, verify; their members and invitations."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from marketplace.customers.enter_company import enter_company
from marketplace.customers.find import all_companies, find_company, no_company
from marketplace.customers.invitations import accept, invitations_of, invite, withdraw
from marketplace.customers.members import change_roles, disable_member, leave_company, members_of
from marketplace.customers.model import Company
from marketplace.customers.new_account import NewAccount
from marketplace.customers.record import CompanyRecord
from marketplace.customers.register_company import register_company
from marketplace.customers.schemas import (
    CompanyDocument,
    CompanyList,
    CompanyRole,
    InvitationList,
    IssuedInvitation,
    Joined,
    MemberList,
    RegisteredCompany,
)
from marketplace.customers.verify_company import decide_company
from sandbox.api_schema import ExactInt, answers
from sandbox.database import Database
from sandbox.identity import IdentityRules, Principal
from sandbox.identity.model import COMPANY_ROLES
from sandbox.plain_text import PlainText
from sandbox.policy import Gate

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Seen(BaseModel):
    """`seen`: the digest of the record that was looked at; if it was changed since, nothing is decided."""

    seen: Digest | None = None


class Fault(Seen):
    reason: Annotated[PlainText, Field(min_length=1, max_length=2000)]


class Registration(NewAccount):
    """A company, and its first person, who has all the roles of a company."""

    company: CompanyRecord


class Invited(BaseModel):
    """Whom the link makes: somebody with these roles. It is good once, for `days`."""

    roles: Annotated[tuple[CompanyRole, ...], Field(min_length=1, max_length=len(COMPANY_ROLES))]
    note: Annotated[PlainText, Field(max_length=200)] = ""
    days: Annotated[int, Field(ge=1, le=30)] = 7


class Acceptance(NewAccount):
    """`invitation`: the secret at the end of the link."""

    invitation: Annotated[PlainText, Field(min_length=1, max_length=60)]


class Roles(BaseModel):
    roles: Annotated[tuple[CompanyRole, ...], Field(min_length=1, max_length=len(COMPANY_ROLES))]


class Closing(BaseModel):
    reason: Annotated[PlainText, Field(max_length=2000)] = ""


def shown(company: Company) -> dict[str, object]:
    return asdict(company) | {"digest": company.digest}


def router(*, database: Database, gate: Gate, caller: Callable[[Request], Principal]) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["customers"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.get(
        "/company",
        operation_id="get_company",
        summary="The record of my company",
        responses=answers(CompanyDocument, 404),
    )
    def mine(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            found = find_company(tx, principal.organisation)
        if found is None:
            raise no_company(principal.organisation)
        return shown(found)

    @routes.post(
        "/company",
        operation_id="enter_company",
        summary="Enter or change the record of my company (owners, buyers, finance)",
        responses=answers(CompanyDocument, 403, 409),
    )
    def enter(principal: Caller, record: CompanyRecord) -> dict[str, object]:
        """Another name or code is verified anew. Licences that are issued later have its time zone."""
        return shown(enter_company(database, gate=gate, principal=principal, record=record))

    @routes.get(
        "/companies",
        operation_id="list_companies",
        summary="All companies, those to verify first (operators, auditors)",
        responses=answers(CompanyList),
    )
    def companies(principal: Caller) -> dict[str, object]:
        """For anybody else the list is empty."""
        if not principal.roles & {"operator", "auditor"}:
            return {"companies": []}
        with database.transaction() as tx:
            return {"companies": [shown(each) for each in all_companies(tx)]}

    @routes.post(
        "/companies/{organisation}/verify",
        operation_id="verify_company",
        summary="Verify the record of a company (operators)",
        responses=answers(CompanyDocument, 403, 404, 409),
    )
    def verify(principal: Caller, organisation: str, sight: Seen | None = None) -> dict[str, object]:
        return decide(principal, organisation, "verified", "", sight.seen if sight else None)

    @routes.post(
        "/companies/{organisation}/refuse",
        operation_id="refuse_company",
        summary="Refuse the record of a company, with a reason (operators)",
        responses=answers(CompanyDocument, 403, 404, 409),
    )
    def refuse(principal: Caller, organisation: str, fault: Fault) -> dict[str, object]:
        return decide(principal, organisation, "refused", fault.reason, fault.seen)

    def decide(
        principal: Principal, organisation: str, status: str, reason: str, seen: str | None
    ) -> dict[str, object]:
        return shown(
            decide_company(
                database,
                gate=gate,
                principal=principal,
                organisation=organisation,
                status=status,
                reason=reason,
                seen=seen,
            )
        )

    return routes


def members_router(
    *,
    database: Database,
    gate: Gate,
    caller: Callable[[Request], Principal],
    portal_url: str,
    rules: IdentityRules,
) -> APIRouter:
    """The ways into a company and out of it."""
    routes = APIRouter(prefix="/api/v1", tags=["customers"])
    Caller = Annotated[Principal, Depends(caller)]

    @routes.post(
        "/companies",
        status_code=201,
        operation_id="register_company",
        summary="Register a company and its first person, without an account",
        responses=answers(RegisteredCompany, 409, 429, status=201),
    )
    def register(request: Request, registration: Registration) -> dict[str, object]:
        """At once it is a sandbox: it has test keys, and orders nothing until an operator has verified
        its record."""
        made = register_company(
            database,
            rules=rules,
            record=registration.company,
            first=registration,
            address=request.client.host if request.client else "",
        )
        return {
            "organisation": made.organisation,
            "account": made.principal.id,
            "roles": [role for role in COMPANY_ROLES if role in made.principal.roles],
            "note": "Log in with this account. The company has test keys until it is verified.",
        }

    @routes.get(
        "/company/members",
        operation_id="list_members",
        summary="The people of my organisation, and their roles",
        responses=answers(MemberList),
    )
    def members(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            return {"members": members_of(tx, principal.organisation)}

    @routes.post(
        "/company/members/{account}/roles",
        status_code=204,
        operation_id="set_member_roles",
        summary="Give a member other roles (owners)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def set_member_roles(principal: Caller, account: str, wanted: Roles) -> None:
        change_roles(database, gate=gate, principal=principal, account=account, roles=wanted.roles)

    @routes.post(
        "/company/members/{account}/disable",
        status_code=204,
        operation_id="disable_member",
        summary="Close the account of a member (owners)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def disable(principal: Caller, account: str, closing: Closing) -> None:
        disable_member(database, gate=gate, principal=principal, account=account, reason=closing.reason)

    @routes.post(
        "/company/leave",
        status_code=204,
        operation_id="leave_company",
        summary="Leave my company: close my own account",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def leave(principal: Caller) -> None:
        leave_company(database, gate=gate, principal=principal)

    @routes.get(
        "/company/invitations",
        operation_id="list_invitations",
        summary="The invitations into my company, without their links",
        responses=answers(InvitationList),
    )
    def listed(principal: Caller) -> dict[str, object]:
        with database.transaction() as tx:
            return {"invitations": invitations_of(tx, principal.organisation)}

    @routes.post(
        "/company/invitations",
        status_code=201,
        operation_id="invite_member",
        summary="Invite somebody by a link that is good once (owners)",
        responses=answers(IssuedInvitation, 403, 404, 409, status=201),
    )
    def invite_member(principal: Caller, invited: Invited, response: Response) -> dict[str, object]:
        response.headers["Cache-Control"] = "no-store"
        made = invite(
            database,
            gate=gate,
            principal=principal,
            roles=invited.roles,
            note=invited.note,
            days=invited.days,
        )
        return {
            "id": made.id,
            "secret": made.secret,
            # in the query: a log of requests holds paths
            "link": f"{portal_url}/join?link={made.secret}",
            "expires_at": made.expires_at,
            "note": "This link is shown only now. Hand it over to whom you invite.",
        }

    @routes.post(
        "/company/invitations/{invitation}/withdraw",
        status_code=204,
        operation_id="withdraw_member_invitation",
        summary="Take an invitation back (owners)",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def take_back(principal: Caller, invitation: ExactInt) -> None:
        withdraw(database, gate=gate, principal=principal, invitation=invitation)

    @routes.post(
        "/invitations/accept",
        status_code=201,
        operation_id="accept_invitation",
        summary="Join a company by an invitation, without an account",
        responses=answers(Joined, 404, 409, status=201),
    )
    def join(acceptance: Acceptance) -> dict[str, object]:
        joined = accept(database, gate=gate, rules=rules, secret=acceptance.invitation, wanted=acceptance)
        return {
            "account": joined.id,
            "organisation": joined.organisation,
            "roles": [role for role in COMPANY_ROLES if role in joined.roles],
        }

    return routes
