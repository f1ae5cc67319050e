"""Who may do what in the market, over the API; each refused decision is in the log."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import text

from sandbox.database import Database

PRODUCT = "inspections-by-business"


def refusals(database: Database) -> list[dict[str, str]]:
    with database.transaction() as tx:
        found = tx.scalars(
            text(
                "SELECT content FROM log.openings JOIN log.entries USING (index) "
                "WHERE entry LIKE '%decision.refused%' ORDER BY index"
            )
        ).all()
    return [json.loads(content) for content in found]


def test_only_buyers_order_and_a_refusal_is_logged(city, database: Database) -> None:
    city.list_rows()
    for who in ("zhou", "lin", "wang", "he", "xu"):
        answer = city.api(who).post("/orders", json={"product": PRODUCT})
        assert answer.status_code == 403 and answer.json()["detail"]
        logged = refusals(database)[-1]
        assert (logged["actor"], logged["subject"], logged["payload"]["action"]) == (
            who,
            f"product:{PRODUCT}",
            "order",
        )


def test_a_withdrawn_product_is_not_ordered_but_old_licences_go_on(city) -> None:
    city.list_rows()
    _, key = city.buy(PRODUCT)
    assert (
        city.api("lin").post(f"/products/{PRODUCT}/withdraw", json={"reason": "not mine"}).status_code == 403
    )
    assert (
        city.api("zhou").post(f"/products/{PRODUCT}/withdraw", json={"reason": "old data"}).status_code == 204
    )
    assert city.api("zhou").post(f"/products/{PRODUCT}/withdraw", json={"reason": "again"}).status_code == 409
    assert city.api("sun").post("/orders", json={"product": PRODUCT}).status_code == 403
    assert city.call(PRODUCT, key, year="2003").status_code == 200
    assert city.api("chen").get("/products").json() == {"products": []}


def test_an_order_asks_for_no_more_than_the_product_allows(city) -> None:
    city.list_rows(terms={"calls_per_month": 10})
    for wish in (
        {"calls_per_month": 11},
        {"calls_per_month": 0},
        {"starts_on": "2020-01-01"},
        {"ends_on": "2020-01-01"},
        {"ends_on": "2099-01-01"},
        {"starts_on": "9999-12-31"},
        {"ends_on": "9999-12-31"},
    ):
        assert city.api("chen").post("/orders", json={"product": PRODUCT, **wish}).status_code == 422, wish


def test_an_order_is_approved_for_less_not_for_more_and_refused_with_a_reason(city) -> None:
    city.list_query()
    first, second = (
        city.api(who).post("/orders", json={"product": "visits-by-year", "calls_per_month": 100}).json()
        for who in ("chen", "sun")
    )
    for more in ({"calls_per_month": 101}, {"ends_on": "2099-01-01"}):
        assert city.api("lin").post(f"/orders/{first['order']}/approve", json=more).status_code == 422
    licence = (
        city.api("lin")
        .post(f"/orders/{first['order']}/approve", json={"calls_per_month": 5})
        .json()["licence"]
    )
    held = next(
        each for each in city.api("chen").get("/licences").json()["licences"] if each["id"] == licence
    )
    assert held["terms"]["calls_per_month"] == 5
    assert city.api("lin").post(f"/orders/{second['order']}/refuse", json={"reason": " "}).status_code == 422
    assert (
        city.api("lin").post(f"/orders/{second['order']}/refuse", json={"reason": "not for this"}).status_code
        == 204
    )
    for who, status in (("chen", "approved"), ("sun", "refused")):
        (order,) = city.api(who).get("/orders").json()["orders"]
        assert (order["status"], order["calls_per_month"]) == (status, 100), (
            "what was asked is not overwritten"
        )


def test_a_company_has_one_licence_of_a_product_at_a_time(city) -> None:
    """Else each further order would bring another quota, and more free calls."""
    city.list_rows(terms={"free_calls": 100})
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: city.api("chen").post("/orders", json={"product": PRODUCT}), range(6))
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert city.api("sun").post("/orders", json={"product": PRODUCT}).status_code == 201
    (held,) = city.api("chen").get("/licences").json()["licences"]
    after = (datetime.fromisoformat(held["ends_at"]) + timedelta(days=1)).date().isoformat()
    assert (
        city.api("chen").post("/orders", json={"product": PRODUCT, "starts_on": after}).status_code == 201
    ), "a renewal"
    city.api("zhou").post(f"/licences/{held['id']}/revoke", json={"reason": "misuse"})
    assert city.api("chen").post("/orders", json={"product": PRODUCT, "ends_on": after}).status_code == 409


def test_the_licence_keeps_the_price_it_was_sold_at(city, database: Database) -> None:
    city.list_rows()
    _, key = city.buy(PRODUCT)
    with database.transaction() as tx:
        tx.execute(text("UPDATE market.products SET price_fen = 999"))
    assert city.call(PRODUCT, key, year="2003").json()["usage"]["amount_fen"] == 5


def test_a_query_that_the_vault_refuses_is_not_put_on_offer(city) -> None:
    what = {
        "kind": "query",
        "epsilon": "0.1",
        "budget": {"epsilon": "1", "until": "2027-01-31"},
        "sql": "SELECT secret FROM clinic.visits",
    }
    answer = city.api("lin").post(
        "/products",
        json={
            "id": "secrets",
            "dataset": "clinic.visits",
            "title_zh": "x",
            "title_en": "x",
            "what": what,
            "terms": {"price_fen": 1, "purpose": "x"},
        },
    )
    assert answer.status_code == 422
    assert city.api("lin").get("/products/secrets").status_code == 404


def test_a_grant_of_another_team_is_not_sold(city) -> None:
    asked = (
        city.vault("wang")
        .post(
            "/requests",
            json={
                "dataset": "clinic.visits",
                "team": "cihu-lake",
                "epsilon": "1",
                "purpose": "our own study",
                "until": "2027-01-31",
            },
        )
        .json()
    )
    grant = city.vault("lin").post(f"/requests/{asked['id']}/approve", json={}).json()["id"]
    answer = city.api("lin").post(
        "/products",
        json={
            "id": "borrowed",
            "dataset": "clinic.visits",
            "title_zh": "x",
            "title_en": "x",
            "what": {
                "kind": "query",
                "epsilon": "0.1",
                "grant": grant,
                "sql": "SELECT COUNT(*) AS n FROM clinic.visits",
            },
            "terms": {"price_fen": 1, "purpose": "x"},
        },
    )
    assert answer.status_code == 403


def test_terms_that_cannot_be_are_refused(city) -> None:
    for wrong in (
        {"price_fen": 1.5},
        {"price_fen": -1},
        {"price_fen": "5"},
        {"price_fen": True},
        {"cap_fen": 1, "monthly_fee_fen": 2},
        {"calls_per_second": 0},
        {"purpose": ""},
        {"more": 1},
    ):
        answer = city.api("zhou").post(
            "/products",
            json={
                "id": "wrong",
                "dataset": "market.inspections",
                "title_zh": "x",
                "title_en": "x",
                "what": {"kind": "rows", "keys": ["year"]},
                "terms": {"price_fen": 5, "purpose": "x", **wrong},
            },
        )
        assert answer.status_code == 422, wrong


def test_a_browser_session_may_use_the_api_but_only_with_its_form_token(city) -> None:
    city.list_rows()
    browser = city.portal.browser()
    browser.log_in("chen")
    token = browser.get("/me").text.split('name="csrf" value="')[1].split('"')[0]
    assert browser.get("/api/v1/products").status_code == 200
    order = {"product": PRODUCT}
    assert browser.client.post("/api/v1/orders", json=order).status_code == 403
    assert (
        browser.client.post("/api/v1/orders", json=order, headers={"X-CSRF-Token": token}).status_code == 201
    )


def test_strangers_see_nothing(city) -> None:
    import httpx

    city.list_rows()
    licence, _ = city.buy(PRODUCT)
    for path in (
        "/products",
        "/orders",
        "/licences",
        f"/usage?licence={licence}",
        f"/invoices/preview?licence={licence}&month=2026-01",
        f"/products/{PRODUCT}",
        f"/keys?licence={licence}",
    ):
        assert httpx.get(f"{city.portal.url}/api/v1{path}").status_code == 401
