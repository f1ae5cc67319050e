"""Verifies a token and reads its claims: one algorithm, keys from the database, every required claim."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from sandbox.database import Database
from sandbox.errors import NotAuthenticated
from sandbox.identity.audiences import rule_for
from sandbox.identity.issuer import REGISTERED
from sandbox.identity.names import is_id
from sandbox.identity.signing_keys import PublicKey, live_keys

ALGORITHM = "EdDSA"
ACCESS_TOKEN = "at+jwt"  # noqa: S105  # RFC 9068, section 2.1
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti"]
LONGEST_TOKEN = 8192  # characters
LEEWAY_SECONDS = 5  # clocks of two machines differ
FRESH_SECONDS = 3.0  # how long a retired key may go on verifying
KID = re.compile(r"[A-Za-z0-9_-]{43}")  # an RFC 7638 thumbprint


@dataclass(frozen=True)
class Claims:
    """What a good token says. `extra` is what its issuer added to the registered claims."""

    subject: str
    audience: str
    issuer: str
    token_id: str
    issued_at: datetime
    expires_at: datetime
    extra: Mapping[str, Any]


class Bad(Exception):
    """Why a token is not good: for the operator's log, never for whoever showed it."""


class TokenVerifier:
    """Verifies tokens of some issuers.
    Public keys are read again after `fresh_seconds`, and at once for a new kid."""

    def __init__(
        self,
        database: Database,
        *,
        issuers: Iterable[str] = ("portal", "vault"),
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._issuers = frozenset(issuers)
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._read_at = float("-inf")

    def verify(self, token: str, *, audience: str) -> Claims:
        """What the token says. Raises `NotAuthenticated`, which tells the holder of a genuine token that it
        ran out, and everybody else nothing; `Unavailable` if the keys cannot be read."""
        return self._checked(lambda: read_claims(token, self._key(key_named(token)), audience))

    def verify_access_token(self, token: str, *, audience: str, issuer_url: str) -> Claims:
        """What an access token says (RFC 9068): of this type, from the issuer at this address. Raises as
        `verify` does."""

        def read() -> Claims:
            key = self._key(key_named(token))
            if jwt.get_unverified_header(token).get("typ") != ACCESS_TOKEN:
                raise Bad("no access token")
            return read_claims(token, key, audience, issuer_url=issuer_url)

        return self._checked(read)

    def _checked(self, read: Callable[[], Claims]) -> Claims:
        try:
            return read()
        except jwt.ExpiredSignatureError:
            # PyJWT looks at the time only after the signature, so a forger does not learn this
            raise NotAuthenticated(
                "The token has run out.", code="token_expired", remedy="Log in again."
            ) from None
        except jwt.ImmatureSignatureError:
            raise NotAuthenticated(
                "The token begins in the future: the clocks of two machines are apart.",
                code="clocks_apart",
                remedy="For the operator: set both by NTP (timedatectl set-ntp true).",
                zh="令牌的开始时间在未来：两台机器的时钟相差过大。",
                remedy_zh="请运营人员用 NTP 校准两边的时钟（timedatectl set-ntp true）。",
            ) from None
        except (jwt.PyJWTError, Bad, ValueError, TypeError, RecursionError) as error:
            raise NotAuthenticated(
                "The token is not good here.",
                remedy="Log in again.",
                internal=f"{type(error).__name__}: {error}",
            ) from None

    def _key(self, kid: str) -> PublicKey:
        if kid not in self._keys or self._clock() - self._read_at >= self._fresh_seconds:
            read_at = self._clock()
            with self._database.transaction() as tx:
                self._keys = {key.kid: key for key in live_keys(tx) if key.issuer in self._issuers}
            self._read_at = read_at
        if kid not in self._keys:
            raise Bad("no live key has this kid")
        return self._keys[kid]


def key_named(token: str) -> str:
    """The kid in the header, which nothing vouches for yet."""
    if len(token) > LONGEST_TOKEN:
        raise Bad("longer than any token of ours")
    header = jwt.get_unverified_header(token)
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(kid, str) or not KID.fullmatch(kid):
        raise Bad("another algorithm, or no kid")
    return kid


def read_claims(token: str, key: PublicKey, audience: str, *, issuer_url: str | None = None) -> Claims:
    """The claims, once the signature and each of them have been checked. `issuer_url`: the `iss` that it
    must have; by default the issuer's name."""
    body = jwt.decode(
        token,
        key.key,
        algorithms=[ALGORITHM],
        audience=audience,
        issuer=issuer_url or key.issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": REQUIRED, "strict_aud": True},
    )
    rule = rule_for(audience)
    if rule.issuer not in (None, key.issuer):
        raise Bad("this issuer does not issue for this audience")
    if not is_id(body["sub"]) or body["exp"] - body["iat"] > rule.longest_seconds:
        raise Bad("no account id, or longer than this audience allows")
    return Claims(
        subject=body["sub"],
        audience=audience,
        issuer=key.issuer,
        token_id=body["jti"],
        issued_at=datetime.fromtimestamp(body["iat"], UTC),
        expires_at=datetime.fromtimestamp(body["exp"], UTC),
        extra={name: value for name, value in body.items() if name not in REGISTERED},
    )
