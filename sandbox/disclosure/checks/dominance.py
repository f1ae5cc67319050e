"""Finds numbers that one or two units dominate, by the n-k rule and the p% rule, on declared contributions.

n-k: the n largest contributions are at most k percent of the total. p%: total - largest - second is at least
p percent of the largest (Hundepool et al., Statistical Disclosure Control, 2012, chapter 4).
"""

from collections.abc import Iterator
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import Roles, words_of
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

NAMES = {
    "total": ({"total"}, {"sum"}, {"总和"}, {"总计"}),
    "top1": ({"top1"}, {"top", "1"}, {"largest"}, {"max1"}, {"最大"}),
    "top2": ({"top2"}, {"top", "2"}, {"second"}, {"second", "largest"}, {"largest", "2"}, {"次大"}),
}


def dominance(subject: Subject) -> Iterator[Finding]:
    tables = [roles for roles in (subject.supporting, *subject.tables) if roles is not None]
    known = [(roles, places) for roles in tables if (places := _places(roles)) is not None]
    if not known:
        if any(
            place not in roles.counts and place not in roles.labels and place not in roles.shares
            for roles in subject.tables
            for place in roles.numeric
        ):
            yield asks(
                "no_contributions",
                "dominance",
                "It is not known how much of each number the largest units make.",
                "Add `total`, `top1` and `top2` (the two largest contributions) to the supporting "
                "counts; or say that the values are bounded so that no unit can dominate.",
                "不知道最大的个体占每个数值多少。",
                "请在支撑计数中加入 total、top1、top2（最大的两个贡献）；或说明取值有界，无人能主导。",
            )
        return
    for roles, (total, first, second) in known:
        for row in range(len(roles.grid.rows)):
            values = [roles.numbers[place][row] for place in (total, first, second)]
            if all(value is not None for value in values):
                whole, largest, next_one = (abs(value) for value in values if value is not None)
                yield from _judge(subject, whole, largest, next_one, roles.grid.cell(row, total))


def _judge(
    subject: Subject, whole: Fraction, largest: Fraction, second: Fraction, where: str
) -> Iterator[Finding]:
    rules = subject.thresholds
    top = largest + (second if rules.dominance_units > 1 else 0)
    if whole and top * 100 > whole * rules.dominance_percent:
        yield blocks(
            "dominance_nk",
            "dominance",
            f"The {rules.dominance_units} largest units make more than "
            f"{rules.dominance_percent} % of a number.",
            "Leave the cell out (and one more), or merge groups.",
            f"最大的 {rules.dominance_units} 个个体占该数值 {rules.dominance_percent}% 以上。",
            "请隐去该格（并再隐去一格）或合并分组。",
            where=where,
        )
    if largest and (whole - largest - second) * 100 < largest * rules.prior_percent:
        yield blocks(
            "dominance_p",
            "dominance",
            f"The second largest unit can work out the largest to within {rules.prior_percent} %.",
            "Leave the cell out (and one more), or merge groups.",
            f"次大个体可将最大个体的值推算到 {rules.prior_percent}% 以内。",
            "请隐去该格（并再隐去一格）或合并分组。",
            where=where,
        )


def _places(roles: Roles) -> tuple[int, int, int] | None:
    found = [
        next((place for place in roles.numeric if words_of(roles.grid.header[place]) in spellings), None)
        for spellings in NAMES.values()
    ]
    total, first, second = found
    return None if total is None or first is None or second is None else (total, first, second)
