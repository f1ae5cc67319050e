"""Cuts texts into the terms that the catalogue is searched by. Pure.

A word of letters and digits is one term. Chinese has no spaces, so a run of its characters gives every pair
of neighbours and its last character; a question of one character finds all pairs that begin with it.
"""

import re
import unicodedata
from collections.abc import Iterable

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
RUNS = re.compile(rf"([{HAN}]+)|([^\W_{HAN}]+)")
LONGEST_WORD = 60
MOST_TERMS = 40  # of a question


def terms_of(texts: Iterable[str]) -> list[str]:
    """The terms of a dataset, each once, sorted."""
    found: set[str] = set()
    for han, word in _runs(" ".join(texts)):
        found.update(_pairs(han) | {han[-1]} if han else {word[:LONGEST_WORD]})
    return sorted(found)


def query_of(question: str) -> str | None:
    """The question as a tsquery that wants every term; None where it has none."""
    wanted: list[str] = []
    for han, word in _runs(question):
        if han:
            wanted += [f"'{pair}'" for pair in sorted(_pairs(han))] or [f"'{han}':*"]
        else:
            wanted.append(f"'{word[:LONGEST_WORD]}':*")
    return " & ".join(wanted[:MOST_TERMS]) or None


def _runs(text: str) -> list[tuple[str, str]]:
    return RUNS.findall(unicodedata.normalize("NFKC", text).casefold())


def _pairs(run: str) -> set[str]:
    return {run[at : at + 2] for at in range(len(run) - 1)}
