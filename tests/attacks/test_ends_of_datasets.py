"""Attempts to learn something, or to get privacy back, by versions that come and go.

Source: C. Dwork, "A firm foundation for private data analysis" (2011): the loss about a person adds up over
everything that was ever answered about them, whatever became of the table.
"""

import secrets
from typing import Any

import pytest

from asked_vault import AskedVault, Asker
from sandbox.identity import create_account
from story import POLICY, rows_csv

CANARY = "CANARY-4711"
LOW = POLICY.replace('grade: "4"', 'grade: "3"')
DROPPED = LOW.replace("  note: {role: attribute, type: text}\n", "").replace(
    "columns:\n", f"dropped_columns: [{CANARY}]\ncolumns:\n"
)


def step(who: Asker, name: str, **more: Any) -> Any:
    return who.send("POST", f"/v1/datasets/{name}/lifecycle", json={"reason": "for a test of it", **more})


def publish(asked: AskedVault, name: str, policy: str, rows: bytes, **word: str) -> Any:
    return asked.person("lin").send(
        "POST",
        "/v1/datasets",
        data={"policy": policy.replace("clinic.visits", name), **word},
        files={"file": ("rows.csv", rows)},
    )


def test_withdrawing_and_publishing_again_gives_no_budget_back(asked: AskedVault) -> None:
    name, grant = asked.dataset(rows=rows_csv(80), policy=LOW)
    lin, wang = asked.person("lin"), asked.person("wang")
    question = f"SELECT COUNT(*) AS n FROM {name}"
    before = asked.spent(grant)
    each = []
    for number in (1, 2, 3):
        wang.answer(question, epsilon="0.5")
        assert step(lin, name, kind="withdraw", version=number).json()["state"] == "done"
        assert wang.refusal(question) == (404, "dataset_withdrawn")
        made = publish(asked, name, LOW, rows_csv(80 + number))
        assert made.json()["version"] == number + 1, made.text
        each.append(asked.lost(grant, before))
    assert [one["grant"] for one in each] == [n * each[0]["grant"] for n in (1, 2, 3)], "each in full"
    assert each[0]["grant"] > 0
    assert all(one["dataset"] >= one["grant"] and one["population"] >= one["grant"] for one in each)


def test_an_erased_name_is_no_fresh_budget(asked: AskedVault) -> None:
    name, grant = asked.dataset(rows=rows_csv(60), policy=LOW)
    wang, lin = asked.person("wang"), asked.person("lin")
    wang.answer(f"SELECT COUNT(*) AS n FROM {name}", epsilon="0.5")
    spent = asked.spent(grant)
    assert step(lin, name, kind="erase").json()["state"] == "done"
    assert wang.refusal(f"SELECT COUNT(*) AS n FROM {name}") == (404, "dataset_erased")
    again = publish(asked, name, LOW, rows_csv(60))
    assert (again.status_code, again.json()["code"]) == (409, "dataset_erased")
    assert asked.spent(grant) == spent
    budget = next(one for one in wang.send("GET", "/v1/budgets").json() if one["grant"] == grant.id)
    assert budget["levels"][0]["percent_used"] > 0, "what was lost is told still"
    assert wang.send("GET", f"/v1/datasets/{name}/stand-in").status_code == 404
    assert lin.send("GET", f"/v1/datasets/{name}/versions").json()["erased_at"]


def test_versions_and_changes_tell_nothing_of_rows(asked: AskedVault) -> None:
    """Neither a count, a digest nor a header of what is not kept."""
    name, _ = asked.dataset(rows=rows_csv(61), policy=LOW)
    rows = rows_csv(59).replace(b",note,", f",{CANARY},".encode())
    second = publish(asked, name, DROPPED, rows, urgent="a header held a name").json()
    assert second["version"] == 2, second
    wang = asked.person("wang")
    for path in ("versions", "changes?from=1&to=2", "announcements", ""):
        told = wang.send("GET", f"/v1/datasets/{name}/{path}".rstrip("/"))
        assert told.status_code == 200
        assert CANARY not in told.text and second["sha256"] not in told.text
        assert str(second["rows"]) not in told.text.replace(name, "")
    kernel = asked.kernel("wang")
    assert kernel.send("GET", f"/v1/datasets/{name}/changes?from=1&to=2").json()["effect"] == "breaking"
    assert step(kernel, name, kind="erase").status_code in (404, 405), "no kernel ends anything"


@pytest.mark.parametrize("who", ["wang", "zhou", "li"])
def test_nobody_ends_what_is_not_theirs(asked: AskedVault, who: str) -> None:
    name, _ = asked.dataset(rows=rows_csv(20), policy=LOW)
    stranger = asked.person(who)
    for more in (
        {"kind": "erase"},
        {"kind": "withdraw", "version": 1},
        {"kind": "retire", "last_day": "2099-01-01"},
    ):
        assert step(stranger, name, **more).status_code == 403
    assert stranger.send("GET", f"/v1/datasets/{name}/lifecycle").status_code == 403
    assert stranger.send("DELETE", f"/v1/datasets/{name}/announcements/1").status_code == 403
    assert step(stranger, "clinic.nothing", kind="erase").status_code == 404
    assert asked.person("wang").send("GET", f"/v1/datasets/{name}").status_code == 200


def test_one_officer_alone_does_not_erase_grade_4(asked: AskedVault) -> None:
    """Nor by proposing twice, nor through another dataset's address."""
    name, _ = asked.dataset(rows=rows_csv(20))
    other, _ = asked.dataset(rows=rows_csv(20), policy=LOW)
    lin = asked.person("lin")
    proposed = step(lin, name, kind="erase").json()
    assert proposed["state"] == "proposed"
    assert step(lin, name, kind="erase").json()["state"] == "proposed"
    for path in (name, other):
        agreed = lin.send("POST", f"/v1/datasets/{path}/lifecycle/{proposed['id']}/agree")
        assert agreed.status_code in (404, 409), agreed.text
    sun = f"sun-{secrets.token_hex(3)}"
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=sun, display_name=sun, organisation="health", roles=["officer"], by="system"
        )
    through_other = asked.person(sun).send("POST", f"/v1/datasets/{other}/lifecycle/{proposed['id']}/agree")
    assert through_other.status_code == 404
    assert lin.send("GET", f"/v1/datasets/{name}").status_code == 200
