"""Lays out the bars of a board: scores with their intervals on one scale, drawn by the server as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.vault import Answer

WIDTH, HEIGHT, LEAST_SPAN = 160, 14, 0.02


@dataclass(frozen=True)
class ScoreBar:
    """From `start` the interval is `length` long; the score stands at `point`. In units of the picture."""

    start: float
    length: float
    point: float
    width: int = WIDTH
    height: int = HEIGHT


def score_bars(lines: Sequence[Answer]) -> list[ScoreBar]:
    """One a line. All have the same scale, from the lowest low to the highest high."""
    if not lines:
        return []
    low = min(float(line["low"]) for line in lines)
    high = max(float(line["high"]) for line in lines)
    span = max(high - low, LEAST_SPAN)

    def at(value: str) -> float:
        return round((WIDTH - 2) * min(1.0, max(0.0, (float(value) - low) / span)) + 1, 1)

    return [
        ScoreBar(at(line["low"]), round(max(1.0, at(line["high"]) - at(line["low"])), 1), at(line["score"]))
        for line in lines
    ]
