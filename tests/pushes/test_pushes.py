"""Batches that a department's system pushes become a version, all of them or none, once."""

import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet
import pytest
from sqlalchemy import select, text, update

from asked_vault import Asker
from pulled_city import POLICY
from pushed_city import FIRST, HEAD, PushedCity
from sandbox.audit.tables import openings
from sandbox.catalog.merge_rows import last_version
from sandbox.client.push import push_files
from sandbox.client.session import MachineSession
from sandbox.errors import InvalidInput
from sandbox.identity.principals import hold_account
from sandbox.pushes.batches import expire_pushes, sweep_pushes
from sandbox.pushes.pusher import PREFIX, hash_secret
from sandbox.pushes.tables import push_batches, push_credentials, pushes
from workspace import CHECKOUT

NEXT = f"{HEAD}c,2024,3\na,2026,4\n".encode()


@pytest.fixture(autouse=True)
def _nothing_stays(city: PushedCity) -> None:
    assert city.left_objects() == 0


def parquet(**columns: list[object]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_batches_of_all_formats_become_one_version(city: PushedCity) -> None:
    dataset = city.wards()
    lin = city.officer()
    push = city.opened(lin, dataset)
    lines = b'{"ward": "d", "beds": 4}\n{"ward": "e", "beds": 5}\n'
    for key, body, kind in (
        ("a", b"beds,ward\n1,a\n2,b\n", "text/csv; charset=utf-8"),
        ("b", parquet(ward=["c"], beds=[3]), "application/octet-stream"),
        ("c", lines, "application/x-ndjson"),
    ):
        assert city.sent(lin, push, body, key, kind).status_code == 201
    told = lin.send("GET", push).json()
    assert (told["state"], told["batches"], told["rows"]) == ("open", 3, 5) and "version" not in told
    assert city.completed(lin, push, 3).json()["version"] == 2
    assert [(row["ward"], row["beds"]) for row in city.rows(dataset)] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
        ("d", 4),
        ("e", 5),
    ]


def test_a_batch_is_taken_once_however_often_it_is_sent(city: PushedCity) -> None:
    dataset = city.wards()
    lin = city.officer()
    push = city.opened(lin, dataset)
    first = city.sent(lin, push, b"ward,beds\na,1\n", "k")
    again = city.sent(lin, push, b"ward,beds\na,1\n", "k")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = city.sent(lin, push, b"ward,beds\na,2\n", "k")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert city.completed(lin, push, 2).json()["code"] == "push_incomplete"
    done = city.completed(lin, push, 1).json()
    assert (done["state"], done["version"]) == ("published", 2)
    # after it ended, both answer the same still
    assert city.completed(lin, push).json() == done
    assert city.sent(lin, push, b"ward,beds\na,1\n", "k").json() == first.json()
    assert city.sent(lin, push, b"ward,beds\nb,1\n", "l").json()["code"] == "push_ended"
    assert city.version(dataset) == 2


def test_a_push_is_found_by_its_name(city: PushedCity) -> None:
    dataset = city.wards()
    lin = city.officer()
    push = city.opened(lin, dataset, name="2026-12-01")
    assert city.opened(lin, dataset, name="2026-12-01") == push
    assert city.opened(city.officer("sun"), dataset, name="2026-12-01") != push
    city.sent(lin, push, b"ward,beds\na,1\n")
    city.completed(lin, push)
    path = f"/v1/datasets/{dataset}/pushes"
    assert lin.send("POST", path, json={"name": "2026-12-01"}).json()["state"] == "published"
    assert lin.send("POST", path, json={"name": "2026-12-01", "mode": "append"}).json()["code"] == "push_mode"


def test_appended_rows_join_those_of_the_last_version(city: PushedCity) -> None:
    dataset = city.people()
    machine = city.machine(city.credential(dataset, mode="append")["secret"])
    assert city.pushed(machine, dataset, NEXT)["state"] == "complete" and city.version(dataset) == 2
    rows = [(row["person"], row["year"], row["cost"]) for row in city.rows(dataset)]
    # by unit, and within a unit those of the last version first
    assert rows == [("A", 2024, 1.5), ("A", 2026, 4.0), ("B", 2025, 2.0), ("C", 2024, 3.0)]
    replacing = city.machine(city.credential(dataset)["secret"])
    assert city.pushed(replacing, dataset, NEXT)["state"] == "complete" and city.version(dataset) == 3
    assert {row["person"] for row in city.rows(dataset)} == {"A", "C"}


def test_each_row_that_is_a_unit_keeps_its_id_when_others_are_appended(city: PushedCity) -> None:
    policy = (
        "dataset: {name}\ntitle: {{zh: 人, en: People}}\nsummary: {{zh: 测试, en: Made-up rows}}\n"
        'department: health\ngrade: "{grade}"\nsource: {{name: made up, licence: CC0-1.0}}\n'
        "about_rows: 1000\npopulation: residents\nunit: {{row_is_unit: true, kind: person}}\n"
        'budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}}\n'
        "columns:\n  age: {{role: measure, type: integer, bounds: [0, 100], step: 1}}\n"
    )
    dataset = city.people(policy, b"age\n30\n40\n")
    before = {row["row_id"]: row["age"] for row in city.rows(dataset)}
    machine = city.machine(city.credential(dataset, mode="append")["secret"])
    city.pushed(machine, dataset, b"age\n30\n50\n")
    rows = city.rows(dataset)
    assert sorted(row["age"] for row in rows) == [30, 30, 40, 50]
    assert len({row["row_id"] for row in rows}) == 4, "the second of two alike rows is somebody else"
    assert before.items() <= {row["row_id"]: row["age"] for row in rows}.items()


def test_what_does_not_fit_is_told_of_the_batch_that_was_sent(city: PushedCity) -> None:
    dataset = city.people()
    machine = city.machine(city.credential(dataset)["secret"])
    push = city.opened(machine, dataset)
    for body, kind, status, words in (
        (f"{HEAD}c,2024,canary\n".encode(), "text/csv", 422, "cost"),
        (b"person,year\nc,2024\n", "text/csv", 422, "it has not cost"),
        (b"", "text/csv", 422, "empty"),
        (b"PAR1 damaged", "application/vnd.apache.parquet", 422, "Parquet"),
        (NEXT, "application/pdf", 422, "Content-Type"),
    ):
        told = city.sent(machine, push, body, kind=kind)
        assert told.status_code == status and words in told.json()["detail"], told.text
        assert "canary" not in told.text and city.left_objects() == 0
    assert city.sent(machine, push, NEXT).status_code == 201, "the key is free: no batch has it"
    assert machine.send("POST", f"{push}/abandon").status_code == 204
    assert city.completed(machine, push).json()["code"] == "push_ended"


def test_a_total_at_the_end_of_a_batch_is_no_row(city: PushedCity) -> None:
    lin, dataset = city.officer(), city.wards()
    push = city.opened(lin, dataset)
    refused = city.sent(lin, push, "ward,beds\na,4\n合计,4\n".encode(), key="1")
    assert refused.status_code == 422 and refused.json()["code"] == "ending_changed", refused.text
    assert city.sent(lin, push, b"ward,beds\na,4\nb,5\n", key="2").status_code == 201
    assert city.completed(lin, push).status_code == 200
    assert len(city.rows(dataset)) == 2


def test_no_rule_on_all_rows_together_stands_where_rows_are_appended(city: PushedCity) -> None:
    """Whether it was kept would be a bit about the rows that are there, for each push."""
    rule = 'expect:\n  - {{rule: "cost < 90", at_least: 0.7, else: %s}}\n'
    path = f"/v1/datasets/{city.people(POLICY + rule % 'stop')}/push-credentials"
    refused = city.officer().send("POST", path, json={"label": "nightly", "mode": "append"})
    assert (refused.status_code, refused.json()["code"]) == (422, "cannot_merge")
    city.credential(city.people(POLICY + rule % "warn"), mode="append")


def test_a_machine_learns_nothing_of_others_rows(city: PushedCity) -> None:
    """Why rows are refused is for the officer who answers for them."""
    rule = 'expect:\n  - {{rule: "cost < 90", else: stop}}\n'
    dataset = city.people(POLICY + rule)
    credential = city.credential(dataset, mode="append")
    machine = city.machine(credential["secret"])
    told = city.pushed(machine, dataset, f"{HEAD}c,2024,95\nd,2024,95\n".encode())
    path = f"/v1/datasets/{dataset}/pushes/{told['id']}"
    of_officer = city.officer().send("GET", path).json()
    assert of_officer["state"] == "refused" and of_officer["message"]
    assert "message" not in city.officer("sun").send("GET", path).json()
    # a push that became a version looks alike to the machine
    other = city.pushed(machine, dataset, f"{HEAD}c,2024,5\nd,2024,5\n".encode())
    assert city.version(dataset) == 2 and other["state"] == told["state"] == "complete"
    unlike = {"id", "opened_at", "ended_at", "bytes"}
    assert {k: v for k, v in told.items() if k not in unlike} == {
        k: v for k, v in other.items() if k not in unlike
    }
    push = f"/v1/datasets/{dataset}/pushes/{told['id']}"
    assert city.sent(machine, push, NEXT, "later").json()["detail"] == "This push has ended."


def test_of_data_about_people_a_second_officer_agrees(city: PushedCity) -> None:
    dataset = city.people()
    lin, sun = city.officer(), city.officer("sun")
    told = city.pushed(lin, dataset, NEXT)
    push = f"/v1/datasets/{dataset}/pushes/{told['id']}"
    assert told["state"] == "waiting" and city.version(dataset) == 1
    assert city.sent(lin, push, NEXT, "more").json()["code"] == "push_complete"
    assert lin.send("POST", f"{push}/agree").json()["code"] == "own_push"
    agreed = sun.send("POST", f"{push}/agree").json()
    assert (agreed["state"], agreed["version"], agreed["second_person"]) == ("published", 2, "sun")
    assert agreed == sun.send("POST", f"{push}/agree").json()
    credential = city.credential(dataset, agreed=False)
    machine = city.machine(credential["secret"])
    path = f"/v1/datasets/{dataset}/push-credentials/{credential['id']}"
    refused = machine.send("POST", f"/v1/datasets/{dataset}/pushes", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    body = {"revision": credential["revision"]}
    assert city.officer().send("POST", f"{path}/agree", json=body).json()["code"] == "own_push"
    changed = sun.send("POST", f"{path}/agree", json={"revision": 2})
    assert changed.json()["code"] == "push_credential_changed"
    assert sun.send("POST", f"{path}/agree", json=body).json()["state"] == "active"
    assert city.pushed(machine, dataset, NEXT)["state"] == "complete" and city.version(dataset) == 3


def test_a_credential_pushes_into_one_dataset_and_can_do_nothing_else(city: PushedCity) -> None:
    dataset, other = city.wards(), city.wards()
    credential = city.credential(dataset)
    secret = credential["secret"]
    assert secret.startswith(PREFIX)
    with city.asked.story.database.transaction() as tx:
        stored = tx.execute(select(push_credentials).where(push_credentials.c.id == credential["id"])).one()
    assert stored.secret_sha256 == hash_secret(secret) and secret not in str(stored)
    listed = city.officer().send("GET", f"/v1/datasets/{dataset}/push-credentials").json()
    assert [one["id"] for one in listed] == [credential["id"]] and "secret" not in listed[0]
    machine = city.machine(secret)
    mine = city.opened(machine, dataset)
    theirs = city.opened(city.officer(), dataset)
    assert machine.send("POST", f"/v1/datasets/{other}/pushes", json={}).status_code == 404
    assert machine.send("GET", theirs).status_code == 404
    assert len(reads(city, dataset)) > 20
    deeds = [("POST", path) for path in ("/v1/datasets", "/v1/uploads", "/v1/ask", "/v1/explain", "/v1/runs")]
    for method, path in [*reads(city, dataset), *deeds]:
        told = machine.send(method, path)
        assert told.status_code == 401, f"{method} {path}: {told.status_code}"
    path = f"/v1/datasets/{dataset}/push-credentials/{credential['id']}"
    assert city.officer("sun").send("DELETE", path).status_code == 204
    assert machine.send("GET", mine).status_code == 401
    assert city.officer().send("GET", mine).json()["state"] == "abandoned"
    city.officer().send("POST", f"{theirs}/abandon")
    for wrong in (secret[:-1] + ("0" if secret[-1] != "0" else "1"), PREFIX, PREFIX + "x" * 38):
        told = Asker(machine.client, wrong).send("POST", f"/v1/datasets/{dataset}/pushes", json={})
        assert told.status_code == 401
    assert secret not in city.asked.log_file.read_text()


def reads(city: PushedCity, dataset: str) -> list[tuple[str, str]]:
    """Every reading of the API that has no variable but the dataset's name."""
    document = city.officer().send("GET", "/openapi.json").json()
    # what everybody reads without a token is no secret
    return [
        ("GET", path.replace("{name}", dataset))
        for path, methods in document["paths"].items()
        if "get" in methods and methods["get"].get("security") and "{" not in path.replace("{name}", "")
    ]


def test_a_credential_expires(city: PushedCity) -> None:
    dataset = city.wards()
    credential = city.credential(dataset, days=1)
    with city.asked.story.database.transaction() as tx:
        tx.execute(
            update(push_credentials)
            .where(push_credentials.c.id == credential["id"])
            .values(expires_at=datetime.now(UTC))
        )
    machine = city.machine(credential["secret"])
    assert machine.send("POST", f"/v1/datasets/{dataset}/pushes", json={}).status_code == 401
    listed = city.officer().send("GET", f"/v1/datasets/{dataset}/push-credentials").json()
    assert listed[0]["state"] == "expired"


def test_a_colleagues_policy_waits_until_the_credential_is_confirmed(city: PushedCity) -> None:
    dataset = city.people()
    credential = city.credential(dataset)
    machine = city.machine(credential["secret"])
    push = city.opened(machine, dataset)
    rule = POLICY.format(name=dataset, grade="3") + 'expect:\n  - {rule: "cost < 80", else: stop}\n'
    published = city.officer("sun").send(
        "POST", "/v1/datasets", data={"policy": rule}, files={"file": ("rows.csv", FIRST)}
    )
    assert published.status_code == 201, published.text
    refused = city.sent(machine, push, NEXT)
    assert (refused.status_code, refused.json()["code"]) == (409, "policy_changed")
    path = f"/v1/datasets/{dataset}/push-credentials/{credential['id']}"
    confirmed = city.officer().send("POST", f"{path}/confirm").json()
    assert confirmed["state"] == "waiting" and confirmed["revision"] == 2
    body = {"revision": 2}
    assert city.officer("sun").send("POST", f"{path}/agree", json=body).json()["state"] == "active"
    assert city.pushed(machine, dataset, NEXT)["state"] == "complete" and city.version(dataset) == 3
    machine.send("POST", f"{push}/abandon")


def test_a_withdrawn_version_suspends_and_an_erased_dataset_ends(city: PushedCity) -> None:
    dataset = city.wards()
    credential = city.credential(dataset)
    machine = city.machine(credential["secret"])
    push = city.opened(machine, dataset)
    assert city.sent(machine, push, b"ward,beds\nz,1\n").status_code == 201
    step = {"reason": "wrong rows", "kind": "withdraw", "version": 1}
    assert city.officer().send("POST", f"/v1/datasets/{dataset}/lifecycle", json=step).status_code == 201
    assert machine.send("GET", push).json()["code"] == "push_credential_suspended"
    told = city.officer().send("GET", push).json()
    assert told["state"] == "abandoned"
    path = f"/v1/datasets/{dataset}/push-credentials"
    assert "wrong rows" in city.officer().send("GET", path).json()[0]["suspended"]["en"]
    erase = {"reason": "no longer needed", "kind": "erase"}
    assert city.officer().send("POST", f"/v1/datasets/{dataset}/lifecycle", json=erase).status_code == 201
    expire_pushes(city.asked.story.database, city.asked.story.store)
    assert city.left_objects() == 0 and machine.send("GET", push).status_code == 401


def test_another_department_and_an_analyst_push_nothing(city: PushedCity) -> None:
    dataset = city.wards()
    path = f"/v1/datasets/{dataset}/pushes"
    push = city.opened(city.officer(), dataset)
    for stranger in (city.officer("qiao"), city.asked.person("wang")):
        assert stranger.send("POST", path, json={}).status_code in {403, 404}
        assert stranger.send("GET", push).status_code in {403, 404}
        assert stranger.send("GET", path).status_code in {403, 404}
        assert stranger.send("POST", f"{path[:-7]}/push-credentials", json={"label": "x"}).status_code in {
            403,
            404,
        }
    colleague = city.officer("sun")
    assert city.sent(colleague, push, b"ward,beds\na,1\n").json()["code"] == "not_your_push"
    assert [one["id"] for one in colleague.send("GET", path).json()] == [push.rpartition("/")[2]]
    assert colleague.send("POST", f"{push}/abandon").status_code == 204


def test_limits_are_told(city: PushedCity) -> None:
    dataset = city.wards()
    lin = city.officer()
    opened = [city.opened(lin, dataset) for _ in range(5)]
    sixth = lin.send("POST", f"/v1/datasets/{dataset}/pushes", json={})
    assert sixth.status_code == 429
    with city.asked.story.database.transaction() as tx:  # as if a thousand had come
        tx.execute(
            text(
                "INSERT INTO vault.push_batches "
                "(push, key_sha256, state, object_name, format, number, bytes, rows)"
                " SELECT CAST(:id AS uuid), n::text, 'removed', 'gone/' || n, 'csv', n, 1, 1"
                " FROM generate_series(1, 1000) n"
            ),
            {"id": opened[0].rpartition("/")[2]},
        )
    assert city.sent(lin, opened[0], b"ward,beds\na,1\n").json()["code"] == "push_too_large"
    assert city.completed(lin, opened[1]).json()["code"] == "push_empty"
    for push in opened:
        assert lin.send("POST", f"{push}/abandon").status_code == 204
    for key in (None, "", "x" * 201):
        headers = {"Authorization": f"Bearer {lin.token}"} | ({} if key is None else {"Idempotency-Key": key})
        assert lin.client.post(f"{opened[0]}/batches", content=b"", headers=headers).status_code == 422


def test_what_is_left_is_removed(city: PushedCity) -> None:
    """By a crash while a batch arrived, or by nobody who completes a push."""
    database, store = city.asked.story.database, city.asked.story.store
    lin, dataset = city.officer(), city.wards()
    push = city.opened(lin, dataset)
    id = push.rpartition("/")[2]
    assert city.sent(lin, push, b"ward,beds\na,1\n").status_code == 201
    with database.transaction() as tx:
        tx.execute(
            push_batches.insert().values(
                push=id, key_sha256="x", state="storing", object_name="pushes/left", format="csv"
            )
        )
    store.put("pushes/left", b"rows")
    assert sweep_pushes(database, store) == 1 and city.left_objects() == 1
    with database.transaction() as tx:
        old = datetime.now(UTC) - timedelta(hours=49)
        tx.execute(update(pushes).where(pushes.c.id == id).values(changed_at=old))
    assert expire_pushes(database, store) == 1 and city.left_objects() == 0
    assert lin.send("GET", push).json()["state"] == "expired"


def test_the_log_tells_who_pushed_and_nothing_of_rows(city: PushedCity) -> None:
    dataset = city.wards()
    before = len(city.asked.kinds())
    credential = city.credential(dataset)
    machine = city.machine(credential["secret"])
    city.pushed(machine, dataset, b"ward,beds\ncanary-77,1\n")
    machine.send("POST", city.opened(machine, dataset) + "/abandon")
    path = f"/v1/datasets/{dataset}/push-credentials/{credential['id']}"
    city.officer().send("DELETE", path)
    assert city.asked.kinds()[before:] == [
        "push_credential.issued",
        "push.opened",
        "push.completed",
        "dataset.published",
        "push.opened",
        "push.abandoned",
        "push_credential.revoked",
    ]
    with city.asked.story.database.transaction() as tx:
        log = list(tx.scalars(select(openings.c.content)))
    assert any(json.dumps(credential["id"]) in one for one in log)
    assert not any("canary" in one for one in log) and "canary" not in city.asked.log_file.read_text()
    assert last_version(city.asked.story.repository, dataset).published_by == "lin"


def test_the_client_sends_files_once_and_goes_on_by_name(city: PushedCity, tmp_path: Path) -> None:
    dataset = city.wards()
    machine = MachineSession(city.asked.url, city.credential(dataset, mode="append")["secret"])
    first, second = tmp_path / "a.csv", tmp_path / "b.jsonl"
    first.write_bytes(b"ward,beds\nc,1\n")
    second.write_bytes(b'{"ward": "d", "beds": 2}\n')
    told = push_files(machine, dataset, [first, second], name="tonight")
    assert (told["state"], told["version"], told["batches"]) == ("published", 2, 2)
    assert push_files(machine, dataset, [first, second], name="tonight") == told
    assert [row["ward"] for row in city.rows(dataset)] == ["a", "b", "c", "d"]
    second.write_bytes(b'{"ward": "d", "beds": "many"}\n')
    with pytest.raises(InvalidInput, match="beds"):
        push_files(machine, dataset, [first, second], name="tomorrow")
    second.write_bytes(b'{"ward": "d", "beds": 3}\n')  # corrected: the first file is not sent twice
    told = push_files(machine, dataset, [first, second], name="tomorrow")
    assert (told["version"], told["batches"]) == (3, 2)
    for wrong in (tmp_path / "a.pdf", tmp_path / "none.csv"):
        with pytest.raises(InvalidInput):
            push_files(machine, dataset, [wrong], name="never")
    machine.vault("POST", f"/v1/datasets/{dataset}/pushes", json={"name": "never"})


def test_the_program_of_the_docs_pushes_and_may_be_run_again(city: PushedCity) -> None:
    page = (CHECKOUT / "docs" / "how-to" / "push-from-a-system.md").read_text("utf-8")
    _, _, program = page.partition("```{code-block} python\n")
    names: dict[str, Any] = {}
    exec(program.partition("```")[0], names)  # our own page
    dataset = city.wards()
    headers = {"Authorization": f"Bearer {city.credential(dataset)['secret']}"}
    with httpx.Client(base_url=city.asked.url, headers=headers, trust_env=False, timeout=60) as vault:
        batches = [b"ward,beds\nc,1\n", b"ward,beds\nd,2\n"]
        told = names["push"](vault, dataset, "2026-12-01", batches)
        assert (told["state"], told["version"], told["rows"]) == ("published", 2, 2)
        assert names["push"](vault, dataset, "2026-12-01", batches) == told


def test_a_batch_that_comes_while_a_push_is_completed_is_not_lost(city: PushedCity) -> None:
    dataset, lin = city.wards(), city.officer()
    push = city.opened(lin, dataset)
    assert city.sent(lin, push, b"ward,beds\na,1\n", "1").status_code == 201
    told: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: told.append(city.completed(city.officer(), push)))
    with city.asked.story.database.transaction() as tx:
        hold_account(tx, "lin")
        thread.start()
        city.await_waiter()
        assert city.sent(lin, push, b"ward,beds\nb,2\n", "2").status_code == 201
    thread.join(60)
    assert (told[0].status_code, told[0].json()["code"]) == (409, "push_incomplete")
    assert city.completed(lin, push, 2).json()["version"] == 2
    assert [row["ward"] for row in city.rows(dataset)] == ["a", "b"]


def test_one_push_that_is_completed_many_times_at_once_stops_nobody(city: PushedCity) -> None:
    """Those that come while it is at work are told so at once: none waits, none fails."""
    dataset, lin = city.wards(), city.officer()
    push = city.opened(lin, dataset)
    assert city.sent(lin, push, b"ward,beds\na,1\n", "1").status_code == 201
    first: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: first.append(city.completed(city.officer(), push)))
    with city.asked.story.database.transaction() as tx:
        hold_account(tx, "lin")
        thread.start()
        city.await_waiter()
        with ThreadPoolExecutor(20) as pool:
            others = list(pool.map(lambda _: city.completed(lin, push), range(20)))
        assert {(other.status_code, other.json()["code"]) for other in others} == {(409, "at_work")}
    thread.join(60)
    assert first[0].json()["version"] == 2 == city.completed(lin, push).json()["version"]


def test_of_one_push_one_batch_arrives_at_a_time(city: PushedCity) -> None:
    """Batches that arrive at once would not be counted against the limits of the push."""
    dataset, lin = city.wards(), city.officer()
    push = city.opened(lin, dataset)
    arriving, refused = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"ward,beds\n"
        yield b"a,1\n" * 50_000
        arriving.set()
        assert refused.wait(60)
        yield b"b,2\n"

    first: list[httpx.Response] = []
    sending = threading.Thread(target=lambda: first.append(city.sent(city.officer(), push, slowly(), "1")))
    sending.start()
    assert arriving.wait(60)
    ends = time.monotonic() + 60
    while not stored_as(city, push, "storing"):  # until the vault has begun with it
        assert time.monotonic() < ends
    other = city.sent(lin, push, b"ward,beds\nc,3\n", "2")
    assert (other.status_code, other.json()["code"]) == (409, "at_work")
    refused.set()
    sending.join(60)
    assert (first[0].status_code, first[0].json()["rows"]) == (201, 50_001)
    assert city.sent(lin, push, b"ward,beds\nc,3\n", "2").status_code == 201
    assert city.completed(lin, push, 2).json()["rows"] == 50_002


def stored_as(city: PushedCity, push: str, state: str) -> int:
    with city.asked.story.database.transaction() as tx:
        of = (push_batches.c.push == push.rpartition("/")[2], push_batches.c.state == state)
        return len(tx.execute(select(push_batches.c.id).where(*of)).all())


def test_pushes_that_are_opened_at_once_are_counted(city: PushedCity) -> None:
    dataset, lin = city.wards(), city.officer()
    path = f"/v1/datasets/{dataset}/pushes"
    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(lambda _: lin.send("POST", path, json={}), range(12)))
    assert sorted(answer.status_code for answer in told) == [201] * 5 + [429] * 7


def test_who_agrees_to_a_credential_is_warned_of_what_it_lets_happen(city: PushedCity) -> None:
    assert "warning" not in city.credential(city.wards(), agreed=False)
    dataset = city.people()
    made = city.credential(dataset, agreed=False)
    assert made["state"] == "waiting" and "lin" in made["warning"]["en"] and "lin" in made["warning"]["zh"]
    (seen,) = city.officer("sun").send("GET", f"/v1/datasets/{dataset}/push-credentials").json()
    assert seen["warning"] == made["warning"] and made["secret"] not in str(seen)
