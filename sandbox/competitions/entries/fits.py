"""Boards and entries as plain values, and whether an entry fits a board: by public things alone."""

from dataclasses import dataclass
from uuid import UUID

from sandbox.budgets import Part
from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.competitions.boards import BoardPlan, MetricKind
from sandbox.competitions.entries.linear import Constant, LinearModel
from sandbox.errors import InvalidInput
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.predict_people import seconds_a_person
from sandbox.splits import Split

NUMBERS = ("number", "integer")
KINDS: dict[MetricKind, tuple[str, ...]] = {
    MetricKind.BRIER: ("probability",),
    MetricKind.LOG_LOSS: ("probability",),
    MetricKind.AUC: ("probability", "number"),
    MetricKind.MAE: NUMBERS,
    MetricKind.RMSE: NUMBERS,
    MetricKind.F1: ("boolean",),
    MetricKind.BALANCED_ACCURACY: ("boolean",),
}
"""What an entry must predict, by metric; for the others anything that the target can be compared with."""


@dataclass(frozen=True)
class Board:
    """`key`: names the board, whose places are one Ladder a team. `plan` has its metric, sizes and price.
    `limit_seconds`: of one entry, for all people together: it also says when a place is told. `predicts`:
    what an entry predicts for a function of the organiser; for other metrics `KINDS` says it."""

    key: str
    split: UUID
    part: Part
    plan: BoardPlan
    limit_seconds: int
    predicts: str = ""


@dataclass(frozen=True)
class Entry:
    """`program`: a predictor, or the one of a model (`model_program`): text that its team holds, so nothing
    of it is fitted on rows here. `evaluated`: what the vault computes, in place of calling the program."""

    id: UUID
    team: str
    by: str
    program: Program
    interface: Interface
    evaluated: LinearModel | Constant | None = None


def require_fits(board: Board, entry: Entry, split: Split, policy: DatasetPolicy) -> None:
    """Raises `InvalidInput`; nothing was charged."""
    target, given = split.form.target, entry.interface.columns
    if len(entry.interface.predicts) != 1 or target in given:
        raise InvalidInput(
            "An entry predicts one name, and is not given the target.",
            code="bad_entry",
            remedy=f"Declare one predicted name, and columns without {target}.",
            zh="提交只能有一个预测名，且输入栏目不得包含目标。",
            remedy_zh=f"请只声明一个预测名，且栏目中不含 {target}。",
        )
    shown = [column.name for column in policy.columns if column.role not in (Role.HIDDEN, Role.UNIT)]
    if unknown := [name for name in given if name not in shown]:
        features = [name for name in shown if name != target]
        raise InvalidInput(
            f"{policy.dataset} has no column {unknown[0]!r} for entries.",
            code="bad_entry",
            remedy=f"Use some of {', '.join(features)}.",
            zh=f"{policy.dataset} 没有可供提交使用的栏目 {unknown[0]!r}。",
            remedy_zh=f"可用：{'、'.join(features)}。",
        )
    (kind,) = entry.interface.predicts.values()
    metric = board.plan.form.metric
    allowed = (board.predicts,) if board.predicts else KINDS.get(metric.kind)
    if allowed is not None and kind not in allowed:
        raise InvalidInput(
            f"For {metric.kind.value} an entry predicts {' or '.join(allowed)}.",
            code="bad_entry",
            remedy="Declare the predicted name so.",
            zh=f"指标 {metric.kind.value} 要求预测类型为 {' 或 '.join(allowed)}。",
            remedy_zh="请相应声明预测名的类型。",
        )
    people = split.form.live if board.part is Part.LIVE else split.form.final
    sizes, positives = board.plan.form.sizes, split.form.positives(board.part.value)
    if sizes.people != people or (metric.of_classes and sizes.positives != positives):
        raise InvalidInput(
            "The board's sizes are not those of the split.",
            code="bad_sizes",
            remedy=f"Plan the board for the {people} people of this part.",
            zh="榜单的人数与划分不符。",
            remedy_zh=f"请按该部分的 {people} 人规划榜单。",
        )
    if entry.evaluated is None:
        seconds_a_person(board.limit_seconds, people)
