"""How a run ended is told by class only where its officer and its grade let it, at the told moment,
and never beyond the cap."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from asked_vault import AskedVault
from reviewed_runs import reviewing
from sandbox.audit.tables import entries
from sandbox.errors import BudgetExhausted
from sandbox.jobs.hints import HINT_BITS, hint_of
from sandbox.jobs.model import Hint
from sandbox.jobs.outbox import Collected, LeftOut
from sandbox.jobs.sealed_run import Ending
from sandbox.jobs.submit import submit
from sandbox.standalone.s3 import S3Server
from sealed_runs import await_state, look
from story import POLICY, Story

LOW = POLICY.replace('grade: "3"', 'grade: "2"\nhints: {bits: 7}').replace(', grade: "4"', "")
FAILS = "import cihu\nrows = cihu.inputs[{dataset!r}]\nraise RuntimeError(rows['person'].iloc[0])"


SLEEPS = "import time; time.sleep(300)"


def send(asked: AskedVault, dataset: str, program: str, **more: Any) -> Any:
    return asked.person("wang").send(
        "POST",
        "/v1/runs",
        json={
            "name": "hinted",
            "files": {"main.py": program},
            "inputs": [dataset],
            "limit_seconds": 10,
            **more,
        },
    )


def test_a_hint_is_told_with_the_end_counted_logged_and_refused_beyond_the_cap(
    asked: AskedVault, s3: S3Server
) -> None:
    dataset, _ = asked.dataset(policy=LOW)
    first = send(asked, dataset, FAILS.format(dataset=dataset), hint=True).json()
    second = send(asked, dataset, "import no_such_package", hint=True).json()
    plain = send(asked, dataset, FAILS.format(dataset=dataset)).json()
    assert (
        second["hints"] == [{"dataset": dataset, "told_bits": 6, "limit_bits": 7}] and second["hint"] is None
    )
    refused = send(asked, dataset, "pass", hint=True)
    assert (refused.status_code, refused.json()["code"]) == (402, "hints_used_up")
    assert "6 of 7 bits" in refused.json()["detail"] and refused.json()["remedy"]
    asked.grant(dataset)
    assert send(asked, dataset, "pass", hint=True).status_code == 402, "another grant is no fresh cap"
    await_state(asked, first, "running")
    assert look(asked, first)["hint"] is None, "it failed at once; it is not told before its moment"
    told = [await_state(asked, run, "finished") for run in (first, second, plain)]
    assert [one["hint"] for one in told] == ["program_error", "import_missing", None]
    assert [one["hint_bits"] for one in told] == [HINT_BITS, HINT_BITS, 0]
    with asked.story.database.transaction() as tx:
        hinted = [json.loads(entry) for entry in tx.scalars(select(entries.c.entry)) if "run.hinted" in entry]
    assert len(hinted) == 2, "only of runs with bits"
    assert all(
        datetime.fromisoformat(one["time"]) >= datetime.fromisoformat(told[0]["told_at"]) for one in hinted
    )


def test_one_that_is_called_off_before_it_starts_has_told_nothing_and_one_after_it_has(
    mortal_vault: AskedVault,
) -> None:
    with mortal_vault.start({"CIHU_RUN_PLACES": "1"}):
        dataset, _ = mortal_vault.dataset(policy=LOW)
        running = send(mortal_vault, dataset, SLEEPS, hint=True, limit_seconds=300).json()
        await_state(mortal_vault, running, "running")
        waiting = send(mortal_vault, dataset, "pass", hint=True).json()
        assert look(mortal_vault, waiting)["hints"][0]["told_bits"] == 6
        for run in (waiting, running):
            assert mortal_vault.person("wang").send("POST", f"/v1/runs/{run['id']}/cancel").status_code == 200
        assert look(mortal_vault, running)["hints"][0]["told_bits"] == 3


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (LOW.replace("\nhints: {bits: 7}", ""), "no_hints"),
        (
            LOW.replace(
                "secret: {role: hidden, type: text}", 'secret: {role: hidden, type: text, grade: "4"}'
            ).replace("person: {role: unit, type: text}", 'person: {role: unit, type: text, grade: "3"}'),
            "grade_forbids_way",
        ),
    ],
)
def test_no_hint_where_the_officer_or_the_grade_of_all_together_gives_none(
    asked: AskedVault, policy: str, code: str
) -> None:
    dataset, _ = asked.dataset(policy=policy)
    refused = send(asked, dataset, "pass", hint=True)
    assert (refused.status_code, refused.json()["code"]) == (403, code), refused.text
    assert send(asked, dataset, "pass").status_code == 201, "without a hint it may run"


def ending(
    how: str = "itself", status: int | None = 0, said: bytes = b"", left: bool = True, **more: Any
) -> Ending:
    return Ending(how, status, 1.0, said, Collected({"t.csv": b"x"} if left else {}), **more)


@pytest.mark.parametrize(
    ("end", "hint"),
    [
        (ending(), Hint.OK),
        (ending(left=False), Hint.OUTBOX_REFUSED),
        (
            Ending("itself", 0, 1.0, b"", Collected({"t.csv": b"x"}, [LeftOut("l", "a link")])),
            Hint.OUTBOX_REFUSED,
        ),
        (ending(predictions="valid"), Hint.OK),
        (ending(predictions="1 predictions for 2 rows"), Hint.OUTBOX_REFUSED),
        (ending("time", None), Hint.TIME),
        (ending(status=152), Hint.TIME),
        (ending("memory", 3), Hint.MEMORY),
        (ending(status=1, said=b"x\nMemoryError\n"), Hint.MEMORY),
        (ending(status=137), Hint.MEMORY),
        (ending(status=1, said=b"ModuleNotFoundError: No module named 'x'\n"), Hint.IMPORT_MISSING),
        (ending(status=1, said=b"ValueError: Li, 45\n"), Hint.PROGRAM_ERROR),
        (ending(status=7), Hint.PROGRAM_ERROR),
        (ending("not_started", None), Hint.NOT_RUN),
        (ending("interrupted", None), Hint.NOT_RUN),
    ],
)
def test_every_end_is_of_one_class(end: Ending, hint: Hint) -> None:
    assert hint_of(end) is hint


def test_teams_of_one_organisation_have_a_cap_together(story: Story, s3: S3Server, tmp_path: Path) -> None:
    city = reviewing(story, s3, tmp_path, policy=LOW.replace("bits: 7", "bits: 3"))
    people = [f"p{number}" for number in range(5)]
    for person in people:
        city.team(f"t{person}", person, "hbpu")
    city.team("shore", "yan", "market")

    def hinted(person: str) -> int:
        return submit(
            city.runs,
            principal=city.principal(person),
            name="hinted",
            entry="main.py",
            files={"main.py": "pass"},
            inputs=["clinic.visits"],
            limit_seconds=10,
            hint=True,
        ).hint_bits

    assert [hinted(person) for person in people[:4]] == [HINT_BITS] * 4
    with pytest.raises(BudgetExhausted) as full:
        hinted(people[4])
    assert full.value.code == "hints_used_up" and "organisation" in full.value.message and full.value.zh
    assert hinted("yan") == HINT_BITS, "of another organisation"
