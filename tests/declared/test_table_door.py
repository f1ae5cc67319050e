"""From a declared query to a released table, over the vault's doors; and what its team learns of it before:
nothing."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from asked_vault import AskedVault, Asker
from canaries import Canaries, word
from declared_tables import GRADE_2, people, person, rows
from sandbox.audit import verify_receipt
from sandbox.audit.tables import entries, openings
from sandbox.disclosure.clean_file import clean_file
from sandbox.disclosure.form import COUNTING
from sandbox.jobs.disclosure_time import GRACE_SECONDS
from sandbox.standalone.s3 import S3Server
from sealed_runs import SHORT, await_state, left_by

WANTED = {
    "path": "table.csv",
    "statbarn": "frequencies",
    "context": "residents who came, by district and what was noted",
    "controls": "suppressed by the vault",
    "counts": "counts.csv",
}


def declared(
    vault: AskedVault, sql: str, person: str = "wang", status: int = 201, **more: Any
) -> dict[str, Any]:
    body = {"name": "a table", "sql": sql, "limit_seconds": SHORT} | more
    said = vault.person(person).send("POST", "/v1/runs/table", json=body)
    assert said.status_code == status, said.text
    return dict(said.json())


@pytest.fixture(scope="module")
def lake(asked: AskedVault) -> tuple[str, Canaries]:
    """A dataset of its own population of names, some of whose values nobody may ever see."""
    unit, note, hidden = word("u"), word("n"), word("h")
    begin = date(1990, 1, 1)
    own = [
        f"{secrets.token_hex(4)}{line}".replace("2026-01-01", str(begin + timedelta(days=place)))
        for place, line in enumerate(people())
    ]
    dataset, _ = asked.dataset(
        policy=GRADE_2, rows=rows([*own, person(unit, note=note).replace(",s", f",{hidden}")])
    )
    return dataset, Canaries({"unit": unit, "note": note, "hidden": hidden})


def test_from_the_query_to_the_table_that_its_team_reads(
    asked: AskedVault, s3: S3Server, lake: tuple[str, Canaries]
) -> None:
    dataset, canaries = lake
    by_note = f"SELECT district, note, COUNT(*) AS n FROM {dataset} GROUP BY district, note"
    # one that counts, and one that fails on its rows: to the team they are the same
    fails = f"SELECT day, COUNT(*) AS n FROM {dataset} GROUP BY day"  # nobody shares theirs
    runs = [declared(asked, sql) for sql in (by_note, fails)]
    told = [await_state(asked, run, "finished") for run in runs]
    for one in told:
        assert one["kind"] == "table" and one["program"]["files"]["table.sql"] in (by_note, fails)
        moment = datetime.fromisoformat(one["told_at"])
        assert moment - datetime.fromisoformat(one["started_at"]) == timedelta(seconds=SHORT + GRACE_SECONDS)
        assert datetime.fromisoformat(one["ended_at"]) >= moment
        assert not canaries.within(str(one).encode())
    first, second = ({name: value for name, value in one.items() if not name.endswith("_at")} for one in told)
    assert first.keys() == second.keys()
    left = left_by(asked, s3, runs[0])
    assert set(left.made) == {"table.csv", "counts.csv"} and left.exit["status"] == 0
    assert not canaries.within(b"".join(left.made.values()))
    assert left_by(asked, s3, runs[1]).exit["status"] == 1, "the suite can see"

    wang, song, lin, zhou = (asked.person(name) for name in ("wang", "song", "lin", "zhou"))
    base = f"/v1/runs/{runs[0]['id']}"
    sent(asked.kernel("wang"), f"{base}/release", {"files": [WANTED]}, status=201)
    (waiting,) = [one for one in sent(lin, "/v1/reviews") if one["run"] == runs[0]["id"]]
    review = sent(lin, f"/v1/reviews/{waiting['id']}")
    assert review["program"]["files"] == {"table.sql": by_note}
    assert not [one for one in review["files"][0]["findings"] if one["severity"] == "blocks"], review[
        "files"
    ][0]["findings"]
    _, leaves = clean_file("table.csv", left.made["table.csv"], COUNTING)
    assert lin.send("GET", f"/v1/reviews/{waiting['id']}/files/table.csv").content == leaves
    votes = {
        "revision": review["revision"],
        "votes": [{"path": "table.csv", "vote": "approve", "comment": "compared, all fine"}],
    }
    sent(lin, f"/v1/reviews/{waiting['id']}/votes", votes)
    assert sent(zhou, f"/v1/reviews/{waiting['id']}/votes", votes)["outcome"] == "released"
    got = sent(asked.kernel("song"), f"{base}/files")
    assert song.send("GET", f"{base}/files/table.csv").content == leaves
    proven = verify_receipt(got["receipt"], asked.log().public_key)
    assert proven.payload and proven.payload["files"] == got["files"]

    less = declared(
        asked, by_note.replace(" GROUP", " WHERE visits <> 9 OR district <> 'north' OR note <> 'n1' GROUP")
    )
    await_state(asked, less, "finished")
    sent(wang, f"/v1/runs/{less['id']}/release", {"files": [WANTED]}, status=201)
    (waiting,) = [one for one in sent(lin, "/v1/reviews") if one["run"] == less["id"]]
    findings = sent(lin, f"/v1/reviews/{waiting['id']}")["files"][0]["findings"]
    found = next(one for one in findings if one["severity"] == "blocks")
    assert found["code"] == "differs_by_few" and runs[0]["id"] in found["message"] and found["zh"]
    assert found["message"] not in str(sent(wang, f"/v1/runs/{less['id']}/release")), (
        "its team is told nothing of it"
    )
    with asked.story.database.transaction() as tx:
        for column in (entries.c.entry, openings.c.content):
            assert not canaries.within("\n".join(tx.scalars(select(column))).encode())
    assert not canaries.within(asked.log_file.read_bytes())


def sent(asker: Asker, path: str, body: Any = None, status: int = 200) -> Any:
    said = asker.send(
        "POST" if body is not None else "GET", path, **({"json": body} if body is not None else {})
    )
    assert said.status_code == status, said.text
    return said.json()


def test_who_may_not_and_what_cannot_is_refused_before_data_is_touched(
    asked: AskedVault, lake: tuple[str, Canaries]
) -> None:
    counts = f"SELECT COUNT(*) AS n FROM {lake[0]}"
    assert declared(asked, counts, "qin", 403)["code"] == "no_grant"
    assert declared(asked, f"SELECT SUM(cost) AS s FROM {lake[0]}", status=422)["code"] == "query_refused"
    assert (
        declared(asked, "SELECT COUNT(*) AS n FROM clinic.nothing", status=404)["code"] == "dataset_not_found"
    )
    assert declared(asked, counts, status=422, limit_seconds=11)["code"] == "invalid_input"
    assert declared(asked, counts + " \0", status=422)["code"] == "invalid_input"
    assert declared(asked, counts, status=422, files={})["detail"]
    asked.person("wang").send("POST", f"/v1/runs/{declared(asked, counts)['id']}/cancel")
