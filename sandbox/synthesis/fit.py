"""Fits a simple distribution to the noisy counts: a forest, in which each column depends on at most one
other.

Pure post-processing of numbers that were released: it costs nothing and can be done again. The tree of the
strongest pairs is that of Chow and Liu, "Approximating discrete probability distributions with dependence
trees" (IEEE Trans. Inf. Theory 14, 1968); keeping only the pairs that rise above the noise and sampling from
their tables is what MST does (McKenna, Miklau and Sheldon, "Winning the NIST Contest", 2021), without a
second private choice: all pairs were bought.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.seeded_random import Shares
from sandbox.synthesis.categories import categories
from sandbox.synthesis.marginals import Kind, Marginal, classes_of, telling

RAKINGS = 50
DEVIATIONS = 4.0  # above what noise alone would do: so that among hundreds of pairs none is kept by luck


@dataclass(frozen=True)
class Edge:
    """`table[i, j]`: the share of rows in class i of `parent` and class j of `child`."""

    parent: str
    child: str
    table: Shares


@dataclass(frozen=True)
class Fit:
    """Shares of categories by column, the classes they are in, the dependences in the order of sampling,
    and units' rows."""

    shares: Mapping[str, Shares]
    classes: Mapping[str, Sequence[int]]
    edges: tuple[Edge, ...]
    rows_per_unit: Shares
    steady: Mapping[str, float]  # the share of units with several rows that have all in one category


def column_shares(policy: DatasetPolicy, marginals: Sequence[Marginal]) -> dict[str, Shares]:
    """The share of each category of each column: no longer negative, adding up to one,
    nothing empty that must not be."""
    bought = {marginal.columns[0]: marginal for marginal in marginals if marginal.kind is Kind.COLUMN}
    made = {}
    for column in telling(policy):
        possible = np.array([not (part.empty and column.required) for part in categories(column)])
        counts = bought[column.name].table[possible]
        shares = np.zeros(len(possible))
        shares[possible] = nearest_shares(counts)
        made[column.name] = shares
    return made


def fit(policy: DatasetPolicy, marginals: Sequence[Marginal]) -> Fit:
    shares = column_shares(policy, marginals)
    classes = {name: classes_of(of) for name, of in shares.items()}
    class_shares = {
        name: np.bincount(classes[name], weights=of).astype(np.float64) for name, of in shares.items()
    }
    steady, rows_per_unit = {}, np.ones(1)
    for marginal in marginals:
        if marginal.kind is Kind.ROWS_PER_UNIT:
            rows_per_unit = nearest_shares(marginal.table)
        elif marginal.kind is Kind.STEADY:
            same, other = np.maximum(marginal.table[1:], 0.0)
            steady[marginal.columns[0]] = (
                float(same / (same + other)) if same + other > 3 * marginal.sigma else 0.0
            )
    found = [marginal for marginal in marginals if marginal.kind is Kind.PAIR]
    return Fit(shares, classes, _forest(found, class_shares, steady), rows_per_unit, steady)


def nearest_shares(counts: Shares) -> Shares:
    """The point of the simplex nearest to `counts` over their sum; equal shares if there is nothing to go by.

    Held, Wolfe and Crowder, "Validation of subgradient optimization", Math. Programming 6 (1974).
    """
    if counts.sum() <= 0:
        return np.full(len(counts), 1 / len(counts))
    given = counts / counts.sum()
    falling = np.sort(given)[::-1]
    shifts = (np.cumsum(falling) - 1) / np.arange(1, len(given) + 1)
    shift = shifts[np.nonzero(falling > shifts)[0][-1]]
    return np.asarray(np.maximum(given - shift, 0.0))


def strength(marginal: Marginal, left: Shares, right: Shares) -> float:
    """How far the pair is from independence beyond what noise alone would do, in squared shares;
    0 if it may be noise.

    Under independence the sum of squares is sigma**2 times a chi-square of this number of cells:
    mean k, variance 2 k.
    """
    rows = marginal.table.sum()
    if rows <= 0:
        return 0.0
    squares = ((marginal.table - rows * np.outer(left, right)) ** 2).sum() / marginal.sigma**2
    cells = marginal.table.size
    return (
        float((squares - cells) * (marginal.sigma / rows) ** 2)
        if squares > cells + DEVIATIONS * np.sqrt(2 * cells)
        else 0.0
    )


def raked(counts: Shares, left: Shares, right: Shares) -> Shares:
    """A table near `counts` whose margins are `left` and `right` (iterative proportional fitting:
    Deming and Stephan 1940)."""
    table: Shares = np.maximum(counts / max(counts.sum(), 1.0), 0.0) + 1e-6 * np.outer(left, right)
    for _ in range(RAKINGS):
        table *= (left / np.maximum(table.sum(axis=1), 1e-300))[:, None]
        table *= right / np.maximum(table.sum(axis=0), 1e-300)
    return table


def _forest(
    found: Sequence[Marginal], shares: Mapping[str, Shares], steady: Mapping[str, float]
) -> tuple[Edge, ...]:
    """The strongest pairs without a circle (Kruskal), directed away from the steadiest
    column of each tree."""
    strong = sorted(
        ((strength(pair, *(shares[name] for name in pair.columns)), pair) for pair in found),
        key=lambda scored: (-scored[0], scored[1].columns),
    )
    group = {name: {name} for name in shares}
    chosen: list[Marginal] = []
    for score, pair in strong:
        one, other = (group[name] for name in pair.columns)
        if score > 0 and one is not other:
            chosen.append(pair)
            one |= other
            group.update(dict.fromkeys(other, one))
    edges: list[Edge] = []
    reached: set[str] = set()
    for root in sorted(shares, key=lambda name: (-steady.get(name, 0.0), name)):
        waiting = [] if root in reached else [root]
        while waiting:
            parent = waiting.pop()
            reached.add(parent)
            for pair in chosen:
                child = next((name for name in pair.columns if name != parent), parent)
                if parent in pair.columns and child not in reached:
                    counts = pair.table if pair.columns[0] == parent else pair.table.T
                    edges.append(Edge(parent, child, raked(counts, shares[parent], shares[child])))
                    waiting.append(child)
    return tuple(edges)
