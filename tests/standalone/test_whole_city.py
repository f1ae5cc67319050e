"""A whole city of real services: it says when it is ready, traces a request through them,
and outlives each of its parts."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from live_city import CHECKOUT, PASSWORD, LiveCity, cihu, live_city
from sandbox.http.request_id import HEADER
from sandbox.standalone.workspace_visit import FIELD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SERVICES = {"vault": "/health", "portal": "/health", "hub": "/hub/health"}


@pytest.fixture(scope="module")
def city() -> Iterator[LiveCity]:
    with live_city() as made:
        yield made


def address(city: LiveCity, name: str) -> str:
    return str(getattr(city.where, name))


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_alive_and_ready_and_says_what_it_asked(name: str, city: LiveCity) -> None:
    url = address(city, name) + SERVICES[name]
    assert httpx.get(f"{url}/live", timeout=120).json() == {"live": True}
    answer = httpx.get(f"{url}/ready", timeout=120)
    assert answer.status_code == 200, answer.text
    needs = {
        "vault": {"disk", "database", "store", "engine", "runs"},
        "portal": {"disk", "database", "store", "vault"},
        "hub": {"disk", "vault", "portal", "kernels"},
    }
    assert set(answer.json()["checks"]) == needs[name]


def test_a_request_is_traced_from_the_page_to_the_vault(city: LiveCity) -> None:
    """The same id in both logs and in both errors; what the vault refuses is found by it."""
    id, portal = "trace-of-this-test", address(city, "portal")
    with httpx.Client(base_url=portal, timeout=60, headers={HEADER: id, "Origin": portal}) as browser:
        fields = dict(FIELD.findall(browser.get("/login").text))
        browser.post("/login", data={**fields, "account": "lin", "password": PASSWORD})
        listed = browser.get("/datasets")
        assert listed.status_code == 200 and listed.headers[HEADER] == id
        refused = browser.get("/datasets/no.such")
        assert refused.status_code == 404 and f"<code>{id}</code>" in refused.text, refused.text
        program = browser.get("/api/v1/no-such")
        assert program.json()["request_id"] == id
    logs = {name: (city.home / "logs" / f"{name}.log").read_text() for name in ("portal", "vault")}
    for name, log in logs.items():
        assert any(f" {name} {id} " in line for line in log.splitlines()), f"not in the log of the {name}"


@pytest.mark.parametrize("name", ["vault", "portal"])
def test_metrics_are_there_for_this_machine_and_name_nobody(name: str, city: LiveCity) -> None:
    city.visitor("lin").vault("GET", "/v1/datasets")
    said = httpx.get(f"{address(city, name)}/metrics", timeout=120)
    assert said.status_code == 200 and f'service="{name}"' in said.text
    assert (
        "lin" not in said.text.replace("line", "")
        and "process_" not in said.text
        and "_bucket" not in said.text
    )


def test_each_service_that_is_killed_comes_back_and_status_says_what_it_was(city: LiveCity) -> None:
    """vault, portal and hub, each by another signal;
    the hub's proxy, which outlives it, does not keep its port."""
    for name, how in (
        ("vault", signal.SIGKILL),
        ("portal", signal.SIGSEGV),
        ("hub", signal.SIGKILL),
        ("vault", signal.SIGSEGV),
    ):
        process = city.part(name).process
        assert process is not None
        process.send_signal(how)
        restarts = city.city._tended[name].restarts
        deadline = time.monotonic() + 240
        while (city.city._tended[name].state, city.city._tended[name].restarts) != ("ready", restarts + 1):
            assert time.monotonic() < deadline, city.city._tended[name]
            city.city.tend(1)  # returns at what happens
        told = cihu("status", "--json", "--home", str(city.home))
        status = json.loads(told.stdout)
        assert (
            status["parts"][name]["last_end"]["signal"] == how.name
            and status["parts"][name]["restarts"] == restarts + 1
        )
    while cihu("status", "--home", str(city.home)).returncode:
        assert time.monotonic() < deadline + 60
    assert city.visitor("lin").vault("GET", "/v1/me")["id"] == "lin"
    shown = cihu("status", "--home", str(city.home))
    assert "The city is ready" in shown.stdout and "SIGSEGV" in shown.stdout


@pytest.mark.parametrize(
    "encoding",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii:strict"},
    ],
)
def test_a_terminal_that_cannot_show_a_letter_gets_its_number(
    encoding: dict[str, str], city: LiveCity
) -> None:
    for arguments in (("me",), ("status",), ("budget",), ("datasets",)):
        done = cihu(*arguments, "--home", str(city.home), **encoding)
        assert "Traceback" not in done.stderr and "codec" not in done.stderr, (arguments, done.stderr)
    welcome = (
        "from sandbox.cli import write_what_can_be_written as write; from "
        "sandbox.cli.terminal import out; write(); from sandbox.standalone.welcome import welcome; from "
        "sandbox.standalone.settings import ANY_PORTS; from pathlib import Path; "
        f"welcome(out, Path({str(city.home)!r}), ANY_PORTS)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", welcome],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT), **encoding},
    )
    assert shown.returncode == 0 and "The city is up" in shown.stdout and "wang" in shown.stdout, shown.stderr
    told = cihu("status", "--json", "--home", str(city.home), **encoding)
    assert json.loads(told.stdout)["running"] is True
