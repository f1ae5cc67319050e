"""Keys over HTTP: verdicts, rotation, who may; and a key is nowhere to be found after it was shown."""

import logging

import httpx
import pytest
from sqlalchemy import text

from sandbox.database import Database

PRODUCT = "inspections-by-business"


@pytest.fixture
def bought(city):
    city.list_rows()
    licence, key = city.buy(PRODUCT)
    return city, licence, key


def whole_database(database: Database) -> str:
    with database.transaction() as tx:
        tables = (
            tx.execute(
                text(
                    "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
                    "WHERE table_schema IN ('log', 'identity', 'vault', 'market')"
                )
            )
            .scalars()
            .all()
        )
        assert len(tables) > 20
        return "\n".join(
            str(row)
            for table in tables
            for row in tx.execute(text(f"SELECT t::text, encode(t::text::bytea, 'hex') FROM {table} t"))
        )


def number_of_key(city, licence: int) -> int:
    """Of the only key of a licence."""
    [key] = city.api("chen").get("/keys", params={"licence": licence}).json()["keys"]
    return int(key["id"])


def test_a_key_is_in_no_table_no_log_line_and_no_later_page(
    bought, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    city, licence, key = bought
    city.call(PRODUCT, key, "retry-1", year="2003")
    city.call(PRODUCT, key[:-1] + ("0" if key[-1] != "0" else "1"), year="2003")
    city.call("another", key, year="2003")
    httpx.get(f"{city.portal.url}/api/v1/call/{PRODUCT}", params={"year": "x"}, headers={"X-Api-Key": key})
    first = number_of_key(city, licence)
    rotated = city.api("chen").post(f"/keys/{first}/rotate", json={}).json()["key"]
    city.api("chen").post(f"/keys/{first}/revoke", json={})
    browser = city.portal.browser()
    browser.log_in("chen")
    pages = "".join(
        browser.get(page).text for page in (f"/licences/{licence}", "/licences", f"/licences/{licence}/bill")
    )
    listed = city.api("chen").get("/keys", params={"licence": licence}).text
    held = whole_database(database)
    for secret in (key, rotated):
        for random in (secret, secret[4:36]):
            assert random not in held and random.encode().hex() not in held
            assert random not in pages and random not in listed
    # pytest listens to uvicorn's own access log too, which the portal turns off: see test_portal_starts.py
    others = ("httpx", "httpcore", "uvicorn.access")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(others)]
    assert not [line for line in ours if key in line or rotated in line]
    assert not [line for line in ours if "year=" in line], "what a company asks is not in the log files"


def test_each_verdict_has_its_code_and_status(bought) -> None:
    city, licence, key = bought
    assert city.call(PRODUCT, key, year="2003").json()["usage"]["verdict"] == "VALID"
    cases = [
        (city.call(PRODUCT, "chk_typo", year="2003"), 401, "NOT_FOUND"),
        (city.call(PRODUCT, "chk_" + "0" * 38, year="2003"), 401, "NOT_FOUND"),
        (city.call("another-product", key, year="2003"), 403, "FORBIDDEN"),
    ]
    city.api("zhou").post(f"/licences/{licence}/revoke", json={"reason": "misuse"})
    cases.append((city.call(PRODUCT, key, year="2003"), 403, "DISABLED"))
    for answer, status, code in cases:
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_malformed_key_is_refused_without_a_look_up(portal, database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(text("ALTER TABLE market.keys RENAME TO keys_away"))
    answer = httpx.get(f"{portal.url}/api/v1/call/x", headers={"Authorization": "Bearer chk_not-a-key"})
    assert answer.json()["code"] == "NOT_FOUND"


def test_a_rotated_key_goes_on_for_a_while_and_then_stops(bought, database: Database) -> None:
    city, licence, old = bought
    first = number_of_key(city, licence)
    new = city.api("chen").post(f"/keys/{first}/rotate", json={"overlap_hours": 1}).json()["key"]
    assert city.call(PRODUCT, old, year="2003").status_code == 200
    assert city.call(PRODUCT, new, year="2003").status_code == 200
    with database.transaction() as tx:
        ended = text("UPDATE market.keys SET ends_at = now() - interval '1 second' WHERE id = :first")
        tx.execute(ended, {"first": first})
    assert city.call(PRODUCT, old, year="2003").json()["code"] == "EXPIRED"
    assert city.call(PRODUCT, new, year="2003").status_code == 200
    assert city.api("chen").post(f"/keys/{first}/rotate", json={}).status_code == 409


def test_keys_are_made_only_for_ones_own_live_licence(bought) -> None:
    city, licence, _ = bought
    # whose office is not to know of the licence is told that there is none
    for who, status in (("sun", 404), ("zhou", 403), ("wang", 404), ("he", 403)):
        assert city.api(who).post("/keys", json={"licence": licence}).status_code == status
    city.api("zhou").post(f"/licences/{licence}/revoke", json={"reason": "misuse"})
    assert city.api("chen").post("/keys", json={"licence": licence}).status_code == 403


def test_a_key_is_shut_by_its_holder_the_seller_or_an_operator(bought) -> None:
    city, licence, key = bought
    first = number_of_key(city, licence)
    for who, status in (("sun", 404), ("wang", 404), ("lin", 404)):
        assert city.api(who).post(f"/keys/{first}/revoke", json={}).status_code == status
    assert city.call(PRODUCT, key, year="2003").status_code == 200
    for who in ("zhou", "he", "chen"):
        made = city.api("chen").post("/keys", json={"licence": licence}).json()
        assert city.api(who).post(f"/keys/{made['id']}/revoke", json={"reason": "leaked"}).status_code == 204
        assert city.call(PRODUCT, made["key"], year="2003").json()["code"] == "DISABLED"


def test_a_licence_that_is_over_is_expired_in_the_log_once(bought, database: Database) -> None:
    city, _, key = bought
    with database.transaction() as tx:
        tx.execute(text("UPDATE market.licences SET ends_at = now() - interval '1 day'"))
    for _ in range(3):
        assert city.call(PRODUCT, key, year="2003").json()["code"] == "EXPIRED"
    with database.transaction() as tx:
        assert (
            tx.execute(
                text("SELECT count(*) FROM log.entries WHERE entry LIKE '%licence.expired%'")
            ).scalar_one()
            == 1
        )
        assert tx.execute(text("SELECT count(*) FROM market.usage_lines")).scalar_one() == 0
