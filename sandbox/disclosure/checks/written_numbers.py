"""Finds lists of numbers where nobody expects results: in source code, in a text declared as words, as the
edges of bins."""

import re
from collections.abc import Iterator
from itertools import pairwise

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import CODE, Kind
from sandbox.disclosure.finding import Finding, asks

NUMERAL = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?(?![\w.]*\w)")
MIXED = re.compile(r"(?<![\w.-])(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{4,}(?![\w.-]*\w)")
YEAR = re.compile(r"(?:19|20)\d\d")
OF_TRAINING = re.compile(r"\b(?:epoch|step|iter\w*|batch|loss|acc\w*|auc|lr|fold)\b|轮|损失", re.IGNORECASE)
RANGE = re.compile(r"[(\[]?\s*(-?\d+(?:\.\d+)?)\s*(?:-|–|~|to|,|至)\s*(-?\d+(?:\.\d+)?)\s*[)\]]?")
MANY = 20
MANY_EDGES = 12
TELLING_DIGITS = 3


def written_numbers(subject: Subject) -> Iterator[Finding]:
    """Numbers with three digits or more in code, or in a text that is declared to show no results."""
    if subject.opened.kind is not Kind.TEXT or subject.opened.grids:
        return
    is_code = subject.name.lower().endswith(CODE)
    if not is_code and subject.statbarn.id != "words":
        return
    found = numbers_in_words(subject, is_code=is_code)
    if len(found) >= MANY:
        yield asks(
            "written_numbers",
            "hidden_content",
            f"{len(found)} different numbers of {TELLING_DIGITS} digits or more, or codes, stand in what is "
            f"declared as {'code' if is_code else 'words'}: they can be values of units.",
            "Leave them out, or declare results as what they are, in a table with counts.",
            f"声明为{'代码' if is_code else '文字'}的文件中有 {len(found)} 个不同的三位以上数值或代码，"
            "可能是个体的值。",
            "请去掉；若为结果，请放入带计数的表格并按其类型声明。",
        )


def numbers_in_words(subject: Subject, *, is_code: bool) -> set[str]:
    """The different numbers that tell something, in code or in other words."""
    found = {
        match.group()
        for piece in subject.opened.texts
        if is_code or not OF_TRAINING.search(piece.text)
        for match in NUMERAL.finditer(piece.text)
        if _tells(match.group())
    }
    if not is_code:  # letters and digits mixed, such as 3fa1: codes of some numbers
        found |= {code for piece in subject.opened.texts for code in MIXED.findall(piece.text)}
    return found


def bin_edges(subject: Subject) -> Iterator[Finding]:
    """Bins whose edges are neither round nor evenly spaced: each may be what one unit has."""
    for roles in subject.tables:
        for place in roles.labels:
            edges = edges_in(roles.grid.column(place))
            gaps = [later - earlier for earlier, later in pairwise(edges)]
            if len(edges) < MANY_EDGES or max(gaps) - min(gaps) <= 0.01 * max(gaps):
                continue
            if sum(_tells(f"{edge:.12g}") for edge in edges) * 2 > len(edges):
                yield asks(
                    "bin_edges",
                    "single_unit",
                    f"The column {roles.grid.header[place][:60]!r} has {len(edges)} edges of bins that are "
                    "neither round nor evenly spaced: each can be the value of a unit.",
                    "Use round edges of your own choice.",
                    f"列 {roles.grid.header[place][:60]!r} 有 {len(edges)} 个既非整数也非等距的分箱边界，"
                    "每个都可能是某个个体的值。",
                    "请自行选定整齐的分箱边界。",
                    where=roles.grid.cell(0, place),
                )


def edges_in(cells: list[str]) -> list[float]:
    """The different numbers in a column of intervals, in order; none if it is none."""
    matches = [RANGE.fullmatch(cell.strip()) for cell in cells]
    known = [match for match in matches if match is not None]
    if len(known) * 5 < len(matches) * 4:
        return []
    return sorted({float(edge) for match in known for edge in match.groups()})


def are_bands(labels: list[str], *, but: int) -> bool:
    """Whether labels are intervals that adjoin, as those of one division of a range do; fewer than `but` are
    something else (a last one without end, a total). A value can be written as a narrow interval, too: such
    ones adjoin only by chance."""
    matches = [RANGE.fullmatch(label.strip()) for label in labels]
    known = {(float(match[1]), float(match[2])) for match in matches if match is not None}
    if sum(match is None for match in matches) >= but or not known:
        return False
    pairs = list(pairwise(sorted(known)))
    adjoining = sum(0 <= later[0] - earlier[1] <= 1 for earlier, later in pairs)
    return adjoining * 5 >= len(pairs) * 4


def _tells(numeral: str) -> bool:
    digits = numeral.lower().partition("e")[0].lstrip("+-").replace(".", "").strip("0")
    return len(digits) >= TELLING_DIGITS and not YEAR.fullmatch(numeral)
