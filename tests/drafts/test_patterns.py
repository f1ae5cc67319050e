"""Many files of one kind are drafted after one dataset."""

import random
from typing import Any

import pytest

from asked_vault import AskedVault, Asker
from drafts.test_drafts import answered, drafted, published, upload
from sandbox.policy import YamlText

HEADER = "编号,街道,金额"


def month(number: int, header: str = HEADER, *, more: str = "") -> bytes:
    chance = random.Random(number)
    rows = [
        f"R{row % 40:03},{chance.choice(['花湖', '团城山'])},{chance.randrange(100, 90_000) / 100:.2f}{more}"
        for row in range(200)
    ]
    return "\n".join([header, *rows]).encode("gbk")


@pytest.fixture
def lin(asked: AskedVault) -> Asker:
    return asked.person("lin")


@pytest.fixture
def january(lin: Asker) -> str:
    """A month that the officer has drafted with care, and published."""
    draft = answered(
        lin,
        drafted(lin, upload(lin, month(1), "subsidies_1.csv")),
        **{
            "dataset": "health.subsidies_1",
            "columns.街道.name": "street",
            "columns.金额.bounds": [0, 1000],
            "about": {"who": "column", "column": "编号", "kind": "person", "max_rows": 10},
        },
    )
    return str(published(lin, draft)["dataset"])


def like(officer: Asker, body: bytes, name: str, of: str) -> dict[str, object]:
    file = upload(officer, body, name)["id"]
    told = officer.send("POST", "/v1/drafts", json={"file": file, "like": of})
    assert told.status_code == 201, told.text
    return dict(told.json())


def test_files_of_one_kind_are_published_as_they_are(lin: Asker, january: str) -> None:
    for number in (2, 3):
        draft = like(lin, month(number), f"subsidies_{number}.csv", january)
        assert draft["dataset"] == f"health.subsidies_{number}" and draft["problems"] == []
        assert {one["path"] for one in draft["suggestions"]} <= {"about_rows"}  # type: ignore[attr-defined]
        assert "bounds: [0, 1000]" in str(draft["policy"]) and "max_rows: 10" in str(draft["policy"])
        assert published(lin, draft)["version"] == 1


def test_what_differs_is_pointed_out(lin: Asker, january: str) -> None:
    more = like(lin, month(4, f"{HEADER},电话", more=",13912345678"), "subsidies_4.csv", january)
    paths = {one["path"]: one["reason"]["en"] for one in more["suggestions"]}  # type: ignore[attr-defined]
    assert january in paths["columns.电话.role"] and "role: hidden" in str(more["policy"]).split("电话")[1]
    less = like(lin, b"\xb1\xe0\xba\xc5\nR1\nR2\n", "subsidies_5.csv", january)
    paths = {one["path"]: one["reason"]["en"] for one in less["suggestions"]}  # type: ignore[attr-defined]
    assert {"columns.street", "columns.金额"} <= set(paths) and "street" not in str(less["policy"])


def test_the_pattern_is_kept_when_the_file_is_read_in_another_way(lin: Asker, january: str) -> None:
    draft = like(lin, month(6), "subsidies_6.csv", january)
    again = {"revision": draft["revision"], "format": {"encoding": "gb18030"}}
    told = lin.send("POST", f"/v1/drafts/{draft['id']}/inspect", json=again).json()
    assert "bounds: [0, 1000]" in told["policy"] and "gb18030" in told["policy"]


def test_only_a_dataset_of_the_department_is_a_pattern(asked: AskedVault, january: str) -> None:
    zhou = asked.person("zhou")
    file = upload(zhou, month(7), "subsidies_7.csv")["id"]
    for name in (january, "traffic.nothing"):
        refused = zhou.send("POST", "/v1/drafts", json={"file": file, "like": name})
        assert refused.status_code == 404 and "bounds" not in refused.text


def said(policy: str) -> object:
    """What a policy says, without its comments."""
    return YamlText(policy, None, what="The policy").document


def test_the_next_version_takes_over_all_that_was_decided(lin: Asker) -> None:
    """Steps, rules, names, what was left out: the officer changes nothing, and publishes version 2."""
    first = answered(
        lin,
        drafted(lin, upload(lin, month(1), "wages_1.csv")),
        **{
            "dataset": "health.wages",
            "columns.街道.name": "street",
            "columns.金额.bounds": [0, 1000],
            "about": {"who": "column", "column": "编号", "kind": "person", "max_rows": 10},
            "steps.add": {"trim": ["street"]},
            "expect": [{"rule": "金额 >= 0", "else": "stop"}],
        },
    )
    assert published(lin, first)["version"] == 1
    file = upload(lin, month(2), "wages_february.csv")["id"]
    told = lin.send("POST", "/v1/drafts", json={"file": file, "next_of": "health.wages"})
    assert told.status_code == 201, told.text
    draft = told.json()
    assert draft["dataset"] == "health.wages" and draft["problems"] == []
    assert said(draft["policy"]) == said(first["policy"])
    assert published(lin, draft)["version"] == 2
    both = lin.send(
        "POST", "/v1/drafts", json={"file": file, "next_of": "health.wages", "like": "health.wages"}
    )
    assert both.status_code == 422


@pytest.mark.parametrize("field", ["next_of", "like"])
def test_a_total_of_the_last_file_takes_no_row_of_the_next(lin: Asker, field: str) -> None:
    def staff(*names: str) -> bytes:
        return "".join(f"{name},{name}x\n" for name in ("编号", *names)).encode()

    def of(known: str, number: int, *names: str) -> dict[str, Any]:
        file = upload(lin, staff(*names), f"total_{field}_{number}.csv")["id"]
        told = lin.send("POST", "/v1/drafts", json={"file": file, field: known})
        assert told.status_code == 201, told.text
        return dict(told.json())

    about = {"about": {"who": "column", "column": "编号", "kind": "person", "max_rows": 2}}
    first = drafted(lin, upload(lin, staff("A1", "A2", "A3", "合计"), f"total_{field}.csv"))
    first = answered(lin, first, **about)
    assert first["rows"] == 3 and "notes: 1" in first["policy"]
    dataset = str(published(lin, first)["dataset"])
    draft = of(dataset, 1, "A1", "A2", "A4")
    assert draft["rows"] == 3 and "notes" not in draft["policy"]
    [none] = [one for one in draft["suggestions"] if one["path"] == "file.notes"]
    assert none["value"] == "0" and dataset in none["reason"]["en"] and dataset in none["reason"]["zh"]
    assert published(lin, draft)["rows"] == 3
    again = of(dataset, 2, "A1", "A5", "小计", "合计")
    assert again["rows"] == 2 and "notes: 2" in again["policy"]
    assert any(one["path"] == "file.notes" for one in again["suggestions"])


def test_a_policy_that_leaves_more_out_than_notes_is_told_as_it_is_published(lin: Asker) -> None:
    body = "编号,名\nA1,甲\nA2,乙\nA3,丙\n".encode()
    draft = answered(lin, drafted(lin, upload(lin, body, "advice.csv")), **{"file.notes": 1})
    told = published(lin, draft)
    assert told["rows"] == 2 and any("file.notes" in each for each in told["advice"]), told
