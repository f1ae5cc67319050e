"""The doors of sealed runs: who may hand in, look and call off;
and nothing of what a run did on real rows comes back by them."""

import json
import secrets
import time
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from asked_vault import AskedVault
from canaries import Canaries, word
from sandbox.audit.tables import entries
from sandbox.grants import Grant
from sandbox.jobs.disclosure_time import FREEZING_SECONDS
from sandbox.standalone.s3 import S3Server
from sealed_runs import await_state, hand_in, left_by, look, ran
from story import POLICY

HEAD = "person,district,year,cost,visits,note,day,smoker,secret\n"
TELLS = """
import cihu, sys, time
rows = cihu.inputs[{dataset!r}]
for name in rows.columns:
    print(name, rows[name].tolist())
print(rows.columns.tolist(), file=sys.stderr)
(cihu.outbox / "rows.csv").write_text(rows.to_csv())
if rows["note"].iloc[0] == {early!r}:
    raise RuntimeError(rows["note"].iloc[0])
time.sleep(2)
"""


@pytest.fixture(scope="module")
def lake(asked: AskedVault) -> tuple[str, Grant]:
    return asked.dataset()


def refused(said: Any, status: int, code: str) -> None:
    assert (said.status_code, said.json()["code"]) == (status, code), said.text
    assert said.json()["detail"]


def body(dataset: str, **changed: Any) -> dict[str, Any]:
    return {"name": "x", "files": {"main.py": "pass"}, "inputs": [dataset], "limit_seconds": 10} | changed


def test_nothing_of_the_log_the_exit_or_the_time_comes_back_to_the_team(
    asked: AskedVault, s3: S3Server
) -> None:
    """Two runs of one program, one of which fails at once on its rows; to the team they are the same."""
    unit, note, hidden = word("u").upper(), word("n"), word("h")  # ids are kept in upper case
    canaries = Canaries({"unit": unit, "note": note, "hidden": hidden})
    dataset, _ = asked.dataset(rows=f"{HEAD}{unit},north,1,10,2,{note},2026-01-01,true,{hidden}\n".encode())
    pair = [
        hand_in(asked, TELLS.format(dataset=dataset, early=early), dataset, name="pair")
        for early in ("nothing", note)
    ]
    told = []
    for run in pair:
        done = await_state(asked, run, "finished")
        told.append(done)
    slow, early = (left_by(asked, s3, run) for run in pair)
    assert slow.exit["status"] == 0 and early.exit["status"] == 1 and "RuntimeError" in early.log, (
        "the suite can see"
    )
    assert slow.exit["seconds"] >= 2
    assert canaries.within(early.files["log.txt"] + early.files["rows.csv"]) == {"unit", "note"}, (
        "a hidden column is not given"
    )

    seen = b""
    for person in (asked.person("wang"), asked.kernel("wang"), asked.person("qin"), asked.person("lin")):
        for path in (
            "/v1/runs",
            *(f"/v1/runs/{run['id']}{rest}" for run in pair for rest in ("", "/files", "/log", "/exit")),
            "/v1/log/checkpoint",
            f"/v1/log/receipts/{pair[0]['log_index']}",
            "/v1/datasets",
            "/v1/budgets",
        ):
            seen += person.send("GET", path).content
    assert (
        canaries.within(seen.replace(f'"{note}"'.encode(), b"").replace(f"'{note}'".encode(), b"")) == set()
    )
    times = [
        (datetime.fromisoformat(one["told_at"]) - datetime.fromisoformat(one["started_at"])).total_seconds()
        for one in told
    ]
    assert times == [15 + FREEZING_SECONDS] * 2
    assert set(told[0]) == set(told[1]) and all(one["ended_at"] >= one["told_at"] for one in told)
    assert canaries.within(asked.log_file.read_bytes()) == set()
    ends = entry_times(asked, "run.finished")
    due = sorted(datetime.fromisoformat(one["told_at"]) for one in told)
    assert len(ends) >= 2 and all(end >= at for end, at in zip(sorted(ends)[-2:], due, strict=True))


def entry_times(asked: AskedVault, kind: str) -> list[datetime]:
    with asked.story.database.transaction() as tx:
        found = [
            json.loads(entry)
            for entry in tx.scalars(
                entries.select().with_only_columns(entries.c.entry).order_by(entries.c.index)
            )
        ]
    return [datetime.fromisoformat(one["time"]) for one in found if one["kind"] == kind]


def test_a_run_is_its_teams_alone(asked: AskedVault, lake: tuple[str, Grant]) -> None:
    run = hand_in(asked, "import time; time.sleep(60)", lake[0], limit=60)
    assert look(asked, run, "song")["program"]["files"] == {"main.py": "import time; time.sleep(60)"}
    for stranger in ("qin", "li", "lin"):
        for method, path in (("GET", ""), ("POST", "/cancel")):
            refused(asked.person(stranger).send(method, f"/v1/runs/{run['id']}{path}"), 404, "not_found")
        assert run["id"] not in asked.person(stranger).send("GET", "/v1/runs").text
    refused(asked.person("wang").send("GET", f"/v1/runs/{uuid4()}"), 404, "not_found")
    assert asked.person("song").send("POST", f"/v1/runs/{run['id']}/cancel").json()["state"] == "cancelled"
    refused(asked.person("wang").send("POST", f"/v1/runs/{run['id']}/cancel"), 409, "conflict")


def test_a_run_that_is_called_off_leaves_nothing_in_quarantine(
    asked: AskedVault, s3: S3Server, lake: tuple[str, Grant]
) -> None:
    """Called off while it runs, and when it has ended but its end is not told:
    the team cannot tell the two apart."""
    store = s3.quarantine_store()
    lasting = hand_in(
        asked, "open('/outbox/a', 'w').write('a')\nimport time; time.sleep(60)", lake[0], limit=60
    )
    ended = hand_in(asked, "open('/outbox/a', 'w').write('a')", lake[0])
    for run in (lasting, ended):
        await_state(asked, run, "running")

    def stored(run: dict[str, Any]) -> list[Any]:
        return list(
            store.client.list_objects(
                store.bucket, prefix=f"runs/{run['id']}/", recursive=True, include_version=True
            )
        )

    until = time.monotonic() + 120
    while len(stored(ended)) < 3:
        assert time.monotonic() < until
        time.sleep(0.1)
    for run in (lasting, ended):
        said = asked.person("wang").send("POST", f"/v1/runs/{run['id']}/cancel").json()
        assert said["state"] == "cancelled" and not set(said) ^ set(look(asked, run)) - {"program", "receipt"}
    while stored(ended) or stored(lasting):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert left_by(asked, s3, ended).files == {}


def test_without_a_live_grant_nothing_is_handed_in(asked: AskedVault, lake: tuple[str, Grant]) -> None:
    dataset, grant = asked.dataset()
    for person in ("qin", "li"):
        refused(asked.person(person).send("POST", "/v1/runs", json=body(dataset)), 403, "no_grant")
    done = asked.person("lin").send("POST", f"/v1/grants/{grant.id}/revoke", json={"reason": "it is enough"})
    assert done.status_code == 200
    before = asked.kinds().count("decision.refused")
    refused(asked.person("wang").send("POST", "/v1/runs", json=body(dataset)), 403, "grant_not_live")
    assert asked.kinds().count("decision.refused") == before + 1
    refused(
        asked.person("wang").send("POST", "/v1/runs", json=body(lake[0], inputs=[lake[0], dataset])),
        403,
        "grant_not_live",
    )


def test_a_grade_that_allows_no_review_lets_no_program_read(asked: AskedVault) -> None:
    dataset, _ = asked.dataset(
        policy=POLICY.replace(
            "note: {role: attribute, type: text}", "note: {role: attribute, type: text, grade: important}"
        )
    )
    refused(asked.person("wang").send("POST", "/v1/runs", json=body(dataset)), 403, "grade_forbids_way")


def test_a_hidden_columns_grade_is_not_the_programs(asked: AskedVault, s3: S3Server) -> None:
    dataset, _ = asked.dataset(
        policy=POLICY.replace(
            'secret: {role: hidden, type: text, grade: "4"}',
            "secret: {role: hidden, type: text, grade: important}",
        )
    )
    left = ran(asked, s3, f"import cihu\nprint(cihu.inputs[{dataset!r}].dtypes)", dataset)
    assert "secret" not in left.log and "district" in left.log and left.exit["status"] == 0


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"inputs": ["no.such"]}, 404, "dataset_not_found"),
        ({"inputs": []}, 422, "invalid_input"),
        ({"limit_seconds": 11}, 422, "invalid_input"),
        ({"files": {"../x.py": "x"}}, 422, "invalid_input"),
        ({"files": {}}, 422, "invalid_input"),
        ({"name": "\u202e"}, 422, "invalid_input"),
        ({"entry": "b.py"}, 422, "invalid_input"),
        ({"limit": 10}, 422, "invalid_input"),
        ({"team": "river"}, 403, "not_your_team"),
        ({"files": {"main.py": "\x00"}}, 422, "invalid_input"),
        ({"files": {"main.py": "x" * 70_000}}, 413, "http_413"),
        ({"files": {"main.py": "\ud800"}}, 422, "invalid_input"),
        ({"inputs": ["clinic.\x00"]}, 422, "invalid_input"),
    ],
)
def test_a_bad_submission_is_refused_with_its_fault(
    asked: AskedVault, lake: tuple[str, Grant], changed: dict[str, Any], status: int, code: str
) -> None:
    wang = asked.person("wang")
    headers = {"Authorization": f"Bearer {wang.token}", "Content-Type": "application/json"}
    refused(
        wang.client.post("/v1/runs", headers=headers, content=json.dumps(body(lake[0]) | changed)),
        status,
        code,
    )


def test_the_kernels_door_takes_a_run_too(asked: AskedVault, lake: tuple[str, Grant]) -> None:
    kernel = asked.kernel("wang")
    run = kernel.send("POST", "/v1/runs", json=body(lake[0], limit_seconds=60)).json()
    assert kernel.send("GET", f"/v1/runs/{run['id']}").json()["state"] in ("queued", "running")
    receipt = kernel.send("GET", f"/v1/runs/{run['id']}").json()["receipt"]
    assert receipt["index"] == run["log_index"]
    assert kernel.send("POST", f"/v1/runs/{run['id']}/cancel").json()["state"] == "cancelled"


def test_a_run_reads_the_version_of_its_submission(
    asked: AskedVault, s3: S3Server, lake: tuple[str, Grant]
) -> None:
    dataset, _ = asked.dataset(rows=f"{HEAD}p,north,1,10,2,first,2026-01-01,true,s\n".encode())
    run = hand_in(
        asked,
        f"import cihu\nprint(cihu.inputs[{dataset!r}]['note'].tolist())",
        dataset,
        name=secrets.token_hex(4),
    )
    again = asked.publish(
        POLICY.replace("clinic.visits", dataset), f"{HEAD}p,north,1,10,2,second,2026-01-01,true,s\n".encode()
    )
    assert again.status_code == 201
    done = await_state(asked, run, "finished")
    assert done["inputs"][0]["version"] == 1 and "first" in left_by(asked, s3, run).log


def test_no_address_leads_to_quarantine(asked: AskedVault) -> None:
    """What the routes are, by the API's own description; and the team's role has no right on the table."""
    with asked.person("wang").client as client:
        paths = [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/v1/runs")]
    assert {"/v1/runs", "/v1/runs/{number}", "/v1/runs/{number}/cancel"} <= set(paths)
    assert not [path for path in paths if "quarantine" in path]
    with asked.story.database.transaction() as tx:
        rights = tx.execute(
            text("SELECT has_table_privilege('cihu_portal', 'vault.run_files', 'SELECT')")
        ).scalar_one()
    assert rights is False
