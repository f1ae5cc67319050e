"""The second notebook runs from top to bottom in a sealed kernel,
and every cell says what its text promises."""

import json
import re
from typing import Any

import pytest

from workspace import CHECKOUT, WorkspaceProcess

NOTEBOOK = CHECKOUT / "notebooks" / "02-asking-comfortably.ipynb"
Done = dict[str, dict[str, Any]]


def cells() -> list[dict[str, Any]]:
    return list(json.loads(NOTEBOOK.read_text())["cells"])


@pytest.fixture(scope="module")
def done(workspace: WorkspaceProcess) -> Done:
    """By the id of each code cell, what came of it."""
    with workspace.kernel() as kernel:
        return {
            cell["id"]: kernel.run("".join(cell["source"])) for cell in cells() if cell["cell_type"] == "code"
        }


def outcome(done: Done, part: str) -> str:
    """All that the first cell with `part` in it put out, as text and HTML."""
    found = next(
        cell["id"] for cell in cells() if cell["cell_type"] == "code" and part in "".join(cell["source"])
    )
    return "\n".join(json.dumps(output, ensure_ascii=False) for output in done[found]["outputs"])


def test_every_cell_ends_as_it_should(done: Done) -> None:
    for cell in cells():
        if cell["cell_type"] == "code":
            expected = "error" if "raises-exception" in cell["metadata"].get("tags", []) else "ok"
            assert done[cell["id"]]["status"] == expected, done[cell["id"]]


def test_a_cell_of_sql_is_priced_then_answered(done: Done) -> None:
    assert "Nothing was spent" in outcome(done, "--explain --epsilon 1")
    assert "95 %:" in outcome(done, "by_health --epsilon 1")


def test_an_error_that_is_asked_for_is_kept(done: Done) -> None:
    """Each interval is no wider than 5 % of what the policy says a typical group holds."""
    said = outcome(done, 'cihu.explain("SELECT year')
    shares = [float(share) for share in re.findall(r"± [\d.,]+ +([\d.]+) %", said)]
    assert shares and all(share <= 5 for share in shares), said
    assert "95 %:" in outcome(done, 'cihu.sql("SELECT year')


def test_a_part_of_what_was_asked_is_free(done: Done) -> None:
    assert "Answered before: free" in outcome(done, "people = %private_sql")
    assert "Answered before: free" in outcome(done, "AS percent") and "place" in outcome(done, "AS percent")


def test_charts_show_an_interval_for_each_group(done: Done) -> None:
    for part, groups in (('by_health.plot("visits")', 4), ('asked.plot("spending")', 2)):
        assert outcome(done, part).count("<rect") == groups


def test_an_expression_becomes_sql_that_the_vault_answers(done: Done) -> None:
    assert "COUNT(DISTINCT" in outcome(done, "cihu.to_sql(by_sex)")
    assert "95 %:" in outcome(done, "asked = cihu.sql(by_sex")
    assert "cannot be executed" in outcome(done, "by_sex.execute()")


def test_the_budget_tells_who_asked_what(done: Done) -> None:
    said = outcome(done, "cihu.budget()")
    assert "the people, your team's part" in said and "wang: " in said and "AVG(doctor_visits)" in said


def test_tables_and_errors_are_chinese_after_the_language_is_chosen(done: Done) -> None:
    assert "人群，其中你们的部分" in outcome(done, 'cihu.language("zh")')
    assert "只能给一个" in outcome(done, "--epsilon 1 --error 0.05")


def test_a_refusal_shows_the_place(done: Done) -> None:
    said = outcome(done, "ANY_VALUE(spending)")
    assert "       ANY_VALUE(spending) AS most" in said and "^" in said and "Traceback" not in said
