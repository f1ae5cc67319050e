"""Requires that the number of units behind each number is known."""

from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import is_total
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import PICTURES
from sandbox.disclosure.finding import Finding, asks, blocks

REMEDY = (
    (
        "Give a CSV of supporting counts with the same labels and a column `n` (it is not released), "
        "or add a rounded `n` to the table."
    ),
    "请提供支撑计数 CSV（标签列相同，另有列 n，不会发布），或在表中加入取整后的 n。",
)


def supporting_counts(subject: Subject) -> Iterator[Finding]:
    if subject.opened.kind in PICTURES:
        if subject.counts is None:
            yield asks(
                "no_counts",
                "unexplained",
                "No counts stand behind the picture.",
                REMEDY[0],
                "图片没有支撑计数。",
                REMEDY[1],
            )
        return
    for roles in subject.tables:
        statistics = [
            place for place in roles.numeric if place not in roles.counts and place not in roles.labels
        ]
        if not statistics or roles.counts:
            continue
        if subject.supporting is None or not subject.supporting.counts:
            yield blocks(
                "no_counts",
                "unexplained",
                "It is not known how many units stand behind the numbers.",
                REMEDY[0],
                "不知道数值背后有多少个体。",
                REMEDY[1],
                where=roles.grid.where,
            )
            continue
        matched = subject.supported(roles)
        lost = [
            row
            for row, cells in enumerate(roles.grid.rows)
            if row not in matched and not any(map(is_total, cells))
        ]
        if lost:
            yield blocks(
                "counts_do_not_match",
                "unexplained",
                f"{len(lost)} rows have no supporting count, the first is row {lost[0] + 1}.",
                "Give the supporting counts the same label columns and labels as the output.",
                f"有 {len(lost)} 行没有对应的支撑计数，首个为第 {lost[0] + 1} 行。",
                "请使支撑计数的标签列和取值与输出一致。",
                where=roles.grid.where,
            )
