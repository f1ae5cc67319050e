"""Requires enough units behind each number, by counts in the table and supporting counts."""

from collections.abc import Iterator

from sandbox.disclosure.checks.numbers import plain
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

SHOWN = 20


def minimum_count(subject: Subject) -> Iterator[Finding]:
    """Cells from 1 to below the threshold, in the output and in the supporting counts that belong to it."""
    least = subject.thresholds.minimum_count
    shown = 0
    tables = [*subject.tables, *([subject.supporting] if subject.supporting else [])]
    for roles in tables:
        for place in roles.counts:
            for row, value in enumerate(roles.numbers[place]):
                if value is not None and 0 < value < least and shown < SHOWN:
                    shown += 1
                    behind = roles is subject.supporting
                    yield blocks(
                        "small_count",
                        "small_group",
                        f"{'Behind a number stand only' if behind else 'A cell counts only'} "
                        f"{plain(value)} units; the least is {least}.",
                        "Merge groups until each has enough, or leave the cell out, and one more so "
                        "that the total does not give it away.",
                        f"{'数值背后仅有' if behind else '单元格仅计'} {plain(value)} "
                        f"个个体，最少为 {least}。",
                        "请合并分组至达到下限，或隐去该格，并再隐去一格以防由合计反推。",
                        where=("supporting counts, " if behind else "") + roles.grid.cell(row, place),
                    )


def found_counts(subject: Subject) -> Iterator[Finding]:
    """Whatever the file is declared as: what is called a count is one."""
    return iter(()) if "minimum_count" in subject.statbarn.checks else minimum_count(subject)
