"""A vault, a Postgres, a portal, a hub that is killed in the middle of a question leaves the budget
charged and the log whole.

The kills are real (SIGKILL) and at named places: `altered.py` puts them into the process, the product
knows nothing of them.
"""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

import marketplace.migrate
import sandbox.vault.migrate
from altered import altered
from asked_vault import AskedVault, asked_vault
from deaths import deeds
from held_versions import publish_and_open
from live_city import PASSWORD, LiveCity, live_city
from sandbox.audit import Log, Signer
from sandbox.budgets import Account, Level, statement
from sandbox.budgets.tables import reservations
from sandbox.database import Database
from sandbox.grants import Grant
from sandbox.releases.tables import questions
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from sandbox.standalone.workspace_visit import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SQL = "SELECT district, COUNT(*) AS n, AVG(cost) AS mean FROM {dataset} GROUP BY district"

AT = {
    "sandbox.releases.ask": """
        _reserved, _released, _noised = _reserve, _release, add_noise
        def _reserve(*given, **more):
            _die_at("before the reservation")
            id = _reserved(*given, **more)
            _die_at("after the reservation")
            _stop_at("after the reservation")
            return id
        def add_noise(*given, **more):
            noisy = _noised(*given, **more)
            _die_at("after the noise")
            return noisy
        def _release(*given, **more):
            answer = _released(*given, **more)
            _die_at("after the release")
            return answer
        _appended = append
        def append(tx, event, **more):
            index = _appended(tx, event, **more)
            if event.kind == "query.released":
                _die_at("in the release, before its commit")
            return index
        """,
    "sandbox.engines.duckdb": """
        _computed = computed
        def computed(*given, **more):
            _die_at("in the engine")
            _stop_at("in the engine")
            return _computed(*given, **more)
        """,
}


def deadly(folder: Path) -> dict[str, str]:
    """A vault's environment in which it dies, or stops, at the place that `folder`/at names."""
    return altered(folder, {module: deeds(folder) + dedent(text) for module, text in AT.items()})


@dataclass(frozen=True)
class Place:
    """Where the vault dies: is the loss reserved by then, has the answer been released?"""

    name: str
    reserved: bool
    released: bool


PLACES = (
    Place("before the reservation", reserved=False, released=False),
    Place("after the reservation", reserved=True, released=False),
    Place("in the engine", reserved=True, released=False),
    Place("after the noise", reserved=True, released=False),
    Place("in the release, before its commit", reserved=True, released=False),
    Place("after the release", reserved=True, released=True),
)


@pytest.fixture(scope="module")
def vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    with asked_vault(postgres, template, s3) as made:
        yield made


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_vault_killed_in_a_question_charges_exactly_what_was_reserved(
    place: Place, vault: AskedVault, tmp_path: Path
) -> None:
    with vault.start(deadly(tmp_path)) as process:
        dataset, grant = vault.dataset()
        sql, wang = SQL.format(dataset=dataset), vault.person("wang")
        price = wang.send("POST", "/v1/explain", json={"sql": sql}).json()["picorho"]
        before, entries = vault.spent(grant), vault.log().size()
        (tmp_path / "at").write_text(place.name)
        with pytest.raises(httpx.TransportError):
            wang.ask(sql)
        assert process.wait(120) == -signal.SIGKILL
    lost = vault.lost(grant, before)
    assert lost == dict.fromkeys(lost, price if place.reserved else 0)
    assert reserved(vault.story.database, grant) == (
        [("settled" if place.released else "reserved", price)] if place.reserved else []
    )
    asked = statuses(vault.story.database, grant.id)
    assert asked == (["released" if place.released else "asked"] if place.reserved else [])
    expected = ["query.asked"] * place.reserved + ["query.released"] * place.released
    assert vault.kinds()[entries:] == expected
    assert vault.log().verify_whole().faults == ()

    with vault.start():
        closed = not place.released and place.reserved
        assert statuses(vault.story.database, grant.id) == (["interrupted"] if closed else asked), (
            "a start closes it"
        )
        assert vault.kinds()[entries + len(expected) :] == ["query.interrupted"] * closed
        wang = vault.person("wang")
        answer = wang.answer(sql)
        assert answer["stored"] is place.released
        assert answer["price"]["picorho"] == (0 if place.released else price)
        again = wang.answer(sql)
        assert again["stored"] and again["rows"] == answer["rows"]
        lost = vault.lost(grant, before)
        assert lost == dict.fromkeys(lost, price * (place.reserved + (not place.released)))
    whole = vault.log().verify_whole()
    assert whole.verified and whole.size == len(vault.kinds())


def reserved(database: Database, grant: Grant) -> list[tuple[str, int]]:
    with database.transaction() as tx:
        rows = tx.execute(
            select(reservations)
            .where(reservations.c.grant == grant.account.key)
            .order_by(reservations.c.reserved_at)
        )
        return [(row.status, int(row.picorho)) for row in rows]


def statuses(database: Database, grant: int) -> list[str]:
    with database.transaction() as tx:
        return list(
            tx.scalars(
                select(questions.c.status).where(questions.c.grant == grant).order_by(questions.c.asked_at)
            )
        )


def test_many_askers_and_a_kill_at_any_moment_leave_every_loss_accounted_for(vault: AskedVault) -> None:
    """No named place: thirty questions at once, and the kill falls where it falls. Twice."""
    for delay in (0.25, 0.6):
        with vault.start() as process, ThreadPoolExecutor(30) as pool:
            dataset, grant = vault.dataset()
            before = vault.spent(grant)
            wang = vault.person("wang")
            asked = [
                pool.submit(wang.ask, f"SELECT COUNT(*) FROM {dataset} WHERE visits > {n}", epsilon="0.1")
                for n in range(30)
            ]
            killer = threading.Timer(delay, process.kill)
            killer.start()
            for one in asked:
                one.exception(timeout=60)
            killer.join()
            process.wait(120)
        rows = reserved(vault.story.database, grant)
        lost = vault.lost(grant, before)
        assert lost == dict.fromkeys(lost, sum(loss for _, loss in rows))
        got = [one.result() for one in asked if one.exception() is None and one.result().status_code == 200]
        settled = [status for status, _ in rows].count("settled")
        assert len(got) <= settled == statuses(vault.story.database, grant.id).count("released")
        assert vault.log().verify_whole().faults == ()
        with vault.start():
            for one in got:
                again = vault.person("wang").answer(one.json()["sql"], epsilon="0.1")
                assert again["stored"] and again["rows"] == one.json()["rows"]


# --- Postgres


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A Postgres of this test's own, as durable as a city's."""
    home = tmp_path_factory.mktemp("mortal")
    server = Postgres(home, home / "log")
    server.start()
    yield server
    server.stop()


def kill_postgres(server: Postgres) -> None:
    """SIGKILL to the postmaster (as root to the seal it runs in, which takes it along):
    its children see that, and end."""
    assert server.process is not None
    server.process.kill()
    server.process.wait(120)


def make_template(server: Postgres) -> str:
    with (
        Database(server.url(database="postgres"), pool_size=1)
        .engine.connect()
        .execution_options(isolation_level="AUTOCOMMIT") as connection
    ):
        connection.execute(text("CREATE DATABASE template_mortal"))
    sandbox.vault.migrate.migrate(server.url(database="template_mortal"))
    marketplace.migrate.migrate(server.url(database="template_mortal"))
    return "template_mortal"


@pytest.mark.parametrize("place", ["after the reservation", "in the engine"])
def test_a_postgres_killed_in_a_question_is_said_clearly_and_all_is_whole_afterwards(
    place: str, mortal: Postgres, s3: S3Server, tmp_path: Path
) -> None:
    at = tmp_path / "at"
    with asked_vault(mortal, make_template(mortal), s3) as vault, vault.start(deadly(tmp_path)):
        dataset, grant = vault.dataset()
        sql, wang = SQL.format(dataset=dataset), vault.person("wang")
        kept = wang.answer(f"SELECT COUNT(*) FROM {dataset}")
        before = vault.spent(grant)
        with ThreadPoolExecutor(1) as pool:
            at.write_text(f"stop {place}")
            asked = pool.submit(wang.ask, sql)
            wait_for_file(at.with_name("at.reached"))
            kill_postgres(mortal)
            at.with_name("at.go").touch()
            said = asked.result(60)
        check_unavailable(said)
        for path in ("/healthz", "/v1/datasets", f"/v1/budgets?grant={grant.id}", "/v1/log/checkpoint"):
            check_unavailable(wang.send("GET", path))
        check_unavailable(wang.ask(sql))

        vault.story.database.close()
        mortal.start()
        lost = vault.lost(grant, before)
        assert set(lost.values()) == {reserved(vault.story.database, grant)[-1][1]}, (
            "the reservation had been committed"
        )
        assert vault.log().verify_whole().faults == ()
        # the same process answers again, without being started anew
        answer, again = wang.answer(sql), wang.answer(sql)
        assert not answer["stored"] and again["stored"] and again["rows"] == answer["rows"]
        assert wang.answer(f"SELECT COUNT(*) FROM {dataset}")["rows"] == kept["rows"]
        assert vault.log().verify_whole().verified
        written = vault.log_file.read_text()
        assert "Traceback" not in written, written[written.index("Traceback") - 500 :][:3000]


def wait_for_file(file: Path) -> None:
    """Another process makes it: there is nothing to wait on but asking."""
    done = threading.Event()
    for _ in range(6000):
        if file.exists():
            return
        done.wait(0.01)
    raise AssertionError(f"{file.name} was not reached")


def check_unavailable(said: httpx.Response) -> None:
    """503 as a problem document that tells what to do, and nothing of the inside."""
    assert said.status_code == 503, said.text
    assert said.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = said.json()
    assert problem["code"] in ("unavailable", "query_failed") and problem["detail"]
    assert not any(word in said.text for word in ("psycopg", "sqlalchemy", "Traceback", "SELECT", "vault."))


# --- the portal and the hub, in a whole city


@pytest.fixture(scope="module")
def city() -> Iterator[LiveCity]:
    with live_city() as made:
        yield made


@pytest.fixture(scope="module")
def grant(city: LiveCity, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The demo's data, and a grant on the health data for wang's team."""
    from datetime import UTC, datetime, timedelta

    from sandbox.standalone.demo_tables import write_demo_tables

    files = write_demo_tables(tmp_path_factory.mktemp("demo"))
    policies = Path(__file__).parents[2] / "policies" / "datasets"
    lin = city.visitor("lin")
    publish_and_open(city, "lin", policies / "health.visits.yaml", files["health.visits"])
    made = city.visitor("wang").vault(
        "POST",
        "/v1/requests",
        json={
            "dataset": "health.visits",
            "team": "cihu-lake",
            "epsilon": "2",
            "purpose": "what happens when a part is killed",
            "until": (datetime.now(UTC) + timedelta(days=9)).date().isoformat(),
        },
    )
    return int(lin.vault("POST", f"/v1/requests/{made['id']}/approve", json={})["id"])


@pytest.mark.parametrize("victim", ["portal", "hub"])
def test_a_part_killed_while_a_kernel_asks_leaves_the_budget_and_the_log_valid(
    victim: str, city: LiveCity, grant: int, tmp_path: Path
) -> None:
    """The vault answers without them: what was reserved is settled,
    and the same question is free afterwards."""
    at = tmp_path / "at"
    city.restart("vault", deadly(tmp_path))
    sql = f"SELECT {'site' if victim == 'hub' else 'year'}, COUNT(*) AS n FROM health.visits GROUP BY 1"
    wang = city.visitor("wang")  # a token that outlives the portal
    before = levels(city, grant)
    with pytest.raises(Exception), open_workspace(city.where, "wang", PASSWORD) as kernel:  # noqa: PT012, B017
        kernel.run("import cihu")
        at.write_text("stop after the reservation")
        with ThreadPoolExecutor(1) as pool:
            # where the hub dies the reply is lost, and its kernel's client would wait for long
            asking = pool.submit(kernel.run, f"answer = cihu.sql({sql!r}, grant={grant})", seconds=20)
            wait_for_file(at.with_name("at.reached"))
            city.kill(victim)
            at.with_name("at.go").touch()
            asking.exception(timeout=100)
        raise AssertionError("the block ends here, whether the kernel is still reached or not")
    city.restart(victim)
    answer = wang.vault("POST", "/v1/ask", json={"sql": sql, "grant": grant})
    assert answer["stored"], "the vault had gone on, and released it"
    price = one_question(city, grant, sql)
    after = levels(city, grant)
    assert {level: after[level] - before[level] for level in after} == dict.fromkeys(after, price)
    assert whole(city)
    city.restore()
    with open_workspace(city.where, "wang", PASSWORD) as kernel:  # one can log in, and ask, as before
        assert kernel.value(f"__import__('cihu').sql({sql!r}, grant={grant}).document['stored']") is True


def levels(city: LiveCity, grant: int) -> dict[str, int]:
    database = city.database()
    try:
        with database.transaction() as tx:
            named = {
                Level.GRANT: "cihu-lake/health.visits",
                Level.DATASET: "health.visits",
                Level.POPULATION: "residents",
            }
            return {
                level.value: statement(tx, Account(level, key)).spent.picorho for level, key in named.items()
            }
    finally:
        database.close()


def one_question(city: LiveCity, grant: int, sql: str) -> int:
    """What the question was charged: once."""
    database = city.database()
    try:
        with database.transaction() as tx:
            charged = tx.scalars(
                select(questions.c.picorho).where(
                    questions.c.grant == grant, questions.c.sql == sql, questions.c.picorho > 0
                )
            ).all()
    finally:
        database.close()
    assert len(charged) == 1
    return int(charged[0])


def whole(city: LiveCity) -> bool:
    database = city.database()
    try:
        return Log(database, Signer(city.home / "keys" / "log")).verify_whole().verified
    finally:
        database.close()
