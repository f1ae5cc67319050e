"""A program of a company gets tokens by its client credentials and calls with them (RFC 6749, 8414, 9068)."""

import httpx
import jwt
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.jose import JsonWebKey, JsonWebToken

from described_api import held_against
from marketplace.service_accounts.tokens import TOKEN_SECONDS


@pytest.fixture(scope="module")
def sold(shared_city) -> str:
    product = str(shared_city.list_rows()["id"])
    shared_city.buy(product)
    return product


@pytest.fixture
def account(shared_city) -> dict[str, str]:
    with shared_city.api("chen") as chen:
        made = chen.post("/service-accounts", json={"label": "nightly"})
    assert made.status_code == 201, made.text
    return made.json()


def endpoint(city) -> str:
    metadata = httpx.get(f"{city.portal.url}/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == city.portal.url
    assert "client_credentials" in metadata["grant_types_supported"]
    return metadata["token_endpoint"]


def call(city, sold: str, token: str) -> httpx.Response:
    with httpx.Client(event_hooks=held_against("portal")) as client:
        return client.get(
            f"{city.portal.url}/api/v1/call/{sold}",
            params={"business": "磁湖酒家"},
            headers={"Authorization": f"Bearer {token}"},
        )


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
def test_an_oauth_client_calls_and_its_revocation_acts_at_once(shared_city, sold, account, way) -> None:
    client = OAuth2Client(
        account["client_id"], account["client_secret"], token_endpoint_auth_method=way, scope="call"
    )
    token = client.fetch_token(endpoint(shared_city), grant_type="client_credentials")
    assert (token["expires_in"], token["scope"]) == (TOKEN_SECONDS, "call")
    keys = JsonWebKey.import_key_set(httpx.get(f"{shared_city.portal.url}/.well-known/jwks.json").json())
    claims = JsonWebToken(["EdDSA"]).decode(token["access_token"], keys)
    assert jwt.get_unverified_header(token["access_token"])["typ"] == "at+jwt"
    assert claims["iss"] == shared_city.portal.url and claims["aud"] == f"{shared_city.portal.url}/api/v1"
    assert claims["sub"] == claims["client_id"] == account["client_id"] and claims["scope"] == "call"

    answered = call(shared_city, sold, token["access_token"])
    assert answered.status_code == 200, answered.text
    with shared_city.api("chen") as chen:
        listed = chen.get("/service-accounts").json()["service_accounts"]
        assert account["client_id"] in [each["id"] for each in listed]
        assert chen.post(f"/service-accounts/{account['client_id']}/revoke", json={}).status_code == 204
    refused = call(shared_city, sold, token["access_token"])
    assert refused.status_code == 403, refused.text
    with pytest.raises(Exception, match="invalid_client"):
        client.fetch_token(endpoint(shared_city), grant_type="client_credentials")


def test_a_token_opens_what_its_scope_and_company_have(shared_city, sold, account) -> None:
    def token(**more: str) -> str:
        client = OAuth2Client(account["client_id"], account["client_secret"], **more)
        return str(client.fetch_token(endpoint(shared_city), grant_type="client_credentials")["access_token"])

    assert call(shared_city, sold, token(scope="sample")).status_code == 403
    assert call(shared_city, "no-such-product", token()).status_code == 403
    good = token()
    head, body, signature = good.split(".")
    forged = f"{head}.{body}.{signature[:-4]}AAAA"
    refused = call(shared_city, sold, forged)
    assert refused.status_code == 401 and "Bearer" in refused.headers["www-authenticate"]
    # a person's token is no access token, and an access token is no person's
    person = shared_city.bearer("chen", "cihu:portal")["Authorization"].removeprefix("Bearer ")
    assert call(shared_city, sold, person).status_code == 401
    mine = httpx.get(f"{shared_city.portal.url}/api/v1/licences", headers={"Authorization": f"Bearer {good}"})
    assert mine.status_code == 401


def test_a_secret_is_replaced(shared_city, account) -> None:
    address, name = endpoint(shared_city), account["client_id"]
    with shared_city.api("chen") as chen:
        second = chen.post(f"/service-accounts/{name}/rotate", json={"overlap_hours": 1}).json()
        for secret in (account["client_secret"], second["client_secret"]):
            assert asked(address, (name, secret)).status_code == 200
        third = chen.post(f"/service-accounts/{name}/rotate", json={"overlap_hours": 0}).json()
    for secret in (account["client_secret"], second["client_secret"]):
        assert asked(address, (name, secret)).status_code == 401
    assert asked(address, (name, third["client_secret"])).status_code == 200
    with shared_city.api("sun") as stranger:
        assert stranger.post(f"/service-accounts/{name}/revoke", json={}).status_code == 404


def asked(address: str, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
    with httpx.Client(event_hooks=held_against("portal")) as client:
        return client.post(
            address, data={"grant_type": "client_credentials"} | form, auth=auth or httpx.Auth()
        )


def test_errors_are_those_of_the_standard(shared_city, account) -> None:
    """Source: RFC 6749, section 5.2."""
    address = endpoint(shared_city)
    good = (account["client_id"], account["client_secret"])
    unknown = asked(address, ("svc-nobody", "secret"))
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
    assert unknown.headers["www-authenticate"].startswith("Basic")
    assert unknown.headers["cache-control"] == "no-store"
    assert asked(address).json()["error"] == "invalid_client"
    assert asked(address, good, scope="call admin").json()["error"] == "invalid_scope"
    assert asked(address, good, client_secret=good[1]).json()["error"] == "invalid_request"
    assert asked(address, good, client_id="svc-other").json()["error"] == "invalid_request"
    other = asked(address, good, grant_type="password")
    assert other.status_code in (400, 401) and "error" in other.json()
    twice = httpx.post(
        address,
        content="grant_type=client_credentials&scope=call&scope=call",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=good,
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


def test_a_key_that_was_revoked_before_its_account_is_not_restored(shared_city, sold, account) -> None:
    """An attack: revoke the account's key, revoke the account, take the first back."""
    client = OAuth2Client(account["client_id"], account["client_secret"])
    token = client.fetch_token(endpoint(shared_city), grant_type="client_credentials")["access_token"]
    assert call(shared_city, sold, token).status_code == 200
    with shared_city.api("chen") as chen:
        licence = next(
            each["id"] for each in chen.get("/licences").json()["licences"] if each["product"] == sold
        )
        key = next(
            each["id"]
            for each in chen.get("/keys", params={"licence": licence}).json()["keys"]
            if each["service_account"] == account["client_id"]
        )
        assert chen.post(f"/keys/{key}/rotate", json={}).json()["code"] == "key_of_service_account"
        assert chen.post(f"/keys/{key}/revoke", json={}).status_code == 204
        assert chen.post(f"/service-accounts/{account['client_id']}/revoke", json={}).status_code == 204
        assert chen.post(f"/keys/{key}/restore").status_code == 409
    assert call(shared_city, sold, token).status_code == 403
