"""Computes tables over groups: counts, sums, means, deviations, quantiles; cross-tabulations; histograms."""

from collections.abc import Mapping
from itertools import product
from math import floor, prod
from typing import Any

import numpy as np
import pandas as pd

from cihu.recipes.result import Result
from cihu.recipes.rows import Source, labels_of, public_labels
from cihu.recipes.rules import SUPPRESSED, Rules, Withheld
from cihu.recipes.suppression import Shown, protected

MOST_CELLS = 2000
QUANTILE_DIGITS = 3
Recipe = Mapping[str, Any]


class Groups:
    """The rows of each cell, in the order of the keys' values.

    A key whose values are public has all of them; of another key only those that enough units have, so that
    no label tells of a few.
    """

    def __init__(self, rows: pd.DataFrame, by: Mapping[str, Mapping[str, Any]], rules: Rules) -> None:
        self.names, self.rules = list(by), rules
        labels = {name: labels_of(rows[name], said) for name, said in by.items()}
        self.values = [public_labels(said) or self._found(rows, labels[name]) for name, said in by.items()]
        if prod(map(len, self.values)) > MOST_CELLS:
            raise Withheld(f"its keys have more than {MOST_CELLS} combinations")
        codes = np.zeros(len(rows), dtype=np.int64)
        inside = np.ones(len(rows), dtype=bool)
        for name, values in zip(self.names, self.values, strict=True):
            place = labels[name].map({value: number for number, value in enumerate(values)})
            inside &= place.notna().to_numpy()
            codes = codes * max(len(values), 1) + place.fillna(0).to_numpy(dtype=np.int64)
        self.rows = rows[inside].assign(cell=codes[inside])
        self.shape = tuple(len(values) for values in self.values) or (1,)
        self.labels = list(product(*self.values))
        self.size = len(self.labels)

    def _found(self, rows: pd.DataFrame, labels: "pd.Series[Any]") -> list[str]:
        units = rows["unit"].groupby(labels).nunique()
        found = units.index[units >= max(self.rules.minimum_count, 1)]
        return sorted(map(str, found), key=in_order)

    def units(self, column: str | None = None) -> "pd.Series[int]":
        """How many units each cell has; of those with a value in a column."""
        rows = self.rows if column is None else self.rows[self.rows[column].notna()]
        return rows.groupby("cell")["unit"].nunique().reindex(range(self.size), fill_value=0)

    def shown(self, units: "pd.Series[int]") -> Shown:
        """Which cells' counts may be shown, after those that are suppressed to protect others."""
        enough = (units >= self.rules.minimum_count) | ((units == 0) & self.rules.zeros)
        counts = np.asarray(units, dtype=np.int64).reshape(self.shape)
        shown = protected(counts, np.asarray(enough, dtype=np.bool_).reshape(self.shape))
        return shown.reshape(-1)

    def frame(self, columns: Mapping[str, list[Any]]) -> pd.DataFrame:
        keys = {name: [label[place] for label in self.labels] for place, name in enumerate(self.names)}
        return pd.DataFrame({**keys, **columns})


def in_order(text: str) -> tuple[int, float, str]:
    """Numbers by their size, then words."""
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def table(recipe: Recipe, rules: Rules, source: Source) -> Result:
    measures = recipe["measures"]
    of = {
        f"of {name}": {"sql": _computed(said), "type": "number"}
        for name, said in measures.items()
        if said["sql"] is not None
    }
    rows = source.rows(recipe, {**recipe["by"], **of})
    groups = Groups(rows, recipe["by"], rules)
    units = groups.units()
    shown = groups.shown(units)
    columns: dict[str, list[Any]] = {"n": _counts(units, shown, rules)}
    behind: dict[str, list[Any]] = {"n": _exact(units, shown)}
    for name, said in measures.items():
        column = None if said["sql"] is None else f"of {name}"
        values, contributions = _measured(groups, said, column, shown, rules)
        columns[name] = values
        if contributions and "total" not in behind:
            behind |= contributions
    return Result(groups.frame(columns), groups.frame(behind))


def _computed(said: Mapping[str, Any]) -> str:
    """What is aggregated: of a count, 1 where there is a value."""
    sql = str(said["sql"])
    return f"CASE WHEN ({sql}) IS NULL THEN NULL ELSE 1 END" if said["function"] == "count" else sql


def means(recipe: Recipe, rules: Rules, source: Source) -> Result:
    """A row for each group and column: n, mean, sd."""
    of = {f"of {name}": said for name, said in recipe["columns"].items()}
    rows = source.rows(recipe, {**recipe["by"], **of})
    groups = Groups(rows, recipe["by"], rules)
    tables, counts = [], []
    for name in recipe["columns"]:
        column = f"of {name}"
        units = groups.units(column)
        shown = groups.shown(units)
        mean, contributions = _measured(groups, {"function": "mean"}, column, shown, rules)
        spread, _ = _measured(groups, {"function": "sd"}, column, shown, rules)
        # where a mean is withheld its deviation is too, and the other way round
        hidden = [SUPPRESSED in pair for pair in zip(mean, spread, strict=True)]
        tables.append(
            groups.frame(
                {
                    "variable": [name] * groups.size,
                    "n": _counts(units, shown, rules),
                    "mean": [SUPPRESSED if hide else value for hide, value in zip(hidden, mean, strict=True)],
                    "sd": [SUPPRESSED if hide else value for hide, value in zip(hidden, spread, strict=True)],
                }
            )
        )
        counts.append(
            groups.frame({"variable": [name] * groups.size, "n": _exact(units, shown), **contributions})
        )
    return Result(pd.concat(tables, ignore_index=True), pd.concat(counts, ignore_index=True))


def crosstab(recipe: Recipe, rules: Rules, source: Source) -> Result:
    groups = Groups(source.rows(recipe, recipe["by"]), recipe["by"], rules)
    units = groups.units()
    shown = groups.shown(units)
    return Result(
        groups.frame({"n": _counts(units, shown, rules)}), groups.frame({"n": _exact(units, shown)})
    )


def histogram(recipe: Recipe, rules: Rules, source: Source) -> Result:
    """Bins begin at multiples of the width. Those at the ends with too few units are put together with their
    neighbours; one in the middle with too few is joined to the next."""
    rows = source.rows(recipe, {"value": recipe["column"]}).dropna()
    width = float(recipe["width"])
    bins = (rows["value"] / width).map(floor)
    if bins.empty or bins.max() - bins.min() >= MOST_CELLS:
        raise Withheld(f"it has no values, or more than {MOST_CELLS} bins")
    counts: list[list[float]] = []  # start, end, units
    waiting: float | None = None
    for bin in range(int(bins.min()), int(bins.max()) + 1):
        start = waiting if waiting is not None else float(bin)
        units = int(rows["unit"][(bins >= start) & (bins <= bin)].nunique())
        if units < max(rules.minimum_count, 1):
            waiting = start
            continue
        waiting = None
        counts.append([start, float(bin + 1), float(units)])
    if waiting is not None and counts:
        last = counts[-1]
        last[1] = float(bins.max() + 1)
        last[2] = float(rows["unit"][bins >= last[0]].nunique())
    if not counts:
        raise Withheld("too few units have a value")
    # the ends tell of nobody: the first bin and the last are open
    names = [f"{_written(start * width)} to {_written(end * width)}" for start, end, _ in counts]
    if len(counts) > 1:
        names[0] = f"below {_written(counts[0][1] * width)}"
        names[-1] = f"{_written(counts[-1][0] * width)} or more"
    else:
        names = ["all"]
    labels: dict[str, Any] = {"bin": list(range(1, len(names) + 1)), "values": names}
    return Result(
        pd.DataFrame({**labels, "n": [rules.rounded(units) for _, _, units in counts]}),
        pd.DataFrame({**labels, "n": [int(units) for _, _, units in counts]}),
    )


def _counts(units: "pd.Series[int]", shown: Shown, rules: Rules) -> list[Any]:
    return [rules.rounded(number) if open else SUPPRESSED for number, open in zip(units, shown, strict=True)]


def _exact(units: "pd.Series[int]", shown: Shown) -> list[Any]:
    """For reviewers. What is not shown needs no counts."""
    return [int(number) if open else SUPPRESSED for number, open in zip(units, shown, strict=True)]


def _measured(
    groups: Groups,
    said: Mapping[str, Any],
    column: str | None,
    shown: Shown,
    rules: Rules,
) -> tuple[list[Any], dict[str, list[Any]]]:
    """A measure of each cell, `suppressed` where it may not be shown; and the largest contributions."""
    values: list[Any] = []
    largest: dict[str, list[Any]] = {"total": [], "top1": [], "top2": []}
    sums = said["function"] in ("sum", "mean")
    by_cell = dict(tuple(groups.rows.groupby("cell")))
    for cell in range(groups.size):
        rows = by_cell.get(cell, groups.rows.iloc[:0])
        if column is not None:
            rows = rows[rows[column].notna()]
        contributions = rows.groupby("unit")[column].sum() if sums and column is not None else None
        open = bool(shown[cell]) and _may_show(rows, column, said, contributions, rules)
        values.append(_value(rows, column, said, rules) if open else SUPPRESSED)
        if contributions is not None:
            sizes = [*np.sort(contributions.abs().to_numpy())[::-1], 0.0, 0.0]
            for name, value in zip(largest, (sum(sizes), sizes[0], sizes[1]), strict=True):
                largest[name].append(float(value) if open else SUPPRESSED)
    return values, largest if sums else {}


def _may_show(
    rows: pd.DataFrame,
    column: str | None,
    said: Mapping[str, Any],
    contributions: "pd.Series[float] | None",
    rules: Rules,
) -> bool:
    units = rows["unit"].nunique()
    if said["function"] == "count":
        return rules.enough(units) or (units == 0 and rules.zeros)
    if not rules.enough(units) or column is None:
        return False
    if said["function"] == "quantile" and units * min(said["part"], 1 - said["part"]) < rules.minimum_count:
        return False
    # all alike: whoever is in the group would be known
    if rules.minimum_count > 1 and rows[column].nunique() < 2:
        return False
    return contributions is None or not rules.dominated(contributions)


def _value(rows: pd.DataFrame, column: str | None, said: Mapping[str, Any], rules: Rules) -> Any:
    if said["function"] == "count" or column is None:
        return rules.rounded(len(rows))
    values = rows[column].to_numpy(dtype=float)
    match said["function"]:
        case "sum":
            return float(values.sum())
        case "mean":
            return float(values.mean())
        case "sd":
            return float(values.std(ddof=1))
        case "variance":
            return float(values.var(ddof=1))
    quantile = float(np.quantile(values, said["part"]))
    return float(f"{quantile:.{QUANTILE_DIGITS}g}")


def _written(value: float) -> str:
    return f"{value:.10g}"
