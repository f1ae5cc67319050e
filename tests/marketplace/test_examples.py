"""A running portal takes the requests of the examples in its description, from the offer to the bill.
(That they fit their schemas is in tests/http/test_examples.py.)"""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from api_examples import Examples
from described_api import held_against
from sandbox.identity import PORTAL

NOT_SENT = {
    "authorize": "a browser and a hub go through a login in portal/test_openid_provider.py",
    "exchange_code": "the same",
    "get_userinfo": "the same",
    "revoke_login": "the same",
    "follow_ended_logins": "the same; it never ends",
}


@pytest.mark.slow
def test_the_portal_takes_the_requests_of_the_examples(city) -> None:
    examples = Examples("portal")
    client = httpx.Client(
        base_url=city.portal.url, timeout=60, trust_env=False, event_hooks=held_against("portal")
    )

    def send(operation: str, who: str, **more: Any) -> Any:
        return examples.send(client, operation, city.bearer(who, PORTAL), **more)

    def send_with(headers: Mapping[str, str], operation: str, **more: Any) -> Any:
        return examples.send(client, operation, headers, **more)

    send_with({}, "discover_openid")
    send_with({}, "list_signing_keys")
    tokens = send_with({}, "sign_in").json()

    # a product is offered, ordered and approved
    product = {"product": send("offer_product", "zhou").json()["id"]}
    send("list_products", "chen", query={"dataset": "market.inspections"})
    send("get_product", "chen", at=product)
    query = {"product": city.list_query()["id"]}  # its orders wait for a decision
    refused = send("place_order", "chen", changed=query).json()["order"]
    send("refuse_order", "he", at={"order": refused})
    order = send("place_order", "chen", changed=query).json()["order"]
    send("approve_order", "he", at={"order": order})
    send("place_order", "chen")
    send("list_orders", "chen")
    licences = send("list_licences", "chen").json()["licences"]
    licence = {"licence": next(one["id"] for one in licences if one["product"] == product["product"])}

    # it is called with a key, and billed
    key = send("issue_key", "chen", changed=licence).json()
    send("list_keys", "chen", query=licence)
    called = {"Authorization": f"Bearer {key['key']}"} | idempotency(examples, "call_product")
    row = send_with(called, "call_product", at=product, query=parameters(examples)).json()["rows"]
    assert row and row[0][0] == "磁湖酒家"
    sampled = called | idempotency(examples, "sample_product")
    send_with(sampled, "sample_product", at=product)
    month = send("list_usage", "chen", query=licence).json()["month"]
    send("preview_invoice", "chen", query=licence | {"month": month})
    rotated = send("rotate_key", "chen", at={"key": key["id"]}).json()
    send("revoke_key", "chen", at={"key": rotated["id"]})
    send("revoke_licence", "zhou", at=licence)
    send("withdraw_product", "zhou", at=product)

    # logins end
    mine = {"Authorization": f"Bearer {tokens['portal_token']}"}
    session = send_with(mine, "list_sessions").json()["sessions"][0]["id"]
    send("end_session", "wang", at={"id": session})
    send("end_all_sessions", "wang")

    assert examples.operations.keys() - examples.sent == NOT_SENT.keys()
    examples.finish()


def parameters(examples: Examples) -> dict[str, str]:
    """The product's own parameters, as the example of a call has them."""
    return dict(examples.examples["call_product"]["parameters"]["parameters"])


def idempotency(examples: Examples, operation: str) -> dict[str, str]:
    return {"Idempotency-Key": examples.examples[operation]["parameters"]["Idempotency-Key"]}
