"""The fifth notebook is a newcomer's whole study:
a table, a chart and a model of real rows, reviewed by two and released."""

import json
from typing import Any

import pytest

from notebook_reviewers import officer, vote
from workspace import CHECKOUT, VaultProcess, WorkspaceProcess

NOTEBOOK = CHECKOUT / "notebooks" / "05-whole-study.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text())["cells"]
RELEASED = ("often.json", "often.skops", "visits.csv", "visits.png")


@pytest.fixture(scope="module")
def found(vault: VaultProcess) -> list[dict[str, Any]]:
    """What the checks said of the files of the real run."""
    return []


@pytest.fixture(scope="module")
def done(
    workspace: WorkspaceProcess, vault: VaultProcess, found: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By the text of each code cell, what came of it; officers approve as soon as they are asked."""
    came = {}
    with workspace.kernel() as kernel:
        for text in ("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"):
            came[text] = kernel.run(text, timeout=240)
            if "request_release" in text:
                (waiting,) = officer(vault, "lin", "GET", "")
                found += officer(vault, "lin", "GET", f"/{waiting['id']}")["files"]
                for who in ("lin", "zhou"):
                    vote(
                        vault,
                        who,
                        "approve",
                        "Visits are bounded; hundreds of people a bar; four coefficients.",
                    )
    return came


def shown(done: dict[str, dict[str, Any]], part: str) -> str:
    return json.dumps(next(of for text, of in done.items() if part in text)["outputs"], ensure_ascii=False)


def test_every_cell_runs(done: dict[str, dict[str, Any]]) -> None:
    failed = {text: of["outputs"] for text, of in done.items() if of["status"] != "ok"}
    assert not failed, failed


def test_before_anybody_waits_it_is_said_what_would_be_blocked_and_how_to_mend_it(
    done: dict[str, dict[str, Any]],
) -> None:
    first, corrected = shown(done, "none so far"), shown(done, "cihu.check(files)")
    assert "would be blocked" in first and "multiples of 20" not in first and "/ 10).round() * 10" in first, (
        first
    )
    assert "nothing would be blocked" in corrected and "reviewers will ask" in corrected, corrected
    leaves = shown(done, ".leaves(")
    assert "coinsurance" in leaves and ",n," in leaves, leaves


def test_the_real_run_passes_the_checks_as_its_trial_did(
    done: dict[str, dict[str, Any]], found: list[dict[str, Any]]
) -> None:
    assert sorted(one["path"] for one in found) == list(RELEASED)
    assert not [finding for one in found for finding in one["findings"] if finding["severity"] == "blocks"], (
        found
    )
    tested = [
        finding for one in found for finding in one["findings"] if finding["code"] == "membership_tested"
    ]
    assert len(tested) == 1 and "units of its training" in tested[0]["message"], (
        "the vault tests what was fitted to raw rows"
    )


def test_table_chart_and_model_are_released_and_read(done: dict[str, dict[str, Any]]) -> None:
    assert all(name in shown(done, "released = run.files()") for name in RELEASED)
    assert not any(name in shown(done, "released = run.files()") for name in ("counts.csv", "losses.csv")), (
        "what supports stays"
    )
    assert "mean_visits" in shown(done, 'released.df("visits.csv")')
    assert "image/png" in shown(done, "display(Image")
    assert "Five visits or more a year: " in shown(done, "skops.io.loads")
