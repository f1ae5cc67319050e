"""Finds copies of raw columns that were scaled, shifted, rounded, ranked, permuted, embedded in lists or
combined with each other; and tables with a row for each unit, whatever stands in them.

Each column of numbers, each long row, each list of numbers in JSON or in a text, and each coordinate of a
drawing is compared with every raw column, with sums, differences and ratios of two, and with sums and
averages of units (`shape_match.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from math import gcd

import numpy as np

from sandbox.disclosure.checks.column_roles import Roles
from sandbox.disclosure.checks.extremes import PERCENTILE
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.checks.written_numbers import edges_in
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, asks, blocks
from sandbox.disclosure.raw_values.raw_columns import RawColumns
from sandbox.disclosure.raw_values.shape_match import LEAST, MOST_MAPS, Column, find_copy, joint_rows

PLAIN = re.compile(
    r"\s*[+-]?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})?(?:\.\d{0,15})?(?:[eE][+-]?\d{1,2})?\s*%?\s*"
)
IN_TEXT = re.compile(r"(?<![\w.])[+-]?\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?(?![\w])")
PERCENTILES = re.compile(r"median|quantile|quartile|percentile|pctl?|中位|分位", re.IGNORECASE)
MOST_SEQUENCES, MOST_JOINT = 60, 8
MOST_COMBINED = 12
"""In files with more columns or lists than this, no sums, differences and ratios are looked for."""
ALL_MAPS = 200_000
ENOUGH_RANKS, ENOUGH_ROWS = 20, 20
REMEDY = (
    "Release aggregates (counts, averages, models), no unit's values, in whatever scale or order.",
    "只能输出汇总结果（计数、均值或模型），不得以任何尺度或顺序输出个体的值。",
)


def transformed_copies(subject: Subject) -> Iterator[Finding]:
    """Copies of raw columns, whatever was done to them, and tables with a row for each unit."""
    if subject.raw is None or subject.opened.kind is Kind.PNG:
        return
    sequences = _sequences(subject)
    for raw in subject.raw.columns:
        yield from _copies(subject, sequences, raw)
        yield from _joint(subject, raw)
        yield from _row_a_unit(subject, raw)


def ranks(subject: Subject) -> Iterator[Finding]:
    """Columns that number their rows in another order than they stand in: ranks of units, or of groups."""
    for roles in subject.tables:
        ranked = [place for place in roles.numeric if _is_ranking(roles, place)]
        if ranked:
            name = roles.grid.header[ranked[0]]
            yield asks(
                "ranks",
                "single_unit",
                f"The column {name[:60]!r} gives each of {len(roles.grid.rows)} rows its rank: if rows are "
                "units, it orders them.",
                "Say what is ranked; rank groups only, and leave ranks of units out.",
                f"列 {name[:60]!r} 给出了 {len(roles.grid.rows)} 行的名次："
                "若每行是一个个体，则等于给个体排序。",
                "请说明排名的对象；只可对组排名，不得输出个体的名次。",
                where=roles.grid.cell(0, ranked[0]),
            )


def _is_ranking(roles: Roles, place: int) -> bool:
    values = [value for value in roles.numbers[place] if value is not None]
    if len(values) < ENOUGH_RANKS or place in roles.counts:
        return False
    numbers = np.array([float(value) for value in values])
    steps = np.diff(numbers)
    if (steps > 0).all() or (steps < 0).all():
        return False
    ordered = np.unique(numbers)
    gaps = np.diff(ordered)
    # ranks may be shared: then they lie between
    return len(ordered) > 0.8 * len(numbers) and bool(gaps.max() <= gaps.min() * 2.01)


# --- copies of one column


def _copies(subject: Subject, sequences: list[tuple[str, Column]], raw: RawColumns) -> Iterator[Finding]:
    asked = 0
    most = min(MOST_MAPS, ALL_MAPS // max(len(sequences), 1))
    for where, column in sequences[:MOST_SEQUENCES]:
        match = find_copy(column, raw, most_maps=most, combined=len(sequences) <= MOST_COMBINED)
        if match is None:
            continue
        is_percentile = subject.statbarn.id == "position" or PERCENTILES.search(where)
        if is_percentile and match.how == "equal":
            if not asked:
                yield _finding(where, match.hits, len(column.values), asked=True)
            asked += 1
            continue
        yield _finding(where, match.hits, len(column.values), asked=False)
        return
    if len(sequences) > MOST_SEQUENCES:
        yield asks(
            "columns_not_compared",
            "microdata",
            f"{len(sequences) - MOST_SEQUENCES} of {len(sequences)} columns or lists of numbers were not "
            "compared with the raw columns.",
            f"Release fewer: {MOST_SEQUENCES} are compared.",
            f"{len(sequences)} 个数列中有 {len(sequences) - MOST_SEQUENCES} 个未与原始列比较。",
            f"请减少数列：最多比较 {MOST_SEQUENCES} 个。",
        )


def _finding(where: str, hits: int, among: int, *, asked: bool) -> Finding:
    return (asks if asked else blocks)(
        "transformed_copy",
        "microdata",
        f"{hits} of {among} numbers fall on values of a raw column, or of two combined, under one map: "
        "they look like a copy that was scaled, shifted, rounded or permuted.",
        REMEDY[0],
        f"{among} 个数中有 {hits} 个经同一变换后与原始列（或两列之组合）的值重合："
        "疑为经缩放、平移、取整或打乱的副本。",
        REMEDY[1],
        where=where,
    )


def _sequences(subject: Subject) -> list[tuple[str, Column]]:
    """Every list of numbers that could be a column of the raw data, each content once."""
    found: dict[bytes, tuple[str, Column]] = {}
    for where, cells in _lists(subject):
        column = column_of(cells)
        if column is not None and len(column.distinct) >= LEAST:
            found.setdefault(np.sort(column.values).tobytes(), (where, column))
    return list(found.values())


def _lists(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    for grid in (*subject.opened.grids, *subject.opened.arrays):
        columns = [grid.column(place) for place in range(len(grid.header))]
        yield from (
            (grid.header[place] or grid.where or f"column {place + 1}", cells)
            for place, cells in enumerate(columns)
        )
        yield from (
            (grid.header[place], [f"{edge:.12g}" for edge in edges])
            for place, cells in enumerate(columns)
            if (edges := edges_in(cells))
        )
        if len(grid.header) >= LEAST and len(grid.rows) <= MOST_SEQUENCES:
            yield from (
                (grid.where or f"row {number + 1}", [grid.header[0], *row])
                for number, row in enumerate(grid.rows)
            )
        if 2 <= len(grid.header) <= MOST_SEQUENCES and len(grid.rows) < LEAST * 2:
            yield grid.where or "the whole table", [cell for cells in columns for cell in cells]
    if subject.opened.kind is Kind.JSON:
        yield from _of_json(subject)
    elif subject.opened.kind is Kind.SVG:
        yield from ((where, list(numbers)) for where, numbers in subject.opened.coordinates)
    elif subject.opened.texts:
        yield from _of_text(subject)


def _of_text(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    """By their place in a line, and all that have a point."""
    together: dict[str, list[str]] = defaultdict(list)
    for piece in subject.opened.texts:
        for place, match in enumerate(IN_TEXT.finditer(piece.text)):
            together[f"number {min(place, 12) + 1} of each line"].append(match.group())
            if "." in match.group():
                together["numbers of the text"].append(match.group())
    yield from together.items()


def _of_json(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    """Numbers under one name, wherever they stand: [3].x, [4].x; or in one list."""
    together: dict[str, list[str]] = defaultdict(list)
    for piece in subject.opened.texts:
        if PLAIN.fullmatch(piece.text):
            together[re.sub(r"\[\d+\]|(?<=\.)\d+(?=\.|$)", "[]", piece.where)].append(piece.text)
            together[piece.where.rpartition(".")[0] + ".*"].append(piece.text)
    yield from together.items()


def column_of(cells: list[str]) -> Column | None:
    """The numbers among these cells, if most of them are; with the step that most of them stand on."""
    values: list[float] = []
    units: list[int] = []
    for cell in cells:
        if cell and PLAIN.fullmatch(cell) and any(map(str.isdigit, cell)):
            plain = cell.strip().rstrip("%").replace(",", "").strip().lower()
            values.append(float(plain))
            units.append(_last_digit(plain))
    if len(values) < 2 or len(values) * 2 < len(cells):
        return None
    last = sorted(units)[len(units) // 10]
    return Column(np.array(values), max(_grid(values, last), 10.0**last))


def _last_digit(written: str) -> int:
    """The place of its last digit that is no zero, or of the last behind its point."""
    digits, _, exponent = written.partition("e")
    whole, point, part = digits.partition(".")
    place = -len(part) if part.strip("0") or point else 0
    if not part.strip("0"):
        bare = whole.lstrip("+-")
        place = len(bare) - len(bare.rstrip("0")) if bare.strip("0") else 0
    return place + int(exponent or 0)


def _grid(values: list[float], last: int) -> float:
    """The step of the grid that all stand on: 500, where they were rounded to that."""
    if not -12 <= last <= 12:
        return 0.0
    whole = [round(value / 10.0**last) for value in values]
    return gcd(*whole) * 10.0**last


# --- rows


def _joint(subject: Subject, raw: RawColumns) -> Iterator[Finding]:
    if subject.statbarn.id == "position":
        return  # a row of percentiles is of the raw values' own sizes, and asked about otherwise
    for roles in subject.tables:
        known = [
            column
            for place in roles.numeric[:MOST_JOINT]
            if (column := column_of(roles.grid.column(place))) is not None
            and len(column.values) == len(roles.grid.rows)
            and len(column.distinct) > 2
            and not PERCENTILE.fullmatch(roles.grid.header[place])
        ]
        hits = joint_rows(known, raw)
        if hits:
            yield blocks(
                "transformed_copy",
                "microdata",
                f"{hits} rows agree with a raw row in two columns or more at once, as rounded rows do.",
                REMEDY[0],
                f"有 {hits} 行在两列以上同时与某条原始记录相符，疑为取整后的原始行。",
                REMEDY[1],
                where=roles.grid.where,
            )
            return


def _row_a_unit(subject: Subject, raw: RawColumns) -> Iterator[Finding]:
    """As many rows as there are units, or so many that few units can be behind each."""
    least = subject.thresholds.minimum_count
    if least <= 1:
        return
    sizes = [(roles.grid.where, len(roles.grid.rows)) for roles in subject.tables if roles.numeric]
    sizes += [(where, length) for where, length in subject.opened.lists]
    for where, rows in sizes:
        if rows < ENOUGH_ROWS:
            continue
        if rows in (raw.rows, raw.units):
            yield blocks(
                "row_per_unit",
                "microdata",
                f"It has {rows} rows, as many as there are units or raw rows: each may be a unit, "
                "whatever its count says.",
                REMEDY[0],
                f"共有 {rows} 行，与个体数或原始行数相同：无论计数如何，每行可能是一个个体。",
                REMEDY[1],
                where=where,
            )
            return
        if rows * least > raw.rows:
            yield asks(
                "rows_for_few_units",
                "microdata",
                f"{rows} rows are about {raw.rows:,} raw rows: if each of these is in one row, fewer than "
                f"{least} are behind a row, whatever its count says.",
                "Say how a raw row can be in several rows, or merge rows.",
                f"{rows} 行涉及 {raw.rows:,} 条原始记录："
                f"若每条只属一行，则无论计数如何，每行背后不足 {least} 条。",
                "请说明一条原始记录为何可属多行，或合并各行。",
                where=where,
            )
            return
