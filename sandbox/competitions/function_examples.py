"""Shows and checks an organiser's own metric on examples, which follow from the board's strata: nothing of
the data is looked at."""

from collections.abc import Iterator
from itertools import islice

from sandbox.competitions.boards.function import BadFunction, raw_value, row_value
from sandbox.competitions.document import Board, StratumOfTarget
from sandbox.competitions.schemas import FunctionExample

Value = bool | int | float | str
MOST_TARGETS = 4
OF_TARGET = 2
USUAL: dict[str, list[Value]] = {
    "boolean": [True, False],
    "probability": [True, False],
    "integer": [0, 1, 10],
    "number": [0, 1, 10],
    "text": ["a", "b"],
}
"""Targets of a board whose strata name none, by what is predicted."""


def examples_of(board: Board) -> list[FunctionExample]:
    """None for a board of another metric. Raises `BadFunction`."""
    if board.function is None or board.predicts is None:
        return []
    targets = list(islice(dict.fromkeys(_targets(board.strata)), MOST_TARGETS)) or USUAL[board.predicts]
    return [
        _example(board.function, target, prediction)
        for target in targets
        for prediction in dict.fromkeys(_predictions(board.predicts, target, targets))
    ]


def require_useful(board: Board) -> None:
    """Raises `BadFunction` for a text that is none, and for one that tells no prediction from another."""
    if len({example["value"] for example in examples_of(board)}) == 1:
        raise BadFunction(
            "For all examples the function gives the same, so it ranks nobody. It should give 0 (worst) to 1 "
            "(best).",
            "评分函数对所有示例给出相同的值，无法排名。它应给出 0（最差）到 1（最好）的值。",
        )


def _example(function: str, target: Value, prediction: Value) -> FunctionExample:
    given = raw_value(function, target, prediction)
    example = FunctionExample(
        target=target,
        prediction=prediction,
        value=f"{row_value(function, target, prediction) or 0:.6g}",
    )
    if given is not None:
        example["given"] = f"{given:.6g}"
    return example


def _targets(strata: list[StratumOfTarget]) -> Iterator[Value]:
    for stratum in strata:
        yield from stratum.values[:OF_TARGET]
        low, high = stratum.at_least, stratum.below
        if low is not None and high is not None:
            yield (low + high) / 2
        elif low is not None:
            yield low
        elif high is not None:
            yield high - 1


def _predictions(predicts: str, target: Value, targets: list[Value]) -> list[Value]:
    match predicts:
        case "boolean":
            return [True, False]
        case "probability":
            return [0.0, 0.5, 1.0]
        case "text":
            return [str(one) for one in targets]
    number = 0 if isinstance(target, str) else target
    near: list[Value] = [number, number + 1, number * 2 + 10]
    return [round(float(one)) for one in near] if predicts == "integer" else [float(one) for one in near]
