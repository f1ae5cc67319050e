"""Finds survival curves that step at single events."""

from collections.abc import Iterator
from itertools import pairwise

from sandbox.disclosure.checks.column_roles import words_of
from sandbox.disclosure.checks.numbers import plain
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

RISK_WORDS = ({"at", "risk"}, {"n", "at", "risk"}, {"n", "risk"}, {"atrisk"}, {"number", "at", "risk"})


def survival_steps(subject: Subject) -> Iterator[Finding]:
    """The number at risk falls in steps of the least count or not at all; the last is not below it."""
    least = subject.thresholds.minimum_count
    for roles in subject.tables:
        for place in roles.numeric:
            said = words_of(roles.grid.header[place])
            if said not in RISK_WORDS and "风险" not in roles.grid.header[place]:
                continue
            values = [value for value in roles.numbers[place] if value is not None]
            for row, (before, after) in enumerate(pairwise(values)):
                if 0 < before - after < least:
                    yield blocks(
                        "survival_step",
                        "single_unit",
                        f"The number at risk falls by {plain(before - after)}: a step of single events.",
                        f"Give the curve at fewer times, so that each step has at least {least} units.",
                        f"风险集人数仅下降 {plain(before - after)}：该步对应个别事件。",
                        f"请减少时间点，使每步至少有 {least} 个个体。",
                        where=roles.grid.cell(row + 1, place),
                    )
                    break
            if values and 0 < values[-1] < least:
                yield blocks(
                    "small_count",
                    "small_group",
                    f"At the end of the curve only {plain(values[-1])} units are at "
                    f"risk; the least is {least}.",
                    "End the curve earlier.",
                    f"曲线末端仅有 {plain(values[-1])} 个个体，最少为 {least}。",
                    "请提前截断曲线。",
                    where=roles.grid.cell(len(values) - 1, place),
                )
