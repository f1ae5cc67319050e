"""A run's recipes are computed by the vault beside its program, which can change nothing of them."""

import csv
import io
import json

from asked_vault import AskedVault
from sandbox.standalone.s3 import S3Server
from sealed_runs import await_state, hand_in, left_by

HOSTILE = """
import os, sys, time
from pathlib import Path
import pandas as pd
Path("/outbox/measured").mkdir()
Path("/outbox/measured/visits.csv").write_text("district,n\\nnorth,1\\n")
Path("/outbox/measured/more.csv").write_text("x\\n1\\n")
Path("/outbox/own.csv").write_text("x\\n1\\n")
Path("/outbox/columns").mkdir()
rows = pd.read_parquet(next(Path("/data").glob("*.parquet")))
scores = [float(place % 7) for place in range(len(rows))]
pd.DataFrame({"value": scores}).to_parquet("/outbox/columns/score.parquet")
open("/outbox/seen.txt", "w").write(" ".join(sorted(os.listdir("/data"))) + " " + " ".join(os.environ))
sys.exit(3)
"""


def recipes(dataset: str) -> str:
    return json.dumps(
        [
            {
                "kind": "table",
                "name": "visits",
                "dataset": dataset,
                "by": {"district": "district"},
                "measures": {"visits": "COUNT(*)"},
            },
            {
                "kind": "means",
                "name": "scores",
                "dataset": dataset,
                "columns": {"score": {"column": "score"}, "visits": "visits"},
            },
            {"kind": "means", "name": "missing", "dataset": dataset, "columns": {"x": {"column": "nowhere"}}},
        ]
    )


def test_a_hostile_program_changes_nothing_of_what_is_measured(asked: AskedVault, s3: S3Server) -> None:
    dataset, _ = asked.dataset()
    run = hand_in(asked, HOSTILE, dataset, files={"main.py": HOSTILE, "recipes.json": recipes(dataset)})
    assert [one["path"] for one in run["outputs"]] == [
        "measured/visits.csv",
        "measured/scores.csv",
        "measured/missing.csv",
    ]
    assert [one["measured"] for one in run["outputs"]] == [True, False, False]
    await_state(asked, run, "finished")
    left = left_by(asked, s3, run)
    assert left.exit["status"] == 3, left
    assert left.exit["recipes"]["visits"] == left.exit["recipes"]["scores"] == ""
    assert "nowhere" in left.exit["recipes"]["missing"]
    table = list(csv.DictReader(io.StringIO(left.files["measured/visits.csv"].decode())))
    assert {"district", "n", "visits"} == set(table[0]) and len(table) > 1, table
    assert all(row["n"] == "suppressed" or int(row["n"]) >= 5 for row in table)
    assert {one["path"] for one in left.exit["left_out"]} == {"measured/visits.csv", "measured/more.csv"}
    assert {"own.csv", "measured/scores.csv", "measured/scores.counts.csv"} <= set(left.made)
    assert not any(path.startswith("columns/") for path in left.made), "a value a row is for nobody"
    scores = list(csv.DictReader(io.StringIO(left.files["measured/scores.csv"].decode())))
    assert {row["variable"] for row in scores} == {"score", "visits"}
    # the program finds what any finds: no plan, no rules, no recipe's table
    assert (
        "CIHU_RECIPES" not in left.files["seen.txt"].decode()
        and "column-" not in left.files["seen.txt"].decode()
    )


def test_a_program_that_takes_all_its_time_takes_none_of_its_recipes(asked: AskedVault, s3: S3Server) -> None:
    dataset, _ = asked.dataset()
    program = "while True:\n    pass\n"
    only = json.dumps(json.loads(recipes(dataset))[:1])
    run = hand_in(asked, program, dataset, files={"main.py": program, "recipes.json": only})
    await_state(asked, run, "finished")
    left = left_by(asked, s3, run)
    assert left.exit["ended"] == "time" and left.exit["recipes"] == {"visits": ""}
    assert "measured/visits.csv" in left.made


def test_faulty_recipes_are_refused_before_anything_is_queued(asked: AskedVault) -> None:
    dataset, _ = asked.dataset()
    for text, words in (
        ("[", "not JSON"),
        (recipes(dataset).replace("COUNT(*)", "MIN(visits)"), "no measure"),
        (recipes(dataset).replace('"district": "district"', '"who": "person"'), "single people"),
    ):
        said = asked.person("wang").send(
            "POST",
            "/v1/runs",
            json={
                "name": "a run",
                "files": {"main.py": "print()", "recipes.json": text},
                "inputs": [dataset],
                "limit_seconds": 10,
            },
        )
        assert said.status_code == 422 and words in said.text, said.text
    prepared = asked.person("wang").send(
        "POST", "/v1/recipes", json={"inputs": [dataset], "recipes": json.loads(recipes(dataset))}
    )
    assert prepared.status_code == 200, prepared.text
    assert prepared.json()["plan"]["rules"]["minimum_count"] >= 1
    assert len(prepared.json()["outputs"]) == 3
