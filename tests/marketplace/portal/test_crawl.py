"""Every page that somebody who is logged in can reach by links is shown, in one language, without anything
inline; and every deed of the API has its page, or says why it has none."""

import json
import re
from collections import deque
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from listed_market import words_of
from marketplace.app import create_app
from marketplace.settings import REPOSITORY
from page_routes import deeds_of, inner_app

PEOPLE = ("wang", "chen", "lin", "he", "xu")  # a team, a company, an officer, an operator, an auditor
ELSEWHERE = ("/help", "/language", "/static", "/docs", "/log")
"""Built apart, a redirect, files, the API's description; the log is of the public face, and crawled there."""
TYPED = re.compile(
    "王湖|李溪|赵山|陈商|华青|林岚|唐宁|何运|许鉴|孙|周正|市场监管|须经批准|保险产品研究|选址分析"
)
"""What the people of the story typed: it is shown as it is, in both languages."""
ANOTHER = {
    "en": r"[^\n]*[\u4e00-\u9fff][^\n]*",
    "zh": r"[A-Za-z]{4,} [A-Za-z]{3,} [A-Za-z]{2,}",
}
MANY = 3
"""So many pages of one path with different queries are enough."""
ACTIONS = Path(__file__).with_name("actions.yaml")


@pytest.fixture(scope="module")
def lived_in(shared_city, listed) -> None:
    """A city in which something was sold, and where an officer has taken on a request that waits."""
    shared_city.list_query()
    shared_city.buy("inspections-by-business")
    wish = {"dataset": "clinic.visits", "team": "cihu-lake", "epsilon": "1", "until": "2027-06-30"}
    wish["purpose"] = "保险产品研究，选址分析"
    asked = shared_city.vault("wang").post("/requests", json=wish).json()
    taken = shared_city.vault("lin").post(f"/waiting/request/{asked['id']}/take-on", json={})
    assert taken.status_code == 200, taken.text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("who", PEOPLE)
def test_all_that_is_linked_is_shown_in_one_language(lived_in, person, who, language) -> None:
    browser = person(who)
    browser.client.cookies.set("cihu_language", language)
    waiting, seen = deque(["/", "/me"]), set()
    while waiting:
        place = waiting.popleft()
        if place in seen:
            continue
        seen.add(place)
        answer = browser.get(place)
        assert answer.status_code == 200, (who, place, answer.status_code)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        page = answer.text
        assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=|javascript:", page), place
        words = TYPED.sub("", words_of(page))
        assert not re.findall(ANOTHER[language], words), (who, place, re.findall(ANOTHER[language], words))
        for link in re.findall(r'href="([^"]+)"', page):
            target = urlsplit(unescape(link))
            if target.netloc or not target.path or target.path.startswith(ELSEWHERE):
                continue
            alike = sum(each.startswith(f"{target.path}?") for each in seen)
            if not target.query:
                waiting.append(target.path)
            elif alike < MANY:
                waiting.append(f"{target.path}?{target.query}")
    assert len(seen) > 30


def test_every_deed_has_its_page_or_says_why_not(portal_settings) -> None:
    listing = yaml.safe_load(ACTIONS.read_text("utf-8"))
    routes = set(deeds_of(inner_app(create_app(portal_settings))))
    for part in ("vault", "portal"):
        described = json.loads((REPOSITORY / f"docs/openapi/{part}.json").read_text("utf-8"))
        deeds = {
            operation["operationId"]
            for methods in described["paths"].values()
            for operation in methods.values()
            if isinstance(operation, dict) and "operationId" in operation
        }
        pages, programs = listing[part], listing["programs"][part]
        assert not pages.keys() & programs.keys()
        assert pages.keys() | programs.keys() == deeds, "each deed is on one page, or for programs"
        missing = {name: page for name, page in pages.items() if page not in routes}
        assert not missing, "these pages are not there"
