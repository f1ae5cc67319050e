"""Names and titles of columns, made from the headers of a file."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.ingest.headers import HeaderTerms, HeaderText
from sandbox.policy import YamlText

LONGEST = 60
NOT_IN_NAMES = re.compile(r"[^\w]+|_+")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
HAN = re.compile(r"[\u3400-\u9fff]")
RESERVED = frozenset(
    """
    all alter and any as asc between by case cast check column create cross cube current_catalog
    current_date current_time current_timestamp current_user default desc distinct drop else end except
    exists false fetch for force from full glob grant group having if ilike in inner insert install
    intersect interval into is join lateral left like limit localtime localtimestamp lock map natural
    not notnull null offset on only or order outer over partition partitioned_by positional primary
    qualify range regexp returning revoke right rlike rollback rollup rows select session_user set some
    summarize table tablesample then to true uncache union unique user using values when where window
    with xor
    """.split()  # noqa: SIM905  # a hundred words, to be read
)
"""Words of SQL that cannot be names without quotes."""


@dataclass(frozen=True)
class KnownBounds:
    terms: HeaderTerms
    low: float
    high: float
    step: float
    measured_in: str
    percent: bool


@dataclass(frozen=True)
class HeaderWords:
    """policies/headers.yaml: what the words of a header mean."""

    units: tuple[tuple[str, HeaderTerms], ...]
    row_numbers: HeaderTerms
    bounds: tuple[KnownBounds, ...]
    words: Mapping[str, str]

    def unit_kind(self, header: str) -> tuple[str, int] | None:
        """Whom a column of ids may be about, and how sure (0: the surest)."""
        text = HeaderText.of(header)
        return next(
            ((kind, place) for place, (kind, terms) in enumerate(self.units) if terms.name(text)), None
        )

    def known_bounds(self, header: str) -> KnownBounds | None:
        text = HeaderText.of(header)
        return next((bounds for bounds in self.bounds if bounds.terms.name(text)), None)

    def titles(self, header: str, name: str) -> dict[str, str]:
        """The header as a title in both languages. A word that is not known stays as it is."""
        title = header or name
        if HAN.search(title):
            return {"zh": title, "en": self.words.get(title, title)}
        plain = CAMEL.sub(" ", title).replace("_", " ").strip()
        back = {en: zh for zh, en in reversed(list(self.words.items()))}
        return {"zh": back.get(plain.lower(), title), "en": plain}


def load_header_words(policies: Path) -> HeaderWords:
    file = policies / "headers.yaml"
    document: Any = YamlText(
        file.read_text("utf-8"), policies / "headers.schema.json", what=file.name
    ).document
    return HeaderWords(
        tuple((entry["kind"], HeaderTerms.of(entry)) for entry in document["units"]),
        HeaderTerms.of(document["row_numbers"]),
        tuple(
            KnownBounds(
                HeaderTerms.of(entry),
                entry["low"],
                entry["high"],
                entry["step"],
                entry["measured_in"],
                entry.get("percent", False),
            )
            for entry in document["bounds"]
        ),
        document["words"],
    )


def column_name(header: str, taken: Collection[str]) -> str:
    """A name that SQL takes without quotes, different from those that are taken."""
    text = CAMEL.sub("_", unicodedata.normalize("NFKC", header)).lower()
    letters = "".join(sign if unicodedata.category(sign) in ("Ll", "Lo", "Nd") else " " for sign in text)
    name = NOT_IN_NAMES.sub("_", letters).strip("_")[:LONGEST].strip("_")
    name = unicodedata.normalize("NFC", name)
    if not name:
        name = "unnamed"
    if unicodedata.category(name[0]) == "Nd":
        name = f"c_{name}"[:LONGEST]
    if name in RESERVED:
        name = f"{name}_"
    place, found = 1, name
    while found in taken:
        place += 1
        found = f"{name}_{place}"
    return found
