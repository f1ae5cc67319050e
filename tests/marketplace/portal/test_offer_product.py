"""An officer puts products on offer from a form, of open rows and of private questions, and is told what is
wrong at once."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.offers.price import Unit
from marketplace.portal.pages.offer_product import parameters_of
from marketplace.products.fitting_terms import units_of_kind

PAGE = "/offer-product"
WORDS = {"title_zh": "检查记录", "title_en": "Inspections", "purpose": "选址分析", "price": "0.05"}


@pytest.fixture(scope="module")
def opened(shared_city) -> None:
    copied = shared_city.vault("zhou").post("/datasets/market.inspections/open-copy", json={})
    assert copied.status_code == 201, copied.text


def test_rows_of_open_data_are_offered_and_stand_in_the_catalogue(opened, person) -> None:
    officer, form = person("zhou"), f"{PAGE}?dataset=market.inspections"
    page = officer.get(form).text
    assert "按键查询行" in page and "自由 SQL" not in page, "what is open has no private questions"
    without = officer.send(form, PAGE, id="by-business", **WORDS)
    assert without.status_code == 422 and "keys" in without.text and "检查记录" in without.text
    sent = officer.send(form, PAGE, id="by-business", keys="business", **WORDS)
    assert sent.headers["location"] == "/products/by-business", sent.text
    assert "¥0.05" in person("chen").get("/products/by-business").text
    assert "每次模型调用" not in page, "no rows are priced by the call of a model"
    dear = officer.send(form, PAGE, id="dear", keys="business", **WORDS | {"price": "99999999"})
    assert dear.status_code == 422 and 'role="alert"' in dear.text, "above the limits of policies/prices.yaml"


def test_a_private_question_is_offered_with_its_parameters_and_budget(shared_city, person) -> None:
    officer, form = person("lin"), f"{PAGE}?dataset=clinic.visits&kind=query"
    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    fields = WORDS | {
        "id": "by-district",
        "sql": "SELECT year, COUNT(*) AS n FROM clinic.visits WHERE district = :district GROUP BY year",
        "parameters": "district text：north，south, east",
        "epsilon": "0.1",
        "budget_epsilon": "0.5",
        "budget_until": until,
    }
    wrong = officer.send(form, PAGE, **fields | {"parameters": "district"})
    assert wrong.status_code == 422 and "每行一个参数" in wrong.text
    sent = officer.send(form, PAGE, **fields)
    assert sent.headers["location"] == "/products/by-district", sent.text
    grants = shared_city.vault("lin").get("/grants").json()
    assert [each["epsilon"] for each in grants if each["team"] == "marketplace"] == ["0.5"]
    assert person("wang").get(PAGE).status_code == 403


def test_a_model_is_priced_by_its_units_and_nothing_else_is() -> None:
    assert units_of_kind("model") == [Unit.MODEL_CALL, Unit.ROW]
    for kind in ("rows", "files", "query", "sql"):
        assert set(units_of_kind(kind)) == set(Unit) - {Unit.MODEL_CALL}


def test_parameters_are_read_as_people_write_them() -> None:
    assert parameters_of("year integer: 2018 .. 2024\n\nsmoker boolean: true, false") == [
        {"name": "year", "type": "integer", "range": [2018, 2024]},
        {"name": "smoker", "type": "boolean", "values": [True, False]},
    ]
