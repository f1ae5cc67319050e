"""No raw value leaves the vault: canaries are published, a whole life goes on around them,
and everything is searched.

Only the raw bucket, by its API and with the vault's keys, gives them. That the search can
find them is shown last.
"""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet
import pytest
from jupyter_kernel_client import JupyterKernelClient
from sqlalchemy import text

from about_processes import below, command_line, open_files
from altered import altered
from canaries import Canaries, in_files, in_memory, in_tables, word
from held_versions import open_held
from live_city import PASSWORD, LiveCity, listen, live_city
from sandbox.client.session import ClientSession
from sandbox.errors import CihuError
from sandbox.standalone import process_tree, workspace_visit
from sandbox.standalone.s3 import S3Server
from sandbox.standalone.workspace_visit import Kernel
from story import POLICY, rows_csv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

VALUES: dict[str, str | float] = {
    "unit": word("u"),
    "attribute": word("a"),
    "hidden": word("h"),
    "unlisted key": word("k"),
    "measure within bounds": 73.91827364509,
    "measure outside": 9182736450.0625,
    "integer measure": 564738291001,
    "bad row": word("b"),
    "bad number": word("n"),
    "first row of a file without a header": word("f"),
    "row of a refused officer": word("z"),
    "row of a failed upload": word("e"),
}
CANARIES = Canaries(VALUES)
HEAD = "person,district,year,cost,visits,note,day,smoker,secret"

# failures as an engine or a library would make them: they quote what they were working on
QUOTING = {
    "sandbox.engines.work": """
        def _quoting(self, connection):
            rows = connection.execute('FROM private_rows').fetchall()
            print(rows, file=__import__('sys').stderr, flush=True)
            raise RuntimeError(f"Conversion Error: {rows}")
        TotalsWork.perform = _quoting
        """,
    "sandbox.catalog.publish": """
        def profile(table, policy):
            raise RuntimeError(f"cannot profile {table.to_pylist()}")
        """,
}

LOOK = r"""
import os, re, stat
def _look():
    found, read = [], 0
    for parent, folders, names in os.walk("/"):
        if parent == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys", "usr", "lib", "lib64", "bin", "sbin")]
        folders[:] = [name for name in folders if name not in ("site-packages", "lib-dynload", "python3.11")]
        for name in names:
            try:
                if not stat.S_ISREG(os.lstat(os.path.join(parent, name)).st_mode):
                    continue
                with open(os.path.join(parent, name), "rb") as file:
                    data = file.read(50_000_000)
            except OSError:
                continue
            read += 1
            if re.search(rb"(?i)canarybird[a-z][0-9a-f]{16}", data):
                found.append(os.path.join(parent, name))
    return {"found": found, "read": read}
"""  # noqa: E501


def row(**given: object) -> str:
    plain = {
        "person": "p1",
        "district": "north",
        "year": 1,
        "cost": 5,
        "visits": 1,
        "note": "n",
        "day": "2026-01-01",
        "smoker": "true",
        "secret": "s",
    }
    return ",".join(str(value) for value in (plain | given).values())


def good_rows() -> bytes:
    """Three hundred people, and one of whom every value is a canary."""
    unlucky = [
        row(
            person=VALUES["unit"],
            district=district,
            year=year,
            cost=VALUES["measure within bounds"],
            visits=VALUES["integer measure"],
            note=VALUES["attribute"],
            secret=VALUES["hidden"],
        )
        for year in (1, 2)
        for district in ("north", VALUES["unlisted key"])
    ]
    unlucky.append(row(person=VALUES["unit"], cost=VALUES["measure outside"], note=VALUES["attribute"]))
    return rows_csv(300, extra="\n".join(unlucky) + "\n")


def bad_uploads() -> dict[str, bytes]:
    """Files that cannot be published, each with canaries where it is wrong."""
    bad, number, first = (
        VALUES["bad row"],
        VALUES["bad number"],
        VALUES["first row of a file without a header"],
    )
    table = pa.table({name: pa.array([[{"inner": str(bad)}]]) for name in HEAD.split(",")})
    nested = io.BytesIO()
    pyarrow.parquet.write_table(table, nested)
    return {
        "a word where a number should be": (
            f"{HEAD}\n{row(cost=number, note=bad)}\n{row(visits=number)}\n"
        ).encode(),
        "a date that is none": f"{HEAD}\n{row(day=bad)}\n".encode(),
        "no unit": f"{HEAD}\n{row(person='', note=bad)}\n".encode(),
        "no header": (
            f"{row(person=first, district=first, note=first, secret=first)}\n{row(note=bad)}\n"
        ).encode(),
        "too many columns": f"{HEAD}\n{row()},{bad}\n".encode(),
        "an open quote": f'{HEAD}\n{row()}\n"{bad},'.encode(),
        "not UTF-8": f"{HEAD}\n{row(note=bad)}\n".encode() + b"\xff\xfe\n",
        "a nested Parquet": nested.getvalue(),
        "half a Parquet": nested.getvalue()[:-40],
    }


@dataclass
class Life:
    """What went on in the city, and what everybody was told."""

    city: LiveCity
    answers: list[httpx.Response] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # what cells printed
    refusals: list[str] = field(default_factory=list)
    kernel: Kernel | None = None

    def refuse(self, somebody: ClientSession, method: str, path: str, **more: Any) -> str:
        """Something that must be refused; its code."""
        try:
            somebody.vault(method, path, **more)
        except CihuError as refusal:
            self.refusals.append(f"{refusal.code}: {refusal}")
            return refusal.code
        raise AssertionError(f"{path} was let through")

    def either(self, somebody: ClientSession, method: str, path: str, **more: Any) -> None:
        """Something that chance decides: what comes is looked at, whichever it is."""
        try:
            somebody.vault(method, path, **more)
        except CihuError as refusal:
            self.refusals.append(f"{refusal.code}: {refusal}")


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    """A city, and a day in it."""
    with live_city() as city, ExitStack() as closing:
        lived = Life(city)
        govern(lived)
        analyse(lived, closing)
        sell(lived)
        visit_pages(lived)
        fail(lived)
        yield lived
        with suppress(Exception):
            closing.close()


def govern(life: Life) -> None:
    """lin publishes; many uploads go wrong; a grant is asked for and given."""
    lin = life.city.visitor("lin", life.answers)
    form = {"data": {"policy": POLICY}, "files": {"file": ("rows.csv", good_rows())}}
    published = lin.vault("POST", "/v1/datasets", **form)
    open_held(
        published,
        lambda person, *sent, **more: life.city.visitor(person, life.answers).vault(*sent, **more),
        publisher="lin",
        second="tang",
    )
    for name, body in bad_uploads().items():
        life.refuse(lin, "POST", "/v1/datasets", data={"policy": POLICY}, files={"file": (name, body)})
    stranger = f"{HEAD}\n{row(person=VALUES['row of a refused officer'])}\n".encode()
    for account in ("zhou", "wang", "chen"):
        other = life.city.visitor(account, life.answers)
        life.refuse(
            other, "POST", "/v1/datasets", data={"policy": POLICY}, files={"file": ("rows.csv", stranger)}
        )
    life.refuse(
        lin,
        "POST",
        "/v1/datasets",
        data={"policy": POLICY.replace("grade:", "gradient:")},
        files={"file": ("rows.csv", good_rows())},
    )
    wang = life.city.visitor("wang", life.answers)
    asked = wang.vault(
        "POST",
        "/v1/requests",
        json={
            "dataset": "clinic.visits",
            "team": "cihu-lake",
            "epsilon": "4",
            "purpose": "to look for a bird in a mine",
            "until": (datetime.now(UTC) + timedelta(days=9)).date().isoformat(),
        },
    )
    lin.vault("POST", f"/v1/requests/{asked['id']}/approve", json={})


QUESTIONS = (
    (
        "SELECT district, COUNT(*) AS n, SUM(cost) AS cost, AVG(visits) AS visits "
        "FROM clinic.visits GROUP BY district"
    ),
    (
        "SELECT year, COUNT(DISTINCT person) AS people FROM clinic.visits "
        "WHERE note LIKE 'canary%' GROUP BY year"
    ),
    "SELECT COUNT(*) AS n FROM clinic.visits WHERE district NOT IN ('north', 'south', 'east')",
    "SELECT COUNT(*) AS n FROM clinic.visits WHERE cost > 70 AND cost < 80 AND note >= 'canarybirda'",
)
UNSAFE = (
    "SELECT * FROM clinic.visits",
    "SELECT cost, COUNT(*) FROM clinic.visits GROUP BY cost",
    "SELECT ANY_VALUE(cost) FROM clinic.visits",
    "SELECT COUNT(*) FROM clinic.visits WHERE secret LIKE 'canary%'",
    "SELECT COUNT(*) FROM clinic.visits WHERE CAST(note AS INTEGER) > 1",
    "SELECT person FROM clinic.visits",
)


def analyse(life: Life, closing: ExitStack) -> None:
    """wang asks, is refused, and works in a notebook in a sealed kernel, which stays open while we look."""
    wang = life.city.visitor("wang", life.answers)
    for sql in QUESTIONS:
        wang.vault("POST", "/v1/explain", json={"sql": sql, "epsilon": "0.2"})
        answer = wang.vault("POST", "/v1/ask", json={"sql": sql, "epsilon": "0.2"})
        wang.vault("GET", f"/v1/answers/{answer['answer_id']}")
        wang.vault("GET", f"/v1/log/receipts/{answer['log_index']}")
    for sql in UNSAFE:
        life.refuse(wang, "POST", "/v1/ask", json={"sql": sql})
        life.refuse(wang, "POST", "/v1/explain", json={"sql": sql})
    # their values are in no policy: found by a threshold, or none is
    for key in ("note", "day", "UPPER(note)"):
        life.either(
            wang,
            "POST",
            "/v1/ask",
            json={"sql": f"SELECT {key} AS k, COUNT(*) FROM clinic.visits GROUP BY k", "epsilon": "0.2"},
        )
    life.refuse(
        wang, "POST", "/v1/ask", json={"sql": "SELECT SUM(cost) FROM clinic.visits", "epsilon": "900"}
    )
    wang.vault("GET", "/v1/datasets/clinic.visits")

    where = life.city.where
    browser = closing.enter_context(httpx.Client(follow_redirects=True, timeout=120, trust_env=False))
    listen(browser, life.answers)
    workspace_visit._log_in(browser, where, "wang", PASSWORD)
    workspace_visit._start_server(browser, where, "wang")
    headers = workspace_visit.server_headers(browser, "wang")
    client = closing.enter_context(
        JupyterKernelClient(server_url=f"{where.hub}/user/wang", token=None, headers=headers)
    )
    life.kernel = Kernel(client)
    cells = [
        f"import cihu\nanswer = cihu.sql({QUESTIONS[0]!r}, epsilon=0.2)\nanswer",
        f"cihu.explain({QUESTIONS[1]!r})",
        *[f"cihu.sql({sql!r})" for sql in UNSAFE],
        "cihu.datasets()",
        "import pandas; pandas.DataFrame(answer.document['rows'])",
    ]
    outputs = []
    for cell in cells:
        said = life.kernel.run(cell)
        life.shown.append(said)
        outputs.append(
            {
                "cell_type": "code",
                "source": cell,
                "metadata": {},
                "execution_count": 1,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": said}],
            }
        )
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": outputs}
    saved = browser.put(
        f"{where.hub}/user/wang/api/contents/mine.ipynb",
        headers={"X-XSRFToken": headers["X-XSRFToken"]},
        json={"type": "notebook", "format": "json", "content": notebook},
    )
    assert saved.status_code in (200, 201), saved.text
    assert "person" in "".join(life.shown), "the cells did run"


def sell(life: Life) -> None:
    """lin offers a private query on it, chen buys and calls it."""
    lin, chen = life.city.visitor("lin", life.answers), life.city.visitor("chen", life.answers)
    lin.market(
        "POST",
        "/api/v1/products",
        json={
            "id": "bird",
            "dataset": "clinic.visits",
            "title_zh": "就诊",
            "title_en": "Visits",
            "terms": {"price_fen": 100, "free_calls": 0, "purpose": "to test"},
            "what": {
                "kind": "query",
                "epsilon": "0.2",
                "budget": {
                    "epsilon": "1",
                    "until": (datetime.now(UTC) + timedelta(days=9)).date().isoformat(),
                },
                "sql": (
                    "SELECT district, SUM(cost) AS cost FROM clinic.visits "
                    "WHERE year = :year GROUP BY district"
                ),
                "parameters": [{"name": "year", "type": "integer", "values": [1, 2]}],
            },
        },
    )
    life.refuse(lin, "POST", "/v1/datasets/clinic.visits/open-copy", json={})
    order = chen.market("POST", "/api/v1/orders", json={"product": "bird"})
    lin.market("POST", f"/api/v1/orders/{order['order']}/approve", json={})
    licence = chen.market("GET", "/api/v1/licences")["licences"][0]["id"]
    key = chen.market("POST", "/api/v1/keys", json={"licence": licence, "label": "canary"})["key"]
    with httpx.Client(base_url=life.city.where.portal, timeout=60, trust_env=False) as program:
        listen(program, life.answers)
        for year in (1, 2, 1):
            assert (
                program.get(
                    "/api/v1/call/bird", params={"year": year}, headers={"Authorization": f"Bearer {key}"}
                ).status_code
                == 200
            )


def visit_pages(life: Life) -> None:
    """The pages, as lin and wang see them."""
    portal = life.city.where.portal
    for account in ("lin", "wang"):
        with httpx.Client(base_url=portal, follow_redirects=True, timeout=60, trust_env=False) as browser:
            listen(browser, life.answers)
            form = dict(workspace_visit.FIELD.findall(browser.get("/login").text))
            browser.post(
                "/login", headers={"Origin": portal}, data={**form, "account": account, "password": PASSWORD}
            )
            for path in (
                "/",
                "/datasets",
                "/datasets/clinic.visits",
                "/requests",
                "/queue",
                "/products",
                "/log",
                "/me",
            ):
                browser.get(path)


def fail(life: Life) -> None:
    """The engine and the profile fail, in words that quote every row; so does a file while it is read."""
    life.city.restart("vault", altered(life.city.home / "altered", QUOTING))
    wang, lin = life.city.visitor("wang", life.answers), life.city.visitor("lin", life.answers)
    assert (
        life.refuse(wang, "POST", "/v1/ask", json={"sql": "SELECT SUM(visits) FROM clinic.visits"})
        == "query_failed"
    )
    body = f"{HEAD}\n{row(person=VALUES['row of a failed upload'])}\n".encode()
    life.refuse(lin, "POST", "/v1/datasets", data={"policy": POLICY}, files={"file": ("rows.csv", body)})
    assert life.kernel is not None
    life.shown.append(life.kernel.run("cihu.sql('SELECT SUM(visits) FROM clinic.visits')"))
    assert "failed" in life.shown[-1]
    city = life.city
    city.restart("vault")
    assert "Conversion Error" not in city.part("vault").log.read_text()


def test_the_raw_bucket_holds_every_canary_that_was_published(life: Life) -> None:
    """By its API and with the vault's keys: so they are there to be found,
    and nobody lost them on the way."""
    server = life.city.city.running["s3"]
    assert isinstance(server, S3Server)
    store = server.raw_store()
    with life.city.database().transaction() as tx:
        objects = list(tx.execute(text("SELECT object_name, object_version FROM vault.dataset_versions")))
    assert objects
    body = pyarrow.parquet.read_table(io.BytesIO(store.get(objects[0][0], objects[0][1])))
    raw = json.dumps(body.to_pylist(), default=str).encode()
    assert CANARIES.within(raw) == {
        "unit",
        "attribute",
        "hidden",
        "unlisted key",
        "measure within bounds",
        "measure outside",
        "integer measure",
    }
    products = list(server.product_store().client.list_objects(server.product_bucket, recursive=True))
    assert not [one for one in products if one.object_name.startswith("clinic")]


def test_no_answer_to_anybody_holds_a_canary(life: Life) -> None:
    """Every HTTP answer that anybody got, headers and all, and everything that a cell showed."""
    assert len(life.answers) > 80 and len(life.shown) > 8
    assert {answer.status_code for answer in life.answers} >= {200, 201, 402, 403, 422, 503}
    for answer in life.answers:
        assert not CANARIES.within(answer.content + str(answer.headers).encode()), (
            answer.url,
            answer.text[:2000],
        )
    for said in life.shown + life.refusals:
        assert not CANARIES.within(said.encode()), said


def test_no_file_of_the_city_holds_a_canary(life: Life) -> None:
    """Logs, workspaces, run folders, keys, the hub's sqlite, Postgres' files with their write-ahead log,
    the S3 server's."""
    found, read = in_files(CANARIES, life.city.home)
    assert not found
    kinds = {
        path.relative_to(life.city.home).parts[0] for path in life.city.home.rglob("*") if path.is_file()
    }
    assert kinds >= {"logs", "workspaces", "run", "keys", "hub", "postgres", "s3"}, kinds
    assert read > 1000
    assert (life.city.home / "workspaces" / "wang" / "mine.ipynb").exists()


def test_no_row_of_any_table_holds_a_canary(life: Life) -> None:
    """All schemas, the log's openings among them, and what Postgres itself keeps of columns."""
    database = life.city.database()
    try:
        found, read = in_tables(CANARIES, database)
        with database.transaction() as tx:
            assert tx.scalar(text("SELECT count(*) FROM log.openings")) > 40
    finally:
        database.close()
    assert not found and read > 300


def kernel_pids(life: Life) -> list[int]:
    """The kernel of the workspace that is open."""
    hub = life.city.part("hub").process
    assert hub is not None
    return [pid for pid in below(hub.pid) if b"ipykernel_launcher" in command_line(pid)]


def may_look_into(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/mem").open("rb").close()
    except PermissionError:
        return False
    return True


def test_no_process_but_the_vault_holds_a_canary(life: Life) -> None:
    """The memory of the kernel, of the person's server, of the hub, of the portal,
    and the deleted files they have open."""
    hub, portal = life.city.part("hub").process, life.city.part("portal").process
    assert hub is not None and portal is not None
    kernels = kernel_pids(life)
    assert kernels, "the kernel is still there"
    pids = [portal.pid, hub.pid, *[one.pid for one in process_tree.descendants(hub.pid)]]
    if not all(may_look_into(pid) for pid in pids):
        pytest.skip("this user may not look into other processes here")
    found, read = in_memory(CANARIES, pids)
    assert not found and read > 50_000_000


def test_the_kernel_itself_finds_no_canary_in_what_it_can_read(life: Life) -> None:
    assert life.kernel is not None
    life.kernel.run(LOOK)
    seen = life.kernel.value("_look()")
    assert seen["found"] == [] and seen["read"] > 3


def test_an_upload_is_on_no_disk_while_it_is_read(life: Life) -> None:
    """A body of several megabytes, caught in the middle: the vault has no file open that could hold it."""
    vault = life.city.part("vault").process
    assert vault is not None
    bird, policy = word("s"), POLICY.replace("about_rows: 1000", "about_rows: 60000")
    lines = "\n".join(row(person=f"{bird}{number}") for number in range(60_000))
    open_files: list[str] = []

    def body() -> Iterator[bytes]:
        edge = "edge"
        yield (
            f'--{edge}\r\nContent-Disposition: form-data; name="policy"\r\n\r\n{policy}\r\n--{edge}\r\n'
            'Content-Disposition: form-data; name="file"; filename="rows.csv"\r\n\r\n'
        ).encode()
        yield f"{HEAD}\n{lines}\n".encode()
        open_files.extend(regular_files(vault.pid))
        yield f"\r\n--{edge}--\r\n".encode()

    lin = life.city.visitor("lin", life.answers)
    token = lin._tokens["vault"]
    done = httpx.post(
        f"{life.city.where.vault}/v1/datasets",
        content=body(),
        timeout=120,
        trust_env=False,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=edge"},
    )
    assert done.status_code == 201, done.text
    assert open_files == [str(life.city.part("vault").log)] * len(open_files), open_files
    assert not in_files(Canaries({"upload": bird}), life.city.home)[0]


def regular_files(pid: int) -> Iterator[str]:
    """What a process has open on a disk: the engine's tables lie in memory (tmpfs)."""
    for handle, target in open_files(pid):
        if (
            target.startswith("/")
            and not target.startswith(("/dev/", "/proc/"))
            and not in_memory_only(handle)
        ):
            yield target


def in_memory_only(handle: Path) -> bool:
    kind = subprocess.run(
        ["stat", "-L", "-f", "-c", "%T", handle], capture_output=True, text=True, check=False
    )
    return kind.stdout.strip() == "tmpfs"


def test_the_search_finds_a_canary_wherever_one_is_planted(life: Life) -> None:
    """Last, because it plants them: in a log, in a table, in a file of doubles, in a process."""
    home, unit, number = life.city.home, str(VALUES["unit"]), VALUES["measure within bounds"]
    with (home / "logs" / "vault.log").open("a") as log:
        log.write(f"WARNING could not convert {unit!r}\n")
    double = pa.array([1.0, number, 2.0]).buffers()[1]
    (home / "workspaces" / "wang" / "numbers").write_bytes(b"..." + double.to_pybytes())
    (home / "workspaces" / "wang" / "wide").write_bytes(str(VALUES["hidden"]).encode("utf-16"))
    found = {one.where: one.what for one in in_files(CANARIES, home)[0]}
    assert found == {
        "logs/vault.log": ("unit",),
        "workspaces/wang/numbers": ("measure within bounds",),
        "workspaces/wang/wide": ("hidden",),
    }

    database = life.city.database()
    try:
        with database.transaction() as tx:
            tx.execute(text("CREATE SCHEMA planted"))
            tx.execute(text("CREATE TABLE planted.rows (at bytea, cost double precision)"))
            tx.execute(
                text("INSERT INTO planted.rows VALUES (:at, :cost)"), {"at": unit.encode(), "cost": number}
            )
        assert [(one.where, one.what) for one in in_tables(CANARIES, database)[0]] == [
            ("planted.rows", ("measure within bounds", "unit"))
        ]
    finally:
        database.close()

    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; held = sys.stdin.read()[::-1]; print('held', flush=True); "
            "sys.stdin = None; import time; time.sleep(600)",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdin is not None and holder.stdout is not None
        holder.stdin.write((unit * 50)[::-1].encode())
        holder.stdin.close()
        assert holder.stdout.readline() == b"held\n"
        if may_look_into(holder.pid):
            assert in_memory(CANARIES, [holder.pid])[0][0].what == ("unit",)
    finally:
        holder.kill()
        holder.wait()
