"""The puller reaches its sources and three operations of the vault, and nothing else.

Sources: OWASP, "Server-Side Request Forgery Prevention Cheat Sheet" (addresses, redirects, DNS rebinding);
MITRE ATT&CK T1552.005 (a cloud's metadata service); the Capital One breach of 2019, in which a server's
request to 169.254.169.254 gave keys of a bucket away.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from asked_vault import NO_TLS, asked_vault
from described_api import OPENAPI
from pulled_city import SECRET, PulledCity
from pulls.test_values_of_sources import postgres_source, read
from relay import Relay
from sandbox.errors import InvalidInput
from sandbox.sources.failures import SourceFailure
from sandbox.sources.reach import checked_addresses, may_reach
from sandbox.sources.source_list import read_sources
from sandbox.sources.table_stream import TableChoice
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from workspace import CHECKOUT, plain_environment

PUT_INTO_THE_PROCESS = "password-that-only-the-puller-has"
OPERATIONS = {"list_due_pulls", "send_pulled_rows", "report_pull_failure"}


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "100.100.100.200", "168.63.129.16", "fd00:ec2::254",
        "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "fe80::1%eth0", "255.255.255.255",
    ],
)  # fmt: skip
def test_no_name_leads_to_this_machine_or_to_metadata(address: str) -> None:
    assert not may_reach(address, named=False)


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.0.9", "172.16.0.1", "8.8.8.8", "fd12::1", "2001:db8::1"]
)
def test_addresses_of_a_city_network_are_reached(address: str) -> None:
    assert may_reach(address, named=False)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost.",
        "ip6-localhost",
        "169.254.169.254",
        "0",
    ],
)
def test_other_spellings_of_those_addresses_are_refused(host: str) -> None:
    with pytest.raises(SourceFailure) as refused:
        checked_addresses(host, 80)
    assert refused.value.code in {"source_address_refused", "source_unreachable"}


def test_loopback_is_reached_only_where_the_source_says_so() -> None:
    assert checked_addresses("127.0.0.1", 5432) == ["127.0.0.1"]


def in_a_process(program: str) -> str:
    """What a process prints that keeps to `Reach`, which cannot be taken off again."""
    begin = (
        "import socket, sys\nfrom sandbox.sources.reach import Reach\n"
        "from sandbox.sources.source_list import DataSource\n"
        "reach = Reach(); reach.install()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", begin + program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing() -> None:
    """DNS rebinding: what is connected to is looked at, and not what was resolved before."""
    with Relay(("127.0.0.1", 1)) as server:
        program = f"""
first = lambda *_, **__: [(2, 1, 6, "", ("10.255.255.1", {server.port}))]
later = lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", {server.port}))]
socket.getaddrinfo = first
reach.permit_source(DataSource("web", "https", "health", host="rebinds.example", port={server.port}))
socket.getaddrinfo = later
socket.create_connection(("rebinds.example", {server.port}))
"""
        assert "leads to an address that is not reached" in in_a_process(program)
        assert server.connections == 0


def test_whatever_runs_in_the_puller_reaches_nothing_else_and_starts_nothing() -> None:
    with Relay(("127.0.0.1", 1)) as server:
        program = f"""
import os, subprocess
for attempt in (
    lambda: socket.create_connection(("127.0.0.1", {server.port})),
    lambda: socket.socket(socket.AF_UNIX).connect("/run/x"),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
):
    try:
        attempt()
    except Exception as refused:
        print(type(refused).__name__)
"""
        assert in_a_process(program).split() == ["SourceFailure"] * 4
        assert server.connections == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1) TO PROGRAM 'touch /tmp/cihu-owned' --",
        "SELECT 1 AS a) TO '/tmp/cihu-owned' --",
        "SELECT 1 AS a; DROP TABLE visits",
        "SELECT 1 AS a) TO STDOUT; DROP TABLE visits; --",
        "DELETE FROM visits RETURNING *",
        "INSERT INTO visits VALUES (2) RETURNING *",
        "SELECT set_config('transaction_read_only', 'off', true) AS a, nextval('counted') AS b",
        "SELECT lo_create(42) AS a",
        "SELECT * FROM visits FOR UPDATE",
        "COMMIT",
        "BEGIN",
        "COPY visits TO PROGRAM 'touch /tmp/cihu-owned'",
        "DO $$ BEGIN DELETE FROM visits; END $$",
        "",
    ],
)
def test_a_query_ends_neither_the_copy_nor_the_transaction(
    owner: psycopg.Connection[Any], postgres_port: Relay, database_name: str, query: str
) -> None:
    """As the owner of the server, who could do all of it outside."""
    owner.execute("CREATE TABLE visits (id int)")
    owner.execute("INSERT INTO visits VALUES (1)")
    owner.execute("CREATE SEQUENCE counted")
    with pytest.raises(SourceFailure):
        read(postgres_source(postgres_port, database_name), TableChoice(query=query))
    assert owner.execute("SELECT count(*) FROM visits").fetchone() == (1,)
    assert owner.execute("SELECT is_called FROM counted").fetchone() == (False,)
    assert not Path("/tmp/cihu-owned").exists()


def test_a_table_name_is_a_name(
    owner: psycopg.Connection[Any], postgres_port: Relay, database_name: str
) -> None:
    owner.execute('CREATE TABLE "a"" ; DROP TABLE b" (id int)')
    source = postgres_source(postgres_port, database_name)
    assert read(source, TableChoice(table='a" ; DROP TABLE b'))
    with pytest.raises(SourceFailure):
        read(replace(source, tls=True), TableChoice(table="pg_class"))  # this server has no TLS


def test_a_list_of_sources_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "sources.schema.json").write_text((CHECKOUT / "policies/sources.schema.json").read_text())
    for fault in (
        "{kind: postgres, department: health, host: h, database: d, user: u, password: x}",
        "{kind: postgres, department: health, host: h, database: d, user: u, secret: plain}",
        "{kind: postgres, department: health, host: 'u:p@h', database: d, user: u}",
        "{kind: ftp, department: health, host: h}",
        "{kind: s3, department: health, host: h}",
    ):
        (tmp_path / "sources.yaml").write_text(f"sources:\n  a-source: {fault}\n")
        with pytest.raises(InvalidInput):
            read_sources(tmp_path)
    assert read_sources(CHECKOUT / "policies") == {}


@pytest.fixture(scope="module")
def city(postgres: Postgres, template: str, s3: S3Server) -> Iterator[PulledCity]:
    with asked_vault(postgres, template, s3) as asked, Relay(postgres.home / ".s.PGSQL.5432") as relay:
        made = PulledCity(asked, folder=asked.home, relay=relay, postgres=postgres)
        made.sources(
            {
                "file": {"kind": "sqlite", "department": "health", "path": str(asked.home / "clinic.db")},
                "clinic": made.postgres_source(secret="env:CLINIC_PASSWORD"),
            }
        )
        with asked.start({"CIHU_PULLER_SECRET": SECRET}):
            made.add_officer("sun")
            yield made


def test_the_pullers_secret_opens_three_operations_and_no_other(city: PulledCity) -> None:
    document = json.loads((OPENAPI / "vault.json").read_text("utf-8"))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            place = path
            for parameter in operation.get("parameters", ()):
                place = place.replace(f"{{{parameter['name']}}}", "1")
            status = city.as_puller(method.upper(), place, json={}).status_code
            if operation["operationId"] in OPERATIONS:
                assert status != 401, path
            else:
                stranger = httpx.request(
                    method.upper(), f"{city.asked.url}{place}", json={}, trust_env=False, verify=NO_TLS
                )
                assert status == stranger.status_code, path


def test_a_puller_process_pulls_and_gives_nothing_away(city: PulledCity) -> None:
    """The real process: its secrets stand in no argument, no log and no answer."""
    dataset = city.published()
    city.table([("a", 2024, 1), ("b", 2025, 2)])
    assert city.set(dataset, source="file").status_code == 200
    assert city.run(dataset).status_code == 200
    refused = city.published()
    assert city.set(refused, source="clinic", what="no_such").status_code == 200
    assert city.run(refused).status_code == 200
    log = city.asked.home / "puller.log"
    environment = plain_environment(city.asked.home) | {
        "CIHU_VAULT_URL": city.asked.url,
        "CIHU_POLICIES": str(city.policies),
        "CIHU_PULLER_SECRET": SECRET,
        "CIHU_PULLER_SECONDS": "0.2",
        "CLINIC_PASSWORD": PUT_INTO_THE_PROCESS,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.puller"], env=environment, stdout=output, stderr=output
        )
    try:
        while not (city.last(dataset) and city.last(refused)):
            with suppress(subprocess.TimeoutExpired):  # it goes on, or has ended
                process.wait(0.3)
            assert process.poll() is None, log.read_text()
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    finally:
        process.terminate()
        assert process.wait(120) == 0
    assert city.last(dataset)["version"] == 2
    assert city.last(refused)["code"] == "source_table_missing"
    told = arguments.decode() + log.read_text() + city.asked.log_file.read_text()
    told += json.dumps(city.officer().send("GET", "/v1/pulls").json())
    for secret in (SECRET, PUT_INTO_THE_PROCESS):
        assert secret not in told
    assert "source_table_missing" in log.read_text()


def test_a_puller_without_a_secret_does_not_start(city: PulledCity) -> None:
    environment = plain_environment(city.asked.home) | {"CIHU_PULLER_SECRET": "short"}
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.puller"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode and "CIHU_PULLER_SECRET" in done.stderr and "Traceback" not in done.stderr
    assert "short" not in done.stderr.replace("shorter", "")
