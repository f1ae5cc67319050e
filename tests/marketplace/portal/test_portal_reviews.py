"""Officers review on the pages, without JavaScript: they look, each view logged, and vote blind;
no page runs what it shows."""

import base64
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text

from ended_run import ended_run
from marketplace.portal.preview import MOST_ROWS, preview_of, visible
from sandbox.database import Database
from sandbox.identity import create_account
from sandbox.standalone.s3 import S3Server

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PROGRAM = "print('<script>alert(1)</script>')  # \u202eno\n"
FILES = {
    "table.csv": b"district,n\nnorth,120\n",
    "page.html": b"<script>alert(1)</script><b>bold</b>\n",
    "chart.png": PICTURE,
    "counts.csv": b"district,n\nnorth,120\n",
    "blob.bin": b"\xff\xfe\x00",
    "note.txt": "各区的计数见表。".encode(),
}
HARMLESS, HOSTILE = ("table.csv", "note.txt", "gone.csv"), ("page.html", "chart.png", "blob.bin")
NO = "这里的单元格只有三个人"


def person(city, who: str):
    browser = city.portal.browser()
    assert browser.log_in(who).status_code == 303
    return browser


@pytest.fixture
def review(city, database: Database, s3: S3Server, tmp_path: Path) -> str:
    """A review of files that the automatic checks let pass. Its id."""
    return asked_for(HARMLESS, city, database, s3, tmp_path)


@pytest.fixture
def hostile(city, database: Database, s3: S3Server, tmp_path: Path) -> str:
    """A review of files that nobody should open otherwise than here. Its id."""
    return asked_for(HOSTILE, city, database, s3, tmp_path)


def asked_for(
    paths: tuple[str, ...], city, database: Database, s3: S3Server, tmp_path: Path, **left: bytes
) -> str:
    """The files of a run that has ended, asked for through the vault's door. The review's id.
    `left`: tables that it left otherwise."""
    files_left = FILES | {f"{name}.csv": content for name, content in left.items()}
    run = ended_run(city, database, s3, tmp_path, program=PROGRAM, files=files_left)
    words = {"context": "各区就诊次数,全部人口", "controls": "已删去小于十的单元格,并取整"}
    files = [
        {
            "path": path,
            **words,
            "statbarn": "words" if path == "note.txt" else "frequencies",
            "counts": "counts.csv" if path == "table.csv" else None,
        }
        for path in paths
    ]
    with city.vault("wang") as wang:
        asked = wang.post(f"/runs/{run}/release", json={"files": files})
        assert asked.status_code == 201, asked.text
    with city.vault("lin") as lin:
        (waiting,) = lin.get("/reviews").json()
    return str(waiting["id"])


def ballot(page: str, **votes: str) -> dict[str, str]:
    """The form's fields: each file approved with a comment, but for those of `votes`
    (path without its ending)."""
    paths = dict(re.findall(r'name="(path_\d+)" value="([^"]+)"', page))
    fields = dict(paths)
    for name, path in paths.items():
        place, choice = name.partition("_")[2], votes.get(path.partition(".")[0], "approve")
        fields |= {
            f"vote_{place}": choice,
            f"comment_{place}": NO if choice != "approve" else "看过了,可以",
            f"reason_{place}": "small_counts" if choice != "approve" else "",
        }
    return fields


def test_two_officers_look_and_vote_and_the_team_has_its_files(city, database: Database, review: str) -> None:
    lin, zhou, page = person(city, "lin"), person(city, "zhou"), f"/reviews/{review}"
    queue = lin.get("/reviews")
    assert queue.status_code == 200 and f'href="{page}"' in queue.text and "各区就诊" in queue.text
    shown = lin.get(page).text
    assert "各区就诊次数,全部人口" in shown and "clinic.visits@1" in shown and "运行没有留下此文件" in shown
    assert (
        "&lt;script&gt;" in shown
        and "<script>alert" not in shown
        and "\\u202e" in shown
        and "\u202e" not in shown
    )
    table = lin.get(f"{page}/files/table.csv")
    assert "<td>120</td>" in table.text and table.headers["cache-control"] == "no-store"
    with database.transaction() as tx:
        assert (
            tx.scalar(text("SELECT entry::jsonb->>'kind' FROM log.entries ORDER BY index DESC LIMIT 1"))
            == "file.viewed"
        )
    assert lin.send(page, f"{page}/votes", **ballot(shown)).status_code == 303
    assert f"{page}/votes" not in lin.get(page).text and "您已投票" in lin.get(page).text
    other = zhou.get(page).text
    assert "看过了" not in other
    assert zhou.send(page, f"{page}/votes", **ballot(other)).status_code == 303
    assert "已放行" in zhou.get(page).text and "看过了" in zhou.get(page).text
    assert f'href="{page}/package"' in zhou.get(page).text
    package = zhou.get(f"{page}/package")
    assert package.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(package.content)) as crate:
        assert crate.read("outputs/table.csv") == FILES["table.csv"]
        assert {one["reviewer"] for one in json.loads(crate.read("review.json"))["votes"]} == {"lin", "zhou"}
    assert person(city, "wang").get(f"{page}/package").status_code == 403
    with city.vault("li") as li:
        (run,) = li.get("/runs").json()
        assert run["state"] == "released"
        assert li.get(f"/runs/{run['id']}/files/table.csv").content == FILES["table.csv"]


def test_a_reviewer_sees_what_is_new_beside_what_left_earlier_and_what_the_team_was_told(
    city, database: Database, s3: S3Server, tmp_path: Path, review: str
) -> None:
    lin, zhou = person(city, "lin"), person(city, "zhou")
    for officer in (lin, zhou):
        page = f"/reviews/{review}"
        assert officer.send(page, f"{page}/votes", **ballot(officer.get(page).text)).status_code == 303
    later = b"district,n\nnorth,130\nsouth,90\n"
    page = f"/reviews/{asked_for(('table.csv',), city, database, s3, tmp_path, table=later)}"
    shown = lin.get(page).text
    assert "新增 1 行、0 列，1 个单元格有变化；少了 0 行、0 列。" in shown
    assert "1 个无上界的文件" in shown and "上限：" in shown, "the note had left"
    assert "各团队合计已获" in shown
    table = lin.get(f"{page}/files/table.csv").text
    assert "<ins>130</ins>" in table and "<ins>south</ins>" in table and "<td>north</td>" in table
    assert "以下划线标出" in table and "<ins>" not in lin.get(f"{page}/files/table.csv?original=true").text


def test_a_preview_runs_nothing_and_what_the_checks_block_nobody_can_approve(city, hostile: str) -> None:
    lin, page = person(city, "lin"), f"/reviews/{hostile}"
    shown = lin.get(page).text
    assert "data:image/png;base64," in lin.get(f"{page}/files/chart.png").text
    html = lin.get(f"{page}/files/page.html")
    assert "&lt;script&gt;" in html.text and "<b>bold" not in html.text
    assert "不能在此显示" in lin.get(f"{page}/files/blob.bin").text
    file = lin.get(f"{page}/download/page.html")
    assert file.content == FILES["page.html"] and file.headers["content-disposition"].startswith("attachment")
    assert (
        file.headers["content-type"] == "application/octet-stream"
        and file.headers["x-content-type-options"] == "nosniff"
    )
    refused = lin.send(page, f"{page}/votes", **ballot(shown))
    assert refused.status_code == 422 and "检查已阻断" in refused.text


def test_reviewers_who_do_not_agree_see_each_other_and_vote_again(city, review: str) -> None:
    lin, zhou, page = person(city, "lin"), person(city, "zhou"), f"/reviews/{review}"
    lin.send(page, f"{page}/votes", **ballot(lin.get(page).text, table="change"))
    assert NO not in zhou.get(page).text
    zhou.send(page, f"{page}/votes", **ballot(zhou.get(page).text))
    both = lin.get(page).text
    assert NO in both and "看过了" in both and "合议中" in both
    for browser in (lin, zhou):
        assert (
            browser.send(page, f"{page}/votes", **ballot(browser.get(page).text, table="change")).status_code
            == 303
        )
    browser = person(city, "lin")
    assert "已退回" in browser.get(page).text
    counted = browser.get("/reviews").text
    assert "小计数" in counted and "已退回" in counted
    with city.vault("wang") as wang:
        (run,) = wang.get("/runs").json()
        told = wang.get(f"/runs/{run['id']}/release").json()
    said = [one["comment"] for one in told["comments"] if one["path"] == "table.csv"]
    assert told["outcome"] == "returned" and said == [NO, NO]


def test_a_vote_that_cannot_stand_is_shown_again_with_its_words(city, review: str) -> None:
    lin, page = person(city, "lin"), f"/reviews/{review}"
    fields = ballot(lin.get(page).text)
    place = next(name for name, path in fields.items() if path == "gone.csv").partition("_")[2]
    refused = lin.send(page, f"{page}/votes", **fields | {f"comment_{place}": ""})
    assert refused.status_code == 422 and "请在意见中说明" in refused.text
    assert "看过了,可以" in refused.text, "what was typed is still there"
    assert (
        lin.send(
            page,
            f"{page}/votes",
            **{name: value for name, value in fields.items() if name != f"vote_{place}"},
        ).status_code
        == 422
    )
    lin.client.cookies.set("cihu_language", "en")
    english = lin.send(page, f"{page}/votes", **fields | {f"comment_{place}": ""})
    assert "Say in a comment why" in english.text


def test_who_may_not_review_is_refused_on_the_pages(city, database: Database, review: str) -> None:
    page = f"/reviews/{review}"
    for who in ("wang", "chen", "he"):
        browser = person(city, who)
        for address in (page, f"{page}/files/table.csv", f"{page}/download/table.csv"):
            told = browser.get(address)
            assert told.status_code == (404 if who == "chen" else 403), (who, address)
            assert not re.search(r"\b120\b", re.sub(r"<[^>]+>", "", told.text)), (who, address)
    assert person(city, "wang").get("/reviews").status_code == 403
    assert 'href="/reviews"' not in person(city, "wang").get("/").text
    with database.transaction() as tx:
        create_account(
            tx,
            account_id="gu",
            display_name="顾",
            organisation="market",
            roles=["officer"],
            by="test",
            password="a long enough password",
        )
    zhou, gu = person(city, "zhou"), person(city, "gu")
    zhou.send(page, f"{page}/votes", **ballot(zhou.get(page).text))
    refused = gu.send(page, f"{page}/votes", **ballot(gu.get(page).text))
    assert refused.status_code == 403 and "其他部门" in refused.text
    assert person(city, "lin").get("/reviews/..%2Fgrants").status_code in (404, 422)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"x,y\n1,2\n", "table"),
        ("a.tsv", b"x\ty\n", "table"),
        ("a.csv", b"", "table"),
        ("a.txt", b"x", "text"),
        ("a.svg", b"<svg onload='x'/>", "text"),
        ("a.html", b"<script>", "text"),
        ("a.csv", PICTURE, "image"),
        ("a.png", b"GIF89a", "text"),
        ("a.bin", b"\xff\xfe", "none"),
        ("a.csv", b"a\0b", "none"),
        ("a.json", '{"a": "磁湖"}'.encode(), "text"),
        ("a.csv", b'"' + b"x" * 200_000, "text"),
    ],
)
def test_a_preview_goes_by_what_the_content_is(name: str, content: bytes, kind: str) -> None:
    assert preview_of(name, content).kind == kind


def test_a_preview_says_when_it_leaves_something_out_and_hides_nothing() -> None:
    long = preview_of("a.csv", b"n\n" * (MOST_ROWS + 1))
    assert not long.whole and len(long.rows) == MOST_ROWS
    assert not preview_of("a.txt", b"x" * 100_001).whole and preview_of("a.txt", b"x" * 100_000).whole
    assert visible("a\u202eb\u200bc\r\nd\te\x1b") == "a\\u202eb\\u200bc\nd\te\\u001b"
