"""Limits and metering over HTTP: headers, retries, and what costs nothing."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.database import Database
from selling import totals_of

numbers = count(1)


@pytest.fixture
def sell(shared_city, shared_database: Database):
    """Sell rows under terms of the test's own: the product, the licence, its key, and its totals."""

    def sold(who: str = "chen", **terms: object) -> Any:
        product = shared_city.list_rows(id=f"limits-{next(numbers)}", terms=terms)["id"]
        licence, key = shared_city.buy(product, who)
        return product, licence, key

    return sold


def totals(database: Database, licence: int) -> tuple[int, int, int]:
    with database.transaction() as tx:
        return totals_of(tx, licence)


def test_one_idempotency_key_is_billed_once_however_often_it_comes(
    shared_city, shared_database: Database, sell
) -> None:
    product, licence, key = sell(calls_per_second=1000)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shared_city.call(product, key, "the-same", year="2003"), range(24)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({str(answer.json()["rows"]) + answer.json()["usage"]["id"] for answer in answers}) == 1
    assert Counter(answer.headers.get("idempotency-replayed") for answer in answers) == {None: 1, "true": 23}
    assert totals(shared_database, licence) == (1, 1, 5)


def test_the_same_key_for_another_call_is_a_conflict(shared_city, sell) -> None:
    product, _, key = sell()
    assert shared_city.call(product, key, "k", year="2003").status_code == 200
    other = shared_city.call(product, key, "k", year="2004")
    assert other.status_code == 409 and other.json()["code"] == "idempotency_conflict"
    assert shared_city.call(product, key, '"k"', year="2003").headers["idempotency-replayed"] == "true"


def test_idempotency_keys_of_two_companies_do_not_meet(shared_city, shared_database: Database) -> None:
    product = shared_city.list_rows(id=f"limits-{next(numbers)}")["id"]
    (ours, key), (theirs, other) = shared_city.buy(product), shared_city.buy(product, "sun")
    assert shared_city.call(product, key, "k", year="2003").json()["rows"]
    answer = shared_city.call(product, other, "k", year="2004")
    assert answer.status_code == 200 and "idempotency-replayed" not in answer.headers
    assert totals(shared_database, ours) == totals(shared_database, theirs) == (1, 1, 5)


def test_a_call_with_wrong_parameters_costs_nothing(shared_city, shared_database: Database, sell) -> None:
    product, licence, key = sell()
    for given in (
        {"nothing": "x"},
        {},
        {"year": "two"},
        {"year": "2003", "_limit": "0"},
        {"year": "2003", "_after": "-1"},
        {"score": "80"},
    ):
        answer = shared_city.call(product, key, **given)
        assert answer.status_code == 422 and answer.json()["code"] == "bad_parameter", given
    address = f"{shared_city.portal.url}/api/v1/call/{product}?year=2003"
    for headers, status in (({"Accept": "image/png"}, 406), ({"Idempotency-Key": "é"}, 422)):
        sent = {"X-Api-Key": key} | {name: value.encode("latin-1") for name, value in headers.items()}
        assert httpx.get(address, headers=sent).status_code == status  # type: ignore[arg-type]
    assert totals(shared_database, licence) == (0, 0, 0)


def test_the_headers_tell_what_is_left(shared_city, sell) -> None:
    product, _, key = sell(calls_per_month=3, calls_per_second=100)
    left = [shared_city.call(product, key, year="2003").headers["ratelimit"] for _ in range(3)]
    assert [part.split(";r=")[2].split(";")[0] for part in left] == ["2", "1", "0"]
    over = shared_city.call(product, key, year="2003")
    assert over.json()["code"] == "USAGE_EXCEEDED" and '"month";q=3' in over.headers["ratelimit-policy"]
    assert int(over.headers["retry-after"]) > 0
    fast, _, key = sell(calls_per_second=1)
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: shared_city.call(fast, key, year="2003"), range(20)))
    refused = next(each for each in answers if each.json().get("code") == "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) >= 1


def test_a_sample_is_free_and_says_so(shared_city, shared_database: Database, sell) -> None:
    product, licence, key = sell(monthly_fee_fen=100)
    for _ in range(2):
        answer = httpx.get(
            f"{shared_city.portal.url}/api/v1/call/{product}/sample", headers={"X-Api-Key": key}
        )
        assert len(answer.json()["rows"]) == 5 and answer.json()["usage"]["reason"] == "SAMPLE"
    assert totals(shared_database, licence) == (1, 0, 0)


def test_in_its_days_of_grace_a_licence_goes_on_at_its_price(
    shared_city, shared_database: Database, sell
) -> None:
    product, licence, key = sell(grace_days=3)
    with shared_database.transaction() as tx:
        tx.execute(
            text("UPDATE market.licences SET ends_at = now() - interval '1 day' WHERE id = :id"),
            {"id": licence},
        )
    usage = shared_city.call(product, key, year="2003").json()["usage"]
    assert (usage["reason"], usage["amount_fen"]) == ("VARIABLE", 5)


def test_a_vault_that_refuses_costs_the_caller_nothing(shared_city, shared_database: Database) -> None:
    shared_city.list_query()
    licence, key = shared_city.buy("visits-by-year")
    shared_city.vault("lin").post("/grants/1/revoke", json={"reason": "the budget is needed elsewhere"})
    answer = shared_city.call("visits-by-year", key, district="north")
    assert answer.status_code == 503 and answer.json()["code"] == "not_delivered"
    assert "revoked" not in answer.text
    assert totals(shared_database, licence) == (2, 0, 0)


def test_a_usage_line_has_a_receipt_for_its_parties_alone(
    shared_city, shared_database: Database, sell
) -> None:
    product, _, key = sell()
    line = shared_city.call(product, key, year="2003").json()["usage"]["id"]
    chen = shared_city.api("chen")
    for _ in range(2000):
        receipt = chen.get(f"/usage/{line}/receipt")
        if receipt.status_code == 200:
            break
        assert receipt.json()["code"] == "not_sealed"
    proven = receipt.json()
    assert proven["format"] == "cihu-batch-receipt/1" and proven["receipt"]["opening"]
    assert shared_city.api("sun").get(f"/usage/{line}/receipt").status_code == 404
    assert chen.get(f"/usage/{'0' * 32}/receipt").status_code == 404
