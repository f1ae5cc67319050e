"""Limits and metering with real concurrency, over HTTP on two portal processes' worth of threads,
and straight."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select, text

from marketplace.delivery.answer_call import Delivered, Delivery, NotDelivered
from marketplace.metering.admit_call import Call
from marketplace.metering.tables import months, requests, usage_lines
from marketplace.products.copies import Copies
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.identity import TokenIssuer
from sandbox.policy import Gate

PRODUCT = "inspections-by-business"


def totals(database: Database) -> tuple[int, int]:
    """Lines and fen."""
    with database.transaction() as tx:
        lines, fen = tx.execute(
            select(func.count(), func.coalesce(func.sum(usage_lines.c.amount_fen), 0))
        ).one()
        assert fen == tx.execute(select(func.coalesce(func.sum(months.c.charged_fen), 0))).scalar_one()
    return int(lines), int(fen)


def test_a_quota_is_kept_to_the_last_call_by_sixteen_at_once(city, database: Database) -> None:
    city.list_rows(terms={"calls_per_month": 20, "calls_per_second": 1000})
    licence, first = city.buy(PRODUCT)
    second = city.api("chen").post("/keys", json={"licence": licence}).json()["key"]
    with ThreadPoolExecutor(16) as pool:
        codes = Counter(
            pool.map(
                lambda number: city.call(PRODUCT, (first, second)[number % 2], year="2003").status_code,
                range(60),
            )
        )
    assert codes == {200: 20, 429: 40}
    assert totals(database) == (20, 100)


def test_a_rate_is_kept_across_keys_at_the_same_time(city, database: Database) -> None:
    city.list_rows(terms={"calls_per_second": 1})
    licence, first = city.buy(PRODUCT)
    keys = [first] + [
        city.api("chen").post("/keys", json={"licence": licence}).json()["key"] for _ in range(3)
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: city.call(PRODUCT, keys[number % 4], year="2003"), range(24)))
    with database.transaction() as tx:
        span = (
            tx.execute(select(func.max(usage_lines.c.at) - func.min(usage_lines.c.at)))
            .scalar_one()
            .total_seconds()
        )
    allowed = [answer for answer in answers if answer.status_code == 200]
    assert 1 <= len(allowed) <= span + 1 + 1e-6
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "RATE_LIMITED" and int(refused.headers["retry-after"]) >= 1


def test_one_idempotency_key_is_billed_once_however_often_it_comes(city, database: Database) -> None:
    city.list_rows(terms={"calls_per_second": 1000})
    _, key = city.buy(PRODUCT)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: city.call(PRODUCT, key, "the-same", year="2003"), range(36)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({str(answer.json()["rows"]) + answer.json()["usage"]["id"] for answer in answers}) == 1
    assert Counter(answer.headers.get("idempotency-replayed") for answer in answers) == {None: 1, "true": 35}
    assert totals(database) == (1, 5)


def test_the_same_key_for_another_call_is_a_conflict(city) -> None:
    city.list_rows()
    _, key = city.buy(PRODUCT)
    assert city.call(PRODUCT, key, "k", year="2003").status_code == 200
    other = city.call(PRODUCT, key, "k", year="2004")
    assert other.status_code == 409 and other.json()["code"] == "idempotency_conflict"
    assert city.call(PRODUCT, key, '"k"', year="2003").headers["idempotency-replayed"] == "true"


def test_idempotency_keys_of_two_companies_do_not_meet(city, database: Database) -> None:
    city.list_rows()
    (_, ours), (_, theirs) = city.buy(PRODUCT), city.buy(PRODUCT, "sun")
    assert city.call(PRODUCT, ours, "k", year="2003").json()["rows"]
    answer = city.call(PRODUCT, theirs, "k", year="2004")
    assert answer.status_code == 200 and "idempotency-replayed" not in answer.headers
    assert totals(database) == (2, 10)


def test_a_call_with_wrong_parameters_costs_nothing(city, database: Database) -> None:
    city.list_rows()
    _, key = city.buy(PRODUCT)
    for given in (
        {"nothing": "x"},
        {},
        {"year": "two"},
        {"year": "2003", "_limit": "0"},
        {"year": "2003", "_after": "-1"},
        {"score": "80"},
    ):
        answer = city.call(PRODUCT, key, **given)
        assert answer.status_code == 422 and answer.json()["code"] == "bad_parameter", given
    assert totals(database) == (0, 0)


def test_the_headers_tell_what_is_left(city) -> None:
    city.list_rows(terms={"calls_per_month": 3, "calls_per_second": 100})
    _, key = city.buy(PRODUCT)
    left = [city.call(PRODUCT, key, year="2003").headers["ratelimit"] for _ in range(3)]
    assert [part.split(";r=")[2].split(";")[0] for part in left] == ["2", "1", "0"]
    over = city.call(PRODUCT, key, year="2003")
    assert over.json()["code"] == "USAGE_EXCEEDED" and '"month";q=3' in over.headers["ratelimit-policy"]
    assert int(over.headers["retry-after"]) > 0


def test_a_sample_is_free_and_says_so(city, database: Database) -> None:
    city.list_rows(terms={"monthly_fee_fen": 100})
    _, key = city.buy(PRODUCT)
    answer = httpx.get(f"{city.portal.url}/api/v1/call/{PRODUCT}/sample", headers={"X-Api-Key": key})
    assert len(answer.json()["rows"]) == 5 and answer.json()["usage"]["reason"] == "SAMPLE"
    assert totals(database) == (1, 0)


def test_after_its_last_day_a_licence_has_its_days_of_grace(city, database: Database) -> None:
    city.list_rows(terms={"grace_days": 3})
    _, key = city.buy(PRODUCT)
    with database.transaction() as tx:
        tx.execute(text("UPDATE market.licences SET ends_at = now() - interval '1 day'"))
    usage = city.call(PRODUCT, key, year="2003").json()["usage"]
    assert (usage["reason"], usage["amount_fen"]) == ("GRACE", 0)


def test_a_grade_that_rose_stops_the_next_call(city, database: Database) -> None:
    city.list_rows()
    _, key = city.buy(PRODUCT)
    with database.transaction() as tx:
        tx.execute(text("UPDATE market.products SET grade = '2'"))
    assert city.call(PRODUCT, key, year="2003").json()["code"] == "FORBIDDEN"
    assert totals(database) == (0, 0)


# Our own failures


class Broken:
    """A bucket that fails: what stands behind the portal is away."""

    def get(self, name: str, version_id: str) -> bytes:
        raise Unavailable("The bucket cannot be reached.")


@pytest.fixture
def delivery_over(city, database: Database):
    """Delivery with another store than the city's."""
    gate = Gate(city.portal.settings.policies)
    vault = Vault(city.vault_url, TokenIssuer("portal", city.portal.settings.keys, database))
    return lambda store: Delivery(database, grades=gate.grades, copies=Copies(store), vault=vault)


def test_what_we_fail_to_deliver_is_credited_and_a_retry_is_billed_once(
    city, database: Database, delivery_over
) -> None:
    city.list_rows(terms={"free_calls": 1})
    _, key = city.buy(PRODUCT)
    call = Call(secret=key, product=PRODUCT, given={"year": "2003"}, request_id="key:k")
    paid = Call(secret=key, product=PRODUCT, given={"year": "2003"}, request_id="key:paid")
    for each in (call, paid):
        assert isinstance(delivery_over(Broken()).answer_call(each), NotDelivered)
    assert totals(database) == (4, 0)
    retried = city.call(PRODUCT, key, "k", year="2003").json()["usage"]
    assert retried["reason"] == "FREE_QUOTA", "the free call was given back too"
    assert city.call(PRODUCT, key, "paid", year="2003").json()["usage"]["amount_fen"] == 5
    assert totals(database) == (6, 5)
    with database.transaction() as tx:
        lines = tx.execute(select(usage_lines)).all()
    credited = {line.compensates: line for line in lines if line.compensates}
    assert len(credited) == 2
    for line in lines:
        if line.id in credited:
            assert (
                credited[line.id].amount_fen == -line.amount_fen and credited[line.id].reason == line.reason
            )


def test_a_vault_that_refuses_costs_the_caller_nothing(city, database: Database) -> None:
    city.list_query()
    _, key = city.buy("visits-by-year")
    city.vault("lin").post("/grants/1/revoke", json={"reason": "the budget is needed elsewhere"})
    answer = city.call("visits-by-year", key, district="north")
    assert answer.status_code == 503 and answer.json()["code"] == "not_delivered"
    assert "revoked" not in answer.text
    assert totals(database) == (2, 0)


def test_a_crash_between_metering_and_delivery_is_healed_by_a_retry(
    city, database: Database, delivery_over
) -> None:
    class Crash(BaseException):
        pass

    class Dying:
        def get(self, name: str, version_id: str) -> bytes:
            raise Crash

    city.list_rows()
    _, key = city.buy(PRODUCT)
    call = Call(secret=key, product=PRODUCT, given={"year": "2003"}, request_id="key:k")
    with pytest.raises(Crash):
        delivery_over(Dying()).answer_call(call)
    assert totals(database) == (1, 5)
    assert city.call(PRODUCT, key, "k", year="2003").json()["usage"]["replayed"]
    assert totals(database) == (1, 5)


def test_retries_that_fail_and_succeed_at_the_same_time_bill_what_was_handed_out(
    city, database: Database, delivery_over
) -> None:
    city.list_rows(terms={"calls_per_second": 1000})
    _, key = city.buy(PRODUCT)
    from sandbox.storage import ProductStore

    settings = city.portal.settings
    good = delivery_over(
        ProductStore(
            settings.s3_endpoint,
            settings.s3_access_key,
            settings.s3_secret_key.get_secret_value(),
            settings.product_bucket,
        )
    )
    bad = delivery_over(Broken())

    def once(number: int) -> bool:
        call = Call(secret=key, product=PRODUCT, given={"year": "2003"}, request_id=f"key:{number // 8}")
        return isinstance((good, bad)[number % 2].answer_call(call), Delivered)

    with ThreadPoolExecutor(8) as pool:
        delivered = list(pool.map(once, range(80)))
    with database.transaction() as tx:
        states = Counter(tx.scalars(select(requests.c.state)))
    handed_out = {number // 8 for number, came in enumerate(delivered) if came}
    assert states["metered"] == 0
    assert totals(database)[1] == 5 * states["delivered"] == 5 * len(handed_out)
