"""Finds sentences, printed trees or lists of settings that count few units."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, blocks

SMALL = {
    name: number
    for number, name in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        start=1,
    )
}
SMALL_CHINESE = {name: number for number, name in enumerate("一二三四五六七八九", start=1)} | {"两": 2}
PEOPLE = (
    r"(?:persons?|people|patients?|residents?|women|woman|men|man|children|child|boys?|girls?|cases?|deaths?|births?|"
    r"households?|famil(?:y|ies)|firms?|compan(?:y|ies)|students?|pupils?|users?|customers?|respondents?|participants?|"
    r"individuals?|subjects|employees|workers|drivers|passengers|victims|survivors|died|were diagnosed)"
)
FEWER = (
    r"(?:fewer than|less than|under|below|at least|more than|over|above|or fewer|minimum "
    r"of|least|every|per|each|of|to|group of|than|level|step|figure|table|fold)"
)
ENGLISH = re.compile(
    rf"(?<![\w.,%-])(?:({FEWER})\s+)?(\d{{1,4}}|{'|'.join(SMALL)})\s+(?:[a-z-]+\s+){{0,2}}?"
    rf"{PEOPLE}\b(?!\s+(?:or more|or fewer))",
    re.IGNORECASE,
)
CHINESE = re.compile(
    r"(少于|不足|低于|至少|不少于|超过|大于|小于|满|每|第|最少)?\s*(?<![\d.,])(\d{1,4}|[一二三四五六七八九两])\s*(?:名|位|个)?"
    r"(?:人(?![们次均年口])|例|户|患者|病人|居民|家企业|名(?!为|称)|位)(?!以上|以下|及以上)"
)
NAMED = re.compile(
    r"(?<![\w.])(?:samples?|n|count|counts|support|nobs|cases|人数|样本数|样本量|频数|计数)"
    r"\s*[=::]\s*(\d{1,4})(?![\d.,]*\d)",
    re.IGNORECASE,
)
READ = frozenset({Kind.TEXT, Kind.NOTEBOOK, Kind.JSON, Kind.SVG})
SHOWN = 10


def counted_in_words(subject: Subject) -> Iterator[Finding]:
    """Counts from 1 to below the threshold, wherever a text names what it counts.
    Bounds (fewer than 10) are none."""
    least, shown = subject.thresholds.minimum_count, 0
    if subject.opened.kind not in READ:
        return
    for piece in subject.words:
        few = next((number for number in _counts(piece.text) if 0 < number < least), None)
        if few is not None and shown < SHOWN:
            shown += 1
            yield blocks(
                "small_count",
                "small_group",
                f"The text counts only {few} units; the least is {least}.",
                f"Leave the number out, or write `fewer than {least}`, also where a "
                "difference would give it away.",
                f"文字中仅计 {few} 个个体，最少为 {least}。",
                f"请去掉该数，或写成“少于 {least}”，并避免由差值推出。",
                where=piece.where,
            )


def _counts(text: str) -> Iterator[int]:
    for match in ENGLISH.finditer(text):
        if not match.group(1):
            said = match.group(2).lower()
            yield SMALL[said] if said in SMALL else int(said)
    for match in CHINESE.finditer(text):
        if not match.group(1):
            yield SMALL_CHINESE[match.group(2)] if match.group(2) in SMALL_CHINESE else int(match.group(2))
    for match in NAMED.finditer(text):
        yield int(match.group(1))
