"""The two notebooks of the safe-researcher course run from top to bottom in one sealed kernel, and the test
is taken from it."""

import json
from typing import Any

import pytest

from sandbox.training.course import read_course
from workspace import CHECKOUT, WorkspaceProcess

CELLS: list[dict[str, Any]] = [
    cell
    for name in ("07-safe-researcher", "08-safe-outputs")
    for cell in json.loads((CHECKOUT / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    if cell["cell_type"] == "code"
]
RIGHT = {
    question.ask["en"]: question.options[0]["en"] for question in read_course(CHECKOUT / "policies").questions
}
PASS = f"""
right = {RIGHT!r}
chosen = [
    next(one["number"] for one in question["options"] if one["text"]["en"] == right[question["ask"]["en"]])
    for question in attempt.questions
]
cihu.language("en")
print(attempt.answer(chosen))
print(cihu.course().certificate.save_receipt("certificate.json").stat().st_size > 100)
"""


@pytest.fixture(scope="module")
def ended(workspace: WorkspaceProcess) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each code cell, and what came of it; the test is taken last, by who knows the answers."""
    taken = {"metadata": {}, "source": [PASS]}
    with workspace.kernel() as kernel:
        return [(cell, kernel.run("".join(cell["source"]))) for cell in (*CELLS, taken)]


def test_every_cell_ends_as_it_should(ended: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    for cell, result in ended:
        expected = "error" if "raises-exception" in cell["metadata"].get("tags", ()) else "ok"
        assert result["status"] == expected, (cell["source"], result)


def test_the_course_shows_what_it_says(ended: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    shown = {
        "".join(cell["source"]): json.dumps(result["outputs"], ensure_ascii=False) for cell, result in ended
    }
    assert "attempts left today: 3" in shown["cihu.course()"]
    assert "True" in next(text for of, text in shown.items() if "equals" in of), "the same answer again"
    attempt = next(text for of, text in shown.items() if of.startswith("attempt = "))
    assert "attempt.answer" in attempt and "✓" not in attempt
    assert "0 answers" in next(text for of, text in shown.items() if of.startswith("chosen = "))
    outcome = shown[PASS]
    assert "passed" in outcome and "The certificate is good until" in outcome and "True" in outcome
