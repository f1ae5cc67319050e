"""Finds numbers that are spelled, in Chinese, in English or in Roman numerals: no check of values reads them,
and nobody spells ten numbers of three digits in a result."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.disguised_counts import ROMAN, SPELLED
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

CHINESE = re.compile(r"[〇零一二三四五六七八九十百千万两壹贰叁肆伍陆柒捌玖拾佰仟]{3,}")
CHINESE_YEAR = re.compile(r"[一二][九〇零][〇零一二三四五六七八九]{2}")
LATIN = re.compile(r"[A-Za-z]+")
LINKED = re.compile(r"[\s_-]{1,3}")
IN_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
ENGLISH = frozenset(word for word in SPELLED if word.isascii()) - {
    "and",
    "no",
    "none",
    "single",
    "pair",
    "couple",
}
LEAST_WORDS, LEAST_ROMAN = 3, 40
MANY = 10


def spelled_numbers(subject: Subject) -> Iterator[Finding]:
    if subject.thresholds.minimum_count <= 1:
        return
    found: dict[str, str] = {}
    for piece in subject.words:
        for number in _spelled(piece.text):
            found.setdefault(number, piece.where)
    if len(found) >= MANY:
        shown, where = next(iter(found.items()))
        yield blocks(
            "spelled_numbers",
            "hidden_content",
            f"{len(found)} different numbers are spelled, such as {shown[:40]!r}: they can be values "
            "of units.",
            "Write numbers in digits, in a table with the units behind each.",
            f"有 {len(found)} 个不同的数以文字书写，例如 {shown[:40]!r}：可能是个体的值。",
            "请用数字书写，放入表中并注明各数背后的个体数。",
            where=where,
        )


def _spelled(text: str) -> Iterator[str]:
    yield from (number for number in CHINESE.findall(text) if not CHINESE_YEAR.fullmatch(number))
    run: list[str] = []
    end = 0
    for match in LATIN.finditer(text):
        word = match.group().lower()
        if run and (word not in ENGLISH or not LINKED.fullmatch(text[end : match.start()])):
            yield from _of_words(run)
            run = []
        if word in ENGLISH:
            run.append(word)
        elif match.group().isupper() and _of_roman(word) >= LEAST_ROMAN:
            yield match.group()
        end = match.end()
    yield from _of_words(run)


def _of_words(run: list[str]) -> Iterator[str]:
    if len(run) >= LEAST_WORDS:
        yield " ".join(run)


def _of_roman(word: str) -> int:
    """What a Roman numeral of several letters says; 0 for what is none."""
    if len(word) < 3 or not ROMAN.fullmatch(word):
        return 0
    values = [IN_ROMAN[sign] for sign in word]
    return sum(
        -value if value < following else value
        for value, following in zip(values, [*values[1:], 0], strict=True)
    )
