"""A city whose market has what people without an account see, and how pages are read for their languages."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from story import POLICY, rows_csv

LISTED = """
dataset: market.{name}
title: {{zh: "{zh}", en: "{en}"}}
summary: {{zh: 各单位的检查评分, en: Scores of inspections}}
department: market
grade: "1"
source: {{name: made up, licence: CC0-1.0}}
catalogue: {{classification: [市场监管], opening: {opening}{condition}, updates: monthly}}
columns:
  business: {{role: attribute, type: text, title: {{zh: 单位名称, en: business}}}}
  year: {{role: attribute, type: integer, title: {{zh: 年份, en: year}}}}
  score: {{role: attribute, type: integer, title: {{zh: 评分, en: score}}}}
  secret_note: {{role: hidden, type: text, title: {{zh: 内部备注, en: internal note}}}}
"""
ROWS = b"business,year,score,secret_note\nA,2019,90,x\nB,2020,81,y\nC,2021,77,z\n"
CONDITION = ", opening_condition: 须经批准"


@pytest.fixture(scope="module")
def listed(shared_city) -> None:
    """One dataset that is open without a condition, with a copy and a product; one with; both of zhou's."""
    for name, opening, zh, en in (
        ("open", "open", "餐饮检查", "Restaurant inspections"),
        ("conditional", "conditional", "游泳池检查", "Pool inspections"),
    ):
        condition = CONDITION if opening == "conditional" else ""
        policy = LISTED.format(name=name, zh=zh, en=en, opening=opening, condition=condition)
        shared_city.publish("zhou", policy, ROWS)
    opened = shared_city.vault("zhou").post("/datasets/market.open/open-copy", json={})
    assert opened.status_code == 201, opened.text
    terms = {"price_fen": 3, "free_calls": 1000, "monthly_fee_fen": 500}
    shared_city.list_rows(
        id="open-scores",
        dataset="market.open",
        what={"kind": "rows", "keys": ["business"]},
        title_zh="餐饮评分",
        title_en="Scores",
        terms=terms,
    )
    shared_city.list_rows()  # of market.inspections, which its policy does not list
    shared_city.list_files(id="open-files", dataset="market.open", title_zh="餐饮评分文件", title_en="Files")
    policy = POLICY.replace("clinic.visits", "clinic.listed")
    shared_city.publish(
        "lin", policy + "catalogue: {opening: conditional, opening_condition: 须经批准}\n", rows_csv()
    )
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    sql = "SELECT year, COUNT(*) AS n FROM clinic.listed WHERE district = :district GROUP BY year"
    given = [{"name": "district", "type": "text", "values": ["north", "south", "east"]}]
    query = {"kind": "query", "epsilon": "0.1", "sql": sql, "parameters": given}
    query["budget"] = {"epsilon": "2", "until": until}
    shared_city.list_query(id="listed-by-year", dataset="clinic.listed", what=query)
    price = {"usage": [{"unit": "epsilon", "tiers": [{"fen": 10000}]}]}
    offer = {"price": price, "terms": {"purpose": "保险产品研究", "privacy_budget": "0.5"}}
    shared_city.list_query(
        id="listed-by-sql", dataset="clinic.listed", what={"kind": "sql", "epsilon": "0.3"}, offer=offer
    )


def words_of(page: str) -> str:
    """The words of a page that are ours: without code, markup, and what is marked as not to be translated."""
    body = page[page.index("<main") :]
    for element in ("pre", "code", "script", "option", "textarea"):
        body = re.sub(rf"<{element}\b.*?</{element}>", " ", body, flags=re.DOTALL)
    body = re.sub(r"<(\w+)\b[^>]*(?:translate=\"no\"|lang=\"en\")[^>]*>.*?</\1>", " ", body, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", body))
