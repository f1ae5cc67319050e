"""Finds numbers of single units: residuals, fitted values, predictions, leverage."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import folded
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

NAMES = re.compile(
    r"(?:.*[_ ])?(?:resid(?:ual)?s?|fitted(?:[_ ]?values?)?|y[_ "
    r"]?hat|yhat|predict(?:ed|ions?)|leverage|cooks?(?:[_ ]?d(?:istance)?)?|"
    r"hat[_ ]?values?|dfbetas?|dffits|propensity(?:[_ "
    r"]?scores?)?|influence|studentized|random[_ ]effects?|y[_ ]?(?:pred|true)|loss(?:es)?)"
    r"(?:[_ ]\d+)?|.*(?:残差|拟合值|预测值|杠杆值|倾向得分).*",
    re.IGNORECASE,
)
ENOUGH_ROWS = 8
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
    are averages of groups."""
    for roles in subject.tables:
        for place in roles.numeric:
            name = folded(roles.grid.header[place])
            if NAMES.fullmatch(name) and len(roles.grid.rows) >= ENOUGH_ROWS and not roles.counts:
                yield blocks(
                    "residuals",
                    "single_unit",
                    f"The column {roles.grid.header[place]!r} has a value for each unit.",
                    REMEDY[0],
                    f"列 {roles.grid.header[place]!r} 是逐个体的值。",
                    REMEDY[1],
                    where=roles.grid.cell(0, place),
                )
    for where, length in subject.opened.lists:
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
