"""A predictor is called on the columns that it declared, and what it leaves is predictions of the
declared kind, or is none."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from cihu import predicting

from asked_vault import AskedVault
from reviewed_runs import Reviewing, reviewing
from sandbox.database import Database
from sandbox.errors import InvalidInput
from sandbox.jobs.model import Interface
from sandbox.jobs.predict_rows import predict_rows
from sandbox.jobs.predictions import ARROW, LONGEST_TEXT, arrow_type, fault_of
from sandbox.jobs.read import as_interface
from sandbox.jobs.run_folder import empty
from sandbox.jobs.submit import submit
from sandbox.standalone.s3 import S3Server
from sealed_runs import await_state, left_by
from story import open_story

INTERFACE = {
    "columns": ["district", "visits"],
    "predicts": {"often": "probability", "level": ["low", "high"]},
}
PREDICTOR = """
import pandas as pd
from pathlib import Path

print(rows_seen := sorted(p.name for p in Path(__file__).parent.iterdir()))

def predict(rows):
    print(list(rows.columns))
    often = (rows["visits"] / 20).clip(0, 1)
    return pd.DataFrame({"often": often, "level": ["high" if one > 0.3 else "low" for one in often]})
"""


def predictor_of(dataset: str, **changed: Any) -> dict[str, Any]:
    return {
        "name": "who goes often",
        "entry": "predictor.py",
        "inputs": [dataset],
        "limit_seconds": 10,
        "files": {"predictor.py": PREDICTOR, "m.safetensors.b64": "CAAAAAAAAAB7fSAgICAgIA=="},
        "interface": INTERFACE,
    } | changed


def test_a_predictor_sees_the_columns_it_declared_and_its_model_and_leaves_valid_predictions(
    asked: AskedVault, s3: S3Server
) -> None:
    dataset, _ = asked.dataset()
    said = asked.person("wang").send("POST", "/v1/runs", json=predictor_of(dataset))
    assert said.status_code == 201 and said.json()["interface"] == INTERFACE, said.text
    await_state(asked, said.json(), "finished")
    left = left_by(asked, s3, said.json())
    assert left.exit["predictions"] == "valid", left.log
    assert "['district', 'visits']" in left.log and "'m.safetensors', 'm.safetensors.b64'" in left.log
    table = pyarrow.parquet.read_table(io.BytesIO(left.made["predictions.parquet"]))
    assert table.column_names == ["level", "often"] and set(table["level"].to_pylist()) == {"low", "high"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"interface": {"columns": ["secret"], "predicts": {"x": "number"}}}, "no column 'secret'"),
        ({"interface": {"columns": ["visits", "visits"], "predicts": {"x": "number"}}}, "each once"),
        ({"interface": {"columns": ["visits"], "predicts": {}}}, "names that it predicts"),
        ({"interface": {"columns": ["visits"], "predicts": {"X y": "number"}}}, "names that it predicts"),
        (
            {"interface": {"columns": ["visits"], "predicts": {"x": "DataFrame"}}},
            "cannot be predicted as 'DataFrame'",
        ),
        ({"interface": {"columns": ["visits"], "predicts": {"x": ["a", 1]}}}, "cannot be predicted"),
        ({"files": {"predictor.py": PREDICTOR, "m.skops.b64": "no base64!"}}, "is not base64"),
    ],
)
def test_what_cannot_be_a_predictor_is_refused_with_its_remedy(
    asked: AskedVault, changed: dict[str, Any], said: str, lake: str
) -> None:
    answer = asked.person("wang").send("POST", "/v1/runs", json=predictor_of(lake, **changed))
    assert answer.status_code == 422 and said in answer.json()["detail"] and answer.json()["remedy"], (
        answer.text
    )


@pytest.fixture(scope="module")
def lake(asked: AskedVault) -> str:
    return str(asked.dataset()[0])


def parquet(**columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


OFTEN, LEVEL = pa.array([0.5, 0.1]), pa.array(["low", "high"])
DECLARED = as_interface(INTERFACE)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "left no predictions"),
        (b"PAR1 no table PAR1", "cannot be read"),
        (parquet(level=LEVEL[:1], often=OFTEN[:1]), "1 predictions for 2 rows"),
        (parquet(often=OFTEN, level=LEVEL), "it predicts often, level"),
        (parquet(level=LEVEL, more=LEVEL, often=OFTEN), "it predicts level, more, often"),
        (parquet(level=LEVEL, often=pa.array([1, 0])), "often is int64"),
        (parquet(level=LEVEL, often=pa.array([0.5, None])), "empty in 1 rows"),
        (parquet(level=LEVEL, often=pa.array([0.5, float("nan")])), "not finite"),
        (parquet(level=LEVEL, often=pa.array([0.5, 1.5])), "below 0 or above 1"),
        (parquet(level=pa.array(["low", "p123 lives here"]), often=OFTEN), "not declared"),
    ],
)
def test_what_is_not_as_declared_is_no_prediction(content: bytes | None, why: str) -> None:
    fault = fault_of(content, DECLARED, 2)
    assert why in fault and "p123" not in fault
    assert fault_of(parquet(level=LEVEL, often=OFTEN), DECLARED, 2) == ""
    assert fault_of(parquet(t=pa.array(["x" * 101, ""])), Interface(("a",), {"t": "text"}), 2)


@pytest.mark.parametrize("kind", [*ARROW, ("low", "high"), (1, 2)])
def test_the_vault_checks_for_the_types_that_the_client_writes(kind: str | tuple[str | int, ...]) -> None:
    """The vault's check is its own, since a program may write anything; the kinds are the same."""
    assert arrow_type(kind) == predicting.arrow_type(list(kind) if isinstance(kind, tuple) else kind)
    assert set(ARROW) == set(predicting.DTYPES) and LONGEST_TEXT == predicting.LONGEST_TEXT


@pytest.fixture
def reviewed(database: Database, s3: S3Server, tmp_path: Path) -> Reviewing:
    return reviewing(open_story(database, s3.raw_store()), s3, tmp_path / "runs")


def test_who_scores_calls_it_on_other_rows_and_is_told_where_its_predictions_lie(reviewed: Reviewing) -> None:
    context, wang = reviewed.runs, reviewed.principal("wang")
    empty(context.folder)
    said = predictor_of("clinic.visits")
    run = submit(
        context,
        principal=wang,
        name=said["name"],
        entry=said["entry"],
        files=said["files"],
        inputs=said["inputs"],
        limit_seconds=10,
        interface=INTERFACE,
    )
    rows = pa.table(
        {"district": ["north", "south", "east"], "visits": pa.array([1, 9, 4]), "secret": ["a", "b", "c"]}
    )
    version = context.repository.current("clinic.visits")
    done = predict_rows(context, predictor=run, version=version, rows=rows, limit_seconds=10)
    assert done.fault == "" and done.predictions is not None, context.quarantine.get(
        done.files["log.txt"].name, done.files["log.txt"].version_id
    )
    left = pyarrow.parquet.read_table(
        io.BytesIO(context.quarantine.get(done.predictions.name, done.predictions.version_id))
    )
    assert left["often"].to_pylist() == [0.05, 0.45, 0.2] and left["level"].to_pylist() == [
        "low",
        "high",
        "low",
    ]
    end = json.loads(context.quarantine.get(done.files["exit.json"].name, done.files["exit.json"].version_id))
    assert end["predictions"] == "valid" and not list(context.folder.iterdir()), "its rows are removed"
    with pytest.raises(InvalidInput, match="no column 'visits'"):
        predict_rows(
            context, predictor=run, version=version, rows=rows.drop_columns(["visits"]), limit_seconds=10
        )
