"""Quality at a real vault: its report is for the officer who published it, its public half is bought once,
and a reported problem becomes a task whose outcome stands in the next version's notes."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from asked_vault import AskedVault, Asker
from sandbox.audit.tables import openings
from sandbox.catalog.tables import problem_reports
from sandbox.city_time import CITY_TIME, end_of_working_days
from sandbox.identity.accounts import create_account
from story import POLICY, rows_csv

RULED = POLICY + 'expect:\n  - {rule: "visits < 13", at_least: 0.5, else: stop}\n  - {complete: cost}\n'


@pytest.fixture(scope="module")
def dataset(asked: AskedVault) -> str:
    """With wang's team's grant on it."""
    name, _ = asked.dataset(policy=RULED)
    return name


def problem(asker: Asker, dataset: str, **said: Any) -> Any:
    body = {"words": "The costs of the north are in thousands.", **said}
    return asker.send("POST", f"/v1/datasets/{dataset}/reports", json=body)


@pytest.fixture(scope="module")
def colleague(asked: AskedVault) -> str:
    """Another officer of lin's department."""
    name = f"sun{secrets.token_hex(2)}"
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=name, display_name="孙", organisation="health", roles=["officer"], by="system"
        )
    return name


def test_the_report_is_for_the_officer_who_published_the_version(
    asked: AskedVault, dataset: str, colleague: str
) -> None:
    path = f"/v1/datasets/{dataset}/versions/1/quality"
    told = asked.person("lin").send("GET", path)
    assert told.status_code == 200, told.text
    report = told.json()
    assert report["version"] == 1 and report["table"]["rows"] == rows_csv().count(b"\n") - 1
    assert [rule["kept"] for rule in report["rules"]] == [True, False]
    for who in ("wang", "zhou", "li"):
        refused = asked.person(who).send("GET", path)
        assert (refused.status_code, refused.json()["code"]) == (403, "no_permit"), who
    refused = asked.person(colleague).send("GET", path)
    assert (refused.status_code, refused.json()["code"]) == (403, "report_of_another")
    missing = asked.person("lin").send("GET", f"/v1/datasets/{dataset}/versions/7/quality")
    assert (missing.status_code, missing.json()["code"]) == (404, "quality_not_measured")


def test_a_stopped_version_is_refused_in_both_languages_and_nothing_stands(
    asked: AskedVault, dataset: str
) -> None:
    entries = len(asked.kinds())
    strict = RULED.replace("clinic.visits", dataset).replace("at_least: 0.5", "at_least: 1")
    refused = asked.publish(strict, rows_csv())
    assert (refused.status_code, refused.json()["code"]) == (422, "quality_rule")
    assert "rule 1" in refused.json()["detail"] and refused.json()["remedy"]
    assert asked.person("lin").send("GET", f"/v1/datasets/{dataset}").json()["version"] == 1
    assert len(asked.kinds()) == entries


def test_a_drafts_report_is_for_the_officer_whose_file_it_is(asked: AskedVault, colleague: str) -> None:
    lin = asked.person("lin")
    file = lin.send("POST", "/v1/uploads", params={"name": "visits.csv"}, content=rows_csv()).json()
    draft = lin.send("POST", "/v1/drafts", json={"file": file["id"]}).json()
    policy = RULED.replace("clinic.visits", f"clinic.d{secrets.token_hex(3)}")
    saved = lin.send(
        "PUT", f"/v1/drafts/{draft['id']}", json={"revision": draft["revision"], "policy": policy}
    )
    assert saved.json()["problems"] == [], saved.text
    path = f"/v1/drafts/{draft['id']}/quality"
    told = lin.send("GET", path)
    assert told.status_code == 200 and told.json()["version"] is None, told.text
    assert len(told.json()["rules"]) == 2
    assert asked.person(colleague).send("GET", path).json()["code"] == "file_of_another"
    assert asked.person("zhou").send("GET", path).status_code == 404
    assert asked.person("wang").send("GET", path).status_code == 403
    faulty = policy.replace("visits < 13", "COUNT(*) > 1")
    revision = saved.json()["revision"]
    again = lin.send("PUT", f"/v1/drafts/{draft['id']}", json={"revision": revision, "policy": faulty}).json()
    line = faulty[: faulty.index("COUNT(*)")].count("\n") + 1
    assert [one["line"] for one in again["problems"]] == [line]


def test_classes_are_bought_once_and_charged_once_however_many_ask_at_once(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    before, entries = asked.spent(grant), len(asked.kinds())

    def buy(_: int) -> Any:
        return asked.person("lin").send("POST", f"/v1/datasets/{dataset}/quality", json={"epsilon": "2"})

    with ThreadPoolExecutor(2) as both:
        done = sorted(both.map(buy, range(2)), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in done] == [201, 409]
    bought = done[0].json()
    assert asked.lost(grant, before) == {
        "grant": 0,
        "dataset": bought["picorho"],
        "population": bought["picorho"],
    }
    kinds = [kind for kind in asked.kinds()[entries:] if kind.startswith("quality.")]
    assert kinds == ["quality.asked", "quality.released"]
    seen = asked.kernel("wang").send("GET", f"/v1/datasets/{dataset}").json()["quality"]["bought"]
    assert seen["completeness"] == bought["completeness"] and seen["wrong_at_most"] == 0.01
    classes = {one["column"]: (one["at_least"], one["at_most"]) for one in seen["completeness"]}
    assert "secret" not in classes and "person" not in classes
    assert classes["visits"] == (1.0, 1.0), "required by the policy"
    assert classes["smoker"][1] <= 0.8 and classes["note"][0] >= 0.8
    for who in ("wang", "zhou"):
        refused = asked.person(who).send("POST", f"/v1/datasets/{dataset}/quality", json={"epsilon": "1"})
        assert refused.status_code == 403


def test_more_than_the_budget_buys_nothing(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    refused = asked.person("lin").send("POST", f"/v1/datasets/{dataset}/quality", json={"epsilon": "100"})
    assert refused.status_code == 402
    assert set(asked.lost(grant, before).values()) == {0}
    assert "bought" not in asked.person("wang").send("GET", f"/v1/datasets/{dataset}").json()["quality"]


def test_a_problem_is_a_task_with_a_deadline_and_its_outcome_stands_in_the_next_versions_notes(
    asked: AskedVault, dataset: str
) -> None:
    wang, lin = asked.person("wang"), asked.person("lin")
    made = problem(wang, dataset, column="cost")
    assert made.status_code == 201, made.text
    report = made.json()
    due = end_of_working_days(datetime.fromisoformat(report["reported_at"]), 5, ())
    assert datetime.fromisoformat(report["due_at"]) == due and not report["overdue"]
    assert report["id"] in [one["id"] for one in lin.send("GET", "/v1/reports?status=open").json()]
    for who in ("zhou", "li"):
        assert report["id"] not in [one["id"] for one in asked.person(who).send("GET", "/v1/reports").json()]
        answer = asked.person(who).send(
            "POST", f"/v1/reports/{report['id']}/answer", json={"outcome": "explained", "words": "no"}
        )
        assert answer.status_code == 404, who
    own = wang.send(
        "POST", f"/v1/reports/{report['id']}/answer", json={"outcome": "explained", "words": "no"}
    )
    assert (own.status_code, own.json()["code"]) == (409, "problem_of_another")
    with asked.story.database.transaction() as tx:
        tx.execute(
            update(problem_reports)
            .where(problem_reports.c.id == report["id"])
            .values(due_at=datetime.now(UTC) - timedelta(days=1))
        )
    late = {one["id"]: one["overdue"] for one in lin.send("GET", "/v1/reports").json()}
    assert late[report["id"]] is True
    said = {"outcome": "corrected", "words": "The north is in yuan from this version on."}
    answered = lin.send("POST", f"/v1/reports/{report['id']}/answer", json=said)
    assert answered.status_code == 200 and answered.json()["overdue"] is False
    again = lin.send("POST", f"/v1/reports/{report['id']}/answer", json=said)
    assert (again.status_code, again.json()["code"]) == (409, "problem_answered")
    assert wang.send("GET", f"/v1/datasets/{dataset}").json()["quality"]["notes"] == []
    assert asked.publish(RULED.replace("clinic.visits", dataset), rows_csv(seed=9)).status_code == 201
    [note] = wang.send("GET", f"/v1/datasets/{dataset}").json()["quality"]["notes"]
    assert note == {"version": 2, "column": "cost", **said}
    drift = lin.send("GET", f"/v1/datasets/{dataset}/versions/2/quality").json()
    assert all("drift" in one for one in drift["columns"] if "distribution" in one)
    assert {"problem.reported", "problem.answered"} <= set(asked.kinds())


def test_who_may_not_use_the_data_reports_nothing_and_open_data_is_everybodys(asked: AskedVault) -> None:
    private, _ = asked.dataset()
    refused = problem(asked.person("qin"), private)
    assert refused.status_code == 403
    name = f"open.d{secrets.token_hex(3)}"
    policy = (
        f"dataset: {name}\ntitle: {{zh: 开放, en: Open}}\nsummary: {{zh: 测试, en: Made up}}\n"
        'department: health\ngrade: "1"\nsource: {name: made up, licence: CC0-1.0}\n'
        "columns:\n  ward: {role: attribute, type: text}\n  beds: {role: attribute, type: integer}\n"
    )
    assert asked.publish(policy, b"ward,beds\na,1\nb,\n").status_code == 201
    assert problem(asked.person("qin"), name, column="beds").status_code == 201
    public = asked.person("li").send("GET", f"/v1/datasets/{name}").json()["quality"]
    assert public["completeness"] == [{"column": "ward", "share": 1.0}, {"column": "beds", "share": 0.5}]
    wrong = problem(asked.person("qin"), name, column="nope")
    assert wrong.status_code == 422 and "ward" in wrong.json()["remedy"]


def test_a_person_may_have_twenty_open_reports_on_a_dataset(asked: AskedVault) -> None:
    dataset, _ = asked.dataset()
    wang = asked.person("wang")
    statuses = [problem(wang, dataset).status_code for _ in range(21)]
    assert statuses == [201] * 20 + [429]


@pytest.mark.parametrize(
    ("asked_on", "days", "due"),
    [
        ("2026-12-01", 5, "2026-12-08"),  # a Tuesday
        ("2026-12-04", 1, "2026-12-07"),  # a Friday
        ("2026-12-05", 1, "2026-12-07"),  # a Saturday
        ("2026-09-30", 1, "2026-10-08"),  # the seven days of the National Day are closed
    ],
)
def test_deadlines_are_in_working_days(asked_on: str, days: int, due: str) -> None:
    closed = {datetime(2026, 10, day).date() for day in range(1, 8)}
    at = datetime.fromisoformat(asked_on).replace(hour=9, tzinfo=CITY_TIME)
    assert end_of_working_days(at, days, closed).date().isoformat() == due


def test_nothing_of_the_report_or_of_a_problem_is_in_the_log(asked: AskedVault) -> None:
    """Canaries: a count that occurs once, a rule, and the words of a report."""
    canary = f"canary{secrets.token_hex(4)}"
    rule = f"expect:\n  - {{rule: \"note <> '{canary}'\"}}\n"
    body = rows_csv() + b"".join(b"p%d,north,1,,1,x,2026-01-01,true,s\n" % n for n in range(9_173))
    dataset, _ = asked.dataset(policy=POLICY + rule, rows=body)
    report = asked.person("lin").send("GET", f"/v1/datasets/{dataset}/versions/1/quality").json()
    cost = next(one for one in report["columns"] if one["name"] == "cost")
    figures = {str(report["table"]["rows"]), str(cost["rows"] - cost["filled"]), str(cost["completeness"])}
    made = problem(asked.person("wang"), dataset, words=f"It is wrong: {canary}").json()
    asked.person("lin").send(
        "POST", f"/v1/reports/{made['id']}/answer", json={"outcome": "explained", "words": canary}
    )
    with asked.story.database.transaction() as tx:
        whole = "\n".join(tx.scalars(select(openings.c.content)))
    seen = whole + asked.person("wang").send("GET", f"/v1/datasets/{dataset}").text
    seen += asked.person("zhou").send("GET", "/v1/datasets").text + asked.log_file.read_text("utf-8")
    assert canary not in seen
    assert not [figure for figure in figures if f" {figure}," in seen or f": {figure}" in seen]


def test_the_quality_of_a_draft_is_that_of_its_rows_after_the_steps(asked: AskedVault) -> None:
    lin = asked.person("lin")
    file = lin.send("POST", "/v1/uploads", params={"name": "visits.csv"}, content=rows_csv()).json()
    draft = lin.send("POST", "/v1/drafts", json={"file": file["id"]}).json()
    policy = POLICY.replace("clinic.visits", f"clinic.s{secrets.token_hex(3)}")
    policy += 'steps:\n  - {drop_rows: "visits > 3"}\n'
    saved = lin.send(
        "PUT", f"/v1/drafts/{draft['id']}", json={"revision": draft["revision"], "policy": policy}
    ).json()
    assert saved["problems"] == []
    told = lin.send("GET", f"/v1/drafts/{draft['id']}/quality")
    assert told.status_code == 200, told.text
    assert 0 < told.json()["table"]["rows"] < rows_csv().count(b"\n") - 1
