"""From the offer to the bill, over HTTP, with a real vault: rows of open data, and a private query."""

import httpx


def test_rows_are_sold_by_key_and_billed(city) -> None:
    product = city.list_rows()
    assert product["grade"] == "1" and product["what"]["keys"] == {"business": "text", "year": "integer"}
    licence, key = city.buy(product["id"])
    answer = city.call(product["id"], key, business="MCGINLEYS PUB", year="2003")
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["rows"] == [["MCGINLEYS PUB", 2003, 83, False]] and body["next"] is None
    assert body["usage"]["reason"] == "VARIABLE" and body["usage"]["amount_fen"] == 5
    month = city.api("chen").get("/usage", params={"licence": licence}).json()["month"]
    bill = city.api("chen").get("/invoices/preview", params={"licence": licence, "month": month}).json()
    assert bill["total_fen"] == 5 and bill["calls"] == 1
    assert (
        city.api("zhou").get("/invoices/preview", params={"licence": licence, "month": month}).json() == bill
    )
    assert (
        city.api("sun").get("/invoices/preview", params={"licence": licence, "month": month}).status_code
        == 404
    )


def test_a_private_query_is_sold_with_its_errors(city) -> None:
    product = city.list_query()
    assert "grant" not in product["what"]
    licence, key = city.buy(product["id"])
    answer = city.call(product["id"], key, district="north")
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert [row[0] for row in body["rows"]] == [1, 2, 3]
    assert all("standard_error" in error["n"] for error in body["errors"])
    again = city.call(product["id"], key, district="north").json()
    assert again["rows"] == body["rows"], "the same question has the same answer"
    lines = city.api("chen").get("/usage", params={"licence": licence}).json()["lines"]
    assert [line["amount_fen"] for line in lines] == [200, 200]


def test_a_private_query_needs_an_officers_approval(city) -> None:
    city.list_query()
    order = city.api("chen").post("/orders", json={"product": "visits-by-year", "note": "为研究"}).json()
    assert order["status"] == "placed" and order["licence"] is None
    assert city.api("zhou").post(f"/orders/{order['order']}/approve", json={}).status_code == 404
    assert city.api("chen").post(f"/orders/{order['order']}/approve", json={}).status_code == 403
    approved = city.api("lin").post(f"/orders/{order['order']}/approve", json={"calls_per_month": 10})
    assert approved.status_code == 200
    again = city.api("lin").post(f"/orders/{order['order']}/approve", json={})
    assert again.status_code == 409


def test_pages_of_rows_follow_one_another(city) -> None:
    product = city.list_rows(what={"kind": "rows", "keys": ["business"], "page_rows": 8})
    _, key = city.buy(product["id"])
    seen, after = [], "0"
    while after is not None:
        page = city.call(product["id"], key, business="磁湖酒家", _after=str(after)).json()
        seen += page["rows"]
        after = page["next"]
    assert [row[1] for row in seen] == list(range(2000, 2020))


def test_what_the_policy_forbids_is_not_put_on_offer(city) -> None:
    closed = city.api("lin").post(
        "/products",
        json={
            "id": "visit-rows",
            "dataset": "clinic.visits",
            "title_zh": "x",
            "title_en": "x",
            "what": {"kind": "rows", "keys": ["district"]},
            "terms": {"price_fen": 1, "purpose": "x"},
        },
    )
    assert closed.status_code == 403
    for who in ("chen", "wang", "lin"):
        assert (
            city.api(who)
            .post(
                "/products",
                json={
                    "id": "not-mine",
                    "dataset": "market.inspections",
                    "title_zh": "x",
                    "title_en": "x",
                    "what": {"kind": "rows", "keys": ["year"]},
                    "terms": {"price_fen": 1, "purpose": "x"},
                },
            )
            .status_code
            == 403
        )


def test_an_api_key_is_no_login_and_a_login_no_key(city) -> None:
    product = city.list_rows()
    _, key = city.buy(product["id"])
    api = f"{city.portal.url}/api/v1"
    assert (
        httpx.get(
            f"{api}/usage", params={"licence": 1}, headers={"Authorization": f"Bearer {key}"}
        ).status_code
        == 401
    )
    assert city.api("chen").get(f"/call/{product['id']}").status_code == 401
