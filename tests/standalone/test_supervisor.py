"""A city starts whole or not at all, says what is wrong, and leaves nothing behind."""

import dataclasses
import importlib.util
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.identity import load_principal
from sandbox.standalone import process_tree
from sandbox.standalone.backoff import Backoff
from sandbox.standalone.city_config import CityConfig
from sandbox.standalone.managed_service import ManagedService, RunningService
from sandbox.standalone.people import PEOPLE
from sandbox.standalone.settings import ANY_PORTS
from sandbox.standalone.status import city_status
from sandbox.standalone.supervisor import City

PROGRAM = Path(__file__).with_name("city_process.py")
spec = importlib.util.spec_from_file_location("city_process", PROGRAM)
assert spec and spec.loader
city_process = importlib.util.module_from_spec(spec)
spec.loader.exec_module(city_process)


def new_city(home: Path, **more: object) -> City:
    settings = {"parts": city_process.small_parts, "checks": city_process.CHECKS_WITHOUT_SEAL} | more
    return City(home, ANY_PORTS, **settings)  # type: ignore[arg-type]


def card(home: Path) -> dict[str, object]:
    return json.loads((home / "city.json").read_text())  # type: ignore[no-any-return]


def none_left(mark: str, *, seconds: float) -> bool:
    """Whether every process with this mark is gone within `seconds`."""
    deadline = time.monotonic() + seconds
    return all(process_tree.await_end(one, deadline - time.monotonic()) for one in process_tree.marked(mark))


@pytest.mark.slow
def test_a_city_starts_serves_and_ends_without_a_trace(tmp_path: Path) -> None:
    before_ready: list[object] = []
    city = new_city(tmp_path, furnish=lambda: before_ready.append(card(tmp_path)["ready"]))
    ground = city.start()
    try:
        assert before_ready == [False], "ready when it is, and not before"
        mark = str(card(tmp_path)["mark"])
        assert urllib.request.urlopen(f"{ground.addresses.portal}/healthz").status == 200
        assert card(tmp_path)["ready"] is True
        assert len(process_tree.marked(mark)) >= 4
        vault, portal = Database(ground.vault_database), Database(ground.portal_database)
        with portal.transaction() as tx:
            assert {person.id: load_principal(tx, person.id).roles for person in PEOPLE} == {
                person.id: frozenset(person.roles) for person in PEOPLE
            }
        with vault.transaction():
            pass
        vault.close()
        portal.close()
        with pytest.raises(Unavailable, match="already runs in"):
            new_city(tmp_path).start()
        assert urllib.request.urlopen(f"{ground.addresses.portal}/healthz").status == 200
    finally:
        city.stop()
    assert process_tree.marked(mark) == []
    assert not (tmp_path / "city.json").exists()

    city = new_city(tmp_path)
    again = city.start()
    city.stop()
    assert again.hub_client_secret == ground.hub_client_secret


@pytest.mark.slow
def test_no_role_of_the_database_is_open_without_its_password(tmp_path: Path) -> None:
    city = new_city(tmp_path)
    ground = city.start()
    try:
        stolen = ground.vault_database.replace("cihu_vault:", "postgres:")
        for url in (
            stolen,
            ground.vault_database.replace(ground.vault_database.split(":")[2].split("@")[0], "guess"),
        ):
            database = Database(url)
            with pytest.raises(Unavailable), database.transaction():
                pass
            database.close()
    finally:
        city.stop()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_however_the_supervisor_ends_no_process_is_left(tmp_path: Path, end: signal.Signals) -> None:
    command = [sys.executable, PROGRAM, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        mark = str(card(tmp_path)["mark"])
        assert process_tree.marked(mark)
        run.send_signal(end)
        assert run.wait(60) == (-end if end is signal.SIGKILL else 0)
    assert not city_status(tmp_path)["running"]
    if end is signal.SIGKILL:
        assert card(tmp_path)["ready"] is True, "a card that was left says what was; the lock says what is"
        # the parts end with us; what they had put into sessions of their own is ended by the next start
        city = new_city(tmp_path, parts=lambda _: ())
        city.start()
        city.stop()
    assert none_left(mark, seconds=60)


def tend_until(city: City, done: Callable[[], bool], *, seconds: float = 60) -> None:
    """Let the supervisor do its work until something is so; it returns at each end of a process."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, city._tended
        city.tend(1)


def tended(city: City, name: str, state: str, restarts: int) -> Callable[[], bool]:
    return lambda: (city._tended[name].state, city._tended[name].restarts) == (state, restarts)


@pytest.mark.slow
def test_each_part_that_is_killed_is_named_and_comes_back_while_the_rest_goes_on(tmp_path: Path) -> None:
    """Postgres, the S3 server and a service, by each signal:
    which and by what it ended is said in all three places."""
    told: list[str] = []
    city = new_city(tmp_path, report=told.append)
    ground = city.start()
    try:
        for name in ("portal", "s3", "postgres"):
            for number, how in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV), start=1):
                others = {one: running.process for one, running in city.running.items() if one != name}
                victim = city.running[name].process
                assert victim is not None
                victim.send_signal(how)
                tend_until(city, lambda name=name, number=number: city._tended[name].restarts == number)  # type: ignore[misc]
                assert card(tmp_path)["ready"] is False, "a city with a part away is not ready"
                tend_until(city, tended(city, name, "ready", number))
                assert card(tmp_path)["ready"] is True
                assert city.running[name].process is not victim and city.running[name].is_ready()
                assert {
                    one: running.process for one, running in city.running.items() if one != name
                } == others
                end = card(tmp_path)["parts"][name]["last_end"]  # type: ignore[index]
                # one that ends itself on SIGTERM has a status
                expected = how.name if end["signal"] else "exit status"
                assert expected in end["why"] and (end["signal"] or how is not signal.SIGKILL), end
                said = [line for line in told if line.startswith(f"The {name} ended: ")][-1]
                assert end["why"] in said and str(city.running[name].log) in said
                assert end["why"] in (tmp_path / "logs" / "city.log").read_text()
                city._tended[name].backoff.in_a_row = 0  # the test does not wait longer each time
        with Database(ground.portal_database).transaction() as tx:
            load_principal(tx, "wang")
        status = city_status(tmp_path)
        assert status["running"] and status["parts"]["portal"]["restarts"] == 3
    finally:
        city.stop()
    assert not city_status(tmp_path)["running"]


@pytest.mark.slow
def test_a_part_that_ends_by_itself_is_named_with_its_last_words_and_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    city = new_city(tmp_path, report=told.append)
    ground = city.start()
    try:
        urllib.request.urlopen(f"{ground.addresses.portal}/end").close()
        tend_until(city, tended(city, "portal", "ready", 1))
        said = next(line for line in told if line.startswith("The portal ended"))
        assert (
            "exit status 7" in said
            and "told to end" in said
            and str(tmp_path / "logs" / "portal.log") in said
        )
        assert urllib.request.urlopen(f"{ground.addresses.portal}/healthz").status == 200
    finally:
        city.stop()


@dataclasses.dataclass
class RecordedBackoff(Backoff):
    waits: list[float] = dataclasses.field(default_factory=list)

    def seconds(self, lived: float) -> float:
        self.waits.append(super().seconds(lived))
        return self.waits[-1]


@pytest.mark.slow
def test_a_part_that_cannot_come_back_is_tried_again_less_and_less_often(tmp_path: Path) -> None:
    city = new_city(tmp_path)
    city.start()
    try:
        running = city.running["portal"]
        assert isinstance(running, RunningService) and running.process is not None
        running.part = dataclasses.replace(
            running.part, command=(sys.executable, "-c", "raise SystemExit(9)")
        )
        recorded = city._tended["portal"].backoff = RecordedBackoff()
        running.process.kill()
        tend_until(city, lambda: recorded.in_a_row == 4)
        assert recorded.waits == [0.5, 1, 2, 4]
        assert "exit status 9" in city._tended["portal"].last_end["why"]  # type: ignore[index]
        assert city.running["postgres"].is_ready()
    finally:
        city.stop()


@pytest.mark.slow
def test_a_part_that_cannot_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    def crashing(ground: CityConfig) -> tuple[ManagedService, ...]:
        (part,) = city_process.small_parts(ground)
        return (dataclasses.replace(part, command=(*part.command, "crash")),)

    with pytest.raises(
        Unavailable, match=r"The portal ended while starting \(status 3\). the small service has had enough"
    ):
        new_city(tmp_path, parts=crashing).start()
    assert not (tmp_path / "city.json").exists()
