"""Made-up datasets of two departments about the same people, from which others are derived."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa

from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.policy_file import read_policy
from sandbox.derivations.compute import InputRows, compute
from sandbox.derivations.read_sql import input_table, read_derivation
from sandbox.errors import NotFound
from sandbox.ingest.unit_order import sorted_table
from story import POLICIES

POLICY = """
dataset: {name}
title: {{zh: 测试, en: Test}}
summary: {{zh: 测试, en: Made-up rows for tests}}
department: {department}
grade: "3"
source: {{name: made up, licence: CC0-1.0}}
about_rows: 1000
population: residents
unit: {{column: person, kind: person, max_rows: {rows}}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}}
columns:
  person: {{role: unit, type: text}}
"""
VISITS = (
    POLICY.format(name="clinic.visits", department="health", rows=4)
    + """  year: {role: key, type: integer, values: {from: 2020, to: 2029}}
  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}
  ward: {role: attribute, type: text}
  day: {role: attribute, type: date}
  diagnosis: {role: hidden, type: text}
"""
)
TAPS = (
    POLICY.format(name="bus.taps", department="market", rows=40)
    + """  stop: {role: attribute, type: text}
  hour: {role: key, type: integer, values: {from: 0, to: 23}}
  fare: {role: attribute, type: number}
"""
)
REGISTER = (
    POLICY.format(name="city.register", department="market", rows=1)
    + """  born: {role: attribute, type: integer}
  district: {role: key, type: text, values: [north, south]}
"""
)


def version(policy: str, number: int = 1) -> Version:
    read = read_policy(policy, schema=POLICIES / "dataset.schema.json")
    return Version(read.dataset, number, read, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))


KNOWN = {each.dataset: each for each in map(version, (VISITS, TAPS, REGISTER))}


def find(dataset: str, number: int) -> Version:
    if dataset not in KNOWN or number != 1:
        raise NotFound(f"There is no {dataset}@{number}.", remedy="Name another.")
    return KNOWN[dataset]


def derived(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """What the SQL makes of these rows; of a dataset that is not given, of none."""
    relation = read_derivation(sql, find)
    given = {name: tables[name] for name, _ in relation.datasets}
    inputs = {input_table(name, 1): rows_by_unit(table, KNOWN[name].policy) for name, table in given.items()}
    rows = compute(relation, inputs)
    return pa.Table.from_batches(rows.batches, rows.schema)


def rows_by_unit(table: pa.Table, policy: DatasetPolicy, rows_at_once: int = 2) -> InputRows:
    assert policy.unit is not None
    table = sorted_table(table, policy.unit.column)
    return InputRows(
        policy.unit.column, table.schema, lambda: iter(table.to_batches(max_chunksize=rows_at_once))
    )
