"""Gives service accounts their access tokens (RFC 6749, section 4.4; a JWT as in RFC 9068), and reads them.

What is read is kept for three seconds, as long as the signing keys are: a call with a known token reads
nothing. Whether the account is still good, the keys of its licences say (`open_licence.py`).
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from sqlalchemy import func, select

from marketplace.keys.verify_key import Verdict, refusal
from marketplace.service_accounts.manage import PREFIX, hash_of
from marketplace.service_accounts.tables import service_accounts
from sandbox.database import Database
from sandbox.errors import CihuError, NotAuthenticated
from sandbox.identity import TokenIssuer, TokenVerifier
from sandbox.identity.scannable_secret import is_well_formed
from sandbox.identity.verifier import ACCESS_TOKEN

TOKEN_SECONDS = 5 * 60
KEPT_SECONDS = 3.0
MOST_KEPT = 10_000


class TokenRefused(Exception):
    """An error of the token endpoint, as RFC 6749, section 5.2 has it."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True)
class Bearer:
    """Whose token it is, and for what."""

    client_id: str
    scopes: frozenset[str]
    expires_at: datetime


class AccessTokens:
    """Issues and reads the tokens of service accounts. `audience` is the API that they are for."""

    def __init__(
        self, database: Database, *, issuer: TokenIssuer, verifier: TokenVerifier, issuer_url: str
    ) -> None:
        self.database, self.issuer, self.verifier = database, issuer, verifier
        self.issuer_url, self.audience = issuer_url, f"{issuer_url}/api/v1"
        self.read_before: dict[bytes, tuple[float, Bearer]] = {}

    def grant(self, pairs: Sequence[tuple[str, str]], authorization: str) -> dict[str, object]:
        """The answer to a token request of the grant client_credentials. Raises `TokenRefused`."""
        given = dict(pairs)
        if len(given) < len(pairs):
            raise TokenRefused("invalid_request", "A parameter is given twice.")
        client_id, secret = credentials(given, authorization)
        allowed = self.authenticate(client_id, secret)
        wanted = given.get("scope", "").split() or list(allowed)
        if strange := [scope for scope in wanted if scope not in allowed]:
            plain = "".join(letter for letter in strange[0][:40] if letter.isalnum() and letter.isascii())
            raise TokenRefused("invalid_scope", f"The account does not have the scope {plain}.")
        scope = " ".join(dict.fromkeys(wanted))
        token = self.issuer.issue(
            client_id,
            audience=self.audience,
            lifetime_seconds=TOKEN_SECONDS,
            issuer_url=self.issuer_url,
            typ=ACCESS_TOKEN,
            client_id=client_id,
            scope=scope,
        )
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": scope,
        }

    def authenticate(self, client_id: str, secret: str) -> tuple[str, ...]:
        """The scopes of the account. Raises `TokenRefused`, in the same words for each reason."""
        row = None
        if is_well_formed(PREFIX, secret) and len(client_id) <= 20:
            with self.database.transaction() as tx:
                row = tx.execute(
                    select(service_accounts, func.now().label("now")).where(
                        service_accounts.c.id == client_id, service_accounts.c.status == "live"
                    )
                ).one_or_none()
        if row is not None:
            shown = hash_of(secret)
            before = row.previous_hash is not None and row.now < row.previous_until
            if hmac.compare_digest(shown, row.hash) or (
                before and hmac.compare_digest(shown, row.previous_hash)
            ):
                return tuple(row.scopes)
        raise TokenRefused("invalid_client", "The client or its secret is not known.", status=401)

    async def read(self, token: str) -> Bearer:
        """Whose token it is. Raises `NotAuthenticated` with the code of a verdict."""
        name = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        kept = self.read_before.get(name)
        if kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        began = time.monotonic()
        bearer = await asyncio.to_thread(self.verify, token)
        if len(self.read_before) >= MOST_KEPT:
            self.read_before.pop(next(iter(self.read_before)))
        self.read_before[name] = (began, bearer)
        return bearer

    def verify(self, token: str) -> Bearer:
        try:
            claims = self.verifier.verify_access_token(
                token, audience=self.audience, issuer_url=self.issuer_url
            )
        except NotAuthenticated as error:
            raise bad_token(error) from None
        return Bearer(claims.subject, frozenset(scopes_of(claims.extra)), claims.expires_at)


def scopes_of(extra: Mapping[str, Any]) -> list[str]:
    return str(extra.get("scope", "")).split()


def bad_token(error: NotAuthenticated) -> CihuError:
    """The refusal of a token at a paid route."""
    expired = error.code == "token_expired"
    return refusal(
        Verdict.NOT_FOUND,
        "The access token has run out." if expired else "This access token is not good here.",
        "Ask the token endpoint for another.",
    )


def is_token(secret: str) -> bool:
    """Whether it looks like a JWT, and not like a key."""
    return secret.startswith("ey") and secret.count(".") == 2


def credentials(given: Mapping[str, str], authorization: str) -> tuple[str, str]:
    """Client id and secret, by HTTP Basic or in the form; never by both. Raises `TokenRefused`."""
    by_form = "client_secret" in given
    if authorization and by_form:
        raise TokenRefused("invalid_request", "Use one way to authenticate the client.")
    if by_form:
        return given.get("client_id", ""), given["client_secret"]
    name, secret = basic(authorization)
    if given.get("client_id", name) != name:
        raise TokenRefused("invalid_request", "The client_id is not that of the Authorization header.")
    return name, secret


def basic(authorization: str) -> tuple[str, str]:
    """Of HTTP Basic, where both are form-encoded first (RFC 6749, section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(secret)
