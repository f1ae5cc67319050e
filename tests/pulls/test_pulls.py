"""A pull is set by an officer, fetched by the puller, and becomes a version, or leaves the last one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import select, update

from false_alarms import noise_bound, noise_of
from pulled_city import OPEN, POLICY, SECRET, PulledCity
from sandbox.pulls.tables import pull_attempts, pulls
from sandbox.sources.table_stream import TableStream, parquet_pieces

PEOPLE = [(f"p{n % 40}", 2020 + n % 10, n % 90) for n in range(200)]


@pytest.fixture
def table(city: PulledCity) -> Iterator[psycopg.Connection[Any]]:
    """A table `visits` of the department's Postgres."""
    url = city.postgres.url(database="postgres").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE visits (person text, year int, cost numeric(9,2))")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO visits VALUES (%s, %s, %s)", PEOPLE)
        yield connection
        connection.execute("DROP TABLE IF EXISTS visits")


def left_objects(city: PulledCity) -> int:
    return len(city.asked.story.store.versions("pulls/"))


def test_a_table_becomes_a_version_at_each_pull(city: PulledCity, table: psycopg.Connection[Any]) -> None:
    dataset = city.published()
    first = city.pulled(dataset, source="clinic", what="public.visits")
    assert (first["outcome"], first["version"], city.version(dataset)) == ("version", 2, 2)
    # the same rows again: for people it is a version all the same, which tells nothing of them
    assert city.again(dataset)["version"] == 3
    known = city.officer().send("GET", f"/v1/datasets/{dataset}/pull").json()
    assert known["state"] == "active" and datetime.fromisoformat(known["next_due"]) > datetime.now(UTC)
    attempts = city.officer().send("GET", f"/v1/datasets/{dataset}/pull/attempts").json()
    assert [one["version"] for one in attempts] == [3, 2]
    assert left_objects(city) == 0 and not city.due()
    city.asked.grant(dataset)
    told = city.asked.person("wang").answer(f"SELECT COUNT(*) AS n FROM {dataset}", epsilon="3")
    bound = noise_bound(noise_of(told["errors"][0]["n"]))
    # at most four rows of each of forty people; a row counts in whole parts of 1024
    assert abs(told["rows"][0][0] - 160) < bound + 1 < 50


def test_a_query_of_the_open_kind_makes_a_version_only_when_something_changed(city: PulledCity) -> None:
    city.table([("a", 4), ("b", 6)], "wards", "ward, beds")
    dataset = city.published(OPEN, b"ward,beds\na,4\n")
    pull = {"source": "file", "kind": "query", "what": "SELECT ward, beds FROM wards ORDER BY ward"}
    assert city.pulled(dataset, **pull)["version"] == 2
    assert city.again(dataset)["outcome"] == "unchanged" and city.version(dataset) == 2
    city.table([("a", 4), ("b", 7)], "wards", "ward, beds")
    assert city.again(dataset)["version"] == 3


def test_unfit_rows_leave_the_last_version_and_are_counted_for_their_officer_alone(city: PulledCity) -> None:
    dataset = city.published()
    city.table([("a", 2024, 1), ("b", "canary-7741", 2), ("c", "canary-7741", 3)])
    told = city.pulled(dataset, source="file")
    assert (
        told["outcome"] == "failed"
        and "of its cells 2 are no integer" in told["message"]
        and city.version(dataset) == 1
    )
    assert told["message_zh"] and "canary" not in str(told)
    colleague = city.last(dataset, "sun")
    assert (
        colleague["outcome"] == "failed"
        and not {"message", "code", "remedy", "message_zh"} & colleague.keys()
    )
    city.table([("a", 1)], columns="person, ans")  # the columns were renamed at the source
    told = city.again(dataset)
    assert "it has not year, cost" in told["message"] and city.version(dataset) == 1
    city.table([])
    assert "no rows" in city.again(dataset)["message"]


def test_failures_of_sources_leave_the_last_version_and_say_why(
    city: PulledCity, table: psycopg.Connection[Any]
) -> None:
    dataset = city.published()
    cases = [
        ({"source": "gone", "kind": "object", "what": "a/b.csv"}, "source_unreachable"),
        ({"source": "nobody"}, "source_login_refused"),
        ({"source": "clinic", "what": "no_such_table"}, "source_table_missing"),
        ({"source": "clinic", "kind": "query", "what": "SELECT nothing FROM visits"}, "source_table_missing"),
        (
            {"source": "clinic", "kind": "query", "what": "DELETE FROM visits RETURNING *"},
            "source_refuses_query",
        ),
        ({"source": "slow", "kind": "query", "what": "SELECT 'a' AS person, pg_sleep(30)"}, "source_timeout"),
    ]
    for pull, code in cases:
        told = city.pulled(dataset, **pull)
        assert (told["outcome"], told["code"]) == ("failed", code), pull
        assert told["message"] and told["remedy"] and told["message_zh"] and told["remedy_zh"]
        assert city.last(dataset, "sun")["code"] == code  # the source's failure says nothing of rows
    assert city.version(dataset) == 1 and left_objects(city) == 0
    assert table.execute("SELECT count(*) FROM visits").fetchone() == (200,)


@pytest.mark.parametrize(
    ("fault", "source", "code"),
    # a source with a short limit only where the server would stay silent for ever
    [("cut_after", "clinic", "source_cut"), ("stall_after", "slow", "source_timeout")],
)
def test_a_connection_that_breaks_in_the_middle_publishes_nothing(
    city: PulledCity, table: psycopg.Connection[Any], fault: str, source: str, code: str
) -> None:
    dataset = city.published()
    setattr(city.relay, fault, 300_000)
    try:
        told = city.pulled(
            dataset,
            source=source,
            kind="query",
            what="SELECT 'p' || n AS person, 2024 AS year, 1 AS cost FROM generate_series(1, 500000) n",
        )
    finally:
        setattr(city.relay, fault, None)
    assert (told["outcome"], told["code"]) == ("failed", code)
    assert city.version(dataset) == 1 and left_objects(city) == 0


@pytest.mark.parametrize("grade", ["2", "4"])
def test_of_data_about_people_a_second_officer_agrees(city: PulledCity, grade: str) -> None:
    city.table(PEOPLE)
    dataset = city.published(grade=grade)
    told = city.set(dataset, agreed=False, source="file").json()
    assert told["state"] == "waiting" and "next_due" not in told
    assert city.run(dataset).json()["code"] == "second_person_needed"
    path = f"/v1/datasets/{dataset}/pull/agree"
    revision = {"revision": told["revision"]}
    assert city.officer().send("POST", path, json=revision).json()["code"] == "own_pull"
    agreed = city.officer("sun").send("POST", path, json=revision).json()
    assert (agreed["state"], agreed["second_person"]) == ("active", "sun")
    assert city.again(dataset)["version"] == 2
    # a change of the pull falls back
    assert city.set(dataset, agreed=False, source="file", what="others").json()["state"] == "waiting"


def test_a_policy_that_the_setter_changed_is_agreed_to_anew(city: PulledCity) -> None:
    """Else whoever sets a pull tries one rule after the other on rows that they never held."""
    city.table(PEOPLE)
    dataset = city.published()
    assert city.pulled(dataset, source="file")["version"] == 2
    raised = POLICY.format(name=dataset, grade="4")
    assert city.asked.publish(raised, b"person,year,cost\na,2024,1.5\n").status_code == 201
    assert city.version(dataset) == 3
    assert city.run(dataset).status_code in {200, 409} and not city.due()
    told = city.officer().send("GET", f"/v1/datasets/{dataset}/pull").json()
    assert told["state"] == "suspended" and "another policy" in told["suspended"]["en"]
    assert city.set(dataset, source="file").json()["state"] == "active"


def test_an_officer_who_may_not_publish_any_more_suspends_the_pull(city: PulledCity) -> None:
    from sandbox.identity.accounts import disable_account

    city.add_officer("ming")
    city.table(PEOPLE)
    dataset = city.published()
    assert city.set(dataset, "ming", source="file").status_code == 200
    with city.asked.story.database.transaction() as tx:
        disable_account(tx, account_id="ming", by="system")
    assert city.run(dataset).status_code == 200
    city.puller().look()
    told = city.officer().send("GET", f"/v1/datasets/{dataset}/pull").json()
    assert told["state"] == "suspended" and "ming" in told["suspended"]["en"] and told["suspended"]["zh"]
    assert city.version(dataset) == 1 and city.run(dataset).json()["code"] == "pull_suspended"
    # whoever sets it anew answers for it
    assert city.pulled(dataset, source="file")["version"] == 2


def test_another_department_is_told_nothing_and_sets_nothing(city: PulledCity) -> None:
    city.add_officer("qiao", "transport")
    dataset = city.published()
    assert city.set(dataset, source="file").status_code == 200
    stranger, path = city.officer("qiao"), f"/v1/datasets/{dataset}/pull"
    for method, more in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/run"),
        ("POST", "/agree"),
        ("GET", "/attempts"),
    ):
        body = {"json": {"revision": 1}} if more == "/agree" else {}
        assert stranger.send(method, path + more, **body).status_code in {403, 404}
    assert city.set(dataset, "qiao", source="other").status_code in {403, 404}
    assert stranger.send("GET", "/v1/pulls").json() == []
    assert [one["name"] for one in stranger.send("GET", "/v1/sources").json()] == ["other"]
    # nor does one's own department pull from another's source
    assert city.set(dataset, source="other").json()["code"] == "no_such_source"
    assert city.set(dataset, source="no-such").json()["code"] == "no_such_source"
    assert city.asked.person("wang").send("GET", "/v1/pulls").status_code == 403


def test_what_does_not_fit_is_refused_when_it_is_set(city: PulledCity) -> None:
    dataset = city.published()
    cases = [
        {"source": "file", "schedule": "0 3 * *"},
        {"source": "file", "schedule": "61 3 * * *"},
        {"source": "file", "schedule": "*/5 * * * *"},
        {"source": "file", "schedule": "0 0 31 2 *"},
        {"source": "file", "kind": "object"},
        {"source": "gone", "kind": "table"},
        {"source": "gone", "kind": "object", "what": "../secret"},
        {"source": "gone", "kind": "object", "what": "/etc/passwd"},
        {"source": "file", "what": "a..b"},
    ]
    for pull in cases:
        assert city.set(dataset, **pull).status_code == 422, pull
    assert city.officer().send("GET", f"/v1/datasets/{dataset}/pull").json()["code"] == "no_pull"
    assert city.set("clinic.nothing", source="file").status_code == 404


def test_a_dataset_is_found_however_its_name_is_written(city: PulledCity) -> None:
    dataset = city.published()
    assert city.set(dataset.upper(), source="file").json()["dataset"] == dataset
    assert city.officer().send("GET", f"/v1/datasets/{dataset.upper()}/pull").json()["dataset"] == dataset
    assert city.officer().send("DELETE", f"/v1/datasets/{dataset.upper()}/pull").status_code == 204


def test_rows_that_nobody_waits_for_are_refused(city: PulledCity) -> None:
    dataset = city.published()
    city.set(dataset, source="file")
    city.run(dataset)
    (due,) = city.due()
    rows = {"content": b"person,year,cost\na,2024,1\n"}
    path, revision = f"/v1/pulls/{due['id']}/rows", due["revision"]
    assert city.as_puller("POST", f"{path}?revision={revision + 1}", **rows).status_code == 409
    assert city.as_puller("POST", path, **rows).status_code == 409
    assert city.as_puller("POST", f"/v1/pulls/{due['id'] + 999}/rows?revision=1", **rows).status_code == 404
    city.set(dataset, source="file", what="another")  # changed while the rows were read
    assert city.as_puller("POST", f"{path}?revision={revision}", **rows).status_code == 409
    failed = {"revision": due["revision"], "code": "source_cut"}
    assert city.as_puller("POST", f"/v1/pulls/{due['id']}/failure", json=failed).status_code == 409
    assert (
        city.as_puller("POST", f"/v1/pulls/{due['id']}/failure", json=failed | {"code": "x"}).status_code
        == 422
    )
    assert city.officer().send("DELETE", f"/v1/datasets/{dataset}/pull").status_code == 204
    assert city.version(dataset) == 1 and not city.due() and left_objects(city) == 0


def test_a_pull_that_ends_while_its_rows_arrive_publishes_nothing(city: PulledCity) -> None:
    dataset = city.published()
    city.set(dataset, source="file")
    city.run(dataset)
    (due,) = city.due()
    arrives, ended = threading.Event(), threading.Event()
    body = b"".join(parquet_pieces(TableStream(("person", "year", "cost"), iter([("a", "2024", "1")]))))

    def rows() -> Iterator[bytes]:
        yield body[:10]
        arrives.set()
        assert ended.wait(30)
        yield body[10:]

    def end() -> None:
        assert arrives.wait(30)
        city.officer().send("DELETE", f"/v1/datasets/{dataset}/pull")
        ended.set()

    thread = threading.Thread(target=end)
    thread.start()
    told = city.as_puller("POST", f"/v1/pulls/{due['id']}/rows?revision={due['revision']}", content=rows())
    thread.join()
    assert told.status_code == 409 and city.version(dataset) == 1 and left_objects(city) == 0


def test_a_puller_that_dies_in_the_middle_leaves_nothing_and_the_pull_is_due_again(city: PulledCity) -> None:
    dataset = city.published()
    city.set(dataset, source="file")
    city.run(dataset)
    (due,) = city.due()

    def rows() -> Iterator[bytes]:
        yield b"person,year,cost\na,2024,1\n"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        city.as_puller("POST", f"/v1/pulls/{due['id']}/rows?revision={due['revision']}", content=rows())
    assert [one["id"] for one in city.due()] == [due["id"]] and city.version(dataset) == 1
    city.table(PEOPLE)
    city.puller().look()
    assert city.last(dataset)["version"] == 2 and left_objects(city) == 0


def test_what_a_killed_vault_left_is_removed_at_its_start(city: PulledCity) -> None:
    from sandbox.pulls.attempts import sweep_pulls

    dataset = city.published()
    city.set(dataset, source="file")
    database, store = city.asked.story.database, city.asked.story.store
    with database.transaction() as tx:
        pull = tx.execute(select(pulls.c.id).where(pulls.c.dataset == dataset)).scalar_one()
        tx.execute(
            pull_attempts.insert().values(
                pull=pull, set_by="lin", outcome="arriving", object_name="pulls/left"
            )
        )
    store.put("pulls/left", b"rows")
    assert sweep_pulls(database, store) == 1 and left_objects(city) == 0
    assert city.last(dataset) == {}
    with database.transaction() as tx:
        tx.execute(update(pulls).where(pulls.c.id == pull).values(state="removed"))


def test_the_log_tells_who_set_what_and_nothing_of_rows(city: PulledCity) -> None:
    """That an attempt failed may be because of one cell: everybody reads the log."""
    dataset = city.published()
    city.table([("a", "canary-5512", 2)])
    before = len(city.asked.kinds())
    assert city.pulled(dataset, source="file")["outcome"] == "failed"
    assert city.asked.kinds()[before:] == ["pull.set", "pull.agreed", "pull.asked"]
    log = city.asked.log_file.read_text()
    assert SECRET not in log and "canary" not in log


def test_a_stranger_is_no_puller(city: PulledCity) -> None:
    for token in ("x", SECRET[:-1], city.officer().token):
        headers = {"Authorization": f"Bearer {token}"}
        told = httpx.get(f"{city.asked.url}/v1/pulls/due", headers=headers, trust_env=False)
        assert told.status_code == 401


def test_an_object_with_other_totals_at_its_end_leaves_the_last_version(city: PulledCity) -> None:
    """Left out by the first file's number of them, the last row of data would be lost and nobody told."""
    named = OPEN.replace("columns:", "file:\n  notes: 1\ncolumns:")
    dataset = city.published(named, "ward,beds\na,4\n合计,4\n".encode())
    for body, outcome in (
        ("ward,beds\na,4\nb,7\n", "failed"),
        ("ward,beds\na,4\nb,7\n小计,11\n合计,11\n", "failed"),
        ("ward,beds\na,4\nb,7\n合计,11\n", "version"),
    ):
        assert city.set(dataset, source="gone", kind="object", what="a.csv").status_code == 200
        assert city.run(dataset).status_code == 200
        [due] = [one for one in city.due() if one["source"] == "gone"]
        path = f"/v1/pulls/{due['id']}/rows?revision={due['revision']}"
        city.as_puller("POST", path, content=body.encode())
        told = city.last(dataset)
        assert told["outcome"] == outcome, told
        if outcome == "failed":
            assert told["code"] == "ending_changed" and told["message_zh"] and told["remedy"]
            assert "code" not in city.last(dataset, "sun") and city.version(dataset) == 1
    assert city.version(dataset) == 2
