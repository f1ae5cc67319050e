"""Finds empty cells that reveal that nobody in a group has a property."""

from collections.abc import Iterator

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding


def zero_cells(subject: Subject) -> Iterator[Finding]:
    for roles in subject.tables:
        zeros = [
            (row, place)
            for place in roles.counts
            for row, value in enumerate(roles.numbers[place])
            if value == 0
        ]
        if zeros:
            yield Finding(
                "zero_cell",
                "class_disclosure",
                subject.thresholds.zero_cells,
                f"{len(zeros)} cells are 0: nobody of these groups is so.",
                "Say why they must be empty (impossible combinations), or merge groups.",
                f"有 {len(zeros)} 个单元格为 0：这些组中无人属于该类。",
                "请说明为何必然为空（不可能的组合），或合并分组。",
                where=roles.grid.cell(*zeros[0]),
            )
