"""How fast is a paid call of rows beside the same look-up on a bare FastAPI route? One JSON line; no verdict.

Both are one process with the same loop, parser, look-up and serialiser, on this machine, with wrk beside
them; Cihu is the portal itself with everything on, on a Postgres that syncs (the bench checks). Beside them
Datasette answers for the same rows with its JSON API, one process with the same loop and parser, in an
environment of its own (`peers/datasette.txt`). Rounds alternate.

Usage: python -m benchmarks.bench_api [--rounds 5] [--seconds 4] [--no-peers] [--cache .bench]
"""

import argparse
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psycopg
import pyarrow
import pyarrow.parquet
from sqlalchemy import text

import marketplace.migrate
import sandbox.vault.migrate
from benchmarks.contestant import Contestant, environment
from marketplace.products.model import Terms
from marketplace.settings import REPOSITORY
from sandbox.database import Database
from sandbox.free_ports import free_port
from sandbox.policy import Gate
from sandbox.standalone.people import add_people
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from selling import Market, Sold
from workspace import plain_environment, running

ROWS, LICENCES = 100_000, 16
PASSWORD = "a long enough password"
SETTINGS = [(8, 16), (8, 1), (1, 16), (1, 1)]
DATASETTE = Contestant("datasette", "", peer="datasette", private=False)
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def table() -> pyarrow.Table:
    return pyarrow.table(
        {
            "number": list(range(ROWS)),
            "name": [f"商户 {number}" for number in range(ROWS)],
            "score": [number % 100 for number in range(ROWS)],
        }
    )


@contextmanager
def market_of_rows(home: Path) -> Iterator[tuple[Market, Callable[[Terms], Sold], dict[str, str]]]:
    """A market on a Postgres that syncs and a bucket: how to sell the rows, and a portal's environment."""
    postgres = Postgres(home / "pg", home / "pg.log", durable=True)
    postgres.start()
    s3 = S3Server(home / "s3", home / "s3.log")
    s3.start()
    try:
        sandbox.vault.migrate.migrate(postgres.url(database="postgres"))
        marketplace.migrate.migrate(postgres.url(database="postgres"))
        owner = Database(postgres.url(database="postgres"))
        require_durable(owner)
        with owner.transaction() as tx:
            add_people(tx, password=PASSWORD)
        market = Market(
            owner, postgres.url(user="cihu_portal", database="postgres"), Gate(REPOSITORY / "policies")
        )
        variables = plain_environment(home) | {
            "CIHU_DATABASE_URL": market.portal_url,
            "CIHU_S3_ENDPOINT": s3.endpoint,
            "CIHU_S3_ACCESS_KEY": s3.portal.access_key,
            "CIHU_S3_SECRET_KEY": s3.portal.secret_key,
            "CIHU_PRODUCT_BUCKET": s3.product_bucket,
        }
        version = put_rows(s3)
        yield market, lambda terms: sell(market, version, terms), variables
        owner.close()
    finally:
        s3.stop()
        postgres.stop()


class Measured(NamedTuple):
    """Requests a second; 99 % and half of them took at most so many milliseconds."""

    rate: float
    p99: float
    p50: float


@contextmanager
def portal(home: Path) -> Iterator[tuple[str, list[Sold], str]]:
    """The portal's address, what is sold there (a licence for each of as many products), and the address of
    its database."""
    with market_of_rows(home) as (market, sell_rows, variables):
        terms = Terms(price_fen=5, purpose="x", calls_per_month=10**9, calls_per_second=100_000)
        sold = [sell_rows(terms) for _ in range(LICENCES)]
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        variables |= {"CIHU_BIND": f"127.0.0.1:{port}", "CIHU_PORTAL_URL": address}
        command = [sys.executable, "-m", "marketplace.app"]
        with running(command, variables, home / "portal.log", f"{address}/healthz"):
            yield address, sold, market.portal_url


def require_durable(owner: Database) -> None:
    with owner.transaction() as tx:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            value = tx.execute(text(f"SHOW {name}")).scalar_one()
            if value != "on":
                sys.exit(f"Postgres has {name} {value}: nothing that it says is durable would be.")


def put_rows(s3: S3Server) -> str:
    """The version of the object with the rows."""
    body = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table(), body)
    return s3.product_store().put("bench.parquet", body.getvalue().to_pybytes()).version_id


def sell(market: Market, version: str, terms: Terms) -> Sold:
    """A product of these rows, and a licence of it."""
    definition = {
        "kind": "rows",
        "object": "bench.parquet",
        "version_id": version,
        "columns": ["number", "name", "score"],
        "keys": {"number": "integer"},
        "page_rows": 100,
    }
    sold = market.sell(terms)
    market.execute(
        "UPDATE market.products SET definition = CAST(:definition AS jsonb) WHERE id = :id",
        definition=json.dumps(definition),
        id=sold.product,
    )
    return sold


@contextmanager
def bare(home: Path) -> Iterator[str]:
    path = home / "rows.parquet"
    pyarrow.parquet.write_table(table(), path)
    port = free_port()
    process = [sys.executable, "-m", "benchmarks.bare_rows", str(port), str(path)]
    variables = plain_environment(home) | {"PYTHONPATH": f"{REPOSITORY}/tests:{REPOSITORY}"}
    address = f"http://127.0.0.1:{port}"
    with running(process, variables, home / "bare.log", f"{address}/healthz"):
        yield address


@contextmanager
def datasette(home: Path, cache: Path) -> Iterator[tuple[str, str]]:
    """The address of Datasette on the same rows in SQLite, which never change; or why it is not there."""
    cache.mkdir(parents=True, exist_ok=True)
    python, absent = environment(DATASETTE, cache.resolve())
    if absent:
        yield "", absent
        return
    path = home / "rows.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, name TEXT, score INTEGER)")
        columns = table().to_pydict().values()
        connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", zip(*columns, strict=True))
    connection.close()
    port = free_port()
    process = [python, "-m", "datasette", "serve", "-i", str(path), "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with running(process, plain_environment(home), home / "datasette.log", f"{address}/-/versions.json"):
        yield address, ""


def wrk(script: Path, address: str, *, connections: int, seconds: int) -> Measured:
    """Requests a second, and percentiles of their milliseconds. Ends if an answer was not 2xx."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), address]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in found or "Socket errors" in found:
        sys.exit(found)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", found)
    half = re.search(r"50%\s+([0-9.]+)(us|ms|s)", found)
    p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s)", found)
    assert rate and half and p99, found
    return Measured(float(rate[1]), float(p99[1]) * UNITS[p99[2]], float(half[1]) * UNITS[half[2]])


def empty_commit(url: str, *, many: int = 500) -> float:
    """Milliseconds of a statement that writes nothing but an empty record, with its durable commit: the
    median of many. A transaction that only took a number is committed without waiting for the disk."""
    address = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        spans = []
        for _ in range(many):
            began = time.perf_counter()
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
            spans.append(time.perf_counter() - began)
    return median(spans) * 1000


def write_scripts(home: Path, sold: list[Sold]) -> dict[tuple[str, int], Path]:
    """wrk's scripts, by who is asked and for how many licences."""
    scripts = {}
    for licences in (1, LICENCES):
        lines = ", ".join(f'{{"{each.product}", "{each.key}"}}' for each in sold[:licences])
        scripts["cihu", licences] = home / f"cihu{licences}.lua"
        scripts["cihu", licences].write_text(CIHU_LUA % (lines, ROWS))
        scripts["bare", licences] = home / f"bare{licences}.lua"
        scripts["bare", licences].write_text(BARE_LUA % ("/rows?number=", ROWS, ""))
    scripts["datasette", LICENCES] = home / "datasette.lua"
    scripts["datasette", LICENCES].write_text(
        BARE_LUA % ("/rows/rows.json?number=", ROWS, "&_shape=objects&_nofacet=1&_nocount=1&_size=100")
    )
    return scripts


CIHU_LUA = """
local sold = {%s}
local n = 0
request = function()
  n = n + 1
  local one = sold[n %% #sold + 1]
  local headers = {["Authorization"] = "Bearer " .. one[2]}
  return wrk.format("GET", "/api/v1/call/" .. one[1] .. "?number=" .. (n * 7919 %% %d), headers)
end
"""
BARE_LUA = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "%s" .. (n * 7919 %% %d) .. "%s")
end
"""


def compared(measured: dict[tuple[str, int, int], list[Measured]], commits: list[float]) -> dict[str, Any]:
    """Medians of the rounds' ratios, each round's bare and Cihu beside one another."""
    by_setting = {}
    for connections, licences in SETTINGS:
        pairs = list(
            zip(measured["cihu", connections, licences], measured["bare", connections, licences], strict=True)
        )
        rates = [ours.rate / theirs.rate for ours, theirs in pairs]
        by_setting[f"{connections} connections, {licences} licences"] = {
            "throughput_vs_bare": round(median(rates), 3),
            "spread": [round(min(rates), 3), round(max(rates), 3)],
            "p99_vs_bare": round(median(ours.p99 / theirs.p99 for ours, theirs in pairs), 2),
            "calls_a_second": round(median(ours.rate for ours, _ in pairs)),
            "p99_ms": round(median(ours.p99 for ours, _ in pairs), 2),
            "p50_ms": round(median(ours.p50 for ours, _ in pairs), 3),
            "bare_p50_ms": round(median(theirs.p50 for _, theirs in pairs), 3),
        }
    peers: dict[str, Any] = {}
    for connections, licences in SETTINGS:
        pairs = list(
            zip(
                measured.get(("datasette", connections, licences), ()),
                measured["bare", connections, licences],
                strict=False,  # it may be absent
            )
        )
        if pairs:
            peers.setdefault("datasette", {})[f"{connections} connections"] = {
                "throughput_vs_bare": round(median(theirs.rate / bare.rate for theirs, bare in pairs), 3),
                "p99_vs_bare": round(median(theirs.p99 / bare.p99 for theirs, bare in pairs), 2),
                "calls_a_second": round(median(theirs.rate for theirs, _ in pairs)),
                "p50_ms": round(median(theirs.p50 for theirs, _ in pairs), 3),
            }
    main = by_setting[f"{SETTINGS[0][0]} connections, {SETTINGS[0][1]} licences"]
    alone = by_setting[f"1 connections, {LICENCES} licences"]
    return {
        "throughput_vs_bare": main["throughput_vs_bare"],
        "p99_vs_bare": main["p99_vs_bare"],
        "empty_commit_ms": round(median(commits), 3),
        "p50_above_bare_in_commits": round((alone["p50_ms"] - alone["bare_p50_ms"]) / median(commits), 2),
        "by_setting": by_setting,
        "peers": peers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--cache", type=Path, default=Path(".bench"))
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: it is the Debian package wrk.")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cihu-bench-")))
        address, sold, database = stack.enter_context(portal(home))
        addresses = {"cihu": address, "bare": stack.enter_context(bare(home))}
        absent = "not asked"
        if asked.peers:
            addresses["datasette"], absent = stack.enter_context(datasette(home, asked.cache))
        if absent:
            addresses.pop("datasette", None)
        scripts = write_scripts(home, sold)
        measured: dict[tuple[str, int, int], list[Measured]] = {}
        commits: list[float] = []
        for who, url in addresses.items():
            wrk(scripts[who, LICENCES], url, connections=8, seconds=1)  # warm
        for round in range(asked.rounds):
            commits.append(empty_commit(database))
            for connections, licences in SETTINGS:
                for who in addresses if round % 2 else reversed(addresses):
                    if (who, licences) not in scripts:
                        continue
                    found = wrk(
                        scripts[who, licences], addresses[who], connections=connections, seconds=asked.seconds
                    )
                    measured.setdefault((who, connections, licences), []).append(found)
                    print(
                        f"round {round + 1}: {connections} connections, {licences} licences, {who}: "
                        f"{found.rate:.0f} a second, p50 {found.p50:.2f} ms, p99 {found.p99:.2f} ms",
                        file=sys.stderr,
                        flush=True,
                    )
        results = compared(measured, commits)
        if absent:
            results["peers"]["datasette"] = {"no": absent}
        print(json.dumps(results))


if __name__ == "__main__":
    main()
