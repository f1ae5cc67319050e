"""The portal as an OpenID Connect client: sends a browser to a provider, and takes what it brings back.

Authorization code with PKCE (S256), `state` and `nonce` of one browser, one redirect address for each
provider, and `iss` (RFC 9207): what RFC 9700 (OAuth 2.0 Security Best Current Practice) asks of a client.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from marketplace.portal.city_login.city_sessions import use_state
from marketplace.portal.city_login.identities import CityPerson
from marketplace.portal.city_login.providers import CityProvider, unknown_provider
from marketplace.portal.city_login.refusals import CityLoginRefused, untrusted
from marketplace.portal.city_login.remote import Remote
from marketplace.portal.city_login.started import Started
from marketplace.portal.city_login.tokens import (
    Claims,
    check_access_token,
    header_of,
    id_token,
    logout_token,
)
from sandbox.database import Database

log_file = logging.getLogger("cihu.portal")
NEW_SECONDS = 900  # how old a log-in may be that must be of a moment ago
LONGEST = 2048  # characters of a code or a state
LONGEST_CLAIM = 200
FED, MFA = "fed", "mfa"
"""Methods of a session: another system logged the person in (no value of RFC 8176 says that), and it said
that more than one factor was used (`mfa` of RFC 8176)."""
LOCALES = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True)
class Return:
    """What a browser brought back from a provider: the query's values, each at most once."""

    code: str = ""
    state: str = ""
    issuer: str = ""
    error: str = ""

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> "Return":
        """Raises `CityLoginRefused` for a value that is there twice (RFC 6749, section 3.1), or too long."""
        names = {"code": "code", "state": "state", "iss": "issuer", "error": "error"}
        found: dict[str, str] = {}
        for name, value in pairs:
            if name in names:
                if names[name] in found or len(value) > LONGEST:
                    raise CityLoginRefused("city_login_expired", f"{name} is there twice, or too long")
                found[names[name]] = value
        return cls(**found)


class CityClient:
    """All providers. Every method raises `CityLoginRefused`; what exactly was wrong is in its `internal`."""

    def __init__(
        self, providers: Sequence[CityProvider], *, database: Database, portal_url: str, session_seconds: int
    ) -> None:
        self.providers = tuple(providers)
        self.remotes = {each.id: Remote(each) for each in providers}
        self.database = database
        self.portal_url = portal_url.rstrip("/")
        self.session_seconds = session_seconds

    def provider(self, id: str) -> CityProvider:
        """Raises `NotFound`."""
        return self.remote(id).provider

    def remote(self, id: str) -> Remote:
        found = self.remotes.get(id)
        if found is None:
            raise unknown_provider()
        return found

    def redirect_uri(self, id: str) -> str:
        """Where a provider sends browsers back: another address for each."""
        return f"{self.portal_url}/login/city/{id}/back"

    def authorization_url(self, started: Started, *, language: str) -> str:
        """Where the browser goes to log in."""
        remote = self.remote(started.provider)
        provider, metadata = remote.provider, remote.metadata()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(started.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": self.redirect_uri(provider.id),
            "scope": " ".join(provider.scopes),
            "state": started.state,
            "nonce": started.nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "max_age": str(self.max_age(started)),
            "ui_locales": LOCALES[language],
        }
        if started.new:
            query["prompt"] = "login"
        if started.step:
            # `acr_values` is a wish; an essential claim is more (Core, section 5.5.1.1), and with both some
            # providers take the wish
            acr = {"essential": True, "values": list(provider.acr)}
            query |= (
                {"claims": json.dumps({"id_token": {"acr": acr}})}
                if metadata.takes_claims
                else {"acr_values": " ".join(provider.acr)}
            )
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    def max_age(self, started: Started) -> int:
        """How long ago the person may have proved who they are, in seconds: no longer than a session here
        lives."""
        if started.step:
            return self.provider(started.provider).step_up_seconds
        return NEW_SECONDS if started.new else self.session_seconds

    def person(self, started: Started | None, provider_id: str, back: Return) -> CityPerson:
        """Whom the provider vouches for, in answer to what this browser began."""
        remote = self.remote(provider_id)
        if started is None or not started.answers(provider_id, back.state):
            raise CityLoginRefused("city_login_expired", "the state is not of this browser")
        check_answerer(back, remote)
        with self.database.transaction() as tx:
            use_state(tx, back.state)
        if back.error:
            raise CityLoginRefused("city_login_denied", f"the provider says {back.error[:60]!r}")
        if not back.code:
            raise untrusted("it sent no code")
        tokens = remote.exchange(
            code=back.code, verifier=started.verifier, redirect_uri=self.redirect_uri(provider_id)
        )
        signed, access = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(signed, str) or not isinstance(access, str) or not access.isascii():
            raise untrusted("it sent no ID token")
        claims = id_token(
            signed,
            remote,
            nonce=started.nonce,
            begun_at=started.at,
            max_age=self.max_age(started),
            new=started.new,
        )
        check_access_token(claims, str(header_of(signed).get("alg")), access)
        who = vouched(remote, claims, access)
        # its clock may be behind ours, by so much as the check of the token's age allows
        return replace(who, proved_at=max(who.proved_at, moment_of(started.at))) if started.new else who

    def ended(self, provider_id: str, token: str) -> Claims:
        """The claims of a provider's logout token."""
        return logout_token(token, self.remote(provider_id))

    def log_out_url(self, provider_id: str) -> str:
        """Where a browser ends its session at the provider (RP-Initiated Logout 1.0). The provider asks the
        person: no ID token is kept here that could answer for them."""
        remote = self.remote(provider_id)
        endpoint = remote.metadata().end_session_endpoint
        if not endpoint:
            raise CityLoginRefused("city_no_log_out")
        query = {
            "client_id": remote.provider.client_id,
            "post_logout_redirect_uri": f"{self.portal_url}/login",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def close(self) -> None:
        for each in self.remotes.values():
            each.close()


def check_answerer(back: Return, remote: Remote) -> None:
    """The answer is of the provider that was asked (RFC 9207, section 2.4): mix-up attacks end here, before
    a code is sent anywhere."""
    issuer = remote.provider.issuer
    if (back.issuer or remote.metadata().names_itself) and back.issuer != issuer:
        raise untrusted(f"the answer is of {back.issuer[:100]!r}")


def vouched(remote: Remote, claims: Claims, access_token: str) -> CityPerson:
    """The person of a checked ID token, with claims of userinfo where the token lacks them."""
    provider = remote.provider
    wanted = [name for name in (provider.person_claim, provider.organisation_claim) if name]
    if provider.create_in:
        wanted.append("name")
    known: Mapping[str, object] = claims
    if any(name not in claims for name in wanted):
        known = {**remote.userinfo(access_token, subject=claims["sub"]), **claims}
    issued, proved = (moment_of(claims[name]) for name in ("iat", "auth_time"))
    return CityPerson(
        provider=provider,
        subject=claims["sub"],
        sid=claims.get("sid", ""),
        proved_at=min(proved, datetime.now(UTC)),
        issued_at=issued,
        second_factor=second_factor_of(claims, provider),
        person=text_of(known, provider.person_claim),
        organisation=text_of(known, provider.organisation_claim),
        display_name=text_of(known, "name"),
    )


def second_factor_of(claims: Claims, provider: CityProvider) -> bool:
    """Whether the provider says by one of the values of its settings that more than one factor was used."""
    methods = claims.get("amr")
    said = {each for each in methods if isinstance(each, str)} if isinstance(methods, list) else set()
    return claims.get("acr") in provider.acr or bool(said & provider.amr)


def moment_of(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def text_of(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name, "") if name else ""
    return value if isinstance(value, str) and len(value) <= LONGEST_CLAIM and value.isprintable() else ""


def steps_up(provider: CityProvider, started: Started) -> Started | None:
    """The same log-in once more, asking for a second factor; None where that was asked already, or the
    provider has no word for it. An invitation was used up by the step before: this one only logs in."""
    if started.step or not provider.acr:
        return None
    new = Started(started.provider)
    return replace(
        started,
        deed="log in",
        link="",
        step=True,
        at=new.at,
        state=new.state,
        nonce=new.nonce,
        verifier=new.verifier,
    )


def tell_operator(provider_id: str, refusal: CityLoginRefused) -> None:
    """A line in the portal's own log; it names nobody."""
    log_file.warning("log-in by %s: %s: %s", provider_id, refusal.code, refusal.internal or "-")
