"""Authenticates a request: a bearer token for this service's audience, from a login that was not ended, of a
live account."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Header, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sandbox.database import Database
from sandbox.errors import Forbidden, NotAuthenticated
from sandbox.identity import (
    Claims,
    Origin,
    Principal,
    TokenVerifier,
    load_principal,
    note_use,
)

Authorization = Annotated[str, Header(include_in_schema=False)]


class CompanyNotVerified(Forbidden):
    """Somebody of a company that registered itself, before an operator has verified it."""

    code = "company_not_verified"

    def __init__(self) -> None:
        super().__init__(
            "Your company has not been verified.",
            remedy="Until an operator verifies its record, use what is public: /datasets at the portal.",
            zh="贵单位尚未通过核验。",
            remedy_zh="在运营人员核验企业信息之前，可使用门户 /datasets 的公开内容。",
        )


def bearer_scheme(audience: str) -> HTTPBearer:
    """How the API's description names the tokens for `audience`, such as `vault_token`.
    It refuses nothing: `claims_at` does, with our own words."""
    name = f"{audience.rpartition(':')[2]}_token"
    return HTTPBearer(
        scheme_name=name,
        bearerFormat="JWT",
        description=f"A token for the audience {audience}.",
        auto_error=False,
    )


def claims_at(verifier: TokenVerifier, audience: str) -> Callable[..., Claims]:
    """A FastAPI dependency: the claims of the request's token, which must be for `audience`."""
    scheme_of_api = bearer_scheme(audience)

    def claims(
        authorization: Authorization = "",
        _described: Annotated[HTTPAuthorizationCredentials | None, Security(scheme_of_api)] = None,
    ) -> Claims:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated(
                "No token was sent.", remedy="Log in, and send `Authorization: Bearer <token>`."
            )
        return verifier.verify(token.strip(), audience=audience)

    return claims


def principal_at(database: Database, verifier: TokenVerifier, audience: str) -> Callable[..., Principal]:
    """A FastAPI dependency: who asks, read afresh, so that a login that was ended stops
    at its next request. Who belongs to a company that nobody has verified is refused: anybody can
    register one, so its people see the public views (`sandbox/public`) and nothing else."""
    claims = claims_at(verifier, audience)
    scheme_of_api = bearer_scheme(audience)

    def principal(
        authorization: Authorization = "",
        _described: Annotated[HTTPAuthorizationCredentials | None, Security(scheme_of_api)] = None,
    ) -> Principal:
        said = claims(authorization)
        with database.transaction() as tx:
            asker = load_principal(tx, said.subject, origin=Origin.of(said))
            note_use(tx, said)
        if asker.unverified:
            raise CompanyNotVerified
        return asker

    return principal


def puller_at(secret: str) -> Callable[..., None]:
    """A FastAPI dependency: the request comes from the puller, which shares this secret. No secret: from
    nobody. The secret is no token: nothing else takes it."""
    known = hashlib.sha256(secret.encode()).digest()
    scheme_of_api = HTTPBearer(
        scheme_name="puller_secret", description="The secret of the puller.", auto_error=False
    )

    def puller(
        authorization: Authorization = "",
        _described: Annotated[HTTPAuthorizationCredentials | None, Security(scheme_of_api)] = None,
    ) -> None:
        scheme, _, given = authorization.partition(" ")
        sent = hashlib.sha256(given.strip().encode(errors="surrogateescape")).digest()
        if scheme.lower() != "bearer" or not secret or not hmac.compare_digest(sent, known):
            raise NotAuthenticated(
                "This is for the puller alone.",
                remedy="For the operator: vault and puller must have the same CIHU_PULLER_SECRET.",
                zh="此接口仅供采集程序使用。",
                remedy_zh="请运营人员检查保险库与采集程序的 CIHU_PULLER_SECRET 是否一致。",
            )

    return puller
