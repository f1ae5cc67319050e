"""Scores predictions as a board does, without its noise: what one person adds to each metric, and the score.

The same definition as the vault's (sandbox/competitions/boards: metrics, classes), in whole numbers of
`UNIT`ths where it is a mean. tests/competitions/test_local_score.py holds both against each other.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from cihu.metric_function import row_value as function_value

UNIT = 2**20
CLASSES = ("balanced_accuracy", "f1", "auc")


def score(
    track: Mapping[str, Any], truth: Sequence[Sequence[Any]], predicted: Sequence[Sequence[Any]]
) -> float | None:
    """The score in [0, 1], the larger the better. `truth` and `predicted` have a list for each person, of an
    item a row. `track` is one of a competition's `board_tracks`. None where there is nobody, or, for a metric
    of two classes, nobody of one class."""
    if not truth:
        return None
    if track["metric"] in CLASSES:
        positive = [is_positive(track["positives"], own[0]) for own in truth]
        if len(set(positive)) < 2:
            return None
        return score_of_classes(track["metric"], positive, [own[0] for own in predicted])
    clip, function = float(Fraction(track["clip"])), track.get("function", "")
    total = sum(
        person_value(track["metric"], clip, own, said, function)
        for own, said in zip(truth, predicted, strict=True)
    )
    return total / (UNIT * len(truth))


def without_value(
    track: Mapping[str, Any], truth: Sequence[Sequence[Any]], predicted: Sequence[Sequence[Any]]
) -> int:
    """For how many rows the organiser's function gives no value, so that they count as 0."""
    if track["metric"] != "function":
        return 0
    rows = [pair for own, said in zip(truth, predicted, strict=True) for pair in zip(own, said, strict=False)]
    return sum(function_value(track["function"], *pair) is None for pair in rows)


def person_value(
    metric: str, clip: float, truth: Sequence[Any], predicted: Sequence[Any], function: str = ""
) -> int:
    """What one person's rows give to a mean: 0 to `UNIT`, the mean over the rows."""
    if not truth or len(truth) != len(predicted):
        return 0
    total = sum(
        (row_value(metric, clip, true, said, function) for true, said in zip(truth, predicted, strict=True)),
        Fraction(0),
    )
    mean = min(Fraction(1), max(Fraction(0), total / len(truth)))
    return math.floor(mean * UNIT + Fraction(1, 2))


def row_value(metric: str, clip: float, true: Any, said: Any, function: str = "") -> Fraction:
    if metric == "function":
        return Fraction(function_value(function, true, said) or 0)
    if metric == "accuracy":
        return Fraction(said is not None and type(said) is type(true) and said == true)
    known, guess = number(true), number(said)
    if guess is None or known is None:
        return Fraction(0)
    if metric == "brier":
        loss = (guess - known) ** 2 if 0 <= guess <= 1 else 1.0
    elif metric == "log_loss":
        right = guess if known else 1 - guess
        loss = min(clip, -math.log(right)) / clip if 0 < right <= 1 else 1.0
    else:
        loss = min(clip, abs(guess - known)) / clip
        loss = loss**2 if metric == "rmse" else loss
    return 1 - Fraction(min(1.0, max(0.0, loss)))


def score_of_classes(metric: str, positive: Sequence[bool], predicted: Sequence[Any]) -> float:
    """Of predictions for people of two classes."""
    positives = sum(positive)
    negatives = len(positive) - positives
    if metric == "auc":
        numbers = [
            float(said) if usable(said) else -math.inf if true else math.inf
            for said, true in zip(predicted, positive, strict=True)
        ]
        others = sorted(one for one, true in zip(numbers, positive, strict=True) if not true)
        beaten = sum(
            bisect_left(others, one) + bisect_right(others, one)
            for one, true in zip(numbers, positive, strict=True)
            if true
        )
        return beaten / (2.0 * positives * negatives)
    said = [one if isinstance(one, bool) else not true for one, true in zip(predicted, positive, strict=True)]
    hits = sum(one and true for one, true in zip(said, positive, strict=True))
    false = sum(one and not true for one, true in zip(said, positive, strict=True))
    if metric == "f1":
        return 2 * hits / (positives + hits + false)
    return (hits / positives + 1 - false / negatives) / 2


def is_positive(strata: Sequence[Mapping[str, Any]], target: Any) -> bool:
    """Whether somebody with this target is of the positive class."""
    return any(holds(stratum, target) for stratum in strata)


def holds(stratum: Mapping[str, Any], target: Any) -> bool:
    if stratum["values"]:
        return any(type(target) is type(value) and target == value for value in stratum["values"])
    low, high = stratum.get("at_least"), stratum.get("below")
    if low is None and high is None:
        return True
    if isinstance(target, bool) or not isinstance(target, int | float):
        return False
    return (low is None or target >= low) and (high is None or target < high)


def usable(said: Any) -> bool:
    return isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said)


def number(value: Any) -> float | None:
    """A finite number, or a truth value as 0 or 1."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def place(value: float, step: float) -> float:
    """The nearest place of a board with this step: a multiple of it within [0, 1]."""
    highest = int(1 / Fraction(str(step)))
    return min(highest, math.floor(Fraction(value) / Fraction(str(step)) + Fraction(1, 2))) * step
