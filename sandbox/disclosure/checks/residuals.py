"""Finds numbers of single units: residuals, fitted values, predictions, leverage."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import Roles, folded
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

NAMES = re.compile(
    r"(?:.*[_ ])?(?:resid(?:ual)?s?|fitted(?:[_ ]?values?)?|y[_ "
    r"]?hat|yhat|predict(?:ed|ions?)|leverage|cooks?(?:[_ ]?d(?:istance)?)?|"
    r"hat[_ ]?values?|dfbetas?|dffits|propensity(?:[_ "
    r"]?scores?)?|influence|studentized|random[_ ]effects?|y[_ ]?(?:pred|true)|loss(?:es)?)"
    r"(?:[_ ]\d+)?|.*(?:残差|拟合值|预测值|杠杆值|倾向得分).*",
    re.IGNORECASE,
)
ENOUGH_ROWS, ENOUGH_CELLS = 8, 20
STEPS = re.compile(
    r"epochs?|steps?|iter(?:ation)?s?|rounds?|batch(?:es)?|轮次?|步数?|迭代(?:次数)?", re.IGNORECASE
)
METRICS = re.compile(
    r"(?:(?:val|train(?:ing)?|valid(?:ation)?|test|eval)[_ ])?(?:loss(?:es)?|acc(?:uracy)?|binary_accuracy|"
    r"auc|precision|recall|f1(?:[_ ]score)?|mae|mse|rmse|log[_ ]?loss|perplexity|lr|learning[_ ]rate|"
    r"(?:mean_(?:squared|absolute)_)?error|seconds|time|损失|准确率|学习率)(?:[_ ]\d+)?",
    re.IGNORECASE,
)
REMEDY = (
    (
        "Release the model's coefficients and its fit, not what it says of each unit; or "
        "residuals averaged over bins of enough units."
    ),
    "请输出模型系数和拟合优度，而非逐个体的值；或输出按足够大的分组平均后的残差。",
)


def residuals(subject: Subject) -> Iterator[Finding]:
    return _residuals(subject)


def found_residuals(subject: Subject) -> Iterator[Finding]:
    return iter(()) if "residuals" in subject.statbarn.checks else _residuals(subject)


def _residuals(subject: Subject) -> Iterator[Finding]:
    """Columns and long lists with such a name, unless counts beside them say that they
    are averages of groups. What a training run says of its steps is asked about, whatever it measures."""
    for roles in subject.tables:
        rows = len(roles.grid.rows)
        if is_history(roles) and rows < subject.thresholds.microdata_rows:
            if rows >= ENOUGH_ROWS or rows * len(roles.numeric) >= ENOUGH_CELLS:
                yield _asked(
                    roles.grid.header[roles.numeric[-1] if roles.numeric else 0], roles.grid.cell(0, 0)
                )
            continue
        for place in roles.numeric:
            name = folded(roles.grid.header[place])
            if NAMES.fullmatch(name) and rows >= ENOUGH_ROWS and not roles.counts:
                yield blocks(
                    "residuals",
                    "single_unit",
                    f"The column {roles.grid.header[place]!r} has a value for each unit.",
                    REMEDY[0],
                    f"列 {roles.grid.header[place]!r} 是逐个体的值。",
                    REMEDY[1],
                    where=roles.grid.cell(0, place),
                )
    histories = any(is_history(roles) for roles in subject.tables)
    for where, length in subject.opened.lists:
        if histories and length < subject.thresholds.microdata_rows:
            continue  # it is a column of that table
        if NAMES.fullmatch(folded(where.rpartition(".")[2])):
            yield blocks(
                "residuals",
                "single_unit",
                f"The list {where!r} has {length} values, one for each unit.",
                REMEDY[0],
                f"列表 {where!r} 有 {length} 个逐个体的值。",
                REMEDY[1],
                where=where,
            )


def is_history(roles: Roles) -> bool:
    """Whether a table is what a training run says of its steps: nothing but metrics, beside steps that are
    counted one by one, or in the order of their lists (Keras)."""
    names = [folded(name) for name in roles.grid.header]
    steps = [place for place, name in enumerate(names) if STEPS.fullmatch(name)]
    others = [name for place, name in enumerate(names) if place not in steps]
    if not others or len(steps) > 1 or not all(METRICS.fullmatch(name) for name in others):
        return False
    return all(_counts_on(roles.grid.column(place)) for place in steps)


def _counts_on(cells: list[str]) -> bool:
    first = cells[0] if cells else ""
    return first.isdecimal() and cells == [str(int(first) + place) for place in range(len(cells))]


def _asked(name: str, where: str) -> Finding:
    return asks(
        "training_history",
        "single_unit",
        f"The column {name!r} is read as a value for each step of a training run.",
        "Confirm that its rows are steps (epochs), not units.",
        f"列 {name!r} 视为训练过程中逐步的值。",
        "请确认每行是一个训练步骤（轮次），而非一个个体。",
        where=where,
    )
