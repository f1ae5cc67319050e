"""Completes names: datasets, columns and public values, in SQL within a notebook, from a catalogue that is
there already.

Nothing waits for the vault: the catalogue is fetched once in the background; until it is there,
nothing is proposed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

CALL = re.compile(r"\b(?:sql|explain)\(\s*[rRfF]{0,2}(\"\"\"|'''|\"|')")
LINE = re.compile(r"(?:^|=)\s*%private_sql\s(.*)$")
CELL = re.compile(r"\s*%%private_sql\b[^\n]*\n")
AFTER_FROM = re.compile(r"\b(?:FROM|JOIN)\s+[\w.]*$", re.IGNORECASE)
COMPARED = re.compile(r"(\w+)\s*(?:=|<>|!=|(?:NOT\s+)?IN\s*\([^()]*)\s*'([^']*)$", re.IGNORECASE)
FRAGMENT = re.compile(r"[\w.]*$")
SQL_WORDS = (
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "LIMIT",
    "COUNT(*)",
    "COUNT(DISTINCT",
    "SUM(",
    "AVG(",
    "AS",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "IS NULL",
    "DESC",
)


@dataclass(frozen=True)
class Place:
    """Where the cursor is in a piece of SQL."""

    before: str
    whole: str


@dataclass(frozen=True)
class Proposal:
    text: str
    kind: str


def place_of(cell: str, cursor: int) -> Place | None:
    """The SQL that the cursor stands in, if it does:
    a %%private_sql cell, a %private_sql line, the string of cihu.sql(…)."""
    before = cell[:cursor]
    if head := CELL.match(before):
        return Place(before[head.end() :], cell[head.end() :])
    if found := LINE.search(before.rpartition("\n")[2]):
        return Place(found[1], found[1] + cell[cursor:].partition("\n")[0])
    if calls := list(CALL.finditer(before)):
        start, quote = calls[-1].end(), calls[-1][1]
        if quote not in before[start:] and (len(quote) == 3 or "\n" not in before[start:]):
            return Place(before[start:], cell[start:].partition(quote)[0])
    return None


def propose(place: Place, catalogue: Sequence[dict[str, Any]]) -> tuple[str, list[Proposal]]:
    """The fragment before the cursor, and what it may become."""
    named = [one for one in catalogue if one["name"].lower() in place.whole.lower()] or list(catalogue)
    columns = {
        column["name"]: column
        for one in named
        for column in one.get("columns", [])
        if column["role"] != "hidden"
    }
    if compared := COMPARED.search(place.before):
        values = columns.get(compared[1], {}).get("values", [])
        return compared[2], fitting(compared[2], (Proposal(str(value), "value") for value in values))
    match = FRAGMENT.search(place.before)
    fragment = match[0] if match else ""
    datasets = [Proposal(one["name"], "dataset") for one in catalogue]
    if AFTER_FROM.search(place.before):
        return fragment, fitting(fragment, iter(datasets))
    alias, dot, _ = fragment.rpartition(".")
    fields = [Proposal(f"{alias}{dot}{name}", "column") for name in columns]
    words = [] if dot else [Proposal(word, "keyword") for word in SQL_WORDS]
    return fragment, fitting(fragment, iter([*fields, *datasets, *words]))


def fitting(fragment: str, proposals: Iterator[Proposal]) -> list[Proposal]:
    return [one for one in proposals if one.text.lower().startswith(fragment.lower())]


def matcher(catalogue: Callable[[], Sequence[dict[str, Any]]]) -> Any:
    """IPython's matcher (its API 2) over a catalogue that `catalogue` has at hand."""
    from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

    def private_sql_matcher(context: CompletionContext) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        cursor = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
        place = place_of(context.full_text, cursor)
        fragment, proposals = propose(place, catalogue()) if place else ("", [])
        return {
            "completions": [SimpleCompletion(one.text, type=one.kind) for one in proposals],
            "matched_fragment": fragment,
            "suppress": bool(proposals),
            "ordered": True,
        }

    return context_matcher(identifier="cihu.private_sql", priority=200)(private_sql_matcher)
