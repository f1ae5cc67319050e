"""Computes tables over groups: counts, sums, means, deviations, quantiles; cross-tabulations; histograms."""

from collections.abc import Mapping
from itertools import pairwise, product
from math import floor, prod
from typing import Any

import numpy as np
import pandas as pd

from cihu.recipes.result import Result
from cihu.recipes.rows import UNIT, Source, labels_of, public_labels
from cihu.recipes.rules import SUPPRESSED, Rules, Withheld, significant
from cihu.recipes.suppression import Counts, Marks, protected

MOST_CELLS = 1000
QUANTILE_DIGITS = 3
CELL = " cell"
Recipe = Mapping[str, Any]
Said = Mapping[str, Any]


class Groups:
    """The rows of each cell, in the order of the keys' values.

    A key whose values are public has all of them; of another key only those that enough units have, so that
    no label tells of a few. Rows with another value, or none, are in a cell beside them that is never shown:
    it takes part when cells are chosen to hide others, for a table without the key has these rows.
    """

    def __init__(self, rows: pd.DataFrame, by: Mapping[str, Said], rules: Rules) -> None:
        self.names, self.rules = list(by), rules
        labels = {name: labels_of(rows[name], said) for name, said in by.items()}
        self.values = [public_labels(said) or self._found(rows, labels[name]) for name, said in by.items()]
        if prod(map(len, self.values)) > MOST_CELLS:
            raise Withheld(f"its keys have more than {MOST_CELLS} combinations")
        self._whole = tuple(len(values) + 1 for values in self.values) or (1,)
        codes = np.zeros(len(rows), dtype=np.int64)
        for name, values in zip(self.names, self.values, strict=True):
            place = labels[name].map({value: number for number, value in enumerate(values)})
            codes = codes * (len(values) + 1) + place.fillna(len(values)).to_numpy(dtype=np.int64)
        self.rows = rows.assign(**{CELL: codes})
        self.labels = list(product(*self.values))
        inside = tuple(slice(0, len(values)) for values in self.values) or (slice(0, 1),)
        self._inside = np.arange(prod(self._whole)).reshape(self._whole)[inside].reshape(-1)

    def _found(self, rows: pd.DataFrame, labels: "pd.Series[Any]") -> list[str]:
        units = rows[UNIT].groupby(labels).nunique()
        found = units.index[units >= max(self.rules.minimum_count, 1)]
        return sorted(map(str, found), key=in_order)

    def counts(self, column: str | None = None) -> Counts:
        """How many units each cell has, the cells beside among them; of those with a value in a column."""
        rows = self.rows if column is None else self.rows[self.rows[column].notna()]
        units = rows.groupby(CELL)[UNIT].nunique().reindex(range(prod(self._whole)), fill_value=0)
        return np.asarray(units, dtype=np.int64)

    def shown(self, counts: Counts, may: Marks | None = None) -> Marks:
        """Which cells may be shown, after those that are suppressed to protect others.
        `may`: those that a measure's own rules let be shown."""
        enough = (counts >= self.rules.minimum_count) | ((counts == 0) & self.rules.zeros)
        if may is not None:
            enough &= may
        outside = np.ones(len(counts), dtype=np.bool_)
        outside[self._inside] = False
        sensitive = ~enough & (counts > 0)
        found = protected(
            counts.reshape(self._whole),
            (enough & ~outside).reshape(self._whole),
            sensitive.reshape(self._whole),
            self.rules.minimum_count,
        )
        return np.asarray(found.reshape(-1), dtype=np.bool_)

    def by_cell(self, column: str | None = None) -> dict[int, pd.DataFrame]:
        rows = self.rows if column is None else self.rows[self.rows[column].notna()]
        return {int(str(cell)): part for cell, part in rows.groupby(CELL)}

    @property
    def cells(self) -> list[int]:
        """Those of the table, in its order."""
        return [int(cell) for cell in self._inside]

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
    groups = Groups(source.rows(recipe, {**recipe["by"], **of}), recipe["by"], rules)
    counts = groups.counts()
    shown = groups.shown(counts)
    columns: dict[str, list[Any]] = {"n": _rounded(groups, counts, shown)}
    behind: dict[str, list[Any]] = {"n": _exact(groups, counts, shown)}
    for name, said in measures.items():
        column = None if said["sql"] is None else f"of {name}"
        values, largest = _measured(groups, said, column, shown)
        columns[name] = values
        if largest and "total" not in behind:
            behind |= largest
    return _result(groups.frame(columns), groups.frame(behind), columns)


def _computed(said: Said) -> str:
    """What is aggregated: of a count, 1 where there is a value."""
    sql = str(said["sql"])
    return f"CASE WHEN ({sql}) IS NULL THEN NULL ELSE 1 END" if said["function"] == "count" else sql


def means(recipe: Recipe, rules: Rules, source: Source) -> Result:
    """A row for each group and column: n, mean, sd."""
    of = {f"of {name}": said for name, said in recipe["columns"].items()}
    groups = Groups(source.rows(recipe, {**recipe["by"], **of}), recipe["by"], rules)
    tables, behind = [], []
    for name in recipe["columns"]:
        column = f"of {name}"
        counts = groups.counts(column)
        shown = groups.shown(counts)
        mean, largest = _measured(groups, {"function": "mean"}, column, shown)
        spread, _ = _measured(groups, {"function": "sd"}, column, shown)
        # where a mean is withheld its deviation is too, and the other way round
        hidden = [SUPPRESSED in pair for pair in zip(mean, spread, strict=True)]
        variable = [name] * len(groups.cells)
        columns = {
            "variable": variable,
            "n": _rounded(groups, counts, shown),
            "mean": [SUPPRESSED if hide else value for hide, value in zip(hidden, mean, strict=True)],
            "sd": [SUPPRESSED if hide else value for hide, value in zip(hidden, spread, strict=True)],
        }
        tables.append(groups.frame(columns))
        behind.append(groups.frame({"variable": variable, "n": _exact(groups, counts, shown), **largest}))
    whole = pd.concat(tables, ignore_index=True)
    return _result(
        whole, pd.concat(behind, ignore_index=True), {name: list(whole[name]) for name in ("n", "mean")}
    )


def crosstab(recipe: Recipe, rules: Rules, source: Source) -> Result:
    groups = Groups(source.rows(recipe, recipe["by"]), recipe["by"], rules)
    counts = groups.counts()
    shown = groups.shown(counts)
    columns = {"n": _rounded(groups, counts, shown)}
    return _result(groups.frame(columns), groups.frame({"n": _exact(groups, counts, shown)}), columns)


def histogram(recipe: Recipe, rules: Rules, source: Source) -> Result:
    """Bins begin at multiples of the width. Those at the ends with too few units are put together with their
    neighbours; one in the middle with too few is joined to the next."""
    rows = source.rows(recipe, {" value": recipe["column"]}).dropna()
    width = float(recipe["width"])
    least = max(rules.minimum_count, 1)
    bins = (rows[" value"] / width).map(floor)
    ends: list[int] = []  # where each bin ends
    counts: list[int] = []
    begin = None
    for place in sorted(set(bins)):
        begin = place if begin is None else begin
        units = int(rows[UNIT][(bins >= begin) & (bins <= place)].nunique())
        if units >= least and len(ends) < MOST_CELLS:
            ends.append(int(place) + 1)
            counts.append(units)
            begin = None
    if not ends:
        raise Withheld("too few units have a value")
    if begin is not None:  # what is left at the end is too little for a bin of its own
        start = ends[-2] if len(ends) > 1 else min(bins)
        counts[-1] = int(rows[UNIT][bins >= start].nunique())
    # the ends tell of nobody: the first bin and the last are open
    edges = [f"{end * width:.10g}" for end in ends[:-1]]
    names = ["all"]
    if edges:
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        names = [f"below {edges[0]}", *between, f"{edges[-1]} or more"]
    labels: dict[str, Any] = {"bin": list(range(1, len(names) + 1)), "values": names}
    return Result(
        pd.DataFrame({**labels, "n": [rules.rounded(units) for units in counts]}),
        pd.DataFrame({**labels, "n": counts}),
    )


def _result(table: pd.DataFrame, behind: pd.DataFrame, columns: Mapping[str, list[Any]]) -> Result:
    if all(value == SUPPRESSED for values in columns.values() for value in values):
        raise Withheld("too few units are in its cells: all of them would be suppressed")
    return Result(table, behind)


def _rounded(groups: Groups, counts: Counts, shown: Marks) -> list[Any]:
    return [groups.rules.rounded(counts[cell]) if shown[cell] else SUPPRESSED for cell in groups.cells]


def _exact(groups: Groups, counts: Counts, shown: Marks) -> list[Any]:
    """For reviewers. What is not shown needs no counts."""
    return [int(counts[cell]) if shown[cell] else SUPPRESSED for cell in groups.cells]


def _measured(
    groups: Groups, said: Said, column: str | None, shown: Marks
) -> tuple[list[Any], dict[str, list[Any]]]:
    """A measure of each cell, `suppressed` where it may not be shown; of sums and means the largest
    contributions, too."""
    rules, sums = groups.rules, said["function"] in ("sum", "mean")
    empty = groups.rows.iloc[:0]
    by_cell = groups.by_cell(column)
    may = np.zeros(len(shown), dtype=np.bool_)
    for cell, rows in by_cell.items():
        may[cell] = _may_show(rows, column, said, rules)
    counts = groups.counts(column)
    if said["function"] == "count" and rules.zeros:
        may |= counts == 0
    open_cells = groups.shown(counts, may) & shown
    values: list[Any] = []
    largest: dict[str, list[Any]] = {"total": [], "top1": [], "top2": []}
    for cell in groups.cells:
        rows, open_one = by_cell.get(cell, empty), bool(open_cells[cell])
        values.append(_value(rows, column, said, rules) if open_one else SUPPRESSED)
        if sums and column is not None:
            sizes = [*np.sort(rows.groupby(UNIT)[column].sum().abs().to_numpy())[::-1], 0.0, 0.0]
            for name, value in zip(largest, (sum(sizes), sizes[0], sizes[1]), strict=True):
                largest[name].append(float(value) if open_one else SUPPRESSED)
    return values, largest if sums else {}


def _may_show(rows: pd.DataFrame, column: str | None, said: Said, rules: Rules) -> bool:
    units = int(rows[UNIT].nunique())
    if not rules.enough(units):
        return False
    if column is None or said["function"] == "count":
        return not rules.dominated(rows.groupby(UNIT).size().astype(float))
    if said["function"] == "quantile" and units * min(said["part"], 1 - said["part"]) < rules.minimum_count:
        return False
    if rules.alike(rows[column], rows[UNIT]):
        return False
    if said["function"] in ("sd", "variance"):
        far = (rows[column] - rows[column].mean()) ** 2
        return not rules.dominated(far.groupby(rows[UNIT]).sum())
    return said["function"] == "quantile" or not rules.dominated(rows.groupby(UNIT)[column].sum())


def _value(rows: pd.DataFrame, column: str | None, said: Said, rules: Rules) -> Any:
    if said["function"] == "count" or column is None:
        return rules.rounded(len(rows))
    values = rows[column].to_numpy(dtype=float)
    if said["function"] == "quantile":
        return float(f"{np.quantile(values, said['part']):.{QUANTILE_DIGITS}g}")
    computed = {
        "sum": values.sum(),
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "variance": values.var(ddof=1),
    }
    return significant(float(computed[said["function"]]), rows[UNIT].nunique())
