"""Computes curves whose steps stand on enough units: ROC, precision and recall, calibration, survival."""

from collections.abc import Mapping
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd

from cihu.recipes.result import Result
from cihu.recipes.rows import UNIT, Source
from cihu.recipes.rules import Rules, Withheld, significant
from cihu.recipes.tables import Groups

MOST_POINTS = 20
Recipe = Mapping[str, Any]


def curve(recipe: Recipe, rules: Rules, source: Source) -> Result:
    """One score a unit counts: of a unit with several rows the first, so that a step is of units."""
    rows = source.rows(recipe, {" truth": recipe["truth"], " score": recipe["score"]}).dropna()
    if not rows[" truth"].isin((0.0, 1.0)).all():
        raise Withheld("its truth is not 0 or 1")
    rows = rows.groupby(UNIT, as_index=False).first()
    bins = _bins(rows, rules)
    if len(bins) < 2:
        raise Withheld("too few units for two steps")
    if recipe["curve"] == "calibration":
        _shared_scores(bins, rules)
    positives = np.array([float(part[" truth"].sum()) for part in bins])
    negatives = np.array([float(len(part)) for part in bins]) - positives
    units = [len(part) for part in bins]
    table = {"roc": _roc, "pr": _precision_recall, "calibration": _calibration}[recipe["curve"]](
        bins, positives, negatives
    )
    for name in table:
        table[name] = [
            significant(float(value), number) for value, number in zip(table[name], units, strict=True)
        ]
    if recipe["curve"] == "roc":
        table["area_under_curve"] = significant(_area(rows), len(rows))
    table["n"] = [rules.rounded(number) for number in units]
    table.insert(0, "step", range(1, len(bins) + 1))
    return Result(table, pd.DataFrame({"step": range(1, len(bins) + 1), "n": units}))


def _shared_scores(bins: list[pd.DataFrame], rules: Rules) -> None:
    """Raises `Withheld` where a mean score would be few units' own."""
    for part in bins:
        scores, units = part[" score"], part[UNIT]
        few = rules.alike(scores, units) and len(scores.unique()) > 1
        if few or rules.dominated(scores):
            raise Withheld("a mean score would be that of few units")


def _bins(rows: pd.DataFrame, rules: Rules) -> list[pd.DataFrame]:
    """From the highest score down: each with enough units of either truth. Equal scores stay together."""
    least = max(rules.minimum_count, 1)
    each = max(2 * least, len(rows) // MOST_POINTS)
    found: list[list[pd.DataFrame]] = [[]]
    for _, same in sorted(rows.groupby(" score"), key=lambda pair: -float(str(pair[0]))):
        found[-1].append(same)
        if _full(found[-1], least, each):
            found.append([])
    last = found.pop()
    if last and found:
        found[-1] += last
    elif last and _full(last, least, least):
        found.append(last)
    return [pd.concat(parts) for parts in found]


def _full(parts: list[pd.DataFrame], least: int, each: int) -> bool:
    units = sum(map(len, parts))
    positives = sum(float(part[" truth"].sum()) for part in parts)
    return units >= each and positives >= least and units - positives >= least


def _roc(_: list[pd.DataFrame], positives: Any, negatives: Any) -> pd.DataFrame:
    true = np.cumsum(positives) / positives.sum()
    false = np.cumsum(negatives) / negatives.sum()
    return pd.DataFrame({"false_positive_rate": false, "true_positive_rate": true})


def _area(rows: pd.DataFrame) -> float:
    """Under the curve of every score, by ranks: Mann and Whitney's U as a share of all pairs."""
    ranks, positive = rows[" score"].rank(), rows[" truth"] == 1
    there, others = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - there * (there + 1) / 2) / (there * others))


def _precision_recall(_: list[pd.DataFrame], positives: Any, negatives: Any) -> pd.DataFrame:
    true, false = np.cumsum(positives), np.cumsum(negatives)
    return pd.DataFrame({"recall": true / positives.sum(), "precision": true / (true + false)})


def _calibration(bins: list[pd.DataFrame], positives: Any, negatives: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mean_score": [float(part[" score"].mean()) for part in bins],
            "observed_rate": positives / (positives + negatives),
        }
    )


def survival(recipe: Recipe, rules: Rules, source: Source) -> Result:
    """Kaplan-Meier at times of a plain grid: each step has enough events, or none is shown between."""
    rows = source.rows(recipe, {" time": recipe["time"], " event": recipe["event"], **recipe["by"]})
    rows = followed(rows.dropna(subset=[" time", " event"]))
    groups = Groups(rows, recipe["by"], rules)
    tables, counts = [], []
    by_cell = groups.by_cell()
    for cell, label in zip(groups.cells, groups.labels, strict=True):
        part = by_cell.get(cell, groups.rows.iloc[:0])
        found = _kaplan_meier(part, rules)
        if found is not None:
            table, count = found
            for place, name in enumerate(groups.names):
                table.insert(place, name, label[place])
                count.insert(place, name, label[place])
            tables.append(table)
            counts.append(count)
    if not tables:
        raise Withheld("too few units for a curve")
    return Result(pd.concat(tables, ignore_index=True), pd.concat(counts, ignore_index=True))


def followed(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a unit: its first event, or when it was last seen without one. Columns " time", " event"."""
    if not rows[" event"].isin((0.0, 1.0)).all() or (rows[" time"] < 0).any():
        raise Withheld("its event is not 0 or 1, or a time is negative")
    rows = rows.assign(order=rows[" time"].where(rows[" event"] == 1, -rows[" time"]))
    rows = rows.sort_values([" event", "order"], ascending=[False, True], kind="stable")
    return rows.drop(columns="order").groupby(UNIT, as_index=False).first()


def _kaplan_meier(rows: pd.DataFrame, rules: Rules) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """E. L. Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", JASA 53 (1958)."""
    least = max(rules.minimum_count, 1)
    if len(rows) < 2 * least:
        return None
    at = [(0.0, 1.0, len(rows))]
    last_events = last_left = 0
    survival, ended = 1.0, 0.0
    times = rows[" time"].to_numpy(dtype=float)
    events = rows[" event"].to_numpy(dtype=float)
    # the longest time of all would be one unit's own
    for time in plain_grid(float(np.sort(times)[-least])):
        for moment in np.unique(times[(times > ended) & (times <= time) & (events == 1)]):
            survival *= 1 - ((times == moment) & (events == 1)).sum() / (times >= moment).sum()
        ended = time
        happened = int(((times <= time) & (events == 1)).sum())
        left = int((times <= time).sum())
        at_risk = len(rows) - left
        if at_risk < least:
            break
        if happened - last_events >= least and (left - last_left) - (happened - last_events) not in range(
            1, least
        ):
            at.append((time, survival, at_risk))
            last_events, last_left = happened, left
    if len(at) < 2:
        return None
    table = pd.DataFrame(
        {
            "time": [time for time, _, _ in at],
            "survival": [significant(part, number) for _, part, number in at],
            "at_risk": [rules.rounded(number) for _, _, number in at],
        }
    )
    count = pd.DataFrame({"time": [time for time, _, _ in at], "n": [number for _, _, number in at]})
    return table, count


def plain_grid(longest: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, about MOST_POINTS of them: no time of a unit's own."""
    if longest <= 0:
        return []
    raw = longest / MOST_POINTS
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    return [round(step * number, 12) for number in range(1, int(longest / step) + 2)]
