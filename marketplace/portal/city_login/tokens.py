"""Checks what a provider signed: ID tokens (OpenID Connect Core 1.0, section 3.1.3.7) and logout tokens
(Back-Channel Logout 1.0, section 2.6). joserfc verifies signatures; each claim's check is a function here."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError

from marketplace.portal.city_login.providers import CityProvider
from marketplace.portal.city_login.refusals import untrusted
from marketplace.portal.city_login.remote import Remote
from sandbox.plain_text import is_text

Claims = dict[str, Any]
MOST_CHARACTERS = 16_384  # of a token
LONGEST = 255  # characters of `sub` (Core, section 2), and of `sid`
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_SECONDS = 300  # how old a logout token may be
TYPES = {"id": (None, "JWT"), "logout": (None, "JWT", "logout+jwt")}
HALF_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384}


def id_token(token: str, remote: Remote, *, nonce: str, begun_at: float, max_age: int, new: bool) -> Claims:
    """The claims of an ID token that answers our request. `new`: the person must have proved who they are
    after `begun_at`. Raises `CityLoginRefused`."""
    provider, now = remote.provider, time.time()
    claims = signed_claims(token, remote, kind="id")
    check_issuer(claims, provider)
    check_audience(claims, provider)
    check_times(claims, provider, now=now)
    check_subject(claims)
    check_nonce(claims, nonce)
    check_age(claims, provider, now=now, begun_at=begun_at, max_age=max_age, new=new)
    return claims


def logout_token(token: str, remote: Remote) -> Claims:
    """The claims of a logout token. Whether it came before is the caller's to know (`jti`).
    Raises `CityLoginRefused`."""
    provider, now = remote.provider, time.time()
    claims = signed_claims(token, remote, kind="logout")
    check_issuer(claims, provider)
    check_audience(claims, provider)
    check_times(claims, provider, now=now)
    check_logout(claims, provider, now=now)
    return claims


def signed_claims(token: str, remote: Remote, *, kind: str) -> Claims:
    """The claims of a token whose signature is the provider's."""
    header = header_of(token)
    check_header(header, remote.provider, kind=kind)
    try:
        read = jwt.decode(token, remote.key_for(header), algorithms=list(remote.provider.algorithms))
    except (JoseError, ValueError, TypeError, RecursionError) as fault:
        raise untrusted(f"the token's signature: {type(fault).__name__}") from None
    return dict(read.claims)


def header_of(token: str) -> Claims:
    try:
        if len(token) > MOST_CHARACTERS:
            raise ValueError("too long")
        first = token.split(".", 1)[0]
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise untrusted("the token cannot be read")
    return header


def check_header(header: Claims, provider: CityProvider, *, kind: str) -> None:
    """The algorithm is one of the provider's file, whatever the token says; and what another kind of token
    is marked as, this is not (RFC 8725, sections 3.1 and 3.11)."""
    if header.get("alg") not in provider.algorithms:
        raise untrusted(f"the token's algorithm is {str(header.get('alg'))[:20]!r}")
    if header.get("typ") not in TYPES[kind]:
        raise untrusted(f"the token's type is {str(header.get('typ'))[:20]!r}")


def check_issuer(claims: Claims, provider: CityProvider) -> None:
    if claims.get("iss") != provider.issuer:
        raise untrusted("the token is of another issuer")


def check_audience(claims: Claims, provider: CityProvider) -> None:
    """It is for us, and for nobody else whom we would have to trust."""
    given = claims.get("aud")
    audience = given if isinstance(given, list) else [given]
    if audience != [provider.client_id] or claims.get("azp", provider.client_id) != provider.client_id:
        raise untrusted("the token is for another client")


def check_times(claims: Claims, provider: CityProvider, *, now: float) -> None:
    skew = provider.skew_seconds
    if not is_moment(claims.get("exp")) or claims["exp"] + skew <= now:
        raise untrusted("the token has expired")
    if not is_moment(claims.get("iat")) or claims["iat"] - skew > now:
        raise untrusted("the token is of the future")
    before = claims.get("nbf", 0)
    if not is_moment(before) or before - skew > now:
        raise untrusted("the token is not good yet")


def check_subject(claims: Claims) -> None:
    subject, sid = claims.get("sub"), claims.get("sid", "")
    if not subject or not is_name(subject):
        raise untrusted("the token names nobody")
    if not is_name(sid):
        raise untrusted("the token's session cannot be used")


def check_nonce(claims: Claims, nonce: str) -> None:
    given = claims.get("nonce")
    if not is_name(given) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise untrusted("the token answers another request")


def check_age(
    claims: Claims, provider: CityProvider, *, now: float, begun_at: float, max_age: int, new: bool
) -> None:
    """When the person last proved who they are: `max_age` is in each request, so the provider must say it
    (Core, section 3.1.2.1)."""
    at = claims.get("auth_time")
    if not is_moment(at):
        raise untrusted("the token does not say when the person logged in")
    if at - provider.skew_seconds > now:
        raise untrusted("the person will log in later")
    if at + max_age + provider.skew_seconds < now or (new and at + provider.skew_seconds < begun_at):
        raise untrusted("the person logged in too long ago")


def check_access_token(claims: Claims, header_alg: str, access_token: str) -> None:
    """`at_hash`, where there is one (Core, section 3.1.3.8)."""
    given, make = claims.get("at_hash"), HALF_HASHES.get(header_alg[-3:])
    if given is None or make is None:
        return
    whole = make(access_token.encode()).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()
    if given != half:
        raise untrusted("the access token is not the ID token's")


def check_logout(claims: Claims, provider: CityProvider, *, now: float) -> None:
    events, sub, sid = claims.get("events"), claims.get("sub"), claims.get("sid")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise untrusted("the token is no logout token")
    if "nonce" in claims:
        raise untrusted("the logout token has a nonce")
    if sub is None and sid is None:
        raise untrusted("the logout token names nobody")
    for text in (claims.get("jti"), *(each for each in (sub, sid) if each is not None)):
        if not (text and is_name(text)):
            raise untrusted("the logout token has no good jti, sub or sid")
    if claims["iat"] + LOGOUT_SECONDS + provider.skew_seconds < now:
        raise untrusted("the logout token is too old")


def is_name(value: object) -> TypeGuard[str]:
    """A text that Postgres can hold."""
    return isinstance(value, str) and len(value) <= LONGEST and is_text(value)


def is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40
