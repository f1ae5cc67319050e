"""The fourth notebook runs from top to bottom in a sealed kernel:
a cell is tried, handed in, and its end is told."""

import json
from typing import Any

import pytest

from workspace import CHECKOUT, WorkspaceProcess

NOTEBOOK = CHECKOUT / "notebooks" / "04-sealed-run.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text())["cells"]


@pytest.fixture(scope="module")
def done(workspace: WorkspaceProcess) -> dict[str, dict[str, Any]]:
    """By the text of each code cell, what came of it."""
    with workspace.kernel() as kernel:
        return {
            text: kernel.run(text)
            for text in ("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code")
        }


def shown(done: dict[str, dict[str, Any]], part: str) -> str:
    """All that the first cell with `part` in it showed."""
    return json.dumps(next(of for text, of in done.items() if part in text)["outputs"], ensure_ascii=False)


def test_every_cell_runs(done: dict[str, dict[str, Any]]) -> None:
    assert {of["status"] for of in done.values()} == {"ok"}, done


def test_the_trial_shows_what_the_program_says_and_leaves_and_that_no_row_is_real(
    done: dict[str, dict[str, Any]],
) -> None:
    said = shown(done, "visits by coinsurance")
    assert "o row is real" in said and "visits.csv" in said and "queued" in said, said
    assert "people.csv" in shown(done, "submit=no") and "queued" not in shown(done, "submit=no")


def test_of_the_real_run_only_the_state_is_told(done: dict[str, dict[str, Any]]) -> None:
    said = shown(done, ".wait()")
    assert "finished, to be reviewed" in said and "in quarantine" in said and "coinsurance\\\\n" not in said
