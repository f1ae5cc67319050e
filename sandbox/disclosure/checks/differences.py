"""Finds tables released together that show few units when one is subtracted from another.

Totals of one bound the suppressed cells of another, too.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from sandbox.disclosure.checks.margins import judge_margins
from sandbox.disclosure.checks.numbers import plain
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.checks.table_cells import ACROSS, TOTAL, Cell, cells_of
from sandbox.disclosure.finding import Finding, asks, blocks

MOST_FINDINGS = 5
REMEDY = (
    "Make both tables of the same units, or release only one of them.",
    "请使两张表基于相同个体，或只输出其中一张。",
)


def differences(subjects: list[Subject]) -> dict[str, list[Finding]]:
    """File name -> findings about it and another file of the same request."""
    least, found = (
        min(subject.thresholds.minimum_count for subject in subjects) if subjects else 1,
        defaultdict[str, list[Finding]](list),
    )
    tables = [(subject, cells_of(roles)) for subject in subjects for roles in subject.tables if roles.counts]
    for (one, mine), (other, theirs) in combinations(tables, 2):
        if one.name != other.name:
            found[one.name] += list(_small_differences(mine, theirs, least, other.name))[:MOST_FINDINGS]
            found[one.name] += list(_shared_margins(one, mine, theirs, other.name))[:MOST_FINDINGS]
    return {name: findings for name, findings in found.items() if findings}


def _small_differences(mine: list[Cell], theirs: list[Cell], least: int, other: str) -> Iterator[Finding]:
    """Cells of the same labels whose counts differ by few.
    If one table is never above the other it is a part of it, and that blocks.
    """
    known = {frozenset(cell.labels): cell for cell in theirs if cell.value is not None}
    pairs = [
        (cell, known[frozenset(cell.labels)])
        for cell in mine
        if cell.value is not None and cell.labels and frozenset(cell.labels) in known
    ]
    gaps = [
        (cell, cell.value - their.value)
        for cell, their in pairs
        if cell.value is not None and their.value is not None
    ]
    nested = all(gap >= 0 for _cell, gap in gaps) or all(gap <= 0 for _cell, gap in gaps)
    for cell, gap in gaps:
        if 0 < abs(gap) < least:
            yield (blocks if nested else asks)(
                "small_difference",
                "differencing",
                f"The same cell in {other} differs by {plain(abs(gap))}: so few units are in "
                "one and not in the other.",
                REMEDY[0],
                f"与 {other} 中同一单元格相差 {plain(abs(gap))}：仅有少数个体在其一而不在其二。",
                REMEDY[1],
                where=cell.where,
            )


def _shared_margins(one: Subject, mine: list[Cell], theirs: list[Cell], other: str) -> Iterator[Finding]:
    """A table over fewer dimensions holds the totals of one over more."""
    dimensions = (
        [{name for name, _label in cell.labels} for cell in (mine[0], theirs[0])]
        if mine and theirs
        else [set(), set()]
    )
    wider, narrower = (mine, theirs) if len(dimensions[0]) > len(dimensions[1]) else (theirs, mine)
    names = [name for name, _label in wider[0].labels] if wider else []
    inner = {name for name, _label in narrower[0].labels} if narrower else set()
    if ACROSS in inner or not inner < set(names):
        return
    have = {cell.labels for cell in wider}
    totals = []
    for cell in narrower:
        labels = dict(cell.labels)
        made = tuple((name, labels.get(name, TOTAL)) for name in names)
        if made not in have:
            totals.append(Cell(made, cell.value, cell.where))
    yield from judge_margins([*wider, *totals], one.thresholds.margin_interval, one.thresholds.rounding_base)
