"""A token is good only from its issuer, for its audience, in its time, with a key that still verifies."""

import base64
import json
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sandbox.database import Database
from sandbox.errors import InvalidInput, NotAuthenticated, Unavailable
from sandbox.identity import KERNEL, PORTAL, VAULT, WORKSPACE, TokenIssuer, TokenVerifier, jwks
from sandbox.standalone.postgres import Postgres

GENERIC = "The token is not good here. Log in again."


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def portal(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(user="cihu_portal", database=database_name))
    yield opened
    opened.close()


@pytest.fixture
def vault(postgres: Postgres, database_name: str) -> Iterator[Database]:
    opened = Database(postgres.url(user="cihu_vault", database=database_name))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(portal: Database, tmp_path: Path, clock: Clock) -> TokenIssuer:
    return TokenIssuer("portal", tmp_path / "portal", portal, clock=clock)


@pytest.fixture
def verifier(vault: Database, clock: Clock) -> TokenVerifier:
    return TokenVerifier(vault, clock=clock)


def signed(issuer: TokenIssuer, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token as the issuer's own key would sign it, with some claims changed or (None) left out."""
    now = int(time.time())
    body = {"iss": "portal", "sub": "wang", "aud": VAULT, "iat": now, "exp": now + 60, "jti": "1"} | changes
    signing = issuer._signing
    return jwt.encode(
        {name: value for name, value in body.items() if value is not None},
        signing.key,
        "EdDSA",
        headers={"kid": signing.kid} | (header or {}),
    )


def refusal(verifier: TokenVerifier, token: str, audience: str = VAULT) -> str:
    with pytest.raises(NotAuthenticated) as refused:
        verifier.verify(token, audience=audience)
    return str(refused.value)


def test_a_token_says_who_for_whom_from_whom_and_until_when(
    issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    claims = verifier.verify(
        issuer.issue("wang", audience=VAULT, lifetime_seconds=60, session="7"), audience=VAULT
    )
    assert (claims.subject, claims.audience, claims.issuer) == ("wang", VAULT, "portal")
    assert (claims.expires_at - claims.issued_at).total_seconds() == 60
    assert claims.extra == {"session": "7"}
    other = verifier.verify(issuer.issue("wang", audience=VAULT, lifetime_seconds=60), audience=VAULT)
    assert claims.token_id != other.token_id


def test_a_token_is_for_one_audience(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    token = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    for audience in (WORKSPACE, KERNEL, PORTAL, "cihu-hub", ""):
        assert refusal(verifier, token, audience) == GENERIC
    assert refusal(verifier, signed(issuer, aud=[VAULT, PORTAL])) == GENERIC


def test_an_issuer_speaks_only_for_its_own_audiences(
    issuer: TokenIssuer, vault: Database, verifier: TokenVerifier, tmp_path: Path
) -> None:
    kernels = TokenIssuer("vault", tmp_path / "vault", vault)
    assert (
        verifier.verify(kernels.issue("wang", audience=KERNEL, lifetime_seconds=600), audience=KERNEL).issuer
        == "vault"
    )
    with pytest.raises(InvalidInput):
        kernels.issue("wang", audience=PORTAL, lifetime_seconds=60)
    with pytest.raises(InvalidInput):
        issuer.issue("wang", audience=KERNEL, lifetime_seconds=60)
    # even signed with the vault's real key, whatever it claims to be
    assert refusal(verifier, signed(kernels, iss="vault", aud=PORTAL), PORTAL) == GENERIC
    assert refusal(verifier, signed(kernels, iss="portal", aud=PORTAL), PORTAL) == GENERIC


def test_a_verifier_takes_only_the_issuers_it_was_told(issuer: TokenIssuer, vault: Database) -> None:
    token = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    assert refusal(TokenVerifier(vault, issuers={"vault"}), token) == GENERIC


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "iat", "jti"])
def test_every_required_claim_is_required(issuer: TokenIssuer, verifier: TokenVerifier, claim: str) -> None:
    assert verifier.verify(signed(issuer), audience=VAULT)
    assert refusal(verifier, signed(issuer, **{claim: None})) == GENERIC


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "vault"},
        {"iss": "nobody"},
        {"sub": "Wаng"},
        {"sub": ""},
        {"jti": 5},
        {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 3660},
        {"nbf": int(time.time()) + 3600},
        {"exp": int(time.time()) + 86400},
        {"exp": "soon"},
    ],
)
def test_claims_that_no_issuer_of_ours_would_write_are_refused(
    issuer: TokenIssuer, verifier: TokenVerifier, changes: dict[str, Any]
) -> None:
    said = refusal(verifier, signed(issuer, **changes))
    # a genuine token of the future says that two clocks are apart: nothing else can be the cause
    assert (
        said.startswith("The token begins in the future")
        if {"iat", "nbf"} & set(changes)
        else said == GENERIC
    )


def test_a_genuine_token_that_ran_out_says_so_and_a_forged_one_does_not(
    issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    past: dict[str, Any] = {"iat": int(time.time()) - 100, "exp": int(time.time()) - 40}
    with pytest.raises(NotAuthenticated) as refused:
        verifier.verify(signed(issuer, **past), audience=VAULT)
    assert refused.value.code == "token_expired"
    head, body, _ = signed(issuer, **past).split(".")
    assert (
        refusal(verifier, f"{head}.{body}.{base64.urlsafe_b64encode(b'x' * 64).decode().rstrip('=')}")
        == GENERIC
    )


def test_the_algorithm_is_pinned(issuer: TokenIssuer, verifier: TokenVerifier, portal: Database) -> None:
    public = issuer._signing.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kid = issuer._signing.kid
    now = int(time.time())
    body = {"iss": "portal", "sub": "wang", "aud": VAULT, "iat": now, "exp": now + 60, "jti": "1"}
    assert refusal(verifier, jwt.encode(body, "", "none", headers={"kid": kid})) == GENERIC

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    # the public key used as an HMAC secret, by hand, because PyJWT refuses to make such a token
    mac = jwt.api_jws.get_algorithm_by_name("HS256").sign(
        f"{part({'alg': 'HS256', 'kid': kid})}.{part(body)}".encode(), public
    )
    forged = (
        f"{part({'alg': 'HS256', 'kid': kid})}.{part(body)}."
        f"{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    )
    assert refusal(verifier, forged) == GENERIC


@pytest.mark.parametrize(
    "header",
    [
        {"kid": None},
        {"kid": "x"},
        {"kid": 5},
        {"kid": "A" * 43},
        {"kid": "../" * 14 + "x"},
        {"crit": ["exp"]},
    ],
)
def test_strange_headers_are_refused_like_anything_else(
    issuer: TokenIssuer, verifier: TokenVerifier, header: dict[str, Any]
) -> None:
    token = signed(issuer)
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    strange = base64.urlsafe_b64encode(json.dumps(head | header).encode()).decode().rstrip("=")
    assert refusal(verifier, ".".join([strange, *token.split(".")[1:]])) == GENERIC


def test_a_key_in_the_header_is_not_taken(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    own = Ed25519PrivateKey.generate()
    now = int(time.time())
    forged = jwt.encode(
        {"iss": "portal", "sub": "he", "aud": VAULT, "iat": now, "exp": now + 60, "jti": "1"},
        own,
        "EdDSA",
        headers={"kid": issuer._signing.kid, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}},
    )
    assert refusal(verifier, forged) == GENERIC


UNFIT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(
    suppress_health_check=UNFIT,
    max_examples=60,
    deadline=None,
)
@given(
    st.one_of(
        st.text(max_size=200),
        st.just("a.b.c"),
        st.just("[" * 9000),
        st.just("." * 9000),
        st.binary(max_size=120).map(lambda raw: ".".join([base64.urlsafe_b64encode(raw).decode()] * 3)),
        st.just(base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.e30"),
    )
)
def test_no_text_makes_the_verifier_fail_in_another_way(verifier: TokenVerifier, token: str) -> None:
    assert refusal(verifier, token) == GENERIC


def test_one_changed_letter_anywhere_spoils_a_token(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    token = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    for place in range(0, len(token) - 2, 7):
        spoiled = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert refusal(verifier, spoiled) == GENERIC


@pytest.mark.parametrize(
    ("audience", "longest"), [(VAULT, 900), (WORKSPACE, 43200), (PORTAL, 900), ("cihu-hub", 3600)]
)
def test_a_token_does_not_outlive_what_its_audience_allows(
    issuer: TokenIssuer, audience: str, longest: int
) -> None:
    assert issuer.issue("wang", audience=audience, lifetime_seconds=longest)
    for seconds in (0, -1, longest + 1):
        with pytest.raises(InvalidInput):
            issuer.issue("wang", audience=audience, lifetime_seconds=seconds)


def test_the_issuers_own_claims_cannot_be_given(issuer: TokenIssuer) -> None:
    for claim in ("iss", "sub", "exp", "iat", "jti", "nbf", "aud"):
        with pytest.raises((InvalidInput, TypeError)):
            issuer.issue("wang", audience="cihu-hub", lifetime_seconds=60, **{claim: "x"})


def test_an_openid_token_names_the_address_and_is_worth_nothing_to_us(
    issuer: TokenIssuer, portal: Database, verifier: TokenVerifier
) -> None:
    url = "http://127.0.0.1:8600"
    token = issuer.issue("wang", audience="cihu-hub", lifetime_seconds=600, issuer_url=url, nonce="n")
    with portal.transaction() as tx:
        keys = jwt.PyJWKSet.from_dict(dict(jwks(tx, "portal")))
    read = jwt.decode(
        token, keys[jwt.get_unverified_header(token)["kid"]], ["EdDSA"], audience="cihu-hub", issuer=url
    )
    assert (read["sub"], read["nonce"]) == ("wang", "n")
    assert refusal(verifier, token, VAULT) == GENERIC
    assert refusal(verifier, token, "cihu-hub") == GENERIC
    with pytest.raises(InvalidInput):
        issuer.issue("wang", audience=VAULT, lifetime_seconds=60, issuer_url=url)


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(
    issuer: TokenIssuer, verifier: TokenVerifier, portal: Database
) -> None:
    before = issuer.issue("wang", audience=WORKSPACE, lifetime_seconds=43200)
    assert verifier.verify(before, audience=WORKSPACE)
    kid = issuer.rotate(by="he")
    after = issuer.issue("wang", audience=WORKSPACE, lifetime_seconds=60)
    assert jwt.get_unverified_header(after)["kid"] == kid
    assert verifier.verify(after, audience=WORKSPACE)  # a new kid is seen at once, whatever was cached
    assert verifier.verify(before, audience=WORKSPACE)
    with portal.transaction() as tx:
        assert [key["kid"] for key in jwks(tx, "portal")["keys"]] == [
            kid,
            jwt.get_unverified_header(before)["kid"],
        ]
        until = tx.execute(
            text("SELECT extract(epoch FROM verifies_until - now()) FROM identity.signing_key_retirements")
        )
        assert 43200 < until.scalar_one() < 43200 + 120


def test_an_old_key_is_out_once_its_tokens_are(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock, database: Database
) -> None:
    before = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    issuer.rotate()
    with database.transaction() as tx:
        tx.execute(text("UPDATE identity.signing_key_retirements SET verifies_until = now()"))
    clock.now += 3.1
    assert refusal(verifier, before) == GENERIC
    with database.transaction() as tx:
        assert len(jwks(tx, "portal")["keys"]) == 1


def test_a_leaked_key_is_worthless_within_seconds(
    issuer: TokenIssuer, verifier: TokenVerifier, clock: Clock
) -> None:
    token = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    assert verifier.verify(token, audience=VAULT)
    issuer.rotate()
    issuer.rotate(at_once=True, by="he")
    clock.now += 3.1
    assert refusal(verifier, token) == GENERIC
    assert verifier.verify(issuer.issue("wang", audience=VAULT, lifetime_seconds=60), audience=VAULT)


def test_a_retirement_is_not_taken_back_by_a_later_one(
    issuer: TokenIssuer, verifier: TokenVerifier, portal: Database
) -> None:
    token = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    kid = jwt.get_unverified_header(token)["kid"]
    issuer.rotate(at_once=True)
    with portal.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO identity.signing_key_retirements (kid, issuer, verifies_until) "
                "VALUES (:kid, 'portal', now() + interval '1 year')"
            ),
            {"kid": kid},
        )
    assert refusal(verifier, token) == GENERIC


def test_rotations_are_in_the_log(issuer: TokenIssuer, database: Database) -> None:
    issuer.rotate(by="he")
    with database.transaction() as tx:
        entries = tx.execute(text("SELECT entry FROM log.entries ORDER BY index")).scalars().all()
    assert [json.loads(entry)["kind"] for entry in entries] == [
        "signing_key.created",
        "signing_key.created",
        "signing_key.retired",
    ]


def test_the_vaults_role_can_make_and_rotate_its_own_key(
    vault: Database, tmp_path: Path, verifier: TokenVerifier
) -> None:
    kernels = TokenIssuer("vault", tmp_path / "vault", vault)
    before = kernels.issue("wang", audience=KERNEL, lifetime_seconds=600)
    kernels.rotate()
    assert verifier.verify(before, audience=KERNEL)
    assert verifier.verify(kernels.issue("wang", audience=KERNEL, lifetime_seconds=600), audience=KERNEL)


def test_a_second_process_signs_with_the_same_key_and_follows_its_rotation(
    issuer: TokenIssuer, portal: Database, tmp_path: Path, clock: Clock
) -> None:
    other = TokenIssuer("portal", tmp_path / "portal", portal, clock=clock)

    def signs(with_issuer: TokenIssuer) -> str:
        return str(
            jwt.get_unverified_header(with_issuer.issue("wang", audience=VAULT, lifetime_seconds=60))["kid"]
        )

    assert signs(other) == signs(issuer)
    kid = issuer.rotate()
    clock.now += 3.1
    assert signs(other) == kid


def test_processes_that_start_together_make_one_key(portal: Database, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: TokenIssuer("portal", tmp_path / "keys", portal), range(6)))
    with portal.transaction() as tx:
        assert len(jwks(tx, "portal")["keys"]) == 1


def test_private_keys_are_files_of_the_service_alone_and_old_ones_are_gone(
    issuer: TokenIssuer, tmp_path: Path
) -> None:
    kid = issuer.rotate()
    files = list((tmp_path / "portal").iterdir())
    assert [file.name for file in files] == [f"{kid}.pem"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "portal").stat().st_mode) == 0o700


def test_a_private_key_that_others_can_read_is_not_used(
    issuer: TokenIssuer, portal: Database, tmp_path: Path
) -> None:
    next((tmp_path / "portal").iterdir()).chmod(0o640)
    with pytest.raises(Unavailable, match="read by others"):
        TokenIssuer("portal", tmp_path / "portal", portal)


def test_an_issuer_that_lost_its_key_makes_a_new_one_and_the_tokens_of_the_old_go_on(
    issuer: TokenIssuer, portal: Database, tmp_path: Path, verifier: TokenVerifier
) -> None:
    token = issuer.issue("wang", audience=VAULT, lifetime_seconds=60)
    next((tmp_path / "portal").iterdir()).unlink()
    again = TokenIssuer("portal", tmp_path / "portal", portal)
    assert verifier.verify(token, audience=VAULT)
    assert verifier.verify(again.issue("wang", audience=VAULT, lifetime_seconds=60), audience=VAULT)


def test_no_private_key_is_in_the_database(issuer: TokenIssuer, portal: Database) -> None:
    with portal.transaction() as tx:
        rows = tx.execute(text("SELECT public_key FROM identity.signing_keys")).scalars().all()
    own = base64.urlsafe_b64encode(issuer._signing.key.public_key().public_bytes_raw()).decode().rstrip("=")
    assert rows == [own]


def test_without_the_database_nothing_is_verified(issuer: TokenIssuer, tmp_path: Path) -> None:
    gone = Database(f"postgresql+psycopg://cihu_vault@/cihu?host={tmp_path}")
    with pytest.raises(Unavailable):
        TokenVerifier(gone).verify(issuer.issue("wang", audience=VAULT, lifetime_seconds=60), audience=VAULT)


@pytest.mark.parametrize("ahead", [60, 3600])
def test_a_token_from_a_clock_that_is_ahead_is_told_as_that(
    ahead: int, issuer: TokenIssuer, verifier: TokenVerifier
) -> None:
    """To who holds a genuine one: "log in again" would lead nowhere."""
    later = int(time.time()) + ahead
    assert "clocks" in refusal(verifier, signed(issuer, iat=later, exp=later + 60))
    forged = signed(issuer, iat=later, exp=later + 60)
    assert "clocks" not in refusal(
        verifier, forged[:-8] + ("A" * 8 if not forged.endswith("A" * 8) else "B" * 8)
    )
