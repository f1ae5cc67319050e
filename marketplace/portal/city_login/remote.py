"""Asks a provider: its metadata (OpenID Connect Discovery 1.0), its keys, the exchange of a code, userinfo.

What is found is kept for an hour. A key that is not among the kept ones makes the portal look once more, so
that a provider may change its keys at any time. A provider that does not answer is left alone for some
seconds, and few requests wait for one at a time: a provider that hangs cannot hold up the portal.
"""

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Any
from urllib.parse import quote

import httpx
from joserfc.jwk import JWKRegistry, Key

from marketplace.portal.city_login.providers import CityProvider, is_safe_for
from marketplace.portal.city_login.refusals import CityLoginRefused, untrusted

KEPT_SECONDS = 3600.0
LEFT_ALONE_SECONDS = 10.0  # after it did not answer
LOOKED_SECONDS = 30.0  # after a look for a key that is not there
REQUEST_SECONDS, ALL_SECONDS = 5.0, 15.0
MOST_BYTES = 256 * 1024
MOST_AT_ONCE = 8
SMALLEST_RSA = 2048  # bits
UNREACHABLE = "city_provider_unreachable"
# which keys an algorithm takes (RFC 7518, section 3.1; RFC 8037)
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True)
class Metadata:
    """What the provider says of itself. `names_itself`: it adds `iss` to its answers (RFC 9207).
    `takes_claims`: it reads the parameter `claims` (OpenID Connect Core 1.0, section 5.5)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    names_itself: bool
    takes_claims: bool


class Remote:
    """One provider as the portal talks to it. `clock`: seconds that only grow."""

    def __init__(self, provider: CityProvider, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._clock = clock
        # by the authorities of the system (SSL_CERT_FILE); no proxy of the machine sees the secret
        self._client = httpx.Client(
            timeout=REQUEST_SECONDS,
            trust_env=False,
            follow_redirects=False,
            verify=ssl.create_default_context(),
        )
        self._places = BoundedSemaphore(MOST_AT_ONCE)
        self._waiting_for_keys = BoundedSemaphore(MOST_AT_ONCE)
        self._looking = Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, list[Key]] | None = None
        self._silent_until = self._looked_until = float("-inf")

    def metadata(self) -> Metadata:
        """Raises `CityLoginRefused`."""
        kept = self._metadata
        if kept is None or self._clock() - kept[0] > KEPT_SECONDS:
            kept = self._metadata = (self._clock(), self._discovered())
        return kept[1]

    def _discovered(self) -> Metadata:
        issuer = self.provider.issuer
        found = self._json("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        # Discovery 1.0, section 4.3: exactly the issuer that was asked
        if found.get("issuer") != issuer:
            raise untrusted(f"its metadata is of the issuer {found.get('issuer')!r}")

        def address(name: str, *, needed: bool) -> str:
            value = found.get(name, "")
            good = isinstance(value, str) and (is_safe_for(issuer, value) if value else not needed)
            if not good:
                raise untrusted(f"its metadata has no good {name}")
            return str(value)

        return Metadata(
            address("authorization_endpoint", needed=True),
            address("token_endpoint", needed=True),
            address("jwks_uri", needed=True),
            address("userinfo_endpoint", needed=False),
            address("end_session_endpoint", needed=False),
            found.get("authorization_response_iss_parameter_supported") is True,
            found.get("claims_parameter_supported") is True,
        )

    def key_for(self, header: dict[str, Any]) -> Key:
        """The one key that a token's header means. Raises `CityLoginRefused`."""
        found = self._kept(header)
        if not found:
            if not self._waiting_for_keys.acquire(blocking=False):
                raise CityLoginRefused(UNREACHABLE, "too many requests wait for its keys")
            try:
                with self._looking:
                    found = self._looked_for(header)
            finally:
                self._waiting_for_keys.release()
        if len(found) != 1:
            raise untrusted(f"{len(found)} of its keys fit the token's header")
        return found[0]

    def _kept(self, header: dict[str, Any]) -> list[Key]:
        kept = self._keys
        fresh = kept is not None and self._clock() - kept[0] <= KEPT_SECONDS
        return fitting(kept[1], header) if kept is not None and fresh else []

    def _looked_for(self, header: dict[str, Any]) -> list[Key]:
        """What fits, after a look where the kept keys do not. One request looks at a time, and whoever sends
        made-up tokens, however many at once, makes the portal look no oftener."""
        found = self._kept(header)  # another request may have looked meanwhile
        kept = self._keys
        stale = kept is None or self._clock() - kept[0] > KEPT_SECONDS
        if found or not (stale or self._clock() >= self._looked_until):
            return found
        self._looked_until = self._clock() + LOOKED_SECONDS
        self._keys = (self._clock(), self._fetched_keys())
        found = self._kept(header)
        if found:
            self._looked_until = float("-inf")
        return found

    def _fetched_keys(self) -> list[Key]:
        given = self._json("GET", self.metadata().jwks_uri).get("keys")
        if not isinstance(given, list):
            raise untrusted("its keys are no list")
        return list(usable(given))

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """The answer of the token endpoint (RFC 6749, section 4.1.3; RFC 7636). Raises `CityLoginRefused`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        provider, secret = self.provider, self.provider.secret()
        if provider.secret_in_form:
            form |= {"client_id": provider.client_id, "client_secret": secret}
            return self._json("POST", self.metadata().token_endpoint, data=form)
        # RFC 6749, section 2.3.1: both are form-encoded first
        basic = httpx.BasicAuth(quote(provider.client_id, safe=""), quote(secret, safe=""))
        return self._json("POST", self.metadata().token_endpoint, data=form, auth=basic)

    def userinfo(self, access_token: str, *, subject: str) -> dict[str, Any]:
        """Claims of the person, which must be of `subject` (OpenID Connect Core 1.0, section 5.3.2)."""
        endpoint = self.metadata().userinfo_endpoint
        if not endpoint:
            return {}
        claims = self._json("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        if claims.get("sub") != subject:
            raise untrusted("userinfo is of another person")
        return claims

    def _json(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        if self._clock() < self._silent_until:
            raise CityLoginRefused(UNREACHABLE, "it did not answer a moment ago")
        if not self._places.acquire(blocking=False):
            raise CityLoginRefused(UNREACHABLE, "too many requests wait for it")
        try:
            status, body = self._read(method, address, more)
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            self._silent_until = self._clock() + LEFT_ALONE_SECONDS
            raise CityLoginRefused(UNREACHABLE, f"{address}: {type(failure).__name__}") from None
        finally:
            self._places.release()
        if status >= 500:
            raise CityLoginRefused(UNREACHABLE, f"{address} answered {status}")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if status != 200 or not isinstance(answer, dict):
            error = answer.get("error") if isinstance(answer, dict) else ""
            raise untrusted(f"{address} answered {status} {str(error)[:80]!r}")
        return answer

    def _read(self, method: str, address: str, more: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body. However slowly it comes, it takes no longer than `ALL_SECONDS`."""
        ends = self._clock() + ALL_SECONDS
        body = bytearray()
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        with self._client.stream(method, address, headers=headers, **more) as answer:
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_BYTES or self._clock() > ends:
                    raise httpx.ReadError("too much, or too slow")
            return answer.status_code, bytes(body)

    def close(self) -> None:
        self._client.close()


def usable(given: Iterable[Any]) -> Iterable[Key]:
    """The public keys for signatures. A shared secret (`oct`) is none, whoever publishes it; nor is a short
    one. What cannot be read is left out: a provider may have keys of kinds that we do not know."""
    for each in given:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        if each.get("kty") not in KEY_TYPES.values():
            continue
        try:
            key = JWKRegistry.import_key({name: value for name, value in each.items() if name != "key_ops"})
            public = key.as_dict(private=False)
            long_enough = public["kty"] != "RSA" or bits_of(str(public["n"])) >= SMALLEST_RSA
        except (ValueError, TypeError, KeyError):
            continue
        if long_enough:
            yield key


def bits_of(number: str) -> int:
    """The length of a number in base64url (RFC 7518, section 2)."""
    return int.from_bytes(base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))).bit_length()


def fitting(keys: Iterable[Key], header: dict[str, Any]) -> list[Key]:
    """The keys that a header means: by `kid` where it names one, else of the kind that its algorithm
    takes."""
    kind = KEY_TYPES.get(str(header.get("alg"))[:2])
    of_kind = [key for key in keys if key.key_type == kind]
    named = header.get("kid")
    return [key for key in of_kind if key.kid == named] if named is not None else of_kind
