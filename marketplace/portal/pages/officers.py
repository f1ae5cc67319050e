"""Lets data officers alone onto the pages of uploads and drafts."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from marketplace.portal.authentication import Authenticator
from marketplace.portal.sessions import Session
from sandbox.errors import Forbidden
from sandbox.identity import Principal


def require_officer(principal: Principal) -> None:
    """Raises `Forbidden`. The vault decides again at each of its operations."""
    if "officer" not in principal.roles:
        raise Forbidden(
            "Only a data officer can publish datasets.",
            code="officers_only",
            remedy="Ask the operator for the role, or an officer of your department to publish.",
            zh="只有数据专员可以发布数据集。",
            remedy_zh="请联系运营人员获得该角色，或请本部门的数据专员发布。",
        )


def officer_at(authenticator: Authenticator) -> Callable[[Request], Session]:
    """What a page depends on that only officers see."""

    def officer(request: Request) -> Session:
        session = authenticator.person(request)
        require_officer(session.principal)
        return session

    return officer


def sending_officer_at(authenticator: Authenticator) -> Callable[..., Session]:
    """The same for a form."""

    def officer(session: Annotated[Session, Depends(authenticator.sender)]) -> Session:
        require_officer(session.principal)
        return session

    return officer
