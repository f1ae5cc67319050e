"""A city starts whole or not at all, says what is wrong, and leaves nothing behind."""

import dataclasses
import importlib.util
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from sandbox.city import process_tree
from sandbox.city.ground import Ground
from sandbox.city.part import Part
from sandbox.city.people import PEOPLE
from sandbox.city.settings import ANY_PORTS
from sandbox.city.supervisor import City
from sandbox.database import Database
from sandbox.errors import Unavailable
from sandbox.identity import load_principal

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
    city = new_city(tmp_path)
    ground = city.start()
    try:
        mark = str(card(tmp_path)["mark"])
        assert urllib.request.urlopen(f"{ground.addresses.portal}/healthz").status == 200
        assert card(tmp_path)["ready"] is True
        assert len(process_tree.marked(mark)) >= 4
        vault, portal = Database(ground.vault_database), Database(ground.portal_database)
        with portal.transaction() as tx:
            assert {person.id: load_principal(tx, person.id).roles for person in PEOPLE} == {
                person.id: frozenset(person.roles) for person in PEOPLE}
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

    before = time.monotonic()
    city = new_city(tmp_path)
    again = city.start()
    city.stop()
    assert time.monotonic() - before < 30
    assert again.hub_client_secret == ground.hub_client_secret


@pytest.mark.slow
def test_no_role_of_the_database_is_open_without_its_password(tmp_path: Path) -> None:
    city = new_city(tmp_path)
    ground = city.start()
    try:
        stolen = ground.vault_database.replace("cihu_vault:", "postgres:")
        for url in (stolen, ground.vault_database.replace(ground.vault_database.split(":")[2].split("@")[0], "guess")):
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
    if end is signal.SIGKILL:
        # the parts end with us; what they had put into sessions of their own is ended by the next start
        city = new_city(tmp_path, parts=lambda _: ())
        city.start()
        city.stop()
    assert none_left(mark, seconds=1)


@pytest.mark.slow
def test_a_part_that_crashes_is_named_with_its_log_and_the_rest_is_stopped(tmp_path: Path) -> None:
    city = new_city(tmp_path)
    ground = city.start()
    try:
        mark = str(card(tmp_path)["mark"])
        urllib.request.urlopen(f"{ground.addresses.portal}/end").close()
        with pytest.raises(Unavailable, match=r"The portal ended by itself. told to end") as crashed:
            city.wait()
        assert str(tmp_path / "logs" / "portal.log") in crashed.value.mend
    finally:
        city.stop()
    assert process_tree.marked(mark) == []


@pytest.mark.slow
def test_a_part_that_cannot_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    def crashing(ground: Ground) -> tuple[Part, ...]:
        part, = city_process.small_parts(ground)
        return (dataclasses.replace(part, command=(*part.command, "crash")),)

    with pytest.raises(Unavailable, match=r"The portal ended while starting \(status 3\). the small service has had enough"):
        new_city(tmp_path, parts=crashing).start()
    assert not (tmp_path / "city.json").exists()
