"""Which recipes are taken, and that no expression of one is more than an expression over a row."""

import json
from typing import Any

import duckdb
import pytest

from computed_recipes import HEALTH, policy_of, taxonomy, version_of
from sandbox.errors import InvalidInput
from sandbox.jobs.recipes import declared_zh, outputs_of, read_recipes
from sandbox.jobs.recipes.formula import BadFormula, Factor, read_formula
from sandbox.jobs.recipes.plan import plan_recipes


def planned(**parts: Any) -> dict[str, Any]:
    recipe = {"kind": "crosstab", "name": "one", "dataset": HEALTH, "by": {"site": "site"}} | parts
    recipes = read_recipes(json.dumps([recipe]))
    plan = plan_recipes(recipes, [version_of(policy_of())], taxonomy().at("3").thresholds)
    return dict(plan["recipes"][0])


NOT_OF_A_ROW = [
    "",
    " ",
    "age, site",
    "age AS years",
    "*",
    "COUNT(*)",
    "SUM(age)",
    "AVG(age) OVER ()",
    "ROW_NUMBER() OVER (ORDER BY age)",
    "(SELECT 1)",
    "(SELECT MAX(age) FROM health.visits)",
    "person",
    "person + 1",
    "black",
    "nobody",
    "age FROM health.visits",
    "age; DROP TABLE rows",
    "1) FROM health.visits WHERE (1 = 1",
    "age) IS NOT NULL, COUNT(site",
    "read_text('/etc/passwd')",
    "getenv('HOME')",
    "query('SELECT 1')",
    "person IN (SELECT person FROM health.visits WHERE age > 9)",
    "EXISTS (SELECT 1 FROM health.visits)",
    "age UNION SELECT 1",
    "age -- a remark\n, site",
    "?",
    "$1",
    "x'00'",
    "'\0'",
    "COLUMNS(*)",
    "age LIMIT 1",
    "DISTINCT age",
    "unnest([1, 2])",
]


@pytest.mark.parametrize("text", NOT_OF_A_ROW)
def test_what_is_no_expression_over_a_row_is_refused(text: str) -> None:
    for parts in (
        {"by": {"key": text}},
        {"where": text},
        {"kind": "table", "measures": {"m": f"AVG({text})"}},
        {"kind": "means", "by": {}, "columns": {"m": text}},
        {"kind": "regression", "by": None, "formula": f"age ~ {text}"},
    ):
        with pytest.raises(InvalidInput) as refused:
            planned(**{name: part for name, part in parts.items() if part is not None})
        assert refused.value.remedy and refused.value.zh, text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("site", "integer"),
        ("CASE WHEN age >= 65 THEN 'old' ELSE 'young' END", "text"),
        ("FLOOR(age / 10) * 10", "integer"),
        ("LN(spending + 1)", "number"),
        ("spending / doctor_visits", "number"),
        ("health IN ('poor', 'fair')", "boolean"),
        ("UPPER(health)", "text"),
        ("COALESCE(age, 0)", "number"),
    ],
)
def test_an_expression_is_written_for_the_engine_and_is_total(text: str, kind: str) -> None:
    key = planned(by={"key": text})["by"]["key"]
    assert key["type"] == kind
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE rows AS SELECT 1 AS site, -5.5 AS age, -7.0 AS spending, 0 AS doctor_visits, "
            "'good' AS health UNION ALL SELECT NULL, NULL, NULL, NULL, NULL"
        )
        assert len(connection.execute(f"SELECT {key['sql']} FROM rows AS r").fetchall()) == 2


def test_a_value_is_not_clamped() -> None:
    """Bounds are for noise: what a recipe computes is exact."""
    sql = planned(kind="means", columns={"age": "age + 0"})["columns"]["age"]["sql"]
    with duckdb.connect() as connection:
        value = connection.execute(f"SELECT {sql} FROM (SELECT 1e6 AS age) AS r").fetchone()
    assert value == (1e6,)


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("nothing", "not JSON"),
        ("{}", "list"),
        ('[{"kind": "pie", "name": "a"}]', "pie"),
        ('[{"name": "a"}]', "kind"),
        ('[{"kind": "text", "name": "A b", "text": "x"}]', "name"),
        ('[{"kind": "text", "name": "a", "text": "x", "size": 1}]', "size"),
        (
            '[{"kind": "text", "name": "a", "text": "x"}, {"kind": "text", "name": "a", "text": "y"}]',
            "two recipes",
        ),
        ('[{"kind": "chart", "name": "a", "of": "b", "x": "x", "y": "y"}]', "no table"),
        ("[" * 100_000, "JSON"),
        ('[{"kind": "histogram", "name": "a", "dataset": "d", "column": "x", "width": -1}]', "width"),
    ],
)
def test_a_faulty_list_is_refused_with_its_place(written: str, part: str) -> None:
    with pytest.raises(InvalidInput, match="recipes cannot be read") as refused:
        read_recipes(written)
    assert part in refused.value.message and refused.value.zh


@pytest.mark.parametrize(
    "measures",
    [
        {"m": "age"},
        {"m": "MIN(age)"},
        {"m": "COUNT(DISTINCT age)"},
        {"m": "AVG(age) + 1"},
        {"m": "AVG(health)"},
        {"m": "QUANTILE_CONT(age, 2)"},
        {"m": "QUANTILE_CONT(age, age)"},
        {"m": "STRING_AGG(health, ',')"},
        {"m": "AVG(age)", "n": "MEDIAN(age)"},
    ],
)
def test_what_is_no_measure_is_refused(measures: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        planned(kind="table", measures=measures)
    assert refused.value.remedy and refused.value.remedy_zh


def test_too_many_cells_and_a_dataset_that_is_no_input_are_refused() -> None:
    with pytest.raises(InvalidInput, match="combinations"):
        planned(by={"a": "FLOOR(age)", "b": "FLOOR(doctor_visits)"})
    with pytest.raises(InvalidInput, match="no private dataset"):
        planned(dataset="health.other")


def test_a_formula_is_read_as_it_is_written() -> None:
    read = read_formula("LN(a + 1) ~ b + C(site) + C(CASE WHEN x = '~+:' THEN 1 END):b + C(a) * (b + 1)")
    assert read.outcome == "LN(a + 1)"
    assert read.terms == (
        (Factor("b", categorical=False),),
        (Factor("site", categorical=True),),
        (Factor("CASE WHEN x = '~+:' THEN 1 END", categorical=True), Factor("b", categorical=False)),
        (Factor("C(a) * (b + 1)", categorical=False),),
    )
    for bad in ("a", "a ~", "~ a", "a ~ b ~ c", "a ~ b + + c", "a ~ " + " + ".join("b" * 41)):
        with pytest.raises(BadFormula):
            read_formula(bad)


def test_what_a_recipe_leaves_is_declared_by_itself() -> None:
    recipes = read_recipes(
        json.dumps(
            [
                {"kind": "crosstab", "name": "one", "dataset": HEALTH, "by": {"site": "site"}},
                {
                    "kind": "means",
                    "name": "two",
                    "dataset": HEALTH,
                    "columns": {"score": {"column": "score"}},
                },
                {"kind": "chart", "name": "three", "of": "two", "x": "variable", "y": "mean"},
            ]
        )
    )
    one, two, three = outputs_of(recipes)
    assert (one.path, one.statbarn, one.counts) == (
        "measured/one.csv",
        "cross_tabulation",
        "measured/one.counts.csv",
    )
    assert one.measured and "author's word" not in one.controls
    # what the program computes is its word, and so is a picture of that
    assert not two.measured and "author's word" in two.controls
    assert not three.measured and three.path.endswith(".png")
    statbarns = taxonomy().names
    assert all(output.statbarn in statbarns for output in (one, two, three))


def test_what_each_recipe_leaves_is_declared_in_chinese_too() -> None:
    rows = {"dataset": HEALTH}
    of_each: dict[str, dict[str, Any]] = {
        "crosstab": {"by": {"site": "site"}, "where": "age > 9"},
        "table": {"by": {"old": "age > 60"}, "measures": {"visits": "COUNT(*)"}},
        "means": {"columns": {"score": {"column": "score"}}},
        "regression": {"formula": "age ~ site"},
        "curve": {"curve": "roc", "truth": "black", "score": "age"},
        "survival": {"time": "age", "event": "black"},
        "histogram": {"column": "age", "width": 5},
        "model": {"model": "linear", "target": "age", "features": {"site": "site"}},
    }
    made = [{"kind": kind, "name": kind, **rows, **parts} for kind, parts in of_each.items()]
    made.append({"kind": "chart", "name": "chart", "of": "means", "x": "variable", "y": "mean"})
    made.append({"kind": "text", "name": "text", "text": "Words.", "about": "Our study."})
    recipes = read_recipes(json.dumps(made))
    said = declared_zh(recipes)
    assert list(said) == [output.path for output in outputs_of(recipes)]
    assert said["measured/crosstab.csv"][0] == f"数据集 {HEALTH}，条件为 age > 9：单位数，按 site 分组。"
    assert said["measured/table.csv"][0].endswith("COUNT(*)（visits），按 age > 60（old） 分组。")
    assert said["measured/text.md"][0].startswith("Our study. 在读取")
    for output in outputs_of(recipes):
        context, controls = said[output.path]
        assert context and ("由作者负责" in controls) == ("author's word" in output.controls), output.path


def measured(*recipes: dict[str, Any]) -> list[bool]:
    return [one.measured for one in outputs_of(read_recipes(json.dumps(list(recipes))))]


def test_quantiles_close_to_each_other_and_shifted_bins_are_not_plain() -> None:
    """Twenty quantiles of twenty-five people, or bins of slightly different widths, are a list of values."""

    def quantile(part: str) -> dict[str, Any]:
        return {
            "kind": "table",
            "name": "q",
            "dataset": HEALTH,
            "measures": {"q": f"QUANTILE_CONT(age, {part})"},
        }

    def bins(name: str, width: float) -> dict[str, Any]:
        return {"kind": "histogram", "name": name, "dataset": HEALTH, "column": "age", "width": width}

    assert [measured(quantile(part)) for part in ("0.5", ".25", "0.9", "0.95")] == [[True]] * 4
    assert [measured(quantile(part)) for part in ("0.51", "0.49", "0.2", "0.99")] == [[False]] * 4
    assert measured(bins("one", 10)) == [True]
    assert measured(bins("one", 10), bins("two", 9.99)) == [False, False]


def test_a_formula_whose_outcome_is_an_expression_is_quoted_whole() -> None:
    formula = "CASE WHEN health = '~' THEN 1 ELSE 0 END ~ age"
    (output,) = outputs_of(
        read_recipes(
            json.dumps([{"kind": "regression", "name": "one", "dataset": HEALTH, "formula": formula}])
        )
    )
    assert output.expressions == ("CASE WHEN health = '~' THEN 1 ELSE 0 END",)
