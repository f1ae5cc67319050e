"""The OpenID provider, by which the hub learns who somebody is: authlib's server, with our codes, our tokens
and our one client.

hub -> /oauth/authorize (the portal's session says who) -> code -> hub -> /oauth/token ->
id_token, access_token
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import jwt
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidRequestError, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from sqlalchemy import func, insert, select
from starlette.responses import Response

from marketplace.portal.openid.client import SCOPES, Client
from marketplace.portal.openid.codes import Code, nonce_seen, save_code, use_code
from marketplace.portal.openid.request import HubLogin, ProviderRequest
from marketplace.portal.sessions import session_name
from marketplace.portal.tables import issued_tokens
from sandbox.audit import Event, append
from sandbox.errors import NotAuthenticated
from sandbox.identity import (
    WORKSPACE,
    Origin,
    Principal,
    TokenIssuer,
    load_principal,
    login_claims,
    require_unrevoked,
)

ID_TOKEN_SECONDS = 10 * 60
# acr: the assurance of a login, by how many factors it had
ONE_FACTOR, TWO_FACTORS = "urn:cihu:acr:one-factor", "urn:cihu:acr:two-factors"


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """The authorization code flow, with the codes of `codes.py`."""

    request: ProviderRequest

    def save_authorization_code(self, code: str, request: ProviderRequest) -> None:
        save_code(request, code)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return use_code(self.request.tx, code=code, client_id=client.client_id)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It was used up when it was looked up; the row stays, so that a second use is noticed."""

    def authenticate_user(self, authorization_code: Code) -> HubLogin | None:
        login = Origin(
            authorization_code.account,
            "",
            session_name(authorization_code.session_hash),
            authorization_code.authenticated_at,
        )
        try:
            require_unrevoked(self.request.tx, login)
            principal = load_principal(self.request.tx, authorization_code.account)
        except NotAuthenticated:
            return None
        return HubLogin(
            principal,
            authorization_code.session_hash,
            authorization_code.authenticated_at,
            authorization_code.methods,
        )


class RequiredChallenge(CodeChallenge):  # type: ignore[misc]
    """PKCE for every client, S256 only (authlib by itself asks it of public clients only)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A 'code_challenge' with 'code_challenge_method=S256' is required.")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):  # type: ignore[misc]
    """The id_token: signed with the portal's own signing key, as every token of ours."""

    def __init__(self, issuer: TokenIssuer, issuer_url: str) -> None:
        super().__init__(require_nonce=False)
        self.issuer = issuer
        self.issuer_url = issuer_url

    def exists_nonce(self, nonce: str, request: ProviderRequest) -> bool:
        return nonce_seen(request.tx, client_id=request.payload.client_id, nonce=nonce)

    def encode_id_token(self, token: Mapping[str, Any], request: ProviderRequest) -> str:
        login: HubLogin = request.user
        claims: dict[str, Any] = self.get_authorization_code_claims(request.authorization_code)
        half = create_half_hash(token["access_token"], "EdDSA").decode()
        return self.issuer.issue(
            login.principal.id,
            audience=request.client.client_id,
            lifetime_seconds=ID_TOKEN_SECONDS,
            at_hash=half,
            issuer_url=self.issuer_url,
            amr=list(login.methods),
            acr=TWO_FACTORS if "mfa" in login.methods else ONE_FACTOR,
            **claims,
            **claims_of(login.principal),
        )


class Provider(AuthorizationServer):  # type: ignore[misc]
    """authlib's authorization server over Starlette. Each request carries its own transaction."""

    def __init__(
        self, *, client: Client, issuer: TokenIssuer, issuer_url: str, workspace_seconds: int
    ) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.client = client
        self.issuer = issuer
        self.issuer_url = issuer_url.rstrip("/")
        self.workspace_seconds = workspace_seconds
        self.register_grant(CodeGrant, [RequiredChallenge(required=True), IdToken(issuer, self.issuer_url)])
        self.register_token_generator("default", self.make_token)

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == self.client.client_id else None

    def create_oauth2_request(self, request: ProviderRequest) -> ProviderRequest:
        return request

    def send_signal(self, name: str, *arguments: object, **named: object) -> None:
        """authlib reports events here. Ours are in the log."""

    def handle_response(self, status: int, body: object, headers: Sequence[tuple[str, str]]) -> Response:
        text = json.dumps(body) if isinstance(body, dict) else str(body or "")
        return Response(text, status_code=status, headers=dict(headers))

    def make_token(self, *, user: HubLogin, scope: str, **_: object) -> dict[str, object]:
        """The access token: what the hub gives to the person's workspace,
        for as long as a workspace may live."""
        token = self.issuer.issue(
            user.principal.id,
            audience=WORKSPACE,
            lifetime_seconds=self.workspace_seconds,
            **login_claims(session=session_name(user.session_hash), logged_in_at=user.since),
        )
        return {
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": self.workspace_seconds,
            "scope": scope,
        }

    def save_token(self, token: Mapping[str, Any], request: ProviderRequest) -> None:
        """Note the token's id beside its code and session, so that it can be named if the code is stolen."""
        login: HubLogin = request.user
        now = request.tx.execute(select(func.now())).scalar_one()
        # our own, signed a moment ago: only its id is wanted
        token_id = str(jwt.decode(token["access_token"], options={"verify_signature": False})["jti"])
        request.tx.execute(
            insert(issued_tokens).values(
                token_id=token_id,
                account=login.principal.id,
                audience=WORKSPACE,
                session_hash=login.session_hash,
                code_hash=request.authorization_code.code_hash,
                issued_at=now,
                expires_at=now + timedelta(seconds=token["expires_in"]),
            )
        )
        append(
            request.tx,
            Event(
                kind="workspace.entered",
                actor=login.principal.id,
                subject=f"account:{login.principal.id}",
                payload={"client": request.client.client_id, "token": token_id},
            ),
        )


def claims_of(principal: Principal) -> dict[str, Any]:
    """What the hub learns about a person, beside `sub`."""
    return {
        "name": principal.display_name,
        "organisation": principal.organisation,
        "roles": sorted(principal.roles),
        "teams": sorted(principal.teams),
    }
