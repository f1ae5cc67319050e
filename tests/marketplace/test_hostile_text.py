"""No text that anybody sends to the portal is a failure of the portal:
it is taken, or refused with what is wrong."""

from typing import Any

import httpx

from hostile_text import requests

SKIPPED = frozenset({"/healthz"})


def test_no_text_in_any_field_is_a_failure_of_the_portal(city: Any) -> None:
    city.list_rows()
    document = httpx.get(f"{city.portal.url}/openapi.json", timeout=60).json()
    with city.api("zhou") as officer, city.api("chen") as buyer:
        failed, count = [], 0
        for sent in requests(document, skip=SKIPPED):
            client = officer if "products" in sent.path or "approve" in sent.path else buyer
            path = sent.path.replace("{product}", "inspections-by-business")
            answer = client.request(
                sent.method,
                f"{city.portal.url}{path}",
                content=sent.body,
                timeout=60,
                headers={"Content-Type": "application/json"},
            )
            count += 1
            if answer.status_code >= 500:
                failed.append(
                    (sent.method, sent.path[:60], sent.field, answer.status_code, answer.text[:100])
                )
    assert count > 100
    assert not failed
