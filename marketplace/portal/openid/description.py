"""The description of OpenID operations with forms and redirects, as OAuth 2.0 has them (RFC 6749, 7009)."""

from typing import Any, NotRequired

from fastapi import Security
from fastapi.security.http import HTTPBase
from typing_extensions import TypedDict

CLIENT = HTTPBase(
    scheme="basic",
    scheme_name="hub_client",
    description="The hub's client id and secret.",
    auto_error=False,
)
TEXT = {"type": "string"}


class OAuthError(TypedDict):
    """RFC 6749 §5.2."""

    error: str
    error_description: NotRequired[str]
    error_uri: NotRequired[str]
    state: NotRequired[str]


TOKENS = {
    "type": "object",
    "title": "OAuthTokens",
    "required": ["access_token", "token_type", "expires_in"],
    "properties": {
        "access_token": TEXT,
        "token_type": TEXT,
        "expires_in": {"type": "integer"},
        "scope": TEXT,
        "id_token": TEXT,
    },
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _form(*required: str, **fields: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "required": list(required), "properties": fields}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _query(name: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": TEXT}


REFUSED = {"description": "The request is not a good OAuth request.", "model": OAuthError}
CLIENT_REFUSED = {"description": "The client is not who it says.", "model": OAuthError}
BY_CLIENT: list[dict[str, list[str]]] = [{"hub_client": []}]

AUTHORIZE: dict[str, Any] = {
    "status_code": 302,
    "responses": {
        302: {"description": "Back to the hub with a code, or with an error"},
        303: {"description": "To the login page"},
        400: REFUSED,
    },
    "openapi_extra": {
        "parameters": [
            _query("response_type", required=True),
            _query("client_id", required=True),
            *map(_query, ("redirect_uri", "scope", "state", "nonce", "prompt", "max_age")),
            *map(_query, ("code_challenge", "code_challenge_method")),
        ]
    },
}
TOKEN: dict[str, Any] = {
    "responses": {
        200: {"description": "The tokens", "content": _json(TOKENS)},
        400: REFUSED,
        401: CLIENT_REFUSED,
    },
    "openapi_extra": {
        "security": BY_CLIENT,
        "requestBody": _form(
            "grant_type",
            grant_type={"enum": ["authorization_code", "client_credentials"]},
            code=TEXT,
            scope=TEXT,
            redirect_uri=TEXT,
            code_verifier=TEXT,
            client_id=TEXT,
            client_secret=TEXT,
        ),
    },
}
REVOKE: dict[str, Any] = {
    "responses": {200: {"description": "It is ended, if it was good"}},
    "openapi_extra": {"requestBody": _form("token", token=TEXT, token_type_hint=TEXT)},
    "dependencies": [Security(CLIENT)],
}
