"""Tells the expressions of recipes that are plain from those that are their author's own.

Plain are columns as they are, public or not; usual quantiles; one histogram a column; and one condition a
column (`visits > 4`) as what is to be explained or predicted. Whatever computes, chooses rows, or cuts a
column in several ways is the author's own: with the right constants it singles out one unit, whose value
stands out of any sum, mean or fit, or which is the difference between two outputs. People look at those.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from sandbox.jobs.recipes.formula import BadFormula, Formula, read_formula
from sandbox.jobs.recipes.recipe import (
    ChartRecipe,
    CurveRecipe,
    HistogramRecipe,
    MeansRecipe,
    ModelRecipe,
    Recipe,
    RegressionRecipe,
    SurvivalRecipe,
    TableRecipe,
    TextRecipe,
)

COLUMN = re.compile(r"[^\W\d]\w{0,62}")
CONDITION = re.compile(r"([^\W\d]\w{0,62})\s*(?:[<>]=?|=)\s*-?[0-9]{1,9}(?:\.[0-9]{1,3})?")
QUANTILES = r"0?\.(?:05|10?|25|50?|75|90?|95)"
"""Those that may stand beside each other: where each has enough units beyond it, so many are between."""
MEASURE = re.compile(rf"[A-Za-z_]+\(\s*(?:\*|[^\W\d]\w{{0,62}})\s*(?:,\s*{QUANTILES}\s*)?\)")


def own_expressions(recipe: Recipe, often: Collection[str]) -> tuple[str, ...]:
    """The expressions of a recipe that are its author's own, a filter among them.
    `often`: the columns that are cut in several ways (below)."""
    if isinstance(recipe, ChartRecipe | TextRecipe):
        return ()
    found = [f"WHERE {recipe.where}"] if recipe.where is not None else []
    found += [text for text in _values(recipe) if not COLUMN.fullmatch(text.strip())]
    if isinstance(recipe, TableRecipe):
        found += [text for text in recipe.measures.values() if not MEASURE.fullmatch(text.strip())]
    if isinstance(recipe, HistogramRecipe) and recipe.column.strip().lower() in often:
        found.append(f"{recipe.column} in bins of {recipe.width:g}")
    for text in _explained(recipe):
        condition = CONDITION.fullmatch(text.strip())
        if not COLUMN.fullmatch(text.strip()) and (condition is None or condition[1].lower() in often):
            found.append(text)
    return tuple(dict.fromkeys(found))


def cut_in_several_ways(recipes: Sequence[Recipe]) -> frozenset[str]:
    """Columns with more than one condition or histogram: two of them differ by those between their bounds."""
    found: dict[str, set[str]] = defaultdict(set)
    for recipe in recipes:
        if isinstance(recipe, HistogramRecipe):
            found[recipe.column.strip().lower()].add(f"in bins of {recipe.width!r}")
        for text in _explained(recipe):
            if condition := CONDITION.fullmatch(text.strip()):
                found[condition[1].lower()].add("".join(text.split()).lower())
    return frozenset(column for column, texts in found.items() if len(texts) > 1)


def _values(recipe: Recipe) -> Iterator[str]:
    """What must be columns."""
    yield from getattr(recipe, "by", {}).values()
    match recipe:
        case MeansRecipe():
            yield from (part for part in recipe.columns.values() if isinstance(part, str))
        case CurveRecipe():
            yield from (part for part in (recipe.score,) if isinstance(part, str))
        case SurvivalRecipe():
            yield recipe.time
        case HistogramRecipe():
            yield recipe.column
        case ModelRecipe():
            yield from recipe.features.values()
        case RegressionRecipe():
            yield from (factor.sql for term in _formula(recipe).terms for factor in term)
            yield from (time for time in (recipe.time,) if time is not None)


def _explained(recipe: Recipe) -> Iterator[str]:
    """What is to be explained or predicted: columns, or one condition a column."""
    match recipe:
        case CurveRecipe():
            yield recipe.truth
        case SurvivalRecipe():
            yield recipe.event
        case ModelRecipe():
            yield recipe.target
        case RegressionRecipe():
            yield _formula(recipe).outcome


def _formula(recipe: RegressionRecipe) -> Formula:
    """One that cannot be read stands for nothing: it is not submitted."""
    try:
        return read_formula(recipe.formula)
    except BadFormula:
        return Formula(recipe.formula, ())
