"""The portal's JSON operations refuse query parameters that they do not have; pages and calls do not."""

import re

import httpx

from described_api import described
from marketplace.app import LARGE_BODIES, MOST_BODY_BYTES

LARGE = b"x" * (MOST_BODY_BYTES + 1)


def test_unknown_query_parameters_are_refused_by_operations_alone(portal) -> None:
    client = httpx.Client(base_url=portal.url)
    for path in ("/api/v1/products", "/api/v1/orders", "/api/v1/usage", "/api/v1/sessions"):
        answer = client.get(path, params={"no_such": "1"})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter"), path
    answer = client.post("/api/v1/login?next=/", json={"username": "chen", "password": "x"})
    assert answer.json()["code"] == "unknown_parameter"
    assert client.get("/login", params={"no_such": "1"}).status_code == 200
    assert client.get("/.well-known/jwks.json", params={"no_such": "1"}).status_code == 200


def test_errors_of_the_portals_api_carry_what_http_wants(portal) -> None:
    """Source: RFC 9110, sections 11.6.1 and 15.5.6."""
    client = httpx.Client(base_url=portal.url)
    nobody = client.get("/api/v1/orders")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    described("portal").check("GET", "/api/v1/orders", 401, nobody.headers, nobody.content)
    assert client.get("/oauth/ended").headers["www-authenticate"] == 'Basic realm="hub"'
    assert client.delete("/api/v1/keys").headers["allow"] == "GET, POST"


def test_every_operation_refuses_other_methods_other_types_and_too_large_a_body(portal) -> None:
    """Source: RFC 9110, sections 15.5.6, 15.5.7 and 15.5.14.
    Each refusal is a problem document that is described."""
    client, description = httpx.Client(base_url=portal.url), described("portal")
    sent = 0
    for template, methods in description.document["paths"].items():
        path = re.sub(r"\{\w+\}", "1", template)
        other = client.patch(path)
        assert other.status_code == 405, path
        assert {method.upper() for method in methods} <= set(other.headers["allow"].split(", ")), path
        for method, operation in methods.items():
            body = next(iter(operation.get("requestBody", {}).get("content", {})), "")
            requests = {
                "406": {"headers": {"Accept": "image/png"}},
                "413": {"headers": {"Content-Type": body}, "content": LARGE},
            }
            if any(each.path == path for each in LARGE_BODIES):
                del requests["413"]  # it takes larger ones, of whom it knows
            for status in requests.keys() & operation["responses"].keys():
                answer = client.request(method, path, **requests[status])
                assert answer.status_code == int(status), (method, path, answer.text)
                description.check(method, path, answer.status_code, answer.headers, answer.content)
                sent += 1
    assert sent > 25


def test_the_portals_documents_are_described(city) -> None:
    """Every answer is held against docs/openapi/portal.json by the clients of `City`."""
    city.list_rows()
    licence, key = city.buy("inspections-by-business")
    called = city.call("inspections-by-business", key, year="2019")
    assert called.status_code == 200, called.text
    with city.api("chen") as chen:
        for path in (
            "/products",
            "/products/inspections-by-business",
            "/orders",
            "/licences",
            f"/keys?licence={licence}",
            f"/usage?licence={licence}",
            f"/invoices/preview?licence={licence}&month=2026-01",
            "/sessions",
        ):
            assert chen.get(path).status_code == 200, path
