"""A trade over the API, under a live buyer: releases, offers, orders step by step, licences, keys."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.database import Database

numbers = count(1)
City = Any  # of tests/marketplace/conftest.py


def listed(city: City) -> str:
    """A product of rows of its own for a test."""
    return str(city.list_rows(id=f"rows-{next(numbers)}")["id"])


def asked(city: City) -> str:
    """A product of a query, whose orders a person decides."""
    return str(city.list_query(id=f"query-{next(numbers)}")["id"])


def created(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def priced(fen: int, **more: object) -> dict[str, Any]:
    return {
        "document": {
            "price": {"usage": [{"unit": "call", "tiers": [{"fen": fen}]}], **more},
            "terms": {"purpose": "选址分析"},
        }
    }


def delivered_until(call: Callable[[], httpx.Response], wanted: Callable[[Any], bool]) -> bool:
    """Whether a call is answered as wanted in the end: a portal hears of a change a moment after its commit
    (`metering/listener.py`), and until then delivers what it has. The licence's pace is kept meanwhile."""
    last = time.monotonic() + 60
    while time.monotonic() < last:
        answer = call()
        assert answer.status_code in {200, 429}, answer.text
        if answer.status_code == 200 and wanted(answer.json()):
            return True
        time.sleep(0.1)
    return False


def test_a_live_buyer_gets_a_compatible_release_and_is_told_of_a_breaking_one(
    shared_city: City, shared_database: Database
) -> None:
    city = shared_city
    product = listed(city)
    licence, key = city.buy(product)

    def call() -> Any:
        return city.call(product, key, year="2003")

    def delivers(rows: int) -> bool:
        return delivered_until(call, lambda told: len(told["rows"]) == rows)

    def has(*columns: str) -> bool:
        return delivered_until(call, lambda told: told["columns"] == list(columns))

    first = call().json()
    assert len(first["rows"]) == 3

    # the department publishes more rows: the buyer has none of them until they are released
    city.publish_inspections(b"NEW PLACE,2003,70,true\n")
    assert len(city.call(product, key, year="2003").json()["rows"]) == 3
    for who, status in (("lin", 403), ("chen", 403)):
        assert city.api(who).post(f"/products/{product}/releases", json={}).status_code == status
    second = created(city.api("zhou").post(f"/products/{product}/releases", json={"notes": "March"}))
    assert (second["number"], second["effect"], second["status"]) == (2, "compatible", "released")
    assert delivers(rows=4)

    # fewer columns break what the buyer calls: announced, with the difference, and not yet in effect
    fewer = {"what": {"kind": "rows", "keys": ["year"], "columns": ["year", "score"]}}
    soon = fewer | {"effective_on": in_days(3)}
    assert code(city.api("zhou").post(f"/products/{product}/releases", json=soon)) == (
        422,
        "notice_too_short",
    )
    third = created(city.api("zhou").post(f"/products/{product}/releases", json=fewer))
    assert (third["effect"], third["status"]) == ("breaking", "announced")
    assert {(each["kind"], each["column"]) for each in third["changes"]} == {
        ("column_dropped", "business"),
        ("column_dropped", "weekend"),
        ("key_changed", "business"),
    }
    assert date.fromisoformat(third["effective_at"][:10]) >= date.fromisoformat(in_days(13))
    assert code(city.api("zhou").post(f"/products/{product}/releases", json={})) == (409, "release_announced")
    held = city.api("chen").get(f"/licences/{licence}/releases").json()
    assert (held["delivered"], [each["status"] for each in held["releases"]]) == (
        2,
        ["announced", "released", "released"],
    )
    assert "weekend" in city.call(product, key, year="2003").json()["columns"]

    # once it is in effect the buyer gets it, or stays on the release that was pinned
    with shared_database.transaction() as tx:
        tx.execute(
            text("UPDATE market.releases SET effective_at = now() WHERE product = :p AND number = 3"),
            {"p": product},
        )
    assert has("year", "score")
    assert city.api("sun").post(f"/licences/{licence}/pin", json={"release": 2}).status_code == 404
    assert city.api("chen").post(f"/licences/{licence}/pin", json={"release": 9}).status_code == 404
    assert city.api("chen").post(f"/licences/{licence}/pin", json={"release": 1}).status_code == 204
    assert delivers(rows=3)
    assert city.api("chen").post(f"/licences/{licence}/pin", json={"release": None}).status_code == 204
    assert has("year", "score")
    assert city.api("chen").get(f"/products/{product}").json()["release"] == 3


def test_an_announced_release_is_taken_back_and_never_takes_effect(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    _, key = city.buy(product)
    fewer = {"what": {"kind": "rows", "keys": ["year"], "columns": ["year", "score"]}}
    created(city.api("zhou").post(f"/products/{product}/releases", json=fewer))
    dropped = city.api("zhou").post(f"/products/{product}/releases/2/drop").json()
    assert dropped["status"] == "dropped"
    assert code(city.api("zhou").post(f"/products/{product}/releases/2/drop")) == (409, "wrong_status")
    assert "weekend" in city.call(product, key, year="2003").json()["columns"]
    assert city.api("zhou").post(f"/products/{product}/releases/7/drop").status_code == 404


def test_a_breaking_release_that_nobody_bought_takes_effect_at_once(shared_city: City) -> None:
    product = listed(shared_city)
    fewer = {"what": {"kind": "rows", "keys": ["year"], "columns": ["year", "score"]}}
    made = created(shared_city.api("zhou").post(f"/products/{product}/releases", json=fewer))
    assert (made["effect"], made["status"]) == ("breaking", "released")
    assert shared_city.api("chen").get(f"/products/{product}").json()["what"]["columns"] == ["year", "score"]


def test_a_price_change_never_touches_a_licence_and_counts_for_the_next(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    _, key = city.buy(product)
    offer = created(city.api("zhou").post(f"/products/{product}/offers", json=priced(700)))
    fewer = {"calls_per_month": 20}  # what is ordered leaves the offer as it is
    assert offer["summary"][0] == {"en": "¥7.00 per call.", "zh": "每次调用 ¥7.00。"}
    assert city.call(product, key, year="2003").json()["usage"]["amount_fen"] == 5
    licence, other = city.buy(product, "sun", **fewer)
    assert city.call(product, other, year="2003").json()["usage"]["amount_fen"] == 700
    shown = city.api("sun").get(f"/products/{product}").json()
    assert shown["terms"]["price_fen"] == 700
    held = next(one for one in city.api("sun").get("/licences").json()["licences"] if one["id"] == licence)
    assert held["terms"]["calls_per_month"] == 20
    assert held["offer_hash"] == offer["hash"] and held["document"]["price"] == shown["offer"]["price"]


def test_a_price_above_the_limit_is_refused_when_listed_and_when_changed(shared_city: City) -> None:
    city = shared_city
    dear = {
        "id": "too-dear",
        "dataset": "market.inspections",
        "title_zh": "贵",
        "title_en": "Dear",
        "what": {"kind": "rows", "keys": ["year"]},
        "terms": {"price_fen": 10**15, "purpose": "选址分析"},
    }
    assert code(city.api("zhou").post("/products", json=dear)) == (422, "price_above_limit")
    assert city.api("zhou").get("/products/too-dear").status_code == 404
    product = listed(city)
    refused = city.api("zhou").post(f"/products/{product}/offers", json=priced(10**9))
    assert code(refused) == (422, "price_above_limit") and "65号" in refused.json()["detail"]
    for days in ({"starts_on": "2020-01-01"}, {"ends_on": "2020-01-01"}, {"ends_on": "9999-12-31"}):
        answer = city.api("zhou").post(f"/products/{product}/offers", json=priced(5) | days)
        assert answer.status_code == 422, days
    assert city.api("lin").post(f"/products/{product}/offers", json=priced(5)).status_code == 403


def test_a_private_offer_is_for_one_company_and_unseen_by_others(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    private = priced(1) | {"organisation": "rival"}
    created(city.api("zhou").post(f"/products/{product}/offers", json=private))
    seen = {
        who: [
            each["organisation"] for each in city.api(who).get(f"/products/{product}/offers").json()["offers"]
        ]
        for who in ("sun", "chen", "zhou")
    }
    assert seen == {"sun": ["rival", None], "chen": [None], "zhou": ["rival", None]}
    _, his = city.buy(product, "sun")
    _, hers = city.buy(product, "chen")
    assert city.call(product, his, year="2003").json()["usage"]["amount_fen"] == 1
    assert city.call(product, hers, year="2003").json()["usage"]["amount_fen"] == 5


def test_calls_in_a_trial_cost_nothing_once_for_a_company(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    created(city.api("zhou").post(f"/products/{product}/offers", json=priced(9, trial={"days": 30})))
    licence, key = city.buy(product)
    usage = city.call(product, key, year="2003").json()["usage"]
    assert (usage["reason"], usage["amount_fen"]) == ("TRIAL", 0)
    city.api("chen").post(f"/licences/{licence}/end", json={"reason": "another try"})
    _, again = city.buy(product)
    assert city.call(product, again, year="2003").json()["usage"]["amount_fen"] == 9


def test_the_public_benefit_is_served_free_once_a_person_agreed(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    order = created(city.api("chen").post("/orders", json={"product": product, "use": "public_welfare"}))
    assert (order["status"], order["licence"]) == ("placed", None), "rows of open data, and yet not at once"
    licence = city.api("zhou").post(f"/orders/{order['order']}/approve", json={}).json()["licence"]
    key = created(city.api("chen").post("/keys", json={"licence": licence}))["key"]
    usage = city.call(product, key, year="2003").json()["usage"]
    assert (usage["reason"], usage["amount_fen"]) == ("FREE", 0)
    wrong = {"product": product, "use": "war"}
    assert code(city.api("sun").post("/orders", json=wrong)) == (422, "unknown_use")


def test_an_order_is_offered_back_accepted_and_has_a_contract_and_a_history(
    shared_city: City, shared_database: Database
) -> None:
    city = shared_city
    product = asked(city)
    number = created(city.api("chen").post("/orders", json={"product": product, "calls_per_month": 100}))[
        "order"
    ]
    assert city.api("lin").post(f"/orders/{number}/approve", json={"calls_per_month": 0}).status_code == 422
    back = {"note": "only for half a year", "ends_on": in_days(180), "calls_per_month": 500}
    for who, status in (("chen", 403), ("zhou", 404), ("sun", 404)):
        assert city.api(who).post(f"/orders/{number}/offer-back", json=back).status_code == status
    assert city.api("lin").post(f"/orders/{number}/offer-back", json=back).status_code == 204
    assert code(city.api("lin").post(f"/orders/{number}/approve", json={})) == (409, "wrong_status")
    assert city.api("sun").post(f"/orders/{number}/accept").status_code == 404
    licence = city.api("chen").post(f"/orders/{number}/accept").json()["licence"]
    held = next(one for one in city.api("chen").get("/licences").json()["licences"] if one["id"] == licence)
    assert held["terms"]["calls_per_month"] == 500
    history = city.api("chen").get(f"/orders/{number}").json()
    assert [step["status"] for step in history["steps"]] == ["placed", "offered", "approved"]
    assert (history["stage"], history["licence"], history["order"]["calls_per_month"]) == (
        "delivery",
        licence,
        100,
    )
    assert history == city.api("lin").get(f"/orders/{number}").json()
    assert city.api("sun").get(f"/orders/{number}").status_code == 404
    contract = city.api("chen").get(f"/orders/{number}/contract").json()
    assert hashlib.sha256(contract["text"].encode()).hexdigest() == contract["sha256"]
    assert history["order"]["offer_hash"] in contract["text"] and "¥2.00 per call" in contract["text"]
    with shared_database.transaction() as tx:
        logged = tx.execute(
            text("SELECT content FROM log.openings WHERE index = :index"), {"index": contract["log_index"]}
        ).scalar_one()
    assert contract["sha256"] in logged


def test_two_orders_that_name_a_person_together_are_not_both_licensed(
    shared_city: City, shared_database: Database
) -> None:
    """Each waits for a person, so that both are entered while nothing is held."""
    city = shared_city
    named, called = listed(city), listed(city)
    columns = {named: '["business", "name"]', called: '["business", "phone"]'}
    for product, held in columns.items():
        with shared_database.transaction() as tx:
            tx.execute(
                text(
                    "UPDATE market.releases SET definition = jsonb_set(jsonb_set(definition, '{columns}', "
                    "CAST(:columns AS jsonb)), '{keys}', '{\"business\": \"text\"}') WHERE product = :product"
                ),
                {"product": product, "columns": held},
            )
    orders = [
        created(city.api("sun").post("/orders", json={"product": product, "use": "public_welfare"}))["order"]
        for product in (named, called)
    ]
    first, second = (city.api("zhou").post(f"/orders/{order}/approve", json={}) for order in orders)
    assert first.status_code == 200
    assert code(second) == (403, "combination_grade") and "name, phone" in second.json()["detail"]
    again = city.api("sun").post("/orders", json={"product": called})
    assert code(again)[0] == 409, "the first order of it still waits"
    city.api("sun").post(f"/orders/{orders[1]}/withdraw", json={})
    assert code(city.api("sun").post("/orders", json={"product": called})) == (403, "combination_grade")


def test_a_buyer_withdraws_an_order_or_declines_what_was_offered_back(shared_city: City) -> None:
    city = shared_city
    product = asked(city)
    for deed, status in (("withdraw", "withdrawn"), ("decline", "declined")):
        number = created(city.api("chen").post("/orders", json={"product": product}))["order"]
        if deed == "decline":
            assert city.api("chen").post(f"/orders/{number}/decline", json={}).status_code == 409
            city.api("lin").post(f"/orders/{number}/offer-back", json={"note": "dearer"})
        assert city.api("lin").post(f"/orders/{number}/{deed}", json={}).status_code == 403
        assert city.api("chen").post(f"/orders/{number}/{deed}", json={}).status_code == 204
        assert city.api("chen").post(f"/orders/{number}/{deed}", json={}).status_code == 409
        found = city.api("chen").get(f"/orders/{number}").json()
        assert (found["order"]["status"], found["stage"]) == (status, "closed")
        assert city.api("chen").get(f"/orders/{number}/contract").status_code == 404


def test_a_licence_is_suspended_resumed_and_ended_by_either_side(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    licence, key = city.buy(product)
    assert city.api("chen").post(f"/licences/{licence}/suspend", json={"reason": "x"}).status_code == 403
    assert city.api("zhou").post(f"/licences/{licence}/suspend", json={"reason": "check"}).status_code == 204
    assert code(city.call(product, key, year="2003")) == (403, "DISABLED")
    assert city.api("sun").post(f"/licences/{licence}/resume").status_code == 404
    assert city.api("zhou").post(f"/licences/{licence}/resume").status_code == 204
    assert city.call(product, key, year="2003").status_code == 200

    notice = {"reason": "no longer collected", "last_day": in_days(5)}
    assert code(city.api("zhou").post(f"/licences/{licence}/end", json=notice)) == (422, "notice_too_short")
    given = city.api("zhou").post(f"/licences/{licence}/end", json={"reason": "no longer collected"}).json()
    assert date.fromisoformat(given["ends_at"][:10]) >= date.fromisoformat(in_days(30))
    assert city.call(product, key, year="2003").status_code == 200
    ended = city.api("chen").post(f"/licences/{licence}/end", json={"reason": "done"})
    assert ended.status_code == 200
    assert code(city.call(product, key, year="2003")) == (403, "DISABLED")
    again = city.api("chen").post(f"/licences/{licence}/end", json={"reason": "done"})
    assert code(again) == (403, "licence_over")


def test_a_licence_is_renewed_by_cadence_with_an_overlap_at_the_offer_of_now(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    licence, key = city.buy(product, ends_on=in_days(20))
    created(city.api("zhou").post(f"/products/{product}/offers", json=priced(6)))
    assert city.api("sun").post(f"/licences/{licence}/renew", json={}).status_code == 404
    renewed = created(city.api("chen").post(f"/licences/{licence}/renew", json={"cadence": "quarter"}))
    order = city.api("chen").get(f"/orders/{renewed['order']}").json()["order"]
    first, last = date.fromisoformat(order["starts_on"]), date.fromisoformat(in_days(20))
    assert first == last + timedelta(days=1) - timedelta(days=7)
    assert order["renews"] is not None and order["document"]["price"]["usage"][0]["tiers"][0]["fen"] == 6
    twice = city.api("chen").post(f"/licences/{licence}/renew", json={})
    assert code(twice) == (409, "already_licensed")
    assert city.call(product, key, year="2003").json()["usage"]["amount_fen"] == 5


def test_keys_have_scopes_networks_and_a_test_mode(shared_city: City) -> None:
    city = shared_city
    product = listed(city)
    licence, _ = city.buy(product)

    def made(**wish: object) -> str:
        return str(created(city.api("chen").post("/keys", json={"licence": licence, **wish}))["key"])

    assert code(city.call(product, made(scopes=["sample"]), year="2003")) == (403, "FORBIDDEN")
    assert city.call(f"{product}/sample", made(scopes=["sample"])).status_code == 200
    assert code(city.call(product, made(networks=["203.0.113.0/24"]), year="2003")) == (403, "FORBIDDEN")
    assert city.call(product, made(networks=["127.0.0.0/8"]), year="2003").status_code == 200
    for wrong in ({"networks": ["everywhere"]}, {"scopes": []}, {"mode": "half"}, {"scopes": ["admin"]}):
        assert city.api("chen").post("/keys", json={"licence": licence, **wrong}).status_code == 422
    tested = city.call(product, made(mode="test"), year="2003").json()
    assert (tested["usage"]["reason"], tested["usage"]["amount_fen"]) == ("TEST", 0)
    assert tested["rows"] == city.call(f"{product}/sample", made()).json()["rows"]


def test_a_revoked_key_is_switched_on_again_by_who_revoked_it(
    shared_city: City, shared_database: Database
) -> None:
    city = shared_city
    product = listed(city)
    licence, _ = city.buy(product)
    key = created(city.api("chen").post("/keys", json={"licence": licence}))
    address = f"/keys/{key['id']}"
    city.api("zhou").post(f"{address}/revoke", json={"reason": "leaked?"})
    assert code(city.call(product, key["key"], year="2003")) == (403, "DISABLED")
    assert code(city.api("chen").post(f"{address}/restore")) == (409, "not_restorable")
    assert city.api("sun").post(f"{address}/restore").status_code == 404
    assert city.api("zhou").post(f"{address}/restore").status_code == 204
    assert city.call(product, key["key"], year="2003").status_code == 200
    city.api("chen").post(f"{address}/revoke", json={})
    # while its holder has revoked it, the seller revokes it over again, and the holder cannot restore it
    assert city.api("zhou").post(f"{address}/revoke", json={"reason": "leaked"}).status_code == 204
    assert code(city.api("chen").post(f"{address}/restore")) == (409, "not_restorable")
    assert city.api("chen").post(f"{address}/revoke", json={}).status_code == 409
    assert city.api("zhou").post(f"{address}/revoke", json={}).status_code == 409
    assert city.api("zhou").post(f"{address}/restore").status_code == 204
    city.api("chen").post(f"{address}/revoke", json={})
    with shared_database.transaction() as tx:
        tx.execute(
            text("UPDATE market.keys SET revoked_at = now() - interval '1 minute' WHERE id = :id"),
            {"id": key["id"]},
        )
    assert code(city.api("chen").post(f"{address}/restore")) == (409, "not_restorable")


def test_a_company_says_who_it_is_and_an_operator_verifies_it(shared_city: City) -> None:
    city = shared_city
    record = {"name": "民生保险", "credit_code": "91350100m000100y43", "time_zone": "Asia/Urumqi"}
    wrong = record | {"credit_code": "91350100M000100Y44"}
    assert code(city.api("chen").post("/company", json=wrong)) == (422, "bad_credit_code")
    assert city.api("zhou").post("/company", json=record).status_code == 403
    entered = city.api("chen").post("/company", json=record).json()
    assert (entered["credit_code"], entered["status"]) == ("91350100M000100Y43", "entered")
    assert city.api("chen").post("/companies/minsheng/verify").status_code == 403
    assert city.api("he").post("/companies/nobody/verify").status_code == 404
    # what an operator looked at is what is verified: not what was entered in the meantime
    (seen,) = city.api("he").get("/companies").json()["companies"]
    city.api("chen").post("/company", json=record | {"name": "民生银行"})
    swapped = city.api("he").post("/companies/minsheng/verify", json={"seen": seen["digest"]})
    assert code(swapped) == (409, "record_changed")
    city.api("chen").post("/company", json=record)
    assert (
        city.api("he").post("/companies/minsheng/verify", json={"seen": seen["digest"]}).json()["status"]
        == "verified"
    )
    assert city.api("he").post("/companies/minsheng/verify").status_code == 409
    # a code is kept by whom it is verified for
    assert code(city.api("sun").post("/company", json=record)) == (409, "credit_code_taken")
    assert city.api("sun").get("/company").status_code == 404
    other_bank = city.api("chen").post("/company", json=record | {"invoice_bank": "x"}).json()
    assert other_bank["status"] == "verified", "what the register does not say needs no new look"
    renamed = city.api("chen").post("/company", json=record | {"name": "另一名称"}).json()
    assert renamed["status"] == "entered"
    (held,) = city.api("he").get("/companies").json()["companies"]
    assert held["organisation"] == "minsheng"
    assert city.api("chen").get("/companies").json() == {"companies": []}
    number, _ = city.buy(listed(city))
    licences = city.api("chen").get("/licences").json()["licences"]
    assert next(one for one in licences if one["id"] == number)["time_zone"] == "Asia/Urumqi"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_show_the_trade_in_both_languages(shared_city: City, language: str) -> None:
    city = shared_city
    product = asked(city)
    number = created(city.api("chen").post("/orders", json={"product": product}))["order"]
    seller, buyer = city.portal.browser(), city.portal.browser()
    seller.log_in("lin")
    buyer.log_in("chen")
    for browser in (seller, buyer):
        browser.client.headers["Accept-Language"] = language
    words = {"zh": ("报价与条款", "卖方提出的条件"), "en": ("Offer", "What the seller offers back")}[language]
    page = f"/orders/{number}"
    sent = seller.send(page, f"{page}/offer-back", ends_on=in_days(90), note="half")
    assert sent.status_code == 303, sent.text
    assert words[1] in buyer.get(page).text
    assert buyer.send(page, f"{page}/accept").status_code == 303
    assert "Licence contract" in buyer.get(f"{page}/contract.txt").text
    licence = city.api("chen").get(page).json()["licence"]
    shown = f"/licences/{licence}"
    assert words[0] in buyer.get(shown).text
    assert buyer.send(shown, f"{shown}/pin", release="1").status_code == 303
    assert seller.send(shown, f"{shown}/suspend", reason="check").status_code == 303
    assert seller.send(shown, f"{shown}/resume").status_code == 303
    assert buyer.send(shown, f"{shown}/end", reason="done").status_code == 303
    offer = f"/products/{product}"
    sent = seller.send(offer, f"{offer}/offers", unit="call", price="3", monthly_fee="10")
    assert sent.status_code == 303, sent.text
    assert "¥3.00" in buyer.get(offer).text
