"""Finds columns that could spell raw values with few signs: one of two signs in each row is a bit a row.

A column of estimates that are all 0.1 or -0.1, a word beside each group that no group needs, a count that is
the same or suppressed: nothing in such a column is a raw value, and no check of values finds it. People look
at it. What the rows are of (their keys) is not meant, nor a column that says the same throughout.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import lgamma, log, log2, prod

from sandbox.disclosure.checks.column_roles import Roles, folded, is_total
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks

ENOUGH_ROWS, MOST_KINDS = 20, 19
"""From 20 different cells on, `free_values` asks."""
ENOUGH_CELLS, MANY_CELLS = 40, 100
MOST_SPARSE = 8
"""Groups that the keys could make, for each that stands there."""
LEAST_CHANGES = 6
"""From row to row; what lies in blocks, as the levels of a design do, changes less often."""


def few_values(subject: Subject) -> Iterator[Finding]:
    for roles in subject.tables:
        rows = [row for row in roles.grid.rows if not any(map(is_total, row))]
        if len(rows) * 2 < len(roles.grid.rows):
            rows = list(roles.grid.rows)  # so many totals are none
        if len(rows) < ENOUGH_ROWS:
            yield from _of_whole(roles, rows)
            continue
        for place, name in enumerate(roles.grid.header):
            cells = [row[place] for row in rows]
            kinds = len(set(cells))
            if not 2 <= kinds <= MOST_KINDS or _changes(cells) < LEAST_CHANGES or folded(name) in roles.keys:
                continue
            if kinds > 2 and place in roles.counts:
                continue  # rounded counts of groups of like size
            if place in roles.labels and _is_key(roles, rows, place):
                continue
            yield asks(
                "few_values",
                "hidden_content",
                f"The column {name[:60]!r} has only {kinds} different cells in {len(rows)} rows, which "
                f"change from row to row: it could spell {len(rows) * log2(kinds):,.0f} bits.",
                "Say what it shows; leave out a column that says nothing of its groups.",
                f"列 {name[:60]!r} 在 {len(rows)} 行中只有 {kinds} 种取值且逐行变化：可编码 "
                f"{len(rows) * log2(kinds):,.0f} 比特。",
                "请说明其含义；请去掉与各组无关的列。",
                where=roles.grid.cell(0, place),
            )
            break
        yield from _of_keys(roles, rows)


def _of_keys(roles: Roles, rows: list[tuple[str, ...]]) -> Iterator[Finding]:
    """Columns that together say which group a row is, and cross in few of all ways: which, can say
    something."""
    keys = [place for place in roles.labels if _is_key(roles, rows, place)]
    groups = prod(len({row[place] for row in rows}) for place in keys)
    if groups > MOST_SPARSE * len(rows):
        bits = (lgamma(groups + 1) - lgamma(len(rows) + 1) - lgamma(groups - len(rows) + 1)) / log(2)
        names = ", ".join(repr(roles.grid.header[place][:40]) for place in keys[:4])
        yield asks(
            "few_values",
            "hidden_content",
            f"{len(rows)} of {groups:,} groups that {names} could make stand here: which could spell "
            f"{bits:,.0f} bits.",
            "Group by fewer columns; or say why the other groups are absent.",
            f"{names} 可组成 {groups:,} 个组，此处仅有 {len(rows)} 个：出现哪些组可编码 {bits:,.0f} 比特。",
            "请减少分组栏；或说明其他组为何不出现。",
            where=roles.grid.where,
        )


def _of_whole(roles: Roles, rows: list[tuple[str, ...]]) -> Iterator[Finding]:
    """A short wide table of two signs: a bit a cell. Of more kinds such tables have rounded counts. And one
    of many columns of words that change from row to row."""
    words = [place for place in range(1, len(roles.grid.header)) if place not in roles.numeric]
    change = [place for place in words if _changes([row[place] for row in rows]) * 4 > len(rows)]
    if len(change) * len(rows) >= MANY_CELLS:
        yield asks(
            "few_values",
            "hidden_content",
            f"{len(change)} columns of words change from row to row in {len(change) * len(rows)} cells: each "
            "word could stand for something else.",
            "Say what each shows; leave out what says nothing of its groups.",
            f"{len(change)} 列文字共 {len(change) * len(rows)} 个单元格逐行变化：每个词都可能另有所指。",
            "请说明各列含义；请去掉与各组无关的内容。",
            where=roles.grid.where,
        )
        return
    aside = (
        {*roles.labels, *roles.counts} if len(roles.counts) * 2 < len(roles.grid.header) else {*roles.labels}
    )
    places = [place for place in range(len(roles.grid.header)) if place not in aside]
    cells = [row[place] for row in rows for place in places]
    if len(cells) >= ENOUGH_CELLS and len(set(cells)) == 2 and _changes(cells) >= ENOUGH_ROWS:
        yield asks(
            "few_values",
            "hidden_content",
            f"The table has only two different cells in {len(cells)} places, which change from place "
            f"to place: it could spell {len(cells)} bits.",
            "Say what it shows; leave out what says nothing of its groups.",
            f"该表 {len(cells)} 个单元格中只有两种取值且逐格变化：可编码 {len(cells)} 比特。",
            "请说明其含义；请去掉与各组无关的内容。",
            where=roles.grid.where,
        )


def _changes(cells: list[str]) -> int:
    return sum(one != other for one, other in pairwise(cells))


def _is_key(roles: Roles, rows: list[tuple[str, ...]], place: int) -> bool:
    """Whether it takes part in saying which group a row is: without it some rows would be of the same."""
    others = [tuple(row[label] for label in roles.labels if label != place) for row in rows]
    return len(set(others)) < len(others)
