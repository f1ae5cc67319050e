"""Brings invented rows to all pairs that were bought: the rows of largest entropy that keep what rises above
the noise.

The distribution is a log-linear model with a parameter for each pair of classes, as in Private-PGM
(McKenna, Sheldon and Miklau, "Graphical-model based estimation and inference for differential privacy",
ICML 2019). There it is computed in a junction tree, which a circle of many columns makes too wide. Here the
rows themselves are the estimate: each sweep draws every column anew given the others (Gibbs), and then
moves the parameters by the difference between the rows' tables and the bought ones (stochastic
approximation with a persistent chain: Younes 1989; Tieleman, ICML 2008). Work is bounded by public numbers:
rows, columns, classes, sweeps.

Only what rises above the noise is matched. A table is seen in orthonormal contrasts, of which the first is
the trend over the classes; a contrast is kept where the bought table and the rows differ by more than noise
does in one of all contrasts of all pairs (the universal threshold of Donoho and Johnstone, Biometrika 81,
1994), or where the table as a whole differs by more. All else stays as independent as the kept contrasts
allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sandbox.catalog.seeded_random import Chance, Places, Shares
from sandbox.synthesis.fit import Pair, contrasts, largest_by_luck

SWEEPS = 160
LOOK_EVERY = 10  # sweeps after which contrasts are looked for anew
FIRST_RATE, LAST_RATE = 0.4, 0.04
MOST_STEP, MOST_PARAMETER = 0.5, 8.0
LEAST_SHARE = 1e-7
MARGIN = 1.15  # the largest of noise alone reaches the threshold itself every fifth time
LEAST_DEVIATIONS = 3.3
"""A trend differs by at least so much: there is one a pair, so few are kept by luck."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Units:
    """Whose rows are invented: the first row of each unit; for each column that is steady in some units,
    which units these are."""

    starts: Places
    sizes: Places
    steady: Mapping[str, NDArray[np.bool_]]


@dataclass
class _Table:
    """A pair while it is fitted. `kept[p, q]`: the contrast is matched."""

    pair: Pair
    left: NDArray[np.float64]  # contrasts of the left column's classes: (classes, classes - 1)
    right: NDArray[np.float64]
    rows: slice
    columns: slice
    kept: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.kept = np.zeros((self.left.shape[1], self.right.shape[1]), dtype=bool)

    def difference(self, moments: Shares) -> Shares:
        """Bought less made, by contrast."""
        return self.left.T @ (self.pair.table - moments[self.rows, self.columns]) @ self.right

    def curvature(self, moments: Shares) -> Shares:
        """About how fast each contrast moves with its parameter."""
        made = np.maximum(moments[self.rows, self.columns], 0.0)
        curved: Shares = (self.left**2).T @ made @ (self.right**2)
        return np.maximum(curved, 0.02 / (made.size))


def universal(many: int) -> float:
    """How many standard deviations the largest of so many numbers of noise alone reaches."""
    return float(MARGIN * np.sqrt(2 * np.log(max(many, 2))))


@dataclass(frozen=True)
class Matched:
    """The class of each row by column, and the pairs of which something rose above the noise."""

    classes: dict[str, Places]
    kept: frozenset[tuple[str, str]]


def matched(
    chance: Chance,
    start: Mapping[str, Places],
    shares: Mapping[str, Shares],
    pairs: Sequence[Pair],
    units: Units,
) -> Matched:
    """The class of each row in each column of `start`, so that the kept contrasts of all pairs hold.

    `shares`: of each column's classes. Where no pair differs from `start` by more than noise, it is returned.
    """
    chain = _Chain(chance, start, shares, pairs, units)
    clear = chain.clear()
    if not chain.look():
        return Matched(dict(start), clear)
    for sweep in range(SWEEPS):
        chain.draw()
        chain.move(FIRST_RATE * (LAST_RATE / FIRST_RATE) ** (sweep / SWEEPS))
        if sweep % LOOK_EVERY == LOOK_EVERY - 1 and sweep < SWEEPS * 3 // 4:
            chain.look()
    return Matched(chain.places, clear)


class _Chain:
    def __init__(
        self,
        chance: Chance,
        start: Mapping[str, Places],
        shares: Mapping[str, Shares],
        pairs: Sequence[Pair],
        units: Units,
    ) -> None:
        self.chance, self.units = chance, units
        paired = {name for pair in pairs for name in (pair.left, pair.right)}
        self.names = [name for name in start if name in paired]
        self.places = dict(start)
        self.shares = {name: np.maximum(shares[name], LEAST_SHARE) for name in self.names}
        self.count = len(next(iter(start.values())))
        ends = np.cumsum([0, *[len(self.shares[name]) for name in self.names]])
        self.at = {name: slice(int(ends[n]), int(ends[n + 1])) for n, name in enumerate(self.names)}
        self.parameters = np.zeros((ends[-1], ends[-1]))
        self.alone = np.log(np.concatenate([self.shares[name] for name in self.names]) if self.names else [])
        self.rows: Floats = np.zeros((self.count, ends[-1]), dtype=np.float32)
        for name in self.names:
            self.rows[np.arange(self.count), self.at[name].start + self.places[name]] = 1.0
        self.tables = [
            _Table(
                pair,
                contrasts(pair.table.shape[0]),
                contrasts(pair.table.shape[1]),
                self.at[pair.left],
                self.at[pair.right],
            )
            for pair in pairs
        ]
        self.threshold = universal(sum(table.kept.size for table in self.tables))
        self.trend_threshold = max(LEAST_DEVIATIONS, universal(len(self.tables)))
        # rows of one unit that agree count as one: the chain's own chance is larger by a unit's rows
        self.rows_each = self.count / max(len(units.starts), 1)
        self.unit_of = np.repeat(np.arange(len(units.sizes)), units.sizes)
        # two columns that are both steady in a unit meet there once, not in every row
        each = 1 / units.sizes
        self.weights = {
            name: np.where(units.steady[name], each, 1.0)[self.unit_of, None].astype(np.float32)
            for name in self.names
        }
        self.steady_rows = {name: units.steady[name][self.unit_of] for name in self.names}
        self.weighted = self.rows.copy()
        for name, at in self.at.items():
            self.weighted[:, at] *= self.weights[name]

    def moments(self) -> Shares:
        """The share of rows in each pair of classes, for all pairs of columns at once."""
        return np.asarray(self.rows.T @ self.rows, dtype=np.float64) / self.count

    def clear(self) -> frozenset[tuple[str, str]]:
        """The pairs that differ from independence beyond chance."""
        found = set()
        for table in self.tables:
            alone = np.outer(self.shares[table.pair.left], self.shares[table.pair.right])
            deviations = table.left.T @ (table.pair.table - alone) @ table.right / table.pair.noise
            if self._differs(deviations).any():
                found.add((table.pair.left, table.pair.right))
        return frozenset(found)

    def _differs(self, deviations: Shares) -> NDArray[np.bool_]:
        """In which contrasts a table differs, where noise has a standard deviation of one."""
        if (deviations**2).sum() > largest_by_luck(deviations.size):
            return np.ones(deviations.shape, dtype=bool)
        differs = np.abs(deviations) > self.threshold
        differs[0, 0] |= abs(deviations[0, 0]) > self.trend_threshold
        return np.asarray(differs)

    def look(self) -> bool:
        """Keep the contrasts in which rows and bought counts differ beyond chance; whether any is kept."""
        moments = self.moments()
        for table in self.tables:
            size = table.pair.table.size
            noise = np.sqrt(table.pair.noise**2 + self.rows_each / (size * self.count))
            table.kept |= self._differs(table.difference(moments) / noise)
        return any(table.kept.any() for table in self.tables)

    def move(self, rate: float) -> None:
        """Move the parameters towards the bought counts."""
        moments = self.moments()
        for table in self.tables:
            if not table.kept.any():
                continue
            step = np.where(table.kept, table.difference(moments) / table.curvature(moments), 0.0)
            change = np.clip(rate * (table.left @ step @ table.right.T), -MOST_STEP, MOST_STEP)
            moved = np.clip(
                self.parameters[table.rows, table.columns] + change, -MOST_PARAMETER, MOST_PARAMETER
            )
            self.parameters[table.rows, table.columns] = moved
            self.parameters[table.columns, table.rows] = moved.T
        made = np.maximum(np.diag(moments), LEAST_SHARE)
        wanted = np.concatenate([self.shares[name] for name in self.names])
        self.alone += np.clip(rate * np.log(wanted / made), -MOST_STEP, MOST_STEP)
        self.alone[wanted <= LEAST_SHARE] = np.log(LEAST_SHARE) - MOST_PARAMETER * len(self.names)

    def draw(self) -> None:
        """Draw each column anew, given the others: in a unit where it is steady, for all its rows at once."""
        for name in self.names:
            at = self.at[name]
            parameters = self.parameters[:, at].astype(np.float32)
            alone = self.alone[at].astype(np.float32)
            drawn = self._chosen(self.rows @ parameters + alone)
            if self.steady_rows[name].any():
                together = np.add.reduceat(self.weighted @ parameters, self.units.starts) + alone
                drawn = np.where(self.steady_rows[name], self._chosen(together)[self.unit_of], drawn)
            self.places[name] = drawn
            self.rows[:, at] = drawn[:, None] == np.arange(at.stop - at.start)
            self.weighted[:, at] = self.rows[:, at] * self.weights[name]

    def _chosen(self, weights: Floats) -> Places:
        """A class for each line, as likely as the exponential of its weight."""
        likely = np.exp(weights - weights.max(axis=1, keepdims=True))
        upto = np.cumsum(likely, axis=1)
        chosen = self.chance.shares(len(upto)).astype(np.float32) * upto[:, -1]
        return np.asarray(
            np.minimum((upto < chosen[:, None]).sum(axis=1), weights.shape[1] - 1), dtype=np.int64
        )
