"""Finds counts that are not written as whole numbers of units: negative, in thousands, as strokes or stars,
spelled, in Roman or other numerals, or as shares of all units.

One rule closes most of it: a column that is called a count, and a table that is declared as counts, holds
whole numbers and marks of suppression, and nothing else.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from sandbox.disclosure.checks.column_roles import (
    Roles,
    folded,
    is_total,
    names_count,
    names_label,
    names_share,
    names_statistic,
    words_of,
)
from sandbox.disclosure.checks.counted_in_words import SMALL, SMALL_CHINESE
from sandbox.disclosure.checks.numbers import is_suppressed, plain
from sandbox.disclosure.checks.shares_with_few import whole_of
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.files.opened import Piece
from sandbox.disclosure.finding import Finding, asks, blocks
from sandbox.disclosure.taxonomy import COUNTING

SPELLED = frozenset(
    {*SMALL, *SMALL_CHINESE, "zero", "none", "no", "零", "〇", "十", "百", "千", "万", "廿", "卅"}
    | {f"{number}teen" for number in ("thir", "four", "fif", "six", "seven", "eigh", "nine")}
    | {f"{number}ty" for number in ("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine")}
    | {"hundred", "thousand", "million", "and", "dozen", "couple", "single", "pair"}
    | set("壹贰叁肆伍陆柒捌玖拾佰仟两")
)
ROMAN = re.compile(r"(?=[ivxlcdm])m*(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
STROKES = re.compile(r"([^\s\d.\-_=~#<>()\[\]{}\"'`,;:!?/\\])(?:\s?\1)*")
IN_A_LINE = re.compile(r"([*|+•●○■□▇█▓▒░★☆✓✔✗×❚▮▪◆◼♦人正oOxX])(?:\s?\1){2,}")
RULED = re.compile(r"[\s|+*=_~#-]*")
STARRED = re.compile(
    r"p|p.?value|coef\w*|estimate|std.?err\w*|t|z|sig\w*|stars?|signif\w*|显著性?", re.IGNORECASE
)
SCALES = {
    "thousand": 1000,
    "thousands": 1000,
    "k": 1000,
    "千": 1000,
    "万": 10_000,
    "hundred": 100,
    "hundreds": 100,
    "百": 100,
    "million": 10**6,
    "millions": 10**6,
    "百万": 10**6,
}
REMEDY = (
    "Write each count as a whole number of units, rounded; suppress those below the least count.",
    "请把每个计数写成取整后的整数个体数，并隐去低于下限者。",
)


def disguised_counts(subject: Subject) -> Iterator[Finding]:
    """Counts that are written otherwise than as whole numbers of enough units."""
    if subject.thresholds.minimum_count <= 1:
        return
    for roles in subject.tables:
        yield from _of_table(subject, roles)
        yield from _of_all(subject, roles)
        yield from _beyond_data(subject, roles)
    if subject.opened.kind in (Kind.TEXT, Kind.NOTEBOOK):
        yield from _strokes_in_lines(subject.opened.texts, subject.thresholds.minimum_count)


def _of_table(subject: Subject, roles: Roles) -> Iterator[Finding]:
    counting = subject.statbarn.id in COUNTING
    for place, name in enumerate(roles.grid.header):
        named = names_count(name) and not names_share(name)
        marks = [cell for cell in roles.grid.column(place) if cell.strip()]
        stars = {cell.strip() for cell in marks if set(cell.strip()) == {"*"}}
        # one kind of stars is a mark of suppression, several count
        cells = [
            cell for cell in marks if not is_suppressed(cell) or (len(stars) > 1 and cell.strip() in stars)
        ]
        values = [value for value in roles.numbers[place] if value is not None]
        where = roles.grid.cell(0, place)
        if place in roles.counts:
            if (scale := _scale(name)) > 1 or any(value and value < 0 for value in values):
                yield from _few(subject, values, scale, where)
            continue
        if named and values and place in roles.numeric:
            yield from _not_whole(subject, roles, place, values)
        elif counting and place in roles.numeric and any(value < 0 for value in values):
            yield _finding("they are negative", "为负数", where)
        elif cells and place not in roles.numeric:
            what = _written_as(
                cells, roles, strict=named or (counting and not roles.counts and _is_last(roles, place))
            )
            if what is not None:
                yield _finding(*what, where)
    if counting and not roles.counts and len(roles.grid.rows) > 1:
        yield asks(
            "no_counts_in_table",
            "unexplained",
            "The table is declared as counts, and no column holds whole numbers of units.",
            "Declare it as what it is, or write counts as whole numbers.",
            "表格声明为频数，但没有整数个体数的列。",
            "请按实际内容声明，或把计数写成整数。",
            where=roles.grid.where,
        )


def _beyond_data(subject: Subject, roles: Roles) -> Iterator[Finding]:
    """A count above the number of raw rows counts something else: an amount under the name of a count."""
    if subject.raw is None or not subject.raw.columns:
        return
    most = sum(raw.rows for raw in subject.raw.columns)
    for place in roles.counts:
        beyond = [row for row, value in enumerate(roles.numbers[place]) if value is not None and value > most]
        if beyond:
            yield asks(
                "count_beyond_data",
                "microdata",
                f"{len(beyond)} of {len(roles.grid.rows)} counts of {roles.grid.header[place][:60]!r} are "
                "above the number of rows that there are: they count no units of this data.",
                "Say what is counted; call weighted estimates so, and give the unweighted count beside them.",
                f"{roles.grid.header[place][:60]!r} 列 {len(roles.grid.rows)} 个计数中有 {len(beyond)} 个"
                "超过数据的行数：不是本数据的个体数。",
                "请说明所计为何；加权估计须注明，并同时给出未加权的计数。",
                where=roles.grid.cell(beyond[0], place),
            )


def _is_last(roles: Roles, place: int) -> bool:
    header = roles.grid.header
    return place > 0 and place == len(header) - 1 and not names_label(header[place])


def _not_whole(subject: Subject, roles: Roles, place: int, values: list[Fraction]) -> Iterator[Finding]:
    """A column that is called a count, with numbers that are none."""
    name, where = roles.grid.header[place], roles.grid.cell(0, place)
    if any(value < 0 for value in values):
        yield _finding("they are negative", "为负数", where)
        return
    few = [value for value in values if 0 < value * _scale(name) < subject.thresholds.minimum_count]
    if few:
        yield _finding(
            f"such as {plain(few[0])}, below the least count", f"例如 {plain(few[0])}，低于下限", where
        )
    elif not names_statistic(name):
        yield asks(
            "count_in_disguise",
            "small_group",
            f"The column {name[:60]!r} is called a count and holds no whole numbers.",
            "Say what it holds (weights, thousands), or " + REMEDY[0][0].lower() + REMEDY[0][1:],
            f"列 {name[:60]!r} 名为计数，却不是整数。",
            "请说明其含义（加权、以千计等）。" + REMEDY[1],
            where=where,
        )


def _few(subject: Subject, values: list[Fraction], scale: int, where: str) -> Iterator[Finding]:
    few = [value for value in values if 0 < abs(value) * scale < subject.thresholds.minimum_count]
    if few:
        yield _finding(f"such as {plain(few[0])}", f"例如 {plain(few[0])}", where)


def _scale(name: str) -> int:
    words = words_of(name)
    english = [SCALES[word] for word in words & SCALES.keys()]
    chinese = [scale for word, scale in SCALES.items() if not word.isascii() and f"{word}人" in name]
    return max([1, *english, *chinese])


def _written_as(cells: list[str], roles: Roles, *, strict: bool) -> tuple[str, str] | None:
    """What a column of cells that are no numbers counts with. `strict`: it must hold counts."""
    strokes = [match for cell in cells if (match := STROKES.fullmatch(cell.strip()))]
    lengths = {len(match.group().replace(" ", "")) for match in strokes}
    starred = (
        any(STARRED.fullmatch(folded(name)) for name in roles.grid.header) and max(lengths, default=0) <= 4
    )
    letters = not strict and max(lengths, default=0) < 5 and any(one.group()[0].isalpha() for one in strokes)
    if (
        len(strokes) * 2 > len(cells)
        and not letters
        and (len(lengths) > 1 or strict)
        and max(lengths) > 1
        and not starred
    ):
        return "they are strokes or signs, one for each unit", "以笔画或符号逐个计数"
    if strict and sum(map(_is_spelled, cells)) * 2 > len(cells):
        return "they are spelled", "以文字书写"
    if strict and sum(ROMAN.fullmatch(cell.strip()) is not None for cell in cells) * 2 > len(cells):
        return "they are Roman numerals", "以罗马数字书写"
    return None


def _is_spelled(cell: str) -> bool:
    words = re.findall(r"[a-z]+", folded(cell)) or list(folded(cell))
    return bool(words) and all(word in SPELLED for word in words)


def _strokes_in_lines(pieces: tuple[Piece, ...], least: int) -> Iterator[Finding]:
    """Bars of signs in a text, beside words: as many signs as units."""
    few = []
    for piece in pieces:
        if RULED.fullmatch(piece.text) or not re.search(r"\w", piece.text):
            continue
        match = IN_A_LINE.search(piece.text)
        if match is None:
            continue
        bar = match.group()
        ends = re.search(r"\w\s*[:：]?\s+" + re.escape(bar) + r"\s*$", piece.text) is not None
        if ends or (len(bar.replace(" ", "")) < least and not bar.startswith(("***", "+++"))):
            few.append(piece)
    if len(few) > 1:
        yield _finding("they are strokes or signs, one for each unit", "以笔画或符号逐个计数", few[0].where)


LISTED = re.compile(r"(.*)\[\d+\]")


def repeated_marks(subject: Subject) -> Iterator[Finding]:
    """Lists in JSON that say the same over and over: as many times as there are units."""
    if subject.opened.kind is not Kind.JSON or subject.thresholds.minimum_count <= 1:
        return
    lists: dict[str, list[str]] = {}
    for piece in subject.opened.texts:
        if match := LISTED.fullmatch(piece.where):
            lists.setdefault(match[1], []).append(piece.text)
    marks = [
        where
        for where, texts in lists.items()
        if len(texts) > 1 and len(set(texts)) == 1 and not _is_number(texts[0])
    ]
    if marks:
        yield _finding("they are marks in a list, one for each unit", "以列表中的记号逐个计数", marks[0])


def _is_number(text: str) -> bool:
    return any(map(str.isdigit, text))


# --- shares of all


def _of_all(subject: Subject, roles: Roles) -> Iterator[Finding]:
    """Shares without counts beside them: of the known number of units they cannot be of more."""
    units = _all_units(subject)
    if units is None or roles.counts or subject.supporting is not None:
        return
    least = subject.thresholds.minimum_count
    for place in roles.numeric:
        whole = whole_of(roles, place)
        if whole is None and subject.statbarn.id in COUNTING:
            whole = _adds_up_to(roles, place)
        if whole is None or whole > 100:
            continue
        for row, value in enumerate(roles.numbers[place]):
            if value is None or not 0 < value < whole or any(map(is_total, roles.grid.rows[row])):
                continue
            if value * units < least * whole:
                yield blocks(
                    "share_with_few",
                    "small_group",
                    f"A share of {roles.grid.rows[row][place][:20]} is of fewer than {least} units, "
                    f"as there are {units:,} in all.",
                    f"Merge groups until at least {least} units are in each, or leave these shares out.",
                    f"全部共有 {units:,} 个个体，"
                    f"{roles.grid.rows[row][place][:20]} 的比例所涉不足 {least} 个。",
                    f"请合并分组，使每组至少有 {least} 个个体，或去掉这些比例。",
                    where=roles.grid.cell(row, place),
                )
                return


def _all_units(subject: Subject) -> int | None:
    return subject.raw.units if subject.raw is not None and subject.raw.units else None


def _adds_up_to(roles: Roles, place: int) -> int | None:
    """1 or 100, if a column of parts adds up to that."""
    parts = [value for value in roles.numbers[place] if value is not None]
    if len(parts) < 2 or any(value < 0 for value in parts) or place in roles.labels:
        return None
    return next((whole for whole in (1, 100) if abs(sum(parts, Fraction(0)) - whole) * 50 <= whole), None)


def _finding(what: str, zh: str, where: str) -> Finding:
    return blocks(
        "count_in_disguise",
        "small_group",
        f"Counts are not written as whole numbers of enough units: {what}.",
        REMEDY[0],
        f"计数未写成足够个体的整数：{zh}。",
        REMEDY[1],
        where=where,
    )
