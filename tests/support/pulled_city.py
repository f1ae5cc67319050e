"""A vault with sources of a department, and a puller that looks when a test says so."""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from ruamel.yaml import YAML

from asked_vault import NO_TLS, AskedVault, Asker
from relay import Relay
from sandbox.identity import create_account, create_organisation
from sandbox.puller.app import Puller
from sandbox.puller.settings import Settings
from sandbox.sources.reach import Reach
from sandbox.sources.source_list import DataSource, read_sources
from sandbox.standalone.postgres import Postgres

SECRET = "puller-secret-of-a-test-0123456789"
POLICY = """
dataset: {name}
title: {{zh: 就诊, en: Visits}}
summary: {{zh: 测试, en: Made-up rows for tests}}
department: health
grade: "{grade}"
source: {{name: made up, licence: CC0-1.0}}
about_rows: 1000
population: residents
unit: {{column: person, kind: person, max_rows: 4}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}}
columns:
  person: {{role: unit, type: text, grade: "{grade}"}}
  year: {{role: key, type: integer, values: {{from: 2020, to: 2030}}}}
  cost: {{role: measure, type: number, bounds: [0, 100], step: "0.5"}}
"""
OPEN = """
dataset: {name}
title: {{zh: 床位, en: Beds}}
summary: {{zh: 各病区床位, en: Beds by ward}}
department: health
grade: "1"
source: {{name: made up, licence: CC0-1.0}}
columns:
  ward: {{role: attribute, type: text}}
  beds: {{role: attribute, type: integer}}
"""
ROWS = b"person,year,cost\na,2024,1.5\nb,2025,2\n"


@dataclass
class PulledCity:
    """`asked` runs with the secret; `sources` are written before it starts."""

    asked: AskedVault
    folder: Path
    relay: Relay
    postgres: Postgres

    @property
    def policies(self) -> Path:
        return self.asked.home / "policies"

    def sources(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        with (self.policies / "sources.yaml").open("w") as file:
            YAML(typ="safe").dump({"sources": {name: dict(of) for name, of in sources.items()}}, file)

    def postgres_source(self, **more: Any) -> dict[str, Any]:
        """The test server through the relay's port."""
        return {
            "kind": "postgres",
            "department": "health",
            "host": "127.0.0.1",
            "port": self.relay.port,
            "database": "postgres",
            "user": "postgres",
        } | more

    def table(
        self, rows: Sequence[tuple[Any, ...]], name: str = "visits", columns: str = "person, year, cost"
    ) -> None:
        """Write the SQLite file anew with this table."""
        path = self.folder / "clinic.db"
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"CREATE TABLE {name} ({columns})")
            places = ", ".join("?" for _ in columns.split(","))
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", rows)

    def officer(self, name: str = "lin") -> Asker:
        return self.asked.person(name)

    def published(self, policy: str = POLICY, rows: bytes = ROWS, grade: str = "3") -> str:
        """A dataset with one version, that a file was published as."""
        name = f"clinic.p{secrets.token_hex(4)}"
        made = self.asked.publish(policy.format(name=name, grade=grade), rows)
        assert made.status_code == 201, made.text
        return name

    def set(self, dataset: str, officer: str = "lin", *, agreed: bool = True, **pull: Any) -> httpx.Response:
        """Set a pull, to which sun agrees."""
        given = {"kind": "table", "what": "visits", "schedule": "0 3 * * *"} | pull
        path = f"/v1/datasets/{dataset}/pull"
        told = self.officer(officer).send("PUT", path, json=given)
        if not agreed or told.status_code != 200 or told.json()["state"] != "waiting":
            return told
        return self.officer("sun").send("POST", f"{path}/agree", json={"revision": told.json()["revision"]})

    def run(self, dataset: str) -> httpx.Response:
        return self.officer().send("POST", f"/v1/datasets/{dataset}/pull/run")

    def puller(self, **changed: Any) -> Puller:
        settings = Settings(vault_url=self.asked.url, policies=self.policies, puller_secret=SecretStr(SECRET))
        known: dict[str, DataSource] = read_sources(self.policies)
        return Puller(settings, known, Reach(), **changed)

    def pulled(self, dataset: str, **pull: Any) -> dict[str, Any]:
        """Set a pull, let it run once, and give how it ended."""
        told = self.set(dataset, **pull)
        assert told.status_code == 200, told.text
        return self.again(dataset)

    def again(self, dataset: str) -> dict[str, Any]:
        assert self.run(dataset).status_code == 200
        self.puller().look()
        return self.last(dataset)

    def last(self, dataset: str, officer: str = "lin") -> dict[str, Any]:
        told = self.officer(officer).send("GET", f"/v1/datasets/{dataset}/pull")
        assert told.status_code == 200, told.text
        return dict(told.json().get("last", {}))

    def version(self, dataset: str) -> int:
        return int(self.officer().send("GET", f"/v1/datasets/{dataset}").json()["version"])

    def due(self) -> list[dict[str, Any]]:
        return list(self.as_puller("GET", "/v1/pulls/due").json())

    def as_puller(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(
            method,
            f"{self.asked.url}{path}",
            headers={"Authorization": f"Bearer {SECRET}"},
            trust_env=False,
            verify=NO_TLS,
            timeout=60,
            **more,
        )

    def add_officer(self, name: str, organisation: str = "health") -> None:
        with self.asked.story.database.transaction() as tx:
            if organisation != "health":
                create_organisation(tx, organisation_id=organisation, display_name=organisation, by="system")
            create_account(
                tx,
                account_id=name,
                display_name=name,
                organisation=organisation,
                roles=["officer"],
                by="system",
            )
