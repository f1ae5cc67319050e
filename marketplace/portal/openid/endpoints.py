"""The OpenID provider's endpoints for the hub: discovery, keys, authorize, token, userinfo, revoke,
and ended logins."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, OAuth2Error
from authlib.oidc.core.errors import LoginRequiredError
from fastapi import APIRouter, Depends, Request, Security
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from sqlalchemy import func, select
from starlette.datastructures import FormData

from marketplace.keys.admits import Scope
from marketplace.portal.authentication import Authenticator, LoginIncomplete
from marketplace.portal.openid.client import SCOPES, Client
from marketplace.portal.openid.description import AUTHORIZE, CLIENT, REVOKE, TOKEN
from marketplace.portal.openid.ended_logins import ended_logins
from marketplace.portal.openid.new_login import back_to, needs_new_login
from marketplace.portal.openid.provider import ONE_FACTOR, TWO_FACTORS, Provider, claims_of
from marketplace.portal.openid.request import HubLogin, ProviderRequest, basic_credentials
from marketplace.portal.plain_form import posted
from marketplace.portal.schemas import OAuthMetadata, OpenIdConfiguration, SigningKeys, UserInfo
from marketplace.portal.sessions import Session, log_out
from marketplace.service_accounts.tokens import AccessTokens, TokenRefused
from sandbox.api_schema import answers
from sandbox.database import Database, Transaction
from sandbox.errors import Forbidden, NotAuthenticated
from sandbox.http.authentication import bearer_scheme
from sandbox.identity import WORKSPACE, Origin, TokenVerifier, jwks, load_principal, require_unrevoked
from sandbox.policy import Gate, Resource

CLAIMS = ("sub", "name", "organisation", "roles", "teams", "auth_time", "nonce", "amr", "acr")
CLIENT_CREDENTIALS = "client_credentials"
NO_STORE = {"Cache-Control": "no-store"}


class NotTheHub(NotAuthenticated):
    challenge = 'Basic realm="hub"'


def router(
    *,
    database: Database,
    authenticator: Authenticator,
    provider: Provider,
    verifier: TokenVerifier,
    gate: Gate,
    tokens: AccessTokens,
) -> APIRouter:
    issuer = provider.issuer_url
    routes = metadata_router(issuer)
    key = provider.client.secret_hash  # known here and, before it is hashed, to the hub alone

    @routes.get(
        "/.well-known/jwks.json",
        operation_id="list_signing_keys",
        summary="The portal's public signing keys",
        responses=answers(SigningKeys),
    )
    def keys() -> dict[str, list[dict[str, str]]]:
        with database.transaction() as tx:
            return jwks(tx, "portal")

    @routes.get(
        "/oauth/authorize",
        operation_id="authorize",
        summary="Ask a browser for a login code",
        response_class=Response,
        **AUTHORIZE,
    )
    def authorize(request: Request) -> Response:
        session = authenticator.visitor(request)
        if session and session.need and request.query_params.get("prompt") != "none":
            return to_what_is_missing(LoginIncomplete(session.need), request)
        login = hub_login(session)
        with database.transaction() as tx:
            asked = adapt(request, "GET", issuer, tx)
            try:
                require_quotable(request.query_params)
                grant = provider.get_consent_grant(asked, end_user=login)
                now = tx.execute(select(func.now())).scalar_one()
                if login is None or wants_new_login(
                    asked, grant, request, since=login.proved, now=now, key=key
                ):
                    if request.query_params.get("prompt") == "none":
                        raise LoginRequiredError(redirect_uri=grant.redirect_uri, state=asked.payload.state)
                    return to_login(back_to(request.url.path, request.query_params, now=now, key=key))
                try:
                    gate.require(
                        login.principal, "open_workspace", Resource("Account", login.principal.id, {}), {}
                    )
                except Forbidden as refusal:
                    raise AccessDeniedError(
                        ascii_only(refusal.message),
                        redirect_uri=grant.redirect_uri,
                        state=asked.payload.state,
                    ) from None
                answer: Response = provider.create_authorization_response(
                    asked, grant_user=login, grant=grant
                )
            except OAuth2Error as error:
                answer = provider.handle_error_response(asked, error)
            answer.headers.update(NO_STORE)
            return answer

    @routes.post(
        "/oauth/token",
        operation_id="exchange_code",
        summary="Exchange a login code, or client credentials, for tokens",
        response_class=Response,
        **TOKEN,
    )
    def token(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
        """A service account sends `grant_type=client_credentials` and its credentials, by HTTP Basic or in
        the form, and perhaps `scope`."""
        if form.get("grant_type") == CLIENT_CREDENTIALS:
            return client_token(tokens, form, request.headers.get("authorization", ""))
        with database.transaction() as tx:
            answer: Response = provider.create_token_response(adapt(request, "POST", issuer, tx, form))
        answer.headers.update(NO_STORE)
        return answer

    @routes.get(
        "/oauth/userinfo",
        operation_id="get_userinfo",
        summary="Who the bearer of an access token is",
        responses=answers(UserInfo),
        dependencies=[Security(bearer_scheme(WORKSPACE))],
    )
    def userinfo(request: Request) -> JSONResponse:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise NotAuthenticated(
                "There is no bearer token.", remedy="Send Authorization: Bearer with an access token."
            )
        claims = verifier.verify(bearer.strip(), audience=WORKSPACE)
        with database.transaction() as tx:
            require_unrevoked(tx, Origin.of(claims))
            principal = load_principal(tx, claims.subject)
        return JSONResponse(
            {"sub": principal.id, "preferred_username": principal.id, **claims_of(principal)},
            headers=NO_STORE,
        )

    @routes.post(
        "/oauth/revoke",
        operation_id="revoke_login",
        summary="End the login of an access token, everywhere (RFC 7009)",
        response_class=Response,
        **REVOKE,
    )
    def revoke(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
        """The hub's own log-out. As the standard has it, a token that is no longer good is no fault."""
        require_client(provider.client, request)
        with suppress(NotAuthenticated):
            claims = verifier.verify(str(form.get("token", "")), audience=WORKSPACE)
            with database.transaction() as tx:
                require_unrevoked(tx, Origin.of(claims))
                log_out(tx, account=claims.subject, by=claims.subject)
        return Response(headers=NO_STORE)

    @routes.get(
        "/oauth/ended",
        operation_id="follow_ended_logins",
        summary="A line for each login that is ended, as long as the hub listens",
        response_class=Response,
        responses=answers(None, media_type="text/plain"),
        dependencies=[Security(CLIENT)],
    )
    async def ended(request: Request) -> StreamingResponse:
        require_client(provider.client, request)
        return StreamingResponse(ended_logins(database), media_type="text/plain", headers=NO_STORE)

    return routes


def hub_login(session: Session | None) -> HubLogin | None:
    """The login that the hub may know of: a whole one."""
    if session is None or session.need:
        return None
    return HubLogin(session.principal, session.id_hash, session.opened_at, session.methods, session.proved_at)


def metadata_router(issuer: str) -> APIRouter:
    """What a program finds out first."""
    routes = APIRouter(tags=["openid"])

    @routes.get(
        "/.well-known/openid-configuration",
        operation_id="discover_openid",
        summary="OpenID discovery",
        responses=answers(OpenIdConfiguration),
    )
    def discovery() -> dict[str, object]:
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "userinfo_endpoint": f"{issuer}/oauth/userinfo",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", CLIENT_CREDENTIALS],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": list(CLAIMS),
            "acr_values_supported": [ONE_FACTOR, TWO_FACTORS],
        }

    @routes.get(
        "/.well-known/oauth-authorization-server",
        operation_id="discover_oauth",
        summary="Metadata of the token endpoint, for programs (RFC 8414)",
        responses=answers(OAuthMetadata),
    )
    def metadata() -> dict[str, object]:
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", CLIENT_CREDENTIALS],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": [*SCOPES, *map(str, Scope)],
            "service_documentation": f"{issuer}/help/",
        }

    return routes


def client_token(tokens: AccessTokens, form: FormData, authorization: str) -> Response:
    """The answer to a service account (RFC 6749, sections 4.4 and 5)."""
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    try:
        answer = JSONResponse(tokens.grant(pairs, authorization))
    except TokenRefused as refused:
        answer = JSONResponse(
            {"error": refused.error, "error_description": refused.description}, status_code=refused.status
        )
        if refused.status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="cihu"'
    answer.headers.update(NO_STORE | {"Pragma": "no-cache"})
    return answer


def adapt(
    request: Request, method: str, issuer: str, tx: Transaction, form: FormData | None = None
) -> ProviderRequest:
    return ProviderRequest(
        method=method,
        uri=f"{issuer}{request.url.path}",
        headers=request.headers,
        given=request.query_params if form is None else form,
        tx=tx,
    )


def wants_new_login(
    asked: ProviderRequest, grant: Any, request: Request, *, since: datetime, now: datetime, key: bytes
) -> bool:
    """As `needs_new_login`. Raises `InvalidRequestError`, which goes to the hub."""
    try:
        return needs_new_login(request.query_params, since=since, now=now, key=key)
    except ValueError as fault:
        raise InvalidRequestError(
            str(fault), redirect_uri=grant.redirect_uri, state=asked.payload.state
        ) from None


def to_login(back: str) -> RedirectResponse:
    """Log in, even if somebody is logged in, then go on there."""
    return RedirectResponse(f"/login?again=1&next={quote(back, safe='')}", status_code=303)


def to_what_is_missing(login: LoginIncomplete, request: Request) -> RedirectResponse:
    """Complete the login first, then go on here."""
    back = quote(f"{request.url.path}?{request.url.query}", safe="")
    return RedirectResponse(f"{login.leads_to}?next={back}", status_code=303)


def require_client(client: Client, request: Request) -> None:
    """HTTP Basic with the client's id and secret (RFC 6749, section 2.3.1). Raises `NotAuthenticated`."""
    name, secret = basic_credentials(request.headers.get("authorization", ""))
    if name != client.client_id or not client.check_client_secret(secret):
        raise NotTheHub("This is for the hub alone.", remedy="Send the client's id and secret.")


def require_quotable(given: Mapping[str, str]) -> None:
    """authlib quotes these parameters in its refusals, and fails on what an OAuth error must not hold.
    Raises `InvalidRequestError`."""
    for name in ("response_type", "redirect_uri"):
        text = given.get(name, "")
        if ascii_only(text) != text:
            raise InvalidRequestError(f"The {name} holds characters that it cannot have.")


def ascii_only(message: str) -> str:
    """OAuth error descriptions allow printable ASCII without quote and backslash (RFC 6749 §4.1.2.1)."""
    return "".join(letter for letter in message if " " <= letter <= "~" and letter not in '"\\')
