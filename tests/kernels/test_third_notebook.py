"""The third notebook runs from top to bottom in a sealed kernel, and its rows say that they are not real."""

import json
from typing import Any

import pytest

from workspace import CHECKOUT, WorkspaceProcess

NOTEBOOK = CHECKOUT / "notebooks" / "03-stand-in.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text())["cells"]
MEANINGLESS = "No row is real, and no number computed from it means anything."


@pytest.fixture(scope="module")
def done(workspace: WorkspaceProcess) -> dict[str, dict[str, Any]]:
    """By the text of each code cell, what came of it."""
    with workspace.kernel() as kernel:
        return {
            text: kernel.run(text)
            for text in ("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code")
        }


def outcome(done: dict[str, dict[str, Any]], part: str) -> dict[str, Any]:
    """What the first cell with `part` in it showed, by MIME type."""
    shown: dict[str, Any] = next(of for text, of in done.items() if part in text)["outputs"][-1]["data"]
    return shown


def test_every_cell_runs(done: dict[str, dict[str, Any]]) -> None:
    assert {of["status"] for of in done.values()} == {"ok"}, done


def test_the_rows_and_the_programs_result_say_that_they_are_not_real(done: dict[str, dict[str, Any]]) -> None:
    rows = outcome(done, 'rows = cihu.stand_in("health.visits")')
    assert (
        MEANINGLESS in rows["text/html"]
        and "10000 rows" in rows["text/html"]
        and "(health.visits@1)" in rows["text/plain"]
    )
    made = outcome(done, "def visits_by_coinsurance")
    assert "o row is real" in made["text/html"] and "mean" in made["text/plain"]


def test_the_types_are_told_without_the_warning_and_the_truth_with_its_error(
    done: dict[str, dict[str, Any]],
) -> None:
    assert outcome(done, "rows.dtypes")["text/plain"].startswith("person")
    assert "'stand_in': 'schema'" in outcome(done, 'kind="schema"')["text/plain"]
    assert "95 %:" in outcome(done, "cihu.sql(")["text/html"]
