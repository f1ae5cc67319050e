"""An officer's file becomes a dataset: uploaded, drafted, corrected and published over HTTP."""

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from asked_vault import AskedVault, Asker

SURNAMES = "王李张刘陈杨黄赵吴周"


def visits(rows: int = 300) -> list[list[str]]:
    """Visits to a hospital as a department exports them: each person several times."""
    chance = random.Random("visits")
    made = [
        ["患者编号", "姓名", "性别", "年龄", "就诊日期", "医疗费用", "是否住院", "备 注", "", "Area Name"]
    ]
    for row in range(rows):
        person = chance.randrange(120)
        made.append(
            [
                f"P{person:04}",
                SURNAMES[person % 10] + "某",
                "男" if person % 2 else "女",
                str(20 + person % 60),
                f"2024年{1 + row % 12}月{1 + row % 28}日",
                f"{chance.randrange(1, 500_000) / 100:,.2f}",
                chance.choice("是否"),
                "无" if chance.random() < 0.2 else "常规复查",
                str(row),
                chance.choice(["铁山", "下陆"]),
            ]
        )
    return made


def csv_of(rows: list[list[str]], separator: str = ",") -> str:
    return "".join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in row) + "\r\n" for row in rows
    )


def upload(officer: Asker, body: bytes | Iterator[bytes], name: str) -> dict[str, Any]:
    told = officer.send("POST", "/v1/uploads", params={"name": name}, content=body)
    assert told.status_code == 201, told.text
    return dict(told.json())


def drafted(officer: Asker, file: dict[str, Any], **given: object) -> dict[str, Any]:
    told = officer.send("POST", "/v1/drafts", json={"file": file["id"], "format": given})
    assert told.status_code == 201, told.text
    return dict(told.json())


def answered(officer: Asker, draft: dict[str, Any], **changes: object) -> dict[str, Any]:
    told = officer.send(
        "POST", f"/v1/drafts/{draft['id']}/answers", json={"revision": draft["revision"], "set": changes}
    )
    assert told.status_code == 200, told.text
    return dict(told.json())


def published(officer: Asker, draft: dict[str, Any]) -> dict[str, Any]:
    told = officer.send("POST", f"/v1/drafts/{draft['id']}/publish", json={"revision": draft["revision"]})
    assert told.status_code == 201, told.text
    return dict(told.json())


@pytest.fixture
def lin(asked: AskedVault) -> Asker:
    return asked.person("lin")


def test_a_chinese_file_is_published_unedited_and_asked_in_chinese(asked: AskedVault, lin: Asker) -> None:
    file = upload(lin, csv_of(visits()).encode("gb18030"), "门诊2024.csv")
    draft = drafted(lin, file)
    assert draft["format"]["encoding"] == "gb18030" and not draft["problems"]
    columns = {column["source"]: column for column in draft["columns"]}
    assert columns["患者编号"]["role"] == "unit" and columns["姓名"]["role"] == "hidden"
    assert columns["性别"]["role"] == "key" and columns["是否住院"]["type"] == "boolean"
    assert columns["就诊日期"]["type"] == "date" and columns["医疗费用"]["type"] == "number"
    assert columns[""]["name"] == "unnamed" and columns["Area Name"]["name"] == "area_name"
    done = published(lin, draft)
    assert done["rows"] == 300
    asked.grant(done["dataset"])
    told = asked.person("wang").answer(
        f"SELECT 性别, COUNT(*) AS n FROM {done['dataset']} WHERE area_name = '铁山' GROUP BY 性别"
    )
    assert {row[0] for row in told["rows"]} >= {"男", "女"}
    told = asked.person("wang").answer(
        f'SELECT COUNT(*) AS n FROM {done["dataset"]} WHERE "是否住院" AND "年龄" > 30'
    )
    assert told["columns"][0]["kind"] == "count" and told["rows"][0][0] is not None


def test_values_from_the_rows_are_marked_and_stand_nowhere_until_the_officer_adds_them(lin: Asker) -> None:
    draft = drafted(lin, upload(lin, csv_of(visits()).encode(), "visits.csv"))
    cost = next(one for one in draft["suggestions"] if one["path"] == "columns.医疗费用.bounds")
    assert cost["from_rows"] and "bounds" not in draft["policy"].split("医疗费用")[1].split("\n")[0]
    changed = answered(lin, draft, **{cost["path"]: [0, 5000]})
    line = next(line for line in changed["policy"].splitlines() if "医疗费用:" in line)
    assert "role: measure" in line and "bounds: [0, 5000]" in line
    assert changed["revision"] == draft["revision"] + 1 and not changed["problems"]
    assert any("医疗费用" in told["question"]["zh"] for told in changed["predictions"])


def test_a_workbook_with_a_title_and_merged_names_is_read(lin: Asker) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["2023年各区人口统计表"])
    sheet.merge_cells("A1:D1")
    sheet.append(["地区", "人口", "", "备注"])
    sheet.merge_cells("B2:C2")
    sheet.append(["", "男", "女", ""])
    for place, name in enumerate(("铁山区", "下陆区", "西塞山区", "黄石港区"), start=1):
        sheet.append([name, place * 1000, place * 1001, None])
    body = io.BytesIO()
    book.save(body)
    draft = drafted(lin, upload(lin, body.getvalue(), "人口.xlsx"))
    assert [column["source"] for column in draft["columns"]][:3] == ["地区", "人口_男", "人口_女"]
    opened = answered(lin, draft, about={"who": "nobody"}, **{"title.en": "Population of the districts"})
    assert not opened["problems"]
    assert published(lin, opened)["rows"] == 4


def test_only_the_officer_who_uploaded_sees_rows_and_only_the_department_sees_the_draft(
    asked: AskedVault, lin: Asker
) -> None:
    file = upload(lin, csv_of(visits(20)).encode(), "visits.csv")
    draft = drafted(lin, file)
    rows = lin.send("GET", f"/v1/uploads/{file['id']}/rows", params={"count": 3}).json()
    assert rows["columns"][0] == "患者编号" and len(rows["rows"]) == 3
    for other, status in (("zhou", 404), ("wang", 403)):
        person = asked.person(other)
        assert person.send("GET", f"/v1/uploads/{file['id']}/rows").status_code == status
        assert person.send("GET", f"/v1/drafts/{draft['id']}").status_code == status


def test_what_a_colleague_saved_meanwhile_is_not_lost(lin: Asker) -> None:
    draft = drafted(lin, upload(lin, csv_of(visits(20)).encode(), "visits.csv"))
    answered(lin, draft, update_cycle="monthly")
    told = lin.send(
        "PUT", f"/v1/drafts/{draft['id']}", json={"revision": draft["revision"], "policy": draft["policy"]}
    )
    assert (told.status_code, told.json()["code"]) == (409, "draft_changed")


def test_all_faults_of_a_policy_are_told_at_once_with_their_lines(lin: Asker) -> None:
    draft = drafted(lin, upload(lin, csv_of(visits(20)).encode(), "visits.csv"))
    text = draft["policy"].replace("question_epsilon: 0.5", "question_epsilon: 9")
    text = text.replace("  年龄: {role: measure", "  年龄: {role: key").replace("population: residents", "")
    told = lin.send("PUT", f"/v1/drafts/{draft['id']}", json={"revision": 1, "policy": text}).json()
    assert len(told["problems"]) >= 3
    lines = text.splitlines()
    for problem in told["problems"]:
        assert 1 <= problem["line"] <= len(lines) and problem["remedy"]
    assert any("年龄" in lines[problem["line"] - 1] for problem in told["problems"])


def test_an_upload_leaves_nothing_in_clear_on_the_disk(asked: AskedVault, lin: Asker, tmp_path: Path) -> None:
    """The folders are looked at while the body still comes."""
    canary = b"CANARY-7c1f-upload"
    seen: list[str] = []

    def chunks() -> Iterator[bytes]:
        yield b"a,b\n"
        for part in range(24):
            yield (b"1," + canary + b"\n") * 60_000
            if part % 6 == 5:
                seen.extend(holding(canary, asked.home))
                seen.extend(holding(canary, Path("/tmp"), newer=True))

    file = upload(lin, chunks(), "canary.csv")
    assert file["bytes"] > 20 * 1024**2 and not seen
    draft = drafted(lin, file)
    assert draft["rows"] == 24 * 60_000
    assert not holding(canary, asked.home)
    lin.send("DELETE", f"/v1/uploads/{file['id']}")


def holding(canary: bytes, folder: Path, *, newer: bool = False) -> list[str]:
    """Files below `folder` that hold the canary; of /tmp those directly in it alone."""
    found = []
    for path in folder.glob("*" if newer else "**/*"):
        try:
            if path.is_file() and path.stat().st_size and canary in path.read_bytes():
                found.append(str(path))
        except OSError:
            continue
    return found
