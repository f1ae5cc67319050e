"""Finds smallest and largest values among the numbers, and percentiles beyond which few units lie."""

import re
from collections.abc import Iterator
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import INDEX_NAMES, Roles
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.finding import Finding, blocks

EXTREME = re.compile(
    r"(?:.*[_ "
    r".-])?(?:min|max|minimum|maximum|smallest|largest|lowest|highest|biggest|greatest|peak|oldest|youngest|"
    r"range|floor|ceiling|earliest|latest|nlargest|nsmallest|richest|poorest|tallest|heaviest|longest|shortest|outliers?|fliers?|"
    r"top|bottom|extreme)(?:[_ .-].*)?|"
    r"amin|amax|.*(?:最小|最大|最高|最低|最早|最晚|上限|下限|极值|极差|离群|异常值|峰值|首富|最富|最贫|最长|最"
    r"短).*|p0|p100|0%|100%|q0|q100",
    re.IGNORECASE,
)
NOT_EXTREME = re.compile(
    r"max[_ ]?(?:iter|depth|rows|features|leaf|samples|lag)\w*|min[_ "
    r"]?(?:samples|child|count|cell|impurity|weight|size)\w*|minutes?|feature[_ ]range|"
    r"(?:.*[_ ])?(?:top|bottom)[_ -]?\d+[_ -]?(?:%|pct|percent)\w*(?:[_ -].*)?|"
    r"(?:.*[_ .-])?peak[_ .-]?(?:hours?|times?|seasons?|periods?|months?|days?|load|flow)(?:[_ .-].*)?|"
    r"off[_ .-]?peak.*|.*\b(?:minimum|max)[_ ](?:count|cell).*",
    re.IGNORECASE,
)
RANKED = re.compile(r"(?:.*[_ ])?top[_ -]?\d+", re.IGNORECASE)
RANKS_NO_UNITS = ("models", "concentration")
"""Where `top_5` is an accuracy or a share of the five largest together, not the fifth value."""
LISTS_PARTS = re.compile(r"q|p|quantiles?|percentiles?|pct|分位数?|百分位数?|level", re.IGNORECASE)
PERCENTILE = re.compile(
    r"(?:.*[_ ])?(?:p|q|pct|perc|percentile|quantile)[_ "
    r"]?(\d{1,5}(?:\.\d+)?|\.\d+)(?:th)?|(\d{1,3}(?:\.\d+)?)\s*(?:%|th percentile|百分位.*)|"
    r"(0?\.\d+)|第?\s*(\d{1,3})\s*百分位.*",
    re.IGNORECASE,
)
BARE = re.compile(r"0|1|[01]?\.\d+")


def extremes(subject: Subject) -> Iterator[Finding]:
    return _extremes(subject)


def found_extremes(subject: Subject) -> Iterator[Finding]:
    """Whatever the file is declared as."""
    return iter(()) if "extremes" in subject.statbarn.checks else _extremes(subject)


def _extremes(subject: Subject) -> Iterator[Finding]:
    if subject.thresholds.minimum_count <= 1:
        return
    for roles in subject.tables:
        for where in _places(roles, ranked=subject.statbarn.id not in RANKS_NO_UNITS):
            yield blocks(
                "extreme_value",
                "single_unit",
                "A smallest or largest value is one unit's own.",
                "Leave it out, or give a percentile with enough units beyond it (such as the 5th and 95th).",
                "最小或最大值就是某个个体的值。",
                "请去掉，或改用两侧有足够个体的百分位数（如第 5 和第 95）。",
                where=where,
            )


def _places(roles: Roles, *, ranked: bool) -> Iterator[str]:
    """`ranked`: `top_1` is the first of all values."""
    grid = roles.grid
    for place, name in enumerate(grid.header):
        told = names_extreme(name) or (ranked and RANKED.fullmatch(name.strip()) is not None)
        if told and any(value is not None for value in roles.numbers[place]):
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
    return EXTREME.fullmatch(name) is not None and not any(
        one.fullmatch(name) for one in (NOT_EXTREME, RANKED)
    )


def percentiles(subject: Subject) -> Iterator[Finding]:
    """Each percentile has the least count of units beyond it."""
    least = subject.thresholds.minimum_count
    for roles in subject.tables:
        matched = subject.supported(roles)
        across = _are_parts(list(roles.grid.header))
        for place, name in enumerate(roles.grid.header):
            part = _part(name, bare=across)
            if part is None or place in roles.labels:
                continue
            for row in range(len(roles.grid.rows)):
                units = _units(subject, roles, row, matched)
                if roles.numbers[place][row] is not None and _is_near(part, units, least):
                    yield _near(least, roles.grid.cell(row, place))
        listed = [_names_parts(roles, place) for place in range(min(2, len(roles.grid.header)))]
        for row, cells in enumerate(roles.grid.rows):
            part = next(
                (
                    found
                    for place, cell in enumerate(cells[:2])
                    if (found := _part(cell, bare=listed[place])) is not None
                    and (number_like(cell) or listed[place])
                ),
                None,
            )
            if part is not None and _is_near(part, _units(subject, roles, row, matched), least):
                yield _near(least, roles.grid.cell(row, 0))


def _is_near(part: Fraction, units: Fraction | None, least: int) -> bool:
    """Beyond the first and the last is nobody, however many units there are."""
    beyond = min(part, 1 - part)
    return (least > 1 and not beyond) or (units is not None and units * beyond < least)


def number_like(cell: str) -> bool:
    """Whether a cell names a percentile rather than holding a share."""
    return not re.fullmatch(r"0?\.\d+", cell.strip()) and not re.fullmatch(r"\d+(\.\d+)?", cell.strip())


def _names_parts(roles: Roles, place: int) -> bool:
    """Whether a column of shares is one of percentiles: quantile 0.5, 0.9; or the index of what pandas
    makes of several."""
    name = roles.grid.header[place].strip()
    if LISTS_PARTS.fullmatch(name):
        return True
    return place == 0 and INDEX_NAMES.fullmatch(name) is not None and _are_parts(roles.grid.column(place))


def _are_parts(texts: list[str]) -> bool:
    """Whether the numbers among them are parts of 1, one of them neither 0 nor 1."""
    bare = [Fraction(text.strip()) for text in texts if BARE.fullmatch(text.strip())]
    return any(0 < part < 1 for part in bare) and all(part <= 1 for part in bare)


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


def _part(name: str, *, bare: bool) -> Fraction | None:
    """`bare`: 0 and 1, too, stand for parts."""
    plain = name.strip()
    if plain.lower() in ("median", "中位数"):
        return Fraction(1, 2)
    if bare and BARE.fullmatch(plain):
        part = Fraction(plain)
        return part if part <= 1 else None
    found = PERCENTILE.fullmatch(plain)
    if not found:
        return None
    written = next(group for group in found.groups() if group)
    if found.group(1) and len(written) > 2 and written.isdecimal() and written != "100":
        written = f"{written[:2]}.{written[2:]}"  # p975, p001
    part = Fraction(written)
    # q0.25 is a part, p25 are percent
    is_part = found.group(3) or (found.group(1) and "." in written and part <= 1 and "." in plain)
    part = part if is_part else part / 100
    return part if 0 <= part <= 1 else None


def _units(subject: Subject, roles: Roles, row: int, matched: dict[int, int]) -> Fraction | None:
    values = [roles.numbers[place][row] for place in roles.counts]
    if subject.supporting is not None and row in matched:
        values += [subject.supporting.numbers[place][matched[row]] for place in subject.supporting.counts]
    known = [value for value in values if value is not None]
    return min(known) if known else None
