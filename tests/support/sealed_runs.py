"""Runs as a team submits them over HTTP, and what they left, as only the vault's own keys can see it."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from asked_vault import AskedVault, Asker
from sandbox.jobs.tables import run_files
from sandbox.standalone.s3 import S3Server

SHORT = 10  # seconds: the shortest limit that can be declared
PATIENCE = 180  # the end of a run whose collection was late, on a busy machine, is told a minute later


def hand_in(
    vault: AskedVault,
    program: str,
    dataset: str,
    *,
    person: str = "wang",
    limit: int = SHORT,
    name: str = "a run",
    **more: Any,
) -> dict[str, Any]:
    said = vault.person(person).send(
        "POST",
        "/v1/runs",
        json={
            "name": name,
            "files": {"main.py": program},
            "inputs": [dataset],
            "limit_seconds": limit,
            **more,
        },
    )
    assert said.status_code == 201, said.text
    return dict(said.json())


def look(vault: AskedVault, run: dict[str, Any], person: str = "wang") -> dict[str, Any]:
    return seen_by(vault.person(person), run)


def seen_by(asker: Asker, run: dict[str, Any]) -> dict[str, Any]:
    said = asker.send("GET", f"/v1/runs/{run['id']}")
    assert said.status_code == 200, said.text
    return dict(said.json())


def await_state(
    vault: AskedVault, run: dict[str, Any], *states: str, seconds: float = PATIENCE, person: str = "wang"
) -> dict[str, Any]:
    """A team can only ask: nothing tells it."""
    until, asker = time.monotonic() + seconds, vault.person(person)
    while (seen := seen_by(asker, run))["state"] not in states:
        assert time.monotonic() < until, f"still {seen}:\n{said_by(vault)}"
        time.sleep(pause_before(seen))
    return seen


def pause_before(seen: dict[str, Any]) -> float:
    """Seconds after which to ask again: seldom while the moment at which the end is told is far, or the tests
    that wait would keep a machine busy."""
    if seen["state"] != "running" or not seen["told_at"]:
        return 0.1
    left = (datetime.fromisoformat(seen["told_at"]) - datetime.now(UTC)).total_seconds()
    return min(max(left, 0.1), 1.0)


def said_by(vault: AskedVault) -> str:
    """The end of the vault's log, without our own asking."""
    lines = [line for line in vault.log_file.read_text().splitlines() if "GET /v1/runs/" not in line]
    return "\n".join(lines[-40:])


@dataclass
class Left:
    """What a finished run left in quarantine."""

    files: dict[str, bytes]

    @property
    def exit(self) -> dict[str, Any]:
        return dict(json.loads(self.files["exit.json"]))

    @property
    def log(self) -> str:
        return self.files["log.txt"].decode()

    @property
    def made(self) -> dict[str, bytes]:
        return {path: body for path, body in self.files.items() if path not in ("log.txt", "exit.json")}


def left_by(vault: AskedVault, s3: S3Server, run: dict[str, Any]) -> Left:
    store = s3.quarantine_store()
    with vault.story.database.transaction() as tx:
        rows = tx.execute(select(run_files).where(run_files.c.run == run["id"])).all()
    return Left({row.path: store.get(row.object_name, row.object_version) for row in rows})


def ran(vault: AskedVault, s3: S3Server, program: str, dataset: str, **more: Any) -> Left:
    """Handed in, waited for, and what it left."""
    run = hand_in(vault, program, dataset, **more)
    await_state(vault, run, "finished")
    return left_by(vault, s3, run)
