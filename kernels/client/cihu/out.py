"""Outputs that the vault computes itself: you describe them, and it makes, protects and declares them.

    cihu.out.means("health.visits", {"visits": "doctor_visits"}, by={"site": "site"})
    cihu.out.regression("health.visits", "doctor_visits ~ age + C(site)")
    cihu.out.survival("health.visits", time="year", event="spending > 500")
    cihu.out.cox("health.visits", "age + C(site)", time="year", event="spending > 500")
    cihu.out.chart("means", x="site", y="mean")

In a cell, what comes back shows the output on stand-in rows, with what would be suppressed. In a sealed
program (`%%sealed`, `cihu.submit`) the same calls say what the vault computes on the real rows, beside your
program: they are fixed when you submit it, before any real row is read. `cihu.check()` says what reviewers
would be told of them, and `run.request_release()` asks for all of them: the declarations are made for you.

Expressions are in the query language of `cihu.sql`, over one row.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cihu.computed import Computed, compute
from cihu.messages import say
from cihu.problem import CihuError
from cihu.program import INPUTS, RECIPES, outbox

Keys = Mapping[str, str] | list[str] | str | None


class Column:
    """A column that your program computes on the real rows.
    Its values are your word: reviewers are told so."""

    def __init__(self, name: str) -> None:
        self.name = name


def table(
    dataset: str,
    measures: Mapping[str, str],
    *,
    by: Keys = None,
    where: str | None = None,
    name: str = "table",
    about: str = "",
) -> Computed:
    """A table of one kind of statistic over groups: `{"spending": "AVG(spending)"}`.

    Measures: COUNT(*), COUNT(x), SUM(x), AVG(x), STDDEV(x), VARIANCE(x), MEDIAN(x), QUANTILE_CONT(x, 0.9).
    The column `n`, the units behind each number, is added. `by`: column -> expression, or names of columns.
    """
    return _made("table", name, about, dataset=dataset, where=where, by=_keys(by), measures=dict(measures))


def means(
    dataset: str,
    columns: Mapping[str, str | Column] | list[str],
    *,
    by: Keys = None,
    where: str | None = None,
    name: str = "means",
    about: str = "",
) -> Computed:
    """Means and standard deviations of columns, by groups, with `n`."""
    chosen = {one: one for one in columns} if isinstance(columns, list) else dict(columns)
    return _made(
        "means",
        name,
        about,
        dataset=dataset,
        where=where,
        by=_keys(by),
        columns={label: _part(value) for label, value in chosen.items()},
    )


def crosstab(
    dataset: str, by: Keys, *, where: str | None = None, name: str = "crosstab", about: str = ""
) -> Computed:
    """Counts of units by one to four keys, rounded.
    Small ones are suppressed, with others that would tell them."""
    return _made("crosstab", name, about, dataset=dataset, where=where, by=_keys(by))


def regression(
    dataset: str,
    formula: str,
    *,
    family: str = "linear",
    where: str | None = None,
    name: str = "regression",
    about: str = "",
) -> Computed:
    """Coefficients with standard errors that allow for several rows of a unit.

    `formula`: `spending ~ age + C(site) + age:female`. C(…) is a category, and text is one by itself; levels
    that too few units have are put together. `family`: linear, logistic or poisson.
    """
    return _made("regression", name, about, dataset=dataset, where=where, formula=formula, family=family)


def cox(
    dataset: str,
    formula: str,
    *,
    time: str,
    event: str,
    where: str | None = None,
    name: str = "cox",
    about: str = "",
) -> Computed:
    """Hazard ratios (Cox's proportional hazards): `cox("health.visits", "age + C(site)", time="year",
    event="spending > 500")`. Of a person with several rows the first event counts."""
    return _made(
        "regression",
        name,
        about,
        dataset=dataset,
        where=where,
        formula=f"{event} ~ {formula}",
        family="cox",
        time=time,
    )


def curve(
    dataset: str,
    *,
    truth: str,
    score: str | Column,
    curve: str = "roc",
    where: str | None = None,
    name: str = "curve",
    about: str = "",
) -> Computed:
    """How well a score tells the truth: `roc`, `pr` (precision and recall) or `calibration`.
    Of a unit with several rows the first counts. Each step stands on enough units of either truth."""
    return _made(
        "curve", name, about, dataset=dataset, where=where, curve=curve, truth=truth, score=_part(score)
    )


def survival(
    dataset: str,
    *,
    time: str,
    event: str,
    by: Keys = None,
    where: str | None = None,
    name: str = "survival",
    about: str = "",
) -> Computed:
    """A Kaplan-Meier curve, of each group if there is a key. Each step stands on enough events."""
    return _made("survival", name, about, dataset=dataset, where=where, time=time, event=event, by=_keys(by))


def histogram(
    dataset: str,
    column: str,
    *,
    width: float,
    where: str | None = None,
    name: str = "histogram",
    about: str = "",
) -> Computed:
    """Units by bins of a column. The bins at either end are open."""
    return _made("histogram", name, about, dataset=dataset, where=where, column=column, width=width)


def chart(
    of: str,
    *,
    x: str,
    y: str,
    form: str = "bar",
    series: str | None = None,
    title: str = "",
    name: str = "chart",
    about: str = "",
) -> Computed:
    """A picture of another output's table, by its name: `bar` or `line`."""
    return _made("chart", name, about, of=of, form=form, x=x, y=y, series=series, title=title)


def model(
    dataset: str,
    target: str,
    features: Mapping[str, str] | list[str],
    *,
    model: str = "linear",
    where: str | None = None,
    name: str = "model",
    about: str = "",
) -> Computed:
    """A trained model (.skops): `linear`, `logistic` or `tree`, trained on half of the units.
    On the others it is tested whether it remembers. Features are numbers or conditions. A tree splits at
    plain numbers, each leaf on enough units; it is of 0 and 1 if the target is."""
    chosen = {one: one for one in features} if isinstance(features, list) else dict(features)
    return _made(
        "model", name, about, dataset=dataset, where=where, model=model, target=target, features=chosen
    )


def text(text: str, *, name: str = "text", about: str = "") -> Computed:
    """A text that you write now, in Markdown: it knows nothing of the real rows."""
    return _made("text", name, about, text=text)


def column(name: str, values: Any) -> Column:
    """Numbers that your program computes, one for each row of its input in order, such as predictions:
    `cihu.out.column("score", model.predict(rows))`."""
    import pandas as pd

    folder = outbox() / "columns"
    folder.mkdir(exist_ok=True)
    pd.DataFrame({"value": pd.Series(list(values), dtype="float64")}).to_parquet(folder / f"{name}.parquet")
    return Column(name)


def _made(kind: str, name: str, about: str, **parts: Any) -> Computed:
    recipe = {"kind": kind, "name": name, "about": about} | {
        key: value for key, value in parts.items() if value is not None
    }
    if place := os.environ.get(RECIPES):  # in a trial: what is submitted is noted
        _note(Path(place), recipe)
    elif os.environ.get(INPUTS):  # in the seal: what was submitted stands
        pass
    else:
        return compute(recipe)
    return Computed(name)


def _note(place: Path, recipe: dict[str, Any]) -> None:
    noted = json.loads(place.read_text("utf-8")) if place.is_file() else []
    if any(other["name"] == recipe["name"] for other in noted):
        raise CihuError(
            say("recipe_twice", name=recipe["name"]), code="invalid_input", remedy=say("recipe_twice_remedy")
        )
    place.write_text(json.dumps([*noted, recipe], ensure_ascii=False), "utf-8")


def _keys(by: Keys) -> dict[str, str]:
    if by is None:
        return {}
    if isinstance(by, str):
        return {by: by}
    return {one: one for one in by} if isinstance(by, list) else dict(by)


def _part(part: str | Column) -> str | dict[str, str]:
    return {"column": part.name} if isinstance(part, Column) else part
