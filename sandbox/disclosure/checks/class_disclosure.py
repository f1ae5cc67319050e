"""Finds groups whose members are all the same: whoever is known to belong to such a group is known in
full."""

from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import Roles, is_total
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks


def class_disclosure(subject: Subject) -> Iterator[Finding]:
    for roles in subject.tables:
        yield from _full_rows(roles)
        yield from _full_shares(roles)


def _full_rows(roles: Roles) -> Iterator[Finding]:
    """A row of a cross-tabulation with all its units in one of two or more cells; a column likewise."""
    parts = [place for place in roles.counts if not is_total(roles.grid.header[place])]
    if len(parts) < 2:
        return
    for row in range(len(roles.grid.rows)):
        yield from _full([(row, place) for place in parts], roles)
    inner = [row for row, cells in enumerate(roles.grid.rows) if not any(is_total(cell) for cell in cells)]
    if len(inner) > 1:
        for place in parts:
            yield from _full([(row, place) for row in inner], roles)


def _full(cells: list[tuple[int, int]], roles: Roles) -> Iterator[Finding]:
    values = [roles.numbers[place][row] for row, place in cells]
    # a suppressed cell is not known to be empty
    filled = [cell for cell, value in zip(cells, values, strict=True) if value != 0]
    if len(filled) == 1 and roles.numbers[filled[0][1]][filled[0][0]] is not None and len(values) > 1:
        yield _finding(roles.grid.cell(*filled[0]))


def _full_shares(roles: Roles) -> Iterator[Finding]:
    for place in roles.shares:
        values = [value for value in roles.numbers[place] if value is not None]
        whole = (
            100
            if any(value > 1 for value in values) or any("%" in cell for cell in roles.grid.column(place))
            else 1
        )
        for row, value in enumerate(roles.numbers[place]):
            labels = [cell for cell in roles.grid.rows[row] if is_total(cell)]
            if (
                value in (0, whole)
                and len(values) > 1
                and not labels
                and not is_total(roles.grid.header[place])
            ):
                yield _finding(roles.grid.cell(row, place))


def _finding(where: str) -> Finding:
    return blocks(
        "full_cell",
        "class_disclosure",
        "Everybody or nobody of a group is in one class: whoever is in the group is known.",
        "Merge classes or groups until no cell holds all of its group.",
        "某组全部（或无人）属于同一类：凡知其属于该组者即知其类别。",
        "请合并类别或分组，使任何一格都不包含整组。",
        where=where,
    )
