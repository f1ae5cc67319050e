"""Says which files the recipes of a run leave, and declares each.

A pure function of the recipes: nothing of a declaration is anybody's word, and which files are asked about
depends on no row.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.jobs.recipes.plain import cut_in_several_ways, own_expressions
from sandbox.jobs.recipes.plan import FUNCTIONS, aggregate_of
from sandbox.jobs.recipes.recipe import (
    ChartRecipe,
    CrosstabRecipe,
    CurveRecipe,
    HistogramRecipe,
    MeansRecipe,
    ModelRecipe,
    Recipe,
    RegressionRecipe,
    SurvivalRecipe,
    TableRecipe,
    TextRecipe,
    needs_author,
)

FOLDER = "measured"
"""The files that recipes leave lie below it; no program's file can."""
CONTROLS = (
    "Computed by the vault from a recipe fixed before any raw row was read: units behind each number counted "
    "there, small and dominated numbers suppressed with others that would give them away, counts rounded."
)
AUTHOR = " The columns {columns} were computed by the program: their values are its author's word."
STATBARNS = {
    MeansRecipe: "mean",
    CrosstabRecipe: "cross_tabulation",
    SurvivalRecipe: "kaplan_meier",
    HistogramRecipe: "histogram",
    TextRecipe: "documentation",
}


@dataclass(frozen=True)
class MeasuredOutput:
    """A file that can be asked for, as it is declared.
    `counted`: nothing in it is the author's word, so who stands behind each number was counted. `measured`:
    all that it is computed from is plain, too. `expressions`: what is not plain."""

    path: str
    statbarn: str
    context: str
    controls: str
    counts: str | None
    measured: bool
    expressions: tuple[str, ...]
    counted: bool


def outputs_of(recipes: Sequence[Recipe], earlier: Sequence[Recipe] = ()) -> tuple[MeasuredOutput, ...]:
    """`earlier`: those of other runs on the same data whose outputs have left: what they cut a column by
    counts, too."""
    named = {recipe.name: recipe for recipe in recipes}
    often = cut_in_several_ways([*recipes, *earlier])
    return tuple(_output(recipe, named, often) for recipe in recipes)


def how_computed(output: MeasuredOutput | None) -> tuple[bool, tuple[str, ...], bool]:
    """For a declaration: whether a file is measured, its author's own expressions, and whether its units were
    counted. Of a file that no recipe left, nothing of it."""
    return (False, (), False) if output is None else (output.measured, output.expressions, output.counted)


def _output(recipe: Recipe, named: Mapping[str, Recipe], often: Collection[str]) -> MeasuredOutput:
    source = named[recipe.of] if isinstance(recipe, ChartRecipe) else recipe
    counts = None if isinstance(recipe, TextRecipe) else f"{FOLDER}/{source.name}.counts.csv"
    authors, own = needs_author(source), own_expressions(source, often)
    return MeasuredOutput(
        f"{FOLDER}/{recipe.name}{suffix_of(recipe)}",
        _statbarn(recipe, named),
        _context(recipe, named),
        CONTROLS + (AUTHOR.format(columns=", ".join(authors_in(source))) if authors else ""),
        counts,
        not authors and not own,
        own,
        not authors,
    )


def suffix_of(recipe: Recipe) -> str:
    match recipe:
        case ChartRecipe():
            return ".png"
        case ModelRecipe():
            return ".skops"
        case TextRecipe():
            return ".md"
    return ".csv"


def _statbarn(recipe: Recipe, named: Mapping[str, Recipe]) -> str:
    match recipe:
        case ChartRecipe():
            return _statbarn(named[recipe.of], named)
        case TableRecipe():
            kinds = {FUNCTIONS[type(aggregate_of(text))][1] for text in recipe.measures.values()}
            return min(kinds - {"frequencies"}, default="frequencies")
        case RegressionRecipe():
            return f"{recipe.family}_regression"
        case CurveRecipe():
            return "model_performance"
        case ModelRecipe():
            return "tree_ensemble" if recipe.model == "tree" else "linear_model"
    return STATBARNS[type(recipe)]


def _context(recipe: Recipe, named: Mapping[str, Recipe]) -> str:
    about = f"{recipe.about} " if recipe.about else ""
    return about + _said(recipe, named)


def _said(recipe: Recipe, named: Mapping[str, Recipe]) -> str:
    match recipe:
        case TextRecipe():
            return "A text written before any raw row was read."
        case ChartRecipe():
            return f"A chart of {recipe.y} by {recipe.x}, drawn from the released table of: " + _said(
                named[recipe.of], named
            )
        case TableRecipe():
            what = listed(recipe.measures)
        case MeansRecipe():
            what = "means and deviations of " + listed(recipe.columns)
        case CrosstabRecipe():
            what = "counts of units"
        case RegressionRecipe():
            watched = f" over {recipe.time}" if recipe.time is not None else ""
            what = f"{recipe.family} regression {recipe.formula}{watched}"
        case CurveRecipe():
            what = f"{recipe.curve} curve of {shown_part(recipe.score)} for {recipe.truth}"
        case SurvivalRecipe():
            what = f"Kaplan-Meier curve of {recipe.time}, event {recipe.event}"
        case HistogramRecipe():
            what = f"histogram of {recipe.column} in bins of {recipe.width:g}"
        case ModelRecipe():
            what = f"{recipe.model} model of {recipe.target} on " + listed(recipe.features)
    by = getattr(recipe, "by", {})
    grouped = f" by {listed(by)}" if by else ""
    where = f" where {recipe.where}" if recipe.where else ""
    return f"Over {recipe.dataset}{where}: {what}{grouped}."


def authors_in(recipe: Recipe) -> list[str]:
    parts: list[Any] = [
        *(recipe.columns.values() if isinstance(recipe, MeansRecipe) else ()),
        *((recipe.score,) if isinstance(recipe, CurveRecipe) else ()),
    ]
    return sorted({part.column for part in parts if not isinstance(part, str)})


def listed(parts: Mapping[str, Any], named: str = "{part} as {label}") -> str:
    """Every expression, with its label where that is another."""
    return ", ".join(
        shown_part(part) if shown_part(part) == label else named.format(part=shown_part(part), label=label)
        for label, part in parts.items()
    )


def shown_part(part: Any) -> str:
    return part if isinstance(part, str) else str(part.column)
