"""The start page says what waits for whoever looks, the most urgent first, and what could not be read."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.portal.desk import Task, desk_of
from marketplace.vault import Vault
from sandbox.identity import TokenIssuer, load_principal


@pytest.fixture(scope="module")
def waiting(shared_city) -> str:
    """A request that waits for lin, and an order of chen's."""
    wish = {"dataset": "clinic.visits", "team": "cihu-lake", "epsilon": "1", "until": "2027-06-30"}
    wish["purpose"] = "研究各年就诊次数的变化"
    asked = shared_city.vault("wang").post("/requests", json=wish)
    assert asked.status_code == 201, asked.text
    shared_city.list_query()
    order = {"product": "visits-by-year", "use": "industry", "calls_per_month": 100, "calls_per_second": 1}
    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    placed = shared_city.api("chen").post("/orders", json=order | {"ends_on": until})
    assert placed.status_code == 201, placed.text
    return f"#{asked.json()['id']} clinic.visits"


def headings(page: str) -> list[str]:
    return re.findall(r"<h2>([^<]+)</h2>", page)


def test_each_sees_what_waits_for_them_and_what_others_are_to_do(waiting, person) -> None:
    officer, team, buyer = (person(who).get("/").text for who in ("lin", "wang", "chen"))
    assert f"{waiting} ← cihu-lake" in officer and "审批申报" in officer and "审批订单" in officer
    assert "等待他人处理" in team and waiting in team and "责任方：health" in team
    assert "订单待审批" in buyer and "审批订单" not in buyer
    assert "没有等您处理" in person("xu").get("/").text
    for page in (officer, team, buyer):
        assert headings(page)[0].startswith("等您处理")


def test_what_is_late_comes_first_then_the_nearest_deadline() -> None:
    now = datetime.now(UTC)
    late = Task("review", "late", "/", due=now - timedelta(hours=1))
    soon = Task("review", "soon", "/", due=now + timedelta(hours=1))
    old = Task("request", "old", "/", since=now - timedelta(days=9))
    assert sorted([soon, old, late], key=lambda task: task.order) == [late, old, soon]


def test_a_vault_that_is_away_is_said_and_hides_nothing_else(waiting, shared_database, tmp_path) -> None:
    away = Vault("http://127.0.0.1:9", TokenIssuer("portal", tmp_path, shared_database), timeout_seconds=1)
    with shared_database.transaction() as tx:
        officer = load_principal(tx, "lin")
    desk = desk_of(officer, away, shared_database)
    assert "requests" in desk.unread and [task.kind for task in desk.own] == ["order"]
