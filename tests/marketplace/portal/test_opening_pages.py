"""The pages of reviews before opening, of data elements and of responsibilities, with a real vault."""

import re
from functools import cache

import pytest

from marketplace.portal.opening_messages import OPENING_MESSAGES
from story import POLICY, rows_csv

DATASET = "clinic.held"
HELD = POLICY.replace("clinic.visits", DATASET).replace("[0, 100]", "[0, 873]")


@pytest.fixture(scope="module")
def person(shared_city):
    """Somebody's browser, logged in once for all tests."""

    @cache
    def logged_in(who: str):
        browser = shared_city.portal.browser()
        assert browser.log_in(who).status_code == 303
        return browser

    return logged_in


@pytest.fixture(scope="module")
def review(shared_city) -> str:
    """The address of a review that waits."""
    told = shared_city.vault("lin").post(
        "/datasets", data={"policy": HELD}, files={"file": ("rows.csv", rows_csv(20))}
    )
    assert told.status_code == 201, told.text
    return f"/openings/{told.json()['held']['review']}"


def answered(browser, page: str, answer: str = "yes", note: str = "") -> object:
    """Everything that the page asks of whoever reads it, in the order of its form."""
    items = re.findall(r'name="item" value="([a-z_]+)"', browser.get(page).text)
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get(page).text)
    assert items and csrf
    data = {"csrf": csrf[1], "item": items, "answer": [answer] * len(items), "note": [note] * len(items)}
    return browser.client.post(f"{page}/answers", data=data)


def test_two_officers_answer_on_their_pages_and_the_dataset_opens(person, review: str) -> None:
    lin, tang, wang = person("lin"), person("tang"), person("wang")
    assert wang.get(f"/datasets/{DATASET}").status_code == 404
    assert wang.get(review).status_code == 403 and person("zhou").get(review).status_code == 404
    assert lin.get(f"/datasets/{DATASET}").headers["location"] == f"/datasets/{DATASET}/versions"
    assert "待审查" in lin.get(f"/datasets/{DATASET}/versions").text
    assert f'href="{review}"' in tang.get("/openings").text and "首次开放" in tang.get(review).text
    assert answered(lin, review).status_code == 303
    page = tang.get(review).text
    assert "请查看：cost" in page and "bounds: [0, 873]" in page, "the reviewer sees columns and the policy"
    refused = answered(tang, review)
    assert refused.status_code == 422 and "说明至少 5 个字符" in refused.text
    assert 'value="yes" selected' in refused.text, "what was chosen is there still"
    assert answered(tang, review, "no").status_code == 303
    assert wang.get(f"/datasets/{DATASET}").status_code == 404, "a no opens nothing"
    assert answered(tang, review, note="数值来自收费标准").status_code == 303
    assert "已开放" in tang.get(review).text
    assert wang.get(f"/datasets/{DATASET}").status_code == 200


def test_a_refusal_says_why_on_the_page(shared_city, person) -> None:
    told = shared_city.vault("lin").post(
        "/datasets",
        data={"policy": HELD.replace(DATASET, "clinic.refused")},
        files={"file": ("rows.csv", rows_csv(20))},
    )
    page = f"/openings/{told.json()['held']['review']}"
    tang = person("tang")
    assert tang.send(page, f"{page}/refuse", reason="no").status_code == 422
    assert tang.send(page, f"{page}/refuse", reason="the grade of cost is too low").status_code == 303
    assert "the grade of cost is too low" in person("lin").get(page).text


def test_elements_are_listed_for_everybody(person) -> None:
    page = person("wang").get("/elements").text
    assert "age_years" in page and "GB/T 2261.1-2003" in page
    assert "0 – 120" in person("wang").get("/elements/age_years").text
    assert person("wang").get("/elements/no-such").status_code == 404


def test_an_operator_closes_an_account_after_its_responsibilities_are_handed_over(
    shared_city, person
) -> None:
    he, tang = person("he"), person("tang")
    assert "clinic" in person("lin").get("/responsibilities").text
    own = tang.send("/responsibilities", "/responsibilities/tang", to="lin", reason="moves on", deed="close")
    assert own.status_code == 422, "only operators close accounts"
    assert person("wang").get("/responsibilities?account=lin").status_code == 404
    page = "/responsibilities?account=lin"
    nobody = he.send(page, "/responsibilities/lin", to="", reason="left the department", deed="close")
    assert nobody.status_code == 422 and person("lin").get("/me").status_code == 200, "nothing is half done"
    done = he.send(page, "/responsibilities/lin", to="tang", reason="left the department", deed="close")
    assert done.status_code == 303, done.text
    assert person("lin").get("/me").status_code in (303, 401)
    assert shared_city.portal.browser().log_in("lin").status_code != 303


def test_every_word_has_both_languages() -> None:
    assert all(zh and en for zh, en in OPENING_MESSAGES.values())
