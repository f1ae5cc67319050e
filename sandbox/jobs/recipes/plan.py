"""Plans recipes: a pure function from what was written, the versions and the grade's rules to a document that
the computing process (`cihu.recipes` of the client) carries out, on stand-in rows as on raw ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import prod
from typing import Any

from sqlglot import exp

from sandbox.catalog import Version
from sandbox.catalog.model import KeyValue, Type
from sandbox.disclosure.taxonomy import Thresholds
from sandbox.errors import InvalidInput, QueryRefused
from sandbox.jobs.recipes.expressions import DEEPEST, RecipeExpressions, Written
from sandbox.jobs.recipes.formula import BadFormula, Factor, read_formula
from sandbox.jobs.recipes.recipe import (
    Author,
    ChartRecipe,
    CrosstabRecipe,
    CurveRecipe,
    HistogramRecipe,
    MeansRecipe,
    ModelRecipe,
    OfRows,
    Recipe,
    RegressionRecipe,
    SurvivalRecipe,
    TableRecipe,
    TextRecipe,
)
from sandbox.queries.parse.sql_text import SqlText

MOST_CELLS = 1000
NUMERIC = frozenset({Type.INTEGER, Type.NUMBER, Type.BOOLEAN})
FUNCTIONS: dict[type[exp.Expression], tuple[str, str]] = {
    exp.Count: ("count", "frequencies"),
    exp.Sum: ("sum", "total"),
    exp.Avg: ("mean", "mean"),
    exp.Stddev: ("sd", "standard_deviation"),
    exp.StddevSamp: ("sd", "standard_deviation"),
    exp.Variance: ("variance", "variance"),
    exp.Median: ("quantile", "percentile"),
    exp.PercentileCont: ("quantile", "percentile"),
    exp.Quantile: ("quantile", "percentile"),
}
"""sqlglot's node -> what is computed, and the analysis of policies/disclosure.yaml that it is."""
Document = dict[str, Any]


def plan_recipes(
    recipes: Sequence[Recipe],
    versions: Sequence[Version],
    thresholds: Thresholds,
    deepest: int = DEEPEST,
) -> Document:
    """The plan, as JSON. Touches no row. `deepest`: how many parts of an expression may be within each other.
    Raises `InvalidInput`, naming the recipe."""
    private = {version.dataset: version for version in versions if version.policy.unit is not None}
    expressions = {name: RecipeExpressions(version, deepest) for name, version in private.items()}
    planned = []
    for recipe in recipes:
        try:
            planned.append(_planned(recipe, private, expressions))
        except InvalidInput as fault:
            raise InvalidInput(
                f"The recipe {recipe.name!r}: {fault.message}",
                remedy=fault.remedy,
                zh=f"配方 {recipe.name!r}：{fault.zh or fault.message}",
                remedy_zh=fault.remedy_zh or fault.remedy,
            ) from None
    return {
        "rules": {name: getattr(value, "value", value) for name, value in asdict(thresholds).items()},
        "recipes": planned,
    }


def _planned(
    recipe: Recipe, versions: Mapping[str, Version], expressions: Mapping[str, RecipeExpressions]
) -> Document:
    if isinstance(recipe, ChartRecipe | TextRecipe):
        return recipe.model_dump()
    if recipe.dataset not in versions:
        raise _refused(
            f"{recipe.dataset[:60]!r} is no private dataset among the run's inputs",
            f"Name one of its inputs: {', '.join(sorted(versions)) or 'none is private'}.",
            f"{recipe.dataset[:60]!r} 不是本次运行输入中的私有数据集",
            f"请使用其输入之一：{'、'.join(sorted(versions)) or '（无）'}。",
        )
    version, reader = versions[recipe.dataset], expressions[recipe.dataset]
    unit = version.policy.unit
    assert unit is not None, "only private datasets are here"
    return {
        "name": recipe.name,
        "kind": recipe.kind,
        "dataset": recipe.dataset,
        "unit": unit.column,
        "where": reader.condition(recipe.where) if recipe.where is not None else "TRUE",
        **PLANNERS[type(recipe)](recipe, reader),
    }


def _table(recipe: TableRecipe, reader: RecipeExpressions) -> Document:
    measures = {name: _measure(text, reader) for name, text in recipe.measures.items()}
    kinds = {FUNCTIONS[type(aggregate_of(text))][1] for text in recipe.measures.values()} - {"frequencies"}
    if len(kinds) > 1:
        raise _refused(
            "its measures are of several kinds of statistics",
            "Make a table of each kind: counts; sums; averages; deviations; quantiles.",
            "其度量属于多种统计类型",
            "请分别制表：计数、总和、均值、标准差、分位数。",
        )
    return {"by": _keys(recipe.by, reader), "measures": measures}


def _means(recipe: MeansRecipe, reader: RecipeExpressions) -> Document:
    return {
        "by": _keys(recipe.by, reader),
        "columns": {
            name: {"author": part.column} if isinstance(part, Author) else _number(part, reader)
            for name, part in recipe.columns.items()
        },
    }


def _crosstab(recipe: CrosstabRecipe, reader: RecipeExpressions) -> Document:
    return {"by": _keys(recipe.by, reader)}


def _regression(recipe: RegressionRecipe, reader: RecipeExpressions) -> Document:
    try:
        formula = read_formula(recipe.formula)
    except BadFormula as bad:
        raise _refused(
            bad.why, "Write it like: spending ~ age + C(site).", bad.zh, "请写成：spending ~ age + C(site)。"
        ) from None
    return {
        "family": recipe.family,
        "outcome": _number(formula.outcome, reader),
        **({"time": _number(recipe.time, reader)} if recipe.time is not None else {}),
        "terms": [[_factor(factor, reader) for factor in term] for term in formula.terms],
    }


def _factor(factor: Factor, reader: RecipeExpressions) -> Document:
    written = reader.value(factor.sql)
    categorical = factor.categorical or written.type not in NUMERIC
    return {
        **_key(written),
        "label": f"C({factor.sql})" if factor.categorical else factor.sql,
        "categorical": categorical,
    }


def _curve(recipe: CurveRecipe, reader: RecipeExpressions) -> Document:
    score = recipe.score
    return {
        "curve": recipe.curve,
        "truth": _number(recipe.truth, reader),
        "score": {"author": score.column} if isinstance(score, Author) else _number(score, reader),
    }


def _survival(recipe: SurvivalRecipe, reader: RecipeExpressions) -> Document:
    return {
        "time": _number(recipe.time, reader),
        "event": _number(recipe.event, reader),
        "by": _keys(recipe.by, reader),
    }


def _histogram(recipe: HistogramRecipe, reader: RecipeExpressions) -> Document:
    return {"column": _number(recipe.column, reader), "width": recipe.width}


def _model(recipe: ModelRecipe, reader: RecipeExpressions) -> Document:
    return {
        "model": recipe.model,
        "target": _number(recipe.target, reader),
        "features": {name: _number(text, reader) for name, text in recipe.features.items()},
    }


PLANNERS: dict[type[OfRows], Callable[[Any, RecipeExpressions], Document]] = {
    TableRecipe: _table,
    MeansRecipe: _means,
    CrosstabRecipe: _crosstab,
    RegressionRecipe: _regression,
    CurveRecipe: _curve,
    SurvivalRecipe: _survival,
    HistogramRecipe: _histogram,
    ModelRecipe: _model,
}


def _keys(by: Mapping[str, str], reader: RecipeExpressions) -> Document:
    keys = {name: _key(reader.value(text)) for name, text in by.items()}
    cells = prod(len(key["values"] or [0]) for key in keys.values())
    if cells > MOST_CELLS:
        raise _refused(
            f"its keys have {cells} combinations; at most {MOST_CELLS} are shown",
            "Group by fewer or coarser keys.",
            f"其分组共有 {cells} 种组合，最多 {MOST_CELLS} 种",
            "请减少分组或分得更粗。",
        )
    return keys


def _key(written: Written) -> Document:
    values = None if written.values is None else [_plain(value) for value in written.values]
    return {"sql": written.sql, "type": written.type.value, "values": values}


def _plain(value: KeyValue) -> str | int | bool:
    return value if isinstance(value, str | int | bool) else value.isoformat()


def _number(text: str, reader: RecipeExpressions) -> Document:
    written = reader.value(text)
    if written.type not in NUMERIC:
        raise _refused(
            f"{text[:60]!r} is no number and no condition",
            "Use a number, or a condition such as health = 'poor'.",
            f"{text[:60]!r} 既不是数值也不是条件",
            "请使用数值，或条件，如 health = 'poor'。",
        )
    return {"sql": written.sql, "type": written.type.value}


def _measure(text: str, reader: RecipeExpressions) -> Document:
    aggregate = aggregate_of(text)
    function, _ = FUNCTIONS[type(aggregate)]
    of = aggregate.this
    if isinstance(of, exp.Star) and function == "count":
        return {"function": "count", "sql": None}
    if isinstance(of, exp.Distinct) or not isinstance(of, exp.Expression):
        raise _no_measure(text)
    written = of.sql(dialect="duckdb", comments=False)
    planned = {"sql": reader.value(written).sql} if function == "count" else _number(written, reader)
    part = {"part": _part(aggregate)} if function == "quantile" else {}
    return {"function": function, "sql": planned["sql"], **part}


def aggregate_of(text: str) -> exp.Expression:
    try:
        statement = SqlText(f"SELECT {text}").statement
    except (InvalidInput, QueryRefused):
        raise _no_measure(text) from None
    others = [name for name, part in statement.args.items() if part and name not in ("expressions", "kind")]
    if others or len(statement.expressions) != 1 or type(statement.expressions[0]) not in FUNCTIONS:
        raise _no_measure(text)
    found = statement.expressions[0]
    assert isinstance(found, exp.Expression)
    return found


def _part(aggregate: exp.Expression) -> float:
    if isinstance(aggregate, exp.Median):
        return 0.5
    part = aggregate.args.get("quantile") or aggregate.args.get("expression")
    if not isinstance(part, exp.Literal) or part.is_string or not 0 < float(part.this) < 1:
        raise _no_measure(aggregate.sql(dialect="duckdb"))
    return float(part.this)


def _no_measure(text: str) -> InvalidInput:
    return _refused(
        f"{text[:60]!r} is no measure",
        "Use COUNT(*), COUNT(x), SUM(x), AVG(x), STDDEV(x), VARIANCE(x), MEDIAN(x) or QUANTILE_CONT(x, 0.9). "
        "How many units there are stands in the column n by itself.",
        f"{text[:60]!r} 不是度量",
        "请使用 COUNT(*)、COUNT(x)、SUM(x)、AVG(x)、STDDEV(x)、VARIANCE(x)、MEDIAN(x) 或 "
        "QUANTILE_CONT(x, 0.9)。"
        "保护对象的个数自动列在 n 栏。",
    )


def _refused(why: str, remedy: str, zh: str, remedy_zh: str) -> InvalidInput:
    return InvalidInput(f"{why}.", remedy=remedy, zh=f"{zh}。", remedy_zh=remedy_zh)
