"""The words of a column's header, and the terms of reviewed files that are looked for in it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NO_WORD = re.compile(r"[^0-9a-z㐀-鿿]+")


@dataclass(frozen=True)
class HeaderText:
    """A header, as words are looked for in it."""

    spaced: str
    joined: str

    @classmethod
    def of(cls, header: str) -> "HeaderText":
        words = CAMEL.sub(" ", unicodedata.normalize("NFKC", header)).lower()
        parts = NO_WORD.sub(" ", words).split()
        return cls(f" {' '.join(parts)} ", "".join(parts))


@dataclass(frozen=True)
class HeaderTerms:
    """Words that name something in a header: Chinese ones anywhere, Latin ones as whole words."""

    zh: tuple[str, ...]
    en: tuple[str, ...]

    @classmethod
    def of(cls, entry: Mapping[str, Sequence[str]]) -> "HeaderTerms":
        """As they stand in a reviewed file, under `zh` and `en`."""
        return cls(tuple(entry["zh"]), tuple(entry["en"]))

    def name(self, header: HeaderText) -> bool:
        for word in (*self.zh, *self.en):
            text = word.removeprefix("=").lower()
            if word.startswith("="):
                if text.replace(" ", "") == header.joined:
                    return True
            elif (f" {text} " in header.spaced) if text.isascii() else (text in header.joined):
                return True
        return False
