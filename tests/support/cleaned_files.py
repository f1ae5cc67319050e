"""Policies with cleaning steps, and files that are read by them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from sandbox.catalog.cleaner import Cleaner
from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_file
from sandbox.cleaning import PseudonymKeys, StepCleaner
from sandbox.ingest import IdRule, Rows
from story import POLICIES

SCHEMA = POLICIES / "dataset.schema.json"
CLEANER = StepCleaner(PseudonymKeys(b"k" * 32))
PERSON = {"role": "unit", "type": "text"}
BUDGET = {"delta": "1e-6", "dataset_epsilon": "10", "grant_epsilon": "4", "question_epsilon": "0.2"}

Columns = Mapping[str, Mapping[str, Any]]
Steps = Sequence[Mapping[str, Any]]


def policy_text(columns: Columns, steps: Steps, **more: Any) -> str:
    """A policy in JSON, which is YAML."""
    document = {
        "dataset": "clinic.cleaned",
        "title": {"zh": "就诊", "en": "Visits"},
        "summary": {"zh": "就诊", "en": "Visits"},
        "department": "health",
        "grade": "3",
        "source": {"name": "made up", "licence": "CC0-1.0"},
        "about_rows": 1000,
        "population": "residents",
        "unit": {"column": "person", "kind": "person", "max_rows": 4},
        "budget": BUDGET,
        "columns": {"person": PERSON, **columns},
        "steps": list(steps),
    }
    return json.dumps({name: value for name, value in (document | more).items() if value is not None})


def policy_of(columns: Columns, steps: Steps, *, cleaner: Cleaner = CLEANER, **more: Any) -> DatasetPolicy:
    return read_policy(policy_text(columns, steps, **more), schema=SCHEMA, cleaner=cleaner)


def csv_of(rows: Sequence[Sequence[object]]) -> bytes:
    return "".join(
        ",".join("" if cell is None else '"' + str(cell).replace('"', '""') + '"' for cell in row) + "\n"
        for row in rows
    ).encode()


def cleaned(policy: DatasetPolicy, body: bytes, *, ids: IdRule = IdRule.NORMALISED) -> Rows:
    return read_file(body, policy, ids=ids, cleaner=CLEANER)


def one_column(
    kind: str, cells: Sequence[object], steps: Steps, *, into: Columns | None = None, **spec: Any
) -> pa.Table:
    """The rows of people p00, p01, ... with one cell each in the column `x`, after the steps."""
    policy = policy_of({"x": {"role": "attribute", "type": kind, **spec}, **(into or {})}, steps)
    rows = [["person", "x"], *([f"p{place:02}", cell] for place, cell in enumerate(cells))]
    return cleaned(policy, csv_of(rows)).table
