"""The one OpenID client, the hub, with one exact redirect address and a hashed secret."""

import hashlib
import secrets
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin

SCOPES = ("openid", "workspace")


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # authlib has no annotations
    """authlib asks these questions of a client. The secret itself is not kept."""

    client_id: str
    secret_hash: bytes
    redirect_uri: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None  # it must be named in every request

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Both scopes or, for authlib to refuse, None: the hub's one use is to open a
        workspace for a known person."""
        return " ".join(SCOPES) if set(SCOPES) <= set((scope or "").split()) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.secret_hash, hash_client_secret(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return endpoint == "token" and method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


def hash_client_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def hub_client(*, hub_url: str, secret: str) -> Client:
    """The hub as a client of the provider."""
    return Client("cihu-hub", hash_client_secret(secret), f"{hub_url.rstrip('/')}/hub/oauth_callback")
