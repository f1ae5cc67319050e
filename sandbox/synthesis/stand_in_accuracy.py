"""Compares invented rows with the bought counts in what people use: means of groups, correlations, deciles.

Beside each figure stands what the counts say and how far their noise may have moved that (95 %), so that a
difference can be judged; where noise hides a figure altogether there is none. Pure post-processing: it costs
nothing. Counts tell a value through its class only, so the same is true of the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from sandbox.catalog.model import Column, DatasetPolicy, Role, Type
from sandbox.catalog.seeded_random import Places, Shares
from sandbox.synthesis.categories import EPOCH, Category, categories, is_free, is_ordered, step_of
from sandbox.synthesis.fit import Fit
from sandbox.synthesis.marginals import MOST_PAIRED, Kind, Marginal, telling
from sandbox.synthesis.sample import Sampled

NORMAL_95 = 1.96
INSIDE = 0.25
"""A group's values inside a class may lie higher or lower than all of the class: counts do not say. So much
of the spread inside classes is added to a mean's error; on the demo's public rows at least 95 % of means then
hold."""
DECILES = np.arange(1, 10) / 10
MOST_GROUPS = 600
"""Means of groups in one report."""


@dataclass(frozen=True)
class _Ordered:
    """A column with numbers: its parts with their shares, what its classes are worth, its values in the
    rows."""

    column: Column
    parts: Sequence[Category]
    shares: Shares  # of the filled cells
    class_means: Shares  # nan: nothing in the class has a value
    class_spreads: Shares  # the standard deviation inside each class
    values: Shares  # of each row; nan where empty


def accuracy_figures(
    policy: DatasetPolicy, marginals: Sequence[Marginal], fit: Fit, sampled: Sampled
) -> dict[str, list[dict[str, Any]]]:
    """`group_means`, `correlations`, `deciles`, and `lost`: columns of which something is not kept."""
    ordered = {
        column.name: _ordered(column, fit, sampled.table) for column in telling(policy) if is_ordered(column)
    }
    pairs = [marginal for marginal in marginals if marginal.kind is Kind.PAIR and marginal.table.sum() > 0]
    return {
        "group_means": _group_means(policy, pairs, fit, sampled, ordered),
        "correlations": [
            _correlation(pair, ordered[pair.columns[0]], ordered[pair.columns[1]], fit, sampled)
            for pair in pairs
            if set(pair.columns) <= ordered.keys()
        ],
        "deciles": _deciles(marginals, ordered),
        "lost": lost(policy, sampled.kept),
    }


def lost(policy: DatasetPolicy, kept: frozenset[tuple[str, str]]) -> list[dict[str, Any]]:
    """Columns of which something is not kept, and why: `only_emptiness` (a text: no value was counted),
    `not_paired` (there are too many columns), `no_dependence` (nothing with another column rises above
    noise), `magnitudes` (without bounds: what is rare or beyond the counted range is not there)."""
    tied = {name for pair in kept for name in pair}
    counted = telling(policy)
    paired = {column.name for column in counted[:MOST_PAIRED]}
    found = []
    for column in policy.columns:
        if column.role in (Role.UNIT, Role.HIDDEN):
            continue
        why = []
        if not any(part.values or part.last > part.first for part in categories(column)):
            why.append("only_emptiness")
        if is_free(column):
            why.append("magnitudes")
        if column.name not in tied:
            is_paired = column.name in paired or column not in counted
            why.append("no_dependence" if is_paired else "not_paired")
        if why:
            found.append({"column": column.name, "why": why})
    return found


def _ordered(column: Column, fit: Fit, table: pa.Table) -> _Ordered:
    parts, shares = categories(column), fit.shares[column.name]
    of = np.asarray(fit.classes[column.name])
    if (narrower := fit.narrower.get(column.name)) is not None:
        parts, shares, of = tuple(narrower.parts), narrower.shares, of[narrower.of]
    filled = np.array([not part.empty for part in parts])
    middles = np.array([(part.first + part.last) / 2 for part in parts]) * float(step_of(column))
    widths = np.array([part.last - part.first for part in parts]) * float(step_of(column))
    means, spreads = np.full(int(of.max()) + 1, np.nan), np.zeros(int(of.max()) + 1)
    for place in range(len(means)):
        here = (of == place) & filled
        if here.any():
            weights = shares[here] + 1e-12
            means[place] = np.average(middles[here], weights=weights)
            squares = (middles[here] - means[place]) ** 2 + widths[here] ** 2 / 12
            spreads[place] = np.sqrt(np.average(squares, weights=weights))
    return _Ordered(
        column,
        [part for part in parts if not part.empty],
        shares[filled],
        means,
        spreads,
        _numbers(column, table.column(column.name)),
    )


def _numbers(column: Column, values: pa.ChunkedArray) -> Shares:
    """Values as numbers; dates in days and timestamps in seconds since 1970."""
    if column.type is Type.DATE:
        values = values.cast(pa.int32())
    elif column.type is Type.TIMESTAMP:
        values = pyarrow.compute.divide(values.cast(pa.int64()), 1_000_000)
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _group_means(
    policy: DatasetPolicy,
    pairs: Sequence[Marginal],
    fit: Fit,
    sampled: Sampled,
    ordered: Mapping[str, _Ordered],
) -> list[dict[str, Any]]:
    """Of each measure by each key: the mean in each group of the key's values that was counted."""
    told: list[dict[str, Any]] = []
    for pair in pairs:
        for key, name, counts in (
            (pair.columns[0], pair.columns[1], pair.table),
            (pair.columns[1], pair.columns[0], pair.table.T),
        ):
            column = policy.column(key)
            if name not in ordered or ordered[name].column.type in (Type.DATE, Type.TIMESTAMP):
                continue
            if column is None or column.name in ordered:
                continue
            at = np.asarray(fit.classes[key])
            for group in range(len(counts)):
                values = [
                    value
                    for part, place in zip(categories(column), at, strict=True)
                    if place == group
                    for value in part.values
                ]
                if values and len(told) < MOST_GROUPS:
                    here = at[sampled.places[key]] == group
                    told.append(
                        {
                            "key": key,
                            "values": values[:20],
                            "column": name,
                            **_mean(counts[group], pair.sigma, ordered[name], here),
                        }
                    )
    return told


def _mean(counts: Shares, sigma: float, of: _Ordered, here: Places) -> dict[str, Any]:
    """What the counts say of a mean, how far noise may have moved it, and the mean of the rows."""
    worth = ~np.isnan(of.class_means)
    rows, values = float(counts[worth].sum()), of.class_means[worth]
    made = of.values[here]
    made = made[~np.isnan(made)]
    known: dict[str, Any] = {"made": _rounded(float(made.mean())) if len(made) else None}
    if rows <= 3 * sigma * np.sqrt(len(values)):  # noise hides how many rows there are
        return {"bought": None, "error": None, **known}
    mean = float((counts[worth] * values).sum() / rows)
    fewest = max(rows - NORMAL_95 * sigma * np.sqrt(len(values)), rows / 2)
    noise = NORMAL_95 * sigma * float(np.sqrt(((values - mean) ** 2).sum())) / fewest
    inside = float((np.maximum(counts[worth], 0.0) * of.class_spreads[worth]).sum()) / rows
    error = noise + INSIDE * inside
    return {"bought": _rounded(mean), "error": _rounded(error), **known}


def _correlation(
    pair: Marginal, left: _Ordered, right: _Ordered, fit: Fit, sampled: Sampled
) -> dict[str, Any]:
    """Of the classes' means: in the counts, and in the rows' classes, which are alike in what they leave
    out."""
    worth = np.ix_(~np.isnan(left.class_means), ~np.isnan(right.class_means))
    x, y = (of.class_means[~np.isnan(of.class_means)] for of in (left, right))
    made = np.zeros(pair.shape)
    at = [np.asarray(fit.classes[name])[sampled.places[name]] for name in pair.columns]
    np.add.at(made, tuple(at), 1.0)
    told: dict[str, Any] = {"columns": list(pair.columns), "bought": None, "error": None}
    (of_made, _), (of_bought, spread) = (_of_table(table[worth], x, y) for table in (made, pair.table))
    if of_bought is not None:
        error = NORMAL_95 * pair.sigma * spread
        if error < 1:  # else the counts say nothing
            told |= {"bought": round(max(-1.0, min(1.0, of_bought)), 3), "error": round(error, 3)}
    return told | {"made": None if of_made is None else round(of_made, 3)}


def _of_table(counts: Shares, x: Shares, y: Shares) -> tuple[float | None, float]:
    """The correlation, and how far one row's noise in each cell moves it."""
    rows = counts.sum()
    if rows <= 0:
        return None, 0.0
    of_x, of_y = counts.sum(axis=1) / rows, counts.sum(axis=0) / rows
    away_x, away_y = x - (of_x * x).sum(), y - (of_y * y).sum()
    variances = (of_x * away_x**2).sum() * (of_y * away_y**2).sum()
    if variances <= 0:
        return None, 0.0
    product = np.outer(away_x, away_y)
    scale = float(np.sqrt(variances))
    return float((counts / rows * product).sum() / scale), float(np.sqrt((product**2).sum()) / rows / scale)


def _deciles(marginals: Sequence[Marginal], ordered: Mapping[str, _Ordered]) -> list[dict[str, Any]]:
    """Of each column with an order: where each tenth of the filled cells lies."""
    told = []
    for name, of in ordered.items():
        [first] = [each for each in marginals if each.kind is Kind.COLUMN and each.columns == (name,)]
        filled = of.shares.sum()
        values = np.sort(of.values[~np.isnan(of.values)])
        if filled <= 0 or not len(values):
            continue
        rows = max(float(first.table.sum()), 1.0) * filled
        # at worst the noise of all parts below, and that of all above, moves a share
        cells = len(first.counts)
        noise = NORMAL_95 * first.sigma * np.sqrt(cells / 4) / rows
        edges = np.array([of.parts[0].first, *[part.last + 1 for part in of.parts]], dtype=np.float64)
        upto = np.concatenate([[0.0], np.cumsum(of.shares / filled)])
        step = float(step_of(of.column))

        def at(share: float, edges: Shares = edges, upto: Shares = upto, step: float = step) -> float:
            return float(np.interp(share, upto, edges)) * step

        told.append(
            {
                "column": name,
                "deciles": [
                    {
                        "share": float(share),
                        "bought": _as_told(of.column, at(share)),
                        "at_least": _as_told(of.column, at(max(0.0, share - noise))),
                        "at_most": _as_told(of.column, at(min(1.0, share + noise))),
                        "made": _as_told(of.column, float(values[int(share * (len(values) - 1))])),
                    }
                    for share in DECILES.round(1)
                ],
            }
        )
    return told


def _as_told(column: Column, value: float) -> float | str:
    if column.type is Type.DATE:
        return (EPOCH + timedelta(days=int(value))).isoformat()
    if column.type is Type.TIMESTAMP:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(value))).strftime("%Y-%m-%d %H:%M")
    return _rounded(value)


def _rounded(value: float) -> float:
    """Four digits: the counts say no more."""
    return float(f"{value:.4g}")
