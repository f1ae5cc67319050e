"""Officers read the quality report with its pictures, buy what everybody may see, and answer what people
report on their data."""

import re
from datetime import UTC, datetime, timedelta

from story import POLICY, rows_csv


def person(city, who: str):
    browser = city.portal.browser()
    assert browser.log_in(who).status_code == 303
    return browser


PAGE = "/datasets/clinic.visits"


def test_the_report_is_drawn_for_officers_of_the_department_alone(city) -> None:
    lin = person(city, "lin")
    shown = lin.get(f"{PAGE}/quality")
    assert shown.status_code == 200, shown.text
    assert shown.text.count("<svg") > 4 and "GB/T 36344-2018" in shown.text and "规范性" in shown.text
    assert "style=" not in shown.text and "<script>" not in shown.text
    widths = [float(width) for width in re.findall(r'class="part"[^>]* width="([0-9.]+)"', shown.text)]
    assert widths and max(widths) <= 300
    lin.client.cookies.set("cihu_language", "en")
    assert "Normativity" in lin.get(f"{PAGE}/quality").text
    for who in ("wang", "zhou"):
        refused = person(city, who).get(f"{PAGE}/quality")
        assert refused.status_code == 403 and "<svg" not in refused.text, who
        assert f'href="{PAGE}/quality"' not in person(city, who).get(PAGE).text


def test_classes_are_bought_on_the_page_and_seen_by_everybody(city) -> None:
    lin, wang = person(city, "lin"), person(city, "wang")
    assert f'action="{PAGE}/quality"' in lin.get(PAGE).text
    assert f'action="{PAGE}/quality"' not in wang.get(PAGE).text
    assert lin.send(PAGE, f"{PAGE}/quality", epsilon="1").status_code == 303
    shown = wang.get(PAGE).text
    assert "完整性等级" in shown and "由 林岚 以 ε" in shown
    assert f'action="{PAGE}/quality"' not in lin.get(PAGE).text, "once for a version"


def test_a_problem_is_reported_on_a_form_and_answered_on_the_list(city) -> None:
    wang, lin = person(city, "wang"), person(city, "lin")
    stranger = wang.send(f"{PAGE}/problems", f"{PAGE}/problems", column="", words="费用单位似乎是千元")
    assert stranger.status_code == 422 and "授权" in stranger.text, "without a grant"
    wish = {"dataset": "clinic.visits", "team": "cihu-lake", "purpose": "to look at costs", "epsilon": "1"}
    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    asked = city.vault("wang").post("/requests", json=wish | {"until": until}).json()
    assert city.vault("lin").post(f"/requests/{asked['id']}/approve", json={}).status_code == 200
    refused = wang.send(f"{PAGE}/problems", f"{PAGE}/problems", column="", words="x")
    assert refused.status_code == 422 and 'role="alert"' in refused.text
    sent = wang.send(f"{PAGE}/problems", f"{PAGE}/problems", column="cost", words="北区的费用单位似乎是千元")
    assert sent.status_code == 303, sent.text
    number = sent.headers["location"].rpartition("-")[2]
    assert "北区的费用单位似乎是千元" in wang.get("/problems").text
    assert f'action="/problems/{number}/answer"' not in wang.get("/problems").text
    assert f'action="/problems/{number}/answer"' in lin.get("/problems").text
    done = lin.send("/problems", f"/problems/{number}/answer", outcome="explained", words="单位是元")
    assert done.status_code == 303, done.text
    assert "单位是元" in wang.get("/problems").text and "单位是元" not in wang.get(PAGE).text


def test_the_file_of_a_draft_is_looked_at_before_it_is_published(city) -> None:
    vault = city.vault("lin")
    file = vault.post("/uploads", params={"name": "visits.csv"}, content=rows_csv()).json()
    draft = vault.post("/drafts", json={"file": file["id"]}).json()
    policy = POLICY.replace("clinic.visits", "clinic.drafted") + "expect:\n  - {complete: cost}\n"
    saved = vault.put(f"/drafts/{draft['id']}", json={"revision": draft["revision"], "policy": policy})
    assert saved.json()["problems"] == [], saved.text
    page = f"/drafts/{draft['id']}/quality"
    lin = person(city, "lin")
    assert f'href="{page}"' in lin.get(f"/drafts/{draft['id']}/publish").text
    shown = lin.get(page)
    assert shown.status_code == 200 and "cost 不为空" in shown.text and shown.text.count("<svg") > 4
    assert person(city, "zhou").get(page).status_code == 404
