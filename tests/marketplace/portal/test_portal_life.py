"""The pages of versions, of the end of a dataset, and of demands, with a real vault, in both languages."""

from datetime import UTC, datetime, timedelta

from marketplace.portal.life_messages import LIFE_MESSAGES
from story import POLICY, rows_csv

NAME = "clinic.visits"
PAGE = f"/datasets/{NAME}/versions"
ACTION = f"/datasets/{NAME}/lifecycle"
OTHER = POLICY.replace("[north, south, east]", "[north, south]")


def test_a_wrong_version_is_published_seen_and_withdrawn_by_two(shared_city, person) -> None:
    shared_city.publish("lin", OTHER, rows_csv(40))
    lin, hua, wang = person("lin"), person("hua"), person("wang")
    page = wang.get(PAGE).text
    assert "east" in page and "不兼容" in page and ACTION not in page, "an analyst sees, and ends nothing"
    for browser in (wang, lin, hua):
        browser.get("/language/en?next=/")
    assert "breaking" in wang.get(PAGE).text
    typed = lin.send(PAGE, ACTION, kind="withdraw", version="two", reason="a wrong file")
    assert typed.status_code == 422 and "2027-06-30" in typed.text and "a wrong file" in typed.text
    assert lin.send(PAGE, ACTION, kind="withdraw", version="2", reason="a wrong file").status_code == 303
    page = lin.get(PAGE).text
    assert f"{ACTION}/1/drop" in page and f"{ACTION}/1/agree" not in page
    assert hua.send(PAGE, f"{ACTION}/1/agree").status_code == 303
    again = hua.client.post(
        f"{ACTION}/1/agree", data={"csrf": hua.get("/me").text.split('name="csrf" value="')[1].split('"')[0]}
    )
    assert again.status_code == 422 and "Step 1 is done" in again.text
    for seen in (wang.get(PAGE), wang.get(f"/datasets/{NAME}")):
        assert seen.status_code == 200 and "a wrong file" in seen.text


def test_a_retirement_is_announced_to_those_who_look(person) -> None:
    lin = person("lin")
    last_day = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    assert lin.send(PAGE, ACTION, kind="retire", last_day=last_day, reason="replaced").status_code == 303
    step = lin.get(PAGE).text.split(f"{ACTION}/")[1].split("/")[0]
    assert person("hua").send(PAGE, f"{ACTION}/{step}/agree").status_code == 303
    assert last_day in person("wang").get(f"/datasets/{NAME}").text
    assert last_day in lin.get("/requests").text, "officers of the department are called, too"


def test_data_are_asked_for_and_the_department_answers(person) -> None:
    wang, lin = person("wang"), person("lin")
    assert "/demands" in wang.get("/datasets").text
    asked = wang.send("/demands", "/demands", title="接种记录", purpose="与就诊比较", department="health")
    assert asked.status_code == 303
    number = asked.headers["location"].rpartition("-")[2]
    action = f"/demands/{number}/answer"
    assert action not in person("zhou").get("/demands").text, "another department does not answer"
    missing = lin.send("/demands", action, state="met", answer="")
    assert missing.status_code == 422
    done = lin.send("/demands", action, state="met", answer="已发布", dataset=NAME)
    assert done.status_code == 303
    page = wang.get("/demands").text
    assert "接种记录" in page and "已发布" in page and f"/datasets/{NAME}" in page
    nowhere = wang.send("/demands", "/demands", title="x", purpose="y", department="nobody")
    assert nowhere.status_code == 422


def test_a_buyer_is_told_on_their_licence(shared_city, person) -> None:
    shared_city.list_rows()
    licence, _ = shared_city.buy("inspections-by-business")
    page = f"/licences/{licence}"
    assert "wrong scores" not in person("chen").get(page).text
    done = shared_city.vault("zhou").post(
        "/datasets/market.inspections/lifecycle",
        json={"kind": "withdraw", "version": 1, "reason": "wrong scores"},
    )
    assert done.json()["state"] == "done"
    assert "wrong scores" in person("chen").get(page).text


def test_every_word_has_both_languages() -> None:
    assert all(zh and en for zh, en in LIFE_MESSAGES.values())


def test_an_officer_copies_open_data_and_takes_its_contract_on_the_page(shared_city, person) -> None:
    policy = """
dataset: market.copied
title: {zh: 检查, en: Inspections}
summary: {zh: 各单位的检查评分, en: Scores of inspections}
department: market
grade: "1"
source: {name: made up, licence: CC0-1.0}
catalogue: {opening: open, updates: monthly}
columns:
  business: {role: attribute, type: text, title: {zh: 单位名称, en: business}}
"""
    shared_city.publish("zhou", policy, b"business\nA\nB\n")
    address = "/datasets/market.copied/versions"
    officer = person("zhou")
    copied = officer.send(address, "/datasets/market.copied/open-copy")
    assert copied.status_code == 200 and "已复制 2 行、1 栏" in copied.text, copied.text
    contract = officer.get("/datasets/market.copied/contract.json")
    assert contract.json()["kind"] == "DataContract"
    assert "open-copy" not in person("wang").get(address).text
    assert person("wang").get("/datasets/market.copied/contract.json").status_code == 403
