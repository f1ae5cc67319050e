"""Defines a recipe: what a team writes of an output that the vault computes itself.

A program's file `recipes.json` holds a list of them. They are submitted with the program, so they are fixed
before any raw row is read: which outputs there are, and what is computed, cannot depend on the data.
Expressions are in the query language, over one row of the dataset.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from sandbox.errors import InvalidInput
from sandbox.plain_text import PlainText

FILE = "recipes.json"
MOST_RECIPES, MOST_PARTS = 30, 40
COLUMN = r"^[^\W\d]\w{0,59}$"

RESERVED = frozenset(
    {
        "n",
        "variable",
        "mean",
        "sd",
        "term",
        "estimate",
        "std_error",
        "ci_low",
        "ci_high",
        "p_value",
        "hazard_ratio",
        "events",
        "step",
        "time",
        "survival",
        "at_risk",
        "bin",
        "values",
        "false_positive_rate",
        "true_positive_rate",
        "area_under_curve",
        "recall",
        "precision",
        "mean_score",
        "observed_rate",
        "total",
        "top1",
        "top2",
        "member",
        "loss",
        "df",
    }
)
"""Columns that outputs have by themselves: no label may be one."""


def _free(label: str) -> str:
    if label.lower() in RESERVED:
        raise ValueError(f"{label!r} is a column that outputs have by themselves; call it otherwise")
    return label


Name = Annotated[PlainText, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Label = Annotated[PlainText, StringConstraints(pattern=COLUMN), AfterValidator(_free)]
Drawn = Annotated[PlainText, StringConstraints(pattern=COLUMN)]
Sql = Annotated[PlainText, StringConstraints(min_length=1, max_length=2000)]
Parts = Annotated[dict[Label, Sql], Field(min_length=1, max_length=MOST_PARTS)]
Keys = Annotated[dict[Label, Sql], Field(max_length=4)]


class Author(BaseModel):
    """A column that the program computes itself on the raw rows, such as a prediction: its author's word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Name


class _Recipe(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="what its files are called")
    about: Annotated[PlainText, StringConstraints(max_length=1000)] = Field(
        default="", description="what it is for, in a sentence"
    )


class _OfRows(_Recipe):
    dataset: PlainText = Field(max_length=200)
    where: Sql | None = Field(default=None, description="which rows: a condition in the query language")


class TableRecipe(_OfRows):
    kind: Literal["table"]
    by: Keys = Field(default_factory=dict, description="what it is grouped by: column -> expression")
    measures: Parts = Field(
        description="column -> COUNT(*), COUNT(x), SUM(x), AVG(x), STDDEV(x), VARIANCE(x), MEDIAN(x) "
        "or QUANTILE_CONT(x, q)"
    )


class MeansRecipe(_OfRows):
    kind: Literal["means"]
    by: Keys = Field(default_factory=dict)
    columns: Annotated[dict[Label, Sql | Author], Field(min_length=1, max_length=MOST_PARTS)]


class CrosstabRecipe(_OfRows):
    kind: Literal["crosstab"]
    by: Annotated[dict[Label, Sql], Field(min_length=1, max_length=4)]


class RegressionRecipe(_OfRows):
    kind: Literal["regression"]
    formula: Annotated[PlainText, StringConstraints(min_length=3, max_length=4000)] = Field(
        description="`y ~ x + C(key) + x:z`: expressions; C(...) is one term for each of its values but one"
    )
    family: Literal["linear", "logistic", "poisson", "cox"] = "linear"
    time: Sql | None = Field(
        default=None,
        description="of `cox` alone: how long the unit was watched; the outcome is whether it had the event",
    )

    @model_validator(mode="after")
    def _watched(self) -> Self:
        if (self.family == "cox") != (self.time is not None):
            raise ValueError("a Cox regression needs `time`, and no other regression has it")
        return self


class CurveRecipe(_OfRows):
    kind: Literal["curve"]
    curve: Literal["roc", "pr", "calibration"]
    truth: Sql = Field(description="1 or true where it is so, else 0 or false")
    score: Sql | Author


class SurvivalRecipe(_OfRows):
    kind: Literal["survival"]
    time: Sql = Field(description="how long the unit was watched, from 0")
    event: Sql = Field(description="1 or true where it ended with the event, else it was censored")
    by: Annotated[dict[Label, Sql], Field(max_length=1)] = Field(default_factory=dict)


class HistogramRecipe(_OfRows):
    kind: Literal["histogram"]
    column: Sql
    width: float = Field(gt=0, description="of a bin, in the column's units; bins begin at multiples of it")


class ChartRecipe(_Recipe):
    kind: Literal["chart"]
    of: Name = Field(description="another recipe of the list, whose released table is drawn")
    form: Literal["bar", "line"] = "bar"
    x: Drawn
    y: Drawn
    series: Drawn | None = None
    title: Annotated[PlainText, StringConstraints(max_length=120)] = ""


class ModelRecipe(_OfRows):
    kind: Literal["model"]
    model: Literal["linear", "logistic", "tree"]
    target: Sql
    features: Parts = Field(description="column -> expression; numbers or conditions")


class TextRecipe(_Recipe):
    kind: Literal["text"]
    text: Annotated[PlainText, StringConstraints(min_length=1, max_length=20_000)]


Recipe = (
    TableRecipe
    | MeansRecipe
    | CrosstabRecipe
    | RegressionRecipe
    | CurveRecipe
    | SurvivalRecipe
    | HistogramRecipe
    | ChartRecipe
    | ModelRecipe
    | TextRecipe
)
OfRows = (
    TableRecipe
    | MeansRecipe
    | CrosstabRecipe
    | RegressionRecipe
    | CurveRecipe
    | SurvivalRecipe
    | HistogramRecipe
    | ModelRecipe
)
AnyRecipe = Annotated[Recipe, Field(discriminator="kind")]
_LIST: TypeAdapter[list[Recipe]] = TypeAdapter(Annotated[list[AnyRecipe], Field(max_length=MOST_RECIPES)])


def read_recipes(text: str) -> tuple[Recipe, ...]:
    """The recipes in the text of `recipes.json`. Raises `InvalidInput`, naming the recipe and the field."""
    try:
        written = json.loads(text)
    except (ValueError, RecursionError):
        raise _fault("it is not JSON", "不是 JSON") from None
    try:
        recipes = tuple(_LIST.validate_python(written))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _fault(f"{_named(written, first['loc'])}{place}: {first['msg']}", f"{place}") from None
    for recipe in recipes:
        by, own = getattr(recipe, "by", {}), getattr(recipe, "measures", {})
        if both := sorted({label.lower() for label in by} & {label.lower() for label in own}):
            raise _fault(
                f"{recipe.name}: {both[0]!r} is a key and a measure", f"{both[0]!r} 既是分组又是度量"
            )
    names = [recipe.name for recipe in recipes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _fault(f"two recipes are called {twice[0]!r}", f"有两个配方都叫 {twice[0]!r}")
    _check_charts(recipes)
    return recipes


def authors_columns(recipes: Sequence[Recipe]) -> frozenset[str]:
    """The columns that the program must leave: those that its author computes."""
    return frozenset(part.column for recipe in recipes for part in _parts(recipe) if isinstance(part, Author))


def needs_author(recipe: Recipe) -> bool:
    return any(isinstance(part, Author) for part in _parts(recipe))


def _parts(recipe: Recipe) -> list[object]:
    match recipe:
        case MeansRecipe():
            return list(recipe.columns.values())
        case CurveRecipe():
            return [recipe.score]
    return []


def _check_charts(recipes: Sequence[Recipe]) -> None:
    drawable = {
        recipe.name for recipe in recipes if not isinstance(recipe, ChartRecipe | ModelRecipe | TextRecipe)
    }
    for recipe in recipes:
        if isinstance(recipe, ChartRecipe) and recipe.of not in drawable:
            raise _fault(
                f"the chart {recipe.name!r} is of {recipe.of!r}, which is no table of this list",
                f"图 {recipe.name!r} 引用的 {recipe.of!r} 不是本列表中的表",
            )


def _named(written: Any, place: tuple[int | str, ...]) -> str:
    """The name of the recipe that a fault is in, if it has one."""
    if isinstance(written, list) and place and isinstance(place[0], int) and place[0] < len(written):
        one = written[place[0]]
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            return f"{one['name'][:60]}: "
    return ""


def _fault(why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"The recipes cannot be read: {why}.",
        remedy="Make them with cihu.out, or see the how-to on outputs that the vault computes.",
        zh=f"无法读取配方：{zh}。",
        remedy_zh="请用 cihu.out 生成，或查看关于由保险库计算的输出的指南。",
    )
