"""What the portal's login operations answer with."""

from datetime import datetime

from typing_extensions import TypedDict


class SignedInPerson(TypedDict):
    id: str
    name: str
    organisation: str
    roles: list[str]
    teams: list[str]


class SignedIn(TypedDict):
    """Two tokens of fifteen minutes: one for the vault, one for the portal."""

    vault_token: str
    portal_token: str
    expires_at: datetime
    principal: SignedInPerson


class SessionDocument(TypedDict):
    """A login: of a browser, of the command line, or a workspace. `id` names it and opens nothing."""

    id: str
    kind: str
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


class SessionList(TypedDict):
    sessions: list[SessionDocument]


class SigningKey(TypedDict):
    """A public key (RFC 8037)."""

    crv: str
    kty: str
    x: str
    kid: str
    use: str
    alg: str


class SigningKeys(TypedDict):
    keys: list[SigningKey]


class OpenIdConfiguration(TypedDict):
    """OpenID Connect Discovery 1.0."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str]
    claims_supported: list[str]
    acr_values_supported: list[str]


class UserInfo(TypedDict):
    """Who the bearer of an access token is."""

    sub: str
    preferred_username: str
    name: str
    organisation: str
    roles: list[str]
    teams: list[str]


class OAuthMetadata(TypedDict):
    """Authorization server metadata (RFC 8414)."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str
    jwks_uri: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    scopes_supported: list[str]
    service_documentation: str
