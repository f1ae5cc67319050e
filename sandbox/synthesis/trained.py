"""Trains a fixed model on the invented rows, as a question that tests it on the real ones.

What a team wants to know of stand-in rows is whether a model that learns on them works on real ones ("train
on synthetic, test on real": Esteban, Hyland and Rätsch, 2017). The model is a logistic regression on the
classes of the other columns, with whole weights, so that its prediction is an SQL expression. How often it
is right on real rows is an ordinary question: rows by what is predicted and what is so, each unit bounded,
priced and noised as any other. A row's loss is 0 or 1, so one unit moves it no more than any count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.catalog.model import Column, DatasetPolicy
from sandbox.catalog.seeded_random import Places, Shares
from sandbox.synthesis.categories import categories, coded, is_ordered, step_of
from sandbox.synthesis.fit import Fit
from sandbox.synthesis.marginals import MOST_PAIRED, Kind, Marginal, Question, labels, table_name, telling
from sandbox.synthesis.sample import Sampled
from sandbox.synthesis.stand_in_accuracy import NORMAL_95

MOST_TARGETS = 2
MOST_FEATURES = 12
ROUNDS = 12
RIDGE = 1.0
SCALE = 1000
"""Weights are whole numbers of thousandths."""


@dataclass(frozen=True)
class Target:
    """What is predicted of a row: whether its value is in one of these categories."""

    column: Column
    of: tuple[bool, ...]

    def words(self) -> dict[str, Any]:
        """For the report: `at_least`, in the column's steps, or `values`."""
        parts = categories(self.column)
        if is_ordered(self.column):
            first = min(part.first for part, yes in zip(parts, self.of, strict=True) if yes)
            return {"at_least": float(first * step_of(self.column))}
        return {
            "values": [
                value for part, yes in zip(parts, self.of, strict=True) if yes for value in part.values
            ][:20]
        }


@dataclass(frozen=True)
class Model:
    """Whole weights of each category of each feature; yes is predicted where their sum is at least zero."""

    target: Target
    weights: Mapping[str, Sequence[int]]
    bias: int

    def predicts(self, places: Mapping[str, Places]) -> Shares:
        """1 or 0 for each row."""
        score = np.full(len(places[self.target.column.name]), self.bias, dtype=np.int64)
        for name, weights in self.weights.items():
            score += np.asarray(weights)[places[name]]
        return (score >= 0).astype(np.float64)


def how_many(policy: DatasetPolicy) -> int:
    """Public: how many models are tested. With one column there is nothing to predict it from."""
    many = len(telling(policy)[:MOST_PAIRED])
    return min(MOST_TARGETS, many) if many > 1 else 0


def targets(policy: DatasetPolicy, fit: Fit, kept: frozenset[tuple[str, str]]) -> list[Target]:
    """The columns with most kept pairs, measures before others; by released numbers alone."""
    tied = {
        column.name: sum(column.name in pair for pair in kept) for column in telling(policy)[:MOST_PAIRED]
    }
    columns = sorted(
        telling(policy)[:MOST_PAIRED], key=lambda column: (not is_ordered(column), -tied[column.name])
    )
    return [Target(column, _half(column, fit.shares[column.name])) for column in columns[: how_many(policy)]]


def train(target: Target, policy: DatasetPolicy, fit: Fit, sampled: Sampled) -> Model:
    """Ridge-penalised logistic regression by Newton's method; the features that matter most."""
    places = sampled.places
    truth = np.array(target.of, dtype=np.float64)[places[target.column.name]]
    names = [column.name for column in telling(policy)[:MOST_PAIRED] if column.name != target.column.name]
    sizes = [max(fit.classes[name]) + 1 for name in names]
    ends = np.cumsum([1, *sizes])
    rows = np.zeros((len(truth), ends[-1]))
    rows[:, 0] = 1.0
    for name, begin in zip(names, ends, strict=False):
        rows[np.arange(len(truth)), begin + np.asarray(fit.classes[name])[places[name]]] = 1.0
    weights = np.zeros(ends[-1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (truth - likely) - RIDGE * weights
        curve = (rows * (likely * (1 - likely) + 1e-6)[:, None]).T @ rows + RIDGE * np.eye(ends[-1])
        weights += np.linalg.solve(curve, slope)
    of = {name: weights[begin : begin + size] for name, begin, size in zip(names, ends, sizes, strict=False)}
    chosen = sorted(names, key=lambda name: -float(np.ptp(of[name])))[:MOST_FEATURES]
    left = sum(float(of[name].mean()) for name in names if name not in chosen)
    whole = {
        name: [round(SCALE * float(of[name][at])) for at in fit.classes[name]]
        for name in names
        if name in chosen
    }
    return Model(target, whole, round(SCALE * (float(weights[0]) + left)))


def question(model: Model, policy: DatasetPolicy) -> Question:
    """Rows by what is predicted (0, 1) and what is so (0, 1)."""
    of = {column.name: column for column in policy.columns}
    guess, truth, n = labels(policy, "predicted", "actual", "n")
    score = " + ".join(
        [str(model.bias), *[coded(categories(of[name]), weights) for name, weights in model.weights.items()]]
    )
    actual = coded(categories(model.target.column), [int(yes) for yes in model.target.of])
    return Question(
        Kind.TRAINED,
        (model.target.column.name,),
        (2, 2),
        f"SELECT CASE WHEN {score} >= 0 THEN 1 ELSE 0 END AS {guess}, {actual} AS {truth}, COUNT(*) AS {n} "
        f"FROM {table_name(policy)} GROUP BY {guess}, {truth}",
    )


def result(model: Model, counts: Marginal, sampled: Sampled) -> dict[str, Any]:
    """How often the model is right on real rows, and how often it is who always names the more frequent
    answer; `error`: how far noise may have moved the difference (95 %); `on_stand_in`: how often it is
    right where it learned."""
    predicted = model.predicts(sampled.places)
    truth = np.array(model.target.of, dtype=np.float64)[sampled.places[model.target.column.name]]
    told: dict[str, Any] = {
        "column": model.target.column.name,
        **model.target.words(),
        "on_stand_in": round(float((predicted == truth).mean()), 3),
    }
    table = counts.table
    rows = float(table.sum())
    if rows <= 3 * counts.sigma * 2:  # noise hides how many rows there are
        return told | {"right": None, "baseline": None, "error": None}
    right = np.eye(2)
    more = int(table[:, 1].sum() >= table[:, 0].sum())
    usual = np.zeros((2, 2))
    usual[:, more] = 1.0
    shares = [float((table * each).sum()) / rows for each in (right, usual)]
    gain = shares[0] - shares[1]
    error = NORMAL_95 * counts.sigma * float(np.sqrt(((right - usual - gain) ** 2).sum())) / rows
    of_right, of_usual = (round(min(max(share, 0.0), 1.0), 3) for share in shares)
    return told | {"right": of_right, "baseline": of_usual, "error": round(error, 3)}


def _half(column: Column, shares: Shares) -> tuple[bool, ...]:
    """The upper half of a column with an order, as near as its parts allow; else its most frequent
    category."""
    parts = categories(column)
    filled = np.array([not part.empty for part in parts])
    if not is_ordered(column):
        most = int(np.argmax(np.where(filled, shares, -1.0)))
        return tuple(at == most for at in range(len(parts)))
    above = np.cumsum((shares * filled)[::-1])[::-1]
    places = np.flatnonzero(filled)[1:]
    cut = int(places[np.argmin(np.abs(above[places] - above[filled][0] / 2))])
    return tuple(bool(filled[at]) and at >= cut for at in range(len(parts)))
