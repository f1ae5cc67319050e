"""Ranks as ranges: which places a team may truly have, by the intervals of all."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.competitions.boards.intervals import Interval


@dataclass(frozen=True)
class RankRange:
    """From 1; both included. Teams that cannot be told apart share a range."""

    best: int
    worst: int


def rank_ranges(intervals: Mapping[str, Interval]) -> dict[str, RankRange]:
    """Each team's range: below all whose interval lies wholly above its own, above all that lie wholly below.
    If the intervals hold all true scores at once, so do the ranges hold all true ranks."""
    return {
        team: RankRange(
            1 + sum(other.low > own.high for other in intervals.values()),
            sum(other.high >= own.low for other in intervals.values()),
        )
        for team, own in intervals.items()
    }
