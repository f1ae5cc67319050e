"""Many files of one kind are drafted after one dataset."""

import random

import pytest

from asked_vault import AskedVault, Asker
from drafts.test_drafts import answered, drafted, published, upload

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
