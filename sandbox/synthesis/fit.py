"""Turns the noisy counts into what rows are made of: shares, a first forest of dependences, all pairs.

Pure post-processing of numbers that were released: it costs nothing and can be done again. Rows begin with
the tree of the strongest pairs (Chow and Liu, "Approximating discrete probability distributions with
dependence trees", IEEE Trans. Inf. Theory 14, 1968), because a forest can be sampled at once. All pairs,
also those that would close a circle, are then brought to what was bought by `maximum_entropy.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.seeded_random import Places, Shares
from sandbox.synthesis.categories import Category, categories, is_free
from sandbox.synthesis.marginals import Kind, Marginal, classes_by_column, telling
from sandbox.synthesis.refine import owners, refined

RAKINGS = 50
DEVIATIONS = 4.0  # above what noise alone would do: so that among hundreds of counts none is kept by luck
CHI_SQUARE_DEVIATIONS = 3.5


@dataclass(frozen=True)
class Edge:
    """`table[i, j]`: the share of rows in class i of `parent` and class j of `child`."""

    parent: str
    child: str
    table: Shares


@dataclass(frozen=True)
class Pair:
    """Bought of two columns. `table[i, j]`: the share of rows in class i of `left` and class j of `right`,
    with its noise, so that it may be negative; `noise`: the standard deviation of that in each cell."""

    left: str
    right: str
    table: Shares
    noise: float


@dataclass(frozen=True)
class Narrower:
    """The parts of a column cut finer: the category of each, and its share of all rows."""

    parts: Sequence[Category]
    of: Places
    shares: Shares


@dataclass(frozen=True)
class Fit:
    """Shares of categories by column, the classes they are in, the first dependences in the order of
    sampling, all pairs, units' rows, and the parts that were cut finer."""

    shares: Mapping[str, Shares]
    classes: Mapping[str, Sequence[int]]
    edges: tuple[Edge, ...]
    rows_per_unit: Shares
    steady: Mapping[str, float]  # the share of units with several rows that have all in one category
    pairs: tuple[Pair, ...] = ()
    narrower: Mapping[str, Narrower] = field(default_factory=dict)


def column_shares(policy: DatasetPolicy, marginals: Sequence[Marginal]) -> dict[str, Shares]:
    """The share of each category of each column: no longer negative, adding up to one,
    nothing empty that must not be."""
    bought = {marginal.columns[0]: marginal for marginal in marginals if marginal.kind is Kind.COLUMN}
    made = {}
    for column in telling(policy):
        possible = np.array([not (part.empty and column.required) for part in categories(column)])
        counts = bought[column.name].table[possible]
        if is_free(column):
            counts = without_luck(counts, bought[column.name].sigma)
        shares = np.zeros(len(possible))
        shares[possible] = nearest_shares(counts)
        made[column.name] = shares
    return made


def without_luck(counts: Shares, sigma: float) -> Shares:
    """Counts of which those are zero that noise alone could make.

    A column without bounds has parts at every magnitude: a few rows by luck in the largest would make every
    mean of the column wrong. The largest count stays."""
    clear = counts > DEVIATIONS * sigma
    clear[np.argmax(counts)] = True
    return np.where(clear, np.maximum(counts, 0.0), 0.0)


def fit(policy: DatasetPolicy, marginals: Sequence[Marginal]) -> Fit:
    shares = column_shares(policy, marginals)
    classes = classes_by_column(policy, shares)
    of_classes = class_shares(shares, classes)
    steady, rows_per_unit = {}, np.ones(1)
    for marginal in marginals:
        if marginal.kind is Kind.ROWS_PER_UNIT:
            rows_per_unit = nearest_shares(marginal.table)
        elif marginal.kind is Kind.STEADY:
            same, other = np.maximum(marginal.table[1:], 0.0)
            steady[marginal.columns[0]] = (
                float(same / (same + other)) if same + other > 3 * marginal.sigma else 0.0
            )
    found, rows = [marginal for marginal in marginals if marginal.kind is Kind.PAIR], rows_in_all(marginals)
    return Fit(
        shares,
        classes,
        _forest(found, of_classes, steady, rows),
        rows_per_unit,
        steady,
        tuple(_pair(marginal, rows) for marginal in found) if rows > 0 else (),
        _narrower(policy, shares, marginals),
    )


def rows_in_all(marginals: Sequence[Marginal]) -> float:
    """How many rows there are, by all counts of single columns: the sum of one table alone has the noise of
    all its cells."""
    counted = [marginal for marginal in marginals if marginal.kind is Kind.COLUMN]
    weights = [1 / (len(marginal.counts) * marginal.sigma**2) for marginal in counted]
    sums = [sum(marginal.counts) for marginal in counted]
    return float(np.average(sums, weights=weights)) if counted else 0.0


def _pair(marginal: Marginal, rows: float) -> Pair:
    left, right = marginal.columns
    return Pair(left, right, marginal.table / rows, marginal.sigma / rows)


def _narrower(
    policy: DatasetPolicy, shares: Mapping[str, Shares], marginals: Sequence[Marginal]
) -> dict[str, Narrower]:
    first = {marginal.columns[0]: marginal for marginal in marginals if marginal.kind is Kind.COLUMN}
    finer = {marginal.columns[0]: marginal for marginal in marginals if marginal.kind is Kind.FINE}
    made = {}
    for name, parts in refined(policy, shares, first).items():
        if name in finer and finer[name].shape == (len(parts),):
            column = policy.column(name)
            assert column is not None, "it was counted"
            of = owners(categories(column), parts)
            made[name] = Narrower(parts, of, within(finer[name].table, of, shares[name]))
    return made


def within(counts: Shares, of: Places, shares: Shares) -> Shares:
    """Shares of narrower parts that add up to those of their categories: in each, the nearest to the
    counts."""
    made = np.zeros(len(counts))
    for place, share in enumerate(shares):
        here = of == place
        if here.any():
            made[here] = share * nearest_shares(counts[here])
    return made


def class_shares(shares: Mapping[str, Shares], classes: Mapping[str, Sequence[int]]) -> dict[str, Shares]:
    return {name: np.bincount(classes[name], weights=of).astype(np.float64) for name, of in shares.items()}


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


def largest_by_luck(numbers: int) -> float:
    """What the sum of the squares of so many standard normal numbers hardly ever exceeds (2 in 10,000): the
    quantile of chi-square by Wilson and Hilferty, Proc. Natl. Acad. Sci. 17 (1931)."""
    part = 2 / (9 * numbers)
    return float(numbers * (1 - part + CHI_SQUARE_DEVIATIONS * np.sqrt(part)) ** 3)


def strength(marginal: Marginal, left: Shares, right: Shares, rows: float) -> float:
    """How far the pair is from independence beyond what noise alone would do, in squared shares;
    0 if it may be noise.

    Under independence the sum of squares is sigma**2 times a chi-square of this number of cells.
    """
    if rows <= 0:
        return 0.0
    squares = ((marginal.table - rows * np.outer(left, right)) ** 2).sum() / marginal.sigma**2
    cells = marginal.table.size
    return (
        float((squares - cells) * (marginal.sigma / rows) ** 2) if squares > largest_by_luck(cells) else 0.0
    )


def contrasts(classes: int) -> Shares:
    """Orthonormal columns, each orthogonal to equal weights; the first is the trend over the classes. Shape:
    (classes, classes - 1)."""
    at = np.arange(classes) - (classes - 1) / 2
    basis, _ = np.linalg.qr(np.vander(at, classes, increasing=True))
    return np.asarray(basis[:, 1:])


def raked(counts: Shares, left: Shares, right: Shares) -> Shares:
    """A table near `counts` whose margins are `left` and `right` (iterative proportional fitting:
    Deming and Stephan 1940)."""
    table: Shares = np.maximum(counts / max(counts.sum(), 1.0), 0.0) + 1e-6 * np.outer(left, right)
    for _ in range(RAKINGS):
        table *= (left / np.maximum(table.sum(axis=1), 1e-300))[:, None]
        table *= right / np.maximum(table.sum(axis=0), 1e-300)
    return table


def _forest(
    found: Sequence[Marginal],
    shares: Mapping[str, Shares],
    steady: Mapping[str, float],
    rows: float,
) -> tuple[Edge, ...]:
    """The strongest pairs without a circle (Kruskal), directed away from the steadiest
    column of each tree."""
    strong = sorted(
        ((strength(pair, shares[pair.columns[0]], shares[pair.columns[1]], rows), pair) for pair in found),
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
