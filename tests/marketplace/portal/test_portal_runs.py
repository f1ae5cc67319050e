"""A team's pages of its runs, without JavaScript:
the state, asking for files, what reviewers said, and what was released."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from ended_run import ended_run, queued_run
from sandbox.database import Database
from sandbox.standalone.s3 import S3Server

PROGRAM = "print('<script>alert(1)</script>')\n"
FILES = {"table.csv": b"district,n\nnorth,120\n", "counts.csv": b"district,n\nnorth,120\n"}
ASKED = {
    "path_0": "table.csv",
    "statbarn_0": "frequencies",
    "context_0": "各区就诊次数,全部人口",
    "controls_0": "已删去小于十的单元格,并取整",
    "counts_0": "counts.csv",
    "path_1": "",
    "context_1": "",
}


def person(city, who: str):
    browser = city.portal.browser()
    assert browser.log_in(who).status_code == 303
    return browser


def decide(city, vote: str, **said: object) -> None:
    """Both officers vote so on every file, through the vault's door."""
    for who in ("lin", "zhou"):
        with city.vault(who) as officer:
            (waiting,) = officer.get("/reviews").json()
            review = officer.get(f"/reviews/{waiting['id']}").json()
            voted = officer.post(
                f"/reviews/{waiting['id']}/votes",
                json={
                    "revision": review["revision"],
                    "votes": [
                        {"path": file["path"], "vote": vote, "comment": "看过了,可以", **said}
                        for file in review["files"]
                    ],
                },
            )
            assert voted.status_code == 200, voted.text


@pytest.fixture
def page(city, database: Database, s3: S3Server, tmp_path: Path) -> str:
    """The page of a run whose end is told."""
    return f"/runs/{ended_run(city, database, s3, tmp_path, program=PROGRAM, files=FILES)}"


def test_a_team_asks_for_a_file_and_has_it_with_its_receipt_and_package(city, page: str) -> None:
    wang = person(city, "wang")
    assert f'href="{page}"' in wang.get("/runs").text and "各区就诊" in wang.get("/runs").text
    assert 'title="wang">王湖' in wang.get("/runs").text, "people are called by their names"
    shown = wang.get(page).text
    assert "已结束" in shown and "&lt;script&gt;" in shown and "<script>alert" not in shown
    assert "counts.csv" not in shown.replace('placeholder="如 counts.csv"', ""), (
        "what lies in quarantine is nobody's to see"
    )
    assert (
        "频数" in shown
        and shown.count("<fieldset>") == 2
        and wang.get(f"{page}?files=5").text.count("<fieldset>") == 5
    )
    assert wang.send(page, f"{page}/release", **ASKED).status_code == 303
    assert "审核中" in wang.get(page).text
    decide(city, "approve")
    shown = wang.get(page).text
    assert "已放行" in shown and f"{page}/release" not in shown
    assert wang.get(f"{page}/files/table.csv").content == FILES["table.csv"]
    assert wang.get(f"{page}/files/counts.csv").status_code == 404
    receipt = wang.get(f"{page}/receipt")
    assert (
        receipt.headers["content-disposition"].startswith("attachment")
        and json.loads(receipt.content)["index"] > 0
    )
    with zipfile.ZipFile(io.BytesIO(wang.get(f"{page}/package").content)) as package:
        assert any(name.endswith("table.csv") for name in package.namelist())
        assert not any("counts" in name for name in package.namelist())


def test_what_is_wrong_in_the_form_is_said_and_kept_and_empty_groups_do_not_count(city, page: str) -> None:
    wang = person(city, "wang")
    refused = wang.send(page, f"{page}/release", **ASKED | {"context_0": ""})
    assert (
        refused.status_code == 422
        and "已删去小于十的单元格" in refused.text
        and 'role="alert"' in refused.text
    )
    refused = wang.send(page, f"{page}/release", path_0="", path_1="")
    assert refused.status_code == 422
    assert "审核中" not in wang.get(page).text


def test_while_it_waits_it_can_be_changed_and_taken_back(city, page: str) -> None:
    wang = person(city, "wang")
    wang.send(page, f"{page}/release", **ASKED)
    shown = wang.get(page).text
    assert 'value="table.csv"' in shown and "已删去小于十的单元格" in shown, "it begins with what was said"
    assert (
        wang.send(
            page, f"{page}/release/change", **ASKED | {"context_0": "各区就诊次数,不含外地居民"}
        ).status_code
        == 303
    )
    assert "各区就诊次数,不含外地居民" in wang.get(page).text
    assert wang.send(page, f"{page}/release/withdraw").status_code == 303
    assert "已撤回" in wang.get(page).text
    assert wang.send(page, f"{page}/release", **ASKED).status_code == 303


def test_what_reviewers_want_is_shown_with_their_reasons_and_not_their_names(city, page: str) -> None:
    wang = person(city, "wang")
    wang.send(page, f"{page}/release", **ASKED)
    decide(city, "change", comment="请合并两个区", reasons=["small_counts"])
    shown = wang.get(page).text
    assert "已退回" in shown and "请合并两个区" in shown and "小计数" in shown
    assert not re.search(r"\b(lin|zhou)\b", shown)
    assert wang.send(page, f"{page}/release", **ASKED).status_code == 303


def test_a_run_that_waits_is_called_off_on_its_page(
    city, database: Database, s3: S3Server, tmp_path: Path
) -> None:
    page = f"/runs/{queued_run(city, database, s3, tmp_path, program=PROGRAM)[1]}"
    wang = person(city, "wang")
    assert "排队中" in wang.get(page).text and f"{page}/release" not in wang.get(page).text
    assert wang.send(page, f"{page}/cancel").status_code == 303
    assert "已取消" in wang.get(page).text and f"{page}/cancel" not in wang.get(page).text


def test_nobody_elses_run_is_there(city, page: str) -> None:
    for who in ("he", "chen", "lin"):
        browser = person(city, who)
        for address in (page, f"{page}/files/table.csv", f"{page}/package", f"{page}/receipt"):
            assert browser.get(address).status_code in (403, 404), (who, address)
        assert "各区就诊" not in browser.get("/runs").text
    wang = person(city, "wang")
    assert wang.get("/runs/nothing").status_code in (404, 422)
    assert wang.get(f"{page}/files/..%2F..%2Fx").status_code in (404, 422)
    assert wang.get(f"{page}?files=x").status_code == 422
    assert wang.get(f"{page}?files=-3").status_code == 200
