"""Finds smallest and largest values among the numbers, and percentiles beyond which few units lie."""

import re
from collections.abc import Iterator
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import Roles
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.finding import Finding, blocks

EXTREME = re.compile(
    r"(?:.*[_ "
    r".-])?(?:min|max|minimum|maximum|smallest|largest|lowest|highest|oldest|youngest|"
    r"range|floor|ceiling|earliest|latest|nlargest|nsmallest|richest|poorest|tallest|heaviest|longest|shortest|outliers?|fliers?|"
    r"top|bottom|extreme)(?:[_ .-].*)?|"
    r"amin|amax|.*(?:最小|最大|最高|最低|最早|最晚|上限|下限|极值|极差|离群|异常值|首富|最富|最贫|最长|最"
    r"短).*|p0|p100|0%|100%|q0|q100",
    re.IGNORECASE,
)
NOT_EXTREME = re.compile(
    r"max[_ ]?(?:iter|depth|rows|features|leaf|samples|lag)\w*|min[_ "
    r"]?(?:samples|child|count|cell|impurity|weight|size)\w*|minutes?|feature[_ ]range|top[_ "
    r"-]?\d+|.*\b(?:minimum|max)[_ ](?:count|cell).*",
    re.IGNORECASE,
)
LISTS_PARTS = re.compile(r"q|p|quantiles?|percentiles?|pct|分位数?|百分位数?|level", re.IGNORECASE)
PERCENTILE = re.compile(
    r"(?:.*[_ ])?(?:p|q|pct|perc|percentile|quantile)[_ "
    r"]?(\d{1,2}(?:\.\d+)?)(?:th)?|(\d{1,2}(?:\.\d+)?)\s*(?:%|th percentile|百分位.*)|"
    r"(0?\.\d+)|第?\s*(\d{1,2})\s*百分位.*",
    re.IGNORECASE,
)


def extremes(subject: Subject) -> Iterator[Finding]:
    return _extremes(subject)


def found_extremes(subject: Subject) -> Iterator[Finding]:
    """Whatever the file is declared as."""
    return iter(()) if "extremes" in subject.statbarn.checks else _extremes(subject)


def _extremes(subject: Subject) -> Iterator[Finding]:
    if subject.thresholds.minimum_count <= 1:
        return
    for roles in subject.tables:
        for where in _places(roles):
            yield blocks(
                "extreme_value",
                "single_unit",
                "A smallest or largest value is one unit's own.",
                "Leave it out, or give a percentile with enough units beyond it (such as the 5th and 95th).",
                "最小或最大值就是某个个体的值。",
                "请去掉，或改用两侧有足够个体的百分位数（如第 5 和第 95）。",
                where=where,
            )


def _places(roles: Roles) -> Iterator[str]:
    grid = roles.grid
    for place, name in enumerate(grid.header):
        if names_extreme(name) and any(value is not None for value in roles.numbers[place]):
            yield grid.cell(0, place)
    yield from _in_labels(grid, roles)


def _in_labels(grid: Grid, roles: Roles) -> Iterator[str]:
    """A statistic named in a cell: a long table of (statistic, value)."""
    for row, cells in enumerate(grid.rows):
        for place, cell in enumerate(cells):
            if (
                len(cell) < 40
                and names_extreme(cell)
                and any(roles.numbers[other][row] is not None for other in range(len(cells)))
            ):
                yield grid.cell(row, place)


def names_extreme(name: str) -> bool:
    name = name.strip()
    return EXTREME.fullmatch(name) is not None and NOT_EXTREME.fullmatch(name) is None


def percentiles(subject: Subject) -> Iterator[Finding]:
    """Each percentile has the least count of units beyond it."""
    least = subject.thresholds.minimum_count
    for roles in subject.tables:
        matched = subject.supported(roles)
        for place, name in enumerate(roles.grid.header):
            part = _part(name)
            if part is None or place in roles.labels:
                continue
            for row in range(len(roles.grid.rows)):
                units = _units(subject, roles, row, matched)
                beyond = None if units is None else units * min(part, 1 - part)
                if beyond is not None and beyond < least and roles.numbers[place][row] is not None:
                    yield _near(least, roles.grid.cell(row, place))
        for row, cells in enumerate(roles.grid.rows):
            part = next(
                (
                    found
                    for place, cell in enumerate(cells[:2])
                    if (found := _part(cell)) is not None
                    and (number_like(cell) or _names_parts(roles, place))
                ),
                None,
            )
            units = _units(subject, roles, row, matched)
            if part is not None and units is not None and units * min(part, 1 - part) < least:
                yield _near(least, roles.grid.cell(row, 0))


def number_like(cell: str) -> bool:
    """Whether a cell names a percentile rather than holding a share."""
    return not re.fullmatch(r"0?\.\d+", cell.strip()) and not re.fullmatch(r"\d+(\.\d+)?", cell.strip())


def _names_parts(roles: Roles, place: int) -> bool:
    """Whether a column of shares is one of percentiles: quantile 0.5, 0.9."""
    return LISTS_PARTS.fullmatch(roles.grid.header[place].strip()) is not None


def _near(least: int, where: str) -> Finding:
    return blocks(
        "percentile_near_extreme",
        "single_unit",
        f"Fewer than {least} units lie beyond a percentile.",
        "Use a percentile further from the end, or more units.",
        f"某百分位数之外的个体少于 {least} 个。",
        "请使用离两端更远的百分位数，或增加个体。",
        where=where,
    )


def _part(name: str) -> Fraction | None:
    plain = name.strip()
    if plain.lower() in ("median", "中位数"):
        return Fraction(1, 2)
    found = PERCENTILE.fullmatch(plain)
    if not found:
        return None
    part = Fraction(next(group for group in found.groups() if group))
    part = part if found.group(3) else part / 100
    return part if 0 < part < 1 else None


def _units(subject: Subject, roles: Roles, row: int, matched: dict[int, int]) -> Fraction | None:
    values = [roles.numbers[place][row] for place in roles.counts]
    if subject.supporting is not None and row in matched:
        values += [subject.supporting.numbers[place][matched[row]] for place in subject.supporting.counts]
    known = [value for value in values if value is not None]
    return min(known) if known else None
