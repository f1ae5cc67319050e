"""Reads policies/identifiers.yaml: by what each kind of identifier is recognised."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.headers import HeaderTerms
from sandbox.policy import YamlText

# an identifier inside a text is no part of a longer number or Latin word
BEFORE, AFTER = r"(?<![0-9A-Z])(?<![0-9]\.)", r"(?![0-9A-Z])(?!\.[0-9])"
# what passes a check may follow a letter (ID4202...); without a check, hexadecimal digits look like numbers
BEFORE_CHECKED = r"(?<![0-9])(?<![0-9]\.)"


@dataclass(frozen=True)
class IdentifierKind:
    """One kind of `identifiers.yaml`. The shares are of 1, not per cent."""

    id: str
    title_en: str
    title_zh: str
    standard: str
    grade: str
    fewest: int
    most: int
    holds: str
    pattern: str
    header_pattern: str
    checksum: str
    alone: float | None
    with_header: float
    inside: float | None
    distinct: int
    weak: bool
    header: HeaderTerms

    @cached_property
    def inside_pattern(self) -> str:
        """Finds for RE2, which cannot look around, the texts that may hold it."""
        before = "[^0-9]" if self.checksum else "[^0-9A-Z]"
        return f"(?:^|{before})(?:{self.pattern})(?:[^0-9A-Z]|$)"

    @cached_property
    def inside_expression(self) -> re.Pattern[str]:
        """Finds it inside a text in capitals."""
        return re.compile(f"{BEFORE_CHECKED if self.checksum else BEFORE}(?:{self.pattern}){AFTER}")


@dataclass(frozen=True)
class FreeTextRule:
    title_en: str
    title_zh: str
    grade: str
    pattern: str
    share: float
    distinct: float


@dataclass(frozen=True)
class IdentifierRules:
    kinds: tuple[IdentifierKind, ...]
    other_headers: HeaderTerms
    free_text: FreeTextRule
    surnames: frozenset[str] = field(repr=False)


def load_identifier_rules(path: Path) -> IdentifierRules:
    """Read `identifiers.yaml` and check it with `identifiers.schema.json` beside it.
    Raises `InvalidInput`, naming the line."""
    text = YamlText(
        path.read_text("utf-8"),
        path.with_name("identifiers.schema.json"),
        what=f"{path.parent.name}/{path.name}",
    )
    document = text.document
    surnames = document["surnames"]
    any_surname = f"(?:{'|'.join(surnames['compound'])}|[{surnames['single']}])"
    met: set[str] = set()
    for place, entry in enumerate(document["kinds"]):
        _check_kind(text, entry, place, met, any_surname)
        met.add(entry["id"])
    free_text = document["free_text"]
    if not _compiles(free_text["pattern"], python=False):
        raise text.fault(
            "the pattern is not a regular expression.", "free_text", "pattern", remedy="Correct the pattern."
        )
    return IdentifierRules(
        kinds=tuple(_kind(entry, any_surname) for entry in document["kinds"]),
        other_headers=HeaderTerms.of(document["other_headers"]),
        free_text=FreeTextRule(
            title_en=free_text["title"]["en"],
            title_zh=free_text["title"]["zh"],
            grade=free_text["grade"],
            pattern=free_text["pattern"],
            share=free_text["share"] / 100,
            distinct=free_text["distinct"] / 100,
        ),
        surnames=frozenset((*surnames["single"], *surnames["compound"])),
    )


def _check_kind(text: YamlText, entry: Any, place: int, met: set[str], any_surname: str) -> None:
    if entry["id"] in met:
        raise text.fault(f"duplicate kind {entry['id']!r}.", "kinds", place, "id", remedy="Keep one of them.")
    if entry["length"][0] > entry["length"][1]:
        raise text.fault(
            "the fewest characters are more than the most.", "kinds", place, "length", remedy="Swap them."
        )
    if "alone" in entry["share"] and "pattern" not in entry:
        raise text.fault(
            "without a pattern, only the header can name the kind.",
            "kinds",
            place,
            "share",
            remedy="Leave `alone` out, or give a pattern.",
        )
    for name in ("holds", "pattern", "header_pattern"):
        if name in entry and not _compiles(entry[name].replace("<surname>", any_surname), python=True):
            raise text.fault(
                f"the {name} is not a regular expression.",
                "kinds",
                place,
                name,
                remedy="Write one that RE2 and Python both read.",
            )


def _compiles(pattern: str, *, python: bool) -> bool:
    try:
        pc.match_substring_regex(pa.array([], pa.string()), whole(pattern))
        if python:
            re.compile(pattern)
    except (pa.ArrowInvalid, re.error):
        return False
    return True


def whole(pattern: str) -> str:
    r"""The pattern for a whole cell. A line break is matched by no dot, so \A and \z are the cell's ends."""
    return rf"\A(?:{pattern})\z"


def _kind(entry: Any, any_surname: str) -> IdentifierKind:
    share = {name: per_cent / 100 for name, per_cent in entry["share"].items()}
    return IdentifierKind(
        id=entry["id"],
        title_en=entry["title"]["en"],
        title_zh=entry["title"]["zh"],
        standard=entry.get("standard", ""),
        grade=entry["grade"],
        fewest=entry["length"][0],
        most=entry["length"][1],
        holds=entry.get("holds", ""),
        pattern=entry.get("pattern", "").replace("<surname>", any_surname),
        header_pattern=entry.get("header_pattern", "").replace("<surname>", any_surname),
        checksum=entry.get("checksum", ""),
        alone=share.get("alone"),
        with_header=share["with_header"],
        inside=share.get("inside"),
        distinct=entry.get("distinct", 1),
        weak=entry.get("weak", False),
        header=HeaderTerms.of(entry["header"]),
    )
