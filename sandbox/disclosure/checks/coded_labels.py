"""Finds labels that are codes of single units, whatever they were made from.

A code with a secret of the analyst's own (a salted digest, an offset, a list of pseudonyms) is in no index.
Such codes have this in common: each stands once, and they are long, of one shape, and no words.
"""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import Roles
from sandbox.disclosure.checks.numbers import number_of
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks
from sandbox.disclosure.raw_values.written_forms import dates_in

ENOUGH, LONG, LEAST_DIGITS = 10, 7, 3
SIGNS = re.compile(r"[A-Za-z0-9+/=_.:-]+")
TIME = re.compile(
    r"\d{4}-?(?:\d{2}|[QW]\d{1,2})(?:-?\d{2})?(?:[T ]?\d{2}:?\d{2}(?::?\d{2})?)?|\d{1,2}:\d{2}(?::\d{2})?"
    r"(?:[-–~]\d{1,2}:\d{2})?|[+-]?\d+(?:\.\d+)?(?:\s*[-–~]\s*[+-]?\d+(?:\.\d+)?)?"
)
BETWEEN = re.compile(r"[A-Za-z]{0,2}\d{1,5}\s*[-–~]\s*[A-Za-z]{0,2}\d{1,5}")
LISTED = re.compile(r"\s*[\w.-]+(?:\s*[;,|、/ ]\s*[\w.-]+){1,}\s*")
REMEDY = (
    "Name groups by what their units have in common; leave out codes of units.",
    "请用组的共同特征命名，去掉个体代码。",
)


def coded_labels(subject: Subject) -> Iterator[Finding]:
    for roles in subject.tables:
        for place in range(len(roles.grid.header)):
            cells = [cell for cell in roles.grid.column(place) if cell]
            if (
                len(cells) >= ENOUGH
                and len(set(cells)) == len(cells)
                and place not in roles.counts
                and _coded(cells)
            ):
                digits = all(cell.isdigit() for cell in cells)
                yield (asks if digits else blocks)(
                    "coded_labels",
                    "single_unit",
                    f"The column {roles.grid.header[place][:60]!r} holds {len(cells)} codes, none "
                    "twice: each may be a unit.",
                    REMEDY[0],
                    f"列 {roles.grid.header[place][:60]!r} 含有 {len(cells)} 个各不相同的代码，"
                    "可能代表个体。",
                    REMEDY[1],
                    where=roles.grid.cell(0, place),
                )
        yield from _lists(roles)


def _coded(cells: list[str]) -> bool:
    """Long, with digits in them, as long as each other, and no dates, times,
    intervals or measured numbers."""
    if any(not SIGNS.fullmatch(cell) or len(cell) < LONG or dates_in(cell) for cell in cells):
        return False
    if all(number_of(cell) is not None for cell in cells) and not all(cell.isdigit() for cell in cells):
        return False  # measured, not counted off
    if all(BETWEEN.fullmatch(cell) for cell in cells):
        return False
    if all(TIME.fullmatch(cell) for cell in cells) and not all(
        cell.isdigit() and len(cell) > LONG for cell in cells
    ):
        return False
    return sum(sum(sign.isdigit() for sign in cell) >= LEAST_DIGITS for cell in cells) > len(
        cells
    ) * 0.8 and max(map(len, cells)) - min(map(len, cells)) <= max(2, max(map(len, cells)) // 4)


def _lists(roles: Roles) -> Iterator[Finding]:
    """Cells that list members: numbers or codes, one after another."""
    for place in range(len(roles.grid.header)):
        cells = [cell for cell in roles.grid.column(place) if cell]
        lists = [
            cell
            for cell in cells
            if place not in roles.numeric and LISTED.fullmatch(cell) and _all_digits(cell)
        ]
        if lists and len(lists) * 2 >= len(cells):
            yield blocks(
                "listed_units",
                "microdata",
                f"The column {roles.grid.header[place][:60]!r} lists numbers in a cell, as if they "
                "were units of the group.",
                "Give how many there are, rounded, not which.",
                f"列 {roles.grid.header[place][:60]!r} 的单元格中列有多个编号，似为组内个体。",
                "请给出取整后的个数，不要列出个体。",
                where=roles.grid.cell(0, place),
            )


def _all_digits(cell: str) -> bool:
    parts = re.split(r"[;,|、/ ]+", cell.strip(" ;,|"))
    return (
        len(parts) > 1
        and all(part.isdigit() for part in parts)
        and not re.fullmatch(r"\d{1,3}(?:,\d{3})+", cell.strip())
    )
