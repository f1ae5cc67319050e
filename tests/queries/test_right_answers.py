"""Without noise, and where nobody has too many rows, a private answer is the plain engine's:
the language means what SQL means.

Each question is run twice on the same made-up rows: by DuckDB as it is written, and through parse, bind,
plan, compile and estimate with every noise scale at nothing.
"""

import random
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.engines.duckdb import compute
from sandbox.engines.rows_in_memory import PublicRows
from sandbox.queries import Plan, bind, make_plan
from sandbox.queries.types.scope import PrivateTable, PublicTable, Scope
from sandbox.releases.answer.answer_table import table
from sandbox.releases.prepare import read_question
from story import POLICIES

POLICY = """
dataset: t.t
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: health
grade: "3"
source: {name: n, licence: l}
about_rows: 2000
population: residents
unit: {column: person, kind: person, max_rows: 100}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}
columns:
  person: {role: unit, type: text}
  district: {role: key, type: text, values: [north, south, east]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  stop: {role: key, type: integer, values: {from: 0, to: 19}}
  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}
  visits: {role: measure, type: integer, bounds: [0, 10], step: "1", required: true}
  balance: {role: measure, type: integer, bounds: [-50, 50], step: "1"}
  note: {role: attribute, type: text}
  wide: {role: attribute, type: integer}
  smoker: {role: attribute, type: boolean}
  day: {role: attribute, type: date}
  tapped: {role: attribute, type: timestamp}
"""
STOPS = """
dataset: city.stops
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: market
grade: "1"
source: {name: n, licence: l}
about_rows: 20
columns:
  stop: {role: attribute, type: integer}
  zone: {role: attribute, type: text}
  shelters: {role: attribute, type: integer}
"""
FIRMS = """
dataset: t.jobs
title: {zh: t, en: t}
summary: {zh: t, en: t}
department: market
grade: "3"
source: {name: n, licence: l}
about_rows: 200
population: residents
unit: {column: worker, kind: person, max_rows: 3}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "1"}
columns:
  worker: {role: unit, type: text}
  trade: {role: key, type: text, values: [shop, farm]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  wage: {role: measure, type: integer, bounds: [0, 100], step: "1"}
"""


@lru_cache
def versions() -> dict[str, Version]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        name: Version(
            name, 1, read_policy(text, schema=POLICIES / "dataset.schema.json"), "o", "v", "s", "x", at
        )
        for name, text in (("t.t", POLICY), ("city.stops", STOPS), ("t.jobs", FIRMS))
    }


@lru_cache
def rows() -> dict[str, pa.Table]:
    """Values on the policy's grid and within its bounds, with empty ones: there clamping changes nothing."""
    chance = random.Random(5)

    def maybe(value: object) -> Any:
        return None if chance.random() < 0.1 else value

    people = [
        [
            f"p{chance.randint(0, 150)}",
            chance.choice(["north", "south", "east"]),
            chance.randint(1, 3),
            chance.randint(0, 19),
            maybe(chance.randint(0, 200) / 2),
            chance.randint(0, 10),
            maybe(chance.randint(-50, 50)),
            maybe(chance.choice(["a", "Bb", " c ", "née", ""])),
            maybe(chance.choice((2**60, 2**60 + 1, chance.randint(-(2**40), 2**40)))),
            maybe(chance.random() < 0.5),
            maybe(date(2026, 1, 1) + timedelta(days=chance.randint(0, 364))),
            maybe(datetime(2026, 1, 1) + timedelta(seconds=chance.randint(0, 90 * 86_400))),
        ]
        for _ in range(2000)
    ]
    names = [
        "person",
        "district",
        "year",
        "stop",
        "cost",
        "visits",
        "balance",
        "note",
        "wide",
        "smoker",
        "day",
        "tapped",
    ]
    types = [
        pa.string(),
        pa.string(),
        pa.int64(),
        pa.int64(),
        pa.float64(),
        pa.int64(),
        pa.int64(),
        pa.string(),
        pa.int64(),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us"),
    ]
    table = pa.table(
        [pa.array([row[place] for row in people], type=kind) for place, kind in enumerate(types)], names=names
    )
    stops = pa.table(
        {
            "stop": pa.array([*range(18), 3], pa.int64()),
            "zone": ["a", "b", "c"] * 6 + ["d"],
            "shelters": pa.array([place % 4 for place in range(19)], pa.int64()),
        }
    )
    jobs = [
        [
            f"p{chance.randint(50, 200)}",
            chance.choice(["shop", "farm"]),
            chance.randint(1, 3),
            maybe(chance.randint(0, 100)),
        ]
        for _ in range(200)
    ]
    work = pa.table(
        [
            pa.array([row[place] for row in jobs], type=kind)
            for place, kind in enumerate([pa.string(), pa.string(), pa.int64(), pa.int64()])
        ],
        names=["worker", "trade", "year", "wage"],
    )
    return {"t.t": table, "city.stops": stops, "t.jobs": work}


def plan_for(sql: str) -> Plan:
    private, question = versions()["t.t"], read_question(sql, version_of=lambda dataset: versions()[dataset])
    stops = PublicRows(rows()["city.stops"])
    scope = Scope(
        private.policy,
        {
            join.name: PublicTable(
                versions()[join.dataset], stops.values, stops.once, join.outer, stops.extent
            )
            if join.dataset == "city.stops"
            else PrivateTable(versions()[join.dataset], join.outer)
            for join in question.joins
        },
        looked_up={"city.stops": PublicTable(versions()["city.stops"], stops.values)},
    )
    return make_plan(bind(question, scope), private, scope)


def answered(sql: str) -> list[tuple[Any, ...]]:
    """The answer without noise: every scale is nothing."""
    plan = plan_for(sql)
    exact = compute(plan, rows()["t.t"], [rows()[join.dataset] for join in plan.joins])
    found = table(plan, {total.name: (1e-9, cells) for total, cells in exact.items()})
    return [tuple(row) for row in found["rows"]]


def plainly(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA t")
        connection.execute("CREATE SCHEMA city")
        for name, content in rows().items():
            connection.register("content", content)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM content")
        return connection.execute(sql).fetchall()


QUESTIONS = [
    part.strip().rstrip(";")
    for part in (Path(__file__).parent.parent / "cases" / "right_answers.sql")
    .read_text("utf-8")
    .split("\n\n")
    if part.startswith(("SELECT", "WITH"))
]


@pytest.mark.parametrize("sql", QUESTIONS)
def test_without_noise_the_answer_is_the_engines_own(sql: str) -> None:
    ours, plain = answered(sql), plainly(sql)
    ordered = "ORDER BY" in sql
    keys = len(plan_for(sql).keys)
    if keys and (not ordered or len(ours) > len(plain)):  # groups that no row has are shown too
        seen = {row[:keys] for row in plain}
        ours = [row for row in ours if row[:keys] in seen]
    if keys and not ordered:
        ours, plain = sorted(ours), sorted(plain)
    assert len(ours) == len(plain)
    for mine, theirs in zip(ours, plain, strict=True):
        for value, wanted in zip(mine, theirs, strict=True):
            if isinstance(wanted, str | bool | None):
                assert value == wanted
            else:
                assert value == pytest.approx(float(wanted), rel=2e-5, abs=2e-4), sql
