"""The company's part: find, order, get a key, call, and see the bill that the seller sees."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from sandbox.standalone.tour.stage import Stage, check, refused

TERMS = {"price_fen": 30, "free_calls": 1, "purpose": "to choose where to open a restaurant"}
YEARS = [1, 2, 3, 4, 5]


def product(stage: Stage) -> str:
    """zhou offers rows of the open data; lin offers a private query.
    What the grade forbids, nobody can open."""
    refused(
        lambda: stage.person("lin").vault("POST", "/v1/datasets/health.visits/open-copy", json={}),
        code="grade_not_for_open_sale",
        what="opening personal data",
    )
    stage.known["rows"], stage.known["query"] = f"inspections-{stage.number}", f"visits-{stage.number}"
    stage.person("zhou").market(
        "POST",
        "/api/v1/products",
        json={
            "id": stage.known["rows"],
            "dataset": "market.inspections",
            "title_zh": "餐饮卫生检查",
            "title_en": "Inspections",
            "terms": TERMS,
            "what": {"kind": "rows", "keys": ["business", "year"]},
        },
    )
    stage.person("lin").market(
        "POST",
        "/api/v1/products",
        json={
            "id": stage.known["query"],
            "dataset": "health.visits",
            "title_zh": "就诊次数",
            "title_en": "Visits to doctors",
            "terms": TERMS | {"price_fen": 500, "free_calls": 0},
            "what": {
                "kind": "query",
                "epsilon": "0.3",
                "budget": {"epsilon": "0.5", "until": stage.until},
                "sql": (
                    "SELECT child, AVG(doctor_visits) AS visits FROM health.visits "
                    "WHERE year = :year GROUP BY child"
                ),
                "parameters": [{"name": "year", "type": "integer", "values": YEARS}],
            },
        },
    )
    listed = {one["id"] for one in stage.person("chen").market("GET", "/api/v1/products")["products"]}
    check({stage.known["rows"], stage.known["query"]} <= listed, "the market does not list the products")
    return (
        f"{stage.known['rows']} (rows, 0.30 yuan a call), {stage.known['query']} (private "
        "query, 5.00 yuan a call)"
    )


def order(stage: Stage) -> str:
    """chen orders both; open rows are licensed at once, the private query once lin approves."""
    chen = stage.person("chen")
    refused(
        lambda: stage.person("wang").market("POST", "/api/v1/orders", json={"product": stage.known["rows"]}),
        code="no_permit",
        what="an order by somebody who is no buyer",
    )
    rows = chen.market("POST", "/api/v1/orders", json={"product": stage.known["rows"]})
    query = chen.market("POST", "/api/v1/orders", json={"product": stage.known["query"]})
    check(
        query["status"] == "placed", f"a private query was licensed without its officer ({query['status']})"
    )
    stage.person("lin").market("POST", f"/api/v1/orders/{query['order']}/approve", json={})
    held = {one["product"]: one["id"] for one in chen.market("GET", "/api/v1/licences")["licences"]}
    stage.known["licences"] = {kind: held[stage.known[kind]] for kind in ("rows", "query")}
    return (
        f"licences {stage.known['licences']['rows']} (order {rows['order']}) and "
        f"{stage.known['licences']['query']}"
    )


def key(stage: Stage) -> str:
    """chen gets a key for each licence; it is shown this once."""
    chen, keys = stage.person("chen"), {}
    for kind, licence in stage.known["licences"].items():
        made = chen.market("POST", "/api/v1/keys", json={"licence": licence, "label": f"tour {stage.number}"})
        keys[kind] = made["key"]
        listed = chen.market("GET", f"/api/v1/keys?licence={licence}")
        check(made["key"] not in str(listed), "a key is shown twice")
    stage.known["keys"] = keys
    return ", ".join(f"{secret[:8]}…" for secret in keys.values())


def call(stage: Stage) -> str:
    """Programs call with the keys: rows, and a private answer.
    A wrong key gets nothing; a retry is billed once."""
    rows, secret = stage.known["rows"], stage.known["keys"]["rows"]
    for wrong in ("", secret[:-1] + ("a" if secret[-1] != "a" else "b"), stage.known["keys"]["query"]):
        answer = _get(stage, rows, wrong, "wrong", year="2019")
        check(answer.status_code in (401, 403), f"a wrong key was answered with {answer.status_code}")
    first = _get(stage, rows, secret, "first", year="2019")
    check(first.status_code == 200, f"the call failed: {first.text[:300]}")
    found = first.json()
    check(
        all(row["year"] == 2019 for row in _rows(found)) and bool(_rows(found)),
        "the rows are not those asked for",
    )
    again = _get(stage, rows, secret, "first", year="2019")
    check(_rows(again.json()) == _rows(found), "a retry gave another result")
    second = _get(stage, rows, secret, "second", year="2018")
    private = _get(stage, stage.known["query"], stage.known["keys"]["query"], "private", year="2")
    check(second.status_code == private.status_code == 200, f"a call failed: {private.text[:300]}")
    said = private.json()
    check("errors" in said and bool(said["errors"]), "the private answer came without its errors")
    return (
        f"{len(_rows(found))} rows; visits of adults in year 2: {said['rows'][0][1]:.2f} ± {_error(said):.2f}"
    )


def invoice_preview(stage: Stage) -> str:
    """Buyer and seller see the same bill, equal to the usage lines to the last fen."""
    month = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m")
    total = 0
    for kind, officer, expected in (("rows", "zhou", [0, 30]), ("query", "lin", [500])):
        licence = stage.known["licences"][kind]
        path = f"/api/v1/invoices/preview?licence={licence}&month={month}"
        bill, sellers = stage.person("chen").market("GET", path), stage.person(officer).market("GET", path)
        lines = stage.person("chen").market("GET", f"/api/v1/usage?licence={licence}")["lines"]
        stage.known.setdefault("lines", []).extend(line["id"] for line in lines)
        amounts = sorted(line["amount_fen"] for line in lines)
        check(amounts == expected, f"the usage of {kind} is {amounts}, not {expected}")
        check(
            bill["total_fen"] == sum(amounts), f"the bill says {bill['total_fen']}, the lines {sum(amounts)}"
        )
        check(_amounts(bill) == _amounts(sellers), "buyer and seller see different bills")
        total += bill["total_fen"]
    return (
        f"{total / 100:.2f} yuan in {month}: two calls for rows (one free, one 0.30; the retry not "
        "billed), one private answer"
    )


def _amounts(bill: dict[str, Any]) -> object:
    return bill["total_fen"], bill["lines"]


def _get(stage: Stage, product: str, secret: str, once: str, **parameters: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.get(
        f"{stage.where.portal}/api/v1/call/{product}",
        params=parameters,
        timeout=60,
        trust_env=False,
        headers=headers | {"Idempotency-Key": f"tour-{stage.number}-{once}"},
    )


def _rows(said: dict[str, Any]) -> list[dict[str, Any]]:
    names = [column["name"] if isinstance(column, dict) else column for column in said["columns"]]
    return [dict(zip(names, row, strict=True)) for row in said["rows"]]


def _error(said: dict[str, Any]) -> float:
    return float(said["errors"][0]["visits"]["standard_error"])
