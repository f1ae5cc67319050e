"""Recipes carried out on a table of a test's own, by the kernels' interpreter, as a seal or a trial does."""

import csv
import io
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from health_rows import HEALTH_POLICY
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.stand_in import marked_parquet, said_of, schema
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.taxonomy import Taxonomy, load_disclosure
from sandbox.jobs.recipes import how_computed, outputs_of, read_recipes
from sandbox.jobs.recipes.plan import plan_recipes
from story import POLICIES
from workspace import CHECKOUT, KERNEL_PYTHON

HEALTH = "health.visits"
SUPPRESSED = "suppressed"


def policy_of(text: str = HEALTH_POLICY) -> DatasetPolicy:
    return read_policy(text, schema=POLICIES / "dataset.schema.json")


def version_of(policy: DatasetPolicy) -> Version:
    return Version(
        policy.dataset, 1, policy, "object", "1", "0" * 64, "lin", datetime(2026, 1, 1, tzinfo=UTC)
    )


def taxonomy() -> Taxonomy:
    return load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS)


@dataclass(frozen=True)
class Made:
    """`files` by their paths, `report` of each recipe, `declared` as outputs_of says."""

    files: dict[str, bytes]
    report: dict[str, str]
    declared: dict[str, Any]

    def rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.files[f"{name}.csv"].decode())))

    def declaration(self, path: str) -> tuple[bytes, Declaration]:
        """The file as a review checks it."""
        output = self.declared[path]
        counts = self.files.get(output.counts.removeprefix("measured/")) if output.counts else None
        return self.files[path], Declaration(
            output.statbarn, output.context, output.controls, counts, *how_computed(output)
        )

    def counts(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.files[f"{name}.counts.csv"].decode())))


def carried_out(
    recipes: Sequence[Mapping[str, Any]], table: pa.Table, folder: Path, *, grade: str = "3"
) -> Made:
    """`table` has the columns of the health policy, but for hidden ones."""
    policy = policy_of()
    read = read_recipes(json.dumps(recipes))
    plan = plan_recipes(read, [version_of(policy)], taxonomy().at(grade).thresholds)
    given, outbox = folder / "given", folder / "outbox"
    given.mkdir()
    outbox.mkdir()
    mark = {"dataset": policy.dataset, "version": 1, "columns": said_of(policy)}
    (given / f"{policy.dataset}.parquet").write_bytes(marked_parquet(table, mark))
    (given / "plan.json").write_text(json.dumps(plan))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(CHECKOUT / "kernels/client"),
    }
    subprocess.run(
        [str(KERNEL_PYTHON), "-m", "cihu.recipes", str(given / "plan.json")],
        env={**environment, "CIHU_INPUTS": str(given), "CIHU_OUTBOX": str(outbox), "OMP_NUM_THREADS": "2"},
        check=True,
        capture_output=True,
        timeout=300,
    )
    files = {path.name: path.read_bytes() for path in outbox.iterdir()}
    report = json.loads(files.pop("report.json"))
    return Made(files, report, {output.path.removeprefix("measured/"): output for output in outputs_of(read)})


def health_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Of the columns that are given; others have one value in all rows."""
    policy = policy_of()
    shown = [column for column in policy.columns if column.name in said_of(policy)]
    rows = len(next(iter(columns.values())))
    usual = {"health": "good"}
    return pa.table(
        [
            pa.array(list(columns.get(column.name, [usual.get(column.name, 1)] * rows)), kind.type)
            for column, kind in zip(shown, schema(shown), strict=True)
        ],
        schema=schema(shown),
    )
