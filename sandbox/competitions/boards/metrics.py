"""Metrics of a board: what one person adds to a score, as a whole number of `UNIT`ths.

Of the mean metrics (accuracy, Brier, clipped log loss, clipped absolute and squared error, an organiser's
function) each person has a value in [0, 1], the larger the better: a loss L that is clipped at C is
1 - L/C. Of the metrics of two classes (balanced accuracy, F1, AUC) the score is a function of a few sums.
A person without a usable prediction has the worst value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from sandbox.competitions.boards.function import row_value
from sandbox.errors import InvalidInput

UNIT = 2**20
"""One whole point of a person. A value is rounded to it, so that sums are exact."""


class MetricKind(StrEnum):
    ACCURACY = "accuracy"
    BRIER = "brier"
    LOG_LOSS = "log_loss"
    MAE = "mae"
    RMSE = "rmse"
    FUNCTION = "function"  # of the organiser (boards/function.py)
    BALANCED_ACCURACY = "balanced_accuracy"
    F1 = "f1"
    AUC = "auc"


CLASSES = frozenset({MetricKind.BALANCED_ACCURACY, MetricKind.F1, MetricKind.AUC})
CLIPPED = frozenset({MetricKind.LOG_LOSS, MetricKind.MAE, MetricKind.RMSE})
LOSSES = CLIPPED | {MetricKind.BRIER}


@dataclass(frozen=True)
class Metric:
    """`clip`: the largest loss (log loss, in nats) or error (MAE, RMSE, in the target's unit) of a person.
    `function`: the organiser's expression, for that kind."""

    kind: MetricKind
    clip: Fraction = Fraction(1)
    function: str = ""

    def __post_init__(self) -> None:
        if self.clip <= 0:
            raise InvalidInput(
                "The largest loss of a person must be above 0.",
                code="bad_clip",
                remedy="Give the loss from which all are equally bad, such as 4.",
                zh="每人的最大损失必须大于 0。",
                remedy_zh="请给出封顶的损失值，例如 4。",
            )

    @property
    def of_classes(self) -> bool:
        """Whether it needs the sizes of both classes."""
        return self.kind in CLASSES

    @property
    def smaller_is_better(self) -> bool:
        """Of the number that is shown; within a board, the larger is always the better."""
        return self.kind in LOSSES

    def shown(self, score: float) -> float:
        """A score in [0, 1] as people know the metric: log loss in nats, an error in the target's unit."""
        if self.kind is MetricKind.RMSE:
            return float(self.clip) * math.sqrt(min(1.0, max(0.0, 1 - score)))
        if self.kind in LOSSES:
            return float(self.clip if self.kind in CLIPPED else 1) * (1 - score)
        return score


def person_value(metric: Metric, truth: Sequence[object], predicted: Sequence[object]) -> int:
    """What one person's rows give: the mean over the rows, of 0 to `UNIT`. `truth` and `predicted` have an
    item a row; of losses a number. For a metric of two classes use `class_counts`."""
    if not truth or len(truth) != len(predicted):
        return 0
    total = sum((_row(metric, true, said) for true, said in zip(truth, predicted, strict=True)), Fraction(0))
    return _whole(total / len(truth))


def _whole(value: Fraction) -> int:
    return math.floor(min(Fraction(1), max(Fraction(0), value)) * UNIT + Fraction(1, 2))


def _row(metric: Metric, true: object, said: object) -> Fraction:
    if metric.kind is MetricKind.ACCURACY:
        return Fraction(said is not None and type(said) is type(true) and said == true)
    if metric.kind is MetricKind.FUNCTION:
        return Fraction(row_value(metric.function, true, said) or 0)
    known, number = _number(true), _number(said)
    if number is None or known is None:
        return Fraction(0)
    clip = float(metric.clip)
    match metric.kind:
        case MetricKind.BRIER:
            loss = (number - known) ** 2 if 0 <= number <= 1 else 1.0
        case MetricKind.LOG_LOSS:
            right = number if known else 1 - number
            loss = min(clip, -math.log(right)) / clip if 0 < right <= 1 else 1.0
        case MetricKind.MAE:
            loss = min(clip, abs(number - known)) / clip
        case MetricKind.RMSE:
            loss = (min(clip, abs(number - known)) / clip) ** 2
        case _:
            raise InvalidInput(f"{metric.kind} is no mean over people.", code="bad_metric")
    return 1 - Fraction(min(1.0, max(0.0, loss)))


def _number(value: object) -> float | None:
    """A finite number, or a truth value as 0 or 1."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
