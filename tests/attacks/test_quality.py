"""Attempts to learn about rows, or to do harm, via quality rules, reports and reported problems."""

import json
import secrets
from typing import Any

import pytest

from asked_vault import AskedVault
from sandbox.errors import InvalidInput
from sandbox.quality.conditions import condition_sql
from story import DATASET, POLICY, rows_csv


def described(asked: AskedVault, dataset: str, who: str = "wang") -> dict[str, Any]:
    told = asked.person(who).send("GET", f"/v1/datasets/{dataset}").json()
    return {name: value for name, value in told.items() if name not in ("name", "published_at")}


def test_what_everybody_sees_is_the_same_with_and_without_a_person(asked: AskedVault) -> None:
    """Membership by difference. Source: C. Dwork, "Differential Privacy" (2006), neighbouring databases."""
    extra = "".join(f"victim,north,1,99,9,,2026-01-0{day},true,s\n" for day in range(1, 5))
    rules = POLICY + "expect:\n  - {complete: note}\n  - {rule: \"district <> 'north' OR cost < 99\"}\n"
    told = [
        described(asked, asked.dataset(policy=rules, rows=rows_csv(extra=more))[0]) for more in ("", extra)
    ]
    assert told[0] == told[1]


def test_an_analyst_gets_no_figure_by_any_address(asked: AskedVault) -> None:
    """Broken access control. Source: OWASP Top Ten 2021, A01; forced browsing."""
    dataset, _ = asked.dataset()
    wang = asked.person("wang")
    for number in ("1", "01", "1.0", "0", "-1", "99999999999", "%31", "1%00", "1/../1"):
        answer = wang.send("GET", f"/v1/datasets/{dataset}/versions/{number}/quality")
        assert answer.status_code in (403, 404, 422), (number, answer.text)
        assert "completeness" not in answer.text
    for path in (f"/v1/datasets/{dataset}@1/versions/1/quality", "/v1/datasets/nope/versions/1/quality"):
        assert wang.send("GET", path).status_code == 404
    kernel = asked.kernel("wang").send("GET", f"/v1/datasets/{dataset}/versions/1/quality")
    assert kernel.status_code == 404, "kernels have no such operation"


def test_an_officer_of_the_department_that_has_no_right_any_more_reads_nothing(asked: AskedVault) -> None:
    """A dataset is of the department of its newest version; another department's officer never reads it,
    also not by publishing under its name. Source: N. Hardy, "The Confused Deputy" (1988)."""
    dataset, _ = asked.dataset()
    zhou = asked.person("zhou")
    mine = POLICY.replace("clinic.visits", dataset).replace("department: health", "department: market")
    files = {"file": ("rows.csv", rows_csv())}
    taken = zhou.send("POST", "/v1/datasets", data={"policy": mine}, files=files)
    assert taken.status_code == 409
    assert zhou.send("GET", f"/v1/datasets/{dataset}/versions/1/quality").status_code == 403


INJECTIONS = (
    "1=1) FROM checked AS r; ATTACH '/tmp/x' AS y; SELECT (1=1",
    "TRUE) AND EXISTS (SELECT 1 FROM read_text('/etc/passwd')",
    "note = (SELECT content FROM read_text('/etc/passwd'))",
    "note LIKE getenv('CIHU_S3_SECRET_KEY')",
    "pg_sleep(100) IS NULL",
    "query('SELECT 1') = 1",
    "note SIMILAR TO '(a+)+b'",
    "regexp_matches(note, '(a+)+$')",
    "visits > 1 /* */ OR nextval('s') > 1",
    "error('x') = 1",
    "CAST(note AS INTEGER) = 1",
    "'" + "a" * 3000 + "' = note",
)


@pytest.mark.parametrize("condition", INJECTIONS)
def test_a_rule_brings_nothing_into_the_engine_but_the_language_of_questions(condition: str) -> None:
    """SQL injection. Source: OWASP Top Ten 2021, A03. Whatever is not on the allow-list is refused; what is
    left is written anew by the compiler, so no word of the officer's SQL reaches the engine."""
    try:
        sql = condition_sql(condition, DATASET.columns)
    except InvalidInput as refused:
        assert refused.remedy  # noqa: PT017  # some of them are conditions, and say nothing foreign
        return
    for foreign in ("read_text", "getenv", "attach", "sleep", "query(", "regexp", "nextval", "error("):
        assert foreign not in sql.lower()


def test_a_row_makes_no_rule_fail(asked: AskedVault) -> None:
    """A failure that depends on a row tells of it. Source: A. Haeberlen, B. Pierce, A. Narayan, "Differential
    Privacy Under Fire" (2011)."""
    text = (
        "1000 / (visits - 9) > 1 OR LN(GREATEST(cost, 1)) > 3 OR visits % 2 = 0 OR cost * visits * year > 9"
    )
    rule = '{rule: "' + text + '"}'
    dataset, _ = asked.dataset(policy=POLICY + f"expect:\n  - {rule}\n")
    assert described(asked, dataset)["quality"]["has_rules"] is True


def test_a_problem_in_hostile_words_is_kept_as_words_for_the_department_alone(asked: AskedVault) -> None:
    """Stored cross-site scripting and log forging. Source: OWASP Top Ten 2021, A03; CWE-117."""
    dataset, _ = asked.dataset()
    words = "<script>alert(1)</script>\n{{7*7}} %0aINFO forged\u202e '; DROP TABLE vault.problem_reports; --"
    made = asked.person("wang").send("POST", f"/v1/datasets/{dataset}/reports", json={"words": words})
    assert made.status_code == 201 and made.json()["words"] == words
    listed = asked.person("lin").send("GET", "/v1/reports").json()
    assert words in [one["words"] for one in listed]
    assert words not in json.dumps(described(asked, dataset), ensure_ascii=False)
    for broken in ("NUL \0 here", "\ud800 half a sign"):
        body = json.dumps({"words": broken}).encode()
        answer = asked.person("wang").send("POST", f"/v1/datasets/{dataset}/reports", content=body)
        assert answer.status_code == 422


def test_a_report_number_tells_nothing_of_other_departments(asked: AskedVault) -> None:
    """Insecure direct object references: another's and nobody's look alike. Source: OWASP Top Ten 2021,
    A01."""
    dataset, _ = asked.dataset()
    made = (
        asked.person("wang")
        .send("POST", f"/v1/datasets/{dataset}/reports", json={"words": "something is wrong"})
        .json()
    )
    body = {"outcome": "explained", "words": "no"}
    answers = [
        asked.person("zhou").send("POST", f"/v1/reports/{number}/answer", json=body)
        for number in (made["id"], 2**31 - 1, 0, -5, 2**52)
    ]
    assert {answer.status_code for answer in answers} == {404}
    numbers = (made["id"], 2**31 - 1, 0, -5, 2**52)
    told = {
        answer.json()["detail"].replace(str(number), "N")
        for answer, number in zip(answers, numbers, strict=True)
    }
    assert len(told) == 1, told


def test_a_team_whose_grant_was_ended_reports_nothing_more(asked: AskedVault) -> None:
    """A right that was taken away is used again. Source: CWE-613."""
    dataset, grant = asked.dataset()
    ended = asked.person("lin").send("POST", f"/v1/grants/{grant.id}/revoke", json={"reason": "it is over"})
    assert ended.status_code == 200
    body = {"words": f"wrong {secrets.token_hex(3)}"}
    assert asked.person("wang").send("POST", f"/v1/datasets/{dataset}/reports", json=body).status_code == 403
