"""An officer's file becomes a dataset: uploaded, drafted, corrected and published over HTTP."""

import io
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    confirmed = [item["id"] for item in draft["opening"] if item["answered_by"] == "publisher"]
    told = officer.send(
        "POST",
        f"/v1/drafts/{draft['id']}/publish",
        json={"revision": draft["revision"], "confirmed": confirmed},
    )
    assert told.status_code == 201, told.text
    assert "held" not in told.json(), told.text
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


def test_progress_is_told_in_bytes_and_rows_to_the_files_officer_alone(asked: AskedVault, lin: Asker) -> None:
    body = csv_of(visits(3000)).encode()
    file = upload(lin, body, "progress of visits.csv")  # a dataset that no other test has
    path = f"/v1/uploads/{file['id']}/progress"
    assert told_of(lin.send("GET", path, params={"wait": 0}).text) == []
    for other, status in (("zhou", 404), ("wang", 403)):
        assert asked.person(other).send("GET", path, params={"wait": 0}).status_code == status
    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(lambda: asked.person("lin").send("GET", path).text)
        draft = drafted(lin, file)
        events = told_of(watched.result())
    assert events and events[-1][0] == "end"
    [(kind, standing)] = told_of(lin.send("GET", path, params={"wait": 0}).text)
    assert kind == "end" and standing["work"] == "draft" and standing["rows"] <= 3000
    assert 0 < standing["bytes"] <= standing["of_bytes"] == len(body)
    published(lin, draft)
    [(kind, standing)] = told_of(lin.send("GET", path, params={"wait": 0}).text)
    assert (kind, standing["work"], standing["step"]) == ("end", "publish", "measuring")
    assert set(standing) == {"work", "step", "bytes", "of_bytes", "rows"}
    mine = {one["id"]: one["known"] for one in lin.send("GET", "/v1/uploads").json()}
    assert mine[file["id"]] is False, "what was published of this file itself makes it no copy"
    again = drafted(lin, upload(lin, body, "again.csv"))
    assert again["file"]["known"]
    told = published(lin, again)["advice"]
    assert any("byte for byte" in each for each in told), "the officer learns that it is the same file"


def told_of(stream: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream: kind and data."""
    lines = [part.split("\n") for part in stream.split("\n\n") if part.startswith("event: ")]
    return [(one[0][len("event: ") :], json.loads(one[1][len("data: ") :])) for one in lines]


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


def test_a_row_of_totals_is_left_out_as_suggested_and_can_be_kept(lin: Asker) -> None:
    rows = [*visits(60), ["合计", "", "", "", "", "1,000.00", "", "", "", ""]]
    draft = drafted(lin, upload(lin, csv_of(rows).encode(), "totals.csv"))
    first = draft["suggestions"][0]
    assert (first["path"], first["value"], draft["rows"]) == ("file.notes", "1", 60), first
    assert "合计" in first["reason"]["zh"] and "notes: 1" in draft["policy"]
    told = lin.send(
        "POST",
        f"/v1/drafts/{draft['id']}/inspect",
        json={"revision": draft["revision"], "format": {"notes": 0}},
    )
    assert told.status_code == 200, told.text
    assert told.json()["rows"] == 61 and "notes: 0" in told.json()["policy"]
    assert not any(one["path"] == "file.notes" for one in told.json()["suggestions"])


def again(officer: Asker, draft: dict[str, Any], **given: object) -> dict[str, Any]:
    told = officer.send(
        "POST",
        f"/v1/drafts/{draft['id']}/inspect",
        json={"revision": draft["revision"], "format": given},
    )
    assert told.status_code == 200, told.text
    return dict(told.json())


def test_what_was_decided_stays_when_the_file_is_read_in_another_way(lin: Asker) -> None:
    rows = [*visits(60), ["合计", "", "", "", "", "1,000.00", "", "", "", ""]]
    draft = drafted(lin, upload(lin, csv_of(rows).encode(), "kept.csv"), notes=0)
    decided = {
        "title.zh": "门诊就诊",
        "grade": "4",
        "columns.年龄.name": "age",
        "columns.age.role": "attribute",
        "about": {"who": "column", "column": "患者编号", "kind": "person", "max_rows": 7},
    }
    draft = answered(lin, draft, **decided)
    draft = answered(lin, draft, **{"columns.医疗费用.drop": True})
    draft = again(lin, draft, notes=1)
    policy = draft["policy"]
    assert draft["rows"] == 60 and "notes: 1" in policy and "门诊就诊" in policy, policy
    assert "max_rows: 7" in policy and "dropped_columns: [医疗费用]" in policy, policy
    assert 'grade: "4"' in policy or "grade: 4" in policy, policy
    [age] = [one for one in draft["columns"] if one["source"] == "年龄"]
    assert (age["name"], age["role"]) == ("age", "attribute")
    assert not draft["problems"], draft["problems"]
    assert not any(one["path"].startswith("kept.") for one in draft["suggestions"])
    draft = again(lin, draft, notes=1, header_row=0)
    left = {one["value"] for one in draft["suggestions"] if one["path"].startswith("kept.")}
    assert "年龄" in left and "门诊就诊" in draft["policy"], left


def test_what_is_read_again_keeps_names_and_tells_what_is_left_behind(lin: Asker) -> None:
    """Two headers of one name, of which the officer left the first out of the file's other sheet."""
    book = openpyxl.Workbook()
    first, second = book.worksheets[0], book.create_sheet("b")
    for row in (["Id", "Cost", "Note"], *[[f"p{n}", n, "x"] for n in range(5)], ["合计", 10, ""]):
        first.append(row)
    for row in (["Id", "cost", "Cost"], *[[f"q{n}", n, 2 * n] for n in range(5)]):
        second.append(row)
    body = io.BytesIO()
    book.save(body)
    draft = drafted(lin, upload(lin, body.getvalue(), "sheets.xlsx"))
    assert "notes: 1" in draft["policy"] and draft["rows"] == 5
    draft = answered(lin, draft, **{"columns.note.drop": True, "steps.add": {"limit": "cost", "low": 0}})
    kept = again(lin, draft, header_row=1)
    assert "notes: 1" in kept["policy"], "it is looked for anew, and found"
    kept = again(lin, answered(lin, kept, **{"file.notes": 0}), header_row=1)
    assert kept["rows"] == 6 and "notes: 0" in kept["policy"], "that was decided"
    assert again(lin, kept, header_row=1, notes=None)["rows"] == 5, "it is asked for"
    draft = answered(lin, drafted(lin, draft["file"]), **{"columns.note.drop": True})
    moved = again(lin, answered(lin, draft, **{"steps.add": {"limit": "cost", "low": 0}}), sheet="b")
    assert moved["rows"] == 5 and "notes" not in moved["policy"], "another sheet has another end"
    names = {one["source"]: one["name"] for one in moved["columns"]}
    assert names["Cost"] == "cost" and names["cost"] == "cost_2", "steps name the column that they named"
    left = {(one["path"], one["value"]) for one in moved["suggestions"]}
    assert ("kept.dropped_columns", "Note") in left
    kept = again(lin, drafted(lin, draft["file"], notes=2), header_row=1)
    assert kept["rows"] == 4, "that was said as the file was read"
    left = {(one["path"], one["value"]) for one in again(lin, kept, sheet="b")["suggestions"]}
    assert ("kept.file.notes", "2") in left


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("", "line 1: `columns` does not list"),
        ("columns: [a]\n", "`columns` does not list"),
        ("columns: {a: }\n", "line 2: the column a has no fields"),
        ("columns: {a: {role: attribute}}\ndropped_columns:\n", "line 3: `dropped_columns`"),
        ("columns: {a: {role: attribute}}\ndropped_columns: 5\n", "`dropped_columns`"),
        ("columns: {a: {role: attribute}}\ndropped_columns: [[a]]\nsteps: 5\n", "line 4: `steps` is no list"),
        ("columns: [\n", "line 3"),
    ],
)
def test_a_half_edited_text_is_told_with_its_line(lin: Asker, wrong: str, told: str) -> None:
    draft = drafted(lin, upload(lin, b"id,n\na,1\nb,2\n", "half.csv"))
    at = f"/v1/drafts/{draft['id']}"
    saved = lin.send("PUT", at, json={"revision": 1, "policy": f"dataset: health.half\n{wrong}"})
    assert saved.status_code == 200 and saved.json()["problems"], saved.text
    for path, body in (
        ("answers", {"set": {"columns.a.name": "b", "dropped_columns.restore": "a"}}),
        ("inspect", {"format": {"header_row": 1}}),
    ):
        refused = lin.send("POST", f"{at}/{path}", json={"revision": 2, **body})
        assert refused.status_code == 422, refused.text
        problem = refused.json()
        assert problem["code"] == "policy_misshapen" and told in problem["detail"], problem
        assert problem["remedy"], problem
