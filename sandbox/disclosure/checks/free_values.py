"""Asks about what no machine can tell from single units' values: numbers and labels that the author of a
program chose row by row.

A keyed rank, a remainder, a sum of two people or a pseudonym is in no index, and looks like a statistic or a
name of a group. So each table with many such numbers or labels is asked about, with the reason: that groups
are behind them rests on the author's word. Outputs that the vault computes itself are not asked about.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import pairwise
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.disclosure.checks.column_roles import Roles, folded, is_total
from sandbox.disclosure.checks.numbers import is_suppressed, number_of
from sandbox.disclosure.checks.residuals import is_history
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.checks.written_numbers import NUMERAL, are_bands, numbers_in_words
from sandbox.disclosure.files.kind import CODE, Kind
from sandbox.disclosure.finding import Finding, asks
from sandbox.disclosure.raw_values.written_forms import dates_in

ENOUGH, ENOUGH_OF_TEXT, ENOUGH_OF_TABLE, ENOUGH_TOGETHER = 20, 30, 100, 100
"""Different numbers in a column, in a text with results, in a table, in the tables of one request."""
ENOUGH_COUNTS, COUNTS_OF_TABLE = 40, 100
"""Different counts in a column, in a table."""
MOST_MARKS = 4
"""Different totals and marks of suppression in a column; more of them are words of their own."""
LONG_TOGETHER, FEWEST_LONG = 480, 8
"""Bytes of unknown labels that are asked about though they are fewer than `ENOUGH`, from so many on."""
MOST_SPARSE = 1.25
FEWEST_GAPS = 6
EVEN = 1e-9
LEAST_ORDERED = 12
TELLING = 100
"""A whole number from here on has enough digits to be somebody's."""
SHOWN = 4
NUMBERED = re.compile(r"(\D*)(\d{1,6})(\D*)")
NAME_IN_PATH = re.compile(r"[^.\[\]]+")
NUMBERS_IN_PATH = re.compile(r"\d+(?:\.\d+){2,}")
LISTED = re.compile(r"(.*)\[(\d+)\]")
WRITTEN_TIME = re.compile(
    r"(?:19|20)\d\d(?:[-/年]?(?:\d{1,2}|[QWH]\d{1,2})?(?:[-/月]\d{1,2})?[日月]?)?|\d{1,2}:\d{2}(?::\d{2})?"
)


def free_numbers(subject: Subject) -> Iterator[Finding]:
    """Columns of many different numbers of which only the author says that groups are behind them."""
    if not _is_authors(subject):
        return
    for roles in subject.tables:
        if is_history(roles):
            continue  # asked about as such
        free = [place for place in roles.numeric if _is_free(roles, place, ENOUGH)]
        if not free and len(_free(roles)) >= ENOUGH_OF_TABLE:
            free = [place for place in roles.numeric if _is_free(roles, place, 1)]
        if not free:
            free = _free_counts(roles)
        if free:
            yield _numbers(
                sum(len(_different(roles, place)) for place in free),
                [roles.grid.header[place] for place in free],
                roles.grid.cell(0, free[0]),
            )
            return
    numbers = _written(subject)
    if len(numbers) >= (ENOUGH if subject.opened.kind is Kind.JSON else ENOUGH_OF_TEXT):
        yield _numbers(len(numbers), [], "")


def _written(subject: Subject) -> set[str]:
    """The different numbers of a JSON document or a text with results, but for those of its training runs."""
    if subject.opened.kind is Kind.JSON:
        numbers = {piece.text for piece in subject.opened.texts if _tells(piece.text)}
    elif subject.opened.kind is Kind.TEXT and subject.statbarn.id != "words":  # words: `written_numbers`
        written = (number for piece in subject.opened.texts for number in NUMERAL.findall(piece.text))
        numbers = {number for number in written if _tells(number)}
    else:
        return set()
    histories = [roles.grid.rows for roles in subject.tables if is_history(roles)]
    return numbers - {cell for rows in histories for row in rows for cell in row}


def _free_counts(roles: Roles) -> list[int]:
    """Columns of so many different counts that they can say something else."""
    different = {place: len(_different(roles, place)) for place in roles.counts}
    many = max(different.values(), default=0) >= ENOUGH_COUNTS
    return list(different) if many or sum(different.values()) >= COUNTS_OF_TABLE else []


def free_together(subjects: Iterable[Subject]) -> dict[str, list[Finding]]:
    """The same of the files of one request: many small tables and texts hold as many numbers, or labels, as a
    long one."""
    wrote = [subject for subject in subjects if _is_authors(subject)]
    found: dict[str, list[Finding]] = defaultdict(list)
    numbers = {subject.name: _of_request(subject) for subject in wrote if not any(free_numbers(subject))}
    many = sum(map(len, numbers.values()))
    if many >= ENOUGH_TOGETHER:
        for name in (name for name, told in numbers.items() if told):
            found[name].append(_numbers(many, [], "", files=len(numbers)))
    labels = {subject.name: _own_labels(subject) for subject in wrote if not any(free_labels(subject))}
    different = sorted(set().union(*labels.values()))
    if len(different) >= ENOUGH_TOGETHER:
        for name in (name for name, told in labels.items() if told):
            found[name].append(_unknown(different, ""))
    return found


def _of_request(subject: Subject) -> set[Any]:
    """What counts of a file beside the others: each number once, wherever it stands."""
    if subject.opened.kind is Kind.TEXT and subject.statbarn.id == "words":
        is_code = subject.name.lower().endswith(CODE)
        return set() if is_code else set(numbers_in_words(subject, is_code=False))
    tables: set[Any] = {
        (number, value)
        for number, roles in enumerate(subject.tables)
        if not is_history(roles)
        for value in _free(roles)
    }
    return max(tables, set(_written(subject)), key=len)  # a table in a text stands in both


def _free(roles: Roles) -> set[tuple[int, float]]:
    """The different numbers of its columns that are neither counts nor evenly spaced."""
    return {
        (place, value)
        for place in roles.numeric
        if _is_free(roles, place, 1)
        for value in _different(roles, place).tolist()
    }


def _is_free(roles: Roles, place: int, least: int) -> bool:
    if place in roles.counts:
        return False
    values = _different(roles, place)
    if len(values) < least:
        return False
    steps = np.diff(values)
    even = len(steps) == 0 or bool(steps.max() - steps.min() <= EVEN * np.abs(values).max())
    if even and least > 1 and place == roles.numeric[0]:
        return False  # a grid that the author chose, as the thresholds of a curve
    # numbers that say which group a row is: keys of a cross-tabulation
    return not (place in roles.labels and (even or folded(roles.grid.header[place]) in roles.keys))


def _different(roles: Roles, place: int) -> NDArray[np.float64]:
    """A column's numbers, each once, in order."""
    numbers = map(number_of, set(roles.grid.column(place)))
    return np.unique(np.array([float(value) for value in numbers if value is not None], dtype=np.float64))


def _tells(text: str) -> bool:
    value = number_of(text)
    return value is not None and (value.denominator > 1 or abs(value) >= TELLING)


def _is_authors(subject: Subject) -> bool:
    declared = subject.declared
    return not declared.measured and not declared.counted and subject.thresholds.minimum_count > 1


def _numbers(many: int, columns: list[str], where: str, *, files: int = 1) -> Finding:
    names = ", ".join(repr(name[:40]) for name in columns[:SHOWN])
    of, of_zh = (f" in {names}", f"（{names}）") if names else ("", "")
    if files > 1:
        of, of_zh = f" in {files} files of this request", f"（本次申请的 {files} 个文件）"
    return asks(
        "free_numbers",
        "single_unit",
        f"That groups are behind {many} different numbers{of} rests on the author's word: ranks, remainders, "
        "sums of two people or coded values of single units look the same.",
        "Show the line of the program that makes them; or let the vault compute and count them (`cihu.out`).",
        f"{many} 个不同的数值{of_zh}是否为群体的统计量，仅凭作者之言：名次、余数、两人之和或个体值的编码"
        "看上去并无二致。",
        "请指明程序中生成这些数值的语句；或改由保险库计算并清点（cihu.out）。",
        where=where,
    )


# --- labels


def free_labels(subject: Subject) -> Iterator[Finding]:
    """Many different labels, or names in JSON, of which none was fixed before raw rows were read."""
    if not _is_authors(subject):
        return
    for where, labels in _labels(subject):
        unknown = [label for label in labels if not _is_known(subject, label)]
        if _are_many(unknown) and not _is_plain(unknown, but=min(ENOUGH, len(unknown))):
            yield _unknown(unknown, where)
            return


def _are_many(labels: list[str]) -> bool:
    """Or long enough: fewer labels hold as much when each is a sentence, or a moment to the microsecond."""
    return len(labels) >= ENOUGH or (len(labels) >= FEWEST_LONG and sum(map(_bytes, labels)) >= LONG_TOGETHER)


def _own_labels(subject: Subject) -> set[str]:
    found: set[str] = set()
    for _, labels in _labels(subject):
        unknown = [label for label in labels if not _is_known(subject, label)]
        found |= set() if unknown and _is_plain(unknown, but=1) else set(unknown)
    return found


def _unknown(labels: list[str], where: str) -> Finding:
    bits = 8 * sum(map(_bytes, labels))
    return asks(
        "free_labels",
        "hidden_content",
        f"{len(labels)} different labels ({labels[0][:30]!r}, ...) are no values of a public key: each "
        f"may name one unit, or spell what its author liked; together up to {bits:,} bits.",
        "Group by public keys; or say where each label comes from, and why it names no single unit.",
        f"{len(labels)} 个不同的标签（如 {labels[0][:30]!r}）不是公开分组的取值：可能指向个体，或由作者"
        f"任意写成，合计至多 {bits:,} 比特。",
        "请按公开分组栏分组；或说明各标签的来源，以及为何不指向个体。",
        where=where,
    )


def _labels(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    for roles in subject.tables:
        for place in roles.labels:
            if place not in roles.numeric:
                cells = [cell for cell in dict.fromkeys(roles.grid.column(place)) if cell]
                marks = {cell for cell in cells if is_total(cell) or is_suppressed(cell)}
                told = [cell for cell in cells if cell not in marks or len(marks) > MOST_MARKS]
                yield roles.grid.cell(0, place) if roles.grid.rows else "", told
    if subject.opened.kind is Kind.JSON:
        names: dict[str, None] = {}
        for piece in subject.opened.texts:
            names |= dict.fromkeys(NAME_IN_PATH.findall(piece.where))
            # digits of a number, one name in another
            names |= dict.fromkeys(match.group() for match in NUMBERS_IN_PATH.finditer(piece.where))
        yield "", [name for name in names if name]


def _is_known(subject: Subject, label: str) -> bool:
    return label in subject.declared.known or (subject.raw is not None and subject.raw.is_column(label))


def _is_plain(labels: list[str], *, but: int = ENOUGH) -> bool:
    """Whether the labels follow from few: numbered, times, or intervals; fewer than `but` are others."""
    if all(WRITTEN_TIME.fullmatch(label) or dates_in(label) for label in labels):
        return _is_steady(labels)
    if are_bands(labels, but=but):
        return True
    numbered: dict[tuple[str, str], set[int]] = defaultdict(set)
    for label in labels:
        match = NUMBERED.fullmatch(label)
        if match:
            numbered[match[1], match[3]].add(int(match[2]))
    rest = len(labels) - sum(map(len, numbered.values()))
    # which of them stand there says something, too
    dense = [found for found in numbered.values() if max(found) - min(found) < MOST_SPARSE * len(found)]
    return rest < but and len(dense) * 4 < ENOUGH and sum(map(len, dense)) + rest == len(labels)


def _is_steady(times: list[str]) -> bool:
    """Whether times follow each other in few different steps, as those of a series do."""
    numbers = [list(map(int, re.findall(r"\d{1,4}", time))) for time in times]
    places = sorted({reduce(lambda whole, part: whole * 100 + part, parts, 0) for parts in numbers})
    gaps = {later - earlier for earlier, later in pairwise(places)}
    return len(gaps) <= max(FEWEST_GAPS, len(places) // 4)


# --- order


def odd_order(subject: Subject) -> Iterator[Finding]:
    """Texts in a JSON list, or columns of one series, that stand in no order that can be seen."""
    if not _is_authors(subject):
        return
    for where, texts in (*_series(subject), *_text_lists(subject)):
        order = [_natural(text) for text in texts]
        if len(set(texts)) >= LEAST_ORDERED and order not in (sorted(order), sorted(order, reverse=True)):
            bits = sum(log2(number) for number in range(2, len(set(texts)) + 1))
            yield asks(
                "odd_order",
                "hidden_content",
                f"{len(texts)} names stand in no order that can be seen: their order could spell {bits:,.0f} "
                "bits.",
                "Write them in the order of their names, or say what they are ordered by.",
                f"{len(texts)} 个名称的排列没有可见的顺序：其顺序可编码 {bits:,.0f} 比特。",
                "请按名称顺序书写，或说明排序依据。",
                where=where,
            )
            return


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.findall(r"\d{1,9}|\D+", folded(text))
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def _series(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    """Columns that are called alike but for a number."""
    for roles in subject.tables:
        alike: Mapping[tuple[str, str], list[str]] = defaultdict(list)
        for name in roles.grid.header:
            if match := NUMBERED.fullmatch(name):
                alike[match[1], match[3]].append(name)
        yield from ((roles.grid.where, names) for names in alike.values())


def _text_lists(subject: Subject) -> Iterable[tuple[str, list[str]]]:
    if subject.opened.kind is not Kind.JSON:
        return ()
    lists: Mapping[str, list[str]] = defaultdict(list)
    for piece in subject.opened.texts:
        match = LISTED.fullmatch(piece.where)
        if match and number_of(piece.text) is None:
            lists[match[1]].append(piece.text)
    return lists.items()


def _bytes(label: str) -> int:
    return len(label.encode("utf-8", "surrogatepass"))
