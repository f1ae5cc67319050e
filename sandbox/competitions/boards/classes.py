"""Sums of the metrics of two classes, of which the sizes are public.

A part of a stratified split has exactly P people of the positive and N of the negative class. So two sums
say all of a confusion matrix: of the positives, how many were found (TP), and of the negatives, how many
were taken for positive (FP). One person is in one of them only. AUC is one sum: over all pairs of a positive
and a negative, 2 where the positive has the higher prediction, 1 where both have the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sandbox.competitions.boards.metrics import Metric, MetricKind
from sandbox.competitions.boards.sizes import Sizes

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassSums:
    """Whole numbers, and by how much one person changes them at most (L2). A person who is exchanged for
    another of the same class, or who is missing, changes one of them."""

    values: tuple[int, ...]
    sensitivity: int


def class_sums(
    metric: Metric, sizes: Sizes, positive: Sequence[bool], predicted: Sequence[object]
) -> ClassSums:
    """`positive` and `predicted` have an item for each person. A prediction is a truth value for balanced
    accuracy and F1, a finite number for AUC; another is the worst of its class."""
    positives, negatives = sizes.classes
    if metric.kind is MetricKind.AUC:
        numbers = [_score(said, true) for said, true in zip(predicted, positive, strict=True)]
        of_positives = [number for number, true in zip(numbers, positive, strict=True) if true]
        of_negatives = sorted(number for number, true in zip(numbers, positive, strict=True) if not true)
        found = sum(_beaten(number, of_negatives) for number in of_positives)
        return ClassSums((found,), 2 * max(positives, negatives))
    said = [one if isinstance(one, bool) else not true for one, true in zip(predicted, positive, strict=True)]
    hits = sum(one and true for one, true in zip(said, positive, strict=True))
    false = sum(one and not true for one, true in zip(said, positive, strict=True))
    return ClassSums((hits, false), 1)


def _score(said: object, true: bool) -> float:  # noqa: FBT001
    usable = isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)
    return float(said) if usable else -math.inf if true else math.inf  # type: ignore[arg-type]


def _beaten(number: float, of_negatives: list[float]) -> int:
    low, high = (
        np.searchsorted(of_negatives, [number], "left")[0],
        np.searchsorted(of_negatives, [number], "right")[0],
    )
    return int(low + high)


def score_of_sums(metric: Metric, sizes: Sizes, sums: Sequence[Array | float]) -> Array:
    """The score of such sums, noise included, within [0, 1]; sums may be arrays, of many cases at once."""
    positives, negatives = sizes.classes
    if metric.kind is MetricKind.AUC:
        score = np.asarray(sums[0], float) / (2.0 * positives * negatives)
        return np.clip(score, 0.0, 1.0)
    hits = np.clip(np.asarray(sums[0], float), 0, positives)
    false = np.clip(np.asarray(sums[1], float), 0, negatives)
    if metric.kind is MetricKind.F1:
        return np.asarray(2 * hits / (positives + hits + false), float)
    return np.asarray((hits / positives + 1 - false / negatives) / 2, float)
