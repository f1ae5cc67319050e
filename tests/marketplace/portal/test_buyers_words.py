"""What a page tells those who buy and sell: a call that works for every name, names of companies, yuan."""

import re
import shlex
from html import unescape
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from marketplace.portal.desk import desk_of
from marketplace.portal.market_things import market_context
from marketplace.portal.named_persons import NamedPersons
from marketplace.portal.rendering import Pages, Words
from marketplace.products.parameters import read_value
from marketplace.vault import Vault
from sandbox.competitions.document import TrackDataset
from sandbox.errors import InvalidInput
from sandbox.identity import Principal, create_account, create_organisation, load_principal
from sandbox.oversight.deadlines import Deadlines
from story import POLICIES, city_gate

SNIPPET = '{% from "snippets.html" import call_snippet %}{{ call_snippet(t, product, "http://x", "chk_1") }}'


@pytest.mark.parametrize("kind", ["rows", "query"])
def test_a_call_names_chinese_columns_so_that_curl_can_send_it(shared_city, kind: str) -> None:
    types = {"报销比例": "number", "住院": "boolean", "year": "integer"}
    parameters = [SimpleNamespace(name=name, type=type) for name, type in types.items()]
    definition = {"keys": types} if kind == "rows" else SimpleNamespace(parameters=parameters)
    product = SimpleNamespace(id="fees", kind=kind, definition=definition)
    pages = Pages(shared_city.portal.settings)
    page = pages.environment.from_string(SNIPPET).render(t=Words("zh"), product=product)
    words = shlex.split(unescape(re.findall(r"<code>(curl.*?)</code>", page, re.DOTALL)[0]))
    asked = [words[at + 1] for at, word in enumerate(words) if word == "--data-urlencode"]
    names = [each.partition("=")[0] for each in asked]
    assert all(name.isascii() for name in names) and len(asked) == 3 and "%E4%BD%8F%E9%99%A2=true" in asked
    assert words[-1] == "http://x/api/v1/call/fees" and "true 或 false" in page and "报销比例" in page


def test_yes_and_no_are_booleans_and_another_word_is_told_so() -> None:
    assert [read_value(each, "boolean", name="a") for each in ("true", "是", "否")] == [True, True, False]
    with pytest.raises(InvalidInput) as refused:
        read_value("1", "boolean", name="住院")
    assert "true 或 false" in refused.value.remedy_zh


def test_a_company_that_may_not_read_announcements_is_told_of_no_outage(shared_city, shared_database) -> None:
    with shared_database.transaction() as tx:
        create_organisation(tx, organisation_id="co-1", display_name="新公司", by="test", unverified=True)
        create_account(
            tx,
            account_id="xin",
            display_name="新",
            organisation="co-1",
            roles=["owner"],
            password="a long enough password",
            by="test",
        )
        newcomer = load_principal(tx, "xin")
    assert isinstance(newcomer, Principal) and newcomer.unverified
    vault = Vault(shared_city.vault_url, shared_city.issuer)
    taken = market_context(shared_database, city_gate(), Deadlines({}), POLICIES)
    named = NamedPersons(vault, taken)
    assert desk_of(newcomer, vault, shared_database, Deadlines({}), named).unread == ()


def test_a_company_is_named_and_its_officer_reads_nothing_of_ordering(shared_city, person) -> None:
    shared_city.list_rows()
    licence, _ = shared_city.buy("inspections-by-business")
    record = {"name": "民生数据公司", "credit_code": "91350100M000100Y43"}
    assert shared_city.api("chen").post("/company", json=record).status_code == 200
    page = person("chen").get(f"/licences/{licence}").text
    assert "--data-urlencode" in page and "民生数据公司" in page
    assert "民生数据公司" in person("chen").get(f"/licences/{licence}/bill").text
    assert "民生数据公司" in person("chen").get("/licences").text
    start = person("chen").get("/").text
    assert f'href="/licences/{licence}"' in start and "订单已获批准" in start
    order = re.findall(r'href="(/orders/\d+)"', page)[0]
    assert "民生数据公司" in person("zhou").get(order).text
    product = person("zhou").get("/products/inspections-by-business").text
    assert "没有规则允许" not in product and 'name="price" inputmode="decimal"' in product


def test_an_open_copy_of_people_is_refused_for_that(shared_city) -> None:
    refused = shared_city.vault("lin").post("/datasets/clinic.visits/open-copy", json={})
    assert refused.status_code == 403 and refused.json()["code"] == "grade_not_for_open_sale"
    assert "protected" in refused.json()["detail"], refused.text


@pytest.mark.parametrize(
    ("name", "taken"), [("often_2", True), ("报销比例", True), ("Age", False), ("", False)]
)
def test_a_competition_names_columns_as_a_policy_does(name: str, taken: bool) -> None:
    data = {"dataset": "clinic.visits", "version": 1, "features": [name], "target": name}
    if taken:
        assert TrackDataset.model_validate(data).target == name
    else:
        with pytest.raises(ValidationError):
            TrackDataset.model_validate(data)
