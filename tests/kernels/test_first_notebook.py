"""The guided notebook runs from top to bottom in a sealed kernel,
and every cell says what its text promises."""

import json
from typing import Any

import pytest

from sandbox.hub.workspace import FIRST_NOTEBOOK
from workspace import CHECKOUT, WorkspaceProcess

NOTEBOOK = CHECKOUT / "notebooks" / "01-first-question.ipynb"
Done = dict[str, dict[str, Any]]


def cells() -> list[dict[str, Any]]:
    return list(json.loads(NOTEBOOK.read_text())["cells"])


@pytest.fixture(scope="module")
def done(workspace: WorkspaceProcess) -> Done:
    """Each code cell's source and what came of it."""
    with workspace.kernel() as kernel:
        return {
            "".join(cell["source"]): kernel.run("".join(cell["source"]))
            for cell in cells()
            if cell["cell_type"] == "code"
        }


def outcome(done: Done, part: str) -> str:
    """All that the first cell with `part` in it put out, as text and HTML."""
    outputs = next(result["outputs"] for source, result in done.items() if part in source)
    return "\n".join(json.dumps(output, ensure_ascii=False) for output in outputs)


def test_every_cell_ends_as_it_should(done: Done) -> None:
    """Those that show a refusal are marked, so that "Run all" goes on; no other fails."""
    for cell in cells():
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            expected = "error" if "raises-exception" in cell["metadata"].get("tags", []) else "ok"
            assert done[source]["status"] == expected, done[source]


def test_the_price_is_shown_before_and_matches_what_was_charged(done: Done) -> None:
    assert "Price: epsilon" in outcome(done, "cihu.explain(question)")
    assert "Price: epsilon" in outcome(done, "answer = cihu.sql(question")


def test_the_answer_shows_error_bars_and_the_picture_is_drawn(done: Done) -> None:
    assert "95 %:" in outcome(done, "answer = cihu.sql(question")
    assert "<svg" in outcome(done, "answer.plot")


def test_the_second_time_is_the_same_and_free(done: Done) -> None:
    assert "the same numbers: True · free: True" in outcome(done, "again = cihu.sql")


@pytest.mark.parametrize("part", ["SELECT *", "ANY_VALUE(spending)", "SELECT person"])
def test_a_refusal_says_why_and_what_to_write_instead(done: Done, part: str) -> None:
    said = outcome(done, part)
    assert "query_refused" in said
    assert "Instead: " in said
    assert "Traceback" not in said


def test_the_notebook_is_the_first_thing_in_a_workspace() -> None:
    assert NOTEBOOK.name == FIRST_NOTEBOOK
