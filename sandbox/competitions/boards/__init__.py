"""Boards that cannot be overfitted: metrics of people, their noise, the Ladder, intervals and ranks.
Pure functions of plain values, but for the noise itself."""

from sandbox.competitions.boards.ladder import Ladder, Place, Told
from sandbox.competitions.boards.metrics import UNIT, Metric, MetricKind, person_value
from sandbox.competitions.boards.noise import NoisyScore, noisy_score
from sandbox.competitions.boards.plan import BoardForm, BoardPlan, plan_board
from sandbox.competitions.boards.ranks import RankRange, rank_ranges
from sandbox.competitions.boards.sizes import Sizes

__all__ = [
    "UNIT",
    "BoardForm",
    "BoardPlan",
    "Ladder",
    "Metric",
    "MetricKind",
    "NoisyScore",
    "Place",
    "RankRange",
    "Sizes",
    "Told",
    "noisy_score",
    "person_value",
    "plan_board",
    "rank_ranges",
]
