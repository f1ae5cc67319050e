"""The sixth notebook runs from top to bottom in a sealed kernel: a model is entered and scored, a program is
tried."""

import json
from typing import Any

import pytest

from panel_contest import hold_panel_contest, hold_small_contest
from sandbox.standalone.s3 import S3Server
from workspace import CHECKOUT, Kernel, VaultProcess, WorkspaceProcess

NOTEBOOK = CHECKOUT / "notebooks" / "06-enter-a-competition.ipynb"
CELLS: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text())["cells"]


@pytest.fixture(scope="module")
def done(vault: VaultProcess, s3: S3Server, workspace: WorkspaceProcess) -> dict[str, dict[str, Any]]:
    """By the text of each code cell, what came of it."""
    hold_panel_contest(vault.story, s3)
    with workspace.kernel() as kernel:
        return {
            text: kernel.run(text)
            for text in ("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code")
        }


def shown(done: dict[str, dict[str, Any]], part: str) -> str:
    """All that the first cell with `part` in it showed."""
    return json.dumps(next(of for text, of in done.items() if part in text)["outputs"], ensure_ascii=False)


def test_every_cell_runs_but_the_one_that_fails_on_purpose(done: dict[str, dict[str, Any]]) -> None:
    failing = {
        "".join(cell["source"]) for cell in CELLS if "raises-exception" in cell["metadata"].get("tags", ())
    }
    assert len(failing) == 1 and len(done) == sum(cell["cell_type"] == "code" for cell in CELLS)
    ended = {text: of["status"] for text, of in done.items()}
    assert ended == {text: "error" if text in failing else "ok" for text in done}


def test_an_entry_is_tried_scored_and_stands_on_the_board(done: dict[str, dict[str, Any]]) -> None:
    tried = shown(done, "half_way = ")
    assert "invented people its accuracy is" in tried and "queued" in tried and "in the queue" in tried
    assert "scored" in shown(done, "entry.wait()") and "interval" in shown(done, "entry.wait()")
    board = shown(done, "contest.board().df")
    assert "Lake team" in board and "baseline (everybody: false)" in board
    assert "share rho 0.1" in shown(done, "contest.board()")


def test_a_program_is_tried_and_what_fails_is_not_handed_in(done: dict[str, dict[str, Any]]) -> None:
    assert "invented people its accuracy is" in shown(done, "submit=no")
    failed = shown(done, 'rows["visit"] >= 2')
    assert "KeyError" in failed and "Nothing was handed in" in failed
    assert shown(done, "cihu.entries(").count("Entry ") == 1


def test_a_program_goes_from_its_cell_to_its_score(
    done: dict[str, dict[str, Any]], vault: VaultProcess, s3: S3Server, workspace: WorkspaceProcess
) -> None:
    """Each person is predicted in a process of their own, and columns have the names that the city gave."""
    hold_small_contest(vault.story, s3, "small-contest")
    with workspace.kernel() as kernel:
        kernel.text("import cihu\ncihu.competition('small-contest').form('湖队', accept_terms=True)")
        entered = kernel.text(
            "%%entry competition=small-contest features=[年龄]\n"
            "def predict(rows):\n    return rows['年龄'] > 50\n"
        )
        assert "invented people" in entered and "queued" in entered, entered
        kernel.text("entry = cihu.entries('small-contest')[0].wait()")
        scored = kernel.text("print(entry.state, entry.score)")
        assert "scored" in scored, scored
        a_question_is_checked_and_entered(kernel)


def a_question_is_checked_and_entered(kernel: Kernel) -> None:
    """By the vault, in the kernel of a team of the contest; what is wrong costs no entry."""
    assert "Questions may ask clinic.often for 年龄" in kernel.text(
        "print(cihu.competition('small-contest'))"
    )
    asked = {
        "title": "年长者",
        "purpose": "门诊规划",
        "sql": "SELECT COUNT(*) AS people FROM clinic.often WHERE 年龄 >= :least",
        "parameters": [{"name": "least", "type": "integer", "range": [40, 90]}],
        "epsilon": 0.2,
    }

    def tried(more: str = "", **changes: object) -> str:
        return str(kernel.text(f"cihu.enter('small-contest', question={asked | changes!r}{more})"))

    assert "[entry_content]" in tried(answer="42") and "answer" in tried(answer="42")
    outside = tried(sql="SELECT COUNT(*) AS people FROM clinic.often WHERE 常去", parameters=[])
    assert "CihuError [question_outside_track]" in outside, outside
    twice = kernel.text("cihu.enter('small-contest', document='a design', program='p.py')")
    assert "[invalid_input]" in twice and "question" in twice
    refused = kernel.text("cihu.enter('small-contest', document='A design')")
    assert "CihuError [entry_kind_not_taken]" in refused and "questions" in refused
    only = tried(", submit=False")
    assert "stand-in rows" in only and "people, in 1 groups" in only and "epsilon 0.2" in only, only
    assert "received" in tried() and kernel.text("print(len(cihu.entries('small-contest')))").strip() == "2"


def test_a_kernel_reaches_its_team_s_deeds_and_no_other(
    done: dict[str, dict[str, Any]], workspace: WorkspaceProcess
) -> None:
    with workspace.kernel() as kernel:
        for path in (
            "competitions/lake-contest/withdraw",
            "competitions/lake-contest/final",
            "competition-drafts",
            "competitions/lake-contest/discussion",
        ):
            said = kernel.text(
                f"import cihu\ncihu.vault.the_vault().post('/v1/{path}', {{'reason': 'a reason'}})"
            )
            assert "CihuError [http_404]" in said, said
        refused = kernel.text("cihu.enter('lake-contest', model='model.onnx')")
        assert "CihuError [bad_model_entry]" in refused and "ONNX" in refused
        chinese = kernel.text("cihu.language('zh')\ncihu.enter('lake-contest', model={'coefficients': [1]})")
        assert "不是模型" in chinese and "skops" in chinese
