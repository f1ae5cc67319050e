"""Authenticates a request: a bearer token for this service's audience, from a login that was not ended, of a
live account."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Header

from sandbox.database import Database
from sandbox.errors import NotAuthenticated
from sandbox.identity import Claims, Origin, Principal, TokenVerifier, load_principal, require_unrevoked


def claims_at(verifier: TokenVerifier, audience: str) -> Callable[..., Claims]:
    """A FastAPI dependency: the claims of the request's token, which must be for `audience`."""

    def claims(authorization: Annotated[str, Header()] = "") -> Claims:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated(
                "No token was sent.", remedy="Log in, and send `Authorization: Bearer <token>`."
            )
        return verifier.verify(token.strip(), audience=audience)

    return claims


def principal_at(database: Database, verifier: TokenVerifier, audience: str) -> Callable[..., Principal]:
    """A FastAPI dependency: who asks, read afresh, so that a login that was ended stops
    at its next request."""
    claims = claims_at(verifier, audience)

    def principal(authorization: Annotated[str, Header()] = "") -> Principal:
        said = claims(authorization)
        with database.transaction() as tx:
            require_unrevoked(tx, Origin.of(said))
            return load_principal(tx, said.subject)

    return principal
