"""Whatever fits the portal's description may be sent, and what does not: it answers as it is described, to
people of every role, to keys, to the hub and to strangers.

Source: see tests/http/test_generated_requests.py.
"""

import base64
from collections.abc import Mapping

import pytest
from schemathesis import GenerationMode

from generated_requests import Callers, statuses_by_role
from marketplace.settings import DEMO_HUB_SECRET
from sandbox.identity import PORTAL, WORKSPACE

PEOPLE = {"analyst": "wang", "officer": "zhou", "buyer": "chen", "operator": "he", "auditor": "xu"}
SKIPPED = {"follow_ended_logins"}  # to the hub it does not end
HUB = base64.b64encode(f"cihu-hub:{DEMO_HUB_SECRET}".encode()).decode()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_portal_answers_generated_requests_as_described(city) -> None:
    """No 5xx, and no status, content type or document that is not described."""
    product = city.list_rows()["id"]
    city.list_query()
    licence, key = city.buy(product)
    order = city.api("chen").post("/orders", json={"product": "visits-by-year"}).json()["order"]
    known = {
        "/api/v1/call/": {"product": product},
        "/api/v1/products/": {"product": "visits-by-year"},
        "/api/v1/orders/": {"order": order},
        "/api/v1/licences/": {"licence": licence},
        "/api/v1/keys/": {"key": 1},
    }

    def bearer(person: str, audience: str = PORTAL) -> Mapping[str, str]:
        return city.bearer(person, audience)

    roles = {role: lambda person=person: bearer(person) for role, person in PEOPLE.items()}
    roles |= {
        "key": lambda: {"X-Api-Key": key},
        "workspace": lambda: bearer("wang", WORKSPACE),
        "hub": lambda: {"Authorization": f"Basic {HUB}"},
        "stranger": dict,
    }
    callers = Callers("portal", city.portal.url, roles, known, skip=SKIPPED)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        got = statuses_by_role(callers, mode)
        assert got["stranger"] <= {200, 302, 303, 400, 401, 404, 405, 406, 422, 429}, got
        if mode is GenerationMode.POSITIVE:
            assert {200, 403} <= got["buyer"] and {200, 404} <= got["officer"] and 200 in got["key"], got
