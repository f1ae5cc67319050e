"""An officer decides on a page with all facts, which then says what happens next; and watches what is out of
the ordinary. Auditors search the log, see trails and export; operators see the health of every part, set
maintenance and announce. Others see none of it."""

import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select, text

from listed_market import words_of
from sandbox.audit import verify_receipt
from sandbox.grants.tables import grants

END = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
NEW = {"text_zh": "升级数据库", "text_en": "The database is upgraded", "ends_at": END}
WISH = {"dataset": "clinic.visits", "team": "cihu-lake", "epsilon": "1", "until": "2027-06-30"}


@pytest.fixture(scope="module")
def ask(shared_city):
    """Asks for access as wang; gives the address of the officer's page."""

    def asked() -> str:
        made = shared_city.vault("wang").post("/requests", json={**WISH, "purpose": "研究各年就诊次数的变化"})
        assert made.status_code == 201, made.text
        return f"/queue/requests/{made.json()['id']}"

    return asked


def test_the_queue_and_the_desk_lead_to_all_facts_and_a_decision_says_what_is_next(ask, person) -> None:
    address, officer = ask(), person("lin")
    assert f'href="{address}"' in officer.get("/queue").text and f'href="{address}"' in officer.get("/").text
    page = officer.get(address).text
    for fact in ("王湖", "研究各年就诊次数的变化", "clinic.visits", "连同团队现有数据", "本次增加", "人群"):
        assert fact in page, fact
    sent = officer.send(address, f"{address}/approve", epsilon="0.5", until="2027-03-31", note="先给一半")
    assert sent.status_code == 303 and sent.headers["location"] == address
    decided = officer.get(address).text
    assert "接下来" in decided and "先给一半" in decided and "ε 0.5" in decided
    assert f'action="{address}/approve"' not in decided
    # what the team holds now counts when it asks again
    again = officer.get(ask()).text
    assert "ε 0.5" in again and "目前没有有效授权" not in again


def test_a_refusal_without_a_reason_is_shown_again_and_one_with_it_is_final(ask, person) -> None:
    address, officer = ask(), person("lin")
    refused = officer.send(address, f"{address}/refuse", reason="no")
    assert refused.status_code == 422 and 'role="alert"' in refused.text
    assert officer.send(address, f"{address}/refuse", reason="请写明研究方法").status_code == 303
    assert "请写明研究方法" in officer.get(address).text and "重新申报" in officer.get(address).text


def test_auditors_read_it_and_nobody_else_does(ask, person) -> None:
    address = ask()
    seen = person("xu").get(address)
    assert seen.status_code == 200 and "/approve" not in seen.text and "您不能审批" in seen.text
    for who in ("wang", "zhou"):
        assert person(who).get(address).status_code in (403, 404)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_risk_watch_links_to_its_objects_and_is_a_report_to_print(
    ask, person, shared_database, language
) -> None:
    officer = person("lin")
    address = ask()
    officer.send(address, f"{address}/approve", epsilon="1", until="2027-03-31")
    with shared_database.transaction() as tx:
        assert tx.execute(select(grants.c.id).limit(1)).first() is not None
    officer.client.cookies.set("cihu_language", language)
    for path in ("/risks", "/risks/report"):
        page = officer.get(path)
        assert page.status_code == 200, page.text
        assert not re.search(r"<style|style=|<script(?![^>]*src=)", page.text)
        words = words_of(page.text)
        assert ("阈值" in words) == (language == "zh") and ("Thresholds" in words) == (language == "en")
    officer.client.cookies.set("cihu_language", "zh")
    assert person("xu").get("/risks").status_code == 200
    assert person("wang").get("/risks").status_code == 403


@pytest.fixture
def maintenance(shared_city):
    """Sets maintenance as he; ended after the test."""
    portal = shared_city.api("he")
    made = portal.post("/maintenance", json=NEW)
    assert made.status_code == 200, made.text
    yield made.json()
    portal.post(f"/maintenance/{made.json()['id']}/end")


def test_an_auditor_searches_the_log_and_takes_an_export_that_proves_itself(person, shared_city) -> None:
    auditor = person("xu")
    page = auditor.get("/log/search?person=lin&object=dataset:clinic.visits")
    assert page.status_code == 200 and "/log/objects/dataset/clinic.visits" in page.text
    key = shared_city.vault("xu").get("/log/key").json()["key"]
    sent = auditor.send("/log/search", "/log/exports", format="ndjson", person="lin")
    assert sent.status_code == 200
    proven = [verify_receipt(json.loads(line), key) for line in sent.text.splitlines()]
    assert proven and all(each.opened for each in proven)
    wrong = auditor.get("/log/search?object=nothing&person=lin")
    assert wrong.status_code == 422 and 'role="alert"' in wrong.text and 'value="lin"' in wrong.text


def test_an_officer_sees_the_trail_of_their_dataset_and_no_search(person) -> None:
    officer = person("lin")
    assert "/log/objects/dataset/clinic.visits" in officer.get("/datasets/clinic.visits").text
    trail = officer.get("/log/objects/dataset/clinic.visits")
    assert trail.status_code == 200 and "#receipt" in trail.text
    for place in ("/log/search", "/log/objects/account/wang", "/log/objects/dataset/no.such"):
        assert officer.get(place).status_code == 403, place


def test_a_licence_shows_its_trail_to_its_company_and_to_its_seller_only(person, shared_city) -> None:
    shared_city.list_rows(id="trailed-rows")
    licence, _ = shared_city.buy("trailed-rows")
    page = person("chen").get(f"/licences/{licence}").text
    places = re.findall(r'href="(/log/objects/(?:licence|key)/\d+)"', page)
    assert len(places) == 2
    for place in (*places, "/log/objects/account/chen"):
        trail = person("chen").get(place)
        assert trail.status_code == 200 and "#receipt" in trail.text, place
    for place in places:
        assert "–" in person("zhou").get(place).text  # whose key it is, is the company's
        for who in ("lin", "wang"):
            refused = person(who).get(place)
            nothing = person(who).get("/log/objects/licence/999999")
            assert refused.status_code == nothing.status_code == 403
    assert "/log/objects/product/trailed-rows" in person("zhou").get("/products/trailed-rows").text
    assert person("zhou").get("/log/objects/product/trailed-rows").status_code == 200


def test_everybody_sees_how_checkpoints_continue_each_other(person) -> None:
    page = person("wang").get("/log/witnesses")
    assert page.status_code == 200 and "cihu witness run" in page.text
    assert "本日志尚无已知的见证方" in page.text
    assert person("wang").get("/log/witnessed-checkpoint.txt").status_code == 404
    assert "未能证明" not in page.text


def test_officers_see_how_departments_work_and_teams_do_not(person, shared_city) -> None:
    assert person("lin").get("/scoreboard").status_code == 200
    assert person("wang").get("/scoreboard").status_code == 403
    slid = shared_city.vault("lin").get("/scoreboard?days=93")  # windows of any length tell by difference
    assert slid.status_code == 422 and slid.json()["code"] == "invalid_input", slid.text


def test_an_operator_sees_each_part_and_nothing_of_data(person, shared_city) -> None:
    page = person("he").get("/health")
    assert page.status_code == 200
    words = words_of(page.text)
    for part in ("门户", "保险库", "计算引擎", "工作空间服务", "备份"):
        assert part in words, part
    known = shared_city.api("he").get("/health").json()
    assert {each["name"] for each in known["parts"]} >= {"portal", "vault", "vault.engine", "hub"}
    assert [each["state"] for each in known["backups"]] == ["bad"] * 3
    assert "clinic" not in json.dumps(known) and "/tmp" not in json.dumps(known)
    for who in ("lin", "xu", "wang"):
        assert person(who).get("/health").status_code == 403


def test_a_backup_is_recorded_and_verified_and_one_of_the_future_is_not(shared_city) -> None:
    operator, now = shared_city.api("he"), datetime.now(UTC)
    made = {"what": "database", "label": "nightly-1", "made_at": (now - timedelta(hours=1)).isoformat()}
    assert operator.post("/backups", json=made).json()["verified_at"] is None
    verified = operator.post("/backups", json={**made, "verified_at": now.isoformat()})
    assert verified.json()["verified_at"] is not None
    standing = operator.get("/health").json()["backups"][0]
    assert standing["state"] == "ok"
    future = {**made, "label": "x", "made_at": (now + timedelta(days=1)).isoformat()}
    assert operator.post("/backups", json=future).status_code == 422
    assert shared_city.api("xu").post("/backups", json=made).status_code == 403


def test_during_maintenance_changes_are_refused_and_reading_goes_on(maintenance, person, shared_city) -> None:
    team = person("wang")
    page = team.get("/datasets")
    assert page.status_code == 200 and "升级数据库" in page.text
    refused = team.send("/demands", "/demands", title="x", purpose="y", department="health")
    assert refused.status_code == 503 and "升级数据库" in refused.text
    assert 0 < int(refused.headers["retry-after"]) <= 3 * 3600 + 1
    vault = shared_city.vault("wang")
    wish = {"dataset": "clinic.visits", "team": "cihu-lake", "epsilon": "1", "until": "2027-06-30"}
    answer = vault.post("/requests", json={**wish, "purpose": "研究各年就诊次数的变化"})
    assert answer.status_code == 503 and answer.json()["code"] == "maintenance"
    assert "retry-after" in answer.headers
    assert vault.get("/datasets").status_code == 200


def test_a_call_during_maintenance_is_refused_and_has_no_usage_line(shared_city, shared_database) -> None:
    shared_city.list_rows()
    _, key = shared_city.buy("inspections-by-business")
    operator = shared_city.api("he")
    number = operator.post("/maintenance", json=NEW).json()["id"]

    def call() -> httpx.Response:
        return shared_city.call("inspections-by-business", key, business="A", year="2019")

    def lines() -> int:
        with shared_database.transaction() as tx:
            return tx.scalar(text("SELECT count(*) FROM market.usage_lines"))

    while call().status_code != 503:
        pass  # the portal has not heard of it yet
    before, refused = lines(), call()
    operator.post(f"/maintenance/{number}/end")
    assert refused.status_code == 503 and refused.json()["code"] == "maintenance"
    assert int(refused.headers["retry-after"]) > 0
    assert lines() == before


def test_only_operators_set_maintenance_and_a_form_keeps_what_was_typed(person) -> None:
    operator = person("he")
    typed = {"text_zh": "升级", "text_en": "Upgrade", "ends_at": "2020-01-01T00:00"}
    sent = operator.send("/operations", "/operations/maintenance", **typed)
    assert sent.status_code == 422 and "升级" in sent.text and "2020-01-01T00:00" in sent.text
    for who in ("xu", "lin"):
        assert person(who).get("/operations").status_code == 403


def test_an_announcement_is_seen_by_its_audience_until_it_is_dismissed(person, shared_city) -> None:
    operator = shared_city.api("he")
    new = {"text_zh": "周五培训", "text_en": "Training on Friday", "ends_at": END, "audience": "officers"}
    made = operator.post("/announcements", json=new).json()
    officer = person("lin")
    assert "周五培训" in officer.get("/").text
    assert "周五培训" not in person("wang").get("/").text
    gone = officer.client.post(f"/announcements/{made['id']}/dismiss", follow_redirects=False)
    assert gone.status_code == 303
    assert "周五培训" not in officer.get("/").text
    officer.client.cookies.delete("cihu_dismissed")
    assert "周五培训" in officer.get("/").text
    assert operator.post(f"/announcements/{made['id']}/withdraw").status_code == 200
    assert "周五培训" not in officer.get("/").text


def test_a_refused_deed_is_explained_to_whoever_asked_and_to_the_officer(ask, person, shared_city) -> None:
    number = ask().rpartition("/")[2]
    refused = shared_city.vault("wang").post(f"/requests/{number}/approve", json={})
    assert refused.status_code == 403, refused.text
    for who in ("wang", "lin"):
        browser = person(who)
        browser.client.cookies.set("cihu_language", "zh")
        listed = browser.get("/decisions")
        assert "审批使用申报" in words_of(listed.text)
        address = re.search(r'href="(/decisions/\d+)"', listed.text)[1]
        page = words_of(browser.get(address).text)
        assert f"wang 请求审批使用申报：使用申报 {number}。" in page
        assert "任何人不得审批自己所在团队的申请。" in page
        assert "wang 具有数据专员角色，并且" in page
        browser.client.cookies.set("cihu_language", "en")
        page = words_of(browser.get(address).text)
        assert "wang had the role data officer, and wang belonged to the department that answers" in page
        assert ("(health)" in page) == (who == "lin")
        browser.client.cookies.delete("cihu_language")
    assert person("li").get(address).status_code == 404
    trail = person("lin").get(f"/log/objects/request/{number}").text
    assert address in trail


def test_the_rules_are_asked_on_a_page_and_what_was_typed_stays(person) -> None:
    officer = person("lin")
    officer.client.cookies.set("cihu_language", "zh")
    asked = {"person": "wang", "action": "publish", "id": "clinic.visits", "team": ""}
    page = officer.client.get("/decisions/what-if", params=asked)
    assert page.status_code == 200 and "这不是决定" in page.text
    assert "wang 具有数据专员角色" in words_of(page.text)
    wrong = officer.client.get("/decisions/what-if", params={**asked, "person": "nobody"})
    assert wrong.status_code == 404 and 'value="nobody"' in wrong.text and 'role="alert"' in wrong.text
    assert person("wang").client.get("/decisions/what-if", params=asked).status_code == 403
