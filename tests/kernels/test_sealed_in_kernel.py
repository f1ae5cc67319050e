"""`%%sealed` in a sealed kernel: tried on stand-in rows in full view,
then the same text runs on the real ones."""

import pytest
from sqlalchemy import select

from sandbox.jobs.tables import run_files, runs
from sandbox.standalone.s3 import S3Server
from workspace import Kernel, VaultProcess

CELL = """%%sealed name="visits by site" inputs=[health.visits] limit=10s
import cihu, duckdb
rows = cihu.inputs["health.visits"]
print(type(rows).__name__, "black" in rows)
rows.groupby("site")["doctor_visits"].mean().to_csv(cihu.outbox / "visits.csv")
path = cihu.inputs.path("health.visits")
(cihu.outbox / "n.txt").write_text(str(duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchone()[0]))
"""


def left(vault: VaultProcess, s3: S3Server, id: str) -> dict[str, bytes]:
    with vault.story.database.transaction() as tx:
        found = tx.execute(select(run_files).where(run_files.c.run == id)).all()
    return {row.path: s3.quarantine_store().get(row.object_name, row.object_version) for row in found}


def test_a_cell_is_tried_on_stand_in_rows_and_then_runs_on_the_real_ones(
    one_kernel: Kernel, vault: VaultProcess, s3: S3Server
) -> None:
    said = one_kernel.text(f"import cihu\nget_ipython().run_cell({CELL!r})")
    assert "StandIn False" in said and "visits.csv" in said and "queued" in said, said
    told = one_kernel.text(
        "run = cihu.runs()[0].wait()\nprint(run.state, run.id)\nprint(run.program['main.py'])\nrun"
    )
    state, id = told.split()[:2]
    assert state == "finished" and "quarantine" in told
    files = left(vault, s3, id)
    assert b"DataFrame False" in files["log.txt"], files
    assert int(files["n.txt"]) > 4000 and files["visits.csv"].startswith(b"site,doctor_visits\n")
    with vault.story.database.transaction() as tx:
        kept = tx.execute(select(runs.c.files, runs.c.environment_sha256).where(runs.c.id == id)).one()
    assert kept.files == {"main.py": CELL.partition("\n")[2]}, "the exact text of the cell"
    assert len(kept.environment_sha256) == 64


def test_what_fails_on_stand_in_rows_is_shown_and_not_handed_in(one_kernel: Kernel) -> None:
    one_kernel.text("import cihu\nsecret_of_the_notebook = 1")
    before = one_kernel.text("print(len(cihu.runs()))")
    done = one_kernel.run(
        "%%sealed name=bad inputs=[health.visits]\nprint('before')\nprint(secret_of_the_notebook)"
    )
    said = str(done["outputs"])
    assert (
        "before" in said and "NameError" in said and "trial_failed" in said and "process of its own" in said
    )
    assert one_kernel.text("print(len(cihu.runs()))") == before


def test_a_trial_names_what_the_vault_would_not_collect(one_kernel: Kernel) -> None:
    said = one_kernel.text(
        "import cihu\ncell = '''import cihu\n(cihu.outbox / '表.csv').write_text('x')\n"
        "(cihu.outbox / 'log.txt').write_text('x')\n'''\n"
        "get_ipython().run_cell_magic('sealed', 'name=odd inputs=[health.visits] submit=no', cell)"
    )
    assert "names are letters, digits" in said and "kept for the run's own log" in said


def test_a_file_and_a_folder_can_be_handed_in_and_called_off(one_kernel: Kernel) -> None:
    said = one_kernel.text("""
import cihu, pathlib
folder = pathlib.Path("study"); folder.mkdir()
(folder / "cihu.yaml").write_text("name: a study\\nentry: go.py\\ninputs: [health.visits]\\nlimit: 1m\\n")
(folder / "go.py").write_text("from part import work\\nwork()\\n")
(folder / "part.py").write_text("import cihu\\ndef work():\\n    (cihu.outbox / 'a.txt').write_text('a')\\n")
run = cihu.submit("study")
cancelled = run.cancel().state
one = cihu.submit("study/part.py", name="one file", inputs=["health.visits"])
print(sorted(run.program), cancelled, one.cancel().state)
""")
    assert said.rstrip().endswith("['go.py', 'part.py'] cancelled cancelled"), said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("inputs=[health.visits]", "The run has no name."),
        ("name=x", "No dataset is named"),
        ("name=x inputs=[health.visits] limit=2m", "There is no limit 2m"),
        ("name=x inptus=[a]", "inptus is not understood"),
    ],
)
def test_a_fault_in_the_magics_line_is_told_with_its_remedy(one_kernel: Kernel, line: str, said: str) -> None:
    told = one_kernel.text(f"import cihu\nget_ipython().run_cell_magic('sealed', {line!r}, 'pass')")
    assert said in told and "%%sealed name=" in told


FOLDER = """
import cihu, pathlib, pandas as pd, skops.io
from sklearn.linear_model import LogisticRegression
folder = pathlib.Path("often"); folder.mkdir(exist_ok=True)
rows = cihu.stand_in("health.visits")
skops.io.dump(LogisticRegression().fit(pd.DataFrame(rows[["age"]]), rows["doctor_visits"] > 15), folder / "often.skops")
(folder / "cihu.yaml").write_text("kind: predictor\\nname: often\\ninputs: [health.visits]\\nlimit: 1m\\ncolumns: [age]\\n"
                                  "predicts: {often: probability}\\n")
(folder / "predictor.py").write_text('''import pathlib, skops.io
model = skops.io.load(pathlib.Path(__file__).with_name("often.skops"))
def predict(rows):
    return model.predict_proba(rows)[:, %s]
''')
run = cihu.submit(folder)
print(run.document["interface"], sorted(run.program), run.cancel().state)
"""  # noqa: E501


def test_a_predictor_with_its_model_is_called_on_stand_in_rows_and_handed_in(one_kernel: Kernel) -> None:
    said = one_kernel.text(FOLDER.replace("%s", "1"))
    assert " rows: often." in said, said
    assert "{'columns': ['age'], 'predicts': {'often': 'probability'}}" in said, said
    assert said.rstrip().endswith("['often.skops.b64', 'predictor.py'] cancelled"), said


def test_a_predictor_that_returns_something_else_is_shown_why_and_not_handed_in(one_kernel: Kernel) -> None:
    said = one_kernel.text(FOLDER.replace("%s", ":"))
    assert "predict returned a ndarray" in said and "trial_failed" in said and "Traceback" not in said, said


def test_a_file_that_would_never_be_collected_is_told_before_anything_is_submitted(
    one_kernel: Kernel,
) -> None:
    cell = (
        '%%sealed name="named" inputs=[health.visits] limit=10s\n'
        'import cihu\n(cihu.outbox / "各地区.csv").write_text("n\\n1\\n")\n'
    )
    told = one_kernel.text(
        "import cihu\nbefore = len(cihu.runs())\n"
        f"get_ipython().run_cell({cell!r})\nprint('more:', len(cihu.runs()) - before)"
    )
    assert "各地区.csv would never be collected" in told and "letters, digits" in told, told
    assert told.rstrip().endswith("more: 0"), told
