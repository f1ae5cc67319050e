"""A small city for tests, made of real parts: people, one dataset of made-up rows, a grant,
and a desk to ask at."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.populations import Population, read_populations
from sandbox.catalog.publish import Published, publish
from sandbox.cleaning import PseudonymKeys, StepCleaner
from sandbox.database import Database
from sandbox.engines.duckdb import DuckDBEngine
from sandbox.engines.process import EngineProcesses
from sandbox.grants import Grant, approve, request_access
from sandbox.identity import (
    Principal,
    create_account,
    create_organisation,
    create_team,
    join_team,
    load_principal,
)
from sandbox.policy import Gate
from sandbox.releases import AskContext
from sandbox.storage import RawStore

POLICIES = Path(__file__).parents[2] / "policies"

POLICY = """
dataset: clinic.visits
title: {zh: 就诊, en: Visits}
summary: {zh: 测试, en: Made-up rows for tests}
department: health
grade: "3"
source: {name: made up, licence: CC0-1.0}
about_rows: 1000
population: residents
unit: {column: person, kind: person, max_rows: 4}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}
columns:
  person: {role: unit, type: text, grade: "4"}
  district: {role: key, type: text, values: [north, south, east]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}
  visits: {role: measure, type: integer, bounds: [0, 10], step: "1", required: true}
  note: {role: attribute, type: text}
  day: {role: attribute, type: date}
  smoker: {role: attribute, type: boolean}
  secret: {role: hidden, type: text, grade: "4"}
"""

DATASET = read_policy(POLICY, schema=POLICIES / "dataset.schema.json")
VERSION = Version("clinic.visits", 1, DATASET, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))


def rows_csv(people: int = 300, *, seed: int = 7, extra: str = "") -> bytes:
    """Made-up rows as CSV: one to six a person, some values empty, some outside the bounds."""
    chance = random.Random(seed)
    lines = ["person,district,year,cost,visits,note,day,smoker,secret"]
    for person in range(people):
        for _ in range(chance.randint(1, 6)):
            cost = "" if chance.random() < 0.1 else f"{chance.uniform(-20, 150):.2f}"
            lines.append(
                f"p{person},{chance.choice(['north', 'south', 'east', 'west'])},"
                f"{chance.randint(1, 4)},{cost},{chance.randint(0, 14)},n{chance.randint(0, 9)},2026-01-"
                f"{chance.randint(1, 28):02},{chance.choice(['true', 'false', ''])},s{person}"
            )
    return ("\n".join(lines) + "\n" + extra).encode()


PROCESSES = EngineProcesses()  # one fork server for all stories of a test run


@dataclass
class Story:
    database: Database
    gate: Gate
    repository: DatasetRepository
    store: RawStore
    populations: dict[str, Population]
    context: AskContext

    def principal(self, id: str) -> Principal:
        with self.database.transaction() as tx:
            return load_principal(tx, id)

    def publish(self, body: bytes | None = None, policy: str = POLICY) -> Published:
        return publish(
            self.database,
            repository=self.repository,
            store=self.store,
            gate=self.gate,
            populations=self.populations,
            officer=self.principal("lin"),
            policy_text=policy,
            body=rows_csv() if body is None else body,
            opening=None,
        )

    def grant(self, *, epsilon: str = "4", dataset: str = "clinic.visits", team: str = "lake") -> Grant:
        version = self.repository.current(dataset)
        request = request_access(
            self.database,
            gate=self.gate,
            principal=self.principal("wang"),
            version=version,
            team=team,
            purpose="to test the gate in its order",
            epsilon=Decimal(epsilon),
            until=datetime.now(UTC) + timedelta(days=30),
        )
        return approve(
            self.database,
            gate=self.gate,
            officer=self.principal("lin"),
            request_id=request.id,
            version=version,
        )


def open_story(database: Database, store: RawStore) -> Story:
    """People, rules and an empty catalogue; nothing published yet."""
    with database.transaction() as tx:
        for organisation in ("health", "market", "hbpu"):
            create_organisation(tx, organisation_id=organisation, display_name=organisation, by="system")
        for account, organisation, role in (
            ("lin", "health", "officer"),
            ("tang", "health", "officer"),
            ("zhou", "market", "officer"),
            ("wang", "hbpu", "analyst"),
            ("li", "hbpu", "analyst"),
        ):
            create_account(
                tx,
                account_id=account,
                display_name=account,
                organisation=organisation,
                roles=[role],
                by="system",
            )
        create_team(tx, team_id="lake", display_name="lake", by="system")
        join_team(tx, team_id="lake", account_id="wang", by="system")
    return open_shop(database, store)


@cache
def city_gate() -> Gate:
    """The city's rules, read once: no test changes them."""
    return Gate(POLICIES)


def open_shop(database: Database, store: RawStore) -> Story:
    """The same for people who are there already."""
    gate = city_gate()
    repository = DatasetRepository(database, POLICIES, StepCleaner(PseudonymKeys(b"k" * 32)))
    return Story(
        database,
        gate,
        repository,
        store,
        read_populations(POLICIES),
        AskContext(database, repository, gate, DuckDBEngine(store, PROCESSES)),
    )
