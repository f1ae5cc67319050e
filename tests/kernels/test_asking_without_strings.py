"""Asking in a sealed kernel by a magic, by an expression and with completed names;
and what a wrong one is told."""

import pytest

from workspace import Kernel

SQL = "SELECT year, COUNT(*) AS n FROM clinic.visits GROUP BY year"


def test_a_cell_of_sql_is_asked_and_its_answer_kept_by_name(one_kernel: Kernel) -> None:
    one_kernel.run("import cihu")
    done = one_kernel.run(f"%%private_sql counted --epsilon 0.4\n{SQL}")
    assert done["status"] == "ok"
    assert "95 %:" in done["outputs"][-1]["data"]["text/html"]
    assert (
        one_kernel.text("print(list(counted.df.columns)[:2], counted.price['epsilon'] > 0)")
        == "['year', 'n'] True\n"
    )


def test_a_line_of_sql_keeps_its_quotes_and_gives_its_answer(one_kernel: Kernel) -> None:
    one_kernel.run("import cihu")
    said = one_kernel.text(
        "north = %private_sql --epsilon 0.4 SELECT COUNT(*) AS n FROM clinic.visits "
        "WHERE district = 'north'\n"
        "print(north.query)"
    )
    assert said == "SELECT COUNT(*) AS n FROM clinic.visits WHERE district = 'north'\n"


def test_explaining_a_cell_spends_nothing(one_kernel: Kernel) -> None:
    one_kernel.run("import cihu\nbefore = repr(cihu.budget())")
    assert "Nothing was spent" in one_kernel.text(f"%%private_sql --explain --epsilon 0.45\n{SQL}")
    assert one_kernel.text("print(before == repr(cihu.budget()))") == "True\n"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%private_sql\n  \n", "There is no SQL in this cell."),
        ("%%private_sql --epsilon much\nSELECT 1", "argument --epsilon"),
        ("%%private_sql 2x\nSELECT 1", "'2x' cannot be the name of a variable."),
        ("%private_sql ", "There is no SQL"),
        ("%%private_sql --epsilon 1 --error 0.1\nSELECT 1", "Give epsilon or error, not both."),
        ("cihu.sql('SELECT 1', error=5)", "error must be a share between 0 and 1, not 5."),
        ("cihu.sql(3)", "not int"),
    ],
)
def test_a_wrong_use_is_told_in_a_few_lines(one_kernel: Kernel, cell: str, said: str) -> None:
    one_kernel.run("import cihu")
    done = one_kernel.run(cell)
    [error] = [output for output in done["outputs"] if output["output_type"] == "error"]
    told = "\n".join(error["traceback"])
    assert said in told
    assert (
        told.startswith("CihuError [invalid_input]")
        and "Traceback" not in told
        and len(error["traceback"]) < 8
    )


def test_the_magic_is_loaded_by_name_as_well_and_unloaded(one_kernel: Kernel) -> None:
    assert one_kernel.run("%load_ext cihu\n%reload_ext cihu")["status"] == "ok"
    assert one_kernel.run(f"%private_sql --explain {SQL}")["status"] == "ok"
    assert "not found" in one_kernel.text(f"%unload_ext cihu\n%private_sql --explain {SQL}")
    assert one_kernel.run(f"%load_ext cihu\n%private_sql --explain {SQL}")["status"] == "ok"


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("%%private_sql\nSELECT ye|", {"year"}),
        ("cihu.sql('''SELECT COUNT(*)\nFROM clinic.v|''')", {"clinic.visits"}),
        ('cihu.explain("SELECT v.c| FROM clinic.visits AS v")', {"v.cost"}),
        ("x = %private_sql SELECT COUNT(*) FROM he|", {"health.visits"}),
        ('cihu.sql("SELECT COUNT(*) FROM clinic.visits WHERE district = \'n|")', {"north"}),
        ("%%private_sql\nSELECT bl|", set()),
    ],
)
def test_names_of_datasets_columns_and_public_values_are_completed(
    one_kernel: Kernel, cell: str, names: set[str]
) -> None:
    one_kernel.run("import cihu\ncihu.datasets();")
    cursor = cell.index("|")
    said = one_kernel.text(
        f"print(get_ipython().kernel.do_complete({cell.replace('|', '')!r}, {cursor})['matches'])"
    )
    assert set(eval(said)) == names  # a list of names, printed by our own kernel


def test_an_expression_is_asked_as_sql_and_holds_no_rows(one_kernel: Kernel) -> None:
    one_kernel.run("import cihu\nfrom ibis import _\nvisits = cihu.table('clinic.visits')")
    assert "district" in one_kernel.text("print(visits.columns)")
    said = one_kernel.text(
        "asked = visits.group_by('district').agg(n=_.count(), mean_cost=_.cost.mean())\n"
        "print(cihu.explain(asked, epsilon=0.4))\nanswer = cihu.sql(asked, epsilon=0.4)\n"
        "print(list(answer.df.columns)[:2], 'GROUP BY' in answer.query)"
    )
    assert "Nothing was spent" in said and "['district', 'n'] True" in said
    assert "cannot be executed" in one_kernel.text("asked.execute()")


def test_an_expression_about_other_rows_is_refused_before_the_vault_is_asked(one_kernel: Kernel) -> None:
    one_kernel.run("import cihu, ibis\nvisits = cihu.table('clinic.visits')")
    assert "'mine', which is not a dataset" in one_kernel.text(
        "cihu.sql(visits.join(ibis.table({'year': 'int64'}, name='mine'), 'year').count())"
    )


@pytest.mark.parametrize(
    "expression",
    [
        "visits.count()",
        "visits.filter(_.year.isin([1, 2]), _.cost.between(5, 80) | (_.district == 'east')).count()",
        (
            "visits.mutate(tenth=_.cost / 10).filter(_.tenth > "
            "1).group_by('district').agg(mean=_.tenth.mean(), n=_.count())"
        ),
        (
            "visits.group_by(kind=ibis.cases((_.cost < 20, 'cheap'), "
            "else_='dear')).agg(n=_.count(), p=_.person.nunique())"
        ),
        (
            "visits.group_by('year').agg(n=_.count(), s=_.cost.sum()).mutate(e=_.s / _.n).filter(_.n > "
            "50).order_by(_.n.desc()).head(2)"
        ),
        (
            "visits.group_by('year').agg(dear=(_.cost > 50).sum(), n=_.count(where=_.visits > 2), "
            "m=_.cost.median(), v=_.cost.var())"
        ),
        "visits.group_by('person').agg(total=_.cost.sum()).agg(mean=_.total.mean())",
        "visits.group_by('year').agg(c=_.cost.corr(_.visits), d=_.cost.cov(_.visits))",
    ],
)
def test_what_an_analyst_writes_in_ibis_the_vault_can_plan(one_kernel: Kernel, expression: str) -> None:
    one_kernel.run("import cihu, ibis\nfrom ibis import _\nvisits = cihu.table('clinic.visits')")
    assert "Nothing was spent" in one_kernel.text(f"print(cihu.explain({expression}, epsilon=0.4))")


def test_the_vaults_refusals_are_in_the_persons_language(kernel: Kernel) -> None:
    kernel.run("import cihu\ncihu.language('zh')")
    said = kernel.text("cihu.sql('SELECT COUNT(*) AS n FROM clinic.visits', epsilon=2000)")
    assert "epsilon 应在" in said and "建议：常用" in said
