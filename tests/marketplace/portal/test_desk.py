"""The start page says what waits for whoever looks, the most urgent first, and what could not be read."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest

from marketplace.portal.desk import DECIDED_AS, LINKS, Task, desk_of
from marketplace.portal.market_things import market_context
from marketplace.portal.messages import MESSAGES
from marketplace.portal.named_persons import NamedPersons
from marketplace.settings import REPOSITORY
from marketplace.vault import Vault
from sandbox.city_time import CITY_TIME
from sandbox.identity import TokenIssuer, load_principal
from sandbox.oversight.deadlines import USUAL_DAYS, Deadlines, read_deadlines
from sandbox.oversight.waiting_kinds import MarketKind, VaultKind
from story import city_gate

POLICIES = REPOSITORY / "policies"


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
    queue = person("lin").get("/queue").text
    for page in (officer, queue):  # each has a day and somebody who is responsible
        assert len(re.findall(r"截止 2[^<]*(?:<span[^>]*>[^<]*</span>)?[^<]*责任方：", page)) >= 2
    assert "等待他人处理" in team and waiting in team and "责任方：卫生健康委员会" in team
    assert "订单待审批" in buyer and "审批订单" not in buyer
    quiet = person("xu").get("/").text
    assert "没有等您处理" in quiet and "您可以做什么" in quiet and 'href="/risks"' in quiet
    assert "您可以做什么" in team and "您可以做什么" not in officer
    for page in (officer, team, buyer):
        assert headings(page)[0].startswith("等您处理")


def test_the_queue_says_none_to_nobody_who_may_not_see(waiting, person) -> None:
    team, operator = (person(who).get("/queue").text for who in ("wang", "he"))
    assert "申报由数据专员审批" in team and "没有" not in team and "有效的授权" not in team
    assert "待审批的订单" in operator and "待审批的申报" not in operator and "有效的授权" not in operator


def test_an_officer_takes_it_on_hands_it_over_and_gives_it_back(waiting, person) -> None:
    """A request, which the vault keeps, and an order, which the market does; both are still to be decided."""
    lin, hua = person("lin"), person("hua")
    number = waiting.split()[0][1:]
    order = re.findall(r"/waiting/order/(\d+)/take-on", lin.get("/").text)[0]
    for kind, id in (("request", number), ("order", order)):
        page = f"/waiting/{kind}/{id}"
        assert "尚无人接办" in lin.get(page).text
        assert lin.send("/?whose=nobody", f"{page}/take-on").status_code == 303
        assert page not in hua.get("/?whose=nobody").text and page not in hua.get("/?whose=mine").text
        mine = lin.get("/?whose=mine").text
        assert page in mine and "您已接办" in mine and "已接办" in hua.get("/queue").text
        wrong = lin.send(page, f"{page}/hand-over", to="zhou", note="请处理")
        assert wrong.status_code == 422 and 'value="请处理"' in wrong.text
        assert lin.send(page, f"{page}/hand-over", to="hua", note="请处理").status_code == 303
        assert page in hua.get("/?whose=mine").text and "请处理" in hua.get(page).text
        assert "转交给您办理" in hua.get("/notices").text
        assert {person(who).get(page).status_code for who in ("zhou", "wang")} == {404}
        assert lin.send(page, f"{page}/take-on").status_code == 303, "it names hua, from whom it is taken"
        assert "接手了您的" in hua.get("/notices").text
    facts = lin.get(f"/queue/requests/{number}").text
    assert "您已接办" in facts and "批准" in hua.get(f"/queue/requests/{number}").text
    for who, kind, id in (("lin", "nonsense", "1"), ("lin", "request", "0"), ("wang", "request", number)):
        answer = person(who).get(f"/waiting/{kind}/{id}")
        assert answer.status_code == 404 and "没有这样等您处理的事项" in answer.text
    page = f"/waiting/request/{number}"
    assert lin.send(page, f"{page}/give-back").status_code == 303 and "尚无人接办" in lin.get(page).text
    assert "有人退回了已接办的事项" in lin.get(f"/log/objects/request/{number}").text


def test_what_is_late_comes_first_then_risks_then_what_waits_longest() -> None:
    now = datetime.now(UTC)
    late = Task("review", "late", "/", since=now, due=now - timedelta(hours=1))
    risk = Task("many_questions", "risk", "/", since=now, risk=True)
    old = Task("request", "old", "/", since=now - timedelta(days=9))
    new = Task("review", "new", "/", since=now - timedelta(days=1), due=now + timedelta(hours=1))
    assert sorted([new, old, risk, late], key=lambda task: task.order) == [late, risk, old, new]


def test_every_kind_that_waits_has_words_and_a_deadline_and_the_city_s_days_count() -> None:
    """What only informs, and what has a day of its own, has none here."""
    known = {key.removeprefix("task.") for key in MESSAGES if key.startswith("task.")}
    informs = {"approved", "run_finished", "run_in_review", "run_returned", "run_interrupted"}
    dated = {"review", "opening", "problem", "invoice"}
    deadlines = read_deadlines(POLICIES)
    assert known - informs - dated - DECIDED_AS.keys() == USUAL_DAYS.keys() - {"risk"}
    assert LINKS.keys() == {*get_args(VaultKind), *get_args(MarketKind)}
    assert deadlines.days == USUAL_DAYS, "the file says what holds without it"
    friday = datetime(2026, 11, 27, 10, tzinfo=UTC)
    closed = Deadlines({"request": 2}, {date(2026, 11, 30)})
    assert closed.due("request", friday) == datetime(2026, 12, 2, 23, 59, 59, tzinfo=CITY_TIME)
    assert closed.due("run_finished", friday) is None is closed.due("request", None)


def test_a_vault_that_is_away_is_said_and_hides_nothing_else(waiting, shared_database, tmp_path) -> None:
    away = Vault("http://127.0.0.1:9", TokenIssuer("portal", tmp_path, shared_database), timeout_seconds=1)
    with shared_database.transaction() as tx:
        officer = load_principal(tx, "lin")
    deadlines = read_deadlines(POLICIES)
    named = NamedPersons(away, market_context(shared_database, city_gate(), deadlines, POLICIES))
    desk = desk_of(officer, away, shared_database, deadlines, named)
    assert "waiting" in desk.unread and [task.kind for task in desk.own] == ["order"]
