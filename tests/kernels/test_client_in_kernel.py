"""`import cihu` in a sealed kernel: the catalogue, the price, the answer, the budget, the receipt,
and short errors."""

import json

from workspace import Kernel, VaultProcess

QUESTION = "SELECT year, COUNT(*) AS visits_counted, AVG(cost) AS mean_cost FROM clinic.visits GROUP BY year"


def test_the_catalogue_shows_what_may_be_asked(one_kernel: Kernel) -> None:
    said = one_kernel.text("import cihu\ncihu.datasets()")
    assert "clinic.visits" in said
    assert "yes, under a grant" in said


def test_a_dataset_shows_columns_bounds_and_whom_it_protects(one_kernel: Kernel) -> None:
    said = one_kernel.text("import cihu\ncihu.dataset('clinic.visits')")
    assert "0 to 100; beyond is clamped" in said
    assert "Protects each person, who counts as at most 4 rows" in said
    assert "north, south, east" in said


def test_explain_shows_price_and_error_and_spends_nothing(one_kernel: Kernel) -> None:
    code = (
        f"import cihu\nbefore = repr(cihu.budget())\nprint(cihu.explain({QUESTION!r}, epsilon=0.3))\n"
        "print(before == repr(cihu.budget()))"
    )
    said = one_kernel.text(code)
    assert "Price: epsilon 0." in said
    assert "Nothing was spent and no data was touched." in said
    assert said.rstrip().endswith("True")


def test_an_answer_has_errors_in_its_table_and_its_frame(one_kernel: Kernel) -> None:
    said = one_kernel.text(
        f"import cihu\nanswer = cihu.sql({QUESTION!r}, epsilon=0.5)\n"
        "print(answer)\nprint(list(answer.df.columns))"
    )
    assert "95 %:" in said and "±" in said
    assert "clinic.visits@1, answer " in said
    assert (
        "['year', 'visits_counted', 'visits_counted_error', 'visits_counted_low', 'visits_counted_high'"
        in said
    )


def test_the_same_question_again_is_free_and_the_same(one_kernel: Kernel) -> None:
    said = one_kernel.text(
        f"import cihu\na, b = cihu.sql({QUESTION!r}, epsilon=0.25), cihu.sql({QUESTION!r}, epsilon=0.25)\n"
        "print(a.df.equals(b.df), b.stored, repr(b))"
    )
    assert said.startswith("True True")
    assert "Answered before: free" in said


def test_a_notebook_shows_a_rich_table_with_what_is_left(one_kernel: Kernel) -> None:
    done = one_kernel.run(f"import cihu\ncihu.sql({QUESTION!r}, epsilon=0.25)")
    html = done["outputs"][-1]["data"]["text/html"]
    assert "<table>" in html and "95 %:" in html and "of the grant is left" in html


def test_a_receipt_is_saved_and_proves_the_answer(one_kernel: Kernel) -> None:
    said = one_kernel.text(
        f"import cihu\nprint(cihu.sql({QUESTION!r}, epsilon=0.25).save_receipt('r.json').read_text())"
    )
    assert {"index", "inclusion"} <= set(json.loads(said)) or "checkpoint" in json.loads(said)


def test_a_refusal_is_short_names_the_place_and_shows_no_traceback(one_kernel: Kernel) -> None:
    done = one_kernel.run("import cihu\ncihu.sql('SELECT *\\nFROM clinic.visits')")
    [error] = [output for output in done["outputs"] if output["output_type"] == "error"]
    said = "\n".join(error["traceback"])
    assert said.startswith("CihuError [query_refused]")
    assert "line 1, column" in said and "^" in said and "Instead:" in said
    assert "Traceback" not in said and len(error["traceback"]) < 8


def test_a_kernel_sees_no_row_and_no_secret_of_the_vault(one_kernel: Kernel, vault: VaultProcess) -> None:
    said = one_kernel.text(
        "import os\nprint(os.listdir('/run/cihu'), os.listdir('/run/kernel'), sorted(os.environ))"
    )
    assert said.startswith("['vault.sock']")
    assert "CIHU_WORKSPACE_TOKEN" not in said and "CIHU_DATABASE_URL" not in said


def test_bars_with_intervals_are_drawn(one_kernel: Kernel) -> None:
    """Of a count: an average may be withheld."""
    done = one_kernel.run(f"import cihu\ncihu.sql({QUESTION!r}, epsilon=0.25).plot('visits_counted')")
    shown = done["outputs"][-1]["data"]
    assert shown["text/html"].startswith("<svg") and shown["text/html"].count("<rect") >= 2
    assert "visits_counted, with 95 % intervals of the noise" in shown["text/plain"]


def test_the_budget_says_who_spent_how_much_on_which_question(one_kernel: Kernel) -> None:
    said = one_kernel.text(
        f"import cihu\ncihu.sql({QUESTION!r}, epsilon=0.31)\nmine = cihu.budget()\n"
        "print(mine)\nprint(mine.questions[['who', 'status', 'sql']].head(1).values.tolist())"
    )
    assert "wang: " in said and "of the grant" in said
    assert "your team's grant (lake/clinic.visits)" in said and "the people, your team's part" in said
    assert f"[['wang', 'released', {QUESTION!r}]]" in said
