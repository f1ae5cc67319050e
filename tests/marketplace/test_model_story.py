"""A released model and a competition's question become products that a company calls, and their team sees its
share on the invoice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from api_examples import Examples
from competition_story import NAME, Contest
from described_api import held_against
from judged_questions import CLOSED, QUESTION, entered, judged
from marketplace.invoices.draft_invoice import Wanted, draft_invoice
from marketplace.invoices.invoice_rules import read_invoice_rules
from marketplace.metering.months import month_of
from marketplace.settings import REPOSITORY
from released_models import CARD, PATH, model_file, released_model
from reviewed_runs import review_services
from sandbox.cli import main
from sandbox.competitions.record import advance_all
from sandbox.database import Database
from sandbox.identity import PORTAL, VAULT
from sandbox.standalone.s3 import S3Server
from story import open_shop

PASSWORD = "a long enough password"  # of tests/marketplace/conftest.py
UNTIL = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
City = Any  # of tests/marketplace/conftest.py
OFFER = {
    "price": {
        "usage": [
            {"unit": "model_call", "tiers": [{"fen": 100}]},
            {"unit": "row", "tiers": [{"fen": 3}]},
        ]
    },
    "terms": {"purpose": "门诊规划", "calls_per_second": 1000},
}
ROWS = [{"visits": 2, "cost": 3.0}, {"visits": 0, "cost": 0}]
DEEP: Any = 1
for _ in range(300):
    DEEP = [DEEP]


def product_of(**changes: object) -> dict[str, Any]:
    return {
        "id": "high-cost",
        "dataset": "clinic.visits",
        "title_zh": "高费用预测",
        "title_en": "High cost",
        "what": {"kind": "model", "model": "high-cost", "version": 1, "team_percent": 60},
        "offer": OFFER,
        **changes,
    }


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture(scope="module")
def registered(
    shared_city: City, shared_database: Database, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The model in the library, and one that gives no prediction for large values."""
    story = open_shop(shared_database, s3.raw_store())
    story.grant(team="cihu-lake")
    city = review_services(story, s3, tmp_path_factory.mktemp("reviews"))
    wang, made = shared_city.vault("wang"), []
    for name, content in (("high-cost", model_file(0.5, -0.25)), ("beyond", model_file(1e300, 1e300))):
        run = released_model(city, content, reviewers=("lin", "zhou"))
        wanted = {
            "name": name,
            "card": CARD,
            "run": str(run),
            "path": PATH,
            "columns": ["visits", "cost"],
            "predicts": {"high": "probability" if name == "high-cost" else "number"},
        }
        answer = wang.post("/models", json=wanted)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    return dict(made[0])


def calls(city: City, licence: int) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = city.api("chen").get(f"/usage?licence={licence}").json()["lines"]
    return [line for line in lines if not line.get("compensates")]


def as_described(city: City, key: str, run: str) -> dict[str, Any]:
    """What the descriptions of both services say of models is so; gives the end of the product."""
    vault, portal = Examples("vault"), Examples("portal")
    with httpx.Client(base_url=city.vault_url, timeout=120) as client:
        wang = city.bearer("wang", VAULT)
        vault.send(client, "register_model", wang, changed={"run": run})
        at = {"name": "costly-year", "version": 1}
        vault.send(client, "list_models", wang, query={"search": "费用"})
        for operation in ("get_model", "get_model_file", "predict_model", "retire_model"):
            vault.send(client, operation, wang, at=at)
    with httpx.Client(base_url=city.portal.url, timeout=120) as client:
        product = {"product": "high-cost"}
        portal.send(client, "call_model", {"Authorization": f"Bearer {key}"}, at=product)
        for operation in ("get_team_income", "get_team_income_csv"):
            portal.send(client, operation, city.bearer("wang", PORTAL), at={"team": "cihu-lake"})
        done: dict[str, Any] = portal.send(
            client, "retire_product", city.bearer("lin", PORTAL), at=product
        ).json()
    vault.finish()
    portal.finish()
    return done


def income_of(city: City) -> dict[str, Any]:
    """The month of the product in what its team sees, who learns of no buyer."""
    income = city.api("wang").get("/team-income/cihu-lake").json()
    assert "minsheng" not in json.dumps(income) and "chen" not in json.dumps(income)
    [sold] = [each for each in income["products"] if each["product"] == "high-cost"]
    [month] = sold["months"]
    return dict(month)


def gives_no_prediction(city: City) -> None:
    """It costs nothing, and says so."""
    unsafe = {"kind": "model", "model": "beyond", "version": 1, "team_percent": 60}
    assert city.api("lin").post("/products", json=product_of(id="beyond", what=unsafe)).status_code == 201
    licence, key = city.buy("beyond")
    address = f"{city.portal.url}/api/v1/call/beyond/predict"
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=120) as http:
        answer = http.post(address, json={"rows": [{"visits": 9, "cost": 1e300}]})
    assert code(answer) == (409, "model_failed")
    lines = city.api("chen").get(f"/usage?licence={licence}").json()["lines"]
    assert sum(line["amount_fen"] for line in lines) == 0


def by_command(
    city: City, key: str, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What `cihu licensed predict` prints."""
    (folder / "rows.json").write_text(json.dumps(ROWS), "utf-8")
    patch.setenv("CIHU_KEY", key)
    words = ["licensed", "predict", "high-cost", "--rows", str(folder / "rows.json")]
    patch.setattr("sys.argv", ["cihu", *words, "--portal", city.portal.url])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def on_pages(city: City, run: str) -> None:
    """The library, registering, offering, income and the ends on pages."""
    wang, lin = city.portal.browser(), city.portal.browser()
    assert wang.log_in("wang").status_code == lin.log_in("lin").status_code == 303
    assert "high-cost" in wang.get("/models?search=费用").text
    assert "high-cost" not in wang.get("/models?search=weather").text
    typed = {
        "name": "paged", "run": run, "path": PATH, "columns": "visits，cost", "predicted": "high",
        "predicts": "probability", "respond_days": "7", "maintainer": "", "dataset": "", **CARD,
    }  # fmt: skip
    form = f"/register-model?run={run}&path={PATH}"
    for changes, field in (
        ({"name": "Not a name"}, "name"),
        ({"respond_days": "many"}, "respond_days"),
        ({"limits": ""}, "limits"),
        ({"columns": "visits"}, "columns"),
        ({"maintainer": "lin"}, "maintainer"),
        ({"path": "none.safetensors"}, "path"),
    ):
        refused = wang.send(form, "/register-model", **{**typed, **changes})
        assert refused.status_code == 422 and f'id="e-{field}"' in refused.text, (field, refused.text[-1500:])
        assert CARD["summary_zh"] in refused.text  # what was typed stays
    made = wang.send(form, "/register-model", **typed)
    assert made.status_code == 303 and made.headers["location"] == "/models/paged#v1", made.text[-1500:]
    assert wang.get("/models/none").status_code == 404
    page = wang.get("/models/paged").text
    assert CARD["limits"] in page and run in page and "clinic.visits@1" in page

    # the department's officer puts its calls on offer and ends the product; the team ends the version
    offer = "/models/paged/1/offer"
    assert wang.get(offer).status_code == 403
    wish = {"id": "paged", "team_percent": "60", "unit": "model_call", "price": "1.5", "purpose": "门诊规划"}
    for changes, field in (({"team_percent": "91"}, "team_percent"), ({"id": "A b"}, "id")):
        refused = lin.send(offer, offer, **{**wish, **changes})
        assert refused.status_code == 422 and f'id="e-{field}"' in refused.text
    assert lin.send(offer, offer, **wish).headers["location"] == "/products/paged"
    assert "/products/paged" in wang.get("/models/paged").text
    assert 'action="/products/paged/retire"' not in wang.get("/products/paged").text
    gone = {"reason": "a better one is there", "last_day": ""}
    assert lin.send("/products/paged", "/products/paged/retire", **gone).status_code == 303
    end = "/models/paged/1/retire"
    soon = wang.send("/models/paged", end, reason="a better one is there", last_day="2020-01-01")
    assert soon.status_code == 422 and "a better one is there" in soon.text
    assert wang.send("/models/paged", end, **gone).status_code == 303
    assert "a better one is there" in wang.get("/models/paged").text

    # the team reads what it earned, as a page and as CSV; nobody else does
    income = wang.get("/teams/cihu-lake/income")
    assert "0.63" in income.text and "minsheng" not in income.text
    lines = wang.get("/teams/cihu-lake/income.csv").content.decode("utf-8-sig").splitlines()
    [line] = [each.split(",") for each in lines if ",high-cost," in each and ",106" not in each]
    assert line[5:7] == ["1", "2"] and line[-2:] == ["0.63", "0.63"]
    assert lin.get("/teams/cihu-lake/income").status_code == 403


def test_a_model_is_sold_called_and_shared(
    shared_city: City,
    shared_database: Database,
    registered: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    city, lin = shared_city, shared_city.api("lin")
    assert registered["lineage"]["inputs"] == [{"dataset": "clinic.visits", "version": 1}]

    # what does not fit is not offered
    by_call = {**OFFER, "price": {"usage": [{"unit": "call", "tiers": [{"fen": 1}]}]}}
    assert code(lin.post("/products", json=product_of(offer=by_call))) == (422, "unit_does_not_fit")
    absent = product_of(what={"kind": "model", "model": "none", "version": 1, "team_percent": 60})
    assert code(lin.post("/products", json=absent)) == (404, "model_not_found")
    assert lin.post("/products", json=product_of()).status_code == 201
    licence, key = city.buy("high-cost")
    # one call at a time: each gives its place back, answered or refused
    record = {"name": "民生保险", "credit_code": "91350100M000100Y43", "time_zone": "Asia/Shanghai"}
    assert city.api("chen").post("/company", json=record).is_success
    wanted = {"concurrent_calls": 1, "reason": "one at a time"}
    limited = city.api("he").put("/companies/minsheng/limits", json=wanted)
    assert limited.is_success, limited.text

    address = f"{city.portal.url}/api/v1/call/high-cost"
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(headers=headers, timeout=120, event_hooks=held_against("portal")) as http:
        # refused with the field and the remedy, at no cost
        for body, wanted in (
            ({"rows": [{"visits": "two", "cost": 1}]}, "bad_model_row"),
            ({"rows": [{"visits": 2}]}, "bad_model_row"),
            ({"rows": []}, "wrong_number_of_rows"),
            ({"row": ROWS}, "bad_rows"),
            ({"rows": [3]}, "bad_rows"),
            ({"rows": [{"visits": DEEP}]}, "bad_rows"),
        ):
            answer = http.post(f"{address}/predict", json=body)
            assert code(answer) == (422, wanted) and answer.json()["remedy"]
        assert code(http.get(address)) == (422, "other_delivery")
        assert code(http.post(f"{address}/ask", json={"sql": "SELECT 1", "epsilon": "0.1"})) == (
            422,
            "other_delivery",
        )
        assert calls(city, licence) == []

        first = http.post(f"{address}/predict", json={"rows": ROWS}, headers={"Idempotency-Key": "one"})
        assert first.status_code == 200, first.text
        told = first.json()
        assert [round(one["high"], 3) for one in told["predictions"]] == [0.562, 0.5]
        assert told["usage"]["amount_fen"] == 106 and told["version"] == 1
        again = http.post(f"{address}/predict", json={"rows": ROWS}, headers={"Idempotency-Key": "one"})
        assert again.json()["predictions"] == told["predictions"] and again.json()["usage"]["replayed"]
        [line] = calls(city, licence)
        assert line["amount_fen"] == 106

    gives_no_prediction(city)

    # the invoice is shared, and the team sees its part and no buyer
    now = datetime.now(UTC)
    wanted = Wanted(month_of(now, "Asia/Shanghai"), "minsheng", "health")
    rules = read_invoice_rules(REPOSITORY / "policies")
    assert draft_invoice(shared_database, wanted, rules=rules, now=now, by="he")
    [invoice] = city.api("chen").get("/invoices").json()["invoices"]
    assert income_of(city)["final_fen"] == 0
    assert city.api("he").post(f"/invoices/{invoice['id']}/finalise").is_success
    shares = lin.get(f"/invoices/{invoice['id']}/shares").json()["shares"]
    parts = {part["to"]: part["amount_fen"] for part in shares if part["product"] == "high-cost"}
    assert parts == {"team:cihu-lake": 63, "operator": 10, "health": 33}
    month = income_of(city)
    assert (month["calls"], month["rows"], month["invoiced_fen"]) == (1, 2, 106)
    assert month["share_fen"] == month["final_fen"] == 63
    assert code(city.api("zhou").get("/team-income/cihu-lake")) == (403, "no_permit")

    on_pages(city, registered["lineage"]["run"])

    # it ends with notice to who bought it
    soon = lin.post("/products/high-cost/retire", json={"reason": "a better one", "last_day": "2020-01-01"})
    assert code(soon) == (422, "notice_too_short")
    assert as_described(city, key, registered["lineage"]["run"])["licences"] == 1
    assert code(city.api("chen").post("/orders", json={"product": "high-cost"})) == (
        403,
        "product_not_listed",
    )


def offered_question(number: int, **origin: object) -> dict[str, Any]:
    """The question of the competition's result on offer, whose team has 60 %."""
    return product_of(
        id="district-costs",
        what={
            "kind": "query",
            **{name: QUESTION[name] for name in ("sql", "parameters", "epsilon")},
            "budget": {"epsilon": "2", "until": UNTIL},
            "origin": {"competition": NAME, "entry": number, "team_percent": 60, **origin},
        },
        offer={"price": {"usage": [{"unit": "call", "tiers": [{"fen": 200}]}]}, "terms": OFFER["terms"]},
    )


@pytest.fixture(scope="module")
def asked(shared_database: Database, s3: S3Server) -> tuple[Contest, dict[str, int]]:
    """A competition whose result is published, and the entries of wang (a question) and of others."""
    contest = Contest(open_shop(shared_database, s3.raw_store()))
    contest.people("ann")
    numbers = entered(
        contest,
        {
            "wang": ("questions", QUESTION),
            "li": ("document", {"text": "A design"}),
            "ann": ("questions", QUESTION),
        },
    )
    judged(contest)
    return contest, numbers


def question_on_pages(city: City, number: int) -> None:
    """The question is offered from the page of ranked entries, with what was typed and its faults."""
    wang, lin = city.portal.browser(), city.portal.browser()
    assert wang.log_in("wang").status_code == lin.log_in("lin").status_code == 303
    page = f"/competitions/{NAME}/ranked/{number}/offer"
    assert wang.get(page).status_code == 403
    assert f'href="{page}"' in lin.get(f"/competitions/{NAME}/ranked").text
    shown = lin.get(page).text
    assert "GROUP BY year" in shown and '<option value="cihu-lake"' in shown
    wish = {
        "id": "paged-costs", "team_percent": "60", "title_zh": "各区费用", "title_en": "Costs", "price": "2",
        "epsilon": "0.5", "budget_epsilon": "1", "budget_until": UNTIL, "purpose": "门诊规划",
        "team": "cihu-lake",
    }  # fmt: skip
    for changes, field in (
        ({"team_percent": "91"}, "team_percent"),
        ({"id": "A b"}, "id"),
        ({"epsilon": "a lot"}, "epsilon"),
        ({"budget_epsilon": ""}, "budget_epsilon"),
        ({"budget_until": ""}, "budget_until"),
        ({"title_en": ""}, "title_en"),
        ({"team": "marketplace"}, "team"),
    ):
        refused = lin.send(page, page, **{**wish, **changes})
        assert refused.status_code == 422 and f'id="e-{field}"' in refused.text, (field, refused.text[-1500:])
        assert wish["budget_until"] in refused.text or field == "budget_until"
    assert lin.send(page, page, **wish).headers["location"] == "/products/paged-costs"
    income = wang.get("/teams/cihu-lake/income").text
    assert f"{NAME}/{number}" in income and "2.40" in income and "rival" not in income
    lines = wang.get("/teams/cihu-lake/income.csv").content.decode("utf-8-sig").splitlines()
    [line] = [each.split(",") for each in lines if ",district-costs," in each]
    assert line[3] == f"{NAME}/{number}" and line[-2:] == ["2.40", "2.40"]


def sold_by_command(city: City, number: int, patch: pytest.MonkeyPatch) -> None:
    """Offer the question by `cihu competition sell-question`."""
    for variable, value in (
        ("CIHU_PORTAL_URL", city.portal.url),
        ("CIHU_VAULT_URL", city.vault_url),
        ("CIHU_HUB_URL", city.portal.settings.hub_url),
        ("CIHU_PASSWORD", PASSWORD),
    ):
        patch.setenv(variable, value)
    wish = {"--product": "typed-costs", "--fen": "100", "--team-percent": "30", "--budget": "1"}
    wish |= {"--until": UNTIL, "--purpose": "门诊规划"}
    typed = [part for pair in wish.items() for part in pair]
    patch.setattr("sys.argv", ["cihu", "competition", "sell-question", NAME, str(number), *typed])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0


def test_a_question_of_a_competition_is_sold_and_shared(
    shared_city: City,
    shared_database: Database,
    asked: tuple[Contest, dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    city, lin, (contest, numbers) = shared_city, shared_city.api("lin"), asked
    number = numbers["wang"]

    def offered(number: int, changed: dict[str, Any] | None = None, **origin: object) -> tuple[int, str]:
        wanted = offered_question(number, **origin)
        wanted["what"] |= changed or {}
        return code(lin.post("/products", json=wanted))

    # an appeal can change the result until the public notice has ended
    assert offered(number) == (409, "result_not_final")
    contest.now = CLOSED
    advance_all(contest.context)

    # what is not its team's own question is not shared
    assert offered(number, {"sql": str(QUESTION["sql"]).replace("AVG", "SUM")}) == (
        422,
        "question_not_of_entry",
    )
    narrower = [{"name": "district", "type": "text", "values": ["north"]}]
    assert offered(number, {"parameters": narrower}) == (422, "question_not_of_entry")
    assert offered(numbers["li"]) == (404, "question_not_ranked")
    assert offered(number, team="marketplace") == (422, "question_team")
    assert offered(numbers["ann"]) == (409, "no_team_behind")
    assert code(city.api("zhou").post("/products", json=offered_question(number))) == (403, "no_permit")

    made = lin.post("/products", json=offered_question(number))
    assert made.status_code == 201, made.text
    origin = {"competition": NAME, "entry": number, "team": "cihu-lake", "team_percent": 60}
    assert made.json()["what"]["origin"] == origin
    _, key = city.buy("district-costs", "sun")
    for district in ("north", "south"):
        answer = city.call("district-costs", key, district=district)
        assert answer.status_code == 200 and answer.json()["usage"]["amount_fen"] == 200, answer.text

    # the share stays what it was: another question is another product
    for changed in (None, origin | {"team_percent": 10}):
        wanted = offered_question(number)["what"] | {"origin": changed}
        refused = lin.post("/products/district-costs/releases", json={"what": wanted})
        assert code(refused) == (409, "question_share_changed")

    # the invoice is shared, and the team sees its calls and its part, and no buyer
    now = datetime.now(UTC)
    bill = Wanted(month_of(now, "Asia/Shanghai"), "rival", "health")
    rules = read_invoice_rules(REPOSITORY / "policies")
    assert draft_invoice(shared_database, bill, rules=rules, now=now, by="he")
    [invoice] = city.api("sun").get("/invoices").json()["invoices"]
    assert city.api("he").post(f"/invoices/{invoice['id']}/finalise").is_success
    shares = lin.get(f"/invoices/{invoice['id']}/shares").json()["shares"]
    parts = {part["to"]: part["amount_fen"] for part in shares if part["product"] == "district-costs"}
    assert parts == {"team:cihu-lake": 240, "operator": 40, "health": 120}
    income = city.api("wang").get("/team-income/cihu-lake").json()
    assert "rival" not in json.dumps(income)
    [sold] = [each for each in income["products"] if each["product"] == "district-costs"]
    assert (sold["model"], sold["competition"], sold["entry"], sold["percent"]) == ("", NAME, number, 60)
    [month] = sold["months"]
    assert (month["calls"], month["invoiced_fen"]) == (2, 400)
    assert month["share_fen"] == month["final_fen"] == 240

    question_on_pages(city, number)
    sold_by_command(city, number, monkeypatch)
    assert "30 % of its income go to the team cihu-lake" in " ".join(capsys.readouterr().out.split())
